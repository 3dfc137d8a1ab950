"""From rows to spans of driving, between stops long enough to matter to any rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analytics.spans import held

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analytics.samples import Samples
    from analytics.spans import Spans

DRIVING = 3
"""Tachograph working state: driving (SAE J1939 SPN 1612)."""

BRIEF_S = 60.0
"""Standing shorter than this is driving: tachographs judge by whole minutes [s]."""

STOP_S = 600.0
"""Stops shorter than this stay inside a span: no rule counts less than 15 min [s]."""

LEAST_S = 60.0
"""Driving shorter than this, by itself, is moving a vehicle in the yard [s]."""

MOVED_KM = 1.0
"""A gap in the data in which the odometer moved on by so much was no stop [km] ..."""

LONGEST_GAP_S = 7200.0
"""... unless it was longer: then nobody knows whether there was one [s]."""

COLUMNS = ("driver", "start_time", "end_time", "driving_s")


def driving_spans(samples: Samples, drivers: pd.DataFrame | None = None) -> pd.DataFrame:
    """Find one vehicle's spans of driving.

    A row is driving where driver 1's tachograph says so, or, where it says nothing, where the
    vehicle moves. A span goes on over stops of less than STOP_S, which count for nothing, and over
    gaps in the data in which the odometer moved on. What somebody else drives meanwhile is a stop.
    Spans of one day and the next, put together,
    give what both days at once would: a stop is what lies between two spans.

    Args:
        samples: the vehicle's rows.
        drivers: who drove which rows: driver (card id or None), first_row and stop_row (half-open;
            the parts of trips do). None: one driver, not known by name.

    Returns:
        A row a span by driver and time: driver, start_time, end_time (UTC), driving_s.
    """
    state = samples["driver1_working_state"]
    driving = np.where(np.isnan(state), samples.moving, state == DRIVING)
    if drivers is None:
        return _table(samples, driving, None)
    tables = []
    for name, rows in drivers.groupby(drivers["driver"].fillna(""), sort=True):
        mine = np.zeros(len(samples), dtype=np.bool_)
        for first, stop in zip(rows["first_row"], rows["stop_row"], strict=True):
            mine[first:stop] = True
        tables.append(_table(samples, driving & mine, str(name) or None))
    return pd.concat(tables, ignore_index=True) if tables else _table(samples, driving[:0], None)


def _table(samples: Samples, driving: NDArray[np.bool_], driver: str | None) -> pd.DataFrame:
    pieces = held(samples, driving, join_s=BRIEF_S)
    start_us, end_us = samples.time_us[pieces.first], samples.end_us[pieces.stop - 1]
    stop_s = (start_us[1:] - end_us[:-1]) / 1e6 - _moved_on_s(samples, pieces)
    apart = np.append(True, stop_s >= STOP_S)[: len(pieces)]
    begins = np.flatnonzero(apart)
    ends = np.append(begins[1:], len(pieces))[: len(begins)] - 1
    driven_s = np.add.reduceat((end_us - start_us) / 1e6, begins) if len(begins) else np.empty(0)
    keep = driven_s >= LEAST_S
    return pd.DataFrame(
        {
            "driver": pd.Series([driver] * int(keep.sum()), dtype=object),
            "start_time": _utc(start_us[begins][keep]),
            "end_time": _utc(end_us[ends][keep]),
            "driving_s": driven_s[keep],
        },
        columns=list(COLUMNS),
    )


def _moved_on_s(samples: Samples, pieces: Spans) -> NDArray[np.float64]:
    """(k - 1,) how long no rows show it, but the vehicle moved between two pieces [s]."""
    gaps = np.flatnonzero(samples.gap[1:]) + 1
    gap_s = (samples.time_us[gaps] - samples.time_us[gaps - 1]) / 1e6
    odometer = samples["odometer"]
    known = np.flatnonzero(~np.isnan(odometer))
    after = np.searchsorted(known, gaps)
    told = (after > 0) & (after < len(known)) & (gap_s <= LONGEST_GAP_S)
    moved_km = np.zeros(len(gaps))
    moved_km[told] = odometer[known[after[told]]] - odometer[known[after[told] - 1]]
    until = np.append(0.0, np.cumsum(gap_s * (moved_km >= MOVED_KM)))
    first, last = (
        np.searchsorted(gaps, rows, side="right")
        for rows in (pieces.stop[:-1] - 1, pieces.first[1:])
    )
    return np.asarray(until[last] - until[first])


def _utc(microseconds: NDArray[np.int64]) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(microseconds.view("datetime64[us]"), tz="UTC")
