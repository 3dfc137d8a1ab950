"""Analysis works up exactly what changed: over midnight, after late data, and again."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest

from analytics.behaviour import behaviour
from analytics.runner import Outcome, analyse
from storage import registers
from storage.batch import Batch, GroupRows
from storage.connection import connect, server
from storage.frame_writer import FrameWriter
from storage.settings import StorageSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.database_fixture import Migrated

MIDNIGHT = datetime.now(tz=UTC).replace(hour=0, minute=0, second=0, microsecond=0)


class Truck:
    """A vehicle whose rows a test writes."""

    def __init__(self, database: Migrated, vin: str) -> None:
        self.database = database
        self.vin = vin
        self.vehicle_id = registers.register_vehicle(database.connection, vin).vehicle_id
        connection = connect(database.dsn)
        self.writer = FrameWriter(
            connection, server(connection), database.catalogue, refused_values_kept=10
        )

    def drive(self, start: datetime, minutes: float, kmh: float = 72.0) -> None:
        """Rows of one second with the engine running."""
        count = int(minutes * 60)
        motion = self.database.catalogue.groups["motion"].signals
        narrow = [signal.name for signal in motion if not signal.wide]
        values = np.full((count, len(narrow)), np.nan, dtype=np.float32)
        values[:, narrow.index("wheel_speed")] = kmh
        values[:, narrow.index("engine_speed")] = 1200
        values[:, narrow.index("fuel_rate")] = 36
        begin_us = int(start.timestamp()) * 1_000_000
        self.writer.write(
            Batch(
                groups=(
                    GroupRows(
                        group="motion",
                        vehicle_ids=np.full(count, self.vehicle_id, dtype=np.int64),
                        times_us=begin_us + np.arange(count, dtype=np.int64) * 1_000_000,
                        narrow=values,
                        wide=np.full((count, len(motion) - len(narrow)), np.nan),
                    ),
                )
            )
        )

    def analyse(self) -> Outcome:
        """Work up what changed of this vehicle."""
        return analyse(
            self.database.connection,
            self.database.server,
            self.database.catalogue,
            StorageSettings(),
            vin=self.vin,
        )

    def trips(self) -> list[tuple[object, ...]]:
        """Start, duration [s] and distance [km] of the stored trips."""
        return self.database.connection.execute(
            "SELECT start_time, duration_s, distance_km FROM trip WHERE vehicle_id = %s"
            " ORDER BY start_time",
            (self.vehicle_id,),
        ).fetchall()


@pytest.fixture
def truck(migrated: Migrated, request: pytest.FixtureRequest) -> Iterator[Truck]:
    """A truck of the test's own."""
    number = zlib.crc32(request.node.name.encode()) % 1_000_000
    vehicle = Truck(migrated, f"LVBV3ABB5PE{number:06d}")
    yield vehicle
    vehicle.writer.close()


def test_a_trip_over_midnight_is_one_trip_when_its_second_half_comes_later(truck: Truck) -> None:
    start = MIDNIGHT - timedelta(minutes=10)
    truck.drive(start, minutes=10)
    truck.analyse()
    assert truck.trips() == [(start, 600, pytest.approx(12))]  # 600 s at 20 m/s
    truck.drive(MIDNIGHT, minutes=5)
    assert truck.analyse().vehicle_days == 1
    assert truck.trips() == [(start, 900, pytest.approx(18))]


def test_a_trip_over_midnight_is_one_trip_when_its_first_half_comes_later(truck: Truck) -> None:
    start = MIDNIGHT - timedelta(minutes=10)
    truck.drive(MIDNIGHT, minutes=5)
    truck.analyse()
    assert truck.trips() == [(MIDNIGHT, 300, pytest.approx(6))]
    truck.drive(start, minutes=10)
    truck.analyse()
    assert truck.trips() == [(start, 900, pytest.approx(18))]


def test_late_data_joins_two_trips_and_leaves_others_alone(truck: Truck) -> None:
    morning = MIDNIGHT - timedelta(hours=18)
    truck.drive(morning, minutes=5)
    truck.drive(morning + timedelta(minutes=20), minutes=5)
    truck.drive(morning + timedelta(hours=3), minutes=5)
    truck.analyse()
    assert [duration for _, duration, _ in truck.trips()] == [300, 300, 300]
    truck.drive(morning + timedelta(minutes=5), minutes=15)
    truck.analyse()
    assert [duration for _, duration, _ in truck.trips()] == [1500, 300]


def test_what_has_not_changed_is_not_worked_up_again(truck: Truck) -> None:
    truck.drive(MIDNIGHT - timedelta(hours=5), minutes=5)
    assert truck.analyse().vehicle_days == 1
    before = truck.trips()
    assert truck.analyse().vehicle_days == 0
    assert truck.trips() == before


def test_a_day_touched_during_the_analysis_stays_to_be_done(
    truck: Truck, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = MIDNIGHT - timedelta(hours=7)
    truck.drive(start, minutes=5)
    late = [start + timedelta(minutes=5)]

    def touch_meanwhile(*arguments: object, **named: object) -> object:
        while late:
            truck.drive(late.pop(), minutes=5)
        return original(*arguments, **named)  # type: ignore[arg-type]  # handed through

    original = behaviour
    monkeypatch.setattr("analytics.runner.days.behaviour", touch_meanwhile)
    truck.analyse()
    assert [duration for _, duration, _ in truck.trips()] == [300]
    assert truck.analyse().vehicle_days == 1
    assert [duration for _, duration, _ in truck.trips()] == [600]
