"""An OpenID provider of tests' own: gives signed tokens for client credentials over HTTP."""

from __future__ import annotations

import base64
import json
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote_plus

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

if TYPE_CHECKING:
    from collections.abc import Iterator

CLIENT, SECRET = "ingest", "tokens: +please"
AUDIENCE, ISSUER = "vehicle-telemetry-kafka", "https://issuer.test"


class Signer:
    """A provider's key, and what a broker needs to know of it (RFC 7517)."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def jwks(self) -> dict[str, Any]:
        """The public half."""
        numbers = self._key.public_key().public_numbers()
        n, e = (_encoded(_bytes(number)) for number in (numbers.n, numbers.e))
        return {"keys": [{"kty": "RSA", "kid": "1", "use": "sig", "alg": "RS256", "n": n, "e": e}]}

    def token(self, subject: str, life_s: float) -> str:
        """A signed token (RFC 7515, compact)."""
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "sub": subject,
            "aud": AUDIENCE,
            "scope": "kafka",
            "iat": now - 5,
            "exp": now + int(life_s),
        }
        parts = ({"alg": "RS256", "kid": "1"}, claims)
        signed = ".".join(_encoded(json.dumps(part).encode()) for part in parts)
        signature = self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_encoded(signature)}"


@dataclass
class Endpoint:
    """What the provider does, to be changed by tests, and what it was asked."""

    signer: Signer
    url: str = ""
    life_s: float = 300
    status: int = 200
    body: bytes | None = None
    """What it answers instead of a token."""
    location: str | None = None
    asked: list[dict[str, list[str]]] = field(default_factory=list)

    def answer(self, authorization: str, form: dict[str, list[str]]) -> tuple[int, bytes]:
        """Status and body for a request."""
        self.asked.append(form)
        user, _, secret = base64.b64decode(authorization.removeprefix("Basic ")).partition(b":")
        if self.body is not None:
            return self.status, self.body
        if (unquote_plus(user.decode()), unquote_plus(secret.decode())) != (CLIENT, SECRET):
            refusal = {"error": "invalid_client", "error_description": "unknown client or secret"}
            return 401, json.dumps(refusal).encode()
        token = self.signer.token(CLIENT, self.life_s)
        given = {"access_token": token, "token_type": "Bearer", "expires_in": self.life_s}
        return self.status, json.dumps(given).encode()


@contextmanager
def endpoint(signer: Signer) -> Iterator[Endpoint]:
    """Run a provider on loopback."""
    found = Endpoint(signer=signer)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = int(self.headers["Content-Length"])
            form = parse_qs(self.rfile.read(size).decode())
            status, body = found.answer(self.headers["Authorization"], form)
            self.send_response(status)
            if found.location is not None:
                self.send_header("Location", found.location)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST  # noqa: N815 - http.server's own name

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - likewise
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found.url = f"http://127.0.0.1:{server.server_port}/token"
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")
