"""A batch made ready for its transaction: all that needs no database is done before it begins.

Sorting, merging, encoding and finding the newest values take as long as a third of COPY. A worker
does them for the next batch while the database still takes the last one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from storage import binary_copy
from storage.latest_values import latest
from storage.row_merge import merge
from storage.steps import NO_STEPS

if TYPE_CHECKING:
    from schemas.catalogue import Catalogue
    from storage.batch import Batch, GroupRows
    from storage.latest_values import Latest
    from storage.steps import Steps

DAY_US = 86_400_000_000
"""Microseconds in a day."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PreparedRows:
    """One group's rows."""

    rows: GroupRows
    """By vehicle and time, each pair once."""
    encoded: binary_copy.Encoded
    newest: Latest
    repeated: int
    """Rows that said nothing new beside another row of the batch."""
    merged: int
    """Rows that said otherwise than another row of the batch."""
    completed: int
    """Rows that only said what another one did not."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Prepared:
    """A batch whose rows wait to be copied."""

    batch: Batch
    groups: tuple[PreparedRows, ...]
    """In the catalogue's order: the same for every writer. Of one group, what fills gaps goes last:
    a value that came as usual is then there already, and holds."""
    touched: tuple[tuple[int, int], ...]
    """Vehicle and day (since 1970), sorted."""
    steps: Steps
    """What rows were encoded for."""


def prepare(batch: Batch, catalogue: Catalogue, steps: Steps = NO_STEPS) -> Prepared:
    """Sort, merge and encode a batch's rows.

    Args:
        batch: what is to be written.
        catalogue: the signals.
        steps: what is kept in steps, by group, where it is to be written (see `storage.steps`).
    """
    places = {name: place for place, name in enumerate(catalogue.groups)}
    ordered = sorted(batch.groups, key=lambda rows: (places[rows.group], rows.fills_gaps))
    groups = tuple(_prepare(rows, catalogue, steps) for rows in ordered if len(rows))
    touched = set().union(*(_vehicle_days(group.rows) for group in groups))
    return Prepared(batch=batch, groups=groups, touched=tuple(sorted(touched)), steps=steps)


def _prepare(rows: GroupRows, catalogue: Catalogue, steps: Steps) -> PreparedRows:
    group = catalogue.groups[rows.group]
    result = merge(rows)
    return PreparedRows(
        rows=result.rows,
        encoded=binary_copy.encode(result.rows, group, steps.get(rows.group, {})),
        newest=latest(result.rows, group),
        repeated=result.repeated,
        merged=result.merged,
        completed=result.completed,
    )


def _vehicle_days(rows: GroupRows) -> set[tuple[int, int]]:
    """Vehicle and day (since 1970) of rows that are sorted by vehicle and time."""
    vehicle_ids, days = rows.vehicle_ids, rows.times_us // DAY_US
    new = np.ones(len(rows), dtype=np.bool_)
    new[1:] = (vehicle_ids[1:] != vehicle_ids[:-1]) | (days[1:] != days[:-1])
    return set(zip(vehicle_ids[new].tolist(), days[new].tolist(), strict=True))
