"""A fleet worked up by two processes of a Dask cluster: as one would, whoever is killed."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
from psycopg.conninfo import conninfo_to_dict

from analytics.runner.run import analyse
from analytics.runner.settings import AnalysisSettings
from analytics.runner.spread import SchedulerError, workers
from analytics.runner.vehicle_tasks import DaysTask, Job, work_up_days_task
from storage import analysis
from storage.connection import identity
from storage.registers import add_to_fleet, ensure_fleet, ensure_party
from storage.settings import StorageSettings
from tests.asking.patience import wait_until
from tests.samples.analysed import content
from tests.servers.cluster_fixture import Killer, all_told, asked
from tests.worlds.driven_fleet import drive_fleet, midnight_before

if TYPE_CHECKING:
    from collections.abc import Callable

    from distributed import LocalCluster

    from analytics.runner.run import Outcome
    from tests.asking.command_line import CommandLine
    from tests.servers.database_fixture import Migrated

M = midnight_before(20)

RESULTS = (
    *("trip", "trip_part", "driving_event", "drive_span", "accumulated_day", "accumulated"),
    *("fuel_part", "fuel_cause", "fuel_stats", "fuel_segment", "tank_event"),
    *("advice", "advice_result", "score", "score_part", "score_reference"),
)
"""The tables that analysis fills."""

NOT_FOUND_OUT = ["driver_id", "advice_id", "updated_at"]
"""Columns that tell who came first and when; the driver is compared by the card."""


def every_cell(database: Migrated) -> dict[str, list[tuple[str, str]]]:
    """All cells of all results, to the last digit, by the driver's card where there is one."""
    found = {}
    for table in RESULTS:
        found[table] = database.connection.execute(
            "SELECT coalesce(card_id, ''), (cells - %(without)s::text[]"
            " - CASE WHEN cells->>'subject_kind' = 'driver' THEN 'subject_id' ELSE '' END)::text"
            f" FROM (SELECT to_jsonb(whole) AS cells FROM {table} AS whole) AS results"
            " LEFT JOIN driver ON driver_id = CASE WHEN cells->>'subject_kind' = 'driver'"
            " THEN cells->>'subject_id' ELSE cells->>'driver_id' END::bigint"
            " ORDER BY 1, 2".encode(),
            {"without": NOT_FOUND_OUT},
        ).fetchall()
    return found


def require_equal(database: Migrated, expected: Migrated) -> None:
    found, others = every_cell(database), every_cell(expected)
    for table in RESULTS:
        assert found[table] == others[table], table


def by_one_process(database: Migrated) -> Outcome:
    return analyse(database.connection, database.server, database.catalogue, StorageSettings())


def by_cluster(
    database: Migrated, cluster: LocalCluster, progress: Callable[[int], None] = lambda _done: None
) -> Outcome:
    with workers(cluster.scheduler_address) as who:
        return analyse(
            database.connection,
            database.server,
            database.catalogue,
            StorageSettings(),
            workers=who,
            progress=progress,
        )


def test_two_processes_store_what_one_does_to_the_last_digit(
    migrated: Migrated, alone: Migrated, cluster: LocalCluster
) -> None:
    for database in (migrated, alone):
        drive_fleet(database, M, (41, 45), days=2)
    told: list[int] = []
    spread, one = by_cluster(migrated, cluster, told.append), by_one_process(alone)
    assert spread == one
    assert told[-1] == spread.vehicle_days > 3
    found = every_cell(alone)
    # Too little is driven for advice, and nothing is filled in.
    nothing = {"tank_event", "advice", "advice_result"}
    assert {table for table in RESULTS if not found[table]} == nothing
    require_equal(migrated, alone)


def test_a_worker_killed_in_mid_run_loses_nothing(
    migrated: Migrated, alone: Migrated, cluster: LocalCluster
) -> None:
    for database in (migrated, alone):
        drive_fleet(database, M, (6, 7, 9), days=1)
    kill = Killer(cluster)
    outcome, expected = by_cluster(migrated, cluster, kill), by_one_process(alone)
    wait_until(lambda: kill.is_gone, "a worker's end")
    assert outcome.failed == 0
    # What the killed one had stored and not yet told is in the tables, and in nobody's account.
    assert 0 < outcome.vehicle_days <= expected.vehicle_days
    assert not analysis.changed_days(migrated.connection)
    require_equal(migrated, alone)


def test_a_task_done_twice_changes_nothing(migrated: Migrated, cluster: LocalCluster) -> None:
    drive_fleet(migrated, M, (12,), days=2)
    days = analysis.changed_days(migrated.connection)
    task = DaysTask(
        job=Job(
            database=identity(migrated.connection),
            complete_from=date(2020, 1, 1),
            settings=AnalysisSettings(),
        ),
        days=tuple(days[:2]),
    )
    with asked(cluster) as client:
        first = client.submit(work_up_days_task, task, pure=False).result()
        stored = every_cell(migrated)
        again = client.submit(work_up_days_task, task, pure=False).result()
    assert first.found.days == 2
    assert again.found.days == 0
    assert every_cell(migrated) == stored


def test_workers_of_another_database_are_refused(alone: Migrated, cluster: LocalCluster) -> None:
    drive_fleet(alone, M, (13,), days=1)
    with pytest.raises(SchedulerError, match="names another database"):
        by_cluster(alone, cluster)
    assert analysis.changed_days(alone.connection), "nothing waits any more"


def test_the_command_names_a_failure_and_the_dashboard_and_no_secret(
    command_line: CommandLine, migrated: Migrated, cluster: LocalCluster
) -> None:
    drive_fleet(migrated, M, (14, 15), days=1)
    broken, other = "LVBV3ABB5PK000014", "LVBV3ABB5PK000015"
    party = ensure_party(migrated.connection, "Haulage", "owner")
    fleet = ensure_fleet(migrated.connection, party_id=party, name="nowhere")
    add_to_fleet(migrated.connection, fleet_id=fleet, vin=broken)
    # PostgreSQL knows this abbreviation; there is no such zone in the IANA's list.
    migrated.connection.execute("UPDATE fleet SET time_zone = 'CST' WHERE fleet_id = %s", (fleet,))
    failed = command_line.run("analyse", "--scheduler", cluster.scheduler_address, fails=True)
    assert failed.returncode == 1
    assert f"vin {broken}" in failed.stderr
    assert "No time zone 'CST'" in failed.stderr
    assert f"2 workers of {cluster.scheduler_address}, seen at work at http://" in failed.stderr
    assert content(migrated, broken)["trip"] == []
    assert len(content(migrated, other)["trip"]) == 2
    password = conninfo_to_dict(migrated.dsn.get_secret_value())["password"]
    told = failed.stdout + failed.stderr + all_told(cluster)
    assert "work_up_days_task" in told, "no task is named anywhere: look elsewhere"
    assert str(password) not in told
