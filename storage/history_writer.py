"""History into the signal tables: one group and day a transaction, by the fastest way it allows.

Rows that lie apart from all that is stored (nothing of their vehicle between its first and its last
one) cannot meet a row that is there. On TimescaleDB they go straight into the columnstore where
many of a vehicle come together, else by COPY into the table; a chunk that holds rows then is
compressed at the end. The others are compared with what is stored, which the columnstore does
without being unpacked: only what is missing, or fills a gap, is written. So the same history twice
writes nothing, and what was broken off goes on where it stopped.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
from psycopg import errors, sql

from storage import columnstore
from storage.batch import Batch, CountKey
from storage.column_copy import Columns, copy_columns
from storage.erased import POSITIONS, blank_positions, erased_spans, kept_values
from storage.errors import refusal_of
from storage.frame_writer import FrameWriter, raise_counts
from storage.latest_values import latest
from storage.prepared import DAY_US
from storage.queries import query
from storage.signal_tables import stored_table
from storage.state_writer import upsert_state

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from schemas.catalogue import Catalogue
    from storage.batch import GroupRows, RefusedValue
    from storage.columnstore import Chunk
    from storage.connection import Connection, Server
    from storage.erased import Spans
    from storage.settings import StorageSettings

ROWS_TOGETHER = 200
"""Rows of a vehicle, in the mean, that are worth a columnstore batch of their own; a full one has
1,000. Fewer are stored as rows first, and compressed with their neighbours at the end."""

ROW_STORE_BYTES = 16 << 20
"""A chunk with more rows than this outside the columnstore is not written directly [bytes]: its
key would be built anew over all of them, again and again."""

TOPIC = "history"
"""Under which loads are counted in `ingest_count`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HistoryRows:
    """One group's rows of one UTC day, by vehicle and time, each pair once."""

    rows: GroupRows
    """They fill gaps."""
    refused_values: tuple[RefusedValue, ...] = ()
    out_of_limits: dict[str, int] = field(default_factory=dict)
    """Values that were taken out, by signal."""
    repeated: int = 0
    """Rows that said nothing new beside another row of the same load."""
    merged: int = 0
    """Rows that changed another row of it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """What became of rows."""

    new: int
    filled: int
    """Rows that were there and got values."""
    repeated: int
    """Rows that were there and said nothing new."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """How the chunks that were written look at the end."""

    grown_bytes: int
    """By how much they grew, with indexes."""
    columnstore: bool
    """Whether all that was written lies in the columnstore."""


@dataclass(slots=True)
class _Place:
    """A chunk this writer has written to."""

    chunk: Chunk
    day: int
    bytes_before: int


class HistoryWriter(FrameWriter):
    """Writes history over one connection.

    Args:
        connection: an autocommit connection of this writer's own.
        server: what stands at its other end.
        catalogue: the catalogue the database was migrated to.
        settings: when chunks are compressed, and how many refused values are kept.
        number: under which partition this writer counts; no other writer's at the same time.
        direct: whether rows may go straight into the columnstore.
    """

    def __init__(
        self,
        connection: Connection,
        server: Server,
        catalogue: Catalogue,
        settings: StorageSettings,
        *,
        number: int = 0,
        direct: bool = True,
    ) -> None:
        super().__init__(
            connection, server, catalogue, refused_values_kept=settings.refused_values_kept
        )
        self._number = number
        self._compress_after = timedelta(days=settings.compress_after_days)
        self._timescaledb = server.timescaledb is not None
        self._direct = direct and self._timescaledb and columnstore.can_copy_directly(connection)
        self._places: dict[tuple[str, int], _Place] = {}
        commit_behind(connection)
        if self._direct:
            connection.execute(query("keep_memory"))

    def write_history(self, part: HistoryRows) -> Written:
        """Write one group's rows of one day and commit; without rows, what was refused of them.

        Raises:
            StorageError: the database refuses them; nothing of them was written.
            psycopg.OperationalError: the database went away or undid a deadlock; write them again.
        """
        rows = part.rows
        if not len(rows):
            refused = [value.vehicle_id for value in part.refused_values]
            with refusal_of(f"history of group {rows.group}"), self._connection.transaction():
                self._account(part, erased_spans(self._connection, refused), {})
            return Written(new=0, filled=0, repeated=0)
        group, day = rows.group, int(rows.times_us[0] // DAY_US)
        self._ensure_days({day})
        with refusal_of(f"history of group {group}, {_start(day):%Y-%m-%d}"):
            try:
                with self._connection.transaction():
                    written, place = self._write(part, day, direct=self._direct)
            except errors.LockNotAvailable:
                # Somebody reads or writes the chunk for longer: go by COPY, which needs no lock.
                with self._connection.transaction():
                    written, place = self._write(part, day, direct=False)
        if place is not None:
            self._places[group, day] = place
        return written

    def finish(self) -> Finished:
        """Compress what was written as rows and is old enough; measure.

        A younger chunk still gets rows, and is left to the policy.
        """
        self._connection.execute("SET synchronous_commit = on")
        self._connection.execute("SELECT pg_current_xact_id()")  # its commit carries all before it
        columns, grown, now = True, 0, datetime.now(tz=UTC)
        for _, place in sorted(self._places.items()):
            chunk = place.chunk
            if columnstore.holds_rows(self._connection, chunk):
                if _start(place.day + 1) <= now - self._compress_after:
                    with refusal_of(f"compression of {chunk.name}"):
                        columnstore.compress(self._connection, chunk)
                else:
                    columns = False
            grown += columnstore.total_bytes(self._connection, chunk) - place.bytes_before
        return Finished(grown_bytes=grown, columnstore=columns and self._timescaledb)

    def _write(self, part: HistoryRows, day: int, *, direct: bool) -> tuple[Written, _Place | None]:
        place = None
        spans = erased_spans(self._connection, _vehicles(part.rows.vehicle_ids))
        rows, erased = blank_positions(part.rows, spans, self._catalogue)
        if not len(rows):
            self._account(part, spans, {("erased", POSITIONS): erased})
            return Written(new=0, filled=0, repeated=0), None
        known = self._places.get((rows.group, day))
        if self._timescaledb:
            place = known or self._place(rows.group, day)
        # A new chunk is nobody else's as long as this transaction lasts.
        empty = place is not None and place is not known and place.chunk.created
        apart = np.ones(len(rows), dtype=np.bool_) if empty else self._apart(rows, day)
        if direct and place is not None and self._worth_it(rows, apart, place.chunk):
            with columnstore.without_key(self._connection, place.chunk):
                if not empty:
                    apart = self._apart(rows, day)
                new = self._copy_directly(rows if apart.all() else rows.take(apart), place.chunk)
            more, filled, repeated = self._store(rows, apart, stored=True)
            new += more
        else:
            new, filled, repeated = self._store(rows, apart, stored=False)
        if new or filled:
            self._touch_days([(vehicle_id, day) for vehicle_id in _vehicles(rows.vehicle_ids)])
            newest = latest(rows, self._catalogue.groups[rows.group])
            upsert_state(self._connection, [newest], fills_gaps=True)
        counts = {
            ("repeated", rows.group): repeated + part.repeated,
            ("merged", rows.group): filled + part.merged,
            ("erased", POSITIONS): erased,
        }
        self._account(part, spans, counts)
        return Written(new=new, filled=filled, repeated=repeated), place

    def _account(
        self, part: HistoryRows, spans: Spans, counts: Mapping[tuple[str, str], int]
    ) -> None:
        """Keep what was refused, and count it with what else is to be counted."""
        self._insert_events(
            Batch(refused_values=kept_values(part.refused_values, spans, self._catalogue))
        )
        refused = {("out_of_limits", name): n for name, n in part.out_of_limits.items()}
        raise_counts(
            self._connection,
            {
                CountKey(TOPIC, self._number, *key): n
                for key, n in {**counts, **refused}.items()
                if n
            },
        )

    def _place(self, group: str, day: int) -> _Place:
        table = stored_table(group, self.steps)
        chunk = columnstore.find_chunk(self._connection, table, _start(day))
        if chunk is None:
            start_us = day * DAY_US
            chunk = columnstore.create_chunk(self._connection, table, start_us, start_us + DAY_US)
        before = 0 if chunk.created else columnstore.total_bytes(self._connection, chunk)
        return _Place(chunk=chunk, day=day, bytes_before=before)

    def _worth_it(self, rows: GroupRows, apart: NDArray[np.bool_], chunk: Chunk) -> bool:
        vehicles = len(_vehicles(rows.vehicle_ids[apart]))
        return (
            vehicles > 0
            and int(apart.sum()) >= ROWS_TOGETHER * vehicles
            and columnstore.row_store_bytes(self._connection, chunk) <= ROW_STORE_BYTES
        )

    def _copy_directly(self, rows: GroupRows, chunk: Chunk) -> int:
        """In the columnstore's order, time descending: a columnstore batch is cut as rows come."""
        if len(rows):
            steps = self.steps.get(rows.group, {})
            columns = Columns(rows, self._catalogue.groups[rows.group], steps)
            copy_columns(self._connection, chunk.identifier, columns)
        return len(rows)

    def _store(
        self, rows: GroupRows, apart: NDArray[np.bool_], *, stored: bool
    ) -> tuple[int, int, int]:
        """Store rows as rows, those that lie apart only if they are not `stored` already.

        Returns:
            How many were new, were there and got values, and were there and said nothing new.
        """
        new = filled = repeated = 0
        if apart.any() and not stored:
            away = rows if apart.all() else rows.take(apart)
            told, changed = self._rows.write(
                away, np.ones(len(away), dtype=np.bool_), self._rows.encode(away)
            )
            new, filled, repeated = len(away) - told - changed, changed, told
        if not apart.all():
            among = rows.take(~apart)
            told, changed = self._rows.fill(among, self._rows.encode(among))
            new += len(among) - told - changed
            filled, repeated = filled + changed, repeated + told
        return new, filled, repeated

    def _apart(self, rows: GroupRows, day: int) -> NDArray[np.bool_]:
        """(n,) rows of vehicles of which nothing is stored between their first and last one."""
        starts = np.flatnonzero(_firsts(rows.vehicle_ids))
        ends = np.r_[starts[1:], len(rows)] - 1
        statement = sql.SQL(query("vehicles_between")).format(
            table=sql.Identifier(stored_table(rows.group, self.steps)),
            start=sql.Literal(_start(day)),
            stop=sql.Literal(_start(day + 1)),
        )
        known = self._connection.execute(
            statement,
            {
                "vehicle_ids": rows.vehicle_ids[starts].tolist(),
                "first_us": rows.times_us[starts].tolist(),
                "last_us": rows.times_us[ends].tolist(),
            },
        ).fetchall()
        return ~np.isin(rows.vehicle_ids, [vehicle_id for (vehicle_id,) in known])


def _firsts(vehicle_ids: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(n,) which rows are the first of their vehicle."""
    firsts = np.ones(len(vehicle_ids), dtype=np.bool_)
    firsts[1:] = vehicle_ids[1:] != vehicle_ids[:-1]
    return firsts


def _vehicles(vehicle_ids: NDArray[np.int64]) -> list[int]:
    """Whose rows they are."""
    found: list[int] = vehicle_ids[_firsts(vehicle_ids)].tolist()
    return found


def commit_behind(connection: Connection) -> None:
    """Do not wait for the disk at every commit of this connection.

    A power cut may take the last commits with it, whole, of all connections the later ones: no more
    than a load broken off earlier. `HistoryWriter.finish` waits until the disk has all of them.
    """
    connection.execute("SET synchronous_commit = off")


def _start(day: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)
