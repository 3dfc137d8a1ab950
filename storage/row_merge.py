"""Rows of one vehicle and time become one row: later values win, absent never erases.

Of rows that fill gaps the earlier values win, as one that is stored already would.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from storage.batch import GroupRows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, slots=True)
class Merged:
    """Rows by vehicle and time, each pair once, and what became of the others."""

    rows: GroupRows
    repeated: int
    """Rows that said nothing new."""
    merged: int
    """Rows that said otherwise than an earlier one or, filling gaps, filled one."""
    completed: int
    """Rows that only said what earlier ones did not: a frame comes in as many rows as its message
    has blocks."""


def merge(rows: GroupRows) -> Merged:
    """Sort rows by vehicle and time and merge those that share both, in the order they stand in."""
    if in_order(rows.vehicle_ids, rows.times_us, strictly=True):
        return Merged(rows=rows, repeated=0, merged=0, completed=0)
    order = np.lexsort((rows.times_us, rows.vehicle_ids))
    vehicles, times = rows.vehicle_ids[order], rows.times_us[order]
    first = np.ones(len(rows), dtype=np.bool_)
    first[1:] = (vehicles[1:] != vehicles[:-1]) | (times[1:] != times[:-1])
    kept = rows.take(order[first])
    if first.all():
        return Merged(rows=kept, repeated=0, merged=0, completed=0)
    target = np.cumsum(first) - 1
    # The second rows of all pairs together, then the third ones: few rounds, each vectorised.
    starts = np.flatnonzero(first)
    rank = np.arange(len(rows)) - starts[target]
    repeated = merged = completed = 0
    for round_ in range(1, int(rank.max()) + 1):
        sources, targets = order[rank == round_], target[rank == round_]
        told, changed = _overlay(
            kept.narrow, targets, rows.narrow[sources], fills_gaps=rows.fills_gaps
        )
        told_wide, changed_wide = _overlay(
            kept.wide, targets, rows.wide[sources], fills_gaps=rows.fills_gaps
        )
        told, changed = told | told_wide, changed | changed_wide
        repeated += int((~told).sum())
        merged += int(changed.sum())
        completed += int((told & ~changed).sum())
    return Merged(rows=kept, repeated=repeated, merged=merged, completed=completed)


def by_vehicle_and_time(
    parts: Sequence[GroupRows], order: Sequence[NDArray[np.int64]] | None = None
) -> GroupRows:
    """One group's rows together, sorted; nothing is copied where one part is in order already.

    Args:
        parts: rows of one group.
        order: (n,) of each part: how rows of the same vehicle and time follow each other; None: as
            the parts do, and the rows in them.
    """
    rows = parts[0]
    if len(parts) > 1:
        rows = GroupRows(
            group=rows.group,
            vehicle_ids=np.concatenate([part.vehicle_ids for part in parts]),
            times_us=np.concatenate([part.times_us for part in parts]),
            narrow=np.concatenate([part.narrow for part in parts]),
            wide=np.concatenate([part.wide for part in parts]),
            fills_gaps=rows.fills_gaps,
        )
    if in_order(rows.vehicle_ids, rows.times_us, strictly=order is not None):
        return rows
    keys = [rows.times_us, rows.vehicle_ids]
    if order is not None:
        keys.insert(0, np.concatenate(order))
    return rows.take(np.lexsort(keys))  # stable


def in_order(
    vehicle_ids: NDArray[np.int64], times_us: NDArray[np.int64], *, strictly: bool
) -> bool:
    """Whether rows are by vehicle and time already; strictly: each pair once."""
    follows = (times_us[1:] > times_us[:-1]) if strictly else (times_us[1:] >= times_us[:-1])
    follows &= vehicle_ids[1:] == vehicle_ids[:-1]
    follows |= vehicle_ids[1:] > vehicle_ids[:-1]
    return bool(follows.all())


def _overlay(
    matrix: NDArray[np.floating],
    targets: NDArray[np.intp],
    newer: NDArray[np.floating],
    *,
    fills_gaps: bool,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Lay the present values of `newer` over the target rows.

    Returns:
        (n,) which rows told something new, and which of them count as merged.
    """
    older = matrix[targets]
    absent = np.isnan(older)
    differs = ~np.isnan(newer) & (absent if fills_gaps else newer != older)
    matrix[targets] = np.where(differs, newer, older)
    told = differs.any(axis=1)
    return told, told if fills_gaps else (differs & ~absent).any(axis=1)
