"""The embedded OAuth 2 authorization server: Authlib's grants over our accounts and clients.

Authlib is synchronous and hashing a password takes its time, so a request runs in a thread of its
own and asks the database through the event loop. Clients get tokens by client credentials; people,
through the platform's own programs, by their password and then by refresh tokens. Whoever cannot
be let in is told the same in the same time, whatever the reason.
"""

from __future__ import annotations

import json
import logging
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from anyio import from_thread
from authlib.oauth2.rfc6749 import (
    AuthorizationServer,
    ClientMixin,
    InvalidGrantError,
    InvalidScopeError,
    OAuth2Request,
    TokenMixin,
)
from authlib.oauth2.rfc6749.grants import (
    ClientCredentialsGrant,
    RefreshTokenGrant,
    ResourceOwnerPasswordCredentialsGrant,
)
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc7009 import RevocationEndpoint

from api.scopes import ROLE_SCOPES, Role, held
from api.signing_in import credentials, tokens

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from api.settings import ApiSettings
    from api.signing_in.tokens import Rules, SigningKeys
    from storage.served_identity import IdentityReader, SignIn, StoredAccount, StoredClient

# Authlib tells every token it gives out to its log, at the level of debugging.
logging.getLogger("authlib").setLevel(logging.WARNING)

OWN_PROGRAM = "telemetry"
"""The public client that people sign in with: the platform's own command line and pages."""

R = TypeVar("R")


def _ask(question: Callable[..., Awaitable[R]], *args: object, **kwargs: object) -> R:
    """Ask the database from a thread of a request."""

    async def asked() -> R:
        return await question(*args, **kwargs)

    return from_thread.run(asked)


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What the server says."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)


class Request(OAuth2Request):  # type: ignore[misc]  # Authlib has no types
    """A form with its headers, as Authlib takes it."""

    def __init__(self, path: str, form: Mapping[str, str], headers: Mapping[str, str]) -> None:
        # Authlib insists on https; whether TLS ends in front of us it cannot know.
        super().__init__("POST", f"https://api{path}", headers=dict(headers))
        self._form = dict(form)
        self.payload = BasicOAuth2Payload(self._form)
        self.fresh_token: str | None = None
        self.family_id: uuid.UUID | None = None

    @property
    def args(self) -> dict[str, str]:
        """What an address carries: nothing, it would be logged on the way."""
        return {}

    @property
    def form(self) -> dict[str, str]:
        """What was sent."""
        return self._form


class Client(ClientMixin):  # type: ignore[misc]  # Authlib has no types
    """A client by the name it gives; whether there is one shows with its secret."""

    def __init__(self, reader: IdentityReader, client_id: str) -> None:
        self.client_id = client_id
        self._reader = reader
        self._stored: StoredClient | None = None

    def get_client_id(self) -> str:
        """Its name."""
        return self.client_id

    def check_client_secret(self, client_secret: str) -> bool:
        """Whether it is who it says: a look in an index, whether it exists or not."""
        digest = credentials.hash_of(client_secret)
        self._stored = _ask(self._reader.client_of_secret, self.client_id, digest)
        return self._stored is not None

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:  # noqa: ARG002 - Authlib's
        """Only our own program has no secret, and it has none."""
        return (method == "none") == (self.client_id == OWN_PROGRAM)

    def check_grant_type(self, grant_type: str) -> bool:
        """Machines have client credentials, people a password and refresh tokens."""
        return (grant_type == "client_credentials") != (self.client_id == OWN_PROGRAM)

    def allowed(self, role: str | None, given: frozenset[str] | None) -> frozenset[str]:
        """The most it may do, for itself or for a person."""
        if role is not None:
            most = frozenset(map(str, ROLE_SCOPES[Role(role)]))
            return most if given is None else most & given
        if self._stored is None:
            return frozenset()
        return frozenset(map(str, held(self._stored.role, self._stored.scopes)))


class Refresh(TokenMixin):  # type: ignore[misc]  # Authlib has no types
    """A refresh token that holds, or an access token that is to be revoked."""

    def __init__(
        self,
        *,
        client_id: str,
        sign_in: SignIn | None = None,
        digest: bytes = b"",
        claims: dict[str, Any] | None = None,
    ) -> None:
        self.client_id = client_id
        self.sign_in = sign_in
        self.digest = digest
        self.claims = claims

    def check_client(self, client: Client) -> bool:
        """Whether that client has it."""
        return self.client_id == client.client_id

    def get_scope(self) -> str:
        """What it was given for."""
        return " ".join(self.sign_in.scopes) if self.sign_in else ""


class _Password(ResourceOwnerPasswordCredentialsGrant):  # type: ignore[misc]  # Authlib has no types
    TOKEN_ENDPOINT_AUTH_METHODS = ("none",)

    def authenticate_user(self, username: str, password: str) -> StoredAccount:
        account: StoredAccount | None = _ask(
            self.server.reader.account_to_sign_in, username.strip().lower()
        )
        stored = account.password_hash if account else credentials.NOBODYS_HASH
        if not credentials.password_fits(stored, password) or account is None:
            raise InvalidGrantError("Name and password do not fit.")
        return account


class _Refresh(RefreshTokenGrant):  # type: ignore[misc]  # Authlib has no types
    TOKEN_ENDPOINT_AUTH_METHODS = ("none",)
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> Refresh | None:
        digest = credentials.hash_of(refresh_token)
        sign_in = _ask(self.server.reader.sign_in_of_token, digest)
        if sign_in is None:
            return None
        return Refresh(client_id=sign_in.client_id, sign_in=sign_in, digest=digest)

    def authenticate_user(self, refresh_token: Refresh) -> SignIn | None:
        self.request.family_id = refresh_token.sign_in.family_id if refresh_token.sign_in else None
        return refresh_token.sign_in

    def revoke_old_credential(self, refresh_token: Refresh) -> None:
        """Nothing: the new one was put in its place as it was stored."""


