"""What advice is made from: one vehicle's week as it stands in the tables of fuel."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analytics.advice.kinds import NOBODYS, OF_FUEL, AdviceError
from analytics.advice_rules import AdviceSettings

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

PART_COLUMNS = (
    "trip_start",
    "part_start",
    "end_time",
    "day",
    "driver_id",
    "distance_km",
    "fuel_l",
    "idle_fuel_l",
    "mass_t_km",
    "payload_t_km",
    "empty_km",
    "loaded_km",
    "load_known_km",
    "engine_s",
    "idle_s",
    "driving_s",
    "stops",
    "corridor",
    "missing",
)
CAUSE_COLUMNS = ("part_start", "cause", "litres", "low_l", "high_l")
GIVEN_COLUMNS = (
    "driver_id",
    "week",
    "cause",
    "variant",
    "saving_l",
    "distance_km",
    "fuel_l",
    "facts",
    "status",
    "status_at",
)
BEHAVIOUR_COLUMNS = (
    "part_start",
    "cruise_s",
    "cruise_known_s",
    "coasting_s",
    "coasting_known_s",
    "green_band_s",
    "green_band_known_s",
    "overspeed_s",
    "overspeed_known_s",
    "harsh_brakings",
    "harsh_accelerations",
)

NOBODY = 0
"""The driver's number where nobody is known, as in `analytics.runner.weeks`."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class AdviceWeek:
    """One vehicle's week.

    Attributes:
        vehicle_id: whose.
        week: its Monday in time_zone.
        time_zone: IANA, of the vehicle's fleet.
        parts: rows of table `fuel_part` of that vehicle and week, at least PART_COLUMNS with the
            table's meaning: trip_start, part_start, end_time (UTC), day (date: the local one on
            which the trip began), driver_id (null or 0: nobody known), distance_km, empty_km,
            loaded_km, load_known_km (km), fuel_l, idle_fuel_l (L), mass_t_km, payload_t_km (t·km),
            engine_s, idle_s, driving_s (s), stops (a count), corridor (text or null), missing (a
            list of names). NaN or null: not known. May be empty: the vehicle stood.
        causes: rows of table `fuel_cause` of these parts: part_start, cause, litres, low_l, high_l
            (L; ends of a 90 % interval). The litres of a cause are added up over a driver's (or
            the vehicle's) parts, and so are the ends: what is wrong with a calibration is wrong
            in all parts alike.
        given: rows of table `advice` of that vehicle, of the eight weeks before (others are left
            aside): GIVEN_COLUMNS. None: nothing was said yet.
        past: rows of `fuel_part` of that vehicle and the four weeks before, PART_COLUMNS: what
            corridors and loads are compared with. None: no comparisons.
        behaviour: rows of table `trip_part` of these parts, BEHAVIOUR_COLUMNS: shares and counts
            for a sentence more. None: without it.
        days: days of the week that are over and on which the vehicle belonged to the fleet.
        settings: limits.
    """

    vehicle_id: int
    week: date
    time_zone: str
    parts: pd.DataFrame
    causes: pd.DataFrame
    given: pd.DataFrame | None = None
    past: pd.DataFrame | None = None
    behaviour: pd.DataFrame | None = None
    days: int = 7
    settings: AdviceSettings = field(default_factory=AdviceSettings)


def require(frame: pd.DataFrame, name: str, columns: Iterable[str]) -> None:
    """See that a frame has its columns.

    Raises:
        AdviceError: one is missing.
    """
    if lacking := [column for column in columns if column not in frame.columns]:
        raise AdviceError(f"The frame {name} lacks {', '.join(lacking)}.")


def checked(week: AdviceWeek) -> AdviceWeek:
    """See that a week can be judged.

    Raises:
        AdviceError: a column is missing, a cause is of no part, unknown, or no finite number.
    """
    require(week.parts, "parts", PART_COLUMNS)
    require(week.causes, "causes", CAUSE_COLUMNS)
    if week.given is not None:
        require(week.given, "given", GIVEN_COLUMNS)
    if week.past is not None:
        require(week.past, "past", PART_COLUMNS)
    if week.behaviour is not None:
        require(week.behaviour, "behaviour", BEHAVIOUR_COLUMNS)
    if unknown := sorted(set(week.causes["cause"]) - {*OF_FUEL, NOBODYS}):
        raise AdviceError(f"Nothing is known of the cause {unknown[0]!r}: add it to KINDS.")
    if not week.causes["part_start"].isin(week.parts["part_start"]).all():
        raise AdviceError(
            f"Vehicle {week.vehicle_id}, week {week.week}: there are causes of parts that are not"
            " among its parts. Read both in one transaction."
        )
    litres = week.causes[["litres", "low_l", "high_l"]].to_numpy(dtype=np.float64)
    if not np.isfinite(litres).all():
        raise AdviceError(
            f"Vehicle {week.vehicle_id}, week {week.week}: the litres of a cause are no number."
        )
    return week


def drivers(rows: pd.DataFrame) -> pd.Series[int]:
    """The driver of each row, NOBODY where none is known."""
    return pd.to_numeric(rows["driver_id"], errors="coerce").fillna(NOBODY).astype("int64")


def added(rows: pd.DataFrame, column: str) -> float:
    """The sum of what is known of a column, NaN where nothing is."""
    return float(pd.to_numeric(rows[column], errors="coerce").sum(min_count=1))
