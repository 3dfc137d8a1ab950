"""Weeks whose trips changed are scored anew: every trip, vehicle and driver, against the peers.

Peers are whoever drove: the driver where one is known, the vehicle where not, over the four weeks
that end with the one that is scored. Vehicles are read some at a time: what is kept of each is one
row of sums.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import pandas as pd

from analytics.behaviour import METHOD_VERSION
from analytics.ranking import PAST_WEEKS
from analytics.scores.reference import peer_reference, published
from analytics.scores.table import score_table
from analytics.scores.totals import added, totals
from analytics.scores.uncertainty import assumed, learn
from storage.score_tables import (
    changed_weeks,
    store_trip_scores,
    store_week_scores,
    vehicles_of_weeks,
    week_parts,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from analytics.runner.settings import AnalysisSettings
    from analytics.scores.reference import Reference
    from analytics.scores.settings import ScoreSettings
    from analytics.scores.table import Scores
    from analytics.scores.uncertainty import Variability
    from storage.connection import Connection
    from storage.score_tables import ChangedWeek

CHUNK = 500
"""Vehicles read at a time."""

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


def score_weeks(connection: Connection, settings: AnalysisSettings) -> int:
    """Score every week that changed; how many there were."""
    weeks = changed_weeks(connection, method_version=METHOD_VERSION)
    for week in weeks:
        _score(connection, week, settings.scores())
    return len(weeks)


def _score(connection: Connection, week: ChangedWeek, settings: ScoreSettings) -> None:
    yardstick = _yardstick(connection, week.week, settings)
    found = _Found()
    drivers: list[pd.DataFrame] = []
    for vehicle_ids, rows in _chunks(connection, week.week, week.week):
        _score_trips(connection, week.week, vehicle_ids, rows, yardstick)
        of_vehicles = totals(rows.assign(subject=rows["vehicle_id"], period=week.week))
        found.take("vehicle", yardstick.scores(of_vehicles), _zones(rows, "vehicle_id"))
        known = rows[rows["driver_id"] > 0]
        of_drivers = totals(known.assign(subject=known["driver_id"], period=week.week))
        zones = _zones(known, "driver_id")
        drivers.append(of_drivers.assign(time_zone=zones.reindex(_subjects(of_drivers)).to_numpy()))
    if drivers:
        of_drivers = pd.concat(drivers)
        zones = of_drivers.groupby(level="subject")["time_zone"].first()
        found.take("driver", yardstick.scores(added(of_drivers)), zones)
    store_week_scores(
        connection,
        week,
        found.scores,
        found.parts,
        yardstick.reference.table(),
        method_version=METHOD_VERSION,
    )


class _Found:
    """The scores of a week, some vehicles after the other."""

    def __init__(self) -> None:
        self._scores: list[pd.DataFrame] = [pd.DataFrame(columns=[*_KEYS, "time_zone"])]
        self._parts: list[pd.DataFrame] = [pd.DataFrame(columns=_KEYS)]

    def take(self, kind: str, scored: Scores, zones: pd.Series[str]) -> None:
        """Keep the scores of subjects of a kind, and the time zone of each."""
        subjects = _subjects(scored.table)
        self._scores.append(
            scored.table.assign(
                subject_kind=kind,
                subject_id=subjects,
                time_zone=zones.reindex(subjects).to_numpy(),
            )
        )
        self._parts.append(
            scored.contributions.rename(columns={"subject": "subject_id"}).assign(subject_kind=kind)
        )

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


def _subjects(totals: pd.DataFrame) -> pd.Index[int]:
    return totals.index.get_level_values("subject")


def _zones(rows: pd.DataFrame, subject: str) -> pd.Series[str]:
    """The time zone of each subject: that of its first trip in the week."""
    return rows.groupby(subject)["time_zone"].first()


def _chunks(
    connection: Connection, first: date, last: date
) -> Iterator[tuple[list[int], pd.DataFrame]]:
    """Some vehicles at a time, and the parts of their drives in these weeks."""
    vehicles = vehicles_of_weeks(connection, first, last)
    for begin in range(0, len(vehicles), CHUNK):
        chosen = vehicles[begin : begin + CHUNK]
        rows = week_parts(connection, first, last, vehicle_ids=chosen)
        yield chosen, rows[rows["kind"] == "drive"].reset_index(drop=True)


def _yardstick(connection: Connection, week: date, settings: ScoreSettings) -> _Yardstick:
    """What peers did in the weeks that end with this one."""
    sums: list[pd.DataFrame] = []
    sample: list[pd.DataFrame] = []
    learnt_from = 0
    for vehicle_ids, rows in _chunks(connection, week - timedelta(weeks=PAST_WEEKS - 1), week):
        whoever = rows["driver_id"].where(rows["driver_id"] > 0, -rows["vehicle_id"])
        by_subject = rows.assign(subject=whoever, period=week)
        sums.append(totals(by_subject))
        if learnt_from < LEARN_FROM:
            sample.append(by_subject)
            learnt_from += len(vehicle_ids)
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
