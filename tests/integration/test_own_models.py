"""Whose code may be run for a model of one's own: what a setting allows, never what is stored."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from analytics.runner.own_models import recipe_of
from analytics.runner.watching import watch
from analytics.training.recipe import TrainingError
from storage import model_errors, models
from storage.registers import register_vehicle
from tests.samples.fuel_segments import segments
from tests.samples.kept_segments import drive
from tests.samples.own_model import write_own_model

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from storage.models import Model
    from tests.asking.command_line import RunHere
    from tests.servers.database_fixture import Migrated

SETTING = "TELEMETRY_MODEL_MODULES"
VEHICLES = 6
HARMFUL = "raise SystemExit('what is only stored was imported')\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows to learn from, the model of the docs, and a module that must not be imported."""
    place = tmp_path_factory.mktemp("own")
    segments(6, 20).to_parquet(place / "0.parquet")
    write_own_model(place)
    (place / "harmful.py").write_text(HARMFUL)
    (place / "another.py").write_text("class MODEL:\n    name = 'another'\n")
    return place


@pytest.fixture
def stops(
    migrated: Migrated, run_here: RunHere, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Model]:
    """A model of one's own that was trained by a module named on the command line."""
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delenv(SETTING, raising=False)
    module = ("--model-module", "my_models.stops")
    run_here("train", "stops", *module, "--dataset", str(folder), "--no-track")
    yield models.models(migrated.connection, "stops")[0]
    migrated.connection.execute("DELETE FROM model")
    for name in ("my_models.stops", "my_models"):
        sys.modules.pop(name, None)


def test_the_module_is_kept_and_asked_for_where_it_is_not_allowed(
    migrated: Migrated, stops: Model, caplog: pytest.LogCaptureFixture
) -> None:
    assert stops.module == "my_models.stops"
    with pytest.raises(
        TrainingError, match=r"trained by my_models\.stops.*TELEMETRY_MODEL_MODULES"
    ):
        recipe_of(stops)
    watch(migrated.connection)
    assert f"model {stops.model_id} is not watched" in caplog.text


def test_a_run_of_analysis_predicts_and_watches_by_a_module_that_the_setting_allows(
    migrated: Migrated, stops: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = migrated.connection
    vins = [f"LVBV3ABB5PY{number:06d}" for number in range(VEHICLES)]
    numbers = [register_vehicle(connection, vin).vehicle_id for vin in vins]
    assert stops.data_to is not None
    monday = stops.data_to + timedelta(days=7 - stops.data_to.weekday())
    drive(connection, numbers, monday)
    today = monday + timedelta(days=6)
    assert watch(connection, today=today).judged == 0
    monkeypatch.setenv(SETTING, "my_models.stops")
    watched = watch(connection, today=today)
    assert (watched.judged, watched.weeks) == (VEHICLES, 1)
    told = model_errors.drift(connection, stops.model_id, monday)
    assert {"error", "bias", "distance_km", "mass_t"} <= {one.name for one in told}


def test_a_module_that_the_setting_allows_is_used_by_every_command(
    migrated: Migrated,
    stops: Model,
    run_here: RunHere,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv(SETTING, "another, my_models.stops")
    assert recipe_of(stops).name == "stops"
    watch(migrated.connection)
    assert caplog.text == ""
    said = run_here("train", "stops", "--dataset", str(folder), "--no-track")
    assert "(stops) learnt from 120 rows" in said
    newer = models.models(migrated.connection, "stops")[0]
    assert (newer.module, newer.stage) == ("my_models.stops", "candidate")
    said = run_here("models", "promote", str(newer.model_id), "--force")
    assert f"Model {newer.model_id} is used" in said


def test_a_model_whose_module_has_another_name_now_is_found_among_those_allowed(
    migrated: Migrated, stops: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SETTING, "my_models.stops")
    migrated.connection.execute("UPDATE model SET module = 'of_before.stops'")
    assert recipe_of(models.one(migrated.connection, stops.model_id)).name == "stops"
    migrated.connection.execute("UPDATE model SET module = NULL")  # of before they were kept
    assert recipe_of(models.one(migrated.connection, stops.model_id)).module == "my_models.stops"


@pytest.mark.parametrize("allowed", ["", "my_models.stops", "another"])
def test_a_module_that_only_the_database_names_is_never_imported(
    migrated: Migrated, stops: Model, monkeypatch: pytest.MonkeyPatch, allowed: str
) -> None:
    monkeypatch.setenv(SETTING, allowed)
    migrated.connection.execute("UPDATE model SET module = 'harmful'")
    planted = models.one(migrated.connection, stops.model_id)
    assert planted.module == "harmful"
    if allowed == "my_models.stops":
        assert recipe_of(planted).module == allowed
    else:
        with pytest.raises(TrainingError, match="it was trained by harmful"):
            recipe_of(planted)
    watch(migrated.connection)
    assert "harmful" not in sys.modules


def test_an_allowed_module_that_is_not_there_is_said_to_be_missing(
    stops: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SETTING, "nowhere.at_all")
    with pytest.raises(TrainingError, match=r"nowhere\.at_all cannot be imported"):
        recipe_of(stops)
