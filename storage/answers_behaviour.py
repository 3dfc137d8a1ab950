"""The records that `storage.served_behaviour` answers with; units stand in the names.

None is what was not measured, or not known, or not for the principal to know.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class DrivingEvent:
    """A driving event as analysis found it; peak and limit in the unit of its kind."""

    vin: str | None
    kind: str
    start_time: datetime
    end_time: datetime
    driver_id: int | None
    trip_start: datetime | None
    peak: float | None
    peak_time: datetime | None
    limit_value: float | None
    severity: int
    speed_km_h: float | None
    distance_km: float | None
    fuel_l: float | None
    latitude: float | None
    longitude: float | None
    window_start: datetime
    window_end: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class DrivenTrip:
    """What one driver drove of a trip."""

    vin: str | None
    trip_start: datetime
    start_time: datetime
    end_time: datetime
    kind: str
    distance_km: float
    driving_s: float
    idle_s: float
    fuel_l: float | None
    stops: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """A score of a vehicle or a driver over a week, or of a trip."""

    start_time: datetime
    end_time: datetime
    week: date
    """Its Monday in `time_zone`."""
    time_zone: str
    driver_id: int | None
    vehicle_class: str
    band: str | None
    score: float | None
    low: float | None
    high: float | None
    grade: str | None
    reason: str | None
    missing: str | None
    """Metrics without a value, a comma between them."""
    difficulty: float | None
    difficulty_missing: str | None
    reference: str | None
    distance_km: float
    n_trips: int
    trend: Mapping[str, Any] | None
    """Of a week: word, past_score, past_weeks, change, change_low, change_high."""
    parts: Sequence[Mapping[str, Any]]
    """Rows of score_part, those that cost most first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Counters:
    """A vehicle's rFMS counters, laid out as `analytics.accumulated.LAYOUT`."""

    layout_version: int
    newest_day: date
    """The last day (UTC) in them."""
    counters: Sequence[float]
    corrections: int
    """How often a counter's total fell below what had been told of it."""
    corrected: float
    updated_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Driver:
    """A driver of the register."""

    driver_id: int
    card_id: str
    name: str | None
    is_employee: bool
    """Whether the principal employs the driver now."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedFleet:
    """A fleet, whose it is, and how many vehicles are in it now."""

    fleet_id: int
    name: str
    party: str
    time_zone: str
    vehicles: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Fleet:
    """A fleet of the register."""

    fleet_id: int
    name: str
    time_zone: str


@dataclass(frozen=True, kw_only=True, slots=True)
class FleetScore:
    """The score of one of a fleet's vehicles or drivers in a week."""

    vin: str | None
    driver_id: int | None
    card_id: str | None
    name: str | None
    vehicle_class: str
    band: str | None
    score: float | None
    low: float | None
    high: float | None
    grade: str | None
    reason: str | None
    difficulty: float | None
    distance_km: float
    n_trips: int
    score_before: float | None
    """That of the week before."""
    trend: Mapping[str, Any] | None
    """As that of a Score."""
