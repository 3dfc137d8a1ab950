"""Databases for tests: new ones on a real server, dropped at the end.

The server is the one TELEMETRY_TEST_DSN names (its role may create databases), else the embedded
one of `tests.servers.servers_fixture`. Tests marked `timescale` are skipped where it lacks
TimescaleDB, tests that ask for the fixture `plain` where it has it.
"""

from __future__ import annotations

import itertools
import os
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo
from pydantic import SecretStr

from schemas import catalogue as catalogues
from storage.connection import Connection, Server, connect, server
from storage.frame_writer import FrameWriter
from storage.migrate import migrate
from storage.settings import StorageSettings
from tests.samples.storage_samples import SMALL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemas.catalogue import Catalogue
    from tests.servers.servers_fixture import Addresses

DSN_VARIABLE = "TELEMETRY_TEST_DSN"

_vehicle_numbers = itertools.count(1000, 100)

_used_servers: list[str] = []
"""What the tests of this session ran against, for its summary."""


@dataclass(frozen=True, kw_only=True)
class Migrated:
    """A database that is up to a catalogue."""

    dsn: SecretStr
    connection: Connection
    server: Server
    catalogue: Catalogue


def pytest_report_header() -> str:
    """Say which database the tests will use; an embedded one has not been started yet."""
    dsn = os.environ.get(DSN_VARIABLE)
    if dsn is None:
        return f"database: an embedded one, where a test asks for it ({DSN_VARIABLE} names another)"
    return f"database: {_kind(dsn)} of {DSN_VARIABLE}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which database the tests have used."""
    for used in _used_servers:
        terminalreporter.write_line(f"database: {used}")


@pytest.fixture(scope="session")
def database_server(request: pytest.FixtureRequest) -> str:
    """Connection string of a database on the test server."""
    dsn = os.environ.get(DSN_VARIABLE)
    if dsn is None:
        addresses: Addresses = request.getfixturevalue("servers")
        dsn = addresses.database_dsn
    _used_servers.append(_kind(dsn))
    return dsn


@pytest.fixture(scope="session")
def carries_timescaledb(database_server: str) -> bool:
    """Whether the test server has TimescaleDB loaded."""
    with psycopg.connect(database_server) as connection:
        row = connection.execute("SELECT current_setting('timescaledb.disable_load', true)")
        return row.fetchone() != (None,)


@pytest.fixture(autouse=True)
def _skip_without_timescaledb(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("timescale") is None:
        return
    if not request.getfixturevalue("carries_timescaledb"):
        pytest.skip(f"the server has no TimescaleDB: let {DSN_VARIABLE} name one that has")


@pytest.fixture
def plain(carries_timescaledb: bool) -> None:
    """For tests of what only plain PostgreSQL does."""
    if carries_timescaledb:
        pytest.skip("the server has TimescaleDB, which does this by itself")


@pytest.fixture
def fresh_database(database_server: str) -> Iterator[SecretStr]:
    """Connection string of an empty database of this test's own."""
    with new_database(database_server) as dsn:
        yield dsn


@pytest.fixture(scope="module")
def migrated(database_server: str) -> Iterator[Migrated]:
    """A database of this test module's own, up to the packaged catalogue."""
    with (
        new_database(database_server) as dsn,
        migrated_to(dsn, catalogues.default()) as database,
    ):
        yield database


@pytest.fixture(scope="module")
def alone(database_server: str) -> Iterator[Migrated]:
    """One more, which has nothing to do with the first."""
    with (
        new_database(database_server) as dsn,
        migrated_to(dsn, catalogues.default()) as database,
    ):
        yield database


@pytest.fixture(scope="module")
def small(database_server: str) -> Iterator[Migrated]:
    """A database of this test module's own, up to the small catalogue of `storage_samples`."""
    with new_database(database_server) as dsn, migrated_to(dsn, SMALL) as database:
        yield database


@pytest.fixture
def vehicle() -> int:
    """A vehicle number that no other test of the session uses, nor the next hundred after it."""
    return next(_vehicle_numbers)


@pytest.fixture
def writer(small: Migrated) -> Iterator[FrameWriter]:
    """A writer into the small database, with a connection of its own."""
    made = open_writer(small)
    yield made
    made.close()


def open_writer(database: Migrated, *, refused_values_kept: int = 1000) -> FrameWriter:
    """One more writer into a database."""
    return FrameWriter(
        connect(database.dsn),
        database.server,
        database.catalogue,
        refused_values_kept=refused_values_kept,
    )


@contextmanager
def new_database(database_server: str) -> Iterator[SecretStr]:
    """An empty database on that server, dropped at the end."""
    name = f"test_{uuid.uuid4().hex[:16]}"
    with psycopg.connect(database_server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield SecretStr(make_conninfo(database_server, dbname=name))
        finally:
            drop = sql.SQL("DROP DATABASE {} WITH (FORCE)")
            connection.execute(drop.format(sql.Identifier(name)))


@contextmanager
def migrated_to(
    dsn: SecretStr, catalogue: Catalogue, settings: StorageSettings | None = None
) -> Iterator[Migrated]:
    """Bring a database up to a catalogue and keep a connection to it."""
    with connect(dsn) as connection:
        migrate(connection, catalogue, settings or StorageSettings())
        kind = server(connection)
        if kind.timescaledb is not None:
            # Tests call the policies themselves; in the background they would be luck.
            connection.execute("SELECT _timescaledb_functions.stop_background_workers()")
        yield Migrated(dsn=dsn, connection=connection, server=kind, catalogue=catalogue)


def _kind(dsn: str) -> str:
    try:
        with psycopg.connect(dsn, connect_timeout=5) as connection:
            row = connection.execute(
                "SELECT current_setting('server_version'),"
                " current_setting('timescaledb.disable_load', true) IS NOT NULL"
            ).fetchone()
    except psycopg.OperationalError as error:
        return f"none ({str(error).strip()})"
    version, timescaledb = row or ("", False)
    return f"PostgreSQL {version}" + (" with TimescaleDB" if timescaledb else "")
