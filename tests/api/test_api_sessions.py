"""A person signs in in a browser, and no page elsewhere can use that."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from api import identity as api_identity
from storage import identity
from tests.asking.browser_session import OURS, browser, enter, leave, page_token
from tests.worlds.identity_world import (
    FOREIGN,
    PASSWORD,
    STATE,
    VIN,
    World,
    bearer,
    signed_in,
    world,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

    from tests.servers.database_fixture import Migrated

HTTPS = {"x-forwarded-proto": "https"}
"""What a proxy on this machine that ends TLS adds."""


@pytest.fixture(scope="module")
def made(migrated: Migrated, tmp_path_factory: pytest.TempPathFactory) -> World:
    made = world(migrated, tmp_path_factory.mktemp("home"))
    for name in ("wu", "zhao", "qian", "sun", "li"):
        made.account(name)
    made.account("auditor", "auditor", party=made.auditor)
    return made


@pytest.fixture(scope="module")
def served(made: World) -> Iterator[httpx2.Client]:
    with made.serving(api_connections=2) as client:
        yield client


@pytest.fixture
def client(served: httpx2.Client) -> Iterator[httpx2.Client]:
    with browser(served) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _felt_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_identity, "REMEMBERED_S", 0.0)


def test_whoever_is_not_signed_in_is_led_to_the_form_and_back(client: httpx2.Client) -> None:
    away = client.get(f"/vehicles/{VIN}?start=1&end=2")
    assert away.status_code == 303
    form = client.get(away.headers["location"])
    assert form.status_code == 200
    following = f"/vehicles/{VIN}?start=1&amp;end=2"
    assert f'name="next" value="{following}"' in form.text
    answer = enter(client, "wu", next=following.replace("&amp;", "&"))
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        f"/vehicles/{VIN}?start=1&end=2",
    )
    assert client.get(answer.headers["location"]).status_code == 200


def test_a_session_reads_as_its_party_and_no_more(client: httpx2.Client) -> None:
    enter(client, "wu")
    listed = client.get("/").text
    assert VIN in listed
    assert FOREIGN not in listed
    assert client.get(f"/vehicles/{FOREIGN}").status_code == 404


def test_a_role_that_may_not_is_told_so(client: httpx2.Client) -> None:
    enter(client, "auditor")
    answer = client.get("/vehicles")
    assert answer.status_code == 403
    assert "You may not see this" in answer.text
    assert 'action="/sign-out"' in answer.text  # and may leave


@pytest.mark.parametrize(
    "address",
    ["//evil.example", "https://evil.example", "/\\evil.example", "/v1/vehicles", "/sign-in", "x"],
)
def test_nobody_is_led_elsewhere_after_signing_in(client: httpx2.Client, address: str) -> None:
    assert enter(client, "wu", next=address).headers["location"] == "/"


def test_the_cookie_is_for_this_host_over_https_and_out_of_reach_of_scripts(
    client: httpx2.Client,
) -> None:
    plain = enter(client, "wu").headers["set-cookie"]
    assert plain.startswith("session=vtb_")
    for attribute in ("HttpOnly", "Path=/", "SameSite=lax"):
        assert attribute in plain
    assert "Secure" not in plain
    safe = client.post(
        "/sign-in", data={"name": "wu", "password": PASSWORD}, headers=OURS | HTTPS
    ).headers["set-cookie"]
    assert safe.startswith("__Host-session=vtb_")
    for attribute in ("HttpOnly", "Path=/", "SameSite=lax", "Secure"):
        assert attribute in safe
    assert "Domain" not in safe
    # From elsewhere it is https, whatever our side of the proxy is: browsers drop it otherwise.
    named = client.post(
        "/sign-in",
        data={"name": "wu", "password": PASSWORD},
        headers=OURS | {"host": "trucks.example"},
    )
    assert named.headers["set-cookie"].startswith("__Host-session=")


def test_wrong_name_wrong_password_and_disabled_are_told_alike(
    made: World, client: httpx2.Client
) -> None:
    made.account("gone")
    identity.disable_account(made.database.connection, "gone")
    answers = [
        client.post("/sign-in", data={"name": name, "password": password}, headers=OURS)
        for name, password in (("wu", "wrong"), ("nobody", PASSWORD), ("gone", PASSWORD))
    ]
    assert {answer.status_code for answer in answers} == {403}
    assert (
        len(
            {
                answer.text.replace(name, "")
                for answer, name in zip(answers, ("wu", "nobody", "gone"), strict=True)
            }
        )
        == 1
    )
    assert "do not fit" in answers[0].text
    assert not any("set-cookie" in answer.headers for answer in answers)


def test_who_guesses_has_to_wait_and_is_told_how_long(made: World) -> None:
    with made.serving(api_sign_in_attempts=2) as served, browser(served) as client:
        for _ in range(2):
            client.post("/sign-in", data={"name": "wu", "password": "wrong"}, headers=OURS)
        refused = enter(client, "wu")
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0
    assert "Please wait 15 min" in refused.text


def test_a_new_sign_in_ends_the_session_before_it(client: httpx2.Client) -> None:
    enter(client, "wu")
    before = client.cookies["session"]
    enter(client, "wu")
    assert client.cookies["session"] != before
    client.cookies.clear()
    assert client.get("/", headers={"cookie": f"session={before}"}).status_code == 303


def test_a_session_that_somebody_else_made_up_is_none(client: httpx2.Client) -> None:
    for made_up in ("vtb_" + "a" * 52, "vtb_", "x", "vtb_" + "a" * 500):
        answer = client.get("/", headers={"cookie": f"session={made_up}"})
        assert answer.status_code == 303, made_up


def test_signing_out_ends_the_session_of_this_browser_alone(
    served: httpx2.Client, client: httpx2.Client
) -> None:
    with browser(served) as phone:
        for one in (client, phone):
            enter(one, "zhao")
        secret = client.cookies["session"]
        answer = leave(client)
        assert answer.headers["location"] == "/sign-in?left=here"
        assert "session" not in client.cookies
        assert "You are signed out." in client.get(answer.headers["location"]).text
        assert client.get("/", headers={"cookie": f"session={secret}"}).status_code == 303
        assert phone.get("/").status_code == 200


def test_signing_out_everywhere_ends_every_browser_and_program(
    served: httpx2.Client, client: httpx2.Client
) -> None:
    token = signed_in(served, "qian")["access_token"]
    with browser(served) as phone, browser(served) as colleague:
        for one in (client, phone):
            enter(one, "qian")
        enter(colleague, "sun")
        assert served.get(STATE, headers=bearer(token)).status_code == 200
        assert leave(client, everywhere="1").headers["location"].endswith("everywhere")
        assert phone.get("/").status_code == 303
        assert served.get(STATE, headers=bearer(token)).status_code == 401
        assert colleague.get("/").status_code == 200


def test_a_disabled_account_is_out(made: World, client: httpx2.Client) -> None:
    made.account("temp")
    enter(client, "temp")
    assert client.get("/").status_code == 200
    identity.disable_account(made.database.connection, "temp")
    assert client.get("/").status_code == 303


def test_a_session_ends_when_it_is_not_used_and_when_its_time_is_over(
    made: World, client: httpx2.Client
) -> None:
    connection = made.database.connection
    enter(client, "li")
    # Used a while ago, which is written down again, and then for too long not at all.
    recent = "SELECT max(used_at) > now() - interval '10 seconds' FROM browser_session"
    connection.execute("UPDATE browser_session SET used_at = now() - interval '1 day'")
    assert client.get("/").status_code == 200
    assert connection.execute(recent).fetchone() == (True,)
    connection.execute("UPDATE browser_session SET used_at = now() - idle")
    assert client.get("/").status_code == 303
    client.cookies.clear()
    enter(client, "li")
    assert client.get("/").status_code == 200
    connection.execute("UPDATE sign_in SET expires_at = now()")
    assert client.get("/").status_code == 303


def test_of_a_session_there_is_only_a_hash(made: World, client: httpx2.Client) -> None:
    enter(client, "wu")
    secret = client.cookies["session"]
    stored = made.database.connection.execute(
        "SELECT string_agg(session::text, ' ') FROM browser_session AS session"
    ).fetchone()
    assert secret not in str(stored)
    assert secret.encode().hex() not in str(stored)


# Pages elsewhere


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
def test_a_page_elsewhere_does_not_sign_its_visitor_in(client: httpx2.Client, site: str) -> None:
    form = {"name": "wu", "password": PASSWORD}
    answer = client.post("/sign-in", data=form, headers={"sec-fetch-site": site})
    assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({}, 403),
        ({"origin": "http://evil.example", "sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-origin"}, 303),
    ],
)
def test_what_changes_something_comes_from_a_page_of_ours(
    client: httpx2.Client, headers: dict[str, str], status: int
) -> None:
    enter(client, "wu")
    form = {"csrf": page_token(client)}
    assert client.post("/sign-out", data=form, headers=headers).status_code == status


def test_where_a_browser_tells_no_site_the_origin_has_to_be_ours(client: httpx2.Client) -> None:
    enter(client, "wu")
    form = {"csrf": page_token(client)}
    origin = str(client.base_url).rstrip("/")
    assert client.post("/sign-out", data=form, headers={"origin": origin}).status_code == 303


@pytest.mark.parametrize("token", [None, "", "0" * 64, "é"])
def test_what_changes_something_has_the_token_of_its_page(
    client: httpx2.Client, token: str | None
) -> None:
    enter(client, "wu")
    form = {} if token is None else {"csrf": token}
    assert client.post("/sign-out", data=form, headers=OURS).status_code == 403
    assert client.get("/").status_code == 200  # still signed in


def test_the_token_of_another_session_is_none(served: httpx2.Client, client: httpx2.Client) -> None:
    with browser(served) as other:
        enter(other, "sun")
        foreign = page_token(other)
    enter(client, "wu")
    assert client.post("/sign-out", data={"csrf": foreign}, headers=OURS).status_code == 403


# The API


def test_scripts_of_our_pages_read_the_api_and_nobody_else_by_cookie(
    client: httpx2.Client,
) -> None:
    enter(client, "wu")
    assert client.get(STATE, headers=OURS).status_code == 200
    for site in ("cross-site", "same-site", "none"):
        assert client.get(STATE, headers={"sec-fetch-site": site}).status_code == 401
    assert client.get(STATE).status_code == 401
    assert client.get("/rfms/vehicles", headers=OURS).status_code == 401


def test_a_write_to_the_api_needs_the_token_in_its_header(client: httpx2.Client) -> None:
    enter(client, "wu")
    address, body = "/v1/advice/1", {"status": "seen"}
    assert client.patch(address, json=body, headers=OURS).status_code == 403
    token = page_token(client)
    elsewhere = {"x-csrf-token": token, "sec-fetch-site": "same-site"}
    assert client.patch(address, json=body, headers=elsewhere).status_code == 403
    allowed = client.patch(address, json=body, headers=OURS | {"x-csrf-token": token})
    assert allowed.json()["code"] == "unknown_advice"


def test_a_header_goes_before_the_cookie(made: World, client: httpx2.Client) -> None:
    enter(client, "wu")
    assert client.get(STATE, headers=OURS | bearer("none")).status_code == 401
    key = made.key("advice:read", lifetime=timedelta(hours=1))
    assert client.get(STATE, headers=OURS | {"x-api-key": key.key}).status_code == 403


def test_where_nobody_signs_in_there_is_no_form(made: World) -> None:
    with made.serving(api_sign_in="off", api_party="North") as served, browser(served) as client:
        assert client.get("/sign-in").headers["location"] == "/"
        page = client.get("/")
        assert page.status_code == 200
        assert "/sign-out" not in page.text
