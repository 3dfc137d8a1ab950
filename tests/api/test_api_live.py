"""Pages kept up to date: what a stream sends is what the page would show, of one's own alone."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from api import identity as api_identity
from api.language import language
from storage.registers import grant_access
from tests.asking.api_fixture import record
from tests.asking.browser_session import browser, enter, leave
from tests.worlds.identity_world import logged
from tests.worlds.pages_world import FOREIGN_VIN, VINS, PagesWorld

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2


QUICK = {"api_stream_poll_s": 0.05, "api_stream_heartbeat_s": 0.3}


@pytest.fixture(scope="module")
def served_pages(pages: PagesWorld) -> Iterator[httpx2.Client]:
    with pages.serving(api_connections=4, **QUICK) as client:
        yield client


@pytest.fixture
def owner(served_pages: httpx2.Client) -> Iterator[httpx2.Client]:
    with browser(served_pages) as client:
        assert enter(client, "wu").status_code == 303
        yield client


class Parts:
    """What a page is told, event by event, and all of it so far."""

    def __init__(self, answer: httpx2.Response) -> None:
        self._lines = answer.iter_lines()
        self.now: dict[str, str] = {}

    def next(self) -> dict[str, str]:
        """What the next event changes; nothing: it says that the stream is alive."""
        kind, told = "", {}
        for line in self._lines:
            name, _, text = line.partition(":")
            if name == "event":
                kind = text.strip()
            elif name == "data" and kind == "parts":
                told = json.loads(text)
            elif line == "" and kind:
                self.now |= told
                return told
        raise EOFError("the stream has ended")

    def to_the_end(self) -> None:
        """Hear all of it."""
        for _ in range(1000):
            self.next()

    def until(self, name: str, words: str) -> dict[str, str]:
        """The event that lets a piece say this."""
        while True:
            told = self.next()
            if words in told.get(name, ""):
                return told


@contextmanager
def following(client: httpx2.Client, address: str) -> Iterator[Parts]:
    with client.stream("GET", address, headers={"accept": "text/event-stream"}) as answer:
        assert answer.status_code == 200, answer.read()
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield Parts(answer)


def drives(pages: PagesWorld, vin: str, **values: float) -> None:
    """Let a vehicle be heard of."""
    index = pd.DatetimeIndex([datetime.now(tz=UTC) + timedelta(seconds=1)])
    record(
        pages.database, vin, pd.DataFrame({name: [told] for name, told in values.items()}, index)
    )


def test_the_list_is_told_what_its_page_would_show(pages: PagesWorld, owner: httpx2.Client) -> None:
    with following(owner, "/vehicles/live") as parts:
        first = parts.next()
        assert set(first) >= {f"{vin}.speed" for vin in VINS} | {"counts"}
        drives(pages, VINS[1], wheel_speed=83.5, odometer=300_001.0)
        told = parts.until(f"{VINS[1]}.speed", "84 <small>km/h")
        assert "300,001" in told[f"{VINS[1]}.odometer"]
        assert f"{VINS[0]}.speed" not in told  # it has not changed
        page = owner.get("/vehicles").text
        for name in ("speed", "odometer", "position", "fuel", "state"):
            cell = parts.now[f"{VINS[1]}.{name}"]
            assert f'data-live="{VINS[1]}.{name}">{cell}</td>' in page, name


def test_a_dot_on_the_map_is_told_where_it_is_and_what_it_does(
    pages: PagesWorld, owner: httpx2.Client
) -> None:
    with following(owner, "/vehicles/live") as parts:
        parts.next()
        drives(pages, VINS[2], wheel_speed=64.0, latitude=31.0625, longitude=121.125)
        told = parts.until(f"{VINS[2]}.dot", "121.125 31.0625")
        assert told[f"{VINS[2]}.dot"] == (
            '<data value="121.125 31.0625" data-state="moving">Moving</data>'
        )
        assert parts.now[f"{VINS[7]}.dot"] == ""  # it has never told where it is
        assert f">{parts.now[f'{VINS[2]}.dot']}</li>" in owner.get("/vehicles").text


def test_a_vehicle_s_page_is_told_its_values(pages: PagesWorld, owner: httpx2.Client) -> None:
    address = f"/vehicles/{VINS[4]}"
    with following(owner, f"{address}/live") as parts:
        assert "activity" in parts.next()
        drives(pages, VINS[4], wheel_speed=71.25, fuel_level_1=44.0)
        told = parts.until("value.wheel_speed", "71.25")
        assert "71 <small>km/h" in told["headlines"]
        assert "Moving" in parts.now["activity"]
        page = owner.get(address).text
        assert f'data-live="value.wheel_speed">{parts.now["value.wheel_speed"]}</span>' in page


def test_it_says_that_it_is_alive_and_speaks_the_page_s_language(owner: httpx2.Client) -> None:
    owner.get("/vehicles?lang=zh")
    with following(owner, f"/vehicles/{VINS[5]}/live") as parts:
        told = parts.next()["activity"]
        assert any(word in told for word in language("zh").beginning("activity_").values())
        assert any(not parts.next() for _ in range(20))
    owner.get("/vehicles?lang=en")


def test_nothing_foreign_is_followed(pages: PagesWorld, owner: httpx2.Client) -> None:
    for vin in (FOREIGN_VIN, "LSGAA11112A000888"):
        answer = owner.get(f"/vehicles/{vin}/live")
        assert answer.status_code == 404
    with following(owner, "/vehicles/live") as parts:
        parts.next()
        drives(pages, FOREIGN_VIN, wheel_speed=99.0)
        drives(pages, VINS[2], wheel_speed=21.0)
        parts.until(f"{VINS[2]}.speed", "21 <small>")
        assert not [name for name in parts.now if FOREIGN_VIN in name]


def test_whose_grant_ends_is_told_no_more(pages: PagesWorld, owner: httpx2.Client) -> None:
    connection = pages.database.connection
    with (
        following(owner, f"/vehicles/{VINS[6]}/live") as parts,
        following(owner, "/vehicles/live") as listed,
    ):
        parts.next()
        listed.next()
        connection.execute(
            "UPDATE vehicle_access SET valid = tstzrange(NULL, now()) FROM vehicle"
            " WHERE vehicle.vehicle_id = vehicle_access.vehicle_id AND vin = %s",
            (VINS[6],),
        )
        with pytest.raises(EOFError):
            parts.to_the_end()
        drives(pages, VINS[6], wheel_speed=55.0)
        drives(pages, VINS[2], wheel_speed=33.0)
        listed.until(f"{VINS[2]}.speed", "33 <small>")
        for _ in range(4):
            assert f"{VINS[6]}.seen" not in listed.next()
        assert "55 <small>" not in listed.now[f"{VINS[6]}.speed"]
    grant_access(connection, party_id=pages.owner, vin=VINS[6], purpose="ownership")


def test_who_signs_out_is_told_no_more(
    owner: httpx2.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_identity, "REMEMBERED_S", 0.0)
    with following(owner, "/vehicles/live") as parts:
        parts.next()
        with browser(owner) as other:
            other.cookies = owner.cookies
            assert leave(other).status_code == 303
        with pytest.raises(EOFError):
            parts.to_the_end()


def test_whom_a_stream_tells_of_is_written_down(pages: PagesWorld, owner: httpx2.Client) -> None:
    with following(owner, "/vehicles/live") as parts:
        parts.next()
    rows: list[Any] = logged(pages, 1, f"route = '/vehicles/live' AND '{VINS[3]}' = ANY (vins)")
    assert rows[0][0] == "account:wu"
