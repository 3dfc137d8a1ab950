"""A stream tells every change once it is committed, to those who may see it, and ends cleanly."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from storage.connection import connect
from storage.registers import (
    add_to_fleet,
    ensure_fleet,
    ensure_party,
    grant_access,
    register_vehicle,
)
from tests.asking.api_fixture import record, served_as
from tests.asking.patience import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

    from tests.servers.database_fixture import Migrated


@cache
def now() -> datetime:
    """When this module's first test began: tests are collected long before."""
    return datetime.now(tz=UTC).replace(microsecond=0)


VIN, OTHER, FOREIGN = "LSGAA11112A000001", "LSGAA11112A000002", "LSGAA11112A000003"
QUICK = {"api_stream_poll_s": 0.05, "api_stream_heartbeat_s": 0.3}


def drives(database: Migrated, vin: str, speed: float, ahead_s: int) -> None:
    """Let a vehicle be heard of."""
    rows = {"wheel_speed": [speed], "tell_tale_amber": [1.0]}
    index = pd.DatetimeIndex([now() + timedelta(seconds=ahead_s)])
    record(database, vin, pd.DataFrame(rows, index=index))


class Events:
    """The events of a stream, as they come."""

    def __init__(self, answer: httpx2.Response) -> None:
        self._lines = answer.iter_lines()
        self.last_id: str | None = None
        self.heartbeats = 0

    def next(self) -> dict[str, Any]:
        """The data of the next event."""
        data: dict[str, Any] | None = None
        for line in self._lines:
            name, _, text = line.partition(": ")
            if name == "id":
                self.last_id = text
            elif name == "data":
                data = json.loads(text)
            elif line == ": alive":
                self.heartbeats += 1
            elif line == "" and data is not None:
                return data
        raise EOFError("the stream has ended")

    def until_speed(self, speed: float) -> dict[str, Any]:
        """The event that tells this speed."""
        while True:
            event = self.next()
            if event["speed"] is not None and event["speed"]["value"] == speed:
                return event


@contextmanager
def following(client: httpx2.Client, address: str, last_id: str | None = None) -> Iterator[Events]:
    headers = {} if last_id is None else {"Last-Event-ID": last_id}
    with client.stream("GET", address, headers=headers) as answer:
        assert answer.status_code == 200, answer.read()
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield Events(answer)


@pytest.fixture(scope="module")
def fleet(migrated: Migrated) -> int:
    owner = ensure_party(migrated.connection, "Haulier", "owner")
    number = ensure_fleet(migrated.connection, party_id=owner, name="East")
    for vin in (VIN, OTHER, FOREIGN):
        register_vehicle(migrated.connection, vin)
        add_to_fleet(migrated.connection, fleet_id=number, vin=vin)
    for vin in (VIN, OTHER):
        grant_access(migrated.connection, party_id=owner, vin=vin, purpose="ownership")
    return number


@pytest.fixture
def client(migrated: Migrated, fleet: int) -> Iterator[httpx2.Client]:
    assert fleet
    with served_as(migrated, "Haulier", "owner", **QUICK) as client:
        yield client


def test_a_vehicle_is_told_as_it_is_and_then_as_it_changes(
    migrated: Migrated, client: httpx2.Client
) -> None:
    drives(migrated, VIN, 10, 1)
    with following(client, f"/v1/vehicles/{VIN}/stream") as events:
        first = events.next()
        assert (first["vin"], first["speed"]["value"], first["lamps"]) == (VIN, 10, ["amber"])
        drives(migrated, OTHER, 99, 1)
        drives(migrated, VIN, 20, 2)
        assert events.next()["speed"]["value"] == 20
        assert events.last_id is not None


def test_a_fleet_is_told_as_far_as_it_may_be_seen(
    migrated: Migrated, client: httpx2.Client, fleet: int
) -> None:
    for vin in (VIN, OTHER, FOREIGN):
        drives(migrated, vin, 30, 3)
    with following(client, f"/v1/fleets/{fleet}/stream") as events:
        assert {events.next()["vin"] for _ in range(2)} == {VIN, OTHER}
        drives(migrated, FOREIGN, 40, 4)  # in the fleet, but not the owner's to see
        drives(migrated, OTHER, 40, 4)
        assert events.next()["vin"] == OTHER


