"""Erasing where a vehicle was over a span: raw rows by day, rollups, then what was derived.

On TimescaleDB compressed rows are changed where they are, and a continuous aggregate in the table
behind it: to refresh it would empty it where its raw rows are gone.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from psycopg import sql

from storage.connection import locked, server
from storage.errors import refusal_of
from storage.personal import PLACES, POSITION_SIGNALS
from storage.queries import query
from storage.rollups import LOCK, rollups
from storage.signal_tables import stored_table, table_name
from storage.steps import read_steps, steps_column

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from schemas.catalogue import Catalogue
    from storage.connection import Connection
    from storage.personal import PlaceRule
    from storage.rollups import Rollup

    Counted = Callable[[str, int], None]

EVER = datetime(1, 1, 2, tzinfo=UTC)
"""Before all that is stored."""

DAY = timedelta(days=1)


def tables(catalogue: Catalogue) -> set[str]:
    """Tables that hold positions, but for rollups, which have little of them."""
    return {*(table_name(group) for group in _signals(catalogue)), "vehicle_state"} | {
        place.table for place in PLACES
    }


def count(
    connection: Connection,
    catalogue: Catalogue,
    vehicle_id: int,
    since: datetime,
    until: datetime,
) -> dict[str, int]:
    """How many rows say where a vehicle was, by table; nothing is changed."""
    where: dict[str, object] = {"vehicle_id": vehicle_id, "since": since, "until": until}
    found: dict[str, int] = {}
    for group, names in _signals(catalogue).items():
        statement = sql.SQL("SELECT count(*) FROM {} WHERE {} AND {}").format(
            sql.Identifier(table_name(group)), sql.SQL(_ROWS), _held(names)
        )
        found[table_name(group)] = _number(connection, statement, where)
    for rollup, table in _rollups(connection, catalogue):
        statement = sql.SQL("SELECT count(*) FROM {} WHERE {} AND {}").format(
            table, _buckets(rollup), _held(_cells(rollup))
        )
        found[rollup.relation] = _number(connection, statement, where)
    named = {**where, "names": list(POSITION_SIGNALS)}
    latest = sql.SQL(query("count_latest_positions"))
    found["vehicle_state"] = _number(connection, latest, named)
    for place in PLACES:
        statement = sql.SQL("SELECT count(*) FROM {} WHERE {}").format(
            sql.Identifier(place.table), _where(place)
        )
        found[_name(place)] = found.get(_name(place), 0) + _number(connection, statement, where)
    return {name: rows for name, rows in found.items() if rows}


def erase_waiting(
    connection: Connection,
    catalogue: Catalogue,
    erasure_id: int,
    counted: Counted,
) -> None:
    """Erase the positions of the spans that an erasure has written down and not done yet.

    Args:
        connection: an autocommit connection.
        catalogue: the signals.
        erasure_id: which.
        counted: told, within each transaction, what it changed and how many rows.
    """
    waiting = connection.execute(query("spans_to_erase"), {"erasure_id": erasure_id}).fetchall()
    for vehicle_id, span, since, until in waiting:
        where: dict[str, object] = {
            "vehicle_id": vehicle_id,
            "since": since or EVER,
            "until": until,
        }
        for group, names in _signals(catalogue).items():
            _erase_rows(connection, group, names, where, counted)
        with locked(connection, LOCK):
            _erase_rollups(connection, catalogue, where, counted)
        what = f"the erasure of positions of vehicle {vehicle_id}"
        with refusal_of(what), connection.transaction():
            _erase_derived(connection, where, counted)
            connection.execute(query("span_done"), {"vehicle_id": vehicle_id, "span": span})


_ROWS = "vehicle_id = %(vehicle_id)s AND time >= %(since)s AND time < %(until)s"


def _signals(catalogue: Catalogue) -> dict[str, list[str]]:
    """The signals that tell a position, by group."""
    found: dict[str, list[str]] = {}
    for name in POSITION_SIGNALS:
        if name in catalogue.by_name:
            found.setdefault(catalogue.by_name[name].group, []).append(name)
    return found


def _held(columns: list[str]) -> sql.Composed:
    return sql.SQL("num_nonnulls({}) > 0").format(sql.SQL(", ").join(map(sql.Identifier, columns)))


def _erase_rows(
    connection: Connection,
    group: str,
    names: list[str],
    where: dict[str, object],
    counted: Counted,
) -> None:
    steps = read_steps(connection)
    table = sql.Identifier(stored_table(group, steps))
    columns = [*names, *(steps_column(name) for name in names if name in steps.get(group, {}))]
    ends = sql.SQL("SELECT min(time), max(time) FROM {} WHERE {}").format(table, sql.SQL(_ROWS))
    first, last = connection.execute(ends, where).fetchone() or (None, None)
    if first is None or last is None:
        return
    update = sql.SQL("UPDATE {} SET {} WHERE {} AND {}").format(
        table,
        sql.SQL(", ").join(sql.SQL("{} = NULL").format(sql.Identifier(name)) for name in columns),
        sql.SQL(_ROWS),
        _held(columns),
    )
    for day in _days(first, last):
        with refusal_of(f"the erasure of positions of {day:%Y-%m-%d}"), connection.transaction():
            # TimescaleDB unpacks a thousand rows for each that is changed, and has a limit to it.
            connection.execute(
                "SET LOCAL timescaledb.max_tuples_decompressed_per_dml_transaction = 0"
            )
            within = {
                **where,
                "since": max(day, first),
                "until": min(day + DAY, last + timedelta(microseconds=1)),
            }
            counted(table_name(group), connection.execute(update, within).rowcount)


def _days(first: datetime, last: datetime) -> Iterator[datetime]:
    day = first.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    while day <= last:
        yield day
        day += DAY


def _rollups(
    connection: Connection, catalogue: Catalogue
) -> Iterator[tuple[Rollup, sql.Identifier]]:
    """Rollups of positions, each with the table that holds it."""
    timescaledb = server(connection).timescaledb is not None
    for rollup in rollups(catalogue):
        if not _cells(rollup):
            continue
        table = sql.Identifier(rollup.relation)
        if timescaledb:
            named = {"relation": rollup.relation}
            row = connection.execute(query("aggregate_table"), named).fetchone()
            if row is not None:
                table = sql.Identifier(*row)
        yield rollup, table


def _cells(rollup: Rollup) -> list[str]:
    """A rollup's columns that hold positions."""
    return [
        f"{signal.name}_{figure}"
        for signal in rollup.signals
        if signal.name in POSITION_SIGNALS
        for figure in (("avg", "min", "max") if signal.kind == "sample" else ("last",))
    ]


