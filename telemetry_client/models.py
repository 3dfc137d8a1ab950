"""Single things the API tells, as frozen records; fields are named as in its OpenAPI document.

What a field means is described there. Times are UTC.
"""

# pydantic reads these annotations when it runs.
# ruff: noqa: TC003

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

Number = bool | int | float
"""A signal's value: switches are true and false."""


@dataclass(frozen=True, kw_only=True)
class Position:
    """Where, in WGS-84, and when."""

    latitude: float
    longitude: float
    time: datetime


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A signal's latest value."""

    signal: str
    value: Number
    unit: str
    time: datetime


@dataclass(frozen=True, kw_only=True)
class SignalState(Reading):
    """A signal's latest value with its age [s]."""

    path: str
    age_s: float


@dataclass(frozen=True, kw_only=True)
class GroupState:
    """The latest values of a group of signals."""

    group: str
    signals: list[SignalState]


@dataclass(frozen=True, kw_only=True)
class TroubleCodeState:
    """An active trouble code (SAE J1939-73)."""

    spn: int
    fmi: int
    source_address: int
    lamp: str
    count: int | None
    since: datetime


@dataclass(frozen=True, kw_only=True)
class VehicleState:
    """Every latest value of a vehicle, by group."""

    vin: str
    model: str | None
    answered_at: datetime
    last_seen: datetime | None
    activity: str
    groups: list[GroupState]
    trouble_codes: list[TroubleCodeState]

    def value(self, signal: str) -> Number | None:
        """The latest value of a signal; None where none was heard."""
        return next(
            (one.value for group in self.groups for one in group.signals if one.signal == signal),
            None,
        )


@dataclass(frozen=True, kw_only=True)
class StatusReading(Reading):
    """A signal's latest value in words, with its age [s]."""

    name: str
    age_s: float


@dataclass(frozen=True, kw_only=True)
class TellTale(StatusReading):
    """A lamp, and whether it is lit."""

    lit: bool


@dataclass(frozen=True, kw_only=True)
class SystemStatus:
    """A system of a vehicle."""

    system: str
    condition: str
    newest: datetime | None
    values: list[StatusReading]


@dataclass(frozen=True, kw_only=True)
class CodeInWords:
    """An active trouble code, in words."""

    spn: int
    fmi: int
    parameter: str | None
    failure: str | None
    system: str | None
    signals: list[str]
    source_address: int
    lamp: str
    count: int | None
    since: datetime
    age_s: float


@dataclass(frozen=True, kw_only=True)
class DueBy:
    """What is left until service, in `unit`; below 0 it is overdue."""

    left: float
    unit: str
    at: float | None
    on: date | None
    source: str


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How often service is due."""

    every_km: float | None
    every_h: float | None
    every_days: int | None
    of_model: bool


@dataclass(frozen=True, kw_only=True)
class LastService:
    """The last service that was written down."""

    time: datetime
    odometer_km: float | None
    engine_h: float | None


@dataclass(frozen=True, kw_only=True)
class NextService:
    """When service is due next, and by what."""

    distance: DueBy | None
    hours: DueBy | None
    day: DueBy | None
    plan: Plan | None
    last: LastService | None


@dataclass(frozen=True, kw_only=True)
class Service:
    """When service is due: what the vehicle says, and what follows from its plan."""

    distance: StatusReading | None
    days: StatusReading | None
    due: StatusReading | None
    engine_hours: StatusReading | None
    next: NextService


@dataclass(frozen=True, kw_only=True)
class Contact:
    """When a vehicle was last heard of."""

    last_seen: datetime | None
    received_at: datetime | None
    age_s: float | None


@dataclass(frozen=True, kw_only=True)
class TripSummary:
    """A trip."""

    start: datetime
    end: datetime
    kind: str
    driver_id: int | None
    distance_km: float | None
    duration_s: float
    driving_s: float | None
    idle_s: float
    stop_count: int | None
    fuel_l: float | None
    idle_fuel_l: float | None
    l_per_100km: float | None
    max_speed_kmh: float | None
    start_position: Position | None
    end_position: Position | None
    distance_source: str | None
    fuel_source: str | None


@dataclass(frozen=True, kw_only=True)
class StatusBySystem:
    """How a vehicle is, system by system."""

    vin: str
    model: str | None
    plate: str | None
    region: str | None
    answered_at: datetime
    contact: Contact
    activity: str
    systems: list[SystemStatus]
    trouble_codes: list[CodeInWords]
    tell_tales: list[TellTale]
    service: Service
    last_trips: list[TripSummary]


@dataclass(frozen=True, kw_only=True)
class VehicleChange:
    """A vehicle's present state, as a stream tells it."""

    vin: str
    model: str | None
    plate: str | None
    region: str | None
    registered_at: datetime
    last_seen: datetime | None
    activity: str
    speed: Reading | None
    position: Position | None
    odometer: Reading | None
    fuel_level: Reading | None
    engine_running: Reading | None
    lamps: list[str]
    trouble_codes: Reading | None
    distance_m: float | None = None


CounterClass = dict[str, int | float | str | None]
"""A class of a counter: `from`, `to` or `label`, and what it has counted."""


@dataclass(frozen=True, kw_only=True)
class Accumulated:
    """The counters of rFMS since a vehicle was registered, by their names there."""

    vin: str
    newest_day: date | None
    updated_at: datetime | None
    corrections: int
    corrected: float
    accumulated_data: dict[str, int | list[CounterClass] | None]


@dataclass(frozen=True, kw_only=True)
class AdviceText:
    """A piece of advice in words, in the client's language."""

    name: str
    title: str
    sentence: str
    detail: str | None
    caveats: list[str]
    saving: list[str]
    effort: str
    confidence: str
    audience: str
    result: str | None


@dataclass(frozen=True, kw_only=True)
class Saving:
    """What a week could have done without; `value`, `low` and `high` are in `unit`."""

    unit: str
    value: float
    low: float | None
    high: float | None
    money: float | None
    money_low: float | None
    money_high: float | None
    currency: str
    co2_kg: float | None


@dataclass(frozen=True, kw_only=True)
class EvidencePart:
    """A part of a trip that shows it."""

    trip_start: datetime
    part_start: datetime
    distance_km: float | None
    litres: float | None
    km: float | None
    hours: float | None


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A value a day, in `unit`."""

    unit: str
    days: list[date]
    values: list[float]


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What shows it."""

    parts: list[EvidencePart]
    chart: Chart | None


@dataclass(frozen=True, kw_only=True)
class AdviceResult:
    """Whether a piece of advice helped."""

    verdict: str
    weeks_before: int
    weeks_after: int
    saved_l_per_100km: float
    saved_low_l_per_100km: float
    saved_high_l_per_100km: float
    saved_l: float
    saved_low_l: float
    saved_high_l: float
    measured_at: datetime


@dataclass(frozen=True, kw_only=True)
class Advice:
    """A piece of advice, and what became of it."""

    advice_id: int
    vin: str | None
    driver_id: int | None
    week: str
    time_zone: str
    start: datetime
    end: datetime
    cause: str
    text: AdviceText | None
    saving: Saving | None
    distance_km: float | None
    fuel_l: float | None
    confidence: str
    effort: str
    evidence: Evidence
    status: str
    status_at: datetime
    given_at: datetime
    may_answer: bool
    result: AdviceResult | None = field(default=None)
