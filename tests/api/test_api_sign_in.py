"""Who asks is known by a token or key that holds now; all others are refused, cheaply and alike."""

from __future__ import annotations

import base64
import json
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from api import identity as api_identity
from api.settings import ApiSettings
from api.signing_in import credentials, throttle, tokens
from schemas.errors import SettingsError
from storage import identity
from storage.errors import StorageError
from tests.asking.patience import PATIENCE_S, wait_until
from tests.asking.raw_http import pipelined
from tests.worlds.identity_world import (
    FOREIGN,
    PASSWORD,
    STATE,
    VIN,
    World,
    bearer,
    refreshed,
    signed_in,
    world,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

    from tests.servers.database_fixture import Migrated


SOON = timedelta(seconds=5)
"""When what is to expire does: long enough to be used before, on a busy machine, too."""


@pytest.fixture(scope="module")
def made(migrated: Migrated, tmp_path_factory: pytest.TempPathFactory) -> World:
    return world(migrated, tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def client(made: World) -> Iterator[httpx2.Client]:
    with made.serving() as opened:
        yield opened


@pytest.fixture(autouse=True)
def _felt_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_identity, "REMEMBERED_S", 0.0)


def own_token(world: World, **changed: Any) -> str:
    """A token signed with the server's own key, and yet not what it gives out."""
    key = json.loads(world.keys_file.read_text(encoding="utf-8"))["keys"][0]
    now = int(time.time())
    claims = {
        "iss": "urn:telemetry",
        "aud": "telemetry-api",
        "sub": "vtc_nobody",
        "client_id": "vtc_nobody",
        "scope": "vehicles:read",
        "jti": "7b0d8f4e-6a44-4d5a-9a70-0f3f2d7a1c11",
        "exp": now + 60,
        **changed,
    }
    header = {"alg": "ES256", "kid": key["kid"], "typ": "at+jwt"}
    return jwt.encode(header, claims, ECKey.import_key(key), algorithms=["ES256"])


@pytest.mark.parametrize("path", ["/v1/vehicles", STATE, "/v1/audit", "/v1/drivers", "/"])
def test_without_a_credential_nothing_is_told(client: httpx2.Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="telemetry"'
    assert answer.json()["code"] == "unauthenticated"


def test_people_are_led_to_where_one_signs_in(client: httpx2.Client) -> None:
    answer = client.get("/", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/openapi.json", "/v1/catalogue"])
def test_what_is_for_everybody_stays_so(client: httpx2.Client, path: str) -> None:
    assert client.get(path).status_code == 200


def test_a_foreign_vehicle_is_not_there_with_a_token_either(
    made: World, client: httpx2.Client
) -> None:
    header = {"X-API-Key": made.key().key}
    assert client.get(STATE, headers=header).status_code == 200
    foreign = client.get(f"/v1/vehicles/{FOREIGN}/state", headers=header)
    absent = client.get("/v1/vehicles/LSGAA11112A000009/state", headers=header)
    assert foreign.status_code == absent.status_code == 404
    assert foreign.content == absent.content
    assert client.get(f"/v1/vehicles/{VIN.lower()}/state").status_code == 401  # before all else


def test_a_client_gets_a_token_by_basic_or_form(made: World, client: httpx2.Client) -> None:
    client_id, secret = made.client("vehicles:read", "drivers:read")
    form = {"grant_type": "client_credentials"}
    basic = client.post("/oauth/token", data=form, auth=(client_id, secret))
    posted = client.post(
        "/oauth/token", data={**form, "client_id": client_id, "client_secret": secret}
    )
    for answer in (basic, posted):
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        told = answer.json()
        assert told["token_type"] == "Bearer"
        assert told["scope"] == "drivers:read vehicles:read"
        assert "refresh_token" not in told
        assert client.get(STATE, headers=bearer(told["access_token"])).status_code == 200


def test_a_token_opens_what_it_was_asked_for_and_says_what_is_missing(
    made: World, client: httpx2.Client
) -> None:
    form = {"grant_type": "client_credentials", "scope": "drivers:read"}
    auth = made.client("vehicles:read", "drivers:read")
    token = client.post("/oauth/token", data=form, auth=auth).json()["access_token"]
    assert client.get("/v1/drivers", headers=bearer(token)).status_code == 200
    refused = client.get(STATE, headers=bearer(token))
    assert refused.status_code == 403
    assert refused.json()["code"] == "missing_scope"
    assert "vehicles:read" in refused.json()["detail"]
    assert 'scope="vehicles:read"' in refused.headers["www-authenticate"]
    form["scope"] = "audit:read"
    answer = client.post("/oauth/token", data=form, auth=auth)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"scope": "x"}, 400, "unsupported_grant_type"),
        ({"grant_type": 'x"\\é'}, 400, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, 401, "invalid_client"),
        ({"grant_type": "client_credentials", "client_id": "x"}, 401, "invalid_client"),
        ({"grant_type": "password", "client_id": "telemetry"}, 400, "invalid_request"),
        ({"grant_type": "refresh_token", "client_id": "telemetry"}, 400, "invalid_request"),
        ({"grant_type": "password", "username": "a", "password": "b"}, 400, "invalid_client"),
        (
            {"grant_type": "client_credentials", "client_id": "telemetry", "client_secret": "x"},
            401,
            "invalid_client",
        ),
        (
            {"grant_type": "refresh_token", "client_id": "telemetry", "refresh_token": "é"},
            400,
            "invalid_grant",
        ),
    ],
)
def test_errors_are_those_of_oauth(
    client: httpx2.Client, form: dict[str, str], status: int, error: str
) -> None:
    answer = client.post("/oauth/token", data=form)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert ("www-authenticate" in answer.headers) == (status == 401)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"grant_type": "password"}', "application/json"),
        (b"grant_type=password&grant_type=password", "application/x-www-form-urlencoded"),
        (b"grant_type=%FF", "application/x-www-form-urlencoded"),
        (b"grant_type=password&username=a%00b", "application/x-www-form-urlencoded"),
        (b"&".join(b"a%d=1" % n for n in range(60)), "application/x-www-form-urlencoded"),
        (b"grant_type=" + b"x" * 20_000, "application/x-www-form-urlencoded"),
    ],
)
def test_what_is_no_form_is_refused(client: httpx2.Client, body: bytes, kind: str) -> None:
    answer = client.post("/oauth/token", content=body, headers={"Content-Type": kind})
    assert answer.status_code in {400, 413}
    assert answer.json()["error"] == "invalid_request"


