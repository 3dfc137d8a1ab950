"""A model is trained, told of to MLflow, and kept: as champion where there is none, else beside it.

Segments of road teach what a segment needs; of fuel, sums of days teach what good vehicles and
drivers need, too, and are kept with the model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from analytics.fuel.calibration import STATS_VERSION
from analytics.fuel.reference import learn_reference
from analytics.runner.knowledge import as_json, group_of
from analytics.runner.segments_kept import StoredSegments
from analytics.runner.tracking import TrackingError, tracked
from analytics.runner.training_tasks import source_of, spread_rounds
from analytics.training import card
from analytics.training.fuel import FuelRecipe
from analytics.training.plots import plots
from analytics.training.trainer import HELD_OUT, SEED, trained
from storage import fuel_models, models
from storage.models import FUEL, NewModel, Stage

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date
    from pathlib import Path

    from analytics.fuel.reference import Reference
    from analytics.runner.spread import Workers
    from analytics.training.dataset import Dataset
    from analytics.training.recipe import Recipe
    from storage.connection import Connection
    from storage.fuel_models import TrainingData


@dataclass(frozen=True, kw_only=True, slots=True)
class Trained:
    """What a training came to.

    Attributes:
        model_id: of the model that is stored.
        kind: of the model.
        stage: champion: it is used now; candidate: it predicts beside the champion.
        data: first and last day it was trained on.
        vehicles, rows: how many it was trained on.
        metrics: what its own training says of it.
        evaluation: of vehicles that were left out: see `analytics.training.evaluation`.
        peers: of fuel, by model and class of vehicle, how many peers tell what is good.
        checksum: of the dataset's values.
        fingerprint: of the model's predictions.
        run_id: in MLflow; None: it was not told.
        untold: why it could not be told, though it was to be.
    """

    model_id: int
    kind: str
    stage: Stage
    data: tuple[date, date] | None
    vehicles: int
    rows: int
    metrics: dict[str, Any]
    evaluation: dict[str, Any]
    peers: dict[str, int]
    checksum: str
    fingerprint: str
    run_id: str | None
    untold: TrackingError | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Tracking:
    """Where a training is told of.

    Attributes:
        uri: an MLflow server; None: below `folder`.
        folder: where runs are kept that no server is told of.
    """

    uri: str | None
    folder: Path


def train(
    connection: Connection,
    data: TrainingData,
    *,
    recipe: Recipe | None = None,
    dataset: Dataset | None = None,
    held_out: float = HELD_OUT,
    seed: int = SEED,
    note: str | None = None,
    tracking: Tracking | None = None,
    workers: Workers | None = None,
    progress: Callable[[int, int], None] = lambda _done, _of: None,
) -> Trained:
    """Train a model and keep it; where it is the first of its kind it is used at once.

    Args:
        connection: an autocommit connection.
        data: which days of the database are learnt from.
        recipe: of the model; None: that of fuel.
        dataset: what is learnt from; None: the segments the database has of these days.
        held_out: share of the vehicles that is left out at a time, to measure how good it is.
        seed: fixes who is, and all else that is drawn.
        note: kept with the model.
        tracking: where MLflow is; None: it is not told.
        workers: a cluster's, who do the rounds; None: this process does them.
        progress: told how many rounds are done, and of how many.

    Raises:
        TelemetryError: there is nothing to learn from, or the database refuses the model.
    """
    recipe = recipe or FuelRecipe(held_out=held_out)
    rounds = (
        None if workers is None else spread_rounds(workers, source_of(connection, data, dataset))
    )
    training = trained(
        recipe,
        dataset or StoredSegments(connection=connection, data=data),
        held_out=held_out,
        seed=seed,
        rounds=rounds,
        progress=progress,
    )
    metrics = recipe.metrics(training.model)
    reference: dict[str, Any] = {}
    peers: dict[str, int] = {}
    if recipe.name == FUEL:
        learnt = _reference(connection, data)
        reference, peers = as_json(learnt.to_dict()), _peers(learnt)
    told = card.written(recipe, training, note=note)
    model_id, stage = models.store_model(
        connection,
        NewModel(
            kind=recipe.name,
            body=training.body,
            data=training.data,
            code_version=training.code_version,
            metrics=as_json(metrics | {"peers": peers, "fingerprint": training.fingerprint}),
            reference=reference,
            evaluation=as_json(training.evaluation),
            inputs=training.inputs,
            dataset=training.dataset,
            card=told,
            note=note,
            module=recipe.module,
        ),
    )
    run_id = untold = None
    if tracking is not None:
        files = plots(training.evaluation, training.held, unit=recipe.unit)
        files |= {"model.bin": training.body, "card.md": told.encode()}
        tags = {"model_id": str(model_id), "stage": str(stage), "note": note or ""}
        try:
            run_id = tracked(training, files, uri=tracking.uri, folder=tracking.folder, tags=tags)
        except TrackingError as error:
            untold = error  # the model is stored all the same
    if run_id is not None:
        models.note_run(connection, model_id, run_id)
    return Trained(
        model_id=model_id,
        kind=recipe.name,
        stage=stage,
        data=training.data,
        vehicles=training.dataset["vehicles"],
        rows=training.dataset["rows"],
        metrics=metrics,
        evaluation=training.evaluation,
        peers=peers,
        checksum=training.dataset["sha256"],
        fingerprint=training.fingerprint,
        run_id=run_id,
        untold=untold,
    )


def _reference(connection: Connection, data: TrainingData) -> Reference:
    stats = fuel_models.stats_of_vehicles(connection, data, stats_version=STATS_VERSION)
    return learn_reference(stats.assign(group=stats["vin"].map(group_of)))


def _peers(reference: Reference) -> dict[str, int]:
    of_all = {**reference.groups, **reference.classes}
    return {name: peers.vehicles for name, peers in sorted(of_all.items())}
