"""Looking for a driver, or for where a vehicle was, in every table and column of the database.

What is searched is read from the database's own catalogue and not from a list of ours: a table that
was made yesterday is searched without being named, and a rule that erasure lacks comes to light.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from psycopg import sql

from storage.errors import StorageError
from storage.personal import POSITION_SIGNALS
from storage.queries import query

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from storage.connection import Connection

_NOT_TEXT = frozenset("NBDTIG")
"""Categories of types that hold no text: numbers, booleans, times, spans, addresses, geometry."""

PLACE = re.compile("latitude|longitude|altitude|heading|corridor|geohash|position_time")

_DRIVEN = re.compile("driver|person")


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """A column of the database."""

    relation: str
    """As a statement names it."""
    schema: str
    table: str
    name: str
    category: str
    """PostgreSQL's typcategory; of an array that of its elements."""
    type: str
    is_array: bool
    names_driver: bool
    """Whether it refers to the table of drivers."""

    @property
    def holds_text(self) -> bool:
        """Whether something may be written in it."""
        return self.category not in _NOT_TEXT or self.type == "bytea"


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """Rows of a column that name what was looked for."""

    where: str
    """Table and column."""
    rows: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Searched:
    """What a search has read, and found."""

    tables: int
    columns: int
    found: tuple[Found, ...]


def columns(connection: Connection) -> list[Column]:
    """Every column there is.

    Raises:
        StorageError: a table may not be read: nothing could be said of it.
    """
    rows = connection.execute(query("searched_columns")).fetchall()
    if hidden := sorted({row[0] for row in rows if not row[8]}):
        raise StorageError(
            f"This role may not read {', '.join(hidden)}: search as the owner of the tables, or "
            "nothing can be said of them."
        )
    return [
        Column(
            relation=f"{row[1]}.{row[2]}",
            schema=row[1],
            table=row[2],
            name=row[3],
            category=row[4],
            type=row[5],
            is_array=row[6],
            names_driver=row[7],
        )
        for row in rows
    ]


def search_person(
    connection: Connection, *, texts: Iterable[str] = (), numbers: Iterable[int] = ()
) -> Searched:
    """Look for a driver in every column.

    Args:
        connection: of a role that may read all of it.
        texts: what names them, such as a card or a name: wherever it is written, also within other
            text, in JSON and in the planner's samples.
        numbers: of drivers: in what refers to drivers, is called so, or writes of them.
    """
    texts, numbers = list(texts), list(numbers)
    known = columns(connection)
    there = {(column.relation, column.name) for column in known}
    # Values of signals, and how many of them a rollup counts, are numbers of other things.
    signals = [str(name) for (name,) in connection.execute(query("signals_of_drivers"))]

    def condition(column: Column) -> sql.Composable | None:
        tests: list[sql.Composable] = []
        name = sql.Identifier(column.name)
        if column.holds_text:
            tests += [_writes(column, text) for text in texts]
            tests += [_writes_number(column, number) for number in numbers]
        elif column.category == "N" and column.type in ("int4", "int8"):
            kind = column.name.removesuffix("_id") + "_kind"
            equal = sql.SQL("{} = ANY ({}::bigint[])").format(name, numbers)
            if column.is_array:
                equal = sql.SQL("{} && {}::bigint[]").format(name, numbers)
            tells_signal = any(
                column.name == signal or column.name.startswith(f"{signal}_") for signal in signals
            )
            if column.names_driver or (_DRIVEN.search(column.name) and not tells_signal):
                tests.append(equal)
            elif column.name.endswith("_id") and (column.relation, kind) in there:
                is_driver = sql.SQL("{}::text = 'driver'").format(sql.Identifier(kind))
                tests.append(sql.SQL("({} AND {})").format(is_driver, equal))
        return sql.SQL(" OR ").join(tests) if tests else None

    searched = _search(connection, known, condition)
    samples = [
        Found(where=f"planner's sample of {table}.{column}", rows=rows)
        for text in texts
        for table, column, rows in connection.execute(query("searched_samples"), {"text": text})
    ]
    return Searched(
        tables=searched.tables,
        columns=searched.columns,
        found=(*searched.found, *samples),
    )


