"""People who sign in in a browser through the identity provider (OIDC): authorization code, PKCE.

The browser keeps what begins a sign-in in a cookie until it comes back: the state that ties the
answer to it, the nonce that ties the ID token to it, and the verifier without which a code that
somebody overhears is worth nothing. Who comes back with anything else begins anew.
[OpenID Connect Core 1.0, 3.1; RFC 7636; RFC 9207; RFC 9700]
"""

from __future__ import annotations

import asyncio
import hmac
import json
import time
import urllib.error
import urllib.request
from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from authlib.common.security import generate_token
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from api.signing_in import tokens
from api.signing_in.identity_provider import (
    ALGORITHMS,
    MAX_BYTES,
    TIMEOUT_S,
    ProviderUnreachableError,
    fetch_json,
    opener,
    require_safe,
)
from api.signing_in.provider_claims import named
from api.signing_in.tokens import InvalidTokenError, Rules
from schemas.errors import SettingsError, TelemetryError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from api.settings import ApiSettings
    from api.signing_in.identity_provider import ProviderKeys
    from api.signing_in.provider_claims import Named, ProviderClaims

COOKIE = "entering"
LIFETIME_S = 600
"""How long one may take to sign in there [s]."""

CONFIGURATION_FRESH_S = 3600.0
"""How long the provider's configuration is taken for its present one [s]."""

SECRET_LENGTH = 48
"""Characters of state, nonce and verifier: each some 285 random bits."""

_PIECES = 3


class ProviderRefusedError(TelemetryError):
    """The provider did not sign this person in, or what came back is not what was asked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entering:
    """A sign-in that has begun."""

    state: str
    nonce: str
    verifier: str

    def __repr__(self) -> str:
        """Without what is secret."""
        return "Entering(…)"

    @property
    def cookie(self) -> str:
        """What the browser keeps of it."""
        return f"{self.state}.{self.nonce}.{self.verifier}"


def entering() -> Entering:
    """A new sign-in."""
    state, nonce, verifier = (generate_token(SECRET_LENGTH) for _ in range(_PIECES))
    return Entering(state=state, nonce=nonce, verifier=verifier)


def read(cookie: str) -> Entering | None:
    """The sign-in that a browser has kept; None: it has none."""
    pieces = cookie.split(".")
    if len(pieces) != _PIECES or any(len(piece) != SECRET_LENGTH for piece in pieces):
        return None
    return Entering(state=pieces[0], nonce=pieces[1], verifier=pieces[2])


class ProviderSignIn:
    """The way to the provider and back.

    Args:
        settings: which provider, and who we are to it.
        keys: its signing keys.
        names: which claims say who it is.
    """

    def __init__(self, settings: ApiSettings, keys: ProviderKeys, names: ProviderClaims) -> None:
        self._issuer = settings.oidc_issuer or ""
        self._client_id = settings.oidc_client_id or ""
        self._secret = settings.oidc_client_secret
        self._scopes = settings.oidc_scopes
        self._keys = keys
        self._names = names
        self._rules = Rules(
            issuer=self._issuer,
            audience=self._client_id,
            skew_s=settings.oidc_clock_skew_s,
            algorithms=ALGORITHMS,
            types=("jwt",),
        )
        self._known: dict[str, Any] = {}
        self._known_until = float("-inf")

    async def address(self, begun: Entering, back: str) -> str:
        """Where the browser goes to sign in.

        Args:
            begun: the sign-in.
            back: our address that it comes back to.

        Raises:
            ProviderUnreachableError: the provider does not say where.
        """
        configuration = await self._configuration()
        return str(
            prepare_grant_uri(
                configuration["authorization_endpoint"],
                self._client_id,
                "code",
                redirect_uri=back,
                scope=self._scopes,
                state=begun.state,
                nonce=begun.nonce,
                code_challenge=create_s256_code_challenge(begun.verifier),
                code_challenge_method="S256",
            )
        )

    async def completed(self, begun: Entering, answer: Mapping[str, str], back: str) -> Named:
        """Who has signed in there.

        Args:
            begun: the sign-in that the browser has kept.
            answer: what it came back with.
            back: the address it came back to.

        Raises:
            ProviderRefusedError: nobody has, or it was another sign-in.
            ProviderUnreachableError: the provider does not answer.
        """
        if not hmac.compare_digest(answer.get("state", "").encode(), begun.state.encode()):
            raise ProviderRefusedError("it is the answer to another sign-in")
        if answer.get("iss", self._issuer) != self._issuer:
            raise ProviderRefusedError("it is another provider's answer")
        code = answer.get("code", "")
        if "error" in answer or not code:
            raise ProviderRefusedError("the provider has signed nobody in")
        token = await asyncio.to_thread(
            self._token, (await self._configuration())["token_endpoint"], code, begun, back
        )
        keys = await self._keys.having(tokens.header_of(token).get("kid"))
        try:
            claims = tokens.verified(token, keys, self._rules)
        except InvalidTokenError as error:
            raise ProviderRefusedError(f"its ID token is not taken: {error}") from None
        if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), begun.nonce.encode()):
            raise ProviderRefusedError("its ID token is of another sign-in")
        if claims.get("azp", self._client_id) != self._client_id:
            raise ProviderRefusedError("its ID token is for another client")
        who = named(claims, self._names)
        if who is None:
            raise ProviderRefusedError("its ID token lacks who it is, of which party or role")
        return who

    async def _configuration(self) -> Mapping[str, Any]:
        if time.monotonic() > self._known_until:
            try:
                found = await asyncio.to_thread(
                    fetch_json, f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
                )
                self._check(found)
            except (OSError, ValueError, KeyError, TypeError, SettingsError) as error:
                raise ProviderUnreachableError(
                    f"The identity provider does not say where to sign in ({type(error).__name__})."
                ) from error
            self._known = found
            self._known_until = time.monotonic() + CONFIGURATION_FRESH_S
        return self._known

    def _check(self, configuration: Mapping[str, Any]) -> None:
        if configuration["issuer"] != self._issuer:
            raise ValueError("another issuer")
        for name in ("authorization_endpoint", "token_endpoint"):
            require_safe(str(configuration[name]), name)

    def _token(self, address: str, code: str, begun: Entering, back: str) -> str:
        """The ID token that a code is worth; blocks."""
        more = {"code": code, "redirect_uri": back, "code_verifier": begun.verifier}
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        if self._secret is None:
            more["client_id"] = self._client_id
        else:
            pair = f"{quote(self._client_id, safe='')}:" + quote(
                self._secret.get_secret_value(), safe=""
            )
            headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        body = prepare_token_request("authorization_code", **more).encode()
        request = urllib.request.Request(address, data=body, headers=headers, method="POST")  # noqa: S310 - checked
        try:
            with opener().open(request, timeout=TIMEOUT_S) as answer:
                found = json.loads(answer.read(MAX_BYTES))
            return str(found["id_token"])[: tokens.MAX_LENGTH]
        except urllib.error.HTTPError as error:
            error.close()
            if error.code < 500:  # the request is at fault
                raise ProviderRefusedError("the provider does not take the code") from None
            raise ProviderUnreachableError("The identity provider has failed.") from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ProviderUnreachableError(
                f"The identity provider gave no ID token ({type(error).__name__})."
            ) from None
