"""How long the database keeps what: retention and compression, as settings say, set by migrate.

TimescaleDB runs the policies itself. On plain PostgreSQL `expire` drops what is too old; on both it
forgets the days of which nothing is left. `telemetry analyse` calls it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from psycopg import sql

from storage import partitions
from storage.brief_locks import briefly
from storage.queries import query
from storage.rollups import rollups
from storage.signal_tables import table_name

if TYPE_CHECKING:
    from schemas.catalogue import Catalogue
    from storage.connection import Connection, Server
    from storage.settings import StorageSettings


def synchronise(
    connection: Connection, server: Server, catalogue: Catalogue, settings: StorageSettings
) -> None:
    """Set TimescaleDB's policies to what the settings say; plain PostgreSQL has none."""
    if server.timescaledb is None:
        return
    for group in catalogue.groups:
        table = table_name(group)
        keep = partial(_keep, connection, table, settings)
        briefly(connection, f"set the policies of {table}", keep)
    for rollup in rollups(catalogue):
        retain = partial(_retain, connection, rollup.relation, settings.rollup_retention_days)
        briefly(connection, f"set the retention of {rollup.relation}", retain)


def _keep(connection: Connection, table: str, settings: StorageSettings) -> None:
    connection.execute("CALL remove_columnstore_policy(%s::regclass, if_exists => true)", (table,))
    connection.execute(
        "CALL add_columnstore_policy(%s::regclass, after => %s::interval)",
        (table, timedelta(days=settings.compress_after_days)),
    )
    _retain(connection, table, settings.retention_days)


def _retain(connection: Connection, relation: str, days: int) -> None:
    connection.execute(
        "SELECT remove_retention_policy(%s::regclass, if_exists => true)", (relation,)
    )
    connection.execute(
        "SELECT add_retention_policy(%s::regclass, drop_after => %s::interval)",
        (relation, timedelta(days=days)),
    )


def expire(
    connection: Connection, server: Server, catalogue: Catalogue, settings: StorageSettings
) -> list[str]:
    """Drop what is past its retention where no policy does; returns what was dropped."""
    now = datetime.now(tz=UTC)
    oldest_row = now - timedelta(days=settings.retention_days)
    oldest_rollup = now - timedelta(days=settings.rollup_retention_days)
    connection.execute(query("forget_days"), {"oldest": min(oldest_row, oldest_rollup)})
    if server.timescaledb is not None:
        return []
    dropped = partitions.drop_expired(connection, catalogue.groups, oldest_row.date())
    for rollup in rollups(catalogue):
        connection.execute(
            sql.SQL("DELETE FROM {} WHERE bucket < %s").format(sql.Identifier(rollup.relation)),
            (oldest_rollup,),
        )
    return dropped
