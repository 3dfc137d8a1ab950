"""`telemetry train` and `telemetry models` as they are run: what was learnt, and what to do."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from analytics.runner.challenge import PromotionError
from analytics.training.recipe import TrainingError
from storage import models
from storage.errors import StorageError
from tests.samples.fuel_segments import segments
from tests.samples.own_model import write_own_model
from tests.worlds.driven_fleet import midnight_before
from tests.worlds.driven_vehicle import DrivenVehicle, driving

if TYPE_CHECKING:
    from pathlib import Path

    from tests.asking.command_line import RunHere
    from tests.servers.database_fixture import Migrated

M = midnight_before(9)


@pytest.fixture
def run(run_here: RunHere) -> RunHere:
    return run_here


def test_without_days_or_models_it_says_what_to_do(migrated: Migrated, run: RunHere) -> None:
    assert "`telemetry train fuel` makes one" in run("models", "list")
    assert "analyse some days first" in run("train", "fuel", fails=TrainingError)
    refused = run("models", "rollback", "7", fails=StorageError)
    assert "There is no model 7: there are none" in refused
    refused = run("models", "rollback", fails=PromotionError)
    assert "No model of fuel was champion before" in refused
    assert "Nothing is known of drift" in run("models", "drift")
    assert models.models(migrated.connection) == []


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("fuel", "--from", "2026-11-02", "--to", "2026-11-01"), "lies after"),
        (("fuel", "--vehicles-held-out", "0.9"), "vehicles-held-out"),
        (("fuel", "--dataset", "x", "--from", "2026-11-02"), "not of a folder"),
        (("fuel", "--model-module", "json"), "the product's model"),
    ],
)
def test_options_that_contradict_each_other_are_refused(
    run: RunHere, options: tuple[str, ...], says: str
) -> None:
    assert says in run("train", *options, fails=SystemExit)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("fuel", "--dataset", "nowhere"), "no Parquet files in nowhere"),
        (("cruise",), "There is no model 'cruise': there are fuel"),
        (("cruise", "--model-module", "json"), "has no MODEL"),
        (("cruise", "--model-module", "nowhere"), "cannot be imported"),
    ],
)
def test_what_is_not_there_cannot_be_trained(
    run: RunHere, options: tuple[str, ...], says: str
) -> None:
    assert says in run("train", *options, fails=TrainingError)


def test_models_are_trained_listed_promoted_and_used_again(
    migrated: Migrated, run: RunHere
) -> None:
    for number in range(3):
        vehicle = DrivenVehicle(migrated, f"LVBV3ABB5PT{number:06d}")
        vehicle.write(driving(M + timedelta(hours=2), 40, km_h=60 + 5 * number))
        vehicle.analyse()
        vehicle.close()
    trained = run("train", "fuel", "--note", "of three")
    assert "of 3 vehicles, and is used from now on" in trained
    assert "published figures" in trained  # three are no peers
    told = re.search(r"Run ([0-9a-f]{32}) in ", trained)
    (first,) = models.models(migrated.connection)
    assert told is not None
    assert first.run_id == told.group(1)
    second = run("train", "fuel", "--from", f"{M.date()}", "--no-track")
    assert f"Model {first.model_id + 1} (fuel) learnt from" in second
    assert "is a candidate" in second
    assert "Run " not in second
    other = str(first.model_id + 1)
    assert "nothing was predicted by both yet" in run("models", "compare", other)
    assert "Too little is known" in run("models", "promote", other, fails=PromotionError)
    assert "is used from now on" in run("models", "promote", other, "--force")
    assert f"Model {first.model_id} is used" in run("models", "rollback")
    (_, newer, older) = run("models", "list").splitlines()
    assert older.split()[:3] == [str(first.model_id), "fuel", "champion"]
    assert older.rstrip().endswith("of three")
    assert newer.split()[:3] == [other, "fuel", "archived"]
    assert "fuel of 3 vehicle-weeks" in run("analyse")
    assert run("models", "card", str(first.model_id)).startswith("# Model card: fuel")


def test_the_template_of_docs_is_trained_on_a_folder_of_parquet(
    migrated: Migrated, run: RunHere, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_own_model(tmp_path)
    folder = tmp_path / "october"
    for day, rows in enumerate((segments(6, 40, seed=1), segments(6, 40, seed=2))):
        part = folder / f"day=2026-10-{day + 1:02d}"
        part.mkdir(parents=True)
        rows.to_parquet(part / "0.parquet")
    monkeypatch.syspath_prepend(tmp_path)
    arguments = ("train", "stops", "--model-module", "my_models.stops", "--dataset", str(folder))
    trained = run(*arguments, "--no-track")
    assert "(stops) learnt from 480 rows of 2026-03-02 to 2026-10-02 of 12 vehicles" in trained
    assert "and is the champion" in trained
    kept = models.champion(migrated.connection, "stops")
    assert kept is not None
    assert kept.dataset["name"] == "october"
    assert kept.evaluation["all"]["vehicles"] == 12
    # The same command on the same data gives the same model.
    run(*arguments, "--no-track")
    again, first = models.models(migrated.connection, "stops")
    assert again.metrics["fingerprint"] == first.metrics["fingerprint"]
    assert again.dataset == first.dataset
    run(*arguments, "--no-track", "--seed", "6")
    other = models.models(migrated.connection, "stops")[0]
    assert other.dataset == first.dataset
    assert other.evaluation != first.evaluation
