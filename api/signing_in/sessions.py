"""People in a browser: who they are by a cookie, and that one of our own pages is what asks.

A browser sends its cookie by itself, whichever page makes it ask. So a cookie says who asks only
where the browser says, too, that a page of ours does; and what changes something carries a token
besides that only our pages know. The cookie's secret is random; the database has its hash alone.
"""

from __future__ import annotations

import hmac
import secrets
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool

from api import forms
from api.codes import Code
from api.problems import ProblemError, missing_sign_in
from api.scopes import ROLE_SCOPES, Role
from api.settings import LOOPBACK_NAMES
from api.signing_in import credentials
from api.signing_in.authorization import OWN_PROGRAM

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from api.settings import ApiSettings
    from api.signing_in.provider_claims import Named
    from storage.served_identity import IdentityReader
    from storage.served_sessions import SessionReader, StoredSession

COOKIE = "__Host-session"
"""Browsers take it over https alone, for this host and no other, and send it nowhere else."""

LOOPBACK_COOKIE = "session"
"""Its name over plain http on this machine, where browsers would refuse the other."""

TOKEN_FIELD = "csrf"  # noqa: S105 - a name
TOKEN_HEADER = "x-csrf-token"  # noqa: S105 - a name

PROGRAMS = ("/v1/",)
"""Addresses of programs that our pages' scripts ask, too."""

PROGRAMS_ALONE = ("/rfms",)
"""Addresses that no page asks: a cookie is nothing there."""

OF_PROVIDER = "oidc:"
"""How the subject begins of whom an identity provider has signed in."""

SAFE = frozenset({"GET", "HEAD"})

_MAX_TOKEN = 128


@dataclass(frozen=True, kw_only=True, slots=True)
class Carried:
    """A session's secret as a request carries it."""

    secret: str

    def __repr__(self) -> str:
        """Without what is secret."""
        return "Carried(…)"

    @property
    def hash(self) -> bytes:
        """What the database knows of it."""
        return credentials.hash_of(self.secret)


def carried(request: Request) -> Carried | None:
    """The session that a request carries; whether it holds is not said."""
    secret = request.cookies.get(LOOPBACK_COOKIE if is_plain(request) else COOKIE, "")
    if not secret.startswith(credentials.SESSION_MARK) or len(secret) > _MAX_TOKEN:
        return None
    return Carried(secret=secret) if secret.isascii() else None


def token(request: Request) -> str:
    """What forms and scripts of the pages of this session send back; empty where there is none.

    It is masked anew for each page: pages are compressed, and what is the same in all of them could
    be guessed from their sizes.
    """
    own = _token(request)
    if own is None:
        return ""
    mask = secrets.token_bytes(len(own))
    return (mask + _masked(own, mask)).hex()


def _token(request: Request) -> bytes | None:
    session = carried(request)
    return None if session is None else hmac.digest(session.secret.encode(), b"pages", "sha256")


def _masked(token: bytes, mask: bytes) -> bytes:
    return bytes(one ^ other for one, other in zip(token, mask, strict=True))


def _fits(request: Request, sent: str) -> bool:
    own = _token(request)
    try:
        told = bytes.fromhex(sent)
    except ValueError:
        return False
    if own is None or len(told) != 2 * len(own):
        return False
    return hmac.compare_digest(_masked(told[len(own) :], told[: len(own)]), own)


def keep(request: Request, response: Response, secret: str, lifetime_s: int) -> None:
    """Let the browser carry a new session."""
    plain = is_plain(request)
    response.set_cookie(
        LOOPBACK_COOKIE if plain else COOKIE,
        secret,
        max_age=lifetime_s,
        path="/",
        secure=not plain,
        httponly=True,
        samesite="lax",
    )


def drop(request: Request, response: Response) -> None:
    """Let the browser forget its session."""
    plain = is_plain(request)
    response.delete_cookie(
        LOOPBACK_COOKIE if plain else COOKIE,
        path="/",
        secure=not plain,
        httponly=True,
        samesite="lax",
    )


def origin(request: Request) -> str:
    """Where the browser reads us."""
    scheme = "http" if is_plain(request) else "https"
    return f"{scheme}://{request.headers.get('host', '')}"


def is_plain(request: Request) -> bool:
    """Whether it is this machine that asks itself without TLS."""
    host = request.headers.get("host", "").lower()
    name, colon, port = host.rpartition(":")
    return request.url.scheme == "http" and (
        (name if colon and port.isdigit() else host) in LOOPBACK_NAMES
    )


