"""Counters are the sum of a vehicle's days, in whatever order these come, and never fall."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from psycopg import errors

from storage.errors import StorageError
from storage.registers import register_vehicle
from tests.behaviour_samples import DAY, rows, store

if TYPE_CHECKING:
    from tests.database_fixture import Migrated

MONDAY = datetime(2026, 10, 26, tzinfo=UTC)
"""Also in Shanghai, eight hours before."""
WEEK = MONDAY.date()
HOUR = timedelta(hours=1)


@pytest.fixture
def number(small: Migrated, vehicle: int) -> int:
    """A registered vehicle."""
    return register_vehicle(small.connection, f"LTEST{vehicle:012d}").vehicle_id


def counted(database: Migrated, number: int) -> tuple[Any, ...] | None:
    found = rows(
        database,
        "SELECT total, served, corrections, corrected, newest_day FROM accumulated"
        " WHERE vehicle_id = %s",
        number,
    )
    return found[0] if found else None


def count(database: Migrated, number: int, *days: tuple[date, list[float], bool]) -> None:
    store(database.connection, number, (MONDAY, MONDAY + DAY), days=days)


def test_counters_are_the_sum_of_their_days(small: Migrated, number: int) -> None:
    count(small, number, (WEEK, [1, 2, 0], True), (WEEK + DAY, [10, 0, 0.5], True))
    assert counted(small, number) == ([11, 2, 0.5], [11, 2, 0.5], 0, 0, WEEK + DAY)
    count(small, number, (WEEK - DAY, [100, 0, 0], True))
    assert counted(small, number) == ([111, 2, 0.5], [111, 2, 0.5], 0, 0, WEEK + DAY)
    for _ in range(3):  # the same day again is no more driving
        count(small, number, (WEEK, [1, 5, 0], True))
        assert counted(small, number) == ([111, 5, 0.5], [111, 5, 0.5], 0, 0, WEEK + DAY)


def test_counters_do_not_depend_on_the_order_in_which_days_come_and_change(
    small: Migrated, number: int, vehicle: int
) -> None:
    random = np.random.default_rng(11)
    grain = 2.0**-20  # what counters are counted in, see analytics.accumulated
    days = [(WEEK + n * DAY, random.integers(0, 2**40, 3) * grain, True) for n in range(20)]
    first = [(day, (values * random.random(3) // grain) * grain, True) for day, values, _ in days]
    other = register_vehicle(small.connection, f"LTESTX{vehicle:011d}").vehicle_id
    for one in (number, other):
        for day in random.permutation(20):
            count(small, one, first[day])
        for day in random.permutation(20):
            count(small, one, days[day])
    total = np.sum([values for _, values, _ in days], axis=0).tolist()
    assert counted(small, number) == counted(small, other) == (total, total, 0, 0, days[-1][0])


def test_a_served_counter_never_falls_and_the_correction_is_carried_and_counted(
    small: Migrated, number: int
) -> None:
    count(small, number, (WEEK, [10, 10, 10], True))
    count(small, number, (WEEK, [4, 10, 12], True))
    newest = (WEEK,)
    assert counted(small, number) == ([4, 10, 12], [10, 10, 12], 1, 6, *newest)
    count(small, number, (WEEK, [3, 10, 12], True))  # it fell already: no second correction
    assert counted(small, number) == ([3, 10, 12], [10, 10, 12], 1, 7, *newest)
    count(small, number, (WEEK + DAY, [5, 0, 0], True))  # 8 of the 10 that were told
    newest = (WEEK + DAY,)
    assert counted(small, number) == ([8, 10, 12], [10, 10, 12], 1, 2, *newest)
    count(small, number, (WEEK + DAY, [9, 0, 0], True))
    assert counted(small, number) == ([12, 10, 12], [12, 10, 12], 1, 0, *newest)
    count(small, number, (WEEK + DAY, [0, 0, 0], True))
    assert counted(small, number) == ([3, 10, 12], [12, 10, 12], 2, 9, *newest)


def test_a_day_whose_rows_are_partly_gone_only_gains(small: Migrated, number: int) -> None:
    count(small, number, (WEEK, [10, 10, 10], True))
    count(small, number, (WEEK, [3, 14, 10], False))
    assert counted(small, number) == ([10, 14, 10], [10, 14, 10], 0, 0, WEEK)


def test_the_database_itself_refuses_a_counter_that_would_fall(
    small: Migrated, number: int
) -> None:
    count(small, number, (WEEK, [10, 10, 10], True))
    for fallen in ("{10,9,10}", "{10,10}"):
        with pytest.raises(errors.CheckViolation, match="would fall"):
            small.connection.execute(
                "UPDATE accumulated SET served = %s WHERE vehicle_id = %s", (fallen, number)
            )
    assert counted(small, number) == ([10, 10, 10], [10, 10, 10], 0, 0, WEEK)


@pytest.mark.parametrize("wrong", [[1.0, -1.0, 0.0], [1.0, np.inf, 0.0], [1.0, np.nan, 0.0]])
def test_increments_that_are_no_amounts_are_refused(
    small: Migrated, number: int, wrong: list[float]
) -> None:
    with pytest.raises(StorageError, match="accumulated_day"):
        count(small, number, (WEEK, wrong, True))
    assert counted(small, number) is None


def test_counters_of_another_layout_are_not_added_up(small: Migrated, number: int) -> None:
    count(small, number, (WEEK, [1, 2, 3], True))
    for wrong, layout in (([1.0, 2.0, 3.0], 2), ([1.0, 2.0, 3.0, 4.0], 1)):
        with pytest.raises(StorageError, match="are laid out by version 1"):
            store(
                small.connection,
                number,
                (MONDAY, MONDAY + DAY),
                days=[(WEEK + DAY, wrong, True)],
                layout_version=layout,
            )
    assert counted(small, number) == ([1, 2, 3], [1, 2, 3], 0, 0, WEEK)