@pytest.mark.parametrize("header", ["Basic", "Basic é", "Basic AAAA", "Basic " + "A" * 999, "x y"])
def test_a_header_that_is_none_is_no_client(client: httpx2.Client, header: str) -> None:
    answer = client.post(
        "/oauth/token",
        data={"grant_type": "client_credentials"},
        headers={b"Authorization": header.encode()},
    )
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_a_person_signs_in_and_goes_on_with_refresh_tokens(
    made: World, client: httpx2.Client
) -> None:
    made.account("li.wei")
    told = signed_in(client, " Li.Wei ")
    assert client.get(STATE, headers=bearer(told["access_token"])).status_code == 200
    answer = refreshed(client, told["refresh_token"], scope="vehicles:read")
    assert answer.status_code == 200
    assert answer.json()["scope"] == "vehicles:read"
    assert answer.json()["refresh_token"] != told["refresh_token"]
    again = refreshed(client, answer.json()["refresh_token"])
    assert again.json()["scope"] == told["scope"]


def test_a_refresh_token_that_comes_twice_ends_the_sign_in(
    made: World, client: httpx2.Client
) -> None:
    made.account("reuse")
    first = signed_in(client, "reuse")
    second = refreshed(client, first["refresh_token"]).json()
    assert client.get(STATE, headers=bearer(second["access_token"])).status_code == 200
    stolen = refreshed(client, first["refresh_token"])
    assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_grant")
    assert refreshed(client, second["refresh_token"]).status_code == 400
    for told in (first, second):
        assert client.get(STATE, headers=bearer(told["access_token"])).status_code == 401
    (row,) = made.database.connection.execute(
        "SELECT ended_by FROM sign_in JOIN account USING (account_id) WHERE name = 'reuse'"
    )
    assert row == ("reuse",)


def test_of_two_who_use_a_refresh_token_at_once_at_most_one_goes_on(
    made: World, client: httpx2.Client
) -> None:
    made.account("race")
    token = signed_in(client, "race")["refresh_token"]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: refreshed(client, token), range(8)))
    good = [answer for answer in answers if answer.status_code == 200]
    assert len(good) <= 1
    assert {answer.status_code for answer in answers} <= {200, 400}
    for answer in good:  # and not for long
        assert refreshed(client, answer.json()["refresh_token"]).status_code == 400


