"""Spans: where something holds, through flicker, and never over a gap in the data."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from analytics.samples import Samples, prepare
from analytics.spans import (
    Spans,
    covered,
    duration_s,
    greatest,
    held,
    inside,
    none,
    peak_rows,
    rows_of,
    runs,
    total,
    widened,
)

START = pd.Timestamp("2026-11-01T00:00:00Z")
MASKS = st.lists(st.booleans(), max_size=40).map(lambda on: np.array(on, dtype=np.bool_))


def at(seconds: list[float]) -> Samples:
    """Rows at these seconds, without signals."""
    index = START + pd.to_timedelta(seconds, unit="s")
    return prepare(pd.DataFrame(index=index))


def each_second(rows: int) -> Samples:
    """Rows a second apart."""
    return at(list(np.arange(float(rows))))


def mask(text: str) -> NDArray[np.bool_]:
    """Rows that are on, as # in a text."""
    return np.array([letter == "#" for letter in text])


def pairs(spans: Spans) -> list[tuple[int, int]]:
    return list(zip(spans.first.tolist(), spans.stop.tolist(), strict=True))


def test_runs_are_half_open_and_reach_to_the_ends() -> None:
    assert pairs(runs(mask("##..#.###"))) == [(0, 2), (4, 5), (6, 9)]
    assert pairs(runs(mask(""))) == []
    assert pairs(runs(mask("..."))) == []
    assert pairs(runs(mask("#"))) == [(0, 1)]


@given(MASKS)
def test_runs_cover_what_is_on_and_nothing_else(on: NDArray[np.bool_]) -> None:
    found = runs(on)
    assert inside(found, len(on)).tolist() == on.tolist()
    assert covered(found, np.arange(len(on))).tolist() == on.tolist()
    assert (found.first[1:] > found.stop[:-1]).all()  # a row between two runs is off


def test_a_span_is_one_that_was_entered_and_lasts_until_it_is_left() -> None:
    samples = each_second(9)
    on, entered = mask(".####.##."), mask("..#......")
    assert pairs(held(samples, on, entered=entered)) == [(1, 5)]
    assert pairs(held(samples, on, entered=mask("........."))) == []


def test_flicker_shorter_than_the_join_is_one_span() -> None:
    samples = each_second(9)
    assert pairs(held(samples, mask(".##.##..."), join_s=1.5)) == [(1, 6)]
    assert pairs(held(samples, mask(".##..##.."), join_s=1.5)) == [(1, 3), (5, 7)]


def test_one_row_entered_is_enough_for_all_that_is_joined() -> None:
    samples = each_second(7)
    found = held(samples, mask("##.##.."), entered=mask("....#.."), join_s=1.5)
    assert pairs(found) == [(0, 5)]


def test_short_spans_are_dropped_and_the_last_row_counts_with_its_step() -> None:
    samples = each_second(9)
    assert pairs(held(samples, mask("#..##.###"), least_s=2.0)) == [(3, 5), (6, 9)]
    assert duration_s(samples, runs(mask("#..##.###"))).tolist() == [1.0, 2.0, 3.0]


def test_a_gap_ends_a_span_and_is_never_joined_over() -> None:
    # Rows at 0-3 s and 100-103 s: 97 s apart is a gap, and longer than a row may stand for.
    samples = at([0, 1, 2, 3, 100, 101, 102, 103])
    assert pairs(held(samples, mask("..####.."))) == [(2, 4), (4, 6)]
    assert pairs(held(samples, mask("..####.."), join_s=1000.0)) == [(2, 4), (4, 6)]
    assert duration_s(samples, held(samples, mask("..####.."))).tolist() == [2.0, 2.0]


def test_no_rows_have_no_spans() -> None:
    empty = at([])
    assert pairs(held(empty, mask(""), entered=mask(""), join_s=1.0, least_s=1.0)) == []
    assert len(none()) == 0
    assert total(np.empty(0), none()).tolist() == []
    assert greatest(np.empty(0), none()).tolist() == []
    assert peak_rows(np.empty(0), none()).tolist() == []


def test_absent_values_are_left_out_of_sums_and_peaks() -> None:
    values = np.array([1.0, np.nan, 3.0, np.nan, np.nan, 2.0])
    spans = Spans(first=np.array([0, 3, 5]), stop=np.array([3, 5, 6]))
    assert total(values, spans).tolist() == [4.0, 0.0, 2.0]
    np.testing.assert_array_equal(greatest(values, spans), [3.0, np.nan, 2.0])
    assert peak_rows(values, spans).tolist() == [2, 3, 5]  # the first row where none is known


@given(st.lists(st.sampled_from([0.0, 1.0, 2.5, -4.0, np.nan]), min_size=1, max_size=40), MASKS)
def test_sums_and_peaks_are_those_of_the_rows_one_by_one(
    values: list[float], on: NDArray[np.bool_]
) -> None:
    spans = runs(on[: len(values)])
    array = np.array(values)
    parts = [array[first:stop] for first, stop in pairs(spans)]
    assert total(array, spans) == pytest.approx([np.nansum(part) for part in parts])
    known = [part[~np.isnan(part)] for part in parts]
    highest = [part.max() if len(part) else np.nan for part in known]
    np.testing.assert_array_equal(greatest(array, spans), highest)
    rows, span = rows_of(spans)
    assert rows.tolist() == np.flatnonzero(on[: len(values)]).tolist()
    assert np.bincount(span, minlength=len(spans)).tolist() == [len(part) for part in parts]
    for row, first, high in zip(peak_rows(array, spans), spans.first, highest, strict=True):
        assert row == first if np.isnan(high) else array[row] == high


def test_widened_spans_reach_as_far_in_time_and_may_overlap() -> None:
    samples = at([0, 1, 2, 3, 10, 11, 12])
    spans = Spans(first=np.array([2, 4]), stop=np.array([3, 5]))
    assert pairs(widened(samples, spans, 1.0)) == [(1, 4), (4, 6)]
    assert pairs(widened(samples, spans, 8.0)) == [(0, 5), (2, 7)]
