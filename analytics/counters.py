"""Counters of a vehicle over spans of rows: by how much they rose, and whether that is believed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analytics.spans import Spans

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Rises:
    """A counter over k spans; arrays are (k,).

    Attributes:
        by: the last reading in the span less the first, NaN where there are not two.
        sound: there are two readings, and from one to the next it never fell, nor rose by more
            than it can.
        before: the rows of the span before its first reading.
        after: the rows of the span after its last reading.
    """

    by: NDArray[np.float64]
    sound: NDArray[np.bool_]
    before: Spans
    after: Spans


def rises(
    values: NDArray[np.float64],
    time_us: NDArray[np.int64],
    spans: Spans,
    *,
    fastest_h: float,
    count: float,
) -> Rises:
    """By how much a counter rose over each span.

    Args:
        values: (n,) the counter, NaN where it was not read.
        time_us: (n,) microseconds since 1970, ascending.
        spans: of rows.
        fastest_h: it rises no faster [its unit an hour].
        count: it counts by so much at the most [its unit].
    """
    known = np.flatnonzero(~np.isnan(values))
    first = np.searchsorted(known, spans.first)
    last = np.searchsorted(known, spans.stop) - 1
    told = last > first
    if not told.any():
        nobody = Spans(first=spans.stop, stop=spans.stop)
        return Rises(by=np.full(len(spans), np.nan), sound=told, before=spans, after=nobody)
    readings = values[known]
    rise, elapsed_h = np.diff(readings), np.diff(time_us[known]) / 3.6e9
    unsound = np.append(0, np.cumsum((rise < 0) | (rise > fastest_h * elapsed_h + count)))
    first, last = np.where(told, first, 0), np.where(told, last, 0)
    return Rises(
        by=np.where(told, readings[last] - readings[first], np.nan),
        sound=told & (unsound[last] == unsound[first]),
        before=Spans(first=spans.first, stop=np.where(told, known[first], spans.stop)),
        after=Spans(first=np.where(told, known[last] + 1, spans.stop), stop=spans.stop),
    )
