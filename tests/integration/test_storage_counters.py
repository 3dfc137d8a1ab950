"""Counters are the sum of a vehicle's days, in whatever order these come, and never fall."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import errors

from analytics.accumulated.rows import GRAIN
from storage.errors import StorageError
from storage.registers import register_vehicle
from tests.samples.behaviour_samples import CELLS, DAY, MONDAY, WEEK, counted, store

if TYPE_CHECKING:
    from datetime import date

    from tests.servers.database_fixture import Migrated

_more_vehicles = itertools.count()


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


AMOUNTS = st.lists(
    st.one_of(st.integers(0, 3), st.integers(0, 2**40)), min_size=CELLS, max_size=CELLS
).map(lambda grains: [count * GRAIN for count in grains])
"""What a day adds: so little that rounding shows, or up to a million."""

RUNS = st.lists(
    st.dictionaries(st.integers(0, 3), st.tuples(AMOUNTS, st.booleans()), min_size=1),
    min_size=1,
    max_size=8,
)
"""Some of four days are worked up in each run: what they add, and whether their rows are there."""


@given(runs=RUNS)
@settings(max_examples=25, deadline=None)  # each run is a transaction
def test_days_late_repeated_or_corrected_end_with_their_sum_and_nothing_served_falls(
    small: Migrated, runs: list[dict[int, tuple[list[float], bool]]]
) -> None:
    vin = f"LTESTC{next(_more_vehicles):011d}"
    number = register_vehicle(small.connection, vin).vehicle_id
    days = np.zeros((4, CELLS))
    told = np.zeros(CELLS)
    was_ahead = np.zeros(CELLS, dtype=np.bool_)
    fell = 0
    for run in runs:
        for day, (amounts, whole) in run.items():
            days[day] = amounts if whole else np.maximum(days[day], amounts)
        worked_up = [(WEEK + day * DAY, *found) for day, found in run.items()]
        count(small, number, *worked_up)
        total, served, corrections, corrected, _ = counted(small, number) or ()
        assert total == days.sum(axis=0).tolist()  # exactly: grains add up
        told = np.maximum(told, total)
        assert served == told.tolist()
        ahead = told - total > 1e-6  # one grain is rounding
        fell += int(np.count_nonzero(ahead & ~was_ahead))
        was_ahead = ahead
        assert (corrections, corrected) == (fell, (told - total)[ahead].sum())
    before = counted(small, number)
    count(small, number, *worked_up)  # killed and repeated
    assert counted(small, number) == before


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


def test_one_grain_of_rounding_is_no_correction(small: Migrated, number: int) -> None:
    count(small, number, (WEEK, [10, 10, 10], True))
    count(small, number, (WEEK, [10 - GRAIN, 10, 10], True))
    assert counted(small, number) == ([10 - GRAIN, 10, 10], [10, 10, 10], 0, 0, WEEK)


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
