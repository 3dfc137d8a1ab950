"""The pages show what the API says, in two languages, under a policy without exceptions."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from storage.registers import register_vehicle
from tests.asking.api_fixture import record, served_as

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

    from tests.servers.database_fixture import Migrated

VIN = "LSGAA11112A000001"
NEVER_SEEN = "LSGAA11112A000002"


@pytest.fixture(scope="module")
def client(migrated: Migrated) -> Iterator[httpx2.Client]:
    register_vehicle(migrated.connection, NEVER_SEEN)
    record(
        migrated,
        VIN,
        pd.DataFrame(
            {
                "wheel_speed": [82.0],
                "cruise_state": [1.0],
                "engine_running": [1.0],
                "odometer": [203_118.4],
                "fuel_level_1": [62.4],
            },
            index=pd.DatetimeIndex([datetime.now(tz=UTC) - timedelta(minutes=3)]),
        ),
    )
    with served_as(migrated) as client:
        client.headers["accept"] = "text/html"
        yield client


@pytest.fixture(autouse=True)
def _no_cookies(client: httpx2.Client) -> None:
    client.cookies.clear()


class Elements(HTMLParser):
    """Tags with their attributes, and the ids there are."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.mark.parametrize("path", ["/", f"/vehicles/{VIN}", f"/vehicles/{NEVER_SEEN}", "/nothing"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_page_loads_nothing_from_elsewhere_and_has_nothing_inline(
    client: httpx2.Client, path: str, language: str
) -> None:
    answer = client.get(path, params={"lang": language})
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    for tag, attributes in Elements(answer.text).found:
        assert "style" not in attributes
        assert not any(name.startswith("on") for name in attributes)
        if tag == "script":
            assert attributes.get("src") or attributes["type"] == "application/json"
        for name in ("src", "href"):
            address = attributes.get(name)
            if address and not address.startswith(("#", "?")):
                assert re.match(r"/(?!/)", address), address
                if address.startswith("/static/"):
                    assert client.get(address).status_code == 200, address


def test_the_list_shows_each_vehicle_with_its_state(client: httpx2.Client) -> None:
    page = client.get("/", params={"lang": "en"}).text
    assert f'href="/vehicles/{VIN}"' in page
    assert "Moving" in page
    assert "203,118" in page
    # Last seen 3 minutes before the tests began; a busy machine takes its time to come here.
    assert re.search(r"\b([3-9]|1\d) min ago", page)
    assert "never" in page  # the other vehicle was never seen


def test_a_vehicle_s_page_tells_codes_in_words(client: httpx2.Client) -> None:
    english = client.get(f"/vehicles/{VIN}", params={"lang": "en"}).text
    chinese = client.get(f"/vehicles/{VIN}", params={"lang": "zh"}).text
    assert re.search(r'Cruise control state</span>\s*<span class="value"[^>]*>hold<', english)
    assert re.search(r'巡航状态</span>\s*<span class="value"[^>]*>保持<', chinese)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, "en"),
        ({"accept-language": "zh-CN,zh;q=0.9,en;q=0.8"}, "zh-CN"),
        ({"accept-language": "fr,zh;q=0.5,en;q=0.4"}, "zh-CN"),
        ({"accept-language": "de"}, "en"),
        ({"accept-language": "zh", "cookie": "lang=en"}, "en"),
        ({"cookie": "lang=../../etc"}, "en"),
    ],
)
def test_the_language_is_the_cookie_s_or_the_browser_s(
    client: httpx2.Client, headers: dict[str, str], expected: str
) -> None:
    assert f'<html lang="{expected}">' in client.get("/", headers=headers).text


def test_the_language_switch_is_kept_in_a_cookie(client: httpx2.Client) -> None:
    answer = client.get("/", params={"lang": "zh"})
    assert "lang=zh" in answer.headers["set-cookie"]
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert "set-cookie" not in client.get("/", params={"lang": "tlh"}).headers


def test_a_switch_of_language_keeps_the_rest_of_the_address(client: httpx2.Client) -> None:
    page = client.get(f"/vehicles/{VIN}", params={"start": "1", "x": '"><script>'}).text
    assert "?start=1&amp;x=%22%3E%3Cscript%3E&amp;lang=zh" in page


def test_an_unknown_vehicle_is_a_page_for_people_and_a_problem_for_programs(
    client: httpx2.Client,
) -> None:
    page = client.get("/vehicles/LSGAA11112A000009")
    assert page.status_code == 404
    assert "There is no such vehicle" in page.text
    program = client.get("/vehicles/LSGAA11112A000009", headers={"accept": "*/*"})
    assert program.headers["content-type"] == "application/problem+json"
    # Under /v1 there are no pages, whatever a browser says it likes.
    api = client.get("/v1/vehicles/LSGAA11112A000009/state")
    assert api.headers["content-type"] == "application/problem+json"


def test_pages_go_on_to_the_next_vehicles(migrated: Migrated, client: httpx2.Client) -> None:
    for number in range(60):  # a page shows 50
        register_vehicle(migrated.connection, f"LSGAA11112A9000{number:02d}")
    first = client.get("/", params={"lang": "en"}).text
    following = re.search(r'rel="next" href="([^"]+)"', first)
    assert following is not None
    second = client.get(following.group(1)).text
    pattern = r'href="/vehicles/(\w+)"'
    vins = re.findall(pattern, first) + re.findall(pattern, second)
    assert len(vins) == len(set(vins)) == 62


def test_head_is_answered_as_get_without_the_body(client: httpx2.Client) -> None:
    answer = client.head("/")
    assert (answer.status_code, answer.content) == (200, b"")
