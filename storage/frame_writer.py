"""One batch, one transaction: rows, state, reports, events, touched days, counts and offsets.

The order within the transaction is the way two writers never wait for each other in a circle: the
offsets first (a worker that lost its partition stops before it has written anything), then tables
that only grow, then the upserts, each in the order of its key. Rows that fill gaps come after the
others of their table, and so do their states: where two batches with such rows meet all the same,
PostgreSQL undoes one, which is then written again.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import TYPE_CHECKING

import numpy as np

from storage import partitions
from storage.batch import CountKey, OffsetAdvance
from storage.erased import without_erased
from storage.errors import OffsetConflictError, refusal_of
from storage.latest_values import NEVER_US
from storage.prepared import prepare
from storage.queries import query
from storage.report_writer import insert_reports
from storage.row_writer import RowWriter
from storage.state_writer import upsert_state
from storage.steps import read_steps

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    from numpy.typing import NDArray

    from schemas.catalogue import Catalogue
    from storage.batch import (
        Batch,
        DriverChangeRow,
        GroupRows,
        RefusedValue,
        TriggerRow,
        TroubleCodeRow,
    )
    from storage.connection import Connection, Server
    from storage.latest_values import Latest
    from storage.prepared import Prepared

    Record = TriggerRow | DriverChangeRow | TroubleCodeRow | RefusedValue


class FrameWriter:
    """Writes batches over one connection; knows what it has written lately.

    Args:
        connection: an autocommit connection of this writer's own.
        server: what stands at its other end.
        catalogue: the catalogue the database was migrated to.
        refused_values_kept: rows of `refused_value` that stay.
        mark: told which stage of a transaction begins: copy, state, commit.

    Attributes:
        steps: what this database keeps in steps, to be told to `storage.prepared`.
    """

    def __init__(
        self,
        connection: Connection,
        server: Server,
        catalogue: Catalogue,
        *,
        refused_values_kept: int,
        mark: Callable[[str], object] = lambda _stage: None,
    ) -> None:
        self._connection = connection
        self._server = server
        self._catalogue = catalogue
        self._refused_values_kept = refused_values_kept
        self._mark = mark
        self._group_places = {name: place for place, name in enumerate(catalogue.groups)}
        self._newest: dict[int, NDArray[np.int64]] = {}
        self._days: set[int] = set()
        self.steps = read_steps(connection)
        self._rows = RowWriter(connection, server, catalogue, self.steps)
        connection.execute(
            "CREATE TEMP TABLE state_stage (vehicle_id bigint, signal_group text,"
            ' time timestamptz, "values" double precision[], times timestamptz[])'
            " ON COMMIT DELETE ROWS"
        )

    def write(self, batch: Batch) -> None:
        """Write a batch and commit.

        Raises:
            OffsetConflictError: another worker owns a partition; nothing was written.
            StorageError: the database refuses what is in the batch; nothing was written.
            psycopg.OperationalError: the database went away; write the same batch again over a
                new writer (`storage.offsets` says whether it was committed after all).
        """
        self.write_prepared(prepare(batch, self._catalogue, self.steps))

    def write_prepared(self, prepared: Prepared) -> None:
        """Write a batch that was made ready (see `storage.prepared`); as `write`."""
        if prepared.steps != self.steps:  # a worker's first batch, or the database is another one
            prepared = prepare(prepared.batch, self._catalogue, self.steps)
        self._ensure_days({day for _, day in prepared.touched})
        self._learn_newest({vehicle_id for vehicle_id, _ in prepared.touched})
        home, where = _home(prepared.batch), _where(prepared.batch)
        with self._connection.transaction():
            self._advance(prepared.batch.offsets)
            prepared, erased = without_erased(self._connection, prepared, self._catalogue)
            batch, newest = prepared.batch, [group.newest for group in prepared.groups]
            counts = Counter(batch.counts)
            counts += Counter({CountKey(*home, "erased", key): n for key, n in erased.items()})
            self._mark("copy")
            for group in prepared.groups:
                name = group.rows.group
                with refusal_of(f"rows of group {name} ({where})"):
                    repeated, changed = self._rows.write(
                        group.rows, self._fresh(group.rows), group.encoded
                    )
                counts[CountKey(*home, "repeated", name)] += repeated + group.repeated
                counts[CountKey(*home, "merged", name)] += changed + group.merged
                counts[CountKey(*home, "completed", name)] += group.completed
            self._mark("state")
            with refusal_of(f"events and reports ({where})"):
                self._insert_events(batch)
            with refusal_of(f"state and counts ({where})"):
                self._touch_days([*prepared.touched, *self._driven_days(batch)])
                self._upsert_states(newest)
                raise_counts(self._connection, +counts)
            self._mark("commit")
        self._remember(newest)

    def close(self) -> None:
        """Close the connection; what was not committed is rolled back."""
        self._connection.close()

    def publish_reports(self) -> int:
        """Give committed reports their received time; returns how many there were."""
        row = self._connection.execute(query("publish_reports")).fetchone()
        return int(row[0]) if row else 0

    def _ensure_days(self, days: set[int]) -> None:
        missing = days - self._days
        if missing and self._server.timescaledb is None:
            partitions.ensure_days(self._connection, self._catalogue.groups, map(_day, missing))
        self._days |= missing

    def _learn_newest(self, vehicle_ids: set[int]) -> None:
        unknown = sorted(vehicle_ids - self._newest.keys())
        if not unknown:
            return
        for vehicle_id in unknown:
            self._newest[vehicle_id] = np.full(len(self._group_places), NEVER_US)
        for vehicle_id, group, time in self._connection.execute(
            query("newest_rows"), {"vehicle_ids": unknown}
        ):
            if group in self._group_places:
                self._newest[vehicle_id][self._group_places[group]] = _microseconds(time)

    def _advance(self, offsets: tuple[OffsetAdvance, ...]) -> None:
        for advance in offsets:
            name = "begin_offset" if advance.expected is None else "advance_offset"
            moved = self._connection.execute(
                query(name),
                {
                    "cluster_id": advance.cluster_id,
                    "topic_id": advance.topic_id,
                    "topic": advance.topic,
                    "partition": advance.partition,
                    "expected": advance.expected,
                    "next_offset": advance.next_offset,
                },
            ).fetchone()
            if moved is None:
                raise OffsetConflictError(advance.topic, advance.partition, advance.expected)

    def _fresh(self, rows: GroupRows) -> NDArray[np.bool_]:
        """(n,) which rows are newer than all that is known to be stored."""
        place = self._group_places[rows.group]
        vehicles, inverse = np.unique(rows.vehicle_ids, return_inverse=True)
        known_up_to = np.array(
            [self._newest[vehicle_id][place] for vehicle_id in vehicles.tolist()]
        )
        return np.asarray(rows.times_us > known_up_to[inverse])

    def _insert_events(self, batch: Batch) -> None:
        cards = {
            (change.card_id, change.time)
            for change in batch.driver_changes
            if change.card_id is not None
        }
        with self._connection.cursor() as cursor:
            if cards:
                cursor.executemany(
                    query("insert_driver"),
                    [{"card_id": card_id, "time": time} for card_id, time in sorted(cards)],
                )
            inserts: list[tuple[str, Sequence[Record]]] = [
                ("insert_trigger", batch.triggers),
                ("insert_driver_change", batch.driver_changes),
                ("insert_trouble_code", batch.trouble_codes),
                ("insert_refused_value", batch.refused_values),
            ]
            for name, records in inserts:
                if records:
                    # A stable sort: of two messages about the same moment the later one wins.
                    ordered = sorted(records, key=attrgetter("vehicle_id", "time"))
                    cursor.executemany(query(name), [asdict(record) for record in ordered])
            if batch.refused_values:
                cursor.execute(query("bound_refused_values"), {"kept": self._refused_values_kept})
        insert_reports(self._connection, batch.reports)

    def _driven_days(self, batch: Batch) -> list[tuple[int, int]]:
        """Days of which it is news who drove: that of a late card reaches up to the next card."""
        drivers = [change for change in batch.driver_changes if change.slot == 1]
        if not drivers:
            return []
        return self._connection.execute(
            query("driven_days"),
            {
                "vehicle_ids": [change.vehicle_id for change in drivers],
                "times": [change.time for change in drivers],
            },
        ).fetchall()

    def _touch_days(self, touched: Sequence[tuple[int, int]]) -> None:
        if touched:
            days = sorted(set(touched))
            self._connection.execute(
                query("touch_days"),
                {
                    "vehicle_ids": [vehicle_id for vehicle_id, _ in days],
                    "days": [_day(day) for _, day in days],
                },
            )

    def _upsert_states(self, newest: list[Latest]) -> None:
        usual = [part for part in newest if not part.fills_gaps]
        gaps = [part for part in newest if part.fills_gaps]
        if usual:
            upsert_state(self._connection, usual, fills_gaps=False)
        if usual and gaps:
            self._connection.execute("TRUNCATE state_stage")
        if gaps:
            upsert_state(self._connection, gaps, fills_gaps=True)

    def _remember(self, newest: list[Latest]) -> None:
        for part in newest:
            place = self._group_places[part.group]
            for vehicle_id, newest_us in zip(
                part.vehicle_ids.tolist(), part.newest_us.tolist(), strict=True
            ):
                known = self._newest[vehicle_id]
                known[place] = max(known[place], newest_us)


def raise_counts(connection: Connection, counts: dict[CountKey, int]) -> None:
    """Add to the exact counts."""
    if not counts:
        return
    connection.execute(
        query("raise_counts"),
        {
            "topics": [key.topic for key in counts],
            "partitions": [key.partition for key in counts],
            "measures": [key.measure for key in counts],
            "keys": [key.key for key in counts],
            "counts": list(counts.values()),
        },
    )


def _home(batch: Batch) -> tuple[str, int]:
    """The partition under which repeated rows are counted: any that no other worker counts under.

    Which one a row came through is not known any more, and what people read is the sum of all.
    """
    return (batch.offsets[0].topic, batch.offsets[0].partition) if batch.offsets else ("", -1)


def _where(batch: Batch) -> str:
    """Where in the topic a batch comes from."""
    spans = (
        f"{advance.topic}[{advance.partition}] from offset {advance.expected or 'the first one'}"
        f" to {advance.next_offset - 1}"
        for advance in batch.offsets
    )
    return ", ".join(spans) or "not from a topic"


def _day(days_since_1970: int) -> date:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=days_since_1970)).date()


def _microseconds(time: datetime) -> int:
    return (time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