def test_what_was_missed_comes_first_after_a_break(
    migrated: Migrated, client: httpx2.Client, fleet: int
) -> None:
    address = f"/v1/fleets/{fleet}/stream"
    with following(client, address) as events:
        drives(migrated, VIN, 50, 5)
        events.until_speed(50)
        last_id = events.last_id
    drives(migrated, VIN, 60, 6)
    with following(client, address, last_id) as events:
        assert events.until_speed(60)["vin"] == VIN
    # An id that is none of ours counts as none.
    with following(client, address, "nonsense") as events:
        assert {events.next()["vin"] for _ in range(2)} == {VIN, OTHER}


def test_a_change_is_told_when_it_is_committed_however_long_that_took(
    migrated: Migrated, client: httpx2.Client, fleet: int
) -> None:
    with (
        following(client, f"/v1/fleets/{fleet}/stream") as events,
        connect(migrated.dsn) as slow,
    ):
        {events.next()["vin"] for _ in range(2)}
        with slow.transaction():
            # Written first, with the earlier time, and visible last.
            slow.execute(
                "UPDATE vehicle_state SET updated_at = now(), time = time + interval '1 second'"
                " WHERE vehicle_id = (SELECT vehicle_id FROM vehicle WHERE vin = %s)",
                (OTHER,),
            )
            drives(migrated, VIN, 70, 7)
            assert events.until_speed(70)["vin"] == VIN
        while events.next()["vin"] != OTHER:
            pass


def test_a_quiet_stream_says_that_it_is_alive(migrated: Migrated, client: httpx2.Client) -> None:
    drives(migrated, VIN, 80, 8)
    with following(client, f"/v1/vehicles/{VIN}/stream") as events:
        events.next()
        time.sleep(2)
        drives(migrated, VIN, 81, 9)
        events.until_speed(81)
        assert events.heartbeats >= 2  # one every 0.3 s


def test_clients_are_bounded_and_those_who_left_make_room(migrated: Migrated, fleet: int) -> None:
    address = f"/v1/fleets/{fleet}/stream"
    with served_as(migrated, "Haulier", "owner", **QUICK, api_streams=2) as client:
        with following(client, address), following(client, address):
            refused = client.get(address)
            assert refused.status_code == 503
            assert refused.json()["code"] == "busy"
            assert refused.headers["retry-after"]

        def has_room() -> bool:
            with client.stream("GET", address) as answer:
                return answer.status_code == 200

        wait_until(has_room, "room: that both have left is noticed though nothing was sent to them")


def test_a_stream_ends_when_its_grant_does(migrated: Migrated) -> None:
    party = ensure_party(migrated.connection, "Workshop", "service_provider")
    grant_access(migrated.connection, party_id=party, vin=VIN, purpose="service")
    with (
        served_as(migrated, "Workshop", "service_provider", **QUICK) as client,
        following(client, f"/v1/vehicles/{VIN}/stream") as events,
    ):
        events.next()
        migrated.connection.execute("DELETE FROM vehicle_access WHERE party_id = %s", (party,))
        drives(migrated, VIN, 90, 10)
        with pytest.raises(EOFError):
            events.until_speed(90)


def test_what_is_not_ones_own_to_follow_is_not_there(
    client: httpx2.Client, migrated: Migrated, fleet: int
) -> None:
    foreign = client.get(f"/v1/vehicles/{FOREIGN}/stream")
    unknown = client.get("/v1/vehicles/LSGAA11112A000009/stream")
    assert (foreign.status_code, foreign.content) == (404, unknown.content)
    with served_as(migrated, "Somebody else", "owner") as other:
        foreign = other.get(f"/v1/fleets/{fleet}/stream")
        assert (foreign.status_code, foreign.content) == (
            404,
            other.get("/v1/fleets/999999/stream").content,
        )
