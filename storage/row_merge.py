"""Rows of one vehicle and time become one row: later values win, absent never erases.

Of rows that fill gaps the earlier values win, as one that is stored already would.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from storage.batch import GroupRows


@dataclass(frozen=True, kw_only=True, slots=True)
class Merged:
    """Rows by vehicle and time, each pair once, and what became of the others."""

    rows: GroupRows
    repeated: int
    """Rows that said nothing new."""
    merged: int
    """Rows that changed an earlier one."""


def merge(rows: GroupRows) -> Merged:
    """Sort rows by vehicle and time and merge those that share both, in the order they stand in."""
    order = np.lexsort((rows.times_us, rows.vehicle_ids))
    vehicles, times = rows.vehicle_ids[order], rows.times_us[order]
    first = np.ones(len(rows), dtype=np.bool_)
    first[1:] = (vehicles[1:] != vehicles[:-1]) | (times[1:] != times[:-1])
    if np.array_equal(order, np.arange(len(rows))) and first.all():
        return Merged(rows=rows, repeated=0, merged=0)
    kept = rows.take(order[first])
    if first.all():
        return Merged(rows=kept, repeated=0, merged=0)
    target = np.cumsum(first) - 1
    # The second rows of all pairs together, then the third ones: few rounds, each vectorised.
    starts = np.flatnonzero(first)
    rank = np.arange(len(rows)) - starts[target]
    merged = 0
    for round_ in range(1, int(rank.max()) + 1):
        sources, targets = order[rank == round_], target[rank == round_]
        changed = _overlay(kept.narrow, targets, rows.narrow[sources], fills_gaps=rows.fills_gaps)
        changed |= _overlay(kept.wide, targets, rows.wide[sources], fills_gaps=rows.fills_gaps)
        merged += int(changed.sum())
    return Merged(rows=kept, repeated=len(rows) - len(kept) - merged, merged=merged)


def _overlay(
    matrix: NDArray[np.floating],
    targets: NDArray[np.intp],
    newer: NDArray[np.floating],
    *,
    fills_gaps: bool,
) -> NDArray[np.bool_]:
    """Lay the present values of `newer` over the target rows; says which rows changed."""
    older = matrix[targets]
    differs = ~np.isnan(newer) & (np.isnan(older) if fills_gaps else newer != older)
    matrix[targets] = np.where(differs, newer, older)
    return np.asarray(differs.any(axis=1))
