"""A foreign identity provider (OIDC): its signing keys, fetched when needed and kept for a while.

Nothing a token says makes us ask anywhere: the address is the settings'. A key that is not known is
asked for at once, but not more often than every few seconds, whatever tokens come. While the
provider is away the keys that are known go on for a day.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING, Any

from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from schemas.errors import SettingsError, TelemetryError

if TYPE_CHECKING:
    from collections.abc import Callable

FRESH_S = 600.0
"""How long keys are taken for the provider's present ones [s]."""

STALE_S = 86_400.0
"""How long they go on while the provider does not answer [s]."""

ASK_AGAIN_S = 10.0
"""How long after one try the next is made, at the earliest [s]."""

TIMEOUT_S = 5.0
MAX_BYTES = 1 << 20

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA", "Ed25519")
"""Signatures by a key pair alone: with a shared secret whoever verifies could also sign."""

_KINDS = frozenset({"RSA", "EC", "OKP"})

logger = logging.getLogger("telemetry.api")


class ProviderUnreachableError(TelemetryError):
    """The identity provider's keys are not known and it does not answer."""


def require_safe(address: str, setting: str) -> None:
    """Refuse an address where somebody on the way could put in keys of their own.

    Raises:
        SettingsError: it is not https, and not on this machine.
    """
    parts = urllib.parse.urlsplit(address)
    if parts.scheme == "https" and parts.hostname:
        return
    if parts.scheme == "http" and parts.hostname in {"localhost", "127.0.0.1", "::1"}:
        return
    raise SettingsError(f"{setting} is {address!r}: use an https address.")


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Nobody sends us elsewhere."""

    def redirect_request(self, *_: Any) -> None:
        return None


def opener() -> urllib.request.OpenerDirector:
    """Opens an address that `require_safe` has seen, and no other that it may name."""
    return urllib.request.build_opener(_NoRedirects)


def fetch_json(address: str) -> dict[str, Any]:
    """A JSON object from an address that `require_safe` has seen; blocks."""
    request = urllib.request.Request(address, headers={"Accept": "application/json"})  # noqa: S310 - checked
    with opener().open(request, timeout=TIMEOUT_S) as answer:
        found = json.loads(answer.read(MAX_BYTES))
    if not isinstance(found, dict):
        raise TypeError("no JSON object")
    return found


class ProviderKeys:
    """The provider's signing keys.

    Args:
        issuer: the provider.
        address: of its JWK set; None: its configuration says.
        fetch: gets a JSON object from an address.
        clock: the time [s].
    """

    def __init__(
        self,
        issuer: str,
        address: str | None,
        *,
        fetch: Callable[[str], dict[str, Any]] = fetch_json,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        require_safe(
            address or issuer, "TELEMETRY_OIDC_JWKS_URL" if address else "TELEMETRY_OIDC_ISSUER"
        )
        self._issuer = issuer
        self._address = address
        self._fetch = fetch
        self._clock = clock
        self._keys: KeySet | None = None
        self._numbers: frozenset[object] = frozenset()
        self._fetched_at = self._tried_at = float("-inf")
        self._lock = asyncio.Lock()

    async def having(self, kid: object) -> KeySet:
        """The keys, with that of this number if the provider has it.

        Raises:
            ProviderUnreachableError: no keys are known and the provider does not answer.
        """
        if self._wanting(kid):
            async with self._lock:
                if self._wanting(kid):
                    self._tried_at = self._clock()
                    await self._refresh()
        if self._keys is None or self._clock() > self._fetched_at + STALE_S:
            raise ProviderUnreachableError(
                "The identity provider's signing keys are not known here: it does not answer."
            )
        return self._keys

    def _wanting(self, kid: object) -> bool:
        now = self._clock()
        if now < self._tried_at + ASK_AGAIN_S:
            return False
        return now > self._fetched_at + FRESH_S or (kid is not None and kid not in self._numbers)

    async def _refresh(self) -> None:
        try:
            keys = await asyncio.to_thread(self._load)
        except (
            OSError,
            ValueError,
            KeyError,
            TypeError,
            JoseError,
            urllib.error.URLError,
        ) as error:
            logger.warning(
                "The identity provider %s gave no signing keys (%s)",
                self._issuer,
                type(error).__name__,
            )
            return
        self._keys = keys
        self._numbers = frozenset(key.kid for key in keys.keys)
        self._fetched_at = self._clock()

    def _load(self) -> KeySet:
        if self._address is None:
            configuration = self._fetch(
                f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
            )
            if configuration["issuer"] != self._issuer:
                raise ValueError("another issuer")
            address = str(configuration["jwks_uri"])
            try:
                require_safe(address, "jwks_uri")
            except SettingsError as error:
                raise ValueError("unsafe address") from error
            self._address = address
        found = self._fetch(self._address)["keys"]
        # What is for encryption, or a shared secret, signs nothing.
        usable = [
            key for key in found if key.get("kty") in _KINDS and key.get("use", "sig") == "sig"
        ]
        if not usable:
            raise ValueError("no keys that sign")
        return KeySet.import_key_set({"keys": usable})