def _buckets(rollup: Rollup) -> sql.Composed:
    """A vehicle's buckets that have some of a span in them."""
    return sql.SQL(
        "vehicle_id = %(vehicle_id)s AND bucket > %(since)s - {} AND bucket < %(until)s"
    ).format(sql.Literal(timedelta(seconds=rollup.bucket_s)))


def _erase_rollups(
    connection: Connection,
    catalogue: Catalogue,
    where: dict[str, object],
    counted: Counted,
) -> None:
    for rollup, table in _rollups(connection, catalogue):
        cells = _cells(rollup)
        numbers = [
            sql.SQL("{} = 0").format(sql.Identifier(f"{signal.name}_n"))
            for signal in rollup.signals
            if signal.name in POSITION_SIGNALS and signal.kind == "sample"
        ]
        blanks = [sql.SQL("{} = NULL").format(sql.Identifier(cell)) for cell in cells]
        update = sql.SQL("UPDATE {} SET {} WHERE {} AND {}").format(
            table, sql.SQL(", ").join([*blanks, *numbers]), _buckets(rollup), _held(cells)
        )
        with refusal_of(f"the erasure of {rollup.relation}"), connection.transaction():
            counted(rollup.relation, connection.execute(update, where).rowcount)


def _erase_derived(connection: Connection, where: dict[str, object], counted: Counted) -> None:
    named = {**where, "names": list(POSITION_SIGNALS)}
    latest = sql.SQL(query("forget_latest_positions"))
    counted("vehicle_state", _number(connection, latest, named))
    for place in PLACES:
        table = sql.Identifier(place.table)
        act = sql.SQL("DELETE FROM {}").format(table)
        if place.change is not None:
            act = sql.SQL("UPDATE {} SET {}").format(table, sql.SQL(place.change))
        statement = sql.SQL("{} WHERE {}").format(act, _where(place))
        counted(_name(place), connection.execute(statement, where).rowcount)


def _name(place: PlaceRule) -> str:
    return place.table + ("" if place.change else " (rows)")


def _where(place: PlaceRule) -> sql.Composed:
    return sql.SQL("vehicle_id = %(vehicle_id)s AND {} AND {}").format(
        sql.SQL(place.at), sql.SQL(place.held)
    )


def _number(
    connection: Connection, statement: sql.SQL | sql.Composed, parameters: dict[str, object]
) -> int:
    row = connection.execute(statement, parameters).fetchone()
    return int(row[0]) if row else 0
