"""An export by a cluster's processes: the same files, whoever is killed and wherever they write."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest
from psycopg.conninfo import conninfo_to_dict

from analytics.runner.spread import SchedulerError, workers
from research.errors import ExportError
from research.export_tasks import make_partition_task
from tests.asking.command_line import CommandLine
from tests.asking.patience import wait_until
from tests.servers.cluster_fixture import Killer, all_told, moved, one_here
from tests.worlds.export_world import SIGNALS, SLOW, VINS, checksums, exported_world

if TYPE_CHECKING:
    from pathlib import Path

    from distributed import LocalCluster

    from research.export_tasks import PartitionTask
    from tests.servers.database_fixture import Migrated
    from tests.worlds.export_world import Exported

DAYS = 6
BUCKETS = 3


@pytest.fixture(scope="module")
def world(migrated: Migrated) -> Exported:
    return exported_world(migrated, days=DAYS, seconds=500)


@pytest.fixture(scope="module")
def by_threads(world: Exported, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What an export without a cluster writes."""
    folder = tmp_path_factory.mktemp("threads") / "export"
    world.export(folder, buckets=BUCKETS)
    return folder


def test_a_worker_killed_in_mid_run_loses_nothing_and_the_files_are_the_same_to_the_byte(
    world: Exported, by_threads: Path, cluster: LocalCluster, tmp_path: Path
) -> None:
    kill = Killer(cluster)
    with workers(cluster.scheduler_address) as who:
        exporter = world.exporter(tmp_path, workers=who)
        _, done = exporter.run(world.request(buckets=BUCKETS), kill)
        wait_until(lambda: kill.is_gone, "a worker's end")
        assert done.done == done.total == done.written == 3 * DAYS * BUCKETS
        assert checksums(tmp_path) == checksums(by_threads)
        _, again = exporter.run(world.request())
    assert (again.done, again.written) == (done.done, 0)
    assert checksums(tmp_path) == checksums(by_threads)


def test_the_command_tells_the_dashboard_and_the_cluster_no_secret(
    command_line: CommandLine,
    world: Exported,
    by_threads: Path,
    cluster: LocalCluster,
    tmp_path: Path,
) -> None:
    line = CommandLine(environment=command_line.environment | {"TELEMETRY_RETENTION_DAYS": "36500"})
    arguments = [
        "export", str(tmp_path / "out"), "--signals", ",".join(SIGNALS + SLOW), "--from",
        "2026-10-01", "--to", f"2026-10-{DAYS:02}", "--trips", "--events", "--purpose", "a test",
        "--buckets", str(BUCKETS), "--scheduler", cluster.scheduler_address,
    ]  # fmt: skip
    done = line.run(*arguments)
    assert f"{3 * DAYS * BUCKETS} of {3 * DAYS * BUCKETS} partitions written" in done.stdout
    assert f"workers of {cluster.scheduler_address}, seen at work at http://" in done.stderr
    assert checksums(tmp_path / "out") == checksums(by_threads)
    told = all_told(cluster)
    assert "make_partition_task" in told, "no task is named anywhere: look elsewhere"
    password = conninfo_to_dict(world.database.dsn.get_secret_value())["password"]
    assert str(password) not in told
    assert not [vin for vin in VINS if vin in told]


def test_a_task_tells_neither_vehicles_nor_what_they_are_called(
    world: Exported, by_threads: Path, tmp_path: Path
) -> None:
    tasks: list[PartitionTask] = []

    def noted(task: PartitionTask) -> PartitionTask:
        tasks.append(task)
        return task

    with one_here(world.database.dsn, noted) as who:
        world.exporter(tmp_path, workers=who).run(world.request(buckets=BUCKETS, vins=VINS))
    assert checksums(tmp_path) == checksums(by_threads)
    labels = pq.read_table(by_threads / "vehicles.parquet")["vehicle"].to_pylist()
    assert len(labels) == len(VINS)
    row = world.database.connection.execute("SELECT key FROM export_purpose").fetchone()
    assert row is not None
    for task in tasks:
        pickled = pickle.dumps(task)
        assert bytes(row[0]) not in pickled
        assert not [name for name in (*VINS, *labels) if name.encode() in pickled]


def test_a_worker_that_sees_another_place_is_a_clear_error_and_writes_nothing_there(
    world: Exported, tmp_path: Path
) -> None:
    here, elsewhere = tmp_path / "here", tmp_path / "elsewhere"
    with (
        one_here(world.database.dsn, moved(str(elsewhere))) as who,
        pytest.raises(ExportError, match=rf"does not see this export in {elsewhere}:"),
    ):
        world.exporter(here, workers=who).run(world.request())
    assert not elsewhere.exists()
    assert {*checksums(here)} == {"manifest.json", "vehicles.parquet"}


def test_a_worker_that_writes_into_a_copy_of_the_place_is_found_out(
    world: Exported, tmp_path: Path
) -> None:
    here, copy = tmp_path / "here", tmp_path / "copy"
    world.export(copy, last=world.request().first)
    with (
        one_here(world.database.dsn, moved(str(copy))) as who,
        pytest.raises(ExportError, match="does not hold it as it was written"),
    ):
        world.exporter(here, workers=who).run(world.request())
    assert {*checksums(here)} == {"manifest.json", "vehicles.parquet"}


def test_a_worker_that_comes_too_late_changes_nothing_and_is_cleared_away(
    world: Exported, tmp_path: Path
) -> None:
    tasks: list[PartitionTask] = []

    def noted(task: PartitionTask) -> PartitionTask:
        tasks.append(task)
        return task

    with one_here(world.database.dsn, noted) as who:
        exporter = world.exporter(tmp_path, workers=who)
        exporter.run(world.request())
        whole = checksums(tmp_path)
        # The command has ended, and a worker that was thought dead goes on.
        (made,) = who.run(tasks[:1], make_partition_task)
        assert made.hidden is not None
        late = checksums(tmp_path)
        assert late.pop(made.hidden) == made.partition.sha256
        assert late == whole
        exporter.run(world.request())
    assert checksums(tmp_path) == whole


def test_workers_of_another_version_or_database_are_refused(
    world: Exported, alone: Migrated, tmp_path: Path
) -> None:
    def older(task: PartitionTask) -> PartitionTask:
        return replace(task, job=replace(task.job, code_version="0.1"))

    for dsn, seen, said in (
        (world.database.dsn, older, "be of the same version"),
        (alone.dsn, lambda task: task, "names another database"),
    ):
        with one_here(dsn, seen) as who, pytest.raises(SchedulerError, match=said):
            world.exporter(tmp_path, workers=who).run(world.request())
