"""What the placeholders of advice's texts stand for: figures of a row, written with their unit."""

from __future__ import annotations

import json
import math
import string
from typing import TYPE_CHECKING, Any

from analytics.advice.kinds import AdviceError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from analytics.advice.kinds import Unit
    from analytics.advice.numbers import Numbers

    Figures = tuple[float, float | None, float | None]


def facts_of(row: Mapping[Any, Any]) -> Mapping[str, Any]:
    """The facts of a row, read where they are JSON.

    Raises:
        AdviceError: they are no object.
    """
    facts = row["facts"]
    found = json.loads(facts) if isinstance(facts, (str, bytes)) else facts
    if not isinstance(found, dict):
        raise AdviceError(f"The facts of advice on {row['cause']!r} are no object.")
    return found


def number(value: Any) -> float | None:
    """A figure that is there, None for what is absent (None, NaN)."""
    if value is None or isinstance(value, (str, bool)):
        return None
    return None if math.isnan(value) else float(value)


def figures_of(row: Mapping[Any, Any], unit: Unit, facts: Mapping[str, Any]) -> Figures:
    """The saving in its unit and the ends of its interval, None where there is none.

    Raises:
        AdviceError: there is no saving.
    """
    if unit == "l":
        value, low, high = (number(row[name]) for name in ("saving_l", "low_l", "high_l"))
    else:
        value, low, high = (number(facts.get(name)) for name in ("value", "low", "high"))
    if value is None:
        raise AdviceError(f"Advice on {row['cause']!r} has no saving.")
    return value, low, high


def filled_in(
    row: Mapping[Any, Any],
    unit: Unit,
    facts: Mapping[str, Any],
    figures: Figures,
    numbers: Numbers,
) -> dict[str, str]:
    """What placeholders stand for; what is not known is not in it."""

    def amount(unit: str) -> Callable[[float], str]:
        return lambda value: numbers.amount(value, unit)

    def count(of: str) -> Callable[[float], str]:
        return lambda value: numbers.count(value, of)

    value, low, high = figures
    found: dict[str, str] = {}
    told: dict[str, tuple[Any, Callable[[float], str]]] = {
        "distance": (row.get("distance_km"), amount("km")),
        "fuel": (row.get("fuel_l"), amount("l")),
        **{name: (facts.get(key), amount(unit)) for name, (key, unit) in _AMOUNTS.items()},
        **{name: (facts.get(key), count(of)) for name, (key, of) in _COUNTED.items()},
        ("litres" if unit == "l" else "value"): (
            value,
            count("days") if unit == "days" else amount(unit),
        ),
    }
    for name, (figure, write) in told.items():
        if (known := number(figure)) is not None:
            found[name] = write(known)
    if low is not None and high is not None and unit != "days":
        found["range"] = numbers.span(low, high, unit)
    if window := facts.get("window_h"):
        found["window"] = numbers.hours_of_day(int(window[0]), int(window[1]))
    return found


_AMOUNTS = {
    "share": ("share_percent", "percent"),
    "idle_hours": ("idle_h", "h"),
    "idle_fuel": ("idle_fuel_l", "l"),
    "soft": ("soft_percent", "percent"),
    "kw": ("kw", "kw"),
    "rise": ("rise_percent", "percent"),
    "overspeed": ("overspeed_percent", "percent"),
    "green_band": ("green_band_percent", "percent"),
    "coasting": ("coasting_percent", "percent"),
    "cruise": ("cruise_percent", "percent"),
    "empty_km": ("empty_km", "km"),
    "empty_share": ("empty_percent", "percent"),
    "usual": ("usual_percent", "percent"),
    "empty_fuel": ("empty_fuel_l", "l"),
    "payload": ("payload_t", "t"),
    "full": ("full_t", "t"),
    "load_share": ("load_percent", "percent"),
    "loaded_km": ("loaded_km", "km"),
    "driving_hours": ("driving_h", "h"),
}
"""Placeholders that stand for a fact, with their unit."""

_COUNTED = {
    "stops": ("stops", "stops"),
    "runs": ("runs", "runs"),
    "harsh": ("harsh_count", "times"),
}

PLACEHOLDERS = {
    *_AMOUNTS,
    *_COUNTED,
    *("litres", "value", "range", "distance", "fuel", "window"),
}
"""All that texts on kinds of advice may name."""


def names_in(text: str) -> set[str]:
    """The placeholders of a text."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def fill(text: str, filled: Mapping[str, str], cause: str) -> str:
    """A text with its placeholders filled in.

    Raises:
        AdviceError: one of them is not known of this row.
    """
    if lacking := sorted(names_in(text) - filled.keys()):
        raise AdviceError(f"Advice on {cause!r} lacks {', '.join(lacking)} for its text.")
    return text.format_map(filled)
