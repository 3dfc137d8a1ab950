"""People sign in in a browser through an identity provider, and leave again; nobody else does."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from joserfc.jwk import ECKey

from api.settings import ApiSettings
from schemas.errors import SettingsError
from tests.asking.browser_session import OURS, browser, enter, leave
from tests.asking.patience import PATIENCE_S
from tests.servers.oidc_provider import CLIENT_ID, CLIENT_SECRET, OidcProvider, oidc_provider
from tests.worlds.identity_world import STATE, VIN, World, logged, world

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.database_fixture import Migrated

BEGIN, BACK = "/sign-in/provider", "/sign-in/callback"


@pytest.fixture(scope="module")
def made(migrated: Migrated, tmp_path_factory: pytest.TempPathFactory) -> World:
    return world(migrated, tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def running() -> Iterator[OidcProvider]:
    with oidc_provider() as provider:
        yield provider


@pytest.fixture
def provider(running: OidcProvider) -> OidcProvider:
    running.signs_with = running.key
    running.claims = {"sub": "f3c1", "telemetry_party": "North"}
    running.changed, running.fails = {}, False
    return running


@pytest.fixture(scope="module")
def served(made: World, running: OidcProvider) -> Iterator[httpx2.Client]:
    with made.serving(
        oidc_issuer=running.issuer,
        oidc_audience="telemetry-api",
        oidc_client_id=CLIENT_ID,
        oidc_client_secret=CLIENT_SECRET,
        oidc_name="Fleet ID",
    ) as client:
        yield client


@pytest.fixture
def person(served: httpx2.Client) -> Iterator[httpx2.Client]:
    with browser(served) as client:
        yield client


def gone(client: httpx2.Client, following: str = "/vehicles") -> str:
    """Where the provider sends a browser that has signed in there."""
    begun = client.get(BEGIN, params={"next": following})
    assert begun.status_code == 303
    with httpx2.Client(timeout=PATIENCE_S) as elsewhere:
        return str(elsewhere.get(begun.headers["location"]).headers["location"])


def came(client: httpx2.Client, following: str = "/vehicles") -> httpx2.Response:
    """The answer to a browser that has signed in there and comes back."""
    return client.get(gone(client, following))


def is_in(client: httpx2.Client) -> bool:
    return client.get("/vehicles").status_code == 200


def test_a_person_signs_in_at_the_provider_and_comes_back(
    made: World, provider: OidcProvider, person: httpx2.Client
) -> None:
    asked = person.get(f"/vehicles/{VIN}")
    assert asked.status_code == 303
    door = person.get(asked.headers["location"]).text
    assert "Sign in with Fleet ID" in door
    assert "password" not in door.split("<main")[1]
    answer = came(person, f"/vehicles/{VIN}")
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/vehicles/{VIN}"
    page = person.get(f"/vehicles/{VIN}").text
    assert "Company account" in page
    assert person.get(STATE, headers=OURS).status_code == 200
    assert person.get(STATE).status_code == 401  # nobody says that a page of ours asks
    assert logged(made, 1, "subject = 'oidc:f3c1' AND status = 200")[0][1] == "owner"
    assert provider.refused == 0


def test_what_is_sent_to_the_provider_is_tied_to_this_browser(
    provider: OidcProvider, person: httpx2.Client
) -> None:
    begun = person.get(BEGIN)
    asked = parse_qs(urlsplit(begun.headers["location"]).query)
    assert asked["redirect_uri"] == [f"{str(person.base_url).rstrip('/')}{BACK}"]
    assert len({asked[name][0] for name in ("state", "nonce", "code_challenge")}) == 3
    cookie = begun.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert asked["code_challenge"][0] not in cookie
    again = parse_qs(urlsplit(person.get(BEGIN).headers["location"]).query)
    for name in ("state", "nonce", "code_challenge"):
        assert asked[name] != again[name], name
    assert provider.refused == 0


def test_cookies_are_for_this_host_and_https_alone(
    provider: OidcProvider, person: httpx2.Client
) -> None:
    begun = person.get(BEGIN, headers={"host": "fleet.example"})
    assert begun.headers["set-cookie"].startswith("__Host-entering=")
    assert "Secure" in begun.headers["set-cookie"]
    asked = parse_qs(urlsplit(begun.headers["location"]).query)
    assert asked["redirect_uri"] == [f"https://fleet.example{BACK}"]
    assert provider.refused == 0


def test_signing_out_ends_this_browser_and_everywhere_all_of_them(
    provider: OidcProvider, served: httpx2.Client
) -> None:
    with browser(served) as one, browser(served) as other, browser(served) as colleague:
        for client in (one, other):
            assert came(client).status_code == 303
        provider.claims = {"sub": "a colleague", "telemetry_party": "North"}
        assert came(colleague).status_code == 303
        assert leave(one).status_code == 303
        assert [is_in(client) for client in (one, other, colleague)] == [False, True, True]
        provider.claims = {"sub": "f3c1", "telemetry_party": "North"}
        assert came(one).status_code == 303
        assert leave(one, everywhere="1").status_code == 303
        assert [is_in(client) for client in (one, other, colleague)] == [False, False, True]


def test_a_driver_sees_his_own_and_nobody_else_s(
    made: World, provider: OidcProvider, person: httpx2.Client
) -> None:
    provider.changed = {"telemetry_role": "driver", "telemetry_driver": made.driver}
    assert came(person).status_code == 303
    assert person.get(f"/drivers/{made.driver}").status_code == 200
    assert person.get(f"/drivers/{made.driver + 1}").status_code == 404
    assert person.get("/vehicles").status_code == 403


@pytest.mark.parametrize(
    "changed",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another client"},
        {"aud": [CLIENT_ID, "another"], "azp": "another"},
        {"iss": "https://elsewhere.example"},
        {"exp": 1_700_000_000},
        {"sub": None},
        {"telemetry_party": None},
        {"telemetry_party": "Nobody's"},
        {"telemetry_role": "maker"},
        {"telemetry_role": "king"},
        {"telemetry_role": "driver"},
    ],
    ids=str,
)
def test_an_id_token_that_says_otherwise_lets_nobody_in(
    provider: OidcProvider, person: httpx2.Client, changed: dict[str, Any]
) -> None:
    provider.changed = changed
    answer = came(person)
    assert answer.status_code == 403
    assert 'role="alert"' in answer.text
    assert not is_in(person)


def test_an_id_token_that_another_key_signed_lets_nobody_in(
    provider: OidcProvider, person: httpx2.Client
) -> None:
    provider.signs_with = ECKey.generate_key("P-256", parameters={"kid": "e1"})
    assert came(person).status_code == 403
    assert not is_in(person)


def test_the_answer_to_another_sign_in_lets_nobody_in(
    provider: OidcProvider, served: httpx2.Client, person: httpx2.Client
) -> None:
    address = gone(person)
    with browser(served) as victim:  # who is sent an address that somebody else has begun
        assert victim.get(address).status_code == 403
        gone(victim)
        assert victim.get(address).status_code == 403
        assert not is_in(victim)
    for wrong in ("state=", "iss=http://elsewhere.example&state="):
        gone(person)
        assert person.get(f"{BACK}?code=x&{wrong}").status_code == 403
    address = gone(person)
    denied = address.replace("code=", "error=access_denied&was=")
    assert person.get(denied).status_code == 403
    assert person.get(address).status_code == 403  # a sign-in is gone on with once
    assert not is_in(person)
    assert provider.refused == 0  # nobody asked it for these codes


def test_a_code_without_its_verifier_and_one_that_comes_twice_let_nobody_in(
    provider: OidcProvider, person: httpx2.Client
) -> None:
    address = gone(person)
    kept = person.cookies["entering"].strip('"')
    state, nonce, rest = kept.split(".")
    other = f"{state}.{nonce}.{'a' * 48}{rest[48:]}"
    assert person.get(address, headers={"cookie": f"entering={other}"}).status_code == 403
    assert provider.refused == 1
    provider.refused = 0
    address = gone(person)
    kept = person.cookies["entering"].strip('"')
    assert person.get(address).status_code == 303
    again = person.get(address, headers={"cookie": f"entering={kept}"})
    assert again.status_code == 403
    assert provider.refused == 1
    provider.refused = 0


def test_while_the_provider_is_away_it_is_said(
    provider: OidcProvider, person: httpx2.Client
) -> None:
    provider.fails = True
    answer = came(person)
    assert answer.status_code == 503
    assert "does not answer" in answer.text


def test_passwords_and_their_sessions_are_nothing_where_the_provider_signs_people_in(
    made: World, provider: OidcProvider, served: httpx2.Client
) -> None:
    made.account("wu")
    with browser(served) as client:
        assert enter(client, "wu").headers["location"] == "/"
        assert not is_in(client)
        assert came(client).status_code == 303
        secret = client.cookies["session"]
    with made.serving() as ours, browser(ours) as client:
        assert client.get("/vehicles", headers={"cookie": f"session={secret}"}).status_code == 303
        assert client.get(BEGIN).headers["location"] == "/sign-in"
        assert enter(client, "wu").status_code == 303
        assert is_in(client)
        own = client.cookies["session"]
    with browser(served) as client:
        assert client.get("/vehicles", headers={"cookie": f"session={own}"}).status_code == 303
        assert client.get("/vehicles", headers={"cookie": f"session={secret}"}).status_code == 200
    assert provider.refused == 0


def test_the_way_back_leads_nowhere_else(provider: OidcProvider, person: httpx2.Client) -> None:
    assert came(person, "//evil.example/").headers["location"] == "/"
    assert provider.refused == 0


@contextmanager
def trusting(made: World, issuer: str) -> Iterator[httpx2.Client]:
    with (
        made.serving(oidc_issuer=issuer, oidc_audience="a", oidc_client_id=CLIENT_ID) as client,
        browser(client) as person,
    ):
        yield person


def test_a_provider_that_is_not_there_is_said_before_one_leaves(made: World) -> None:
    with trusting(made, "http://127.0.0.1:1") as person:
        answer = person.get(BEGIN)
        assert answer.status_code == 503
        assert 'role="alert"' in answer.text


def test_a_client_without_its_provider_is_refused_at_start() -> None:
    with pytest.raises(SettingsError, match="TELEMETRY_OIDC_ISSUER"):
        ApiSettings(oidc_client_id="x").require_safe()
