"""A coaching card: a piece of advice on one printed page, as plain data and as plain text."""

from __future__ import annotations

import json
import textwrap
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from analytics.advice.numbers import Numbers
from analytics.advice.render import render
from analytics.advice.texts import Texts, texts
from schemas.time_zones import zone

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

WIDTH = 72
"""Columns of the text form."""

BAR = 24
"""Columns of the longest bar."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """A day of the card's chart: its name, its figure, and the figure written."""

    label: str
    value: float
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Card:
    """What is printed, in the order in which it is.

    Attributes:
        heading: the cause and the week.
        title: of the advice.
        sections: heading and lines each: what to do, what shows it, what it brings.
        trips: where and how much, that which cost most first: when and how far, and the figure.
        chart_title, chart: a bar a day.
        notes: effort and confidence, label and words each.
        caveats: what the figures do not know.
        colon: as the language writes it.
    """

    heading: str
    title: str
    sections: tuple[tuple[str, tuple[str, ...]], ...]
    trips: tuple[tuple[str, str], ...]
    chart_title: str
    chart: tuple[Bar, ...]
    notes: tuple[tuple[str, str], ...]
    caveats: tuple[str, ...]
    colon: str

    @property
    def text(self) -> str:
        """As plain text of WIDTH columns, a Chinese character two of them."""
        lines = [self.heading, "=" * min(WIDTH, _columns(self.heading)), *_wrapped(self.title), ""]
        for number, (heading, rows) in enumerate(self.sections):
            lines += [heading, *(f"  {line}" for row in rows for line in _wrapped(row, WIDTH - 2))]
            if number == 1:
                lines += [f"  - {where}{self.colon}{figure}" for where, figure in self.trips]
                lines += [f"  {self.chart_title}", *self._bars()]
            lines.append("")
        for label, words in self.notes:
            lines += _wrapped(f"{label}{self.colon}{words}")
        lines += [line for caveat in self.caveats for line in _wrapped(f"* {caveat}")]
        return "\n".join(lines) + "\n"

    def _bars(self) -> Iterator[str]:
        most = max((bar.value for bar in self.chart), default=0.0)
        for bar in self.chart:
            length = round(BAR * bar.value / most) if most > 0 else 0
            yield f"  {bar.label}  {'█' * length}{' ' if length else ''}{bar.text}"


def card(
    row: Mapping[Any, Any], language: str, *, price: float, currency: str, co2_kg_l: float
) -> Card:
    """Put a piece of advice on a card.

    Args:
        row: as for `render`, and week, time_zone, evidence (a mapping or JSON).
        language: one of LANGUAGES.
        price: of a litre of fuel, in the currency.
        currency: ISO 4217.
        co2_kg_l: CO₂ of burning a litre, kg.

    Raises:
        AdviceError: as for `render`.
    """
    told = render(row, language, price=price, currency=currency, co2_kg_l=co2_kg_l)
    words, numbers = texts(language), Numbers(language)
    evidence = row["evidence"]
    evidence = json.loads(evidence) if isinstance(evidence, (str, bytes)) else evidence
    labels, signs, chart = words.words["card"], words.words["sign"], evidence["chart"]
    week = row["week"] if isinstance(row["week"], date) else date.fromisoformat(str(row["week"]))
    heading = labels["week"].format(week=_day(week, words))
    return Card(
        heading=f"{told.name} · {heading}",
        title=told.title,
        sections=(
            (labels["what"], (told.sentence,)),
            (labels["evidence"], (told.detail,) if told.detail else ()),
            (labels["saving"], told.saving),
        ),
        trips=tuple(_trips(evidence["parts"], str(row["time_zone"]), words, numbers)),
        chart_title=labels["chart"].format(unit=words.words["unit"][chart["unit"].lower()]),
        chart=tuple(
            Bar(
                label=_weekday(date.fromisoformat(day), words),
                value=value,
                text=numbers.plain(value),
            )
            for day, value in zip(chart["days"], chart["values"], strict=True)
        ),
        notes=(
            (labels["effort"], told.effort),
            (labels["confidence"], told.confidence),
        ),
        colon=signs["colon"],
        caveats=told.caveats,
    )


_FIGURES = {"litres": "l", "km": "km", "hours": "h"}


def _trips(
    parts: list[dict[str, Any]], time_zone: str, words: Texts, numbers: Numbers
) -> Iterator[tuple[str, str]]:
    for part in parts:
        start = datetime.fromisoformat(part["part_start"]).astimezone(zone(time_zone))
        key = next(name for name in _FIGURES if name in part)
        km = part["distance_km"]
        where = "trip" if km is not None else "trip_of_unknown_distance"
        yield (
            words.words["card"][where].format(
                start=f"{_weekday(start, words)} {_day(start, words)} {start:%H:%M}",
                distance=numbers.amount(km, "km") if km is not None else "",
            ),
            numbers.amount(part[key], _FIGURES[key]),
        )


def _weekday(day: date, words: Texts) -> str:
    return words.words["time"]["weekdays"].split()[day.weekday()]


def _day(day: date, words: Texts) -> str:
    month = words.words["time"]["months"].split()[day.month - 1]
    return f"{month}月{day.day}日" if words.code == "zh" else f"{day.day} {month}"


def _columns(text: str) -> int:
    return sum(1 + (unicodedata.east_asian_width(sign) in "WF") for sign in text)


def _wrapped(text: str, width: int = WIDTH) -> list[str]:
    """Lines of so many columns: broken at blanks, or, where there are none, anywhere."""
    if _columns(text) == len(text):
        return textwrap.wrap(text, width)
    lines = [""]
    for sign in text:
        # No line begins with what closes a clause.
        if _columns(lines[-1] + sign) > width and sign not in "，。；：、）！？%":
            lines.append("")
        lines[-1] += sign
    return lines
