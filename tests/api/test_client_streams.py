"""The client follows a stream through breaks, leaves nothing out, and ends where its grant does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from api.vehicles import streams
from storage.registers import (
    add_to_fleet,
    ensure_fleet,
    ensure_party,
    grant_access,
    register_vehicle,
)
from telemetry_client import NotFoundError
from tests.asking.api_fixture import record, served_as
from tests.asking.client_fixture import EVERY_KIND, KINDS, opened, waits_of_clients
from tests.faults.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telemetry_client.models import VehicleChange
    from tests.servers.database_fixture import Migrated


@cache
def now() -> datetime:
    """When this module's first test began: tests are collected long before."""
    return datetime.now(tz=UTC).replace(microsecond=0)


VIN, OTHER = "LSGAA11112A000001", "LSGAA11112A000002"
QUICK = {"api_stream_poll_s": 0.05, "api_stream_heartbeat_s": 0.3}

_seconds = iter(range(1, 1000))


def drives(database: Migrated, vin: str, speed: float) -> None:
    """Let a vehicle be heard of, later than before."""
    index = pd.DatetimeIndex([now() + timedelta(seconds=next(_seconds))])
    rows = {"wheel_speed": [speed], "tell_tale_amber": [1.0]}
    record(database, vin, pd.DataFrame(rows, index=index))


@pytest.fixture(scope="module")
def fleet(migrated: Migrated) -> int:
    owner = ensure_party(migrated.connection, "Haulier", "owner")
    number = ensure_fleet(migrated.connection, party_id=owner, name="East")
    for vin in (VIN, OTHER):
        register_vehicle(migrated.connection, vin)
        add_to_fleet(migrated.connection, fleet_id=number, vin=vin)
        grant_access(migrated.connection, party_id=owner, vin=vin, purpose="ownership")
    return number


def until(changes: Iterator[VehicleChange], vin: str, speed: float) -> VehicleChange:
    """The change that tells this speed."""
    for change in changes:
        if change.vin == vin and change.speed is not None and change.speed.value == speed:
            return change
    raise AssertionError("the stream has ended")


@EVERY_KIND
def test_a_fleet_is_followed_through_breaks_and_nothing_is_left_out(
    migrated: Migrated, fleet: int, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = waits_of_clients(monkeypatch)
    seen: list[Any] = []
    read = streams._time

    def noted(last: str | None) -> datetime | None:
        seen.append(last)
        return read(last)

    monkeypatch.setattr(streams, "_time", noted)
    with served_as(migrated, "Haulier", "owner", **QUICK) as http:
        proxy = Proxy(int(http.base_url.port or 0))
        try:
            with opened(kind, f"http://127.0.0.1:{proxy.port}") as client:
                drives(migrated, VIN, 10)
                drives(migrated, OTHER, 20)
                changes = client.follow_fleet(fleet)
                first = until(changes, VIN, 10)
                assert (first.activity, first.lamps) == ("moving", ["amber"])
                assert first.last_seen is not None
                assert first.last_seen.tzinfo is not None
                drives(migrated, VIN, 30)
                until(changes, VIN, 30)
                assert proxy.reset() == 1
                # Nobody listens now.
                drives(migrated, OTHER, 40)
                until(changes, OTHER, 40)
                changes.close()
        finally:
            proxy.close()
    assert seen[0] is None
    assert [len(last) for last in seen[1:]] == [16] * (len(seen) - 1)  # microseconds since 1970
    assert len(seen) == 2
    assert waits == [pytest.approx(streams.RETRY_MS / 1000)]  # as the API said


def test_a_stream_ends_with_the_reason_why_it_may_not_go_on(
    migrated: Migrated, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits_of_clients(monkeypatch)
    guest = ensure_party(migrated.connection, "Guest", "owner")
    with served_as(migrated, "Guest", "owner", **QUICK) as http:
        for kind in KINDS:
            grant_access(migrated.connection, party_id=guest, vin=VIN, purpose="ownership")
            with opened(kind, str(http.base_url)) as client:
                changes = client.follow_vehicle(VIN)
                assert next(changes).vin == VIN
                migrated.connection.execute(
                    "DELETE FROM vehicle_access WHERE party_id = %s", (guest,)
                )
                with pytest.raises(NotFoundError) as ended:
                    list(changes)
                assert ended.value.code == "unknown_vehicle"


@EVERY_KIND
def test_what_may_not_be_followed_is_said_at_once(
    migrated: Migrated, kind: str, fleet: int
) -> None:
    with (
        served_as(migrated, "Haulier", "owner", **QUICK) as http,
        opened(kind, str(http.base_url)) as client,
    ):
        for changes in (client.follow_vehicle("LSGAA11112A999999"), client.follow_fleet(fleet + 1)):
            with pytest.raises(NotFoundError):
                next(changes)
