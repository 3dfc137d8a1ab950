"""Spans of rows in which something holds, told apart from flicker: where each begins and ends.

Everything here is arrays over rows, and a span is a half-open pair of row numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analytics.samples import Samples


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Spans:
    """Spans of rows, one after the other.

    Attributes:
        first: (k,) each span's first row.
        stop: (k,) the row after its last.
    """

    first: NDArray[np.intp]
    stop: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.first)

    def __getitem__(self, chosen: NDArray[np.bool_]) -> Spans:
        return Spans(first=self.first[chosen], stop=self.stop[chosen])


def none() -> Spans:
    """No span."""
    return Spans(first=np.empty(0, dtype=np.intp), stop=np.empty(0, dtype=np.intp))


def runs(on: NDArray[np.bool_]) -> Spans:
    """Each unbroken run of rows that are on."""
    edges = np.flatnonzero(on[1:] != on[:-1]) + 1
    if len(on) and on[0]:
        edges = np.append(0, edges)
    if len(on) and on[-1]:
        edges = np.append(edges, len(on))
    return Spans(first=edges[::2], stop=edges[1::2])


def held(
    samples: Samples,
    on: NDArray[np.bool_],
    *,
    entered: NDArray[np.bool_] | None = None,
    join_s: float = 0.0,
    least_s: float = 0.0,
) -> Spans:
    """Spans in which something holds: hysteresis, debounce, least duration.

    Args:
        samples: the rows.
        on: (n,) where it holds once it has begun.
        entered: (n,) where it may begin; a span has one such row at least. None: anywhere.
        join_s: spans less than this apart are one, unless a gap in the data lies between [s].
        least_s: shorter spans are dropped [s].
    """
    begins = None if entered is None else np.flatnonzero(entered)
    if begins is not None and not len(begins):
        return none()
    # A gap in the data ends a span: nobody knows what was in it.
    gaps = np.flatnonzero(samples.gap)
    found = _cut(runs(on), gaps[gaps > 0], on)
    if join_s > 0 and len(found) > 1:
        next_first = found.first[1:]
        apart_us = samples.time_us[next_first] - end_us(samples, found)[:-1]
        before = np.searchsorted(gaps, found.stop[:-1], side="left")
        unbroken = before == np.searchsorted(gaps, next_first, side="right")
        together = (apart_us < join_s * 1e6) & unbroken
        found = Spans(
            first=found.first[np.append(True, ~together)],
            stop=found.stop[np.append(~together, True)],
        )
    if begins is not None:
        found = found[np.searchsorted(begins, found.first) < np.searchsorted(begins, found.stop)]
    return found[duration_s(samples, found) >= least_s]


def end_us(samples: Samples, spans: Spans) -> NDArray[np.int64]:
    """(k,) when each span's last row ends, microseconds since 1970."""
    last = spans.stop - 1
    return samples.time_us[last] + np.rint(samples.step_s[last] * 1e6).astype(np.int64)


def duration_s(samples: Samples, spans: Spans) -> NDArray[np.float64]:
    """(k,) from each span's first row to the end of its last [s]."""
    return np.asarray((end_us(samples, spans) - samples.time_us[spans.first]) / 1e6)


def inside(spans: Spans, rows: int) -> NDArray[np.bool_]:
    """(rows,) whether each row lies within a span."""
    edges = np.zeros(rows + 1, dtype=np.int8)
    np.add.at(edges, spans.first, 1)
    np.add.at(edges, spans.stop, -1)
    return np.cumsum(edges[:-1], dtype=np.int8).astype(np.bool_)


def widened(samples: Samples, spans: Spans, by_s: float) -> Spans:
    """Each span with the rows at most so long before its first and after its last [s].

    They may then overlap, and reach over gaps in the data.
    """
    by_us = round(by_s * 1e6)
    time_us = samples.time_us
    return Spans(
        first=np.searchsorted(time_us, time_us[spans.first] - by_us, side="left"),
        stop=np.searchsorted(time_us, time_us[spans.stop - 1] + by_us, side="right"),
    )


def rows_of(spans: Spans) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The rows of all spans, one span after the other, and the number of each row's span."""
    lengths = spans.stop - spans.first
    span = np.repeat(np.arange(len(spans)), lengths)
    rows = np.arange(len(span)) + np.repeat(spans.stop - np.cumsum(lengths), lengths)
    return rows, span


def total(values: NDArray[np.float64], spans: Spans) -> NDArray[np.float64]:
    """(k,) each span's sum of the rows' values, absent ones left out."""
    rows, span = rows_of(spans)
    of_rows = values[rows]
    of_rows[np.isnan(of_rows)] = 0.0
    return np.bincount(span, of_rows, minlength=len(spans)).astype(np.float64, copy=False)


def added(values: NDArray[np.float64], spans: Spans) -> NDArray[np.float64]:
    """(k,) as `total`, for values that are all there and spans that all have rows, and faster."""
    if not len(spans):
        return np.empty(0)
    edges = np.column_stack((spans.first, spans.stop)).ravel()
    # A span may end with the last row: reduceat must find something behind it.
    return np.add.reduceat(np.append(values, 0.0), edges)[::2]


def greatest(values: NDArray[np.float64], spans: Spans) -> NDArray[np.float64]:
    """(k,) each span's greatest value, NaN where there is none."""
    highest = _highest(values, spans)
    return np.where(np.isneginf(highest), np.nan, highest)


def peak_rows(values: NDArray[np.float64], spans: Spans) -> NDArray[np.intp]:
    """(k,) the first row of each span's greatest value; its first row where there is none."""
    rows, span = rows_of(spans)
    of_rows = np.where(np.isnan(values[rows]), -np.inf, values[rows])
    hits = np.flatnonzero(of_rows == _highest(values, spans)[span])
    return np.asarray(rows[hits[np.searchsorted(span[hits], np.arange(len(spans)))]])


def covered(spans: Spans, rows: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Which of the rows lie within a span."""
    if not len(spans):
        return np.zeros(len(rows), dtype=np.bool_)
    place = np.searchsorted(spans.first, rows, side="right") - 1
    return np.asarray((place >= 0) & (rows < spans.stop[np.maximum(place, 0)]))


def _highest(values: NDArray[np.float64], spans: Spans) -> NDArray[np.float64]:
    """(k,) each span's greatest value, minus infinity where there is none."""
    if not len(spans):
        return np.empty(0)
    filled = np.append(np.where(np.isnan(values), -np.inf, values), -np.inf)
    edges = np.column_stack((spans.first, spans.stop)).ravel()
    return np.asarray(np.maximum.reduceat(filled, edges)[::2])


def _cut(spans: Spans, at: NDArray[np.intp], on: NDArray[np.bool_]) -> Spans:
    """The runs of rows that are on, ended before each of these rows and begun again with it."""
    within = at[on[at] & on[at - 1]]
    if not len(within):
        return spans
    return Spans(
        first=np.sort(np.concatenate((spans.first, within))),
        stop=np.sort(np.concatenate((spans.stop, within))),
    )
