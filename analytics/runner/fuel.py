"""Vehicle-weeks whose trips changed: what they needed, why, and what advice follows from it.

A week is worked up as a whole, the oldest first: what a vehicle is (its calibration) is learnt from
the week and the three before it, what it used to be from those before that. Sums of days are all
that is kept for it. One run at a time works up a vehicle; another one waits, and finds less to do.
What fails because of a vehicle's data fails for that week alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from analytics.fuel.calibration import STAT_CELLS, STATS_VERSION, calibrate, day_statistics
from analytics.fuel.causes import attribute
from analytics.fuel.consumption import METHOD_VERSION as CONSUMPTION_VERSION
from analytics.fuel.consumption import consumption
from analytics.fuel.model import expected_of_parts
from analytics.fuel.payload import empty_mass_kg
from analytics.fuel.segments import SEGMENT_COLUMNS, SEGMENTS_VERSION, segments_of
from analytics.fuel.tank import METHOD_VERSION as TANK_VERSION
from analytics.fuel.tank import events_of
from analytics.fuel.tank_trace import tank_trace
from analytics.runner.advice import advise_week
from analytics.runner.fuel_days import FuelDays
from analytics.runner.knowledge import known
from storage import fuel
from storage.behaviour import judged_as
from storage.connection import locked
from storage.registers import vin_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from numpy.typing import NDArray

    from analytics.fuel.calibration import Calibration
    from analytics.runner.failures import Failures
    from analytics.runner.knowledge import Knowledge
    from analytics.runner.settings import AnalysisSettings
    from schemas.catalogue import Catalogue
    from storage.behaviour import JudgedAs
    from storage.connection import Connection
    from storage.fuel import FuelOfWeek, FuelWeek

    Stats = Mapping[date, NDArray[np.float64]]

METHOD_VERSION = 1 + CONSUMPTION_VERSION + TANK_VERSION + STATS_VERSION + SEGMENTS_VERSION
"""Raised when the same rows would give another fuel, or other causes: any of these does it."""

CALIBRATED_WEEKS = 4
"""Weeks that tell what a vehicle is, the one that is worked up among them."""

BASELINE_WEEKS = 8
"""Weeks before those, which tell what it was."""

REACHES = CALIBRATED_WEEKS + BASELINE_WEEKS - 1
"""So many weeks later the sums of a week are still used."""

LONGEST_TRIP = timedelta(days=3)
"""What goes on for longer is no trip but a stuck sensor, and memory does not hold it."""

TANK_BEFORE = timedelta(hours=1)
"""How much of the last trip before a week is read, for what the tank held before it rested."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FuelWork:
    """What weeks are worked up with.

    Attributes:
        connection: results are written over it.
        reading: rows are read over it; None: over `connection`.
        catalogue: the catalogue the database was migrated to.
        complete_from: the first day (UTC) whose raw rows are all kept.
        settings: what a fleet may decide.
        failures: what could not be worked up.
    """

    connection: Connection
    reading: Connection | None
    catalogue: Catalogue
    complete_from: date
    settings: AnalysisSettings
    failures: Failures

    @property
    def kept_from(self) -> date:
        """The first local day, wherever that is, whose raw rows are all kept."""
        return self.complete_from + timedelta(days=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class FuelFound:
    """What working up fuel came to."""

    weeks: int
    """Vehicle-weeks whose fuel was worked up."""
    advice: int
    """Pieces of advice that were given, anew or again."""


def work_up_fuel(
    work: FuelWork, *, vin: str | None = None, stopping: Callable[[], bool] = lambda: False
) -> FuelFound:
    """Work up the fuel of every vehicle-week that waits, and give advice on it.

    Args:
        work: what with.
        vin: only of this vehicle; None: of all.
        stopping: asked after every week whether to leave the rest to the next run.
    """
    vehicles = prepare_fuel(work, vin=vin)
    weeks = advice = 0
    knowledge = known(work.connection) if vehicles else None
    for vehicle_id in vehicles:
        if knowledge is None or stopping():
            break
        found = work_up_vehicle(work, vehicle_id, knowledge, stopping=stopping)
        weeks, advice = weeks + found.weeks, advice + found.advice
    return FuelFound(weeks=weeks, advice=advice)


def prepare_fuel(work: FuelWork, *, vin: str | None = None) -> list[int]:
    """Let weeks of older methods wait again; the vehicles that have weeks that wait."""
    fuel.redo_older(work.connection, method_version=METHOD_VERSION, kept_from=work.kept_from)
    return fuel.waiting_vehicles(work.connection, kept_from=work.kept_from, vin=vin)


def work_up_vehicle(
    work: FuelWork,
    vehicle_id: int,
    knowledge: Knowledge,
    *,
    stopping: Callable[[], bool] = lambda: False,
) -> FuelFound:
    """Work up the weeks of a vehicle that wait, and give advice on them."""
    weeks = advice = 0
    with locked(work.connection, f"telemetry.fuel {vehicle_id}"):
        # A week may let later ones wait again: it is asked anew after each.
        while (week := _next(work, vehicle_id)) is not None and not stopping():
            with work.failures.left_out([week], partial(_concerns, work, week)):
                if week.to_work_up:
                    weeks += _work_up(work, week, knowledge)
                advice += advise_week(work.connection, week, work.settings.advice())
    return FuelFound(weeks=weeks, advice=advice)


def _next(work: FuelWork, vehicle_id: int) -> FuelWeek | None:
    waiting = fuel.waiting_weeks(work.connection, vehicle_id, kept_from=work.kept_from)
    return next((week for week in waiting if week not in work.failures), None)


def _concerns(work: FuelWork, week: FuelWeek) -> dict[str, str]:
    return {"vin": vin_of(work.connection, week.vehicle_id), "fuel of week": str(week.week)}


def _work_up(work: FuelWork, week: FuelWeek, knowledge: Knowledge) -> bool:
    """Work up a week and store it; whether it was, and not overtaken by another run."""
    judged = judged_as(work.connection, week.vehicle_id)
    found = _found(work, week, judged, knowledge)
    start = max(week.week, work.kept_from)
    return fuel.store_week(
        work.connection,
        week,
        found,
        span=(_midnight(start, judged), _midnight(week.week + fuel.WEEK, judged)),
        kept_from=work.kept_from,
        reaches=REACHES,
        model_id=knowledge.model_id,
        method_version=METHOD_VERSION,
        stats_version=STATS_VERSION,
        layout_version=SEGMENTS_VERSION,
    )


def _found(work: FuelWork, week: FuelWeek, judged: JudgedAs, knowledge: Knowledge) -> FuelOfWeek:
    parts = fuel.parts_of_week(work.connection, week.vehicle_id, week.week)
    lasted = parts["end_time"] - parts["trip_start"]
    parts = parts[(parts["day"] >= work.kept_from) & (lasted <= LONGEST_TRIP)]
    parts = parts.reset_index(drop=True)
    days = FuelDays(
        connection=work.reading or work.connection,
        catalogue=work.catalogue,
        vehicle_id=week.vehicle_id,
        parts=parts,
    )
    vehicle_class = judged.vehicle_class
    # Of a week in which a vehicle was never empty nobody would know what it weighs without a load.
    empty_kg = empty_mass_kg(
        *fuel.masses(work.connection, week.vehicle_id, week.week - REACHES * fuel.WEEK, week.week)
    )
    stats: dict[date, NDArray[np.float64]] = {}
    needed, segments = [], []
    traces = [_tank_before(work, days, _midnight(max(week.week, work.kept_from), judged))]
    for day, samples, of_day in days.each():
        stats[day] = day_statistics(samples, vehicle_class=vehicle_class)
        needed.append(consumption(samples, of_day, empty_mass_kg=empty_kg))
        segments.append(segments_of(samples, of_day).assign(day=day))
        traces.append(tank_trace(samples))
    all_segments = _joined(segments, ["start_time", "day", *SEGMENT_COLUMNS])
    expected = expected_of_parts(all_segments, parts, knowledge.model, vehicle_class=vehicle_class)
    calibration, baseline = _calibrations(work, week, stats, vehicle_class)
    peers = knowledge.peers(vin_of(work.connection, week.vehicle_id), vehicle_class)
    causes = [
        attribute(
            samples, calibration, peers, of_day, baseline=baseline, vehicle_class=vehicle_class
        )
        for _, samples, of_day in days.each()
    ]
    of_parts = _joined(needed, ["part_start"])
    known = [name for name in of_parts.columns if name in parts.columns and name != "part_start"]
    return fuel.FuelOfWeek(
        parts=parts.merge(of_parts.drop(columns=known), on="part_start", how="left").merge(
            expected, on="part_start", how="left"
        ),
        causes=_joined(causes, ["part_start", "cause", "litres", "low_l", "high_l"]),
        tank_events=_of_span(
            events_of(pd.concat(traces, ignore_index=True)),
            _midnight(max(week.week, work.kept_from), judged),
            _midnight(week.week + fuel.WEEK, judged),
        ),
        stats=stats,
        segments=all_segments[["start_time", "day"]].assign(
            cells=list(all_segments[list(SEGMENT_COLUMNS)].to_numpy(dtype="float64"))
        ),
    )


def _tank_before(work: FuelWork, days: FuelDays, start: datetime) -> pd.DataFrame:
    """What the tank held before it rested up to a week: what happens then shows in the week."""
    last = fuel.part_before(work.connection, days.vehicle_id, start)
    if last is None:
        return tank_trace(days.read(start, start))
    began, ended = last
    return tank_trace(days.read(max(began, ended - TANK_BEFORE), min(ended, start)))


def _calibrations(
    work: FuelWork, week: FuelWeek, stats: Stats, vehicle_class: str
) -> tuple[Calibration, Calibration | None]:
    """What the vehicle is, and what it was before that: None where nothing is known of that."""
    first = week.week - REACHES * fuel.WEEK
    before = fuel.read_stats(
        work.connection, week.vehicle_id, first, week.sunday, stats_version=STATS_VERSION
    )
    lately = week.week - (CALIBRATED_WEEKS - 1) * fuel.WEEK
    now = {day: sums for day, sums in before.items() if day >= lately}
    now = {day: sums for day, sums in now.items() if day < max(week.week, work.kept_from)}
    # A vehicle that is new here is compared with its first weeks.
    earlier = [sums for day, sums in before.items() if day < lately] or [
        sums for day, sums in before.items() if day < week.week
    ]
    calibration = calibrate(_added([*now.values(), *stats.values()]), vehicle_class=vehicle_class)
    if not earlier:
        return calibration, None
    return calibration, calibrate(_added(earlier), vehicle_class=vehicle_class)


def _added(sums: Iterable[NDArray[np.float64]]) -> NDArray[np.float64]:
    total = np.zeros(STAT_CELLS)
    for each in sums:
        total += each
    return total


def _joined(frames: list[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    filled = [frame for frame in frames if len(frame)]
    if filled:
        return pd.concat(filled, ignore_index=True)
    return frames[0] if frames else pd.DataFrame(columns=columns)


def _of_span(events: pd.DataFrame, start: datetime, stop: datetime) -> pd.DataFrame:
    return events[(events["end_time"] >= start) & (events["end_time"] < stop)]


def _midnight(day: date, judged: JudgedAs) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(judged.time_zone))
