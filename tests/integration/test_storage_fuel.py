"""A week's fuel is replaced as a whole, never half, and what follows from it waits."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from storage import advice, fuel
from storage.connection import connect
from storage.errors import StorageError
from storage.migrate import migrate
from storage.registers import register_vehicle
from storage.settings import StorageSettings
from tests.samples.behaviour_samples import DAY, HOUR, MONDAY, NOON, WEEK, rows, starts
from tests.samples.behaviour_samples import store as drive
from tests.samples.fuel_tables import KEPT_FROM, LITRES, found, needed, store, waiting
from tests.samples.storage_samples import SMALL

if TYPE_CHECKING:
    from pydantic import SecretStr

    from storage.fuel import FuelWeek
    from tests.servers.database_fixture import Migrated

TABLES = ("fuel_part", "fuel_cause", "tank_event", "fuel_stats", "fuel_segment")
SPAN = (MONDAY, MONDAY + DAY)


def everything(database: Migrated, number: int) -> dict[str, list[tuple[Any, ...]]]:
    return {
        table: rows(
            database,
            f"SELECT {table}::text FROM {table} WHERE vehicle_id = %s ORDER BY 1",
            number,
        )
        for table in TABLES
    }


@pytest.fixture
def week(small: Migrated, number: int) -> FuelWeek:
    """A week in which a vehicle was driven once."""
    drive(small.connection, number, SPAN, (NOON, 30, None))
    (week,) = waiting(small.connection, number)
    return week


def advise(database: Migrated, week: FuelWeek) -> None:
    advice.store_results(database.connection, week, [], [], days=7)


# What waits


def test_a_week_waits_once_its_parts_are_stored_and_again_once_they_go(
    small: Migrated, number: int, week: FuelWeek
) -> None:
    assert (week.week, week.to_work_up) == (WEEK, True)
    store(small.connection, week, found(NOON))
    advise(small, week)
    assert waiting(small.connection, number) == []
    drive(small.connection, number, SPAN)
    (again,) = waiting(small.connection, number)
    assert (again.week, again.touched > week.touched, again.to_work_up) == (WEEK, True, True)


def test_a_week_that_is_worked_up_waits_for_advice(
    small: Migrated, number: int, week: FuelWeek
) -> None:
    store(small.connection, week, found(NOON))
    (left,) = waiting(small.connection, number)
    assert (left.week, left.to_work_up) == (WEEK, False)
    assert number in fuel.waiting_vehicles(small.connection, kept_from=KEPT_FROM)


def test_a_week_that_was_not_over_when_advice_was_given_waits_once_it_is(
    small: Migrated, number: int, week: FuelWeek
) -> None:
    store(small.connection, week, found(NOON))
    advice.store_results(small.connection, week, [], [], days=3)
    assert [left.to_work_up for left in waiting(small.connection, number)] == [False]
    advise(small, week)
    assert waiting(small.connection, number) == []


def test_a_week_without_raw_rows_does_not_wait(
    small: Migrated, number: int, week: FuelWeek
) -> None:
    assert waiting(small.connection, number, week.sunday) == [week]  # a day of it is left
    assert waiting(small.connection, number, week.sunday + DAY) == []
    vehicles = fuel.waiting_vehicles(small.connection, kept_from=week.sunday + DAY)
    assert number not in vehicles


def test_only_the_vehicle_of_a_vin_waits_where_one_is_named(
    small: Migrated, number: int, vehicle: int, week: FuelWeek
) -> None:
    assert week
    vin = f"LTEST{vehicle:012d}"
    assert fuel.waiting_vehicles(small.connection, kept_from=KEPT_FROM, vin=vin) == [number]


def test_weeks_of_an_older_method_wait_again(small: Migrated, number: int, week: FuelWeek) -> None:
    store(small.connection, week, found(NOON), method_version=2)
    advise(small, week)
    fuel.redo_older(small.connection, method_version=2, kept_from=KEPT_FROM)
    fuel.redo_older(small.connection, method_version=3, kept_from=week.sunday + DAY)
    assert waiting(small.connection, number) == []
    assert fuel.redo_older(small.connection, method_version=3, kept_from=KEPT_FROM) >= 1
    assert waiting(small.connection, number) == [week]


def test_later_weeks_wait_again_where_the_sums_of_a_week_are_others(
    small: Migrated, number: int
) -> None:
    days = [0, 14, 21, 28]  # of the last, the first is too long ago
    for after in days:
        start = MONDAY + after * DAY
        drive(small.connection, number, (start, start + DAY), (start + 12 * HOUR, 30, None))
    weeks = waiting(small.connection, number)
    for week, after in zip(weeks, days, strict=True):
        store(small.connection, week, found(NOON + after * DAY))
        advise(small, week)
    assert waiting(small.connection, number) == []
    store(small.connection, weeks[0], found(NOON))
    assert waiting(small.connection, number) == []
    store(small.connection, weeks[0], found(NOON, stats=(1.0, 2.0, 4.0)))
    assert [week.week for week in waiting(small.connection, number)] == [
        WEEK + timedelta(weeks=2),
        WEEK + timedelta(weeks=3),
    ]


# What is worked up


def test_parts_of_a_week_come_with_their_driver_and_local_day(
    small: Migrated, number: int, card: str
) -> None:
    late = MONDAY + 17 * HOUR  # one in the morning of Tuesday in Shanghai
    drive(small.connection, number, SPAN, (NOON, 30, card), (late, 30, None))
    parts = fuel.parts_of_week(small.connection, number, WEEK)
    assert parts["part_start"].tolist() == [NOON, late]
    assert parts["driver_id"].isna().tolist() == [False, True]
    assert parts["day"].tolist() == [WEEK, WEEK + timedelta(days=1)]
    assert parts["time_zone"].tolist() == ["Asia/Shanghai"] * 2
    assert fuel.part_before(small.connection, number, late) == (NOON, NOON + HOUR / 2)
    assert fuel.part_before(small.connection, number, NOON) is None


def test_what_was_towed_needed_nothing(small: Migrated, number: int) -> None:
    drive(small.connection, number, SPAN, (NOON, 30, None), of_trips={"kind": "tow"})
    parts = fuel.parts_of_week(small.connection, number, WEEK)
    assert len(parts) == 0
    assert parts["part_start"].dtype == "datetime64[us, UTC]"
    assert fuel.part_before(small.connection, number, MONDAY + DAY) is None


# What is stored


def test_what_was_found_is_stored_to_the_last_digit(
    small: Migrated, number: int, week: FuelWeek
) -> None:
    assert store(
        small.connection, week, found(NOON, refuelled=[NOON], driver_id=2**53 + 1), model_id=7
    )
    assert rows(
        small,
        "SELECT trip_start, end_time, driver_id, day, week, fuel_l, fuel_source, tank_l, stops,"
        " expected_l, expected_by, missing, model_id, method_version"
        " FROM fuel_part WHERE vehicle_id = %s",
        number,
    ) == [
        (
            NOON,
            NOON + HOUR / 2,
            2**53 + 1,
            WEEK,
            WEEK,
            9.0,
            "counter",
            None,
            3,
            7.0,
            "physics",
            ["tyre_pressure", "torque"],
            7,
            1,
        )
    ]
    assert (
        dict(rows(small, "SELECT cause, litres FROM fuel_cause WHERE vehicle_id = %s", number))
        == LITRES
    )
    assert starts(small, "tank_event", number) == [NOON]
    ((cells,),) = rows(small, "SELECT cells FROM fuel_segment WHERE vehicle_id = %s", number)
    assert cells[0] == 0.5
    assert np.isnan(cells[1])
    stats = fuel.read_stats(small.connection, number, WEEK, week.sunday, stats_version=1)
    assert {day: cells.tolist() for day, cells in stats.items()} == {WEEK: [1.0, 2.0, 3.0]}
    assert fuel.read_stats(small.connection, number, WEEK, week.sunday, stats_version=2) == {}


def test_a_week_without_anything_is_one(small: Migrated, number: int, week: FuelWeek) -> None:
    store(small.connection, week, found(NOON, refuelled=[NOON]))
    assert store(small.connection, week, found())
    assert everything(small, number) == {table: [] for table in TABLES}


def test_a_week_is_replaced_and_nothing_else(
    small: Migrated, number: int, vehicle: int, week: FuelWeek
) -> None:
    other = register_vehicle(small.connection, f"LTESTX{vehicle:011d}").vehicle_id
    after = NOON + 7 * DAY
    for one in (number, other):
        drive(small.connection, one, (MONDAY, after + DAY), (NOON, 30, None), (after, 30, None))
        for waits, start in zip(waiting(small.connection, one), (NOON, after), strict=True):
            store(small.connection, waits, found(start, refuelled=[start]))
    kept = everything(small, other)
    (again, _) = waiting(small.connection, number)
    for _ in range(2):  # killed and repeated it ends with the same rows
        store(small.connection, again, found(NOON + HOUR, refuelled=[NOON + HOUR]))
    assert starts(small, "fuel_part", number, "part_start") == [NOON + HOUR, after]
    assert starts(small, "tank_event", number) == [NOON + HOUR, after]
    assert starts(small, "fuel_segment", number) == [NOON + HOUR, after]
    assert len(starts(small, "fuel_cause", number, "part_start")) == 2 * len(LITRES)
    assert everything(small, other) == kept
    assert week.week == again.week


def test_days_without_raw_rows_stay_as_they_are(
    small: Migrated, number: int, week: FuelWeek
) -> None:
    tuesday = NOON + DAY
    store(small.connection, week, found(NOON, tuesday, stats=(1.0,)))
    kept_from = WEEK + timedelta(days=1)
    store(small.connection, week, found(tuesday + HOUR, stats=(2.0,)), kept_from=kept_from)
    assert starts(small, "fuel_part", number, "part_start") == [NOON, tuesday + HOUR]
    stats = fuel.read_stats(small.connection, number, WEEK, week.sunday, stats_version=1)
    assert {day: cells.tolist() for day, cells in stats.items()} == {
        WEEK: [1.0],
        kept_from: [2.0],
    }
    # What a model learns from goes with the raw rows.
    assert starts(small, "fuel_segment", number) == [tuesday + HOUR]


def test_a_part_whose_trip_began_in_another_week_moves(
    small: Migrated, number: int, week: FuelWeek
) -> None:
    start = MONDAY + 7 * DAY
    store(small.connection, week, found(start, parts=needed(start, trip_start=NOON + 6 * DAY)))
    drive(small.connection, number, (start, start + DAY), (start, 30, None))
    (_, later) = waiting(small.connection, number)
    store(small.connection, later, found(start))
    assert rows(small, "SELECT trip_start, week FROM fuel_part WHERE vehicle_id = %s", number) == [
        (start, WEEK + timedelta(weeks=1))
    ]
    assert len(starts(small, "fuel_cause", number, "part_start")) == len(LITRES)


def test_results_of_older_changes_do_not_replace_those_of_newer_ones(
    small: Migrated, number: int, week: FuelWeek
) -> None:
    drive(small.connection, number, SPAN, (NOON, 40, None))
    (newer,) = waiting(small.connection, number)
    assert store(small.connection, newer, found(NOON))
    assert not store(small.connection, week, found(NOON + HOUR))
    assert starts(small, "fuel_part", number, "part_start") == [NOON]


def test_what_changed_meanwhile_still_waits(small: Migrated, number: int, week: FuelWeek) -> None:
    drive(small.connection, number, SPAN, (NOON, 40, None))
    assert store(small.connection, week, found(NOON))
    assert [left.to_work_up for left in waiting(small.connection, number)] == [True]


def test_what_cannot_be_stored_leaves_all_as_it_was(
    small: Migrated, number: int, week: FuelWeek
) -> None:
    store(small.connection, week, found(NOON, refuelled=[NOON]))
    before = everything(small, number), waiting(small.connection, number)
    for wrong in (
        found(NOON + HOUR, stats=(1.0, np.nan)),
        found(NOON + HOUR, fuel_source="guess"),
        found(NOON + HOUR, expected_low_l=8.0),
        found(NOON + HOUR, end_time=NOON),
        found(NOON, NOON),
    ):
        with pytest.raises(StorageError, match=rf"fuel of vehicle {number} in the week of {WEEK}"):
            store(small.connection, week, wrong)
    assert (everything(small, number), waiting(small.connection, number)) == before


def test_two_that_store_the_same_week_at_once_leave_one_s_rows(
    small: Migrated, number: int, week: FuelWeek
) -> None:
    minutes = [NOON + n * timedelta(minutes=40) for n in range(16)]

    def run(_: int) -> bool:
        with connect(small.dsn) as connection:
            return all(
                store(connection, week, found(*minutes, refuelled=minutes)) for _ in range(4)
            )

    with ThreadPoolExecutor(max_workers=4) as pool:
        assert all(pool.map(run, range(4)))
    assert starts(small, "fuel_part", number, "part_start") == minutes
    assert starts(small, "tank_event", number) == minutes


# From the release before


def test_what_the_release_before_analysed_waits_for_its_fuel(fresh_database: SecretStr) -> None:
    with connect(fresh_database) as connection:
        migrate(connection, SMALL, StorageSettings(), up_to=8)
        connection.execute(
            "INSERT INTO vehicle (vin, check_digit_ok, registered_by)"
            " VALUES ('LTEST000000000001', true, 'ingest')"
        )
        connection.execute("INSERT INTO touched_week VALUES (1, '2026-10-26', 4, 4, 2)")
        migrate(connection, SMALL, StorageSettings())
        assert [week.week for week in waiting(connection, 1)] == [WEEK]
