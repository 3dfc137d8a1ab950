"""Training, from a dataset to all that is kept of a model: itself, how good it is, what it saw.

How good it is, vehicles tell that it has not seen: a share of them is left out of a training of its
own, in turn where there are few of them. The model that is kept has learnt from all. These rounds
do not depend on each other, and each reads the dataset by itself: whoever does them, in whatever
order, it is the same to the bit.
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Course:
    """What is trained, in rounds: each leaves a share of the vehicles out, the last one none.

    Attributes:
        recipe: of the model.
        who: the dataset's vehicles.
        held_out: share of them that is left out at a time.
        seed: fixes who is, and all else that is drawn.
    """

    recipe: Recipe
    who: pd.DataFrame
    held_out: float = HELD_OUT
    seed: int = SEED

    @property
    def is_small(self) -> bool:
        """Whether every vehicle is left out once."""
        return int(self.who["rows"].sum()) <= CROSSED_ROWS

    @property
    def rounds(self) -> tuple[int | None, ...]:
        """The shares that are left out, by number; None: the model that is kept."""
        folds = self._folds
        return (*range((folds if self.is_small else 1) if folds > 1 else 0), None)

    def left_out(self, number: int) -> NDArray[Any]:
        """The vehicles of a share."""
        fold = np.random.default_rng(self.seed).permutation(len(self.who)) % self._folds
        chosen: NDArray[Any] = self.who["vehicle"].to_numpy()[fold == number]
        return chosen

    @property
    def _folds(self) -> int:
        return min(max(round(1 / self.held_out), 2), len(self.who))


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """The model that is kept, and what it saw: see `Training`."""

    model: Any  # as its recipe made it
    fingerprint: str
    data: tuple[date, date] | None
    dataset: dict[str, Any]
    inputs: dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Round:
    """What came of a round.

    Attributes:
        number: the share that was left out; None: none was.
        held: what the model says of that share: evaluation.COLUMNS; None: it had nothing to tell.
        kept: the model, where none was left out.
    """

    number: int | None
    held: pd.DataFrame | None = None
    kept: Kept | None = None


def trained(
    recipe: Recipe,
    dataset: Dataset,
    *,
    held_out: float = HELD_OUT,
    seed: int = SEED,
    rounds: Callable[[Course], Iterator[Round]] | None = None,
    progress: Callable[[int, int], None] = lambda _done, _of: None,
) -> Training:
    """Train a model and find out how good it is.

    Args:
        recipe: of the model.
        dataset: what it learns from.
        held_out: share of the vehicles that is left out at a time.
        seed: fixes who is, and all else that is drawn.
        rounds: does the rounds of a course, in any order; None: they are done here.
        progress: told how many rounds are done, and of how many.

    Raises:
        TrainingError: there is nothing to learn from, or columns are missing.
    """
    course = Course(recipe=recipe, who=dataset.vehicles(), held_out=held_out, seed=seed)
    if not len(course.who):
        raise TrainingError("there is nothing to learn from: analyse some days first")
    done: list[Round] = []
    progress(0, len(course.rounds))
    for one in rounds(course) if rounds else each_round(course, dataset):
        done.append(one)
        progress(len(done), len(course.rounds))
    (kept,) = (one.kept for one in done if one.kept is not None)
    held = {one.number: one.held for one in done if one.held is not None}
    told = [held[number] for number in course.rounds if number in held]
    return _training(course, kept, pd.concat(told, ignore_index=True) if told else None)


def each_round(course: Course, dataset: Dataset) -> Iterator[Round]:
    """Do all rounds here, one after another."""
    return (do_round(course, dataset, number) for number in course.rounds)


def do_round(course: Course, dataset: Dataset, number: int | None) -> Round:
    """Train once, and ask about the vehicles that were left out.

    Of few rows one thread learns: several wait for each other longer than they work. Linear algebra
    has one in any case: its sums differ in the last digit by how many share them.

    Args:
        course: what is trained.
        dataset: what it learns from.
        number: the share that is left out; None: none is.

    Raises:
        TrainingError: there is nothing to learn from, or columns are missing.
    """
    with (
        threadpool_limits(limits=1, user_api="blas"),
        threadpool_limits(limits=1 if course.is_small else None, user_api="openmp"),
    ):
        if number is None:
            return Round(number=None, kept=_kept(course, dataset))
        recipe, out = course.recipe, course.left_out(number)
        model = recipe.train(_frames(dataset, recipe, out, inside=False), seed=course.seed)
        held = [*_told(recipe, model, _frames(dataset, recipe, out, inside=True))]
        return Round(number=number, held=pd.concat(held, ignore_index=True) if held else None)


def _kept(course: Course, dataset: Dataset) -> Kept:
    recipe, seed = course.recipe, course.seed
    manifest = Manifest(source=dataset.source, columns=tuple(recipe.columns))
    share = min(1.0, REFERENCE_ROWS / max(int(course.who["rows"].sum()), 1))
    sample = _Sample(recipe=recipe, share=share, seed=seed)
    model = recipe.train(sample.of(manifest.through(dataset.frames(recipe.columns))), seed=seed)
    rows = sample.rows()
    return Kept(
        model=model,
        fingerprint=_fingerprint(recipe.predict(model, rows)),
        data=manifest.span,
        dataset=manifest.to_dict(),
        inputs=reference_of(rows, recipe.features),
    )


def _training(course: Course, kept: Kept, held: pd.DataFrame | None) -> Training:
    recipe, code_version = course.recipe, version("vehicle-telemetry")
    told = pd.DataFrame(columns=[*COLUMNS]) if held is None else held
    return Training(
        model=kept.model,
        body=recipe.to_bytes(kept.model),
        fingerprint=kept.fingerprint,
        data=kept.data,
        dataset=kept.dataset,
        evaluation=evaluated(told) if len(told) else {"all": {"vehicles": 0, "rows": 0}},
        held=told,
        inputs=kept.inputs,
        params={
            "model": recipe.name,
            "recipe_version": recipe.version,
            "seed": course.seed,
            "held_out": course.held_out,
            "left_out_in_turn": course.is_small,
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
