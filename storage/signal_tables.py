"""The signal tables, derived from the catalogue: a table a group, a column a signal.

`signal_<group>` has the primary key (vehicle_id, time). On TimescaleDB it is a hypertable of day
chunks that become columnstore; on plain PostgreSQL it is range-partitioned by day (see
`storage.partitions`). Adding a signal adds a nullable column, which works on a table full of
compressed rows; a column's type never changes.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from psycopg import sql

from schemas.sql_types import sql_type
from storage.brief_locks import briefly
from storage.connection import has_relation
from storage.errors import SchemaError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.catalogue import Catalogue, Group, Signal
    from storage.connection import Connection, Server

CHUNK_INTERVAL = "1 day"
"""A chunk's width; 50 vehicles or 5,000, a day is also what analysis reads."""


def table_name(group: str) -> str:
    """The table that holds a group's rows."""
    return f"signal_{group}"


def synchronise(connection: Connection, server: Server, catalogue: Catalogue) -> list[str]:
    """Bring the tables up to the catalogue, each in a short transaction of its own.

    Returns:
        What was done, a line each; empty where all was in place.

    Raises:
        SchemaError: the database knows a newer catalogue, or a signal whose group, type or kind
            is another one there.
    """
    _refuse_conflicts(connection, catalogue)
    done: list[str] = []
    for group in catalogue.groups.values():
        table = table_name(group.name)
        if not has_relation(connection, table):
            create = partial(_create, connection, server, group)
            briefly(connection, f"make table {table}", create)
            done.append(f"table {table} with {len(group.signals)} signals")
        elif new := _new_signals(connection, group):
            add = partial(_add_columns, connection, table, new)
            briefly(connection, f"add columns to {table}", add)
            done += [f"column {table}.{signal.name}" for signal in new]
    return done


def _refuse_conflicts(connection: Connection, catalogue: Catalogue) -> None:
    rows = connection.execute(
        "SELECT signal_id, name, signal_group, type, kind, since FROM signal"
    ).fetchall()
    newest = max((row[5] for row in rows), default=0)
    highest: dict[str, int] = {}
    if newest > catalogue.version:
        raise too_new(newest, catalogue)
    for signal_id, name, group, type_, kind, _ in rows:
        highest[group] = max(signal_id, highest.get(group, 0))
        signal = catalogue.by_id.get(signal_id)
        if signal is None:
            raise SchemaError(
                f"Signal {signal_id} ({name}) is in the database but not in the catalogue: a "
                "signal is never removed, its row stays."
            )
        there = (name, group, type_, kind)
        here = (signal.name, signal.group, str(signal.type), str(signal.kind))
        if there != here:
            raise SchemaError(
                f"Signal {signal_id} is {' '.join(there)} in the database but {' '.join(here)} in "
                "the catalogue: name, group, type and kind never change. Add a signal with a new "
                "id instead."
            )
    known = {row[0] for row in rows}
    for signal in catalogue.signals:
        if signal.id in known:
            continue
        # Its version names its rollup, its id is its place in vehicle_state: both are appended.
        if signal.since <= newest or signal.id < highest.get(signal.group, 0):
            raise SchemaError(
                f"Signal {signal.id} ({signal.name}) is new to the database, which stands at "
                f"catalogue {newest} and has ids up to {highest.get(signal.group, 0)} in group "
                f"{signal.group}: give it a higher id and since={newest + 1}. (A database without "
                "data worth keeping can be dropped and migrated anew instead.)"
            )


def too_new(version: int, catalogue: Catalogue) -> SchemaError:
    """The refusal of a database that was migrated to a newer catalogue."""
    return SchemaError(
        f"The database was migrated to signal catalogue {version}, this code has "
        f"{catalogue.version}: upgrade the code."
    )


def _column(signal: Signal) -> sql.Composed:
    return sql.SQL("{} {}").format(sql.Identifier(signal.name), sql.SQL(sql_type(signal)))


def _create(connection: Connection, server: Server, group: Group) -> None:
    table = sql.Identifier(table_name(group.name))
    columns = sql.SQL(", ").join(
        [
            sql.SQL("vehicle_id bigint NOT NULL"),
            sql.SQL("time timestamptz NOT NULL"),
            *(_column(signal) for signal in group.signals),
            sql.SQL("PRIMARY KEY (vehicle_id, time)"),
        ]
    )
    create = sql.SQL("CREATE TABLE {} ({})").format(table, columns)
    if server.timescaledb is None:
        connection.execute(create + sql.SQL(" PARTITION BY RANGE (time)"))
        return
    connection.execute(create)
    connection.execute(
        "SELECT create_hypertable(%s::regclass, by_range('time', %s::interval))",
        (table_name(group.name), CHUNK_INTERVAL),
    )
    connection.execute(
        sql.SQL(
            "ALTER TABLE {} SET (timescaledb.enable_columnstore,"
            " timescaledb.segmentby = 'vehicle_id', timescaledb.orderby = 'time DESC')"
        ).format(table)
    )


def _new_signals(connection: Connection, group: Group) -> list[Signal]:
    there = {
        row[0]
        for row in connection.execute(
            "SELECT attname FROM pg_attribute"
            " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped",
            (table_name(group.name),),
        )
    }
    return [signal for signal in group.signals if signal.name not in there]


def _add_columns(connection: Connection, table: str, signals: Sequence[Signal]) -> None:
    for signal in signals:
        connection.execute(
            sql.SQL("ALTER TABLE {} ADD COLUMN {}").format(sql.Identifier(table), _column(signal))
        )


def mirror(connection: Connection, catalogue: Catalogue) -> None:
    """Let the database know the catalogue: what is in it is in the tables already."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO signal VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)"
            " ON CONFLICT (signal_id) DO UPDATE SET path = EXCLUDED.path, unit = EXCLUDED.unit",
            [
                (
                    signal.id,
                    signal.name,
                    signal.path,
                    group.name,
                    position,
                    signal.kind,
                    signal.type,
                    signal.unit,
                    signal.since,
                )
                for group in catalogue.groups.values()
                for position, signal in enumerate(group.signals, start=1)
            ],
        )
