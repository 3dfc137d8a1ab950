"""Weeks whose trips changed are scored anew: every trip, vehicle and driver, against the peers.

Peers are whoever drove: the driver where one is known, the vehicle where not, over the four weeks
that end with the one that is scored. Each week is compared with the subject's own four before it,
too. Vehicles are read some at a time: what is kept of each is one row of sums.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import pandas as pd

from analytics.behaviour import METHOD_VERSION
from analytics.ranking import PAST_WEEKS, trend
from analytics.runner.failures import Failures
from analytics.scores.reference import peer_reference, published
from analytics.scores.table import score_table
from analytics.scores.totals import added, totals
from analytics.scores.uncertainty import assumed, learn
from storage.connection import locked
from storage.score_tables import (
    ChangedWeek,
    changed_weeks,
    store_trip_scores,
    store_week_scores,
    vehicles_of_weeks,
    week_parts,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from analytics.runner.settings import AnalysisSettings
    from analytics.scores.reference import Reference
    from analytics.scores.settings import ScoreSettings
    from analytics.scores.table import Scores
    from analytics.scores.uncertainty import Variability
    from storage.connection import Connection

LOCK = "telemetry.scores"
"""Whoever scores weeks holds this advisory lock; another one waits, and finds less to do."""

CHUNK = 500
"""Vehicles, or drivers, read at a time."""

NOBODY = 0
"""The driver's number where nobody is known."""

LEARN_FROM = 2 * CHUNK
"""Vehicles whose trips tell how far chance moves values: more would tell no more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Yardstick:
    """What a week's scores are measured with."""

    settings: ScoreSettings
    reference: Reference
    variability: Variability

    def scores(self, sums: pd.DataFrame, *, least_km: float | None = None) -> Scores:
        """Scores of totals."""
        return score_table(sums, self.reference, self.variability, self.settings, least_km=least_km)


def score_weeks(
    connection: Connection, settings: AnalysisSettings, failures: Failures | None = None
) -> int:
    """Score every week that changed, and those it is the past of; how many there were.

    The latest first: once a changed week is marked as scored, all that follows from it is done.
    """
    with locked(connection, LOCK):
        return _score_weeks(connection, settings.scores(), failures or Failures())


def _score_weeks(connection: Connection, settings: ScoreSettings, failures: Failures) -> int:
    changed = {week.week: week for week in changed_weeks(connection, method_version=METHOD_VERSION)}
    follow = {week + timedelta(weeks=n) for week in changed for n in range(1, PAST_WEEKS + 1)}
    scored = 0
    for monday in sorted(changed.keys() | follow, reverse=True):
        week = changed.get(monday, ChangedWeek(week=monday, touches={}))
        if not (week.touches or vehicles_of_weeks(connection, monday, monday)):
            continue
        failed_before = failures.count
        with failures.left_out([monday], partial(_concerns, monday)):
            _score(connection, week, settings)
            scored += 1
        if failures.count > failed_before:
            # What comes before it would be marked as scored, and this not be tried again.
            break
    return scored


def _concerns(week: date) -> dict[str, str]:
    return {"week": str(week)}


def _score(connection: Connection, week: ChangedWeek, settings: ScoreSettings) -> None:
    yardstick = _yardstick(connection, week.week, settings)
    found = _Found(week.week, yardstick)
    drivers: set[int] = set()
    first = week.week - timedelta(weeks=PAST_WEEKS)
    for chosen in _some(vehicles_of_weeks(connection, week.week, week.week)):
        rows = _at_work(week_parts(connection, first, week.week, vehicle_ids=chosen))
        now = found.take("vehicle", rows.assign(subject=rows["vehicle_id"]))
        drivers |= set(now["driver_id"].unique().tolist()) - {NOBODY}
        _score_trips(connection, week.week, chosen, now, yardstick)
    for chosen in _some(sorted(drivers)):
        rows = _at_work(week_parts(connection, first, week.week, driver_ids=chosen))
        found.take("driver", rows.assign(subject=rows["driver_id"]))
    store_week_scores(
        connection,
        week,
        found.scores,
        found.parts,
        yardstick.reference.table(),
        method_version=METHOD_VERSION,
    )


