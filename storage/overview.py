"""What the database holds and how it grows, in a few numbers for an operator.

Nothing here reads a signal table through: counts are those that ingest keeps, rows are estimates of
the planner's statistics, sizes are those of files, so it is quick at any size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg import sql

from storage.queries import query
from storage.rollups import rollups
from storage.signal_tables import stored_table, table_name
from storage.steps import read_steps

if TYPE_CHECKING:
    from datetime import date, datetime

    from schemas.catalogue import Catalogue
    from storage.connection import Connection, Server

LONGEST_BASE_S = 60.0
"""A rate looks back this far at the most [s]: longer without a batch is a pause, and no rate."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Overview:
    """What an operator asks first."""

    vehicles: int
    trips: int
    """An estimate where it is more than a million."""
    days_to_analyse: int
    days_to_roll_up: int
    written_at: datetime | None
    """When ingest wrote last, UTC."""
    counts: dict[tuple[str, str], int]
    """By measure and key, over all days and partitions; see table ingest_count."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """What ingest had written of a topic at a moment."""

    messages: int
    frames: int
    values: int
    written_at: datetime | None
    """When the last batch began its transaction."""
    at: datetime
    """By the database's clock."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rates:
    """How fast ingest writes, each a second."""

    messages: float
    frames: float
    values: float
    seconds: float
    """The time they were taken over [s]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TableSize:
    """How large a signal table is."""

    table: str
    """As it is read."""
    rows: int
    """An estimate."""
    bytes: int
    """On disk, indexes included."""
    parts: int
    """Chunks or day partitions."""
    compressed_parts: int
    bytes_before: int
    """What the compressed parts took before [bytes]."""
    bytes_after: int
    """What they take now [bytes]."""
    oldest_day: date | None
    newest_day: date | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Sizes:
    """How large everything is."""

    database_bytes: int
    tables: tuple[TableSize, ...]
    rollup_bytes: dict[str, int]
    """By relation."""


def read(connection: Connection) -> Overview:
    """Count."""
    row = connection.execute(query("overview")).fetchone()
    vehicles, trips, to_analyse, to_roll_up, written_at = row or (0, 0, 0, 0, None)
    counts = {(m, k): int(n) for m, k, n in connection.execute(query("ingest_counts"))}
    return Overview(
        vehicles=vehicles,
        trips=trips,
        days_to_analyse=to_analyse,
        days_to_roll_up=to_roll_up,
        written_at=written_at,
        counts=counts,
    )


def newest_frames(
    connection: Connection, server: Server, catalogue: Catalogue
) -> dict[str, datetime]:
    """By group, the time of the newest frame by the vehicles' clocks; a group without is left out.

    Hypertables have an index by time. On plain PostgreSQL the latest values are looked through,
    one row a vehicle and group.
    """
    if server.timescaledb is None:
        rows = connection.execute(query("newest_by_group")).fetchall()
    else:
        each = [
            sql.SQL("SELECT {}::text, (SELECT time FROM {} ORDER BY time DESC LIMIT 1)").format(
                sql.Literal(group), sql.Identifier(table_name(group))
            )
            for group in catalogue.groups
        ]
        rows = connection.execute(sql.SQL(" UNION ALL ").join(each)).fetchall()
    newest: dict[str, datetime | None] = dict(rows)
    return {group: time for group in catalogue.groups if (time := newest.get(group)) is not None}


def sample(connection: Connection, topic: str, first: date) -> Sample:
    """Look at what was counted of a topic since a day; two samples make `rates`."""
    row = connection.execute(query("ingest_sample"), {"topic": topic, "first": first}).fetchone()
    if row is None:  # pragma: no cover - an aggregate without GROUP BY has a row
        raise AssertionError
    messages, frames, values, written_at, at = row
    return Sample(
        messages=int(messages),
        frames=int(frames),
        values=int(values),
        written_at=written_at,
        at=at,
    )


def rates(before: Sample, after: Sample) -> Rates:
    """What was written between two samples, over the time between their last batches.

    Batches come about once a second: the time between the samples alone would count one too many
    or too few. A batch that ended a long pause is spread over LONGEST_BASE_S at the most.
    """
    seconds = (after.at - before.at).total_seconds()
    if before.written_at and after.written_at and after.written_at > before.written_at:
        base_s = (after.written_at - before.written_at).total_seconds()
        seconds = min(base_s, max(seconds, LONGEST_BASE_S))
    return Rates(
        messages=(after.messages - before.messages) / seconds,
        frames=(after.frames - before.frames) / seconds,
        values=(after.values - before.values) / seconds,
        seconds=seconds,
    )


def sizes(connection: Connection, server: Server, catalogue: Catalogue) -> Sizes:
    """How large the tables and their rollups are."""
    hyper = server.timescaledb is not None
    steps = read_steps(connection)
    names = {stored_table(group, steps): table_name(group) for group in catalogue.groups}
    relations = [rollup.relation for rollup in rollups(catalogue)]
    found = connection.execute(
        query("hypertable_sizes" if hyper else "partition_sizes"), {"tables": list(names)}
    ).fetchall()
    of_rollups = connection.execute(
        query("aggregate_sizes" if hyper else "rollup_sizes"), {"relations": relations}
    ).fetchall()
    row = connection.execute(query("database_size")).fetchone()
    return Sizes(
        database_bytes=int(row[0]) if row else 0,
        tables=tuple(
            TableSize(
                table=names[table],
                rows=int(rows),
                bytes=int(size),
                parts=parts,
                compressed_parts=compressed,
                bytes_before=int(before),
                bytes_after=int(after),
                oldest_day=oldest,
                newest_day=newest,
            )
            for table, rows, size, parts, compressed, before, after, oldest, newest in found
        ),
        rollup_bytes={name: int(size) for name, size in of_rollups},
    )
