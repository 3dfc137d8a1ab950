"""Parties as who runs the platform makes them known: of every kind, by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg.rows import class_row

from storage.errors import StorageError, refusal_of
from storage.queries import query

if TYPE_CHECKING:
    from datetime import datetime

    from storage.connection import Connection


@dataclass(frozen=True, kw_only=True, slots=True)
class Party:
    """A company or authority that uses the platform."""

    name: str
    kind: str
    users: int
    """How many people of it may sign in."""
    created_at: datetime


def create(connection: Connection, name: str, kind: str) -> int:
    """Make a party known.

    Args:
        connection: an autocommit connection.
        name: what it is called.
        kind: maker, dealer, service_provider, owner, data_science or auditor.

    Returns:
        The party's number.

    Raises:
        StorageError: the name is taken, or there is no such kind.
    """
    with refusal_of(f"party {name} of kind {kind}"):
        row = connection.execute(query("create_party"), {"name": name, "kind": kind}).fetchone()
    if row is None:
        raise StorageError(
            f"There is a party {name!r} already (`telemetry identity parties list`): choose a name "
            "that tells the two apart."
        )
    return int(row[0])


def every(connection: Connection) -> list[Party]:
    """All parties, the oldest first."""
    with connection.cursor(row_factory=class_row(Party)) as cursor:
        return cursor.execute(query("list_parties")).fetchall()
