"""A training whose rounds a cluster's processes do: the same model, whoever is killed."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from psycopg.conninfo import conninfo_to_dict

from analytics.runner.spread import SchedulerError, workers
from analytics.runner.training import train
from analytics.training import known
from analytics.training.dataset import ParquetFolder
from analytics.training.recipe import TrainingError
from storage import models
from storage.fuel_models import TrainingData
from storage.registers import register_vehicle
from tests.asking.command_line import ROOT
from tests.asking.patience import wait_until
from tests.samples.fuel_segments import segments
from tests.samples.kept_segments import LEARNT, drive
from tests.servers.cluster_fixture import Killer, all_told, moved_folder, one_here

if TYPE_CHECKING:
    from pathlib import Path

    from distributed import LocalCluster

    from analytics.runner.training import Trained
    from storage.connection import Connection
    from tests.asking.command_line import CommandLine
    from tests.servers.database_fixture import Migrated

VEHICLES = 10
ROUNDS = 4
"""A third of the vehicles is left out at a time, and then none."""


@pytest.fixture(scope="module")
def one(migrated: Migrated) -> Trained:
    """What one process makes of a fleet."""
    connection = migrated.connection
    numbers = [
        register_vehicle(connection, f"LVBV3ABB5PW{number:06d}").vehicle_id
        for number in range(VEHICLES)
    ]
    connection.execute("UPDATE vehicle SET region = 'CN-31' WHERE vin LIKE '%1'")
    for day in range(2):
        drive(connection, numbers, LEARNT + timedelta(days=day))
    return train(connection, TrainingData(), held_out=0.34)


def require_same(connection: Connection, found: Trained, expected: Trained) -> None:
    """All that is known of two models, but for their numbers and stages."""
    assert found.fingerprint == expected.fingerprint
    assert found.checksum == expected.checksum
    assert found.evaluation == expected.evaluation
    kept = {model.model_id: model for model in models.models(connection)}
    both = [kept[trained.model_id] for trained in (found, expected)]
    assert both[0].metrics == both[1].metrics
    assert both[0].dataset == both[1].dataset
    assert both[0].inputs == both[1].inputs


def test_a_worker_killed_in_mid_run_loses_nothing_and_the_model_is_the_same(
    migrated: Migrated, one: Trained, cluster: LocalCluster
) -> None:
    kill = Killer(cluster)
    told: list[tuple[int, int]] = []

    def progress(done: int, of: int) -> None:
        told.append((done, of))
        if done:
            kill()

    with workers(cluster.scheduler_address) as who:
        spread = train(
            migrated.connection, TrainingData(), held_out=0.34, workers=who, progress=progress
        )
    wait_until(lambda: kill.is_gone, "a worker's end")
    assert told == [(done, ROUNDS) for done in range(ROUNDS + 1)]
    assert one.evaluation["all"]["vehicles"] == VEHICLES
    require_same(migrated.connection, spread, one)


@pytest.mark.usefixtures("one")
def test_the_command_tells_the_dashboard_and_the_cluster_no_secret(
    command_line: CommandLine, migrated: Migrated, cluster: LocalCluster
) -> None:
    done = command_line.run("train", "fuel", "--no-track", "--scheduler", cluster.scheduler_address)
    assert f"of {VEHICLES} vehicles" in done.stdout
    assert f"workers of {cluster.scheduler_address}, seen at work at http://" in done.stderr
    password = conninfo_to_dict(migrated.dsn.get_secret_value())["password"]
    told = all_told(cluster)
    assert "do_round_task" in told, "no task is named anywhere: look elsewhere"
    assert str(password) not in told


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of 240 segments, and the module of a model of one's own beside it."""
    folder = tmp_path_factory.mktemp("own")
    template = re.findall(
        r"```python\n(# my_models/stops\.py\n.*?)```",
        (ROOT / "docs" / "training.md").read_text("utf-8"),
        re.DOTALL,
    )
    (folder / "stops_elsewhere.py").write_text(template[0])
    (folder / "october").mkdir()
    segments(6, 40).to_parquet(folder / "october" / "0.parquet")
    return folder


def test_a_model_of_one_s_own_is_learnt_from_a_folder_that_workers_see(
    migrated: Migrated,
    folder: Path,
    cluster: LocalCluster,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(folder)
    recipe = known.recipe("stops", "stops_elsewhere")
    dataset = ParquetFolder(folder=folder / "october")
    asked: dict[str, Any] = {"recipe": recipe, "dataset": dataset}
    expected = train(migrated.connection, TrainingData(), **asked)
    with one_here(migrated.dsn) as who:
        spread = train(migrated.connection, TrainingData(), workers=who, **asked)
    require_same(migrated.connection, spread, expected)
    with (
        workers(cluster.scheduler_address) as who,
        pytest.raises(TrainingError, match=r"does not know the model .*be on PYTHONPATH"),
    ):
        train(migrated.connection, TrainingData(), workers=who, **asked)
    with (
        one_here(migrated.dsn, moved_folder(tmp_path)) as who,
        pytest.raises(TrainingError, match="does not see the same files"),
    ):
        train(migrated.connection, TrainingData(), workers=who, **asked)


@pytest.mark.usefixtures("one")
def test_workers_of_another_database_are_refused(migrated: Migrated, alone: Migrated) -> None:
    with (
        one_here(alone.dsn) as who,
        pytest.raises(SchedulerError, match="names another database"),
    ):
        train(migrated.connection, TrainingData(), workers=who)