def test_signing_out_ends_what_was_given_out(made: World, client: httpx2.Client) -> None:
    made.account("leaving")
    told = signed_in(client, "leaving")
    form = {"client_id": "telemetry", "token": told["refresh_token"]}
    assert client.post("/oauth/revoke", data=form).status_code == 200
    assert refreshed(client, told["refresh_token"]).status_code == 400
    assert client.get(STATE, headers=bearer(told["access_token"])).status_code == 401
    for token in (told["refresh_token"], told["access_token"], "nonsense"):  # RFC 7009, 2.2
        assert client.post("/oauth/revoke", data={**form, "token": token}).status_code == 200
    answer = client.post("/oauth/revoke", data={"client_id": "telemetry"})
    assert answer.json()["error"] == "invalid_request"
    answer = client.post("/oauth/revoke", data={**form, "token_type_hint": "id_token"})
    assert answer.json()["error"] == "unsupported_token_type"


def test_an_access_token_is_revoked_by_its_own_client_alone(
    made: World, client: httpx2.Client
) -> None:
    one, other = made.client(), made.client()
    form = {"grant_type": "client_credentials"}
    token = client.post("/oauth/token", data=form, auth=one).json()["access_token"]
    foreign = client.post("/oauth/revoke", data={"token": token}, auth=other)
    assert foreign.json()["error"] == "invalid_grant"
    assert client.get(STATE, headers=bearer(token)).status_code == 200
    assert client.post("/oauth/revoke", data={"token": token}, auth=one).status_code == 200
    assert client.get(STATE, headers=bearer(token)).status_code == 401


def test_whoever_is_taken_out_is_refused_with_what_is_in_hand(
    made: World, client: httpx2.Client
) -> None:
    made.account("gone")
    client_id, secret = made.client()
    key, person = made.key(), signed_in(client, "gone")
    auth = (client_id, secret)
    form = {"grant_type": "client_credentials"}
    machine = client.post("/oauth/token", data=form, auth=auth).json()["access_token"]
    headers = [bearer(person["access_token"]), bearer(machine), {"X-API-Key": key.key}]
    assert [client.get(STATE, headers=header).status_code for header in headers] == [200] * 3
    connection = made.database.connection
    identity.disable_account(connection, "gone")
    identity.disable_client(connection, client_id)
    identity.revoke_api_key(connection, key.prefix)
    assert [client.get(STATE, headers=header).status_code for header in headers] == [401] * 3
    assert refreshed(client, person["refresh_token"]).status_code == 400
    assert client.post("/oauth/token", data=form, auth=auth).status_code == 401


def test_a_new_password_signs_out(made: World, client: httpx2.Client) -> None:
    made.account("changed")
    told = signed_in(client, "changed")
    identity.set_password(
        made.database.connection, "changed", credentials.hash_password("another long password")
    )
    assert client.get(STATE, headers=bearer(told["access_token"])).status_code == 401


@pytest.mark.parametrize(
    "changed",
    [
        {},  # well signed, and no such client
        {"exp": 1},
        {"nbf": int(time.time()) + 3600},
        {"aud": "another-api"},
        {"iss": "https://elsewhere.example"},
        {"jti": "no uuid"},
        {"sid": "no uuid"},
        {"client_id": "a\0b"},
    ],
)
def test_a_token_that_does_not_hold_is_refused(
    made: World, client: httpx2.Client, changed: dict[str, Any]
) -> None:
    token = own_token(made, **changed)
    answer = client.get(STATE, headers=bearer(token))
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    assert token not in answer.text


