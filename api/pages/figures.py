"""Pictures of numbers, as lengths on a square of 100 by 100 that templates draw as inline SVG.

Text never stands in them: they are stretched to the room there is, which text must not be.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from api.fuel.consumption import Consumption

SIZE = 100.0
LEAST = 1.5
"""A bar of something is seen, however small it is beside the others."""

GAP = 0.3
"""Of a bar's place this much is left free."""

CUT = 0.35
"""Of the room of a waterfall this much is the reference's: the rest is for what came on top."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """A bar that stands on the bottom."""

    x: float
    y: float
    width: float
    height: float


def columns(values: Sequence[float | None], *, places: int = 0) -> list[Column]:
    """A bar for each value, from 0 up to the greatest; None and 0 have none.

    Args:
        values: at least one.
        places: room for so many, if there are fewer: they stand at its right.
    """
    values = [*[None] * (places - len(values)), *values]
    most = max((value for value in values if value is not None), default=0.0)
    place = SIZE / len(values)
    found = []
    for number, value in enumerate(values):
        share = value / most if value is not None and value > 0 and most > 0 else 0.0
        height = max(LEAST, SIZE * share) if share else 0.0
        found.append(
            Column(
                x=round(place * (number + GAP / 2), 2),
                y=round(SIZE - height, 2),
                width=round(place * (1 - GAP), 2),
                height=round(height, 2),
            )
        )
    return found


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """A row of a waterfall: a bar that begins where the one above it ends."""

    name: str
    value: float
    x: float
    width: float
    kind: str
    """reference, more, less or total."""
    low: float | None = None
    high: float | None = None


def waterfall(actual: float, causes: Sequence[tuple[str, float, float, float]]) -> list[Step]:
    """From what was needed without the causes, over each of them, to what was used.

    The axis is cut: the reference is many times what came on top, and nobody would see that.

    Args:
        actual: what was used.
        causes: name, value, low, high; the dearest first. They add up to what came on top.
    """
    reference = actual - sum(value for _, value, _, _ in causes)
    levels = [reference]
    for _, value, _, _ in causes:
        levels.append(levels[-1] + value)
    lowest, highest = min(levels), max(levels)
    reach = highest - lowest or 1.0
    begins = lowest - reach * CUT / (1 - CUT)

    def place(level: float) -> float:
        return SIZE * (level - begins) / (highest - begins)

    def bar(
        name: str,
        value: float,
        ends: tuple[float, float],
        kind: str,
        interval: tuple[float | None, float | None] = (None, None),
    ) -> Step:
        left, right = sorted(map(place, ends))
        return Step(
            name=name,
            value=value,
            x=round(left, 2),
            width=round(max(right - left, LEAST / 3), 2),
            kind=kind,
            low=interval[0],
            high=interval[1],
        )

    steps = [bar("reference", reference, (begins, reference), "reference")]
    for (name, value, low, high), before, after in zip(causes, levels, levels[1:], strict=False):
        kind = "more" if value >= 0 else "less"
        steps.append(bar(name, value, (before, after), kind, (low, high)))
    return [*steps, bar("total", actual, (begins, actual), "total")]


def waterfall_of(fuel: Consumption | None) -> list[Step]:
    """From what would have been needed without the causes, over each of them, to what was used."""
    if fuel is None or not fuel.causes or fuel.fuel_l is None:
        return []
    causes = [(cause.cause, cause.excess_l, cause.low_l, cause.high_l) for cause in fuel.causes]
    return waterfall(fuel.fuel_l, causes)


@dataclass(frozen=True, kw_only=True, slots=True)
class Gauge:
    """Where a value lies beside a range, on one line."""

    low: float
    width: float
    at: float


def gauge(low: float, high: float, value: float) -> Gauge:
    """Lay a range and a value out on one line, with room at both ends."""
    least, most = min(low, value), max(high, value)
    room = (most - least or 1.0) * 0.25

    def place(number: float) -> float:
        return round(SIZE * (number - least + room) / (most - least + 2 * room), 2)

    return Gauge(low=place(low), width=round(place(high) - place(low), 2), at=place(value))
