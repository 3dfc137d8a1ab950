"""The records that `storage.served_fuel` answers with; units stand in the names.

None is what was not measured, or not known, or not for the principal to know.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class FuelPeriod:
    """Fuel of a vehicle or a driver over a period: one part of a trip, a day, a week or a span."""

    start_time: datetime
    end_time: datetime
    time_zone: str | None
    """Whose days and weeks they are; None: over a span."""
    vin: str | None
    """With driver_id, trip_start and corridor: of a single part."""
    driver_id: int | None
    trip_start: datetime | None
    corridor: str | None
    sums: Mapping[str, Any]
    """What fuel_sums of 0010_served_fuel.sql adds up."""
    causes: Sequence[Mapping[str, Any]]
    """cause, litres, low_l, high_l; the dearest first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FleetFuel:
    """Fuel of one of a fleet's vehicles, drivers or corridors, or of all of it."""

    vin: str | None
    driver_id: int | None
    card_id: str | None
    name: str | None
    corridor: str | None
    sums: Mapping[str, Any]
    causes: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True, slots=True)
class FleetWeek:
    """Fuel of a fleet in a week of its clock."""

    week: date
    sums: Mapping[str, Any]
    causes: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True, slots=True)
class FleetNewest:
    """When the newest part of a fleet's trips began; None: there is none."""

    newest: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class TankEvent:
    """A refuelling, a theft while standing, or a loss while driving."""

    kind: str
    start_time: datetime
    end_time: datetime
    litres: float
    low_l: float
    high_l: float
    level_before_l: float | None
    level_after_l: float | None
    latitude: float | None
    longitude: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Advice:
    """A piece of advice, as analysis gave it and as it stands."""

    advice_id: int
    vin: str | None
    driver_id: int | None
    week: date
    """Its Monday in `time_zone`."""
    time_zone: str
    start_time: datetime
    end_time: datetime
    cause: str
    variant: int
    saving_l: float | None
    low_l: float | None
    high_l: float | None
    distance_km: float | None
    fuel_l: float | None
    confidence: str
    effort: str
    facts: Mapping[str, Any]
    evidence: Mapping[str, Any]
    status: str
    status_at: datetime
    given_at: datetime
    may_answer: bool
    """Whether the principal may say what becomes of it."""
    result: Mapping[str, Any] | None
    """verdict, weeks_before, weeks_after, saved_l_per_100km with low and high, saved_l with low_l
    and high_l, measured_at."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """What came of a piece of advice, with what tells it from others."""

    vehicle_id: int
    driver_id: int | None
    cause: str
    week: date
    saved_l: float
    low_l: float
    high_l: float
    verdict: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered:
    """How a piece of advice stands after somebody said what became of it."""

    may_answer: bool
    status: str
