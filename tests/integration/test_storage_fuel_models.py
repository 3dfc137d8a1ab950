"""What a model of fuel learns from is read as analysis has kept it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from storage import fuel_models
from storage.fuel_models import TrainingData
from storage.registers import register_vehicle
from tests.samples.behaviour_samples import DAY, MONDAY, NOON, WEEK
from tests.samples.behaviour_samples import store as drive
from tests.samples.fuel_tables import found, store, waiting

if TYPE_CHECKING:
    from tests.servers.database_fixture import Migrated


@pytest.fixture
def fleet(small: Migrated, vehicle: int) -> list[int]:
    """Two vehicles that drove two days of a week."""
    small.connection.execute("TRUNCATE fuel_stats, fuel_segment")
    numbers = []
    for kind in ("A", "B"):
        number = register_vehicle(small.connection, f"LTEST{kind}{vehicle:011d}").vehicle_id
        drive(small.connection, number, (MONDAY, MONDAY + 2 * DAY), (NOON, 30, None))
        (week,) = waiting(small.connection, number)
        store(small.connection, week, found(NOON, NOON + DAY, stats=(1.0, 0.5)))
        numbers.append(number)
    return numbers


def test_sums_are_those_of_all_days_that_are_asked_for(small: Migrated, fleet: list[int]) -> None:
    table = fuel_models.stats_of_vehicles(small.connection, TrainingData(), stats_version=1)
    assert table["vehicle"].tolist() == fleet
    assert [vin[:6] for vin in table["vin"]] == ["LTESTA", "LTESTB"]
    assert set(table["vehicle_class"]) == {"heavy_truck"}
    assert [stats.tolist() for stats in table["stats"]] == [[2.0, 1.0]] * 2
    monday = fuel_models.stats_of_vehicles(
        small.connection, TrainingData(last=WEEK), stats_version=1
    )
    assert [stats.tolist() for stats in monday["stats"]] == [[1.0, 0.5]] * 2
    other = fuel_models.stats_of_vehicles(small.connection, TrainingData(), stats_version=2)
    assert len(other) == 0


def test_segments_come_back_by_vehicle_and_time(small: Migrated, fleet: list[int]) -> None:
    there = fuel_models.vehicles_with_segments(small.connection, TrainingData(), layout_version=1)
    assert there["vehicle"].tolist() == fleet
    assert there["segments"].tolist() == [2, 2]
    assert fuel_models.data_span(small.connection, TrainingData(), layout_version=1) == (
        WEEK,
        WEEK + timedelta(days=1),
    )
    assert fuel_models.data_span(small.connection, TrainingData(), layout_version=2) is None

    def read(numbers: list[int], data: TrainingData, **others: Any) -> Any:
        wanted: dict[str, Any] = {"columns": ["km", "litres"], "layout_version": 1} | others
        return fuel_models.read_segments(small.connection, numbers, data, **wanted)

    segments = read(fleet, TrainingData())
    assert segments["vehicle"].tolist() == [fleet[0]] * 2 + [fleet[1]] * 2
    assert segments["start_time"].tolist() == [NOON, NOON + DAY] * 2
    assert [day.date() for day in segments["day"]] == [WEEK, WEEK + timedelta(days=1)] * 2
    assert segments["km"].tolist() == [0.5] * 4
    assert segments["litres"].dtype == np.float32
    assert segments["litres"].isna().all()
    assert read(fleet[:1], TrainingData(first=WEEK + DAY))["start_time"].tolist() == [NOON + DAY]
    # Of another layout nobody knows which cell is which.
    assert len(read(fleet, TrainingData(), layout_version=2)) == 0
    assert len(read(fleet, TrainingData(), columns=["km"])) == 0
    assert len(read([], TrainingData())) == 0
