"""Bring a database to what this code needs: numbered migrations, then what the catalogue implies.

A migration is a file `storage/migrations/NNNN_name.sql`, run once, in a transaction of its own, and
never edited after a release. The signal tables, their rollups and policies have no numbers: they
are derived from the catalogue and brought up to it each time. Running it again does nothing;
running it against a database that is newer than the code is refused.

Ingest goes on meanwhile. Each step is a short transaction (see `storage.brief_locks`), and what
says that a step is done comes last: a run that was broken off is run again. Workers of the release
before go on as well, also after a restart: a catalogue only grows, and a migration says in a line
of its own, `-- works with: N`, from which newest migration on a release may still write after it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from typing import TYPE_CHECKING, LiteralString

from psycopg import errors, sql

from storage import datasets, policies, rollups, signal_tables
from storage.brief_locks import briefly
from storage.connection import SCHEMA, Server, has_relation, locked, server
from storage.errors import SchemaError, refusal_of

if TYPE_CHECKING:
    from schemas.catalogue import Catalogue
    from storage.connection import Connection
    from storage.settings import StorageSettings

CELL_BITS = 40
"""vehicle_id = cell << 40 | number: 4 million cells of a trillion vehicles each."""

_WORKS_WITH = re.compile(r"^-- works with: (\d+)$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Migration:
    """One numbered step."""

    version: int
    name: str
    statements: LiteralString

    @property
    def works_with(self) -> int:
        """The newest migration of the oldest release that may write after this one."""
        said = _WORKS_WITH.search(self.statements)
        return int(said.group(1)) if said else self.version


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
            done += signal_tables.synchronise(connection, kind, catalogue)
            with rollups.grown(connection, kind, catalogue) as made:
                done += made
                briefly(
                    connection,
                    "write down the catalogue",
                    partial(_announce, connection, catalogue),
                )
            done += policies.synchronise(connection, kind, catalogue, settings)
            done += datasets.synchronise(connection, settings)
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
    applied, version = _stand(connection)
    _refuse_older(applied, version, catalogue)
    newest = migrations()[-1].version
    if applied > newest:
        raise _too_new(applied, newest)
    if version > catalogue.version:
        raise signal_tables.too_new(version, catalogue)


def require_compatible(connection: Connection, catalogue: Catalogue) -> str | None:
    """Refuse a database that this code cannot write to; one that has only grown since is welcome.

    So workers of the release before go on, and may be started again, until they are replaced.

    Returns:
        What is newer in the database, for the log; None where nothing is.

    Raises:
        SchemaError: its migrations or its catalogue are older than the code's, or a newer migration
            says that this code does not work with it.
    """
    applied, version = _stand(connection)
    _refuse_older(applied, version, catalogue)
    newest = migrations()[-1].version
    if applied > newest:
        row = connection.execute(
            "SELECT max(coalesce(works_with, version)) FROM schema_version WHERE version > %s",
            (newest,),
        ).fetchone()
        if row is None or row[0] > newest:
            raise _too_new(applied, newest)
    if (applied, version) == (newest, catalogue.version):
        return None
    return (
        f"The database stands at migration {applied} and catalogue {version}, this code knows "
        f"{newest} and {catalogue.version}. It works on; messages with newer signals leave letters "
        "(unknown_signal) to be replayed once the new release runs: put it in this one's place."
    )


def _stand(connection: Connection) -> tuple[int, int]:
    """Migration and catalogue of the database, each 0 where there is none."""
    applied, version = applied_version(connection), 0
    if has_relation(connection, "signal"):
        row = connection.execute("SELECT coalesce(max(since), 0) FROM signal").fetchone()
        version = int(row[0]) if row else 0
    return applied, version


def _refuse_older(applied: int, version: int, catalogue: Catalogue) -> None:
    newest = migrations()[-1].version
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


def _announce(connection: Connection, catalogue: Catalogue) -> None:
    """Say that all which the catalogue implies is there: from now on its release may start."""
    signal_tables.mirror(connection, catalogue)
    rollups.announce(connection, catalogue)


def _prepare(connection: Connection) -> list[str]:
    """Make what migrations stand on. Which kind of server it is, is decided here, once."""
    if has_relation(connection, "schema_version"):
        _ensure_works_with(connection)
        return []
    done = _switch_on_timescaledb(connection)
    with refusal_of(f"schema {SCHEMA}"):
        connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(SCHEMA)))
        connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_version ("
            " version integer PRIMARY KEY, name text NOT NULL,"
            " applied_at timestamptz NOT NULL DEFAULT now(), works_with integer)"
        )
    return done


def _ensure_works_with(connection: Connection) -> None:
    """The column that databases lack whose first migrations had nothing to say about it."""
    there = connection.execute(
        "SELECT FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attname = 'works_with'",
        (f"{SCHEMA}.schema_version",),
    ).fetchone()
    if there is None:
        add = "ALTER TABLE schema_version ADD COLUMN works_with integer"
        briefly(connection, "add schema_version.works_with", lambda: connection.execute(add))


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
        briefly(connection, f"migration {migration.version}", partial(_run, connection, migration))
        done.append(f"migration {migration.version:04d} {migration.name}")
    return done


def _run(connection: Connection, migration: Migration) -> None:
    connection.execute(migration.statements)
    connection.execute(
        "INSERT INTO schema_version (version, name, works_with) VALUES (%s, %s, %s)",
        (migration.version, migration.name, migration.works_with),
    )


def _number_vehicles(connection: Connection, cell: int) -> None:
    """Let new vehicles have numbers of this cell, after those of it that are there already."""
    first, last = (cell << CELL_BITS) + 1, (cell + 1 << CELL_BITS) - 1
    connection.execute(
        "SELECT setval('vehicle_id_seq', coalesce(max(vehicle_id) + 1, %(first)s), false)"
        " FROM vehicle WHERE vehicle_id BETWEEN %(first)s AND %(last)s"
        " HAVING (SELECT last_value NOT BETWEEN %(first)s AND %(last)s FROM vehicle_id_seq)",
        {"first": first, "last": last},
    )
