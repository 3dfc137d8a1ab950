"""A model of fuel is learnt from what analysis kept of all vehicles, stored, and used from then on.

Segments of road teach what a segment needs; sums of days teach what good vehicles and drivers need.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from analytics.fuel.calibration import STATS_VERSION
from analytics.fuel.model import HELD_OUT, SegmentModel
from analytics.fuel.reference import learn_reference
from analytics.fuel.segments import SEGMENT_COLUMNS, SEGMENTS_VERSION
from analytics.runner.knowledge import as_json, group_of
from storage import fuel_models

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    import pandas as pd

    from analytics.fuel.reference import Reference
    from storage.connection import Connection
    from storage.fuel_models import TrainingData

MOST_SEGMENTS = 10_000_000
"""More are not read: whole vehicles, drawn, until there are so many. They take 2 GB."""

AT_ONCE = 100_000
"""Segments read at a time, by whole vehicles, one at the least: 80 MB."""

SEED = 5
"""Fixes who is drawn and who is left out: the same data make the same model."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Trained:
    """What a training came to.

    Attributes:
        model_id: of the model that is stored and used now.
        data: first and last day it was trained on.
        vehicles, segments: how many it was trained on.
        metrics: of vehicles that were left out, by level: see `analytics.fuel.evaluation`.
        peers: by model and class of vehicle, how many peers tell what is good.
    """

    model_id: int
    data: tuple[date, date] | None
    vehicles: int
    segments: int
    metrics: dict[str, dict[str, Any]]
    peers: dict[str, int]


def train(
    connection: Connection,
    data: TrainingData,
    *,
    held_out: float = HELD_OUT,
    note: str | None = None,
) -> Trained:
    """Train a model, store it and use it; the last weeks of all vehicles wait again.

    Args:
        connection: an autocommit connection.
        data: which days are learnt from.
        held_out: share of the vehicles that is left out at a time, to measure how good it is.
        note: kept with the model.

    Raises:
        SegmentError: there is nothing to learn from.
        StorageError: the database refuses the model.
    """
    model = SegmentModel.train(_chunks(connection, data), held_out=held_out, seed=SEED)
    stats = fuel_models.stats_of_vehicles(connection, data, stats_version=STATS_VERSION)
    reference = learn_reference(stats.assign(group=stats["vin"].map(group_of)))
    peers = _peers(reference)
    body = model.to_bytes()
    packed = SegmentModel.from_bytes(body)
    span = fuel_models.data_span(connection, data, layout_version=SEGMENTS_VERSION)
    model_id = fuel_models.store_model(
        connection,
        body,
        data=span,
        code_version=str(packed.metadata["code_version"]),
        metrics=as_json(packed.metadata | {"peers": peers}),
        reference=as_json(reference.to_dict()),
        note=note,
    )
    return Trained(
        model_id=model_id,
        data=span,
        vehicles=int(model.metadata["vehicles"]),
        segments=int(model.metadata["segments"]),
        metrics=model.metadata["metrics"],
        peers=peers,
    )


def roll_back(connection: Connection, model_id: int) -> None:
    """Use a model again that was stored before; the last weeks of all vehicles wait again.

    Raises:
        StorageError: there is no such model.
        ModelFileError: it cannot be loaded, or was changed. The one before is still used.
    """
    body, checksum = fuel_models.body_of(connection, model_id)
    SegmentModel.from_bytes(body, checksum=checksum)
    fuel_models.use(connection, model_id)


def _peers(reference: Reference) -> dict[str, int]:
    of_all = {**reference.groups, **reference.classes}
    return {name: peers.vehicles for name, peers in sorted(of_all.items())}


def _chunks(connection: Connection, data: TrainingData) -> Iterator[pd.DataFrame]:
    """Segments of whole vehicles, AT_ONCE at a time, MOST_SEGMENTS in all."""
    there = fuel_models.vehicles_with_segments(connection, data, layout_version=SEGMENTS_VERSION)
    drawn = there.iloc[np.random.default_rng(SEED).permutation(len(there))]
    drawn = drawn[(drawn["segments"].cumsum() <= MOST_SEGMENTS).to_numpy()].sort_values("vehicle")
    classes = drawn.set_index("vehicle")["vehicle_class"]
    for _, some in drawn.groupby(drawn["segments"].cumsum() // AT_ONCE):
        segments = fuel_models.read_segments(
            connection,
            some["vehicle"].tolist(),
            data,
            columns=SEGMENT_COLUMNS,
            layout_version=SEGMENTS_VERSION,
        )
        yield segments.assign(vehicle_class=segments["vehicle"].map(classes))