class _Found:
    """The scores of a week, some subjects after the other."""

    def __init__(self, week: date, yardstick: _Yardstick) -> None:
        self._week, self._yardstick = week, yardstick
        self._scores: list[pd.DataFrame] = [pd.DataFrame(columns=[*_KEYS, "time_zone"])]
        self._parts: list[pd.DataFrame] = [pd.DataFrame(columns=_KEYS)]

    def take(self, kind: str, rows: pd.DataFrame) -> pd.DataFrame:
        """Score the subjects of some parts, and compare each with its own past.

        Args:
            kind: vehicle or driver.
            rows: parts of the week and of the weeks before it, with their subject.

        Returns:
            Those of the week.
        """
        measure = self._yardstick
        now = rows[pd.to_datetime(rows["week"]) == pd.Timestamp(self._week)]
        scored = measure.scores(totals(now.assign(period=self._week)))
        table = scored.table.droplevel("period").join(now.groupby("subject")["time_zone"].first())
        moved = trend(rows, self._week, measure.reference, measure.variability, measure.settings)
        table = table.join(moved.table.drop(columns="score").rename(columns={"word": "trend"}))
        self._scores.append(table.rename_axis("subject_id").reset_index().assign(subject_kind=kind))
        self._parts.append(
            scored.contributions.rename(columns={"subject": "subject_id"}).assign(subject_kind=kind)
        )
        return now

    @property
    def scores(self) -> pd.DataFrame:
        return _joined(self._scores)

    @property
    def parts(self) -> pd.DataFrame:
        return _joined(self._parts)


_KEYS = ["subject_kind", "subject_id"]


def _joined(frames: list[pd.DataFrame]) -> pd.DataFrame:
    filled = [frame for frame in frames if len(frame)]
    return pd.concat(filled, ignore_index=True) if filled else frames[0]


def _some(numbers: Sequence[int]) -> Iterator[list[int]]:
    """Numbers of vehicles or drivers, CHUNK at a time."""
    for begin in range(0, len(numbers), CHUNK):
        yield list(numbers[begin : begin + CHUNK])


def _at_work(parts: pd.DataFrame) -> pd.DataFrame:
    """The parts in which somebody was at work: nobody is judged by how a vehicle was towed."""
    return parts[parts["kind"].isin(("drive", "idle"))].reset_index(drop=True)


def _yardstick(connection: Connection, week: date, settings: ScoreSettings) -> _Yardstick:
    """What peers did in the weeks that end with this one."""
    sums: list[pd.DataFrame] = []
    sample: list[pd.DataFrame] = []
    learnt_from = 0
    first = week - timedelta(weeks=PAST_WEEKS - 1)
    for chosen in _some(vehicles_of_weeks(connection, first, week)):
        rows = _at_work(week_parts(connection, first, week, vehicle_ids=chosen))
        whoever = rows["driver_id"].where(rows["driver_id"] != NOBODY, -rows["vehicle_id"])
        by_subject = rows.assign(subject=whoever, period=week)
        sums.append(totals(by_subject))
        if learnt_from < LEARN_FROM:
            sample.append(by_subject)
            learnt_from += len(chosen)
    if not sums:
        return _Yardstick(
            settings=settings, reference=published(settings), variability=assumed(settings)
        )
    return _Yardstick(
        settings=settings,
        reference=peer_reference(added(pd.concat(sums)), settings),
        variability=learn(pd.concat(sample, ignore_index=True), settings),
    )


def _score_trips(
    connection: Connection,
    week: date,
    vehicle_ids: list[int],
    rows: pd.DataFrame,
    yardstick: _Yardstick,
) -> None:
    of_trips = totals(rows.assign(subject=rows["vehicle_id"], period=rows["trip_start"]))
    scored = yardstick.scores(of_trips, least_km=yardstick.settings.least_trip_km)
    names = {"subject": "vehicle_id", "period": "start_time"}
    trips = rows.groupby(["vehicle_id", "trip_start"]).agg(
        end_time=("end_time", "max"), time_zone=("time_zone", "first")
    )
    store_trip_scores(
        connection,
        week,
        vehicle_ids,
        scored.table.join(trips.rename_axis(["subject", "period"]))
        .reset_index()
        .rename(columns=names),
        scored.contributions.rename(columns=names),
        method_version=METHOD_VERSION,
    )
