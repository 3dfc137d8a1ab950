"""Connections to the database: one way to open them, and what the server there can do."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg
from psycopg import conninfo

from storage.errors import DatabaseUnreachableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import SecretStr

SCHEMA: LiteralString = "telemetry"
"""The database schema that holds every base table."""

API_ROLE: LiteralString = "telemetry_api"
"""The role the API reads as: it may run the functions of schema `served` and see no table."""

CONNECT_TIMEOUT_S = 10
"""How long one attempt to connect may take [s]."""

KEEPALIVE_S = 30
"""A connection as quiet as this is asked whether its server still stands [s]."""

GONE_AFTER_S = 60
"""A server whose machine has acknowledged nothing for so long is gone [s]; Linux waits 15 min."""

Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """What stands at the other end of a connection."""

    version: str
    """PostgreSQL's version, such as 18.6."""
    timescaledb: str | None
    """TimescaleDB's version where the database has the extension."""

    def __str__(self) -> str:
        """As a person reads it: PostgreSQL 18.6 with TimescaleDB 2.29.2."""
        extra = f" with TimescaleDB {self.timescaledb}" if self.timescaledb else ""
        return f"PostgreSQL {self.version}{extra}"


def options(role: str | None = None) -> dict[str, str]:
    """Connection parameters every connection of ours has: search path, UTC, and its role."""
    settings = [f"-c search_path={SCHEMA},public", "-c timezone=UTC"]
    if role is not None:
        settings.append(f"-c role={role}")
    return {
        "options": " ".join(settings),
        "connect_timeout": str(CONNECT_TIMEOUT_S),
        "application_name": "telemetry",
        "keepalives_idle": str(KEEPALIVE_S),
        "tcp_user_timeout": str(GONE_AFTER_S * 1000),
    }


def connect(dsn: SecretStr, *, role: str | None = None) -> Connection:
    """Open an autocommit connection; transactions are blocks (`with connection.transaction()`).

    Raises:
        DatabaseUnreachableError: the server did not answer or refused; the message has no secret.
    """
    try:
        return psycopg.connect(dsn.get_secret_value(), autocommit=True, **options(role))  # type: ignore[arg-type]  # psycopg types its keyword arguments one by one
    except psycopg.OperationalError as error:
        raise DatabaseUnreachableError(
            f"Cannot connect to {describe(dsn)}: {str(error).strip()} `telemetry "
            "up` starts an embedded one; TELEMETRY_DATABASE_DSN names another."
        ) from error
    except psycopg.ProgrammingError:
        # libpq quotes what it cannot parse, and that may be half a password: it is not passed on.
        raise DatabaseUnreachableError(
            "The database's connection string cannot be read: write TELEMETRY_DATABASE_DSN as "
            "postgresql://user:password@host:port/database, special characters percent-encoded, or "
            "as host=... port=... user=... password='...' dbname=..."
        ) from None


def describe(dsn: SecretStr) -> str:
    """Host, port and database of a connection string, without its secrets."""
    try:
        parts = conninfo.conninfo_to_dict(dsn.get_secret_value())
    except psycopg.ProgrammingError:
        return "database of an unreadable connection string"
    host = parts.get("host") or parts.get("hostaddr") or "the local socket"
    return f"database {parts.get('dbname') or '(default)'} at {host}:{parts.get('port') or 5432}"


def has_relation(connection: Connection, name: str) -> bool:
    """Whether our schema has a table or view of that name."""
    row = connection.execute("SELECT to_regclass(%s)", (f"{SCHEMA}.{name}",)).fetchone()
    return row != (None,)


@contextmanager
def locked(connection: Connection, what: str) -> Iterator[None]:
    """Be the only one in this database that does `what`; another one waits."""
    connection.execute("SELECT pg_advisory_lock(hashtext(%s))", (what,))
    try:
        yield
    finally:
        # A connection that broke has lost its locks, and an error of its own on the way.
        if not connection.closed:
            connection.execute("SELECT pg_advisory_unlock(hashtext(%s))", (what,))


def identity(connection: Connection) -> str:
    """What tells this database from any other, its own copies too, as long as its server runs."""
    row = connection.execute(
        "SELECT pg_postmaster_start_time(), oid FROM pg_database WHERE datname = current_database()"
    ).fetchone()
    if row is None:  # pragma: no cover - the database is there
        raise DatabaseUnreachableError("The server does not know the database it has opened.")
    return f"{row[0].isoformat()} {row[1]}"


def notice_loss(connection: Connection) -> None:
    """Let the server notice within minutes that our machine is gone, and let go of its locks.

    By default it waits for two hours, and whoever takes the work over waits with it.
    """
    connection.execute(
        "SELECT set_config('tcp_keepalives_idle', %s, false),"
        " set_config('tcp_keepalives_interval', '10', false),"
        " set_config('tcp_keepalives_count', '3', false)",
        (str(KEEPALIVE_S),),
    )


def server(connection: Connection) -> Server:
    """Ask the server what it is.

    A database whose signal tables were made as plain partitions stays a plain one, whatever
    extension is added to it later.
    """
    row = connection.execute(
        "SELECT current_setting('server_version'),"
        " (SELECT extversion FROM pg_extension WHERE extname = 'timescaledb' AND NOT EXISTS ("
        "   SELECT FROM pg_partitioned_table JOIN pg_class ON pg_class.oid = partrelid"
        "   WHERE relnamespace = to_regnamespace(%s) AND starts_with(relname, 'signal_')))",
        (SCHEMA,),
    ).fetchone()
    if row is None:  # pragma: no cover - a SELECT without FROM has a row
        raise DatabaseUnreachableError("The server did not say its version.")
    return Server(version=str(row[0]).split(" ", maxsplit=1)[0], timescaledb=row[1])
