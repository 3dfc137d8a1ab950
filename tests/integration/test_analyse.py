"""Analysis works up exactly what changed: over midnight, after late data, and again."""

from __future__ import annotations

import zlib
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from analytics.behaviour import behaviour
from tests.worlds.driven_fleet import midnight_before
from tests.worlds.driven_vehicle import DrivenVehicle, driving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.database_fixture import Migrated

MIDNIGHT = midnight_before(0)


@pytest.fixture
def truck(migrated: Migrated, request: pytest.FixtureRequest) -> Iterator[DrivenVehicle]:
    """A truck of the test's own."""
    number = zlib.crc32(request.node.name.encode()) % 1_000_000
    vehicle = DrivenVehicle(migrated, f"LVBV3ABB5PE{number:06d}")
    yield vehicle
    vehicle.close()


def test_a_trip_over_midnight_is_one_trip_when_its_second_half_comes_later(
    truck: DrivenVehicle,
) -> None:
    start = MIDNIGHT - timedelta(minutes=10)
    truck.write(driving(start, 10))
    truck.analyse()
    assert truck.trips() == [(start, 600, pytest.approx(12))]  # 600 s at 20 m/s
    truck.write(driving(MIDNIGHT, 5))
    assert truck.analyse().vehicle_days == 1
    assert truck.trips() == [(start, 900, pytest.approx(18))]


def test_a_trip_over_midnight_is_one_trip_when_its_first_half_comes_later(
    truck: DrivenVehicle,
) -> None:
    start = MIDNIGHT - timedelta(minutes=10)
    truck.write(driving(MIDNIGHT, 5))
    truck.analyse()
    assert truck.trips() == [(MIDNIGHT, 300, pytest.approx(6))]
    truck.write(driving(start, 10))
    truck.analyse()
    assert truck.trips() == [(start, 900, pytest.approx(18))]


def test_late_data_joins_two_trips_and_leaves_others_alone(truck: DrivenVehicle) -> None:
    morning = MIDNIGHT - timedelta(hours=18)
    truck.write(driving(morning, 5))
    truck.write(driving(morning + timedelta(minutes=20), 5))
    truck.write(driving(morning + timedelta(hours=3), 5))
    truck.analyse()
    assert [duration for _, duration, _ in truck.trips()] == [300, 300, 300]
    truck.write(driving(morning + timedelta(minutes=5), 15))
    truck.analyse()
    assert [duration for _, duration, _ in truck.trips()] == [1500, 300]


def test_what_has_not_changed_is_not_worked_up_again(truck: DrivenVehicle) -> None:
    truck.write(driving(MIDNIGHT - timedelta(hours=5), 5))
    assert truck.analyse().vehicle_days == 1
    before = truck.trips()
    assert truck.analyse().vehicle_days == 0
    assert truck.trips() == before


def test_a_day_touched_during_the_analysis_stays_to_be_done(
    truck: DrivenVehicle, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = MIDNIGHT - timedelta(hours=7)
    truck.write(driving(start, 5))
    late = [start + timedelta(minutes=5)]

    def touch_meanwhile(*arguments: object, **named: object) -> object:
        while late:
            truck.write(driving(late.pop(), 5))
        return original(*arguments, **named)  # type: ignore[arg-type]  # handed through

    original = behaviour
    monkeypatch.setattr("analytics.runner.days.behaviour", touch_meanwhile)
    truck.analyse()
    assert [duration for _, duration, _ in truck.trips()] == [300]
    assert truck.analyse().vehicle_days == 1
    assert [duration for _, duration, _ in truck.trips()] == [600]
