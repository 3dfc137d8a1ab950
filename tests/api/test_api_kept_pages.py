"""The pages of auditor and administrator: where they begin, and every entry is the API's."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.asking.browser_session import entered
from tests.asking.page_numbers import Data, api
from tests.worlds.identity_world import FOREIGN, World
from tests.worlds.kept_world import MANY, READS, YESTERDAY, kept_world

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

    from tests.servers.database_fixture import Migrated

DAY = f"{YESTERDAY:%Y-%m-%d}"
OF_THAT_DAY = {
    "start": f"{DAY}T00:00:00Z",
    "end": f"{YESTERDAY + timedelta(days=1):%Y-%m-%d}T00:00:00Z",
}
OTHERS = ("/", "/vehicles", "/drivers", "/overview", "/settings", "/datasets")


@pytest.fixture(scope="module")
def made(migrated: Migrated, tmp_path_factory: pytest.TempPathFactory) -> World:
    return kept_world(migrated, tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def served(made: World) -> Iterator[httpx2.Client]:
    with made.serving(api_connections=2) as client:
        yield client


@pytest.fixture(scope="module")
def auditor(served: httpx2.Client) -> Iterator[httpx2.Client]:
    yield from entered(served, "auditor")


@pytest.fixture(scope="module")
def admin(served: httpx2.Client) -> Iterator[httpx2.Client]:
    yield from entered(served, "admin")


def log(client: httpx2.Client, **asked: Any) -> str:
    """The page of a day."""
    answer = client.get("/audit", params={"first": DAY, "last": DAY, **asked})
    assert answer.status_code == 200, answer.text
    return answer.text


def test_everybody_begins_with_a_page_and_is_shown_only_ways_that_open(
    served: httpx2.Client,
) -> None:
    for name, begins in (("auditor", "/audit"), ("admin", "/accounts"), ("maker", "/overview")):
        for person in entered(served, name):
            assert person.get("/").headers["location"] == begins
            head = person.get(begins).text.partition("<main")[0]
            ways = re.findall(r'<a href="(/[\w/]*)"', head[head.index('class="places"') :])
            assert ways[0] == begins
            for way in ways:
                page = person.get(way)
                assert page.status_code == 200, way
                back = re.findall(r'<a class="back" href="([^"]+)"', page.text)
                assert all(person.get(address).status_code == 200 for address in back), way


def test_a_closed_page_leads_back_and_sends_nobody_to_himself(
    auditor: httpx2.Client, admin: httpx2.Client
) -> None:
    for person, home, told in (
        (auditor, "/audit", "Ask the administrator"),
        (admin, "/accounts", "Make an account in another role"),
    ):
        for address in OTHERS[1:]:
            answer = person.get(address)
            assert answer.status_code == 403
            assert f'href="{home}"' in answer.text
            assert told in answer.text, address
    assert "Ask the administrator" not in admin.get("/vehicles").text
    assert "请为其建立其他角色的账号" in admin.get("/vehicles?lang=zh").text
    admin.get("/accounts?lang=en")


def test_the_log_is_the_api_s_page_by_page(made: World, auditor: httpx2.Client) -> None:
    told = api(auditor, "/v1/audit", **OF_THAT_DAY, limit=1000)
    assert len(told["reads"]) == READS + 1
    shown = log(auditor)
    following = re.search(r'rel="next" href="([^"]+)"', shown)
    assert following is not None
    second = auditor.get(following.group(1).replace("&amp;", "&"))
    assert second.status_code == 200
    numbers = [Data(text).named for text in (shown, second.text)]
    assert len(numbers[0]["reads"]) == 100
    for field in ("reads", "status"):
        expected = [one[field] for one in told["reads"]]
        assert numbers[0][field] + numbers[1][field] == expected
    first = told["reads"][0]
    for text in (first["purpose"], first["address"], "vtk_3kq7x2am", *(vin[9:] for vin in MANY)):
        assert text in shown
    assert f"Driver {made.driver}" in shown


def test_the_log_is_narrowed_as_the_api_s(made: World, auditor: httpx2.Client) -> None:
    for asked, count in (({"vin": f" {MANY[0].lower()} "}, 1), ({"vin": FOREIGN}, 100)):
        assert len(Data(log(auditor, **asked)).named["reads"]) == count
    assert len(Data(log(auditor, driver_id=made.driver)).named["reads"]) == 1
    assert "Nothing was read" in log(auditor, dataset_id=7)
    assert "Nothing was read" in log(auditor, first="2025-01-01", last="2025-01-02")


@pytest.mark.parametrize(
    "asked",
    [
        {"vin": "short"},
        {"driver_id": "Wang Wei"},
        {"driver_id": "9" * 30},
        {"dataset_id": "0"},
        {"first": "yesterday"},
        {"last": "2026-02-30"},
        {"last": "9999-12-31"},
        {"first": DAY, "last": "2025-01-01"},
    ],
    ids=str,
)
def test_what_the_log_cannot_be_searched_by_is_said_beside_it(
    auditor: httpx2.Client, asked: dict[str, str]
) -> None:
    shown = log(auditor, **asked)
    assert 'role="alert"' in shown
    for typed in asked.values():
        assert f'value="{typed.upper() if "vin" in asked else typed}"' in shown


def test_the_log_says_where_it_is_not_whole(made: World, auditor: httpx2.Client) -> None:
    assert "not whole" not in log(auditor)
    made.database.connection.execute(
        "INSERT INTO access_log_loss (since, until, reads) VALUES (%s, %s, 12)",
        (YESTERDAY, YESTERDAY + timedelta(minutes=1)),
    )
    assert Data(log(auditor)).named["lost"] == [12]


def test_accounts_are_the_api_s_and_those_of_the_own_party(admin: httpx2.Client) -> None:
    shown = admin.get("/accounts").text
    people = api(admin, "/v1/registers/accounts")["accounts"]
    assert re.findall(r"<b>(.*?)</b>", shown)[: len(people)] == [one["name"] for one in people]
    assert {"admin", "wu", "driver", "left"} == {one["name"] for one in people}
    assert shown.count("May sign in") == len([one for one in people if not one["disabled_at"]])
    keys = api(admin, "/v1/registers/keys")["keys"]
    clients = api(admin, "/v1/registers/clients")["clients"]
    assert (len(keys), len(clients)) == (2, 1)
    for one in keys:
        assert f"{one['prefix']}…" in shown
        assert f'datetime="{one["expires_at"][:19]}' in shown
    assert clients[0]["client_id"] in shown
    assert "auditor" not in shown
