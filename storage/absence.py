"""Rows that lack the same columns: a vehicle sends the same ones for minutes on end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from storage.batch import GroupRows

MOST_PATTERNS = 32
"""More kinds of rows than this are not told apart."""

ROWS_A_RUN = 2
"""Nor are rows whose kind changes more often than after so many of them."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Pattern:
    """Rows that lack the same columns."""

    rows: slice | NDArray[np.intp]
    """Which ones they are."""
    count: int
    narrow: NDArray[np.bool_]
    """(a,) which columns of `narrow` they lack."""
    wide: NDArray[np.bool_]
    """(b,) likewise of `wide`."""


def patterns(rows: GroupRows) -> tuple[Pattern, ...]:
    """The rows by the columns they lack; none where they are too many kinds to be worth it."""
    absent = np.concatenate((np.isnan(rows.narrow), np.isnan(rows.wide)), axis=1)
    packed = np.packbits(absent, axis=1)
    starts = np.flatnonzero(np.r_[True, (packed[1:] != packed[:-1]).any(axis=1)])
    if len(starts) > max(1, len(rows) // ROWS_A_RUN):
        return ()
    kinds: dict[bytes, list[int]] = {}
    for run, start in enumerate(starts.tolist()):
        kinds.setdefault(packed[start].tobytes(), []).append(run)
    if len(kinds) > MOST_PATTERNS:
        return ()
    narrow_width = rows.narrow.shape[1]
    lengths = np.diff(starts, append=len(rows))
    return tuple(
        Pattern(
            rows=slice(None) if len(kinds) == 1 else _members(starts[runs], lengths[runs]),
            count=int(lengths[runs].sum()),
            narrow=absent[starts[runs[0]], :narrow_width],
            wide=absent[starts[runs[0]], narrow_width:],
        )
        for runs in kinds.values()
    )


def _members(starts: NDArray[np.intp], lengths: NDArray[np.intp]) -> NDArray[np.intp]:
    """The places of all rows of these runs."""
    before = np.cumsum(lengths) - lengths
    return np.repeat(starts - before, lengths) + np.arange(lengths.sum())