def is_ours(request: Request) -> bool:
    """Whether the browser says that a page of ours asks.

    Sec-Fetch-Site says so over https and on this machine; where it is not sent, Origin has to name
    us. Over plain http from elsewhere neither does.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    named = urlsplit(request.headers.get("origin", "")).netloc
    return bool(named) and named.lower() == request.headers.get("host", "").lower()


def require_ours(request: Request) -> None:
    """Refuse what a page elsewhere sends.

    Raises:
        ProblemError: 403.
    """
    if not is_ours(request):
        raise cross_site("The browser does not say that a page of ours has sent this.")


def cross_site(detail: str) -> ProblemError:
    """The answer to what may have come from a page elsewhere."""
    return ProblemError(
        code=Code.CROSS_SITE,
        detail=detail,
        way_out="Load the page anew and send it from there, over https. Programs send "
        "`Authorization: Bearer` or X-API-Key, and no cookie.",
    )


async def require_rightful(request: Request) -> None:
    """Refuse a request that has a session but may not come from one of our pages.

    Raises:
        ProblemError: 401, a cookie is nothing at this address; 403, a page elsewhere may have
            sent it.
    """
    path = request.url.path
    if path.startswith(PROGRAMS_ALONE):
        raise missing_sign_in("Nobody is signed in.", wrong=False)
    if request.method in SAFE:
        if path.startswith(PROGRAMS) and not is_ours(request):
            raise missing_sign_in("A page elsewhere, or none, asks with this cookie.", wrong=True)
        return
    require_ours(request)
    sent = request.headers.get(TOKEN_HEADER)
    if sent is None and not path.startswith(PROGRAMS):
        try:
            sent = (await forms.read(request)).get(TOKEN_FIELD)
        except forms.FormError as error:
            raise cross_site("What was sent is no form of ours.") from error
    if not _fits(request, sent or ""):
        raise cross_site("The token of the page is missing, or of another sign-in.")


class Sessions:
    """Signs people in and out, and tells who has a session.

    Args:
        accounts: who may sign in.
        reader: sessions.
        settings: how long they last; and whether an identity provider signs people in, in place
            of us: then nobody else has a session, and without one nobody whom it signed in.
    """

    def __init__(
        self, accounts: IdentityReader, reader: SessionReader, settings: ApiSettings
    ) -> None:
        self._of_provider = settings.oidc_issuer is not None
        self._accounts = accounts
        self._reader = reader
        self.lifetime_s = settings.api_sign_in_lifetime_s
        self._idle = timedelta(seconds=settings.api_session_idle_s)

    async def begin(self, name: str, password: str) -> str | None:
        """Sign a person in: what the cookie carries; None: name and password do not fit."""
        account = await self._accounts.account_to_sign_in(name)
        stored = account.password_hash if account else credentials.NOBODYS_HASH
        fits = await run_in_threadpool(credentials.password_fits, stored, password)
        if account is None or not fits:
            return None
        secret = credentials.new_session()
        await self._reader.begin(
            account.account_id,
            client_id=OWN_PROGRAM,
            scopes=sorted(ROLE_SCOPES[Role(account.role)]),
            family_id=uuid.uuid4(),
            session_hash=credentials.hash_of(secret),
            lifetime=timedelta(seconds=self.lifetime_s),
            idle=self._idle,
        )
        return secret

    async def begin_of_provider(self, who: Named) -> str | None:
        """Sign in whom the provider has: what the cookie carries; None: no such party or role."""
        secret = credentials.new_session()
        begun = await self._reader.begin_of_provider(
            who.subject,
            party=who.party,
            role=who.role,
            driver_id=who.driver_id,
            scopes=sorted(ROLE_SCOPES[who.role]),
            session_hash=credentials.hash_of(secret),
            lifetime=timedelta(seconds=self.lifetime_s),
            idle=self._idle,
        )
        return secret if begun else None

    async def find(self, session: Carried) -> StoredSession | None:
        """Who has a session now; to ask is to use it."""
        found = await self._reader.caller(session.hash)
        if found is None or found.subject.startswith(OF_PROVIDER) != self._of_provider:
            return None
        if found.is_due:
            await self._reader.use(session.hash, of_provider=self._of_provider)
        return found

    async def end(self, session: Carried, *, everywhere: bool = False) -> None:
        """Sign a person out of this browser, or of every browser and program."""
        await self._reader.end(session.hash, of_provider=self._of_provider, everywhere=everywhere)
