"""The database as most commands open it: one that this code has migrated."""

from collections.abc import Iterator
from contextlib import contextmanager

from cli import context
from schemas import catalogue
from storage.connection import Connection, connect
from storage.migrate import require_current


@contextmanager
def opened() -> Iterator[Connection]:
    """A connection to it.

    Raises:
        SchemaError: it is older or newer than this code: the way out is told.
    """
    with connect(context.database_dsn()) as connection:
        require_current(connection, catalogue.default())
        yield connection
