"""Who asks, by what a request carries: a token, an API key or a session, checked, then remembered.

A token's signature and times are checked first, by themselves: what fails costs no more than that.
What holds is looked up in the database, so that who is signed out, revoked or disabled is refused,
and remembered for some seconds, so that the next requests cost a hash.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from api.codes import Code
from api.problems import ProblemError, missing_sign_in
from api.scopes import EVERYTHING, Role, Scope, held
from api.signing_in import credentials, sessions, tokens
from api.signing_in.provider_claims import named
from api.signing_in.throttle import Throttle
from api.signing_in.tokens import InvalidTokenError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from joserfc.jwk import KeySet
    from starlette.requests import Request

    from api.signing_in.identity_provider import ProviderKeys
    from api.signing_in.provider_claims import ProviderClaims
    from api.signing_in.sessions import Carried, Sessions
    from api.signing_in.tokens import Rules, SigningKeys
    from storage.served_identity import IdentityReader, StoredCaller

REMEMBERED_S = 10.0
"""How long a caller is known without asking the database: how late a revocation is felt [s]."""

REMEMBERED = 10_000
"""Callers that are remembered at most."""

WRONG_KEYS = 100
WRONG_KEYS_WINDOW_S = 60.0
"""Well-formed keys that are none, from one address within this time, before it has to wait [s]."""

KEY_HEADER = "x-api-key"
MAX_KEY = 128


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """Who asks."""

    party_id: int
    """As which they read: the party's number, or a driver's own with a minus."""
    role: str
    subject: str
    """`account:name`, `client:id`, `key:prefix` or `oidc:subject`: who is written down."""
    scopes: frozenset[Scope]
    driver_id: int | None = None
    """Who a driver is, who sees what is his own and nothing else."""
    expires_at: float = float("inf")
    """Until when this holds [s since 1970]."""


def anybody(party_id: int) -> Caller:
    """Whoever asks where nobody signs in."""
    return Caller(party_id=party_id, role="anybody", subject="nobody signed in", scopes=EVERYTHING)


class Identifier:
    """Tells who asks.

    Args:
        reader: what the database knows of callers.
        rules: what a token must say.
        keys: what our own tokens are signed with; None where a provider's are taken.
        provider: a foreign provider's keys, with its claims.
        browsers: who is signed in in a browser; None where nobody can be.
    """

    def __init__(
        self,
        reader: IdentityReader,
        rules: Rules,
        *,
        keys: SigningKeys | None,
        provider: tuple[ProviderKeys, ProviderClaims] | None,
        browsers: Sessions | None = None,
    ) -> None:
        self._reader = reader
        self._rules = rules
        self._keys = keys
        self._provider = provider
        self._browsers = browsers
        self._known: OrderedDict[bytes, tuple[float, Caller]] = OrderedDict()
        self._wrong_keys = Throttle(WRONG_KEYS, WRONG_KEYS_WINDOW_S)

    async def caller(self, request: Request) -> Caller:
        """Who asks.

        Raises:
            ProblemError: 401, nobody we know; 403, a page elsewhere uses a session; 429, too many
                keys that are none from there.
            ProviderUnreachableError: the provider's keys are not known.
            DatabaseUnreachableError: the database does not answer.
        """
        session = sessions.carried(request) if self._browsers and not _has_header(request) else None
        if session is not None and self._browsers is not None:
            await sessions.require_rightful(request)
            return await self._of_session(session, self._browsers)
        credential = _credential(request)
        digest = hashlib.sha256(credential.encode("utf-8", "surrogateescape")).digest()
        known = self._remembered(digest)
        if known is not None:
            return known
        if credential.startswith(credentials.KEY_MARK):
            address = request.client.host if request.client else ""
            found = await self._of_key(credential, digest, address)
        elif self._provider is not None:
            found = await self._of_provider(credential, *self._provider)
        else:
            found = await self._of_token(credential)
        self._remember(digest, found)
        return found

    def forget(self, subject: str) -> None:
        """Ask the database anew for whoever this is, the next time."""
        for digest in [key for key, (_, known) in self._known.items() if known.subject == subject]:
            del self._known[digest]

    def _remembered(self, digest: bytes) -> Caller | None:
        remembered = self._known.get(digest)
        if remembered is None:
            return None
        until, known = remembered
        if time.monotonic() < until and time.time() < known.expires_at:
            return known
        del self._known[digest]
        return None

    def _remember(self, digest: bytes, found: Caller) -> None:
        self._known[digest] = (time.monotonic() + REMEMBERED_S, found)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    async def _of_session(self, session: Carried, browsers: Sessions) -> Caller:
        # No header carries what a cookie does: the two are remembered apart.
        digest = b"session:" + session.hash
        known = self._remembered(digest)
        if known is not None:
            return known
        stored = await browsers.find(session)
        if stored is None:
            raise missing_sign_in("This session has ended.", wrong=True)
        found = _caller(stored, stored.scopes)
        self._remember(digest, found)
        return found

    async def _of_key(self, key: str, digest: bytes, address: str) -> Caller:
        if len(key) > MAX_KEY or not credentials.is_api_key(key):
            raise missing_sign_in("This is no API key, or a slip of the pen is in it.", wrong=True)
        wait_s = self._wrong_keys.wait_s(address)
        if wait_s:
            raise too_many(wait_s)
        stored = await self._reader.caller_of_key(digest)
        if stored is None:
            self._wrong_keys.count(address)
            raise missing_sign_in(
                "This API key does not exist, has expired or was revoked.", wrong=True
            )
        return _caller(stored, stored.scopes)

    async def _of_token(self, token: str) -> Caller:
        if self._keys is None:  # pragma: no cover - the settings see to it
            raise missing_sign_in("No access tokens are taken here.", wrong=True)
        claims = _claims(token, self._keys.public(), self._rules)
        stored = await self._standing(claims)
        if stored is None:
            raise missing_sign_in("Whoever had this token is signed out.", wrong=True)
        scopes = set(str(claims.get("scope", "")).split()) & set(stored.scopes)
        return _caller(stored, scopes, expires_at=claims["exp"])

    async def _standing(self, claims: dict[str, Any]) -> StoredCaller | None:
        try:
            token_id = UUID(str(claims["jti"]))
            if "sid" in claims:
                return await self._reader.caller_of_sign_in(UUID(str(claims["sid"])), token_id)
            client_id = str(claims["client_id"])
            if not client_id.isprintable():
                return None
            return await self._reader.caller_of_client(client_id, token_id)
        except (KeyError, ValueError):
            return None

    async def _of_provider(
        self, token: str, provider: ProviderKeys, names: ProviderClaims
    ) -> Caller:
        if len(token) > tokens.MAX_LENGTH:
            raise missing_sign_in("This is no access token.", wrong=True)
        keys = await provider.having(tokens.header_of(token).get("kid"))
        claims = _claims(token, keys, self._rules)
        who = named(claims, names)
        if who is None:
            raise missing_sign_in(
                f"This token lacks {names.subject}, {names.party} or {names.role}: who it is, of "
                f"which party, in which role ({', '.join(Role)}).",
                wrong=True,
            )
        stored = await self._reader.caller_of_party(who.party, who.role, who.driver_id)
        if stored is None:
            raise missing_sign_in(
                "This token names a party that is not here, or a role that it does not have.",
                wrong=True,
            )
        scopes = claims.get(names.scope, "")
        wanted = scopes if isinstance(scopes, list) else str(scopes).split()
        return _caller(
            stored,
            map(str, wanted),
            subject=f"{sessions.OF_PROVIDER}{who.subject}",
            expires_at=claims["exp"],
        )


def _has_header(request: Request) -> bool:
    return "authorization" in request.headers or KEY_HEADER in request.headers


def _credential(request: Request) -> str:
    """The one thing a request carries that says who asks."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    key = request.headers.get(KEY_HEADER)
    if len(request.headers.getlist("authorization")) + (key is not None) > 1:
        raise missing_sign_in("The request carries more than one credential.", wrong=True)
    if key is not None:
        return key if key.startswith(credentials.KEY_MARK) else f"{credentials.KEY_MARK}no key"
    if kind.lower() != "bearer" or not token.strip():
        raise missing_sign_in("Nobody is signed in.", wrong=False)
    return token.strip()


def _claims(token: str, keys: KeySet, rules: Rules) -> dict[str, Any]:
    if len(token) > tokens.MAX_LENGTH:
        raise missing_sign_in("This is no access token.", wrong=True)
    try:
        return tokens.verified(token, keys, rules)
    except InvalidTokenError as error:
        raise missing_sign_in(f"This access token is not taken: {error}.", wrong=True) from None


def _caller(
    stored: StoredCaller,
    scopes: Iterable[str],
    *,
    subject: str | None = None,
    expires_at: float = float("inf"),
) -> Caller:
    until = expires_at if stored.expires_at is None else stored.expires_at.timestamp()
    return Caller(
        party_id=stored.party_id,
        role=stored.role,
        subject=subject or stored.subject,
        scopes=held(stored.role, scopes),
        driver_id=stored.driver_id,
        expires_at=min(until, expires_at),
    )


def too_many(wait_s: float) -> ProblemError:
    """The answer to whom tries too often."""
    return ProblemError(
        code=Code.TOO_MANY_TRIES,
        detail="Too many credentials that are none came from this address.",
        way_out="Wait as long as Retry-After says, and use a key that holds.",
        headers={"Retry-After": str(int(wait_s) + 1)},
    )
