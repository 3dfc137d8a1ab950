"""Training, from a dataset to all that is kept of a model: itself, how good it is, what it saw.

How good it is, vehicles tell that it has not seen: a share of them is left out of a training of its
own, in turn where there are few of them. The model that is kept has learnt from all.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from analytics.training.dataset import Manifest
from analytics.training.drift import reference_of
from analytics.training.evaluation import COLUMNS, evaluated
from analytics.training.recipe import TrainingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date

    from numpy.typing import NDArray

    from analytics.training.dataset import Dataset
    from analytics.training.recipe import Recipe

HELD_OUT = 0.2
SEED = 5
"""Fixes who is left out and all that is drawn: the same data make the same model."""

CROSSED_ROWS = 20_000
"""Up to so many rows every vehicle is left out once; of more one share is, once and for all."""

REFERENCE_ROWS = 200_000
"""So many rows tell how inputs are distributed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Training:
    """What a training came to.

    Attributes:
        model: as its recipe made it.
        body: the model as a file.
        fingerprint: SHA-256 of its predictions: equal models have equal ones.
        data: first and last day it was trained on.
        dataset: the manifest of what it was trained on.
        evaluation: see `analytics.training.evaluation`.
        held: rows of vehicles that were left out: evaluation.COLUMNS.
        inputs: see `analytics.training.drift`.
        params: what was chosen, for whoever tracks it.
        code_version: of this code.
    """

    model: Any  # as its recipe made it
    body: bytes
    fingerprint: str
    data: tuple[date, date] | None
    dataset: dict[str, Any]
    evaluation: dict[str, Any]
    held: pd.DataFrame
    inputs: dict[str, Any]
    params: dict[str, Any]
    code_version: str


def trained(
    recipe: Recipe,
    dataset: Dataset,
    *,
    held_out: float = HELD_OUT,
    seed: int = SEED,
    progress: Callable[[str], None] = lambda _step: None,
) -> Training:
    """Train a model and find out how good it is.

    Of few rows one thread learns: several wait for each other longer than they work.

    Args:
        recipe: of the model.
        dataset: what it learns from.
        held_out: share of the vehicles that is left out at a time.
        seed: fixes who is, and all else that is drawn.
        progress: told what is being done.

    Raises:
        TrainingError: there is nothing to learn from, or columns are missing.
    """
    who = dataset.vehicles()
    if not len(who):
        raise TrainingError("there is nothing to learn from: analyse some days first")
    few = int(who["rows"].sum()) <= CROSSED_ROWS
    with threadpool_limits(limits=1 if few else None, user_api="openmp"):
        return _trained(recipe, dataset, who, held_out=held_out, seed=seed, progress=progress)


def _trained(
    recipe: Recipe,
    dataset: Dataset,
    who: pd.DataFrame,
    *,
    held_out: float,
    seed: int,
    progress: Callable[[str], None],
) -> Training:
    vehicles = who["vehicle"].to_numpy()
    folds = min(max(round(1 / held_out), 2), len(vehicles))
    fold = np.random.default_rng(seed).permutation(len(vehicles)) % folds
    held: list[pd.DataFrame] = []
    in_turn = int(who["rows"].sum()) <= CROSSED_ROWS
    for number in range(folds if in_turn else 1):
        if folds < 2:
            break
        progress(f"evaluating {number + 1}")
        out = vehicles[fold == number]
        model = recipe.train(_frames(dataset, recipe, out, inside=False), seed=seed)
        held.extend(_told(recipe, model, _frames(dataset, recipe, out, inside=True)))
    progress("training")
    manifest = Manifest(source=dataset.source, columns=tuple(recipe.columns))
    share = min(1.0, REFERENCE_ROWS / max(int(who["rows"].sum()), 1))
    sample = _Sample(recipe=recipe, share=share, seed=seed)
    model = recipe.train(sample.of(manifest.through(dataset.frames(recipe.columns))), seed=seed)
    rows = sample.rows()
    told = pd.concat(held, ignore_index=True) if held else pd.DataFrame(columns=[*COLUMNS])
    code_version = version("vehicle-telemetry")
    return Training(
        model=model,
        body=recipe.to_bytes(model),
        fingerprint=_fingerprint(recipe.predict(model, rows)),
        data=manifest.span,
        dataset=manifest.to_dict(),
        evaluation=evaluated(told) if len(told) else {"all": {"vehicles": 0, "rows": 0}},
        held=told,
        inputs=reference_of(rows, recipe.features),
        params={
            "model": recipe.name,
            "recipe_version": recipe.version,
            "seed": seed,
            "held_out": held_out,
            "left_out_in_turn": in_turn,
            "code_version": code_version,
        },
        code_version=code_version,
    )


def _frames(
    dataset: Dataset, recipe: Recipe, vehicles: NDArray[Any], *, inside: bool
) -> Iterator[pd.DataFrame]:
    """The rows of some vehicles, or of all others."""
    for frame in dataset.frames(recipe.columns):
        chosen = frame[frame["vehicle"].isin(vehicles) == inside]
        if len(chosen):
            yield chosen.reset_index(drop=True)


def _told(recipe: Recipe, model: Any, frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """What the model says of rows whose truth is known."""
    for frame in frames:
        rows = judged(recipe, model, frame)
        if len(rows):
            yield rows[[*COLUMNS]]


def judged(recipe: Recipe, model: Any, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows whose truth is known, with actual, expected, low and high."""
    actual = recipe.actual(rows)
    known = np.isfinite(actual)
    some = rows[known]
    told = recipe.predict(model, some)
    both = some.assign(
        actual=actual[known], expected=told["expected"], low=told["low"], high=told["high"]
    )
    finite: pd.DataFrame = both[np.isfinite(both["expected"].to_numpy())]
    return finite


@dataclass(kw_only=True, slots=True)
class _Sample:
    """Rows that tell how inputs are distributed, taken while they go by."""

    recipe: Recipe
    share: float
    seed: int
    _kept: list[pd.DataFrame] | None = None

    def of(self, frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        rng, self._kept = np.random.default_rng(self.seed), []
        for frame in frames:
            self._kept.append(frame[rng.random(len(frame)) < self.share])
            yield frame

    def rows(self) -> pd.DataFrame:
        return pd.concat(self._kept or [], ignore_index=True)


def _fingerprint(told: pd.DataFrame) -> str:
    return hashlib.sha256(told.to_numpy(dtype="<f8").tobytes()).hexdigest()
