"""Rows that share vehicle and time, against a plain Python model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from storage.row_merge import merge
from tests.samples.storage_samples import group_rows

VALUES = st.fixed_dictionaries(
    {},
    optional={"speed": st.integers(0, 2), "gear": st.integers(0, 2), "odometer": st.integers(0, 2)},
).filter(bool)
RECORDS = st.lists(st.tuples(st.integers(1, 3), st.integers(0, 3), VALUES), min_size=1, max_size=20)


@given(records=RECORDS)
def test_later_values_win_and_absent_ones_never_erase(
    records: list[tuple[int, int, dict[str, float]]],
) -> None:
    expected: dict[tuple[int, int], dict[str, float]] = {}
    repeated = merged = completed = 0
    for vehicle_id, time_us, values in records:
        row = expected.setdefault((vehicle_id, time_us), values)
        if row is not values:
            after = row | values
            contradicts = any(row[name] != values[name] for name in row.keys() & values.keys())
            repeated += after == row
            merged += contradicts
            completed += after != row and not contradicts
            expected[vehicle_id, time_us] = after
    found = merge(group_rows("motion", records))
    wanted = group_rows("motion", [(*key, expected[key]) for key in sorted(expected)])
    np.testing.assert_array_equal(found.rows.vehicle_ids, wanted.vehicle_ids)
    np.testing.assert_array_equal(found.rows.times_us, wanted.times_us)
    np.testing.assert_array_equal(found.rows.narrow, wanted.narrow)
    np.testing.assert_array_equal(found.rows.wide, wanted.wide)
    assert (found.repeated, found.merged, found.completed) == (repeated, merged, completed)


@given(records=RECORDS)
def test_of_rows_that_fill_gaps_the_earlier_values_win(
    records: list[tuple[int, int, dict[str, float]]],
) -> None:
    expected: dict[tuple[int, int], dict[str, float]] = {}
    repeated = merged = 0
    for vehicle_id, time_us, values in records:
        row = expected.setdefault((vehicle_id, time_us), values)
        if row is not values:
            after = values | row
            repeated, merged = repeated + (after == row), merged + (after != row)
            expected[vehicle_id, time_us] = after
    found = merge(replace(group_rows("motion", records), fills_gaps=True))
    wanted = group_rows("motion", [(*key, expected[key]) for key in sorted(expected)])
    np.testing.assert_array_equal(found.rows.narrow, wanted.narrow)
    np.testing.assert_array_equal(found.rows.wide, wanted.wide)
    assert (found.repeated, found.merged) == (repeated, merged)
    assert found.rows.fills_gaps
    assert found.completed == 0


@given(records=RECORDS)
def test_merging_leaves_what_it_was_given_as_it_was(
    records: list[tuple[int, int, dict[str, float]]],
) -> None:
    rows = group_rows("motion", records)
    narrow, wide = rows.narrow.copy(), rows.wide.copy()
    merge(rows)
    np.testing.assert_array_equal(rows.narrow, narrow)
    np.testing.assert_array_equal(rows.wide, wide)


def test_sorted_rows_without_repetition_are_passed_on_uncopied() -> None:
    rows = group_rows("motion", [(1, 0, {"gear": 1}), (1, 1, {"gear": 1}), (2, 0, {"gear": 1})])
    assert merge(rows).rows is rows
