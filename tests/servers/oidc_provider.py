"""A small OIDC provider on this machine: authorization code with PKCE, its own keys, over HTTP."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey

if TYPE_CHECKING:
    from collections.abc import Iterator

CLIENT_ID, CLIENT_SECRET = "telemetry-pages", "a secret / with +"


class OidcProvider:
    """What it knows, and what it was asked; `claims` are those of whoever signs in next."""

    def __init__(self) -> None:
        self.key = ECKey.generate_key("P-256", parameters={"kid": "e1", "use": "sig"})
        self.signs_with: Any = self.key
        self.claims: dict[str, Any] = {"sub": "f3c1", "telemetry_party": "North"}
        self.changed: dict[str, Any] = {}
        """Claims that an ID token has in place of the right ones."""
        self.codes: dict[str, dict[str, str]] = {}
        self.refused = 0
        self.fails = False
        """Whether its token endpoint is broken."""
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path, query = urlsplit(self.path).path, urlsplit(self.path).query
                if path == "/authorize":
                    self._redirect(provider.authorized(query))
                elif path == "/keys":
                    self._json(200, {"keys": [provider.key.as_dict(private=False)]})
                else:
                    self._json(200, provider.configuration())

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                self._json(*provider.token(body, self.headers.get("authorization", "")))

            def _redirect(self, where: str) -> None:
                self.send_response(302)
                self.send_header("Location", where)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def _json(self, status: int, told: dict[str, Any]) -> None:
                body = json.dumps(told).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def configuration(self) -> dict[str, Any]:
        """Where it is asked what."""
        return {
            "issuer": self.issuer,
            "jwks_uri": f"{self.issuer}/keys",
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
        }

    def authorized(self, query: str) -> str:
        """Sign somebody in: where the browser goes next."""
        asked = {name: values[0] for name, values in parse_qs(query).items()}
        assert asked["client_id"] == CLIENT_ID
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        back = {"code": code, "state": asked["state"], "iss": self.issuer}
        return f"{asked['redirect_uri']}?{urlencode(back)}"

    def token(self, body: str, authorization: str) -> tuple[int, dict[str, Any]]:
        """Give out an ID token for a code, once, to the client that can prove it asked for it."""
        if self.fails:
            return 500, {}
        sent = {name: values[0] for name, values in parse_qs(body).items()}
        begun = self.codes.pop(sent.get("code", ""), None)
        pair = base64.b64decode(authorization.removeprefix("Basic ")).decode()
        digest = hashlib.sha256(sent.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if (
            begun is None
            or pair != f"{CLIENT_ID}:a%20secret%20%2F%20with%20%2B"
            or begun["code_challenge"] != challenge
            or begun["redirect_uri"] != sent.get("redirect_uri")
        ):
            self.refused += 1
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "nonce": begun["nonce"],
            "iat": now,
            "exp": now + 300,
            "telemetry_role": "owner",
            **self.claims,
            **self.changed,
        }
        header = {"alg": "ES256", "kid": "e1"}
        token = jwt.encode(header, claims, self.signs_with, algorithms=["ES256"])
        return 200, {"access_token": "opaque", "token_type": "Bearer", "id_token": token}


@contextmanager
def oidc_provider() -> Iterator[OidcProvider]:
    """One that answers as long as the block lasts."""
    provider = OidcProvider()
    yield provider
    provider.server.shutdown()
    provider.server.server_close()