def test_ten_thousand_wrong_tokens_are_refused_and_cost_little(
    made: World, client: httpx2.Client
) -> None:
    """Counted in the database's statements and in the server's seconds, not in the client's."""
    connection = made.database.connection
    good = own_token(made)
    head, body, signature = good.split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"at+jwt"}').decode().rstrip("=")
    own = own_token(made, exp=1)
    wrong = (
        lambda n: f"{head}.{body}.{signature[:-6]}{n:06d}",
        lambda n: f"{none}.{body}.{n}",
        lambda n: f"{head}.{body}{n}.{signature}",
        lambda _: own,
        lambda n: f"nonsense {n}",
        lambda n: f"vtk_aaaaaaaa_{'a' * 40}{n:07d}",
    )
    calls = (
        "SELECT coalesce(sum(xact_commit), 0) FROM pg_stat_database"
        " WHERE datname = current_database()"
    )
    connection.execute("SELECT pg_stat_force_next_flush()")
    before = connection.execute(calls).fetchone()
    # A hundred in one piece: what is to be seen is what the server has to do.
    for first in range(0, 10_000, 100):
        some = [
            f"GET {STATE} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n"
            for token in (wrong[n % len(wrong)](n) for n in range(first, first + 100))
        ]
        some[-1] = some[-1].replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")
        assert pipelined(client, [text.encode() for text in some]) == [401] * 100
    time.sleep(1.2)  # the server's connections tell their counts once a second
    after = connection.execute(calls).fetchone()
    assert before is not None
    assert after is not None
    # None of them got as far as the database; a few statements are the tests' own and the log's.
    assert after[0] - before[0] < 200
    assert client.get(STATE, headers={"X-API-Key": made.key().key}).status_code == 200


def test_keys_that_are_well_formed_and_none_have_to_wait(made: World) -> None:
    with made.serving() as client:
        good = {"X-API-Key": made.key().key}
        statuses = []
        for _ in range(api_identity.WRONG_KEYS + 10):
            guess = {"X-API-Key": credentials.new_api_key().key}
            answer = client.get(STATE, headers=guess)
            statuses.append(answer.status_code)
        assert statuses == [401] * api_identity.WRONG_KEYS + [429] * 10
        assert 0 < int(answer.headers["retry-after"]) <= 61
        # Elsewhere nobody waits.
        elsewhere = {**good, "X-Forwarded-For": "192.0.2.8"}
        assert client.get(STATE, headers=elsewhere).status_code == 200


def test_a_key_holds_until_it_expires_and_rotates_with_overlap(
    made: World, client: httpx2.Client
) -> None:
    connection = made.database.connection
    short = made.key(lifetime=SOON)
    assert client.get(STATE, headers={"X-API-Key": short.key}).status_code == 200
    assert client.get(STATE, headers=bearer(short.key)).status_code == 200
    old, new = made.key(), credentials.new_api_key()
    identity.rotate_api_key(
        connection,
        old.prefix,
        key_hash=credentials.hash_of(new.key),
        prefix=new.prefix,
        lifetime=timedelta(days=1),
        overlap=SOON,
    )

    def statuses(*keys: credentials.ApiKey) -> list[int]:
        return [client.get(STATE, headers={"X-API-Key": key.key}).status_code for key in keys]

    assert statuses(old, new) == [200, 200]
    time.sleep(SOON.total_seconds() + 0.1)
    assert statuses(short, old, new) == [401, 401, 200]
    with pytest.raises(StorageError, match="keys list"):
        identity.revoke_api_key(connection, "vtk_nowhere")


def test_a_client_secret_rotates_with_overlap(made: World, client: httpx2.Client) -> None:
    client_id, old = made.client()
    new = credentials.new_client_secret()
    identity.rotate_client_secret(
        made.database.connection, client_id, credentials.hash_of(new), SOON
    )

    def statuses() -> list[int]:
        form = {"grant_type": "client_credentials"}
        return [
            client.post("/oauth/token", data=form, auth=(client_id, secret)).status_code
            for secret in (old, new)
        ]

    assert statuses() == [200, 200]
    time.sleep(SOON.total_seconds() + 0.1)
    assert statuses() == [401, 200]


def test_a_new_signing_key_is_taken_while_serving(made: World, client: httpx2.Client) -> None:
    auth, form = made.client(), {"grant_type": "client_credentials"}
    before = client.post("/oauth/token", data=form, auth=auth).json()["access_token"]
    number = tokens.rotate(made.keys_file)
    after = client.post("/oauth/token", data=form, auth=auth).json()["access_token"]
    assert tokens.header_of(after)["kid"] == number
    for token in (before, after):
        assert client.get(STATE, headers=bearer(token)).status_code == 200
    listed = client.get("/oauth/jwks").json()["keys"]
    assert listed[0]["kid"] == number
    assert all("d" not in key for key in listed)


def test_two_credentials_are_one_too_many(made: World, client: httpx2.Client) -> None:
    key = made.key().key
    answer = client.get(STATE, headers={**bearer(key), "X-API-Key": key})
    assert answer.status_code == 401


