"""Where a worker is: its connection to the database that a run is about, kept from task to task."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from analytics.runner.spread import SchedulerError
from schemas import catalogue
from storage.connection import connect, identity, notice_loss
from storage.migrate import require_current
from storage.settings import StorageSettings

if TYPE_CHECKING:
    from storage.connection import Connection


class _Here(threading.local):
    connection: Connection | None = None
    run: str | None = None


_here = _Here()
"""Of each of a worker's threads: the one thing that a task finds there."""


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
        if open_ is not None:
            open_.close()
        _here.connection, _here.run = None, None
        open_ = _connected(database)
        _here.connection, _here.run = open_, run
    return open_


def _connected(database: str) -> Connection:
    dsn = StorageSettings().database_dsn
    if dsn is None:
        raise SchedulerError(
            "A worker does not know the database: set TELEMETRY_DATABASE_DSN where `dask worker` "
            "is started."
        )
    connection = connect(dsn)
    try:
        _require_usable(connection, database)
    except BaseException:
        connection.close()
        raise
    notice_loss(connection)
    return connection


def _require_usable(connection: Connection, database: str) -> None:
    require_current(connection, catalogue.default())
    if identity(connection) != database:
        raise SchedulerError(
            "A worker's TELEMETRY_DATABASE_DSN names another database than the one this run is "
            "about: let both name the same."
        )
