"""Many blocks of different columns, laid into one table of all their columns.

A batch is worked up a set of columns at a time. A gateway that sends only what has changed, or a
hostile one, gives every row columns of its own; each would cost what a thousand rows cost. So sets
that have few rows share one table, in which the columns of the others are absent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from schemas.wire import Block

Member = tuple[int, int, "Block"]
"""A block with its message's place and its own within the message."""

MANY_SETS = 32
"""Sets of columns that a batch may have before the small ones share a table."""

FEW_ROWS = 16
"""A set with fewer rows is a small one."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Table:
    """Rows of blocks, one below the other."""

    signal_ids: NDArray[np.int32]
    values: NDArray[np.float32]
    wide_signal_ids: NDArray[np.int32]
    wide_values: NDArray[np.float64]


def divide(sets: Iterable[Sequence[Member]]) -> tuple[list[Sequence[Member]], list[Member]]:
    """Sets that are worth a table of their own, and the blocks of all others."""
    found = list(sets)
    if len(found) <= MANY_SETS:
        return found, []
    large: list[Sequence[Member]] = []
    small: list[Member] = []
    for members in found:
        if sum(len(block.times_us) for _, _, block in members) < FEW_ROWS:
            small += members
        else:
            large.append(members)
    # In the order sent: an owner's rows stand together.
    return large, sorted(small, key=lambda member: member[:2])


def unite(blocks: Sequence[Block], known: NDArray[np.int32]) -> Table:
    """One table of the blocks' rows; ids that are not known (sorted) have no column in it."""
    rows = [len(block.times_us) for block in blocks]
    narrow_ids, narrow = _spread(
        rows, [b.signal_ids for b in blocks], [b.values for b in blocks], known
    )
    wide_ids, wide = _spread(
        rows, [b.wide_signal_ids for b in blocks], [b.wide_values for b in blocks], known
    )
    return Table(
        signal_ids=narrow_ids,
        values=narrow.astype(np.float32, copy=False),
        wide_signal_ids=wide_ids,
        wide_values=wide.astype(np.float64, copy=False),
    )


def unknown_ids(block: Block, known: NDArray[np.int32]) -> list[int]:
    """The ids of a block that are not among the known ones (sorted)."""
    ids = np.concatenate([block.signal_ids, block.wide_signal_ids])
    return [int(number) for number in ids[~_among(ids, known)]]


def _spread(
    rows: Sequence[int],
    ids: Sequence[NDArray[np.int32]],
    tables: Sequence[NDArray[np.floating]],
    known: NDArray[np.int32],
) -> tuple[NDArray[np.int32], NDArray[np.floating]]:
    """The union of the known columns, and every block's (n, m) values at their places in it."""
    sent = np.concatenate(ids)
    columns = np.unique(sent[_among(sent, known)])
    spread = np.full((sum(rows), len(columns)), np.nan, dtype=tables[0].dtype)
    if not len(columns):
        return columns, spread
    # Each value's block, and its row and column within that block.
    counts, widths = np.array(rows), np.array([len(part) for part in ids])
    sizes = counts * widths
    block = np.repeat(np.arange(len(rows)), sizes)
    within = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    row, column = np.divmod(within, widths[block])
    number = sent[(np.cumsum(widths) - widths)[block] + column]
    place = np.minimum(np.searchsorted(columns, number), len(columns) - 1)
    has_column = columns[place] == number
    row += (np.cumsum(counts) - counts)[block]
    values = np.concatenate([table.ravel() for table in tables])
    spread[row[has_column], place[has_column]] = values[has_column]
    return columns, spread


def _among(ids: NDArray[np.int32], known: NDArray[np.int32]) -> NDArray[np.bool_]:
    place = np.minimum(np.searchsorted(known, ids), len(known) - 1)
    return np.asarray(known[place] == ids)
