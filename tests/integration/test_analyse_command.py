"""`telemetry analyse` as it is run: killed, cut off, left to watch, with data it cannot judge."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from analytics.runner.run import analyse
from schemas import catalogue
from storage.registers import add_to_fleet, ensure_fleet, ensure_party
from storage.settings import StorageSettings
from tests.asking.command_line import ROOT
from tests.asking.patience import PATIENCE_S, wait_until
from tests.samples.analysed import content, require_same
from tests.servers.database_fixture import migrated_to, new_database
from tests.worlds.driven_fleet import drive_fleet, midnight_before
from tests.worlds.driven_vehicle import DrivenVehicle, driving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.asking.command_line import CommandLine
    from tests.servers.database_fixture import Migrated

Process = subprocess.Popen[str]

M = midnight_before(20)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@contextmanager
def started(
    command_line: CommandLine, log: Path, *arguments: str, **settings: str
) -> Iterator[Process]:
    """A `telemetry analyse` that goes on while the test does something else."""
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "cli", "analyse", *arguments],
            cwd=ROOT,
            env=command_line.environment | settings,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def count(database: Migrated, what: str) -> int:
    row = database.connection.execute(f"SELECT count(*) FROM {what}".encode()).fetchone()
    assert row is not None
    return int(row[0])


def wait_while_running(condition: Callable[[], bool], process: Process, what: str) -> None:
    """Wait until something is so, as long as the process runs."""

    def look() -> bool:
        assert process.poll() is None
        return condition()

    wait_until(look, what, every_s=0.005)  # the moment may be short


ANALYSED = "touched_day WHERE analysed = touched"


def test_killed_at_any_moment_and_repeated_it_ends_with_the_same_tables(
    command_line: CommandLine, migrated: Migrated, database_server: str, tmp_path: Path
) -> None:
    luck = random.Random(7)  # noqa: S311 - a test's disorder
    with new_database(database_server) as dsn, migrated_to(dsn, catalogue.default()) as other:
        for database in (migrated, other):
            drive_fleet(database, M, range(6))
        analyse(other.connection, other.server, other.catalogue, StorageSettings())
        undisturbed = content(other)
    killed_at = []
    for moment in (
        *[ANALYSED] * 2,  # some more days are done
        "score WHERE subject_kind = 'trip'",  # a week's scores are half there
        "score WHERE subject_kind = 'vehicle'",  # or whole, and rollups follow
    ):
        with started(command_line, tmp_path / "log") as process:
            before = count(migrated, moment)
            wait_while_running(lambda: count(migrated, moment) > before, process, moment)  # noqa: B023 - waited for
            time.sleep(luck.uniform(0, 0.1))
            process.send_signal(signal.SIGKILL)
            process.wait()
        killed_at.append(count(migrated, ANALYSED))
    assert killed_at == sorted(killed_at)
    assert 0 < killed_at[0] < count(migrated, "touched_day"), "no kill in mid-run"
    command_line.run("analyse")
    for waiting in (
        "touched_day WHERE analysed < touched OR rolled_up < touched",
        "touched_duty",
        "touched_week WHERE scored < touched",
    ):
        assert count(migrated, waiting) == 0, waiting
    require_same(content(migrated), undisturbed)
    assert content(migrated)["accumulated"] == undisturbed["accumulated"]  # told what is true


def test_a_vehicle_s_failure_is_named_and_told_by_the_exit_code(
    command_line: CommandLine, migrated: Migrated
) -> None:
    drive_fleet(migrated, M, (20, 21))
    broken, other = "LVBV3ABB5PK000020", "LVBV3ABB5PK000021"
    party = ensure_party(migrated.connection, "Haulage", "owner")
    fleet = ensure_fleet(migrated.connection, party_id=party, name="nowhere")
    add_to_fleet(migrated.connection, fleet_id=fleet, vin=broken)
    # PostgreSQL knows this abbreviation; there is no such zone in the IANA's list.
    migrated.connection.execute("UPDATE fleet SET time_zone = 'CST' WHERE fleet_id = %s", (fleet,))
    failed = command_line.run("analyse", fails=True)
    assert failed.returncode == 1
    assert f"vin {broken}, days {M.date() - DAY}" in failed.stderr
    assert "No time zone 'CST'" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert content(migrated, broken)["trip"] == []
    assert len(content(migrated, other)["trip"]) == 6
    migrated.connection.execute(
        "UPDATE fleet SET time_zone = 'Europe/Berlin' WHERE fleet_id = %s", (fleet,)
    )
    command_line.run("analyse")
    assert len(content(migrated, broken)["trip"]) == 6


def test_watching_outlives_its_database_s_absence_and_ends_when_told(
    command_line: CommandLine, migrated: Migrated, database_server: str, tmp_path: Path
) -> None:
    vehicle = DrivenVehicle(migrated, "LVBV3ABB5PK000040")
    trips = f"trip WHERE vehicle_id = {vehicle.vehicle_id}"
    waits = "touched_week WHERE scored < touched"
    log = tmp_path / "log"
    watch = ("--all-changed", "--watch", "0.2")
    with started(command_line, log, *watch, TELEMETRY_SCORE_EVERY_S="3600") as process:
        vehicle.write(driving(M, 30))
        wait_while_running(lambda: "1 vehicle-day worked up" in log.read_text(), process, "a day")
        with absent(migrated, database_server):
            wait_while_running(lambda: "is away" in log.read_text(), process, "its words")
        vehicle.write(driving(M + 2 * HOUR, 30))
        wait_while_running(lambda: count(migrated, trips) == 2, process, "two trips")
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=PATIENCE_S) == 0
    assert "Traceback" not in log.read_text()
    # Scores are not made anew so soon. They wait, and the next run makes them.
    assert count(migrated, waits) == 1
    command_line.run("analyse")
    assert count(migrated, waits) == 0
    assert len([row for row in content(migrated, vehicle.vin)["score"] if row[1] == "trip"]) == 2
    vehicle.close()


@contextmanager
def absent(database: Migrated, database_server: str) -> Iterator[None]:
    """A database that lets nobody in that was not there already."""
    name = sql.Identifier(database.connection.info.dbname)
    allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    with psycopg.connect(database_server, autocommit=True) as connection:
        connection.execute(allow.format(name, sql.SQL("false")))
        try:
            yield
        finally:
            connection.execute(allow.format(name, sql.SQL("true")))
