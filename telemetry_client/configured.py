"""What a client is told when it is made, by its arguments or by the environment."""

from __future__ import annotations

import ipaddress
import os
import ssl
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from telemetry_client.credentials import TOKEN_ADDRESS, ClientCredentials, Credential, Fixed
from telemetry_client.errors import ConfigurationError
from telemetry_client.retries import Patience
from telemetry_client.session import Session

if TYPE_CHECKING:
    from pathlib import Path

URL_VARIABLE = "TELEMETRY_API_URL"
KEY_VARIABLE = "TELEMETRY_API_KEY"

USER_AGENT = "telemetry-client"


class Configured:
    """What the blocking and the asynchronous client have in common: how they are made.

    Without a credential the client asks as nobody, which an API that runs where nobody signs in
    takes.

    Args:
        url: where the API is; None: what TELEMETRY_API_URL says.
        api_key: says who asks; None, and no other credential: what TELEMETRY_API_KEY says.
        client_id: a machine's name, which gets tokens by `client_secret` in place of a key.
        client_secret: its secret.
        scope: what tokens are for, with spaces between; None: all that is open to the machine.
        token_url: where tokens are given out, if not by the API itself.
        purpose: why personal data are read; it is written down with each read.
        language: of texts, `en` or `zh`.
        ca_file: certificates of the authorities to trust in place of the system's (PEM).
        timeout_s: how long to wait for each answer to go on [s].
        attempts: requests in all, where the API is busy or away.
        longest_wait_s: between two of them; where the API asks for more, the error is raised [s].
        allow_http: send a credential unencrypted to another machine, where that is safe.

    Raises:
        ConfigurationError: something is missing, or does not go together.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        api_key: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        scope: str | None = None,
        token_url: str | None = None,
        purpose: str | None = None,
        language: str | None = None,
        ca_file: str | Path | None = None,
        timeout_s: float = 60.0,
        attempts: int = 5,
        longest_wait_s: float = 60.0,
        allow_http: bool = False,
    ) -> None:
        self.url = _url(url or os.environ.get(URL_VARIABLE, ""))
        credential = _credential(api_key, client_id, client_secret, scope, token_url)
        if credential is not None and not allow_http:
            for address in (self.url, token_url or self.url):
                _require_encryption(address)
        headers = {"user-agent": USER_AGENT}
        if purpose is not None:
            headers["x-purpose"] = quote(purpose, safe=" !#$&'()*+,-./:;=?@[]_~")
        if language is not None:
            headers["accept-language"] = language
        self._session = Session(
            credential or Fixed({}),
            Patience(attempts=attempts, longest_wait_s=longest_wait_s),
            headers,
        )
        self._open(timeout_s, _tls(ca_file))

    def _open(self, timeout_s: float, tls: ssl.SSLContext | None) -> None:
        """Make what sends."""
        raise NotImplementedError

    def __repr__(self) -> str:
        """Where the API is; nothing of who asks."""
        return f"{type(self).__name__}({self.url!r})"


def _url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigurationError(
            f"Where the API is has to be said: pass url='https://…', or set {URL_VARIABLE}."
        )
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ConfigurationError(
            "The API's address is its scheme, host, port and path; a key goes to api_key."
        )
    return url.rstrip("/")


def _credential(
    api_key: str | None,
    client_id: str | None,
    client_secret: str | None,
    scope: str | None,
    token_url: str | None,
) -> Credential | None:
    if client_id is not None or client_secret is not None:
        if client_id is None or client_secret is None:
            raise ConfigurationError("client_id and client_secret are given together.")
        if api_key is not None:
            raise ConfigurationError("Give an api_key, or a client_id with its secret, not both.")
        return ClientCredentials(client_id, client_secret, scope, token_url or TOKEN_ADDRESS)
    if scope is not None or token_url is not None:
        raise ConfigurationError("scope and token_url are of a client_id with its secret.")
    key = api_key or os.environ.get(KEY_VARIABLE)
    if key and not (key.isascii() and key.isprintable() and " " not in key):
        raise ConfigurationError("The API key has characters that no key has.")
    return Fixed({"x-api-key": key}) if key else None


def _require_encryption(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme == "https" or _is_loopback(parts.hostname or ""):
        return
    raise ConfigurationError(
        "The credential would go over the network unencrypted: use https://…, or pass "
        "allow_http=True where the network is safe."
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _tls(ca_file: str | Path | None) -> ssl.SSLContext | None:
    if ca_file is None:
        return None
    try:
        return ssl.create_default_context(cafile=str(ca_file))
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(f"{ca_file} has no certificates to trust: {error}.") from error