def test_a_driver_sees_what_is_his_own(made: World, client: httpx2.Client) -> None:
    made.account("wang", "driver", driver=made.driver)
    header = bearer(signed_in(client, "wang")["access_token"])
    for what in ("trips", "events", "scores"):
        span = {"start": "2026-01-01T00:00:00Z", "end": "2026-02-01T00:00:00Z"}
        own = client.get(f"/v1/drivers/{made.driver}/{what}", params=span, headers=header)
        assert own.status_code == 200
        colleague, absent = (
            client.get(f"/v1/drivers/{number}/{what}", params=span, headers=header)
            for number in (made.driver + 1, 999)
        )
        assert colleague.status_code == absent.status_code == 404
        assert colleague.content == absent.content
    for path in ("/v1/drivers", "/v1/vehicles", STATE, "/v1/audit"):
        assert client.get(path, headers=header).status_code == 403


def test_nobody_has_a_role_that_his_party_is_not(made: World) -> None:
    with pytest.raises(StorageError, match="nobody in the role maker"):
        made.account("climber", "maker")
    with pytest.raises(StorageError, match="nobody in the role auditor"):
        made.key("audit:read", role="auditor")


def test_wrong_name_wrong_password_and_disabled_are_told_alike(
    made: World, client: httpx2.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("known", "disabled"):
        made.account(name)
    identity.disable_account(made.database.connection, "disabled")
    hashed: list[str] = []
    fits = credentials.password_fits

    def counting(stored: str, password: str) -> bool:
        hashed.append(stored.rpartition("$")[0].rpartition("$")[0])
        return fits(stored, password)

    monkeypatch.setattr(credentials, "password_fits", counting)
    answers = [
        client.post(
            "/oauth/token",
            data={
                "grant_type": "password",
                "client_id": "telemetry",
                "username": name,
                "password": PASSWORD if name == "disabled" else "wrong password",
            },
        )
        for name in ("known", "disabled", "unknown")
    ]
    assert len({answer.content for answer in answers}) == 1
    assert {answer.status_code for answer in answers} == {400}
    assert answers[0].json()["error"] == "invalid_grant"
    # Each was hashed once and by the same parameters: that is what an answer's time is made of.
    assert len(hashed) == 3
    assert len(set(hashed)) == 1


def test_who_guesses_has_to_wait_and_locks_nobody_out_at_home(made: World) -> None:
    made.account("victim")
    form = {"grant_type": "password", "client_id": "telemetry", "username": "victim"}
    with made.serving(api_sign_in_attempts=3) as client:
        home = {"X-Forwarded-For": "192.0.2.1"}
        good = {**form, "password": PASSWORD}
        assert client.post("/oauth/token", data=good, headers=home).status_code == 200
        statuses = []
        for number in range(5):
            guess = {**form, "password": f"guess number {number}"}
            away = {"X-Forwarded-For": f"198.51.100.{number}"}
            answer = client.post("/oauth/token", data=guess, headers=away)
            statuses.append(answer.status_code)
        assert statuses == [400, 400, 400, 429, 429]
        assert 0 < int(answer.headers["retry-after"]) <= 901
        # The right password helps a stranger no more; at home it does.
        away = {"X-Forwarded-For": "198.51.100.99"}
        assert client.post("/oauth/token", data=good, headers=away).status_code == 429
        assert client.post("/oauth/token", data=good, headers=home).status_code == 200
        # Nobody learns by waiting whether there is such an account.
        absent = {**form, "username": "nobody", "password": "guess"}
        statuses = [
            client.post("/oauth/token", data=absent, headers=away).status_code for _ in range(4)
        ]
        assert statuses == [400, 400, 400, 429]


def test_an_address_that_tries_many_names_has_to_wait(made: World) -> None:
    with made.serving(api_sign_in_attempts=1) as client:
        statuses = [
            client.post(
                "/oauth/token",
                data={
                    "grant_type": "password",
                    "client_id": "telemetry",
                    "username": f"name{number}",
                    "password": "guess",
                },
            ).status_code
            for number in range(12)
        ]
        assert statuses == [400] * 10 + [429] * 2


def test_no_secret_is_logged_or_told(
    made: World, client: httpx2.Client, caplog: pytest.LogCaptureFixture
) -> None:
    made.account("quiet")
    client_id, secret = made.client()
    key = made.key().key
    with caplog.at_level(logging.DEBUG):
        told = signed_in(client, "quiet")
        again = refreshed(client, told["refresh_token"]).json()
        answers = [
            client.post(
                "/oauth/token", data={"grant_type": "client_credentials"}, auth=(client_id, secret)
            ),
            client.get(STATE, headers=bearer(told["access_token"])),
            client.get(STATE, headers=bearer(told["access_token"][:-8] + "AAAAAAAA")),
            client.get(STATE, headers={"X-API-Key": key}),
            client.get(STATE, headers={"X-API-Key": key + "x"}),
            client.get("/v1/audit", headers={"X-API-Key": key}),
            refreshed(client, told["refresh_token"]),
        ]
    machine = answers[0].json()["access_token"]
    secrets = [PASSWORD, secret, key, told["refresh_token"], again["refresh_token"]]
    secrets += [told["access_token"], again["access_token"], machine]
    # The client's own log of what it sends is not the server's.
    lines = "\n".join(
        one.getMessage() + repr(one.__dict__)
        for one in caplog.records
        if not one.name.startswith(("httpx2", "httpcore"))
    )
    assert '"route": "/oauth/token"' in lines
    told_all = "\n".join(answer.text for answer in answers[1:])
    for one in secrets:
        assert one not in lines
        assert one not in told_all
    stored = made.database.connection.execute(
        "SELECT string_agg(t::text, ' ') FROM (SELECT account::text AS t FROM account UNION ALL"
        " SELECT refresh_token::text FROM refresh_token UNION ALL SELECT api_key::text FROM api_key"
        " UNION ALL SELECT client_secret::text FROM client_secret) AS everything"
    ).fetchone()
    assert stored is not None
    for one in secrets:
        assert one not in stored[0]


def test_where_nobody_signs_in_no_tokens_are_given_out(made: World) -> None:
    with made.serving(api_sign_in="off", api_party="North") as client:
        assert client.get(STATE).status_code == 200
        assert client.get("/", headers={"Accept": "text/html"}).status_code == 200
        assert client.get("/oauth/jwks").status_code == 404
        answer = client.post("/oauth/token", data={"grant_type": "password"})
        assert answer.status_code == 404


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"api_host": "0.0.0.0"}, "TELEMETRY_API_SIGN_IN=required"),  # noqa: S104 - to be refused
        ({"oidc_issuer": "https://idp.example"}, "TELEMETRY_OIDC_AUDIENCE"),
        (
            {"oidc_issuer": "https://idp.example", "oidc_audience": "x"},
            "TELEMETRY_API_SIGN_IN=required",
        ),
    ],
)
def test_settings_by_which_anybody_could_read_are_refused(
    settings: dict[str, Any], said: str
) -> None:
    with pytest.raises(SettingsError, match=said):
        ApiSettings(**settings).require_safe()


