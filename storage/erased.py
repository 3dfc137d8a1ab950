"""What was erased stays erased: late rows lose their positions, late changes of drivers the cards.

The database's triggers see to people, and to places that are derived (migration `privacy`). Raw
rows are too many to be asked one by one: here a batch asks once, within its own transaction, so
that an erasure waits for it or is seen by it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from storage.personal import POSITION_SIGNALS
from storage.prepared import prepare
from storage.queries import query

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from schemas.catalogue import Catalogue
    from storage.batch import Batch, GroupRows, RefusedValue, ReportRow
    from storage.connection import Connection
    from storage.prepared import Prepared

Spans = dict[int, list[tuple[int, int]]]
"""By vehicle: spans, from and before [µs since 1970]."""

POSITIONS, DRIVER = "positions", "driver"
"""What is counted: rows that lost their position, cards that were left out."""


def erased_spans(connection: Connection, vehicle_ids: Iterable[int]) -> Spans:
    """In which spans positions of these vehicles were erased; within the caller's transaction."""
    connection.execute(query("write_beside_erasures"))
    found: Spans = {}
    for vehicle_id, since, until in connection.execute(
        query("erased_spans_of"), {"vehicle_ids": sorted(vehicle_ids)}
    ):
        found.setdefault(vehicle_id, []).append((since, until))
    return found


def without_erased(
    connection: Connection, prepared: Prepared, catalogue: Catalogue
) -> tuple[Prepared, Counter[str]]:
    """A batch without what was erased, and how much that was by POSITIONS and DRIVER.

    Args:
        connection: within the transaction that will write the batch.
        prepared: the batch.
        catalogue: the signals.
    """
    batch, counts = prepared.batch, Counter[str]()
    cards = {change.card_id for change in batch.driver_changes if change.card_id is not None}
    if cards:
        gone = {
            card
            for (card,) in connection.execute(query("erased_cards_of"), {"cards": sorted(cards)})
        }
        counts[DRIVER] = sum(change.card_id in gone for change in batch.driver_changes)
        if gone:
            changes = tuple(
                replace(change, card_id=None) if change.card_id in gone else change
                for change in batch.driver_changes
            )
            batch = replace(batch, driver_changes=changes)
    vehicles = {vehicle_id for vehicle_id, _ in prepared.touched}
    spans = erased_spans(connection, vehicles | {report.vehicle_id for report in batch.reports})
    if spans:
        batch, counts[POSITIONS] = _without_places(batch, spans, catalogue)
    if batch is prepared.batch:
        return prepared, counts
    if not counts[POSITIONS]:
        return replace(prepared, batch=batch), counts
    return prepare(batch, catalogue, prepared.steps), counts


def _without_places(batch: Batch, spans: Spans, catalogue: Catalogue) -> tuple[Batch, int]:
    groups, rows = [], 0
    for group in batch.groups:
        kept, changed = blank_positions(group, spans, catalogue)
        groups.append(kept)
        rows += changed
    values = kept_values(batch.refused_values, spans, catalogue)
    reports = tuple(_blank_report(report, spans) for report in batch.reports)
    return replace(batch, groups=tuple(groups), refused_values=values, reports=reports), rows


def blank_positions(rows: GroupRows, spans: Spans, catalogue: Catalogue) -> tuple[GroupRows, int]:
    """A group's rows without positions of erased spans, and how many rows lost theirs.

    A row of which nothing is left is left out.
    """
    signals = catalogue.groups[rows.group].signals
    narrow = np.array([s.name in POSITION_SIGNALS for s in signals if not s.wide], np.bool_)
    wide = np.array([s.name in POSITION_SIGNALS for s in signals if s.wide], np.bool_)
    inside = _inside(rows, spans)
    if not (inside.any() and (narrow.any() or wide.any())):
        return rows, 0
    small, large = rows.narrow.copy(), rows.wide.copy()
    small[np.ix_(inside, narrow)] = np.nan
    large[np.ix_(inside, wide)] = np.nan
    kept = np.asarray(~(np.isnan(small).all(axis=1) & np.isnan(large).all(axis=1)))
    return replace(rows, narrow=small, wide=large).take(kept), int(inside.sum())


def kept_values(
    values: tuple[RefusedValue, ...], spans: Spans, catalogue: Catalogue
) -> tuple[RefusedValue, ...]:
    """Refused values but for those that would tell a position of an erased span."""
    return tuple(
        value
        for value in values
        if catalogue.by_id[value.signal_id].name not in POSITION_SIGNALS
        or not _lies_in(value.vehicle_id, value.time, spans)
    )


def _inside(rows: GroupRows, spans: Spans) -> NDArray[np.bool_]:
    """(n,) rows that lie in an erased span of their vehicle."""
    inside = np.zeros(len(rows), dtype=np.bool_)
    for vehicle_id, erased in spans.items():
        of_vehicle = rows.vehicle_ids == vehicle_id
        for since, until in erased:
            inside |= of_vehicle & (rows.times_us >= since) & (rows.times_us < until)
    return inside


def _lies_in(vehicle_id: int, time: datetime, spans: Spans) -> bool:
    at = (time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    return any(since <= at < until for since, until in spans.get(vehicle_id, ()))


def _blank_report(report: ReportRow, spans: Spans) -> ReportRow:
    if not _lies_in(report.vehicle_id, report.position_time or report.created_time, spans):
        return report
    values = {name: value for name, value in report.values.items() if name not in POSITION_SIGNALS}
    return replace(report, values=values, position_time=None)
