"""Chunks of TimescaleDB's columnstore, written directly and with their primary key kept true.

TimescaleDB compresses the rows of a COPY on their way in, twice as fast as rows that are stored
first and compressed then; but not where the table has a unique key, which such a COPY cannot check.
So the key of one chunk is taken off and put back in one transaction, which alone has the chunk
meanwhile. The caller sees to it, under that lock, that the rows are not there yet.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg import sql

from storage.errors import SchemaError
from storage.queries import query

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from storage.connection import Connection

LOCK_TIMEOUT_MS = 2000
"""Who reads or writes the chunk is waited for so long at the most [ms], and those behind us wait
no longer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Chunk:
    """A signal table's rows of one span of time."""

    table: str
    schema: str
    name: str
    created: bool
    """Whether it was made just now, in the caller's transaction."""

    @property
    def identifier(self) -> sql.Identifier:
        """Its name in a statement."""
        return sql.Identifier(self.schema, self.name)

    @property
    def relation(self) -> str:
        """Its name as a value, for `::regclass`."""
        return f'"{self.schema}"."{self.name}"'


def can_copy_directly(connection: Connection) -> bool:
    """Whether this TimescaleDB writes a COPY into the columnstore in the order it comes in."""
    return connection.execute(query("direct_compress_copy")).fetchone() == (True,)


def find_chunk(connection: Connection, table: str, time: datetime) -> Chunk | None:
    """The chunk of a hypertable's rows of a time, None where there is none yet."""
    row = connection.execute(query("find_chunk"), {"table": table, "time": time}).fetchone()
    return None if row is None else Chunk(table=table, schema=row[0], name=row[1], created=False)


def create_chunk(connection: Connection, table: str, start_us: int, stop_us: int) -> Chunk:
    """Make a chunk; one that another transaction makes meanwhile is waited for and given back.

    Args:
        connection: within the caller's transaction.
        table: the hypertable.
        start_us: its first instant [µs since 1970].
        stop_us: the instant after its last.
    """
    row = connection.execute(
        query("create_chunk"), {"table": table, "start_us": start_us, "stop_us": stop_us}
    ).fetchone()
    if row is None:  # pragma: no cover - the function returns the chunk or raises
        raise SchemaError(f"TimescaleDB made no chunk of {table}.")
    return Chunk(table=table, schema=row[0], name=row[1], created=bool(row[2]))


@contextmanager
def without_key(connection: Connection, chunk: Chunk) -> Iterator[None]:
    """Have the chunk alone and without its primary key; COPY into it goes to the columnstore.

    Within the caller's transaction: where that is undone, the key was never gone.

    Raises:
        psycopg.errors.LockNotAvailable: others work with the chunk.
    """
    row = connection.execute(query("primary_key"), {"relation": chunk.relation}).fetchone()
    if row is None:
        raise SchemaError(
            f"Chunk {chunk.name} of {chunk.table} has no primary key: add it again, as "
            "PRIMARY KEY (vehicle_id, time), before loading into it."
        )
    key, definition = sql.Identifier(row[0]), sql.SQL(row[1])
    connection.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(LOCK_TIMEOUT_MS))
    connection.execute(sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(chunk.identifier, key))
    connection.execute("SET LOCAL lock_timeout = DEFAULT")
    connection.execute(query("switch_on_direct_compress"))
    yield
    connection.execute(
        sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {}").format(chunk.identifier, key, definition)
    )


def row_store_bytes(connection: Connection, chunk: Chunk) -> int:
    """What the chunk takes outside the columnstore, with rows that are gone [bytes]."""
    row = connection.execute(query("row_store_bytes"), {"relation": chunk.relation}).fetchone()
    return int(row[0]) if row else 0


def holds_rows(connection: Connection, chunk: Chunk) -> bool:
    """Whether the chunk holds any row outside the columnstore."""
    statement = sql.SQL("SELECT EXISTS (SELECT FROM ONLY {})").format(chunk.identifier)
    return connection.execute(statement).fetchone() == (True,)


def total_bytes(connection: Connection, chunk: Chunk) -> int:
    """All that the chunk takes on disk, indexes among it [bytes]."""
    row = connection.execute(
        query("chunk_bytes"),
        {"table": chunk.table, "chunk_schema": chunk.schema, "chunk_name": chunk.name},
    ).fetchone()
    return int(row[0]) if row and row[0] is not None else 0


def compress(connection: Connection, chunk: Chunk) -> None:
    """Move what the chunk holds as rows into its columnstore."""
    connection.execute(query("compress_chunk"), {"relation": chunk.relation})