def test_where_one_signs_in_any_address_and_name_is_taken(made: World) -> None:
    ApiSettings(api_sign_in="required", api_host="0.0.0.0").require_safe()  # type: ignore[arg-type]  # noqa: S104 - may be
    with made.serving() as client:
        header = {"Host": "trucks.example", "X-API-Key": made.key().key}
        assert client.get(STATE, headers=header).status_code == 200
    with made.serving(api_hostnames="trucks.example") as client:
        assert client.get("/healthz", headers={"Host": "elsewhere.example"}).status_code == 421


def test_passwords_wait_their_turn_and_machines_do_not_wait_for_them(
    made: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "MAX_WAITING", 2)
    at_once, most = [0], [0]
    checked = threading.Event()

    def slowly(*_: object) -> bool:
        at_once[0] += 1
        most[0] = max(most[0], at_once[0])
        checked.wait(PATIENCE_S)
        at_once[0] -= 1
        return False

    monkeypatch.setattr(credentials, "password_fits", slowly)
    form = {"grant_type": "password", "client_id": "telemetry", "username": "crowd"}
    with made.serving(api_sign_in_attempts=100) as client, ThreadPoolExecutor(8) as pool:

        def guess(number: int) -> int:
            data = {**form, "password": f"guess {number}"}
            return client.post("/oauth/token", data=data).status_code

        guesses = [pool.submit(guess, number) for number in range(8)]
        wait_until(lambda: sum(one.done() for one in guesses) >= 4, "four who are sent away")
        machine = {"grant_type": "client_credentials"}
        assert client.post("/oauth/token", data=machine, auth=made.client()).status_code == 200
        checked.set()
        assert sorted(one.result() for one in guesses) == [400] * 4 + [503] * 4
    assert most == [2]