class _Machine(ClientCredentialsGrant):  # type: ignore[misc]  # Authlib has no types
    TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic", "client_secret_post")


class _Revocation(RevocationEndpoint):  # type: ignore[misc]  # Authlib has no types
    CLIENT_AUTH_METHODS = ("client_secret_basic", "client_secret_post", "none")

    def query_token(self, token_string: str, token_type_hint: str | None) -> Refresh | None:  # noqa: ARG002 - its form tells
        server: Server = self.server
        if token_string.startswith(credentials.REFRESH_MARK):
            digest = credentials.hash_of(token_string)
            sign_in = _ask(server.reader.sign_in_of_token, digest)
            return (
                None if sign_in is None else Refresh(client_id=sign_in.client_id, sign_in=sign_in)
            )
        try:
            claims = tokens.verified(token_string, server.keys.public(), server.rules)
        except tokens.InvalidTokenError:
            return None  # RFC 7009: what is worth nothing is revoked already
        return Refresh(client_id=str(claims.get("client_id")), claims=claims)

    def revoke_token(self, token: Refresh, request: Request) -> None:  # noqa: ARG002 - Authlib's
        server: Server = self.server
        if token.sign_in is not None:
            _ask(server.reader.end_sign_in, token.sign_in.family_id)
        elif token.claims is not None:
            expires_at = datetime.fromtimestamp(token.claims["exp"], tz=UTC)
            _ask(server.reader.revoke_token, uuid.UUID(token.claims["jti"]), expires_at)


class Server(AuthorizationServer):  # type: ignore[misc]  # Authlib has no types
    """Gives out tokens and takes them back; its methods block, so call them in a thread.

    Args:
        reader: accounts and clients.
        keys: what tokens are signed with.
        rules: what they must say.
        settings: how long things last.
    """

    def __init__(
        self, reader: IdentityReader, keys: SigningKeys, rules: Rules, settings: ApiSettings
    ) -> None:
        super().__init__()
        self.reader = reader
        self.keys = keys
        self.rules = rules
        self._lifetime_s = settings.api_token_lifetime_s
        self._refresh = timedelta(seconds=settings.api_refresh_lifetime_s)
        self._sign_in = timedelta(seconds=settings.api_sign_in_lifetime_s)
        for grant in (_Machine, _Password, _Refresh):
            self.register_grant(grant)
        self.register_endpoint(_Revocation)

    def token(self, form: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
        """Answer a request for a token (RFC 6749)."""
        answer: Answer = self.create_token_response(Request("/oauth/token", form, headers))
        return answer

    def revoke(self, form: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
        """Take a token back (RFC 7009)."""
        answer: Answer = self.create_endpoint_response(
            "revocation", Request("/oauth/revoke", form, headers)
        )
        return answer

    # What Authlib asks of a server:

    def query_client(self, client_id: str) -> Client:
        """A client of that name: whether there is one its secret shows."""
        return Client(self.reader, client_id)

    def create_oauth2_request(self, request: Request) -> Request:
        """It is one already."""
        return request

    def handle_response(
        self,
        status: int,
        body: Any,
        headers: list[tuple[str, str]],
    ) -> Answer:
        """What is sent."""
        if isinstance(body, str):
            body = json.loads(body)
        kept = {name: text for name, text in headers if name.lower() == "www-authenticate"}
        return Answer(status=status, body=body, headers=kept)

    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        """Nobody listens."""

    def generate_token(
        self,
        grant_type: str,  # noqa: ARG002 - Authlib's
        client: Client,
        user: StoredAccount | SignIn | None = None,
        scope: str | None = None,
        expires_in: int | None = None,  # noqa: ARG002 - settings say
        include_refresh_token: bool = True,
    ) -> dict[str, Any]:
        """Make a token with what was asked for, or with all there is.

        Raises:
            InvalidScopeError: more was asked for than there is.
        """
        given = getattr(user, "scopes", None)
        most = client.allowed(
            None if user is None else user.role, None if given is None else frozenset(given)
        )
        wanted = frozenset(scope.split()) if scope else most
        if not wanted <= most or not wanted:
            raise InvalidScopeError("There are no such scopes for this client or person.")
        family_id = None if user is None else getattr(user, "family_id", None) or uuid.uuid4()
        subject = client.client_id if user is None else f"account:{user.account_id}"
        made = {
            "token_type": "Bearer",
            "access_token": tokens.access_token(
                self.keys,
                self.rules,
                subject=subject,
                client_id=client.client_id,
                scopes=sorted(wanted),
                lifetime_s=self._lifetime_s,
                family_id=family_id,
            ),
            "expires_in": self._lifetime_s,
            "scope": " ".join(sorted(wanted)),
        }
        if include_refresh_token:
            made["refresh_token"] = credentials.new_refresh_token()
            made["_family"] = family_id
        return made

    def save_token(self, token: dict[str, Any], request: Request) -> None:
        """Store what goes on; an access token stands for itself."""
        family_id = token.pop("_family", None)
        if family_id is None:
            return
        fresh = credentials.hash_of(token["refresh_token"])
        if request.refresh_token is None:
            _ask(
                self.reader.begin_sign_in,
                request.user.account_id,
                client_id=request.client.client_id,
                scopes=token["scope"].split(),
                family_id=family_id,
                token_hash=fresh,
                lifetime=self._sign_in,
                token_lifetime=self._refresh,
            )
        elif not _ask(
            self.reader.rotate_refresh_token, request.refresh_token.digest, fresh, self._refresh
        ):
            raise InvalidGrantError("This refresh token was used before: the sign-in has ended.")
