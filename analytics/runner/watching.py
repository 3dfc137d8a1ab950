"""Models on new days: what each would have said, how far off it was, and what has drifted.

Champion and candidates predict the same vehicle-days, those that analysis has worked up and that
lie after a model's training. Only sums are kept. A vehicle-day whose segments were found again is
predicted again. Drift is told by week, of champions.
"""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from analytics.fuel.segments import SEGMENT_COLUMNS, SEGMENTS_VERSION
from analytics.runner.challenge import loaded
from analytics.training.drift import errors_drifted, inputs_drifted
from analytics.training.trainer import judged
from schemas.errors import TelemetryError
from storage import fuel_models, model_errors, models
from storage.fuel_models import TrainingData
from storage.model_errors import Drift
from storage.models import Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import pandas as pd

    from analytics.training.recipe import Recipe
    from storage.connection import Connection
    from storage.models import Model

logger = logging.getLogger(__name__)

WEEK = timedelta(days=7)

CANDIDATES = 3
"""So many of a kind predict beside the champion, the newest: each costs as much as it does."""

DRIFT_SEGMENTS = 100_000
"""So many of a week tell how inputs are distributed, by whole vehicles that are drawn."""

DRIFT_WEEKS = 4
"""Weeks whose drift is told anew, the present one among them."""

SEED = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Watched:
    """What watching came to."""

    judged: int
    """Vehicle-days that were predicted, by each model."""
    weeks: int
    """Weeks of models whose drift was told."""


def watch(
    connection: Connection,
    *,
    module: str | None = None,
    today: date | None = None,
    stopping: Callable[[], bool] = lambda: False,
) -> Watched:
    """Let champions and candidates predict what is new, and tell what has drifted.

    A model that cannot be loaded is logged and left out.

    Args:
        connection: an autocommit connection.
        module: where the code of a model of one's own is, unless an entry point or the setting
            (`analytics.runner.own_models`) says so.
        today: the present day; None: by the clock.
        stopping: asked now and then whether to leave the rest to the next run.
    """
    count = weeks = 0
    since = _monday(today or datetime.now(tz=UTC).date()) - (DRIFT_WEEKS - 1) * WEEK
    for model in _watched(connection):
        try:
            recipe, ready = loaded(connection, model, module)
        except TelemetryError as error:
            logger.error("model %d is not watched: %s", model.model_id, error)  # noqa: TRY400
            continue
        touched: set[date] = set()
        while not stopping():
            days = _judge(connection, model, recipe, ready)
            if not len(days):
                break
            count += len(days)
            touched |= {_monday(day) for day in days["day"]}
        if model.stage == Stage.CHAMPION:
            for week in sorted(week for week in touched if week >= since):
                weeks += _tell_drift(connection, model, week)
    return Watched(judged=count, weeks=weeks)


def _watched(connection: Connection) -> list[Model]:
    champions = models.in_stage(connection, Stage.CHAMPION)
    found = []
    for champion in champions:
        candidates = models.in_stage(connection, Stage.CANDIDATE, champion.kind)
        found += [champion, *candidates[:CANDIDATES]]
    return found


def _judge(
    connection: Connection,
    model: Model,
    recipe: Recipe,
    ready: Any,  # as its recipe made it
) -> pd.DataFrame:
    """Predict vehicle-days that wait, and keep how far off it was; which they were."""
    days = model_errors.days_to_judge(connection, model.model_id, model.data_to)
    if not len(days):
        return days
    segments = _segments(connection, days["vehicle"].unique(), days["day"].min())
    classes = days.drop_duplicates("vehicle").set_index("vehicle")["vehicle_class"]
    segments = segments.assign(
        vehicle_class=segments["vehicle"].map(classes), region=None, day=segments["day"].dt.date
    )
    segments = segments.merge(days[["vehicle", "day", "worked"]], on=["vehicle", "day"])
    told = judged(recipe, ready, segments)
    off = told["expected"] - told["actual"]
    told = told.assign(signed=off, absolute=off.abs(), actual=told["actual"].abs())
    grouped = told.groupby(["vehicle", "day"])
    sums = grouped[["actual", "signed", "absolute"]].sum().assign(rows=grouped.size())
    kept = days.merge(sums.reset_index(), on=["vehicle", "day"], how="left")
    kept = kept.fillna(dict.fromkeys(("actual", "signed", "absolute", "rows"), 0))
    model_errors.store_errors(connection, model.model_id, kept.astype({"rows": int}))
    return days


def _tell_drift(connection: Connection, model: Model, week: date) -> int:
    """Tell what has drifted in a week; whether anything can be told of it."""
    if model.data_to is not None and week + WEEK - timedelta(days=1) <= model.data_to:
        return 0
    at_training = model.evaluation.get("all", {})
    found = errors_drifted(
        dict(at_training), model_errors.of_week(connection, model.model_id, week)
    )
    if model.inputs:
        rows = _drawn(connection, week)
        found += inputs_drifted(dict(model.inputs), rows) if len(rows) else []
    kept = [Drift(week=week, **asdict(one)) for one in found]
    model_errors.store_drift(connection, model.model_id, week, kept)
    return int(bool(kept))


def _drawn(connection: Connection, week: date) -> pd.DataFrame:
    """Segments of a week, of whole vehicles, DRIFT_SEGMENTS at the most but of one at the least."""
    of_week = TrainingData(first=week, last=week + WEEK - timedelta(days=1))
    there = fuel_models.vehicles_with_segments(connection, of_week, layout_version=SEGMENTS_VERSION)
    drawn = there.iloc[np.random.default_rng(SEED).permutation(len(there))]
    within = (drawn["segments"].cumsum().shift(fill_value=0) < DRIFT_SEGMENTS).to_numpy()
    return _segments(connection, drawn[within]["vehicle"], week, of_week.last)


def _segments(
    connection: Connection, vehicles: Iterable[int], first: date, last: date | None = None
) -> pd.DataFrame:
    return fuel_models.read_segments(
        connection,
        [int(vehicle) for vehicle in vehicles],
        TrainingData(first=first, last=last),
        columns=SEGMENT_COLUMNS,
        layout_version=SEGMENTS_VERSION,
    )


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
