"""Where a worker is: its connections to the database a run is about, kept from task to task."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from analytics.runner.spread import SchedulerError
from schemas import catalogue
from storage.arrow_reads import ArrowReader
from storage.connection import connect, identity, notice_loss
from storage.migrate import require_current
from storage.settings import StorageSettings

if TYPE_CHECKING:
    from pydantic import SecretStr

    from storage.connection import Connection


class _Here(threading.local):
    connection: Connection | None = None
    reader: ArrowReader | None = None
    run: str | None = None


_here = _Here()
"""Of each of a worker's threads: what a task finds there."""


def connection_here(database: str, run: str) -> Connection:
    """This thread's connection to the database that TELEMETRY_DATABASE_DSN names where it runs.

    Args:
        database: `storage.connection.identity` of the one that the run is about.
        run: tells the run from others; the connection is looked at anew with each.

    Raises:
        SchedulerError: no database is named here, or another one.
        StorageError: it does not answer, or its tables are not those of this version.
    """
    open_ = _here.connection
    if open_ is None or open_.closed or _here.run != run:
        leave()
        open_ = _connected(database)
        _here.connection, _here.run = open_, run
    return open_


def leave() -> None:
    """Close what this thread has open."""
    for connection in (_here.connection, _here.reader):
        if connection is not None:
            connection.close()
    _here.connection, _here.reader, _here.run = None, None, None


def reader_here(database: str, run: str) -> ArrowReader:
    """This thread's connection for tables, to the same database as `connection_here`.

    Raises:
        SchedulerError, StorageError: as `connection_here`.
    """
    connection_here(database, run)
    if _here.reader is None:
        _here.reader = ArrowReader(_dsn())
    return _here.reader


def _connected(database: str) -> Connection:
    connection = connect(_dsn())
    try:
        _require_usable(connection, database)
    except BaseException:
        connection.close()
        raise
    notice_loss(connection)
    return connection


def _dsn() -> SecretStr:
    dsn = StorageSettings().database_dsn
    if dsn is None:
        raise SchedulerError(
            "A worker does not know the database: set TELEMETRY_DATABASE_DSN where `dask worker` "
            "is started."
        )
    return dsn


def _require_usable(connection: Connection, database: str) -> None:
    require_current(connection, catalogue.default())
    if identity(connection) != database:
        raise SchedulerError(
            "A worker's TELEMETRY_DATABASE_DSN names another database than the one this run is "
            "about: let both name the same."
        )
