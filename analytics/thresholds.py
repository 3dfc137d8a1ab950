"""From when on a driving event is one: the thresholds of each vehicle class, read from one file.

The values, and where each comes from, are in thresholds.toml; nothing here decides anything.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from typing import Any, get_type_hints

from schemas.errors import TelemetryError

CLASSES = ("heavy_truck", "medium_truck", "light_truck", "bus", "car")
"""The vehicle classes."""


class ThresholdError(TelemetryError):
    """Thresholds that cannot be used; the message names class, kind and key."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Kind:
    """What every kind's thresholds have.

    Attributes:
        source: where the values come from.
    """

    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _Graded(_Kind):
    """The thresholds of an event that has a severity.

    Attributes:
        severity: peaks from which on it is medium and high, in the peak's unit; where the second
            is the smaller, smaller peaks are the worse ones.
    """

    severity: tuple[float, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Cornering(_Graded):
    """Harsh cornering.

    Attributes:
        enter_m_s2: lateral acceleration from which on it is harsh.
        leave_m_s2: and below which it is over.
        least_s: shorter ones are glitches.
        join_s: two that are less apart are one.
        from_km_h: slower driving is manoeuvring.
        longest_step_s: where rows are further apart, nothing is judged.
        most_m_s2: no vehicle of the class does more; such a peak is a glitch.
    """

    enter_m_s2: float
    leave_m_s2: float
    least_s: float
    join_s: float
    from_km_h: float
    longest_step_s: float
    most_m_s2: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Harsh(Cornering):
    """Harsh braking and harsh acceleration; as Cornering, with acceleration forwards or back.

    Attributes:
        least_change_km_h: a manoeuvre changes the speed by so much; less is a glitch.
    """

    least_change_km_h: float


@dataclass(frozen=True, kw_only=True, slots=True)
class OverspeedRoad(_Kind):
    """Faster than the road allows.

    Attributes:
        enter_factor: speed over limit from which on it is an event.
        leave_factor: and below which it is over.
        least_s: shorter ones are none.
        join_s: two that are less apart are one.
        severity_factors: peak over limit from which on it is medium and high.
    """

    enter_factor: float
    leave_factor: float
    least_s: float
    join_s: float
    severity_factors: tuple[float, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class OverspeedVehicle(OverspeedRoad):
    """Faster than this class of vehicle may go anywhere.

    Attributes:
        limit_km_h: what it may.
    """

    limit_km_h: float


@dataclass(frozen=True, kw_only=True, slots=True)
class OverRevving(_Graded):
    """Engine speed above what the engine gives power for.

    Attributes:
        enter_rpm: engine speed from which on it is an event.
        leave_rpm: and below which it is over.
        least_s: shorter ones are none.
        join_s: two that are less apart are one.
        impossible_rpm: no engine of the class turns faster; the sensor errs.
    """

    enter_rpm: float
    leave_rpm: float
    least_s: float
    join_s: float
    impossible_rpm: float


@dataclass(frozen=True, kw_only=True, slots=True)
class LeastDuration(_Graded):
    """A state that is an event once it has lasted `least_s`: idling.

    Spans of it that are less than `join_s` apart are one.
    """

    least_s: float
    join_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class KickDown(LeastDuration):
    """The kick-down switch, or where there is none the pedal above `pedal_percent`."""

    pedal_percent: float


@dataclass(frozen=True, kw_only=True, slots=True)
class MovingDuration(LeastDuration):
    """A state that is an event once it has lasted `least_s` at `from_km_h` or faster.

    Neutral coasting, driving unbelted, driving with a red tell-tale.
    """

    from_km_h: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Coasting(MovingDuration):
    """Rolling in gear with the fuel cut: so little fuel or torque, and no pedal.

    Attributes:
        most_fuel_l_h: fuel below it is none.
        most_torque_percent: net torque below it is none.
        most_pedal_percent: up to it the accelerator is not pressed.
    """

    most_fuel_l_h: float
    most_torque_percent: float
    most_pedal_percent: float


@dataclass(frozen=True, kw_only=True, slots=True)
class LateBraking(_Graded):
    """Braking less than `within_s` after the accelerator was pressed more than `pedal_percent`.

    Attributes:
        within_s: between accelerator and brake; less is late.
        from_km_h: slower braking is manoeuvring and no braking to be counted.
        pedal_percent: above it the accelerator is pressed.
        brake_percent: above it the brake is, where there is no brake switch.
        join_s: two brakings that are less apart are one.
        longest_step_s: where rows are further apart before a braking, nothing is judged.
    """

    within_s: float
    from_km_h: float
    pedal_percent: float
    brake_percent: float
    join_s: float
    longest_step_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceBraking(MovingDuration):
    """Service brake in use while a fitted retarder gives at most `most_retarder_percent`.

    Harder braking than `most_m_s2` is beyond a retarder.
    """

    most_retarder_percent: float
    most_m_s2: float


@dataclass(frozen=True, kw_only=True, slots=True)
class HighTorque(LeastDuration):
    """Net engine torque above `above_percent` of the reference torque.

    An event of it is over below `leave_percent`.
    """

    above_percent: float
    leave_percent: float


@dataclass(frozen=True, kw_only=True, slots=True)
class ColdLoad(HighTorque):
    """Torque above `above_percent` while the coolant is below `below_c`."""

    below_c: float


@dataclass(frozen=True, kw_only=True, slots=True)
class GreenBand(_Kind):
    """Engine speeds at which the engine works well."""

    low_rpm: float
    high_rpm: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Thresholds:
    """The thresholds of one vehicle class, a field a kind."""

    vehicle_class: str
    harsh_braking: Harsh
    harsh_acceleration: Harsh
    harsh_cornering: Cornering
    overspeed_road: OverspeedRoad
    overspeed_vehicle: OverspeedVehicle
    over_revving: OverRevving
    idling: LeastDuration
    coasting: Coasting
    neutral_coasting: MovingDuration
    kick_down: KickDown
    late_braking: LateBraking
    service_braking: ServiceBraking
    high_torque: HighTorque
    cold_load: ColdLoad
    seat_belt: MovingDuration
    red_tell_tale: MovingDuration
    green_band: GreenBand


_KINDS: dict[str, type[_Kind]] = {
    name: kind for name, kind in get_type_hints(Thresholds).items() if name != "vehicle_class"
}


def of_class(name: str) -> Thresholds:
    """The thresholds of a vehicle class.

    Raises:
        ThresholdError: there is no such class; the message names those there are.
    """
    classes = _packaged()
    if name not in classes:
        raise ThresholdError(f"No vehicle class {name!r}: there are {', '.join(classes)}.")
    return classes[name]


@cache
def _packaged() -> dict[str, Thresholds]:
    text = files("analytics").joinpath("thresholds.toml").read_text(encoding="utf-8")
    found = read(text)
    return {name: found[name] for name in CLASSES}


def read(text: str) -> dict[str, Thresholds]:
    """Thresholds of each class in a text laid out as thresholds.toml.

    Raises:
        ThresholdError: it is no TOML, a class inherits from one that is not before it, a key is
            missing, unknown, no number, or without a source; the message says which.
    """
    try:
        parsed: dict[str, dict[str, Any]] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ThresholdError(f"The thresholds are no TOML: {error}") from error
    merged: dict[str, dict[str, dict[str, Any]]] = {}
    for name, given in parsed.items():
        own = dict(given)
        parent = own.pop("inherits", None)
        if parent is not None and parent not in merged:
            raise ThresholdError(
                f"Class {name} inherits from {parent}, which is not written before it."
            )
        merged[name] = _over(merged.get(parent, {}), own, name)
    return {name: _thresholds(name, kinds) for name, kinds in merged.items()}


def _over(
    inherited: dict[str, dict[str, Any]], own: dict[str, Any], name: str
) -> dict[str, dict[str, Any]]:
    """The inherited kinds with a class's own values laid over them."""
    for kind, values in own.items():
        if not isinstance(values, dict) or not values.get("source"):
            raise ThresholdError(f"[{name}.{kind}] must be a section that names its source.")
    return {kind: inherited.get(kind, {}) | own.get(kind, {}) for kind in {**inherited, **own}}


def _thresholds(name: str, kinds: dict[str, dict[str, Any]]) -> Thresholds:
    if differing := sorted(set(kinds) ^ set(_KINDS)):
        raise ThresholdError(
            f"Class {name} lacks, or should not have, the kinds {', '.join(differing)}."
        )
    made: dict[str, Any] = {kind: _kind(f"{name}.{kind}", kinds[kind]) for kind in _KINDS}
    return Thresholds(vehicle_class=name, **made)


def _kind(section: str, values: dict[str, Any]) -> _Kind:
    made = _KINDS[section.partition(".")[2]]
    names = {field.name for field in fields(made)}
    if differing := sorted(set(values) ^ names):
        raise ThresholdError(f"[{section}] lacks, or should not have, {', '.join(differing)}.")
    checked: dict[str, Any] = {key: _value(section, key, values[key]) for key in values}
    return made(**checked)


def _value(section: str, key: str, value: Any) -> str | float | tuple[float, float]:
    """A source, a pair (severity steps), or a number."""
    if key == "source":
        return str(value)
    numbers = value if isinstance(value, list) else [value]
    pair = key.startswith("severity")
    if len(numbers) != (2 if pair else 1) or not all(
        isinstance(number, int | float) and not isinstance(number, bool) for number in numbers
    ):
        raise ThresholdError(
            f"[{section}] {key} = {value!r} must be {'two numbers' if pair else 'a number'}."
        )
    return (float(numbers[0]), float(numbers[1])) if pair else float(numbers[0])
