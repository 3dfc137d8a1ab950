"""Any identity provider (OIDC) by settings: its tokens say who asks, and nobody else's do."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from api.signing_in import identity_provider
from tests.worlds.identity_world import STATE, World, bearer, logged, world

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

    from tests.servers.database_fixture import Migrated


class Provider:
    """An identity provider on this machine."""

    def __init__(self) -> None:
        self.keys: list[Any] = [RSAKey.generate_key(2048, parameters={"kid": "r1"})]
        self.asked = 0
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.asked += 1
                found: dict[str, Any] = {"keys": [k.as_dict(private=False) for k in provider.keys]}
                if self.path == "/.well-known/openid-configuration":
                    found = {"issuer": provider.issuer, "jwks_uri": f"{provider.issuer}/keys"}
                body = json.dumps(found).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def token(self, key: Any = None, alg: str = "RS256", **changed: Any) -> str:
        key = key or self.keys[0]
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": ["telemetry-api", "account"],
            "sub": "f3c1",
            "telemetry_party": "North",
            "telemetry_role": "owner",
            "scope": "openid vehicles:read drivers:read",
            "iat": now,
            "exp": now + 300,
            **changed,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode({"alg": alg, "kid": key.kid}, claims, key, algorithms=[alg])


@pytest.fixture(scope="module")
def made(migrated: Migrated, tmp_path_factory: pytest.TempPathFactory) -> World:
    return world(migrated, tmp_path_factory.mktemp("home"))


@pytest.fixture
def provider() -> Iterator[Provider]:
    started = Provider()
    yield started
    started.server.shutdown()
    started.server.server_close()


@contextmanager
def trusting(made: World, provider: Provider, **settings: object) -> Iterator[httpx2.Client]:
    given = {"oidc_issuer": provider.issuer, "oidc_audience": "telemetry-api", **settings}
    with made.serving(**given) as client:
        yield client


def test_a_providers_token_says_who_asks(made: World, provider: Provider) -> None:
    with trusting(made, provider) as client:
        assert client.get(STATE, headers=bearer(provider.token())).status_code == 200
        assert client.get("/v1/fleets", headers=bearer(provider.token())).status_code == 403
        assert client.get(STATE, headers={"X-API-Key": made.key().key}).status_code == 200
        assert client.post("/oauth/token", data={"grant_type": "password"}).status_code == 404
        (row,) = logged(made, 1, "subject = 'oidc:f3c1' AND status = 200")
        assert row[1] == "owner"


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://elsewhere.example"},
        {"aud": "another-api"},
        {"aud": None},
        {"exp": int(time.time()) - 31},
        {"nbf": int(time.time()) + 3600},
        {"sub": None},
        {"telemetry_party": None},
        {"telemetry_party": "Nobody's"},
        {"telemetry_party": "a\0b"},
        {"telemetry_party": ["North"]},
        {"telemetry_role": "maker"},
        {"telemetry_role": "king"},
        {"telemetry_role": ["owner"]},
        {"telemetry_role": "driver"},
        {"telemetry_role": "driver", "telemetry_driver": "1"},
        {"telemetry_role": "driver", "telemetry_driver": True},
    ],
)
def test_a_token_that_says_otherwise_is_refused(
    made: World, provider: Provider, changed: dict[str, Any]
) -> None:
    with trusting(made, provider) as client:
        answer = client.get(STATE, headers=bearer(provider.token(**changed)))
        assert answer.status_code == 401


def test_clocks_may_be_apart_as_far_as_settings_say(made: World, provider: Provider) -> None:
    now = int(time.time())
    late = provider.token(exp=now - 20)
    early = provider.token(nbf=now + 20, iat=now + 20)
    with trusting(made, provider) as client:
        for token in (late, early):
            assert client.get(STATE, headers=bearer(token)).status_code == 200
    with trusting(made, provider, oidc_clock_skew_s=0) as client:
        for token in (late, early):
            assert client.get(STATE, headers=bearer(token)).status_code == 401


def test_claims_have_the_names_that_settings_give_them(made: World, provider: Provider) -> None:
    token = provider.token(
        telemetry_party=None,
        telemetry_role=None,
        scope=None,
        org="North",
        job="owner",
        scp=["vehicles:read"],
        oid="f3c2",
    )
    names = {
        "oidc_party_claim": "org",
        "oidc_role_claim": "job",
        "oidc_scope_claim": "scp",
        "oidc_subject_claim": "oid",
    }
    with trusting(made, provider, **names) as client:
        assert client.get(STATE, headers=bearer(token)).status_code == 200
        logged(made, 1, "subject = 'oidc:f3c2'")


def test_a_driver_is_known_by_his_number(made: World, provider: Provider) -> None:
    token = provider.token(
        telemetry_role="driver", telemetry_driver=made.driver, scope="own:read vehicles:read"
    )
    span = {"start": "2026-01-01T00:00:00Z", "end": "2026-02-01T00:00:00Z"}
    with trusting(made, provider) as client:
        for number, status in ((made.driver, 200), (made.driver + 1, 404)):
            path = f"/v1/drivers/{number}/trips"
            assert client.get(path, params=span, headers=bearer(token)).status_code == status
        assert client.get(STATE, headers=bearer(token)).status_code == 403


def test_a_new_key_of_the_provider_is_found_and_unknown_ones_do_not_make_us_ask(
    made: World, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    with trusting(made, provider) as client:
        assert client.get(STATE, headers=bearer(provider.token())).status_code == 200
        assert provider.asked == 2
        for number in range(50):
            stranger = ECKey.generate_key("P-256", parameters={"kid": f"unknown {number}"})
            token = provider.token(stranger, "ES256")
            assert client.get(STATE, headers=bearer(token)).status_code == 401
        assert provider.asked == 2
        monkeypatch.setattr(identity_provider, "ASK_AGAIN_S", 0.0)
        new = ECKey.generate_key("P-256", parameters={"kid": "e2"})
        provider.keys.insert(0, new)
        assert client.get(STATE, headers=bearer(provider.token(new, "ES256"))).status_code == 200
        assert provider.asked == 3


def test_a_provider_that_is_away_is_no_refusal(made: World, provider: Provider) -> None:
    token = provider.token()
    provider.server.shutdown()
    provider.server.server_close()
    with trusting(made, provider) as client:
        answer = client.get(STATE, headers=bearer(token))
        assert answer.status_code == 503
        assert answer.json()["code"] == "provider_unreachable"
        assert "retry-after" in answer.headers
        assert client.get(STATE, headers={"X-API-Key": made.key().key}).status_code == 200
