"""The signal tables, derived from the catalogue: `signal_<group>` has a column a signal.

Its key is (vehicle_id, time). On plain PostgreSQL it is a table, range-partitioned by day (see
`storage.partitions`). On TimescaleDB it is a view of `steps_<group>`, a hypertable of day chunks
that become columnstore, in which measurements are whole steps (see `storage.steps`); where it was
made before there were steps, or the group has no measurement, it is the hypertable itself. What
reads, reads `signal_<group>`; what writes asks for `stored_table`. Adding a signal adds nullable
columns, which works on a table full of compressed rows; a column's type never changes.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from psycopg import sql

from schemas.sql_types import sql_type
from storage.brief_locks import briefly
from storage.connection import has_relation
from storage.errors import SchemaError
from storage.steps import counts_steps, read_steps, steps_column, value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.catalogue import Catalogue, Group, Signal
    from storage.connection import Connection, Server
    from storage.steps import Steps

STEPS_MIGRATION = 34
"""Releases that have this migration know steps."""

CHUNK_INTERVAL = "1 day"
"""A chunk's width; 50 vehicles or 5,000, a day is also what analysis reads."""


def table_name(group: str) -> str:
    """The table or view in which a group's values are read."""
    return f"signal_{group}"


def stored_table(group: str, steps: Steps) -> str:
    """The table that holds a group's rows.

    Args:
        group: which.
        steps: what the database keeps in steps (see `storage.steps.read_steps`).
    """
    return f"steps_{group}" if group in steps else table_name(group)


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
    steps = read_steps(connection)
    for group in catalogue.groups.values():
        table = table_name(group.name)
        if not has_relation(connection, table):
            create = partial(_create, connection, server, group)
            briefly(connection, f"make table {table}", create)
            done.append(f"table {table} with {len(group.signals)} signals")
        elif new := _new_signals(connection, group):
            add = partial(_add_columns, connection, steps, group, new)
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


def _steps_column(signal: Signal) -> sql.Composed:
    return sql.SQL("{} integer").format(sql.Identifier(steps_column(signal.name)))


def _create(connection: Connection, server: Server, group: Group) -> None:
    # Rows are not smaller for steps: they are for the columnstore.
    stepped = [] if server.timescaledb is None else list(filter(counts_steps, group.signals))
    _note_steps(connection, stepped)
    if stepped:
        _refuse_writers_of_values(connection)
    name = stored_table(group.name, read_steps(connection))
    table = sql.Identifier(name)
    columns = sql.SQL(", ").join(
        [
            sql.SQL("vehicle_id bigint NOT NULL"),
            sql.SQL("time timestamptz NOT NULL"),
            *(_column(signal) for signal in group.signals),
            *(_steps_column(signal) for signal in stepped),
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
        (name, CHUNK_INTERVAL),
    )
    connection.execute(
        sql.SQL(
            "ALTER TABLE {} SET (timescaledb.enable_columnstore,"
            " timescaledb.segmentby = 'vehicle_id', timescaledb.orderby = 'time DESC')"
        ).format(table)
    )
    _show(connection, group)


def _refuse_writers_of_values(connection: Connection) -> None:
    """Let no worker in that is of a release before there were steps: it would COPY into a view."""
    connection.execute(
        "UPDATE schema_version SET works_with = NULL WHERE version = %s", (STEPS_MIGRATION,)
    )


def _note_steps(connection: Connection, signals: Sequence[Signal]) -> None:
    """Write down for ever what a step of signals is, whatever their resolution becomes."""
    for signal in signals:
        connection.execute(
            "INSERT INTO signal_step (name, signal_group, step) VALUES (%s, %s, %s)",
            (signal.name, signal.group, signal.resolution),
        )


def _show(connection: Connection, group: Group) -> None:
    """Have a view of values where a group is stored in steps."""
    steps = read_steps(connection)
    if group.name not in steps:
        return
    of_group = steps[group.name]
    values = [
        sql.SQL("{} AS {}").format(value(signal.name, of_group[signal.name]), name)
        if signal.name in of_group
        else name
        for signal in group.signals
        for name in [sql.Identifier(signal.name)]
    ]
    connection.execute(
        sql.SQL("CREATE OR REPLACE VIEW {} AS SELECT vehicle_id, time, {} FROM {}").format(
            sql.Identifier(table_name(group.name)),
            sql.SQL(", ").join(values),
            sql.Identifier(stored_table(group.name, steps)),
        )
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


def _add_columns(
    connection: Connection, steps: Steps, group: Group, signals: Sequence[Signal]
) -> None:
    table = sql.Identifier(stored_table(group.name, steps))
    stepped = list(filter(counts_steps, signals)) if group.name in steps else []
    columns = [*map(_column, signals), *map(_steps_column, stepped)]
    for column in columns:
        connection.execute(sql.SQL("ALTER TABLE {} ADD COLUMN {}").format(table, column))
    _note_steps(connection, stepped)
    _show(connection, group)


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
