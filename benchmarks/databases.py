"""A database of its own for each contender, on the servers that settings or `telemetry up` name."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

from psycopg import conninfo, sql
from pydantic import SecretStr

from cli import context
from schemas import catalogue
from servers import launcher
from servers.settings import ServersSettings
from storage.connection import connect
from storage.migrate import migrate
from storage.settings import StorageSettings

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def servers() -> Iterator[str]:
    """The servers, started if need be and then stopped again; yields Kafka's address."""
    running = launcher.up(context.load(ServersSettings))
    try:
        yield running.kafka_bootstrap
    finally:
        if running.started:
            launcher.down(context.load(ServersSettings))


@contextmanager
def database() -> Iterator[SecretStr]:
    """A migrated database that is dropped afterwards."""
    server = context.database_dsn()
    name = f"bench_{uuid4().hex[:12]}"
    with connect(server) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            dsn = SecretStr(conninfo.make_conninfo(server.get_secret_value(), dbname=name))
            with connect(dsn) as own:
                migrate(own, catalogue.default(), StorageSettings())
            connection.execute("CHECKPOINT")
            yield dsn
        finally:
            connection.execute(
                sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            )
