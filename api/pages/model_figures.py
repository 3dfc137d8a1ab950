"""Weeks of a model as pictures: columns under a limit, and intervals beside what training had.

Lengths on a square of 100 by 100, as in `api.pages.figures`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from api.pages.figures import GAP, LEAST, SIZE, Column

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOM = 1.15
"""So much higher than what it shows is a picture."""

Interval = tuple[float, float, float]
"""Low, value, high."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limited:
    """A column a week, and where the limit lies."""

    columns: list[Column]
    limit: float


def limited(values: Sequence[float | None], limit: float) -> Limited:
    """Columns from 0 up on one scale with their limit; None has none.

    Args:
        values: at least one, none below 0.
        limit: above 0.
    """
    top = ROOM * max(limit, *(value or 0.0 for value in values))
    found = []
    for number, value in enumerate(values):
        if value is not None:
            x, width = _place(number, len(values))
            height = max(LEAST, SIZE * value / top)
            found.append(
                Column(x=x, y=round(SIZE - height, 2), width=width, height=round(height, 2))
            )
    return Limited(columns=found, limit=round(SIZE - SIZE * limit / top, 2))


@dataclass(frozen=True, kw_only=True, slots=True)
class Spanned:
    """An interval a week with its value as a line, and levels across all weeks."""

    spans: list[Column]
    marks: list[Column]
    levels: list[float]


def spanned(weeks: Sequence[Interval | None], levels: Sequence[float]) -> Spanned:
    """Intervals on one scale with levels to compare them with; None has none.

    Args:
        weeks: at least one.
        levels: at least one.
    """
    all_of_them = [*levels, *(end for week in weeks if week is not None for end in week)]
    low, high = min(all_of_them), max(all_of_them)
    room = (high - low or 1.0) * (ROOM - 1)
    bottom, reach = low - room, high - low + 2 * room

    def y(level: float) -> float:
        return round(SIZE - SIZE * (level - bottom) / reach, 2)

    spans, marks = [], []
    for number, week in enumerate(weeks):
        if week is None:
            continue
        x, width = _place(number, len(weeks))
        least, value, most = week
        height = max(y(least) - y(most), LEAST)
        spans.append(Column(x=x, y=y(most), width=width, height=round(height, 2)))
        marks.append(Column(x=x, y=round(y(value) - LEAST, 2), width=width, height=2 * LEAST))
    return Spanned(spans=spans, marks=marks, levels=[y(level) for level in levels])


def _place(number: int, count: int) -> tuple[float, float]:
    """Where a week begins, and how wide it is."""
    place = SIZE / count
    return round(place * (number + GAP / 2), 2), round(place * (1 - GAP), 2)
