"""Bring a database to what this code needs: numbered migrations, then what the catalogue implies.

A migration is a file `storage/migrations/NNNN_name.sql`, run once, in a transaction of its own, and
never edited after a release. The signal tables, their rollups and policies have no numbers: they
are derived from the catalogue and brought up to it each time. Running it again does nothing;
running it against a database that is newer than the code is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, LiteralString

from psycopg import errors, sql

from storage import policies, rollups, signal_tables
from storage.connection import SCHEMA, Server, has_relation, locked, server
from storage.errors import SchemaError, refusal_of

if TYPE_CHECKING:
    from schemas.catalogue import Catalogue
    from storage.connection import Connection
    from storage.settings import StorageSettings

CELL_BITS = 40
"""vehicle_id = cell << 40 | number: 4 million cells of a trillion vehicles each."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Migration:
    """One numbered step."""

    version: int
    name: str
    statements: LiteralString


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What a run of migrate did."""

    server: Server
    version: int
    done: tuple[str, ...]
    """A line for each thing done; empty where the database was up to date."""


def migrations() -> list[Migration]:
    """The packaged migrations by number."""
    found = []
    for file in files("storage").joinpath("migrations").iterdir():
        number, _, name = file.name.removesuffix(".sql").partition("_")
        if file.name.endswith(".sql"):
            statements = file.read_text(encoding="utf-8")
            found.append(Migration(version=int(number), name=name, statements=statements))
    return sorted(found, key=lambda migration: migration.version)


def migrate(
    connection: Connection,
    catalogue: Catalogue,
    settings: StorageSettings,
    *,
    up_to: int | None = None,
) -> Report:
    """Bring the database up to this code; idempotent, and safe to run from several machines.

    Args:
        connection: an autocommit connection whose role may create schemas and roles.
        catalogue: the signal catalogue to bring the tables up to.
        settings: retention, compression and the cell's number.
        up_to: stop after this migration, without the catalogue's tables (tests walk the path).

    Raises:
        SchemaError: the database is newer than the code, or contradicts the catalogue.
    """
    with locked(connection, "telemetry.migrate"):
        done = _prepare(connection)
        done += _run_numbered(connection, up_to)
        kind = server(connection)
        if up_to is None:
            with connection.transaction():
                done += signal_tables.synchronise(connection, kind, catalogue)
                done += rollups.synchronise(connection, kind, catalogue)
                policies.synchronise(connection, kind, catalogue, settings)
                _number_vehicles(connection, settings.cell)
        return Report(server=kind, version=applied_version(connection), done=tuple(done))


def applied_version(connection: Connection) -> int:
    """The newest migration the database has seen, 0 for an empty one."""
    if not has_relation(connection, "schema_version"):
        return 0
    row = connection.execute("SELECT coalesce(max(version), 0) FROM schema_version").fetchone()
    return int(row[0]) if row else 0


def require_current(connection: Connection, catalogue: Catalogue) -> None:
    """Refuse to work on a database that this code was not made for.

    Raises:
        SchemaError: its migrations or its catalogue are older or newer than the code's.
    """
    newest = migrations()[-1].version
    applied = applied_version(connection)
    if applied > newest:
        raise _too_new(applied, newest)
    version = 0
    if applied == newest:
        row = connection.execute("SELECT coalesce(max(since), 0) FROM signal").fetchone()
        version = int(row[0]) if row else 0
    if version > catalogue.version:
        raise signal_tables.too_new(version, catalogue)
    if applied < newest or version < catalogue.version:
        raise SchemaError(
            f"The database stands at migration {applied} and catalogue {version}, this code needs "
            f"{newest} and {catalogue.version}: run `telemetry migrate`."
        )


def _too_new(applied: int, newest: int) -> SchemaError:
    return SchemaError(
        f"The database has seen migration {applied}, this code knows {newest} at the most: upgrade "
        "the code; it would write tables it does not understand."
    )


def _prepare(connection: Connection) -> list[str]:
    """Make what migrations stand on. Which kind of server it is, is decided here, once."""
    if has_relation(connection, "schema_version"):
        return []
    done = _switch_on_timescaledb(connection)
    with refusal_of(f"schema {SCHEMA}"):
        connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(SCHEMA)))
        connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_version ("
            " version integer PRIMARY KEY, name text NOT NULL,"
            " applied_at timestamptz NOT NULL DEFAULT now())"
        )
    return done


def _switch_on_timescaledb(connection: Connection) -> list[str]:
    row = connection.execute(
        # The last one is only known where the library was loaded when the server started.
        "SELECT installed_version, current_setting('timescaledb.disable_load', true)"
        " FROM pg_available_extensions WHERE name = 'timescaledb'"
    ).fetchone()
    if row is None or row[0] is not None:
        return []
    if row[1] is None:
        raise SchemaError(
            "The server carries TimescaleDB but has not loaded it: add timescaledb to "
            "shared_preload_libraries in postgresql.conf and restart it."
        )
    try:
        connection.execute("CREATE EXTENSION IF NOT EXISTS timescaledb SCHEMA public")
    except errors.InsufficientPrivilege as error:
        raise SchemaError(
            "The server carries TimescaleDB but this role may not switch it on "
            f"({error.diag.message_primary}): let an administrator run "
            "CREATE EXTENSION timescaledb in this database."
        ) from error
    return ["extension timescaledb"]


def _run_numbered(connection: Connection, up_to: int | None) -> list[str]:
    applied, known = applied_version(connection), migrations()
    if applied > known[-1].version:
        raise _too_new(applied, known[-1].version)
    done = []
    for migration in known:
        if migration.version <= applied or (up_to is not None and migration.version > up_to):
            continue
        with refusal_of(f"migration {migration.version}"), connection.transaction():
            connection.execute(migration.statements)
            connection.execute(
                "INSERT INTO schema_version (version, name) VALUES (%s, %s)",
                (migration.version, migration.name),
            )
        done.append(f"migration {migration.version:04d} {migration.name}")
    return done


def _number_vehicles(connection: Connection, cell: int) -> None:
    """Let new vehicles have numbers of this cell, after those of it that are there already."""
    first, last = (cell << CELL_BITS) + 1, (cell + 1 << CELL_BITS) - 1
    connection.execute(
        "SELECT setval('vehicle_id_seq', coalesce(max(vehicle_id) + 1, %(first)s), false)"
        " FROM vehicle WHERE vehicle_id BETWEEN %(first)s AND %(last)s"
        " HAVING (SELECT last_value NOT BETWEEN %(first)s AND %(last)s FROM vehicle_id_seq)",
        {"first": first, "last": last},
    )
