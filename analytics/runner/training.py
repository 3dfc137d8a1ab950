"""A model is trained, told of to MLflow, and kept: as champion where there is none, else beside it.

Segments of road teach what a segment needs; of fuel, sums of days teach what good vehicles and
drivers need, too, and are kept with the model.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from analytics.fuel.calibration import STATS_VERSION
from analytics.fuel.reference import learn_reference
from analytics.fuel.segments import SEGMENT_COLUMNS, SEGMENTS_VERSION
from analytics.runner.knowledge import as_json, group_of
from analytics.runner.tracking import TrackingError, tracked
from analytics.training import card
from analytics.training.fuel import FuelRecipe
from analytics.training.plots import plots
from analytics.training.recipe import TrainingError
from analytics.training.trainer import HELD_OUT, SEED, trained
from storage import fuel_models, models
from storage.models import FUEL, NewModel, Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import date
    from pathlib import Path

    import pandas as pd

    from analytics.fuel.reference import Reference
    from analytics.training.dataset import Dataset
    from analytics.training.recipe import Recipe
    from storage.connection import Connection
    from storage.fuel_models import TrainingData

MOST_SEGMENTS = 10_000_000
"""More are not read: whole vehicles, drawn, until there are so many. They take 2 GB."""

AT_ONCE = 100_000
"""Segments read at a time, by whole vehicles, one at the least: 80 MB."""


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


@dataclass(kw_only=True, slots=True)
class StoredSegments:
    """The segments that analysis has kept, as a dataset (`analytics.training.dataset.Dataset`).

    Attributes:
        connection: to the database.
        data: which days.
    """

    connection: Connection
    data: TrainingData
    _who: pd.DataFrame | None = field(default=None, init=False)

    @property
    def source(self) -> dict[str, Any]:
        """The database, and which days were wanted."""
        days = {name: str(day) for name, day in self.data.wanted.items() if day is not None}
        return {"source": "database", "table": "fuel_segment", **days}

    def vehicles(self) -> pd.DataFrame:
        """Who is in it: whole vehicles, MOST_SEGMENTS in all, drawn where there are more."""
        if self._who is None:
            there = fuel_models.vehicles_with_segments(
                self.connection, self.data, layout_version=SEGMENTS_VERSION
            ).rename(columns={"segments": "rows"})
            drawn = there.iloc[np.random.default_rng(SEED).permutation(len(there))]
            within = (drawn["rows"].cumsum() <= MOST_SEGMENTS).to_numpy()
            self._who = drawn[within].sort_values("vehicle").reset_index(drop=True)
        return self._who

    def frames(self, columns: Sequence[str]) -> Iterator[pd.DataFrame]:
        """Segments of whole vehicles, AT_ONCE at a time."""
        if missing := [name for name in columns if name not in SEGMENT_COLUMNS]:
            raise TrainingError(
                f"Segments in the database have no column {', '.join(missing)}: there are "
                f"{', '.join(SEGMENT_COLUMNS)}; --dataset names a folder of Parquet files."
            )
        who = self.vehicles()
        of_each = who.set_index("vehicle")
        for _, some in who.groupby(who["rows"].cumsum() // AT_ONCE):
            segments = fuel_models.read_segments(
                self.connection,
                some["vehicle"].tolist(),
                self.data,
                columns=SEGMENT_COLUMNS,
                layout_version=SEGMENTS_VERSION,
            )
            yield segments.assign(
                vehicle_class=segments["vehicle"].map(of_each["vehicle_class"]),
                region=segments["vehicle"].map(of_each["region"]),
            )


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
    progress: Callable[[str], None] = lambda _step: None,
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
        progress: told what is being done.

    Raises:
        TelemetryError: there is nothing to learn from, or the database refuses the model.
    """
    recipe = recipe or FuelRecipe(held_out=held_out)
    dataset = dataset or StoredSegments(connection=connection, data=data)
    training = trained(recipe, dataset, held_out=held_out, seed=seed, progress=progress)
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
