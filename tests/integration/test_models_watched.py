"""Champion and candidates predict new days beside each other; what drifts is told; guards hold."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from prometheus_client import generate_latest
from threadpoolctl import threadpool_limits

from analytics.fuel.model import SegmentModel
from analytics.fuel.segments import SEGMENT_COLUMNS
from analytics.runner.challenge import PromotionError, compare, promote, roll_back
from analytics.runner.segments_kept import StoredSegments
from analytics.runner.training import Trained, train
from analytics.runner.watching import watch
from analytics.sealed_models import ModelFileError
from analytics.training.comparison import Verdict
from cli.models import Metrics
from storage import model_errors, models
from storage.fuel_models import TrainingData
from storage.models import FUEL
from storage.registers import register_vehicle
from tests.samples.kept_segments import EACH, LEARNT, drive
from tests.samples.model_rows import a_model

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storage.connection import Connection
    from tests.servers.database_fixture import Migrated

VEHICLES = 12
NEW = LEARNT + timedelta(weeks=1)
DRIFTED = NEW + timedelta(weeks=1)
TODAY = DRIFTED + timedelta(days=3)


@dataclass(kw_only=True)
class Fleet:
    connection: Connection
    numbers: list[int]
    champion: Trained
    equal: int
    """A candidate: the champion itself, as if it had seen its first day alone."""
    worse: int
    """A candidate that has learnt from a third more litres."""


@pytest.fixture(scope="module")
def fleet(migrated: Migrated) -> Fleet:
    connection = migrated.connection
    numbers = [
        register_vehicle(connection, f"LVBV3ABB5PW{number:06d}").vehicle_id
        for number in range(VEHICLES)
    ]
    connection.execute("UPDATE vehicle SET region = 'CN-31'")
    for day in range(2):
        drive(connection, numbers, LEARNT + timedelta(days=day))
    champion = train(connection, TrainingData(), held_out=0.5)
    body, _ = models.body_of(connection, champion.model_id)
    equal = a_model(connection, body=body, data=(LEARNT, LEARNT))
    stored = StoredSegments(connection=connection, data=TrainingData())
    spoiled = [rows.assign(fuel_l=rows["fuel_l"] * 1.33) for rows in stored.frames(SEGMENT_COLUMNS)]
    with threadpool_limits(limits=1):
        wrong = SegmentModel.train(spoiled, held_out=0.5).to_bytes()
    worse = a_model(connection, body=wrong, data=champion.data)
    for day in range(2):
        drive(connection, numbers, NEW + timedelta(days=day))
    drive(connection, numbers, DRIFTED, ambient_c=-60.0, mass_t=0.0)
    return Fleet(
        connection=connection, numbers=numbers, champion=champion, equal=equal, worse=worse
    )


@pytest.fixture(autouse=True)
def _champion_is_champion(fleet: Fleet) -> Iterator[None]:
    yield
    models.promote(fleet.connection, fleet.champion.model_id)
    for other in (fleet.equal, fleet.worse):
        fleet.connection.execute(
            "UPDATE model SET stage = 'candidate' WHERE model_id = %s", (other,)
        )


def test_what_was_trained_first_is_champion_and_tells_its_regions(fleet: Fleet) -> None:
    stages = {model.model_id: model.stage for model in models.models(fleet.connection)}
    assert stages == {
        fleet.champion.model_id: "champion",
        fleet.equal: "candidate",
        fleet.worse: "candidate",
    }
    (region,) = fleet.champion.evaluation["by_region"].items()
    assert region[0] == "CN-31"
    assert region[1]["vehicles"] == VEHICLES
    assert fleet.champion.data == (LEARNT, LEARNT + timedelta(days=1))


def test_new_days_are_predicted_once_by_each_and_again_where_they_changed(fleet: Fleet) -> None:
    connection, days = fleet.connection, 3
    watched = watch(connection, today=TODAY)
    # The candidate that saw one day predicts the second.
    assert watched.judged == VEHICLES * (3 * days + 1)
    assert watch(connection, today=TODAY).judged == 0
    connection.execute(
        "UPDATE touched_fuel_week SET touched = touched + 1, worked = worked + 1"
        " WHERE vehicle_id = %s AND week = %s",
        (fleet.numbers[0], DRIFTED),
    )
    assert watch(connection, today=TODAY).judged == 3
    of_week = model_errors.of_week(connection, fleet.champion.model_id, NEW)
    assert of_week["rows"].tolist() == [2 * EACH] * VEHICLES


def test_a_challenger_that_is_worse_is_not_promoted_unless_somebody_insists(fleet: Fleet) -> None:
    connection = fleet.connection
    watch(connection, today=TODAY)
    equal, worse = (compare(connection, one) for one in (fleet.equal, fleet.worse))
    assert equal is not None
    assert worse is not None
    assert compare(connection, fleet.champion.model_id) is None
    assert (equal.vehicles, equal.days, equal.rows) == (VEHICLES, 3 * VEHICLES, 3 * VEHICLES * EACH)
    assert worse.verdict is Verdict.WORSE
    assert worse.difference == pytest.approx(33 - (worse.champion_percent or 0), abs=5)
    assert (equal.verdict, equal.difference) == (Verdict.NO_CLEAR_DIFFERENCE, 0)
    with pytest.raises(PromotionError, match=r"is worse than the champion: .*--force"):
        promote(connection, fleet.worse)
    assert _champion(connection) == fleet.champion.model_id
    promote(connection, fleet.equal)
    assert _champion(connection) == fleet.equal
    promote(connection, fleet.worse, force=True)
    assert _champion(connection) == fleet.worse
    assert roll_back(connection, None, FUEL) == fleet.equal
    assert _champion(connection) == fleet.equal


def test_what_is_not_as_it_was_stored_is_never_promoted_and_predicts_nothing(
    fleet: Fleet, caplog: pytest.LogCaptureFixture
) -> None:
    connection, number = fleet.connection, fleet.equal
    before = models.body_of(connection, number)[0]
    connection.execute("UPDATE model SET body = %s WHERE model_id = %s", (before + b"x", number))
    for force in (False, True):
        with pytest.raises(ModelFileError, match="not the one that was stored"):
            promote(connection, number, force=force)
    with pytest.raises(ModelFileError, match="not the one that was stored"):
        roll_back(connection, number, FUEL)
    with caplog.at_level(logging.ERROR):
        watch(connection, today=TODAY)
    assert f"model {number} is not watched" in caplog.text
    assert _champion(connection) == fleet.champion.model_id
    connection.execute("UPDATE model SET body = %s WHERE model_id = %s", (before, number))


def test_drift_that_was_planted_is_told_of_its_week_alone(fleet: Fleet) -> None:
    connection, number = fleet.connection, fleet.champion.model_id
    connection.execute("DELETE FROM model_error")
    assert watch(connection, today=TODAY).weeks == 2
    told = model_errors.drift(connection, number, LEARNT)
    drifted = {(one.week, one.of_what, one.name) for one in told if one.drifted}
    assert {one for one in drifted if one[1] == "input"} == {(DRIFTED, "input", "ambient_c")}
    assert {one.week for one in told} == {NEW, DRIFTED}
    assert not [one for one in drifted if one[0] == NEW]
    assert {one.name for one in told if one.of_what == "error"} == {"error", "bias"}
    assert all(one.vehicles == VEHICLES for one in told)
    metrics = Metrics()
    champion = models.champion(connection)
    assert champion is not None
    metrics.tell(champion, told)
    shown = generate_latest(metrics.registry).decode()
    assert 'telemetry_model_input_stability{kind="fuel",name="ambient_c"}' in shown
    count = len([one for one in drifted if one[0] == DRIFTED])
    assert f'telemetry_model_drifted{{kind="fuel"}} {float(count)}' in shown
    # Of weeks long past it is not told anew.
    connection.execute("DELETE FROM model_error")
    assert watch(connection, today=TODAY + timedelta(weeks=9)).weeks == 0


def _champion(connection: Connection) -> int | None:
    found = models.champion(connection)
    return None if found is None else found.model_id
