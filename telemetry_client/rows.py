"""Rows of the tables that the API tells as JSON alone; their fields become columns.

Fields are named as in its OpenAPI document, where their meaning is described.
"""

# What makes columns reads these annotations when it runs.
# ruff: noqa: TC003

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Trend:
    """How a week compares with those before it."""

    word: str
    past_score: float
    past_weeks: int
    change: float
    change_low: float
    change_high: float


@dataclass(frozen=True, kw_only=True)
class RankedPlace:
    """A place in a ranking."""

    rank: int | None
    rank_low: int | None
    rank_high: int | None
    below_median: float | None
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
    score_before: float | None
    trend: Trend | None
    difficulty: float | None
    distance_km: float
    trips: int


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What is usual with such a load, on such a road, in such traffic."""

    by: str
    expected_l: float
    low_l: float
    high_l: float
    actual_l: float
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None


@dataclass(frozen=True, kw_only=True)
class FleetFuelRow:
    """The fuel of one of a fleet's vehicles, drivers or corridors."""

    vin: str | None
    driver_id: int | None
    card_id: str | None
    name: str | None
    corridor: str | None
    parts: int
    distance_km: float | None
    fuel_l: float | None
    unmeasured_parts: int
    source: str | None
    counter_l: float | None
    rate_l: float | None
    tank_l: float | None
    disagreement_percent: float | None
    l_per_100km: float | None
    l_per_100tkm: float | None
    co2_kg: float | None
    cost: float | None
    currency: str
    idle_fuel_l: float | None
    pto_fuel_l: float | None
    moving_fuel_l: float | None
    regeneration_fuel_l: float | None
    mass_t_km: float | None
    payload_t_km: float | None
    empty_km: float
    loaded_km: float
    load_known_km: float
    engine_s: float
    idle_s: float
    driving_s: float
    stops: int
    ascent_m: float | None
    expected: Expected | None
    excess_l: float | None
    causes: list[dict[str, Any]]
    missing: list[str]


@dataclass(frozen=True, kw_only=True)
class Read:
    """One or several equal reads of personal data."""

    time: datetime
    party: str | None
    subject: str
    role: str
    method: str
    route: str
    vins: list[str]
    driver_ids: list[int]
    fleet_id: int | None
    dataset_id: int | None
    purpose: str | None
    address: str | None
    status: int
    reads: int


@dataclass(frozen=True, kw_only=True)
class Erasure:
    """An erasure; `counts` has the tables with how many of their rows."""

    kind: str
    asked_by: str
    began_at: datetime
    ended_at: datetime | None
    counts: list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class SignalDescription:
    """A signal of the catalogue; `min`, `max` and `resolution` are in `unit`."""

    id: int
    name: str
    path: str
    origin: str
    group: str
    kind: str
    type: str
    unit: str
    min: float
    max: float
    resolution: float
    period_s: float
    pgn: int | None
    spn: int | None
    since: int
    description_en: str
    description_zh: str


@dataclass(frozen=True, kw_only=True)
class Counter:
    """A counter since a vehicle was registered, or one of its classes."""

    counter: str
    class_from: float | None
    class_to: float | None
    class_label: str | None
    value: int
    unit: str