def search_positions(connection: Connection, vehicle_id: int, before: datetime) -> Searched:
    """Look for where a vehicle was before a time, in every table that has vehicles.

    Positions are found by what columns are called, and in the latest values by their place.
    """
    known = columns(connection)
    of_vehicles = {column.relation for column in known if column.name == "vehicle_id"}
    times: dict[str, str] = {}
    for column in known:
        if column.type in ("timestamptz", "date") and not column.is_array:
            times.setdefault(column.relation, column.name)
    within = sql.SQL("vehicle_id = {} AND ").format(vehicle_id)

    def condition(column: Column) -> sql.Composable | None:
        if column.relation not in of_vehicles:
            return None
        name = sql.Identifier(column.name)
        if column.name == "times" and column.is_array and column.table == "vehicle_state":
            return within + sql.SQL(
                "EXISTS (SELECT FROM telemetry.signal AS known"
                " WHERE known.signal_group = row.signal_group AND known.name = ANY ({})"
                " AND row.times[known.position] > '-infinity'"
                " AND row.times[known.position] < {})"
            ).format(list(POSITION_SIGNALS), before)
        if not PLACE.search(column.name) or column.name.endswith("_n"):
            return None
        at = times.get(column.relation)
        if column.name.startswith("end_") and column.table == "trip":
            at = "end_time"
        if at is None:
            return within + sql.SQL("{} IS NOT NULL").format(name)
        return within + sql.SQL("{} IS NOT NULL AND {} < {}").format(
            name, sql.Identifier(at), before
        )

    return _search(connection, known, condition)


def _search(
    connection: Connection,
    known: list[Column],
    condition: Callable[[Column], sql.Composable | None],
) -> Searched:
    """Read each table once and count the rows that a column's condition holds for."""
    found: list[Found] = []
    tables = searched = 0
    for relation, members in groupby(known, key=lambda column: column.relation):
        of_table = list(members)
        asked = [(c, test) for c in of_table if (test := condition(c)) is not None]
        tables, searched = tables + 1, searched + len(of_table)
        if not asked:
            continue
        counts = sql.SQL(", ").join(
            sql.SQL("count(*) FILTER (WHERE {})").format(test) for _, test in asked
        )
        statement = sql.SQL("SELECT {} FROM {} AS row").format(
            counts, sql.Identifier(of_table[0].schema, of_table[0].table)
        )
        row = connection.execute(statement).fetchone() or ()
        found += [
            Found(where=f"{relation}.{column.name}", rows=rows)
            for (column, _), rows in zip(asked, row, strict=True)
            if rows
        ]
    return Searched(tables=tables, columns=searched, found=tuple(found))


def _writes(column: Column, text: str) -> sql.Composable:
    """Whether a text is written in a column, also as JSON writes it."""
    name = sql.Identifier(column.name)
    if column.type == "bytea" and not column.is_array:
        return sql.SQL("position(convert_to({}, 'UTF8') IN {}) > 0").format(text, name)
    plain = sql.SQL("strpos({}::text, {}) > 0").format(name, text)
    if column.type not in ("json", "jsonb"):
        return plain
    return sql.SQL(
        "{} OR strpos({}::jsonb::text, btrim(to_jsonb({}::text)::text, '\"')) > 0"
    ).format(plain, name, text)


_NUMBERED = (
    # A key or a name of its own, alone or in a list.
    "driver(_?ids?|_?number)[^0-9a-z]{1,6}([0-9]+, ?)*%(number)s([^0-9]|$)",
    # A name that ends so is a signal, such as seat_belt_driver; a number after many counts them.
    "(^|[^0-9a-z_])driver[^0-9a-z]{1,6}%(number)s([^0-9]|$)",
    "(^|[^0-9a-z_])drivers([/=]|[^0-9a-z]{1,5}\\[ ?)([0-9]+, ?)*%(number)s([^0-9]|$)",
)
"""How addresses and JSON write of a driver of a number."""


def _writes_number(column: Column, number: int) -> sql.Composable:
    """Whether a column writes of a driver of that number, as addresses and JSON do."""
    pattern = "|".join(one % {"number": number} for one in _NUMBERED)
    return sql.SQL("{}::text ~* {}").format(sql.Identifier(column.name), pattern)
