"""Erasing a driver, or where a vehicle was: in small transactions that say what they have done.

First it is written down, alone, what must not come back (see migration `privacy`). From then on
every step looks for what is left, so one that is killed is simply run again: it goes on, under the
same record. The driver's own row goes last, for it is what the others are found by.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from psycopg import sql

from storage import erased_places
from storage.brief_locks import briefly
from storage.errors import NotKnownError, StorageError, refusal_of
from storage.personal import LAST, RULES
from storage.queries import query

if TYPE_CHECKING:
    from collections.abc import Callable

    from schemas.catalogue import Catalogue
    from storage.connection import Connection
    from storage.personal import Rule

AT_ONCE = 5000
"""Rows a transaction changes: ingest waits for any of them for a fraction of a second."""

Counts = dict[str, int]
"""Rows changed, and rows deleted, by table; without zeros."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """A driver whose data are looked for."""

    driver_id: int | None
    """None: the register has no such driver, but a card may be named elsewhere."""
    card: str | None
    subjects: tuple[str, ...] = ()
    """How the driver's accounts are named in the log of reads."""

    @property
    def parameters(self) -> dict[str, object]:
        """For the conditions of `storage.personal`."""
        return {
            "driver_id": self.driver_id,
            "card": self.card,
            "subjects": list(self.subjects),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Erasure:
    """The record of an erasure."""

    erasure_id: int
    kind: str
    asked_by: str
    began_at: datetime
    ended_at: datetime | None
    """None: it was broken off, or goes on now."""
    counts: Counts


def find_person(connection: Connection, text: str) -> Person:
    """The driver of a card, or of a number; a card that nobody has may still be named somewhere.

    Args:
        connection: an autocommit connection.
        text: a card or a number; `card:…` and `number:…` where it could be either.

    Raises:
        StorageError: it could be either.
        NotKnownError: it is a number that no driver has.
    """
    kind, _, name = text.partition(":")
    if kind not in ("card", "number"):
        kind, name = "", text
    is_number = name.isdecimal() and len(name) < 19
    by_card = by_number = None
    if kind != "number":
        by_card = connection.execute(query("find_driver_by_card"), {"card": name}).fetchone()
    if kind != "card" and is_number:
        numbered = {"driver_id": int(name)}
        by_number = connection.execute(query("find_driver_by_number"), numbered).fetchone()
    if by_card and by_number and by_card != by_number:
        raise StorageError(
            f"{name} is the card of one driver and the number of another: write card:{name} or "
            f"number:{name}."
        )
    found = by_card or by_number
    if found is None:
        if kind == "number":
            raise NotKnownError(f"No driver has the number {name}; erased ones have none any more.")
        return Person(driver_id=None, card=name)
    subjects = connection.execute(query("subjects_of_driver"), {"driver_id": found[0]}).fetchone()
    return Person(
        driver_id=found[0], card=found[1], subjects=tuple(subjects[0]) if subjects else ()
    )


def count_person(connection: Connection, person: Person) -> Counts:
    """How much there is of a driver, as `erase_person` would count it; nothing is changed."""
    counts: Counts = {}
    for rule in (*RULES, *LAST):
        statement = sql.SQL("SELECT count(*) FROM {} WHERE {}").format(
            sql.Identifier(rule.table), sql.SQL(rule.where)
        )
        counts[rule.name] = counts.get(rule.name, 0) + _number(
            connection, statement, person.parameters
        )
    return {name: rows for name, rows in counts.items() if rows}


def erase_person(
    connection: Connection,
    catalogue: Catalogue,
    person: Person,
    *,
    asked_by: str,
    with_positions: bool = False,
    progress: Callable[[str, int], None] = lambda _name, _rows: None,
) -> Counts:
    """Erase a driver: what is only theirs goes, what is a vehicle's stays and names nobody.

    Args:
        connection: an autocommit connection of the owner of the tables.
        catalogue: the signals.
        person: whom.
        asked_by: who does it, for the record.
        with_positions: also where they drove.
        progress: told of each transaction: what it changed, and how many rows.

    Returns:
        What was erased, also before it was broken off.
    """

    def begin() -> int:
        connection.execute(query("erase_alone"))
        number = _begin(connection, "driver", "card", person.card or "", asked_by)
        for kind, name in (("card", person.card), ("driver", person.driver_id)):
            if name is not None:
                named = {"kind": kind, "name": str(name)}
                connection.execute(query("remember_erased"), named)
        if with_positions and person.driver_id is not None:
            connection.execute(
                query("erase_driven_spans"),
                {"driver_id": person.driver_id, "erasure_id": number},
            )
        return number

    number = briefly(connection, "write down that a driver is erased", begin)
    erased_places.erase_waiting(connection, catalogue, number, partial(_count, connection, number))
    for rule in RULES:
        while rows := _erase(connection, rule, person, number):
            progress(rule.name, rows)

    def end() -> Counts:
        for rule in LAST:
            progress(rule.name, _erase(connection, rule, person, number))
        return _end(connection, number)

    counts = briefly(connection, "erase a driver's own row", end)
    _clean(connection, {rule.table for rule in (*RULES, *LAST)})
    return counts


def count_positions(
    connection: Connection, catalogue: Catalogue, vehicle_id: int, before: datetime | None
) -> Counts:
    """How much there is of where a vehicle was, as `erase_positions` would count it."""
    until = before or datetime.now(tz=UTC)
    return erased_places.count(connection, catalogue, vehicle_id, erased_places.EVER, until)


def erase_positions(
    connection: Connection,
    catalogue: Catalogue,
    vehicle_id: int,
    *,
    before: datetime | None,
    asked_by: str,
) -> Counts:
    """Erase where a vehicle was before a time (None: until now); all else of it stays.

    Args:
        connection: an autocommit connection of the owner of the tables.
        catalogue: the signals.
        vehicle_id: the vehicle.
        before: UTC.
        asked_by: who does it, for the record.

    Returns:
        What was erased, also before it was broken off.
    """
    until = before or datetime.now(tz=UTC)

    def begin() -> int:
        connection.execute(query("erase_alone"))
        subject = f"{vehicle_id}:{before}"
        number = _begin(connection, "positions", "positions", subject, asked_by)
        connection.execute(
            query("erase_span"),
            {"vehicle_id": vehicle_id, "since": None, "until": until, "erasure_id": number},
        )
        return number

    number = briefly(connection, "write down that positions are erased", begin)
    erased_places.erase_waiting(connection, catalogue, number, partial(_count, connection, number))
    counts = briefly(connection, "end the erasure", partial(_end, connection, number))
    _clean(connection, erased_places.tables(catalogue))
    return counts


def readmit(connection: Connection, card: str) -> bool:
    """Let an erased card be registered again; whether it had been erased."""
    return connection.execute(query("readmit"), {"card": card}).rowcount > 0


def was_erased(connection: Connection, card: str) -> datetime | None:
    """When the driver of a card was erased, None: never."""
    row = connection.execute(query("was_erased"), {"kind": "card", "name": card}).fetchone()
    return None if row is None else row[0]


def erasures(connection: Connection, *, max_rows: int = 20) -> list[Erasure]:
    """What was erased, the newest first."""
    return [
        Erasure(
            erasure_id=number,
            kind=kind,
            asked_by=asked_by,
            began_at=began_at,
            ended_at=ended_at,
            counts=counts,
        )
        for number, kind, asked_by, began_at, ended_at, counts in connection.execute(
            query("erasures"), {"max_rows": max_rows}
        )
    ]


def _begin(connection: Connection, kind: str, subject_kind: str, subject: str, by: str) -> int:
    named: dict[str, object] = {
        "kind": kind,
        "subject_kind": subject_kind,
        "subject": subject,
        "asked_by": by,
    }
    return _number(connection, sql.SQL(query("begin_erasure")), named)


def _end(connection: Connection, number: int) -> Counts:
    row = connection.execute(query("end_erasure"), {"erasure_id": number}).fetchone()
    return dict(row[0]) if row else {}


def _erase(connection: Connection, rule: Rule, person: Person, number: int) -> int:
    """Erase some rows of a rule and count them; how many."""
    act = sql.SQL("DELETE FROM {} AS row").format(sql.Identifier(rule.table))
    if rule.change is not None:
        act = sql.SQL("UPDATE {} AS row SET {}").format(
            sql.Identifier(rule.table), sql.SQL(rule.change)
        )
    statement = sql.SQL(
        "WITH changed AS ({act} WHERE row.ctid = ANY (ARRAY("
        "SELECT ctid FROM {table} WHERE {where} LIMIT {at_once})) RETURNING row.*) {then}"
        " SELECT count(*) FROM changed"
    ).format(
        act=act,
        table=sql.Identifier(rule.table),
        where=sql.SQL(rule.where),
        at_once=AT_ONCE,
        then=sql.SQL(rule.then),
    )
    with refusal_of(f"the erasure of {rule.name}"), connection.transaction():
        rows = _number(connection, statement, person.parameters)
        _count(connection, number, rule.name, rows)
    return rows


def _count(connection: Connection, number: int, name: str, rows: int) -> None:
    if rows:
        connection.execute(
            query("count_erased"), {"erasure_id": number, "name": name, "rows": rows}
        )


def _clean(connection: Connection, tables: set[str]) -> None:
    """Give the room of what is gone free, and let the planner's samples forget it."""
    for table in sorted(tables):
        connection.execute(sql.SQL("VACUUM (ANALYZE) {}").format(sql.Identifier(table)))
        # An empty table is not analysed: what was sampled of it would stay.
        if connection.info.server_version >= 180000:
            connection.execute(query("forget_samples"), {"table": table})


def _number(
    connection: Connection, statement: sql.SQL | sql.Composed, parameters: dict[str, object]
) -> int:
    row = connection.execute(statement, parameters).fetchone()
    return int(row[0]) if row else 0
