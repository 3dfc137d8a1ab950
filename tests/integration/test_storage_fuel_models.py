"""Models are kept as they were stored, one is used at a time, and what they learn from is read."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from storage import advice, fuel_models
from storage.connection import connect
from storage.errors import StorageError
from storage.fuel_models import TrainingData
from storage.registers import register_vehicle
from tests.behaviour_samples import DAY, HOUR, MONDAY, NOON, WEEK
from tests.behaviour_samples import store as drive
from tests.fuel_tables import found, store, waiting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storage.connection import Connection
    from tests.database_fixture import Migrated


@pytest.fixture
def models(small: Migrated) -> Iterator[Connection]:
    """A database without models."""
    small.connection.execute("DELETE FROM fuel_model")
    yield small.connection
    small.connection.execute("DELETE FROM fuel_model")


def keep(connection: Connection, body: bytes, **others: Any) -> int:
    return fuel_models.store_model(
        connection,
        body,
        **{
            "data": (date(2026, 10, 1), date(2026, 10, 28)),
            "code_version": "0.1.0",
            "metrics": {"vehicles": 12},
            "reference": {"classes": {}},
        }
        | others,
    )


def active(connection: Connection) -> list[int]:
    return [model.model_id for model in fuel_models.models(connection) if model.active]


def test_a_model_comes_back_as_it_was_stored(models: Connection) -> None:
    body = bytes(range(256)) * 9
    number = keep(models, body, note="first winter")
    assert fuel_models.active_id(models) == number
    told = fuel_models.active(models)
    assert told is not None
    kept, again = told
    assert again == body
    assert kept.checksum == hashlib.sha256(body).hexdigest()
    assert (kept.data_from, kept.data_to) == (date(2026, 10, 1), date(2026, 10, 28))
    assert (kept.metrics, kept.reference) == ({"vehicles": 12}, {"classes": {}})
    assert (kept.note, kept.size, kept.active) == ("first winter", len(body), True)
    assert fuel_models.body_of(models, number) == (body, kept.checksum)


def test_where_there_is_no_model_none_is_used(models: Connection) -> None:
    assert fuel_models.models(models) == []
    assert fuel_models.active(models) is None
    assert fuel_models.active_id(models) is None


def test_the_newest_is_used_until_an_older_one_is_used_again(models: Connection) -> None:
    first, second = keep(models, b"one"), keep(models, b"two")
    assert [model.model_id for model in fuel_models.models(models)] == [second, first]
    assert active(models) == [second]
    fuel_models.use(models, first)
    assert active(models) == [first]
    told = fuel_models.active(models)
    assert told is not None
    assert told[1] == b"one"


def test_a_model_that_is_not_there_is_refused_and_the_one_before_still_used(
    models: Connection,
) -> None:
    number = keep(models, b"one")
    with pytest.raises(StorageError, match=rf"no model {number + 1}: there are {number} "):
        fuel_models.use(models, number + 1)
    with pytest.raises(StorageError, match="a model of fuel"):
        keep(models, b"two", code_version="\x00")
    assert active(models) == [number]


def test_of_models_stored_at_once_one_is_used(small: Migrated, models: Connection) -> None:
    def run(number: int) -> int:
        with connect(small.dsn) as connection:
            return keep(connection, bytes([number]))

    with ThreadPoolExecutor(max_workers=4) as pool:
        stored = set(pool.map(run, range(8)))
    assert len(stored) == 8
    assert len(active(models)) == 1


def test_with_another_model_the_last_weeks_wait_again(
    small: Migrated, models: Connection, number: int
) -> None:
    today = datetime.now(tz=MONDAY.tzinfo).replace(hour=4, minute=0, second=0, microsecond=0)
    for weeks in (0, 3, 5):
        start = today - timedelta(weeks=weeks)
        drive(models, number, (start, start + HOUR), (start, 30, None))
        for week in waiting(models, number):
            store(models, week, found())
            advice.store_results(models, week, [], [], days=7)
    assert waiting(models, number) == []
    monday = today.date() - timedelta(days=today.weekday())
    again = [monday - timedelta(weeks=3), monday]
    first = keep(models, b"one")
    assert [week.week for week in waiting(small.connection, number)] == again
    for week in waiting(models, number):
        store(models, week, found())
        advice.store_results(models, week, [], [], days=7)
    fuel_models.use(models, first)
    assert [week.week for week in waiting(models, number)] == again


# What they learn from


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
    assert segments["km"].tolist() == [0.5] * 4
    assert segments["litres"].dtype == np.float32
    assert segments["litres"].isna().all()
    assert read(fleet[:1], TrainingData(first=WEEK + DAY))["start_time"].tolist() == [NOON + DAY]
    # Of another layout nobody knows which cell is which.
    assert len(read(fleet, TrainingData(), layout_version=2)) == 0
    assert len(read(fleet, TrainingData(), columns=["km"])) == 0
    assert len(read([], TrainingData())) == 0
