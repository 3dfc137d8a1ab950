"""Tokens for OAUTHBEARER, from an OpenID provider by client credentials (RFC 6749, section 4.4).

One provider a process and client: the consumer, the producer and each admin client show the same
token until a new one is due. kafka-python asks for it on the thread that speaks to the brokers,
when it connects and when a broker ends a session; so an answer that does not come is not waited for
long.
"""

from __future__ import annotations

import base64
import json
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from functools import cache
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus, urlencode

from kafka.net.sasl.oauth import AbstractTokenProvider

from ingest.errors import KafkaRefusedError, KafkaUnreachableError

if TYPE_CHECKING:
    from pathlib import Path

    from ingest.kafka_settings import KafkaSettings

ANSWER_S = 5.0
"""How long the provider may take [s]; shorter than the shortest session of a consumer group."""

RENEW_AT = 0.8
"""The part of a token's life after which a new one is asked for."""

LIFE_S = 300.0
"""How long a token lives whose provider does not say [s]."""

ANSWER_BYTES = 1 << 20
"""What is read of an answer at the most [bytes]."""


@dataclass(frozen=True, kw_only=True)
class Client:
    """Who asks whom for tokens."""

    token_url: str
    client_id: str
    secret: str = field(repr=False)
    scope: str | None = None
    ca_file: Path | None = None


class TokenProvider(AbstractTokenProvider):  # type: ignore[misc]  # kafka-python has no types
    """Gives the token that is due, and asks for a new one in time."""

    def __init__(self, client: Client) -> None:
        super().__init__()
        self._client = client
        self._lock = Lock()
        self._token = ""
        self._renew_at = self._dead_at = 0.0

    def token(self) -> str:
        """A token that a broker will take now.

        Raises:
            KafkaRefusedError: the provider does not know us, or does not speak OpenID.
            KafkaUnreachableError: it does not answer, and the last token has run out.
        """
        with self._lock:
            if monotonic() >= self._renew_at:
                try:
                    self._renew()
                except KafkaUnreachableError:
                    if monotonic() >= self._dead_at:
                        raise
            return self._token

    def _renew(self) -> None:
        asked = monotonic()
        answer = self._ask()
        token, life = answer.get("access_token"), answer.get("expires_in", LIFE_S)
        if not isinstance(token, str) or not token:
            raise KafkaRefusedError(
                f"{self._client.token_url} answered without an access_token: is it the token "
                "endpoint (TELEMETRY_KAFKA_OAUTH_TOKEN_URL)?"
            )
        try:
            life_s = float(life)
        except (TypeError, ValueError):
            life_s = LIFE_S
        self._token = token
        self._renew_at, self._dead_at = asked + RENEW_AT * life_s, asked + life_s

    def _ask(self) -> dict[str, Any]:
        url = self._client.token_url
        try:
            with self._opener().open(self._request(), timeout=ANSWER_S) as response:
                answer = json.loads(response.read(ANSWER_BYTES))
        except urllib.error.HTTPError as error:
            with error:
                said = _reason(error.read(ANSWER_BYTES))
            if error.code >= 500 or error.code == 429:
                raise KafkaUnreachableError(
                    f"{url} gives no token now: HTTP {error.code} {said}".strip() + "."
                ) from None
            raise KafkaRefusedError(
                f"{url} refuses client {self._client.client_id}: HTTP {error.code} {said}".strip()
                + ". Look at TELEMETRY_KAFKA_OAUTH_CLIENT_ID, _CLIENT_SECRET and _SCOPE."
            ) from None
        except OSError as error:
            reason = getattr(error, "reason", error)
            if isinstance(reason, ssl.SSLCertVerificationError):
                raise KafkaRefusedError(
                    f"The certificate of {url} is not trusted: {reason.verify_message}. "
                    "TELEMETRY_KAFKA_OAUTH_CA_FILE names who signed it."
                ) from error
            raise KafkaUnreachableError(
                f"{url} (TELEMETRY_KAFKA_OAUTH_TOKEN_URL) does not answer: {reason}."
            ) from error
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise KafkaRefusedError(
                f"{url} did not answer in JSON: is it the token endpoint "
                "(TELEMETRY_KAFKA_OAUTH_TOKEN_URL)?"
            )
        return answer

    def _request(self) -> urllib.request.Request:
        form = {"grant_type": "client_credentials"}
        if self._client.scope is not None:
            form["scope"] = self._client.scope
        # RFC 6749, 2.3.1: both parts are form-encoded before they are joined.
        pair = f"{quote_plus(self._client.client_id)}:{quote_plus(self._client.secret)}"
        return urllib.request.Request(  # noqa: S310 - the settings let https pass, and loopback
            self._client.token_url,
            data=urlencode(form).encode(),
            headers={
                "Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}",
                "Accept": "application/json",
            },
        )

    def _opener(self) -> urllib.request.OpenerDirector:
        if not self._client.token_url.startswith("https:"):
            return urllib.request.build_opener(_Stay)
        trust = ssl.create_default_context(cafile=self._client.ca_file)
        return urllib.request.build_opener(_Stay, urllib.request.HTTPSHandler(context=trust))


class _Stay(urllib.request.HTTPRedirectHandler):
    """Goes where the settings say and nowhere else: our secret would go along."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def token_provider(settings: KafkaSettings) -> TokenProvider:
    """The provider for these settings: one a process, however many connections ask."""
    secret = settings.kafka_oauth_client_secret
    return _provider(
        Client(
            token_url=settings.kafka_oauth_token_url or "",
            client_id=settings.kafka_oauth_client_id or "",
            secret=secret.get_secret_value() if secret is not None else "",
            scope=settings.kafka_oauth_scope,
            ca_file=settings.kafka_oauth_ca_file,
        )
    )


@cache
def _provider(client: Client) -> TokenProvider:
    return TokenProvider(client)


def _reason(body: bytes) -> str:
    """What an OAuth error says of itself (RFC 6749, 5.2); never the whole page."""
    try:
        answer = json.loads(body)
        said = [answer.get("error"), answer.get("error_description")]
    except (ValueError, AttributeError):
        return ""
    return " ".join(text for text in said if isinstance(text, str))[:200]
