"""Training: which vehicles a model learns from, which it is asked about, and how it did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analytics.fuel.evaluation import Held, metrics_of
from analytics.fuel.model_level import target_l
from analytics.fuel.segment_rows import trips_of_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analytics.fuel.model_level import Level
    from analytics.fuel.segment_rows import SegmentRows

CROSS_ROWS = 300_000  # up to so many segments every vehicle is left out once


def train_level(
    level: Level, rows: SegmentRows, *, held_out: float, seed: int, stage_rows: int
) -> dict[str, Any]:
    """Let a level learn, and its intervals and metrics come from vehicles that were left out.

    Args:
        level: what learns.
        rows: of the whole fleet.
        held_out: share of the vehicles that is left out at a time.
        seed: fixes who is, and all else that is drawn.
        stage_rows: a stage of the booster has so many rows at the most.

    Returns:
        As analytics.fuel.evaluation.metrics_of.
    """
    count = len(rows.vehicles)
    folds = min(max(round(1 / held_out), 2), count)
    fold = np.random.default_rng(seed).permutation(count) % max(folds, 1)
    crossed = len(rows) <= CROSS_ROWS
    everyone = np.ones(count, dtype=np.bool_)
    held: list[Held] = []
    for number in range(folds if crossed and folds > 1 else min(folds - 1, 1)):
        out = fold == number
        level.fit(rows, ~out, stage_rows=stage_rows, seed=seed)
        held.extend(_held(level, rows, out))
    told = Held.of(held)
    level.spread, level.physics_spread = told.spreads()
    if crossed or folds < 2:
        level.fit(rows, everyone, stage_rows=stage_rows, seed=seed)
    return metrics_of(told)


def _held(level: Level, rows: SegmentRows, vehicles: NDArray[np.bool_]) -> list[Held]:
    """What the level says of vehicles it has not learnt from."""
    told: list[dict[str, Any]] = []
    for found in rows.among(vehicles):
        block = level.usable(found)
        litres, by_model = level.litres(block.columns)
        told.append(
            {
                "vehicle": block.vehicle,
                "start_s": block.start_s,
                "duration_s": block.columns["duration_s"],
                "km": block.columns["distance_km"].astype(np.float64),
                "actual_l": target_l(block.columns),
                "expected_l": litres,
                "physics_l": level.physics_l(block.columns),
                "by_model": by_model,
            }
        )
    if not any(len(part["vehicle"]) for part in told):
        return []
    whole = {name: np.concatenate([part[name] for part in told]) for name in told[0]}
    start_s, duration_s = whole.pop("start_s"), whole.pop("duration_s")
    trip = trips_of_rows(whole["vehicle"], start_s, duration_s)
    return [Held(trip=trip, **whole)]


def window(rows: SegmentRows) -> dict[str, str]:
    """The days that were learnt from."""
    first = min(float(block.start_s.min()) for block in rows.blocks)
    last = max(float(block.start_s.max()) for block in rows.blocks)
    return {
        "data_from": pd.Timestamp(first, unit="s", tz="UTC").isoformat(),
        "data_to": pd.Timestamp(last, unit="s", tz="UTC").isoformat(),
    }
