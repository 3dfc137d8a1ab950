"""A database is brought up to the code, step by step, more than once, and by two at a time."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from schemas import catalogue
from schemas.catalogue import Catalogue, Kind, ValueType
from storage.connection import Connection, connect, server
from storage.errors import SchemaError, StorageError
from storage.migrate import Report, applied_version, migrate, migrations, require_current
from storage.settings import StorageSettings
from tests.samples.storage_samples import SMALL, grown, signal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import SecretStr

SETTINGS = StorageSettings()
NEWEST = migrations()[-1].version


@pytest.fixture
def connection(fresh_database: SecretStr) -> Iterator[Connection]:
    with connect(fresh_database) as opened:
        yield opened


def tables(connection: Connection) -> set[str]:
    rows = connection.execute(
        "SELECT relname FROM pg_class WHERE relnamespace::regnamespace ="
        " 'telemetry'::regnamespace AND relkind IN ('r', 'p', 'v')"
    )
    return {name for (name,) in rows}


def test_migrations_are_numbered_from_one_without_a_gap() -> None:
    assert [migration.version for migration in migrations()] == list(range(1, NEWEST + 1))


def test_the_path_can_be_walked_step_by_step(connection: Connection) -> None:
    for migration in migrations():
        report = migrate(connection, SMALL, SETTINGS, up_to=migration.version)
        assert report.version == applied_version(connection) == migration.version
        step = f"migration {migration.version:04d} {migration.name}"
        assert report.done[-1:] == (step,)
        assert "signal_motion" not in tables(connection)
    report = migrate(connection, SMALL, SETTINGS)
    assert "table signal_motion with 5 signals" in report.done
    require_current(connection, SMALL)


def test_an_empty_database_gets_everything_at_once(connection: Connection) -> None:
    assert applied_version(connection) == 0
    report = migrate(connection, catalogue.default(), SETTINGS)
    assert report.version == NEWEST
    assert report.server == server(connection)
    groups = {f"signal_{group}" for group in catalogue.default().groups}
    assert groups < tables(connection)
    require_current(connection, catalogue.default())


def test_a_second_run_finds_nothing_to_do(connection: Connection) -> None:
    migrate(connection, SMALL, SETTINGS)
    before = tables(connection)
    assert migrate(connection, SMALL, SETTINGS).done == ()
    assert tables(connection) == before


def test_two_at_once_do_the_work_once(fresh_database: SecretStr) -> None:
    def run() -> Report:
        with connect(fresh_database) as opened:
            return migrate(opened, SMALL, SETTINGS)

    with ThreadPoolExecutor() as pool:
        reports = [future.result() for future in [pool.submit(run), pool.submit(run)]]
    idle, busy = sorted(reports, key=lambda report: len(report.done))
    assert idle.done == ()
    assert len(busy.done) == len(set(busy.done)) > NEWEST


def test_a_failed_step_leaves_nothing_and_the_lock_free(
    connection: Connection, fresh_database: SecretStr
) -> None:
    migrate(connection, SMALL, SETTINGS, up_to=1)
    connection.execute("CREATE TABLE signal (taken integer)")  # what migration 2 wants to make
    with pytest.raises(StorageError, match=r"migration 2 \(DuplicateTable\)"):
        migrate(connection, SMALL, SETTINGS)
    assert applied_version(connection) == 1
    connection.execute("DROP TABLE signal")
    with connect(fresh_database) as other:
        other.execute("SET lock_timeout = '5s'")
        assert migrate(other, SMALL, SETTINGS).version == NEWEST


def test_a_database_with_a_newer_migration_is_refused(connection: Connection) -> None:
    migrate(connection, SMALL, SETTINGS)
    connection.execute("INSERT INTO schema_version VALUES (%s, 'later')", (NEWEST + 1,))
    with pytest.raises(SchemaError, match=rf"migration {NEWEST + 1}, .*upgrade the code"):
        migrate(connection, SMALL, SETTINGS)
    with pytest.raises(SchemaError, match="upgrade the code"):
        require_current(connection, SMALL)


def test_a_database_with_a_newer_catalogue_is_refused(connection: Connection) -> None:
    migrate(connection, grown(signal(20, "dust", "counters")), SETTINGS)
    with pytest.raises(SchemaError, match=r"catalogue 2, this code has 1: upgrade the code"):
        migrate(connection, SMALL, SETTINGS)
    with pytest.raises(SchemaError, match=r"catalogue 2, this code has 1: upgrade the code"):
        require_current(connection, SMALL)


@pytest.mark.parametrize("up_to", [None, NEWEST - 1])
def test_a_database_that_is_behind_is_sent_to_migrate(
    connection: Connection, up_to: int | None
) -> None:
    migrate(connection, SMALL, SETTINGS, up_to=up_to)
    with pytest.raises(SchemaError, match="run `telemetry migrate`"):
        require_current(connection, grown(signal(20, "dust", "counters")))


def test_an_empty_database_is_sent_to_migrate(connection: Connection) -> None:
    with pytest.raises(SchemaError, match=r"migration 0 .*run `telemetry migrate`"):
        require_current(connection, SMALL)


def test_another_application_s_tables_are_not_taken_for_ours(connection: Connection) -> None:
    connection.execute("CREATE TABLE public.schema_version (version integer)")
    connection.execute("INSERT INTO public.schema_version VALUES (99)")
    connection.execute("CREATE TABLE public.signal_motion (id integer)")
    assert applied_version(connection) == 0
    assert "table signal_motion with 5 signals" in migrate(connection, SMALL, SETTINGS).done


def changed(number: int, **fields: object) -> Catalogue:
    """The small catalogue with one signal changed."""
    return Catalogue(
        version=1,
        signals=tuple(
            replace(member, **fields) if member.id == number else member  # type: ignore[arg-type]  # the caller names a field and its type
            for member in SMALL.signals
        ),
    )


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (changed(1, name="velocity"), r"is speed motion real sample in .* but velocity motion"),
        (changed(1, group="counters"), r"is speed motion real sample in .* but speed counters"),
        (changed(1, type=ValueType.DOUBLE), r"real sample in .* but speed motion double sample"),
        (changed(1, kind=Kind.STATE), r"real sample in .* but speed motion real state"),
        (Catalogue(version=1, signals=SMALL.signals[1:]), r"Signal 1 \(speed\) .*never removed"),
        (
            Catalogue(version=1, signals=(*SMALL.signals, signal(20, "dust", "counters"))),
            r"Signal 20 \(dust\) is new .* since=2",
        ),
        (grown(signal(10, "dust", "counters")), r"\(dust\) is new .* up to 18 .* higher id"),
    ],
    ids=["name", "group", "type", "kind", "removed", "version not raised", "id not appended"],
)
def test_a_catalogue_that_contradicts_the_database_is_refused(
    connection: Connection, wrong: Catalogue, said: str
) -> None:
    migrate(connection, SMALL, SETTINGS)
    with pytest.raises(SchemaError, match=said):
        migrate(connection, wrong, SETTINGS)
    assert migrate(connection, SMALL, SETTINGS).done == ()


def test_what_may_change_of_a_signal_is_brought_up_to_date(connection: Connection) -> None:
    migrate(connection, SMALL, SETTINGS)
    migrate(connection, changed(1, unit="km/h", path="Vehicle.Speed"), SETTINGS)
    row = connection.execute("SELECT unit, path FROM signal WHERE name = 'speed'").fetchone()
    assert row == ("km/h", "Vehicle.Speed")


def test_a_database_that_began_plain_stays_plain(
    connection: Connection, carries_timescaledb: bool
) -> None:
    if not carries_timescaledb:
        pytest.skip("the server can only be plain")
    # As if TimescaleDB had come to the server later: the first table stands without the extension.
    connection.execute("CREATE SCHEMA telemetry")
    connection.execute(
        "CREATE TABLE schema_version (version integer, name text, applied_at"
        " timestamptz DEFAULT now())"
    )
    assert migrate(connection, SMALL, SETTINGS).server.timescaledb is None
    connection.execute("CREATE EXTENSION timescaledb SCHEMA public")
    assert server(connection).timescaledb is None
    assert migrate(connection, SMALL, SETTINGS).done == ()


def test_a_role_that_may_not_make_a_schema_is_told_so(
    connection: Connection, fresh_database: SecretStr
) -> None:
    role = f"test_{uuid.uuid4().hex[:16]}"
    connection.execute(f"CREATE ROLE {role}".encode())
    try:
        with (
            connect(fresh_database, role=role) as powerless,
            pytest.raises(StorageError, match="permission denied"),
        ):
            migrate(powerless, SMALL, SETTINGS)
    finally:
        connection.execute(f"DROP ROLE {role}".encode())
