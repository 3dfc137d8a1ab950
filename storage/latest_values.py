"""The newest value of every signal of every vehicle in a batch, each with its own time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from schemas.catalogue import Group
    from storage.batch import GroupRows

NEVER_US = np.iinfo(np.int64).min
"""The time of a value that is absent; PostgreSQL reads it as -infinity."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Latest:
    """v vehicles of one group of s signals, in the order of vehicle ids."""

    group: str
    vehicle_ids: NDArray[np.int64]
    """(v,)"""
    newest_us: NDArray[np.int64]
    """(v,) time of the newest row."""
    values: NDArray[np.float64]
    """(v, s) by the signals' ids, NaN where absent."""
    times_us: NDArray[np.int64]
    """(v, s), NEVER_US where absent."""
    fills_gaps: bool = False
    """Whether a value that is known for the same time holds against these."""


def latest(rows: GroupRows, group: Group) -> Latest:
    """Find the newest values; `rows` are sorted by vehicle and time (see `storage.row_merge`)."""
    starts = np.flatnonzero(np.r_[True, rows.vehicle_ids[1:] != rows.vehicle_ids[:-1]])
    ends = np.r_[starts[1:], len(rows)] - 1
    values = np.full((len(starts), len(group.signals)), np.nan)
    times = np.full(values.shape, NEVER_US, dtype=np.int64)
    wide = np.array([signal.wide for signal in group.signals], dtype=np.bool_)
    for matrix, places in (
        (rows.narrow, np.flatnonzero(~wide)),
        (rows.wide, np.flatnonzero(wide)),
    ):
        if not len(places):
            continue
        last = np.repeat(ends[:, None], len(places), axis=1)
        absent_at_end = np.isnan(matrix[ends])
        # Only where a vehicle's last row lacks a value is there a need to look further back.
        for column in np.flatnonzero(absent_at_end.any(axis=0)):
            index = np.where(np.isnan(matrix[:, column]), -1, np.arange(len(rows)))
            last[:, column] = np.maximum.reduceat(index, starts)
        found = last >= 0
        safe = np.where(found, last, 0)
        values[:, places] = np.where(found, np.take_along_axis(matrix, safe, axis=0), np.nan)
        times[:, places] = np.where(found, rows.times_us[safe], NEVER_US)
    return Latest(
        group=rows.group,
        vehicle_ids=rows.vehicle_ids[ends],
        newest_us=rows.times_us[ends],
        values=values,
        times_us=times,
        fills_gaps=rows.fills_gaps,
    )
