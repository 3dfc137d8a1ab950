"""Values, times and signals as the pages show them."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

from schemas.catalogue import ValueType

if TYPE_CHECKING:
    from datetime import date, datetime

    from api.language import Language
    from api.signals.values import Value
    from schemas.catalogue import Signal

MAX_DECIMALS = 2
"""A page is read by people; /v1 has every digit."""

POSITION_DECIMALS = 5
"""Of a degree: about a metre."""

_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

_CODE = re.compile(r"(?:^|[,，]\s*)(\d+)\s(.+?)(?=[,，]\s*\d+\s|$)")
_RANGE = re.compile(r"(?:to|and above)\b|及以上")


@dataclass(frozen=True, slots=True)
class Label:
    """A signal's description, taken apart."""

    text: str
    """What it is, short."""
    codes: dict[int, str]
    """What the codes of an enumeration mean; empty where the description does not list them."""


@cache
def label(description: str) -> Label:
    """Take a description apart: `Retarder: 0 off, 1 on; as the bus says` is Retarder, 0, 1."""
    text, _, rest = description.replace("：", ":").replace("；", ";").partition(":")
    codes = {
        int(code): meaning
        for code, meaning in _CODE.findall(rest.strip())
        if not _RANGE.match(meaning)
    }
    return Label(text.partition(";")[0].strip(), codes if len(codes) > 1 else {})


def description(signal: Signal, language: Language) -> str:
    """The catalogue's words for a signal."""
    return signal.description_zh if language.code == "zh" else signal.description_en


def decimals(signal: Signal) -> int:
    """Digits after the point that a person wants to see of a signal."""
    if signal.unit == "deg" and signal.wide:
        return POSITION_DECIMALS
    return min(MAX_DECIMALS, max(0, math.ceil(-math.log10(signal.resolution))))


def value(signal: Signal, told: Value, language: Language) -> str:
    """A value without its unit: switches and codes in words, numbers with grouped digits."""
    if signal.type is ValueType.BOOLEAN:
        return language("value_on" if told else "value_off")
    meaning = label(description(signal, language)).codes.get(int(told)) if not signal.unit else None
    return meaning or f"{told:,.{decimals(signal)}f}"


def ago(time: datetime, now: datetime, language: Language) -> str:
    """How long ago a time was, in the largest unit that fits."""
    age = now - time
    if age < _MINUTE:
        return language("ago_now")
    if age < _HOUR:
        return language("ago_minutes", n=age // _MINUTE)
    if age < 2 * _DAY:
        return language("ago_hours", n=age // _HOUR)
    return language("ago_days", n=age // _DAY)


def duration(seconds: float, language: Language) -> str:
    """A duration in hours and minutes."""
    minutes = round(seconds / 60)
    if minutes < 60:
        return language("minutes_only", minutes=minutes)
    return language("hours_minutes", hours=minutes // 60, minutes=f"{minutes % 60:02d}")


def span_of_days(first: date, last: date, language: Language) -> str:
    """From a day to another, both included, with their year."""
    month, first_month = _month(last, language), _month(first, language)
    if first.year != last.year:
        key = "days_other_year"
    elif first.month != last.month:
        key = "days_same_year"
    else:
        key = "days_same_month"
    return language(
        key,
        first=first.day,
        last=last.day,
        month=month,
        first_month=first_month,
        year=last.year,
        first_year=first.year,
    )


def month(day: date, language: Language) -> str:
    """The month of a day, with its year."""
    return language("month_of_year", month=_month(day, language), year=day.year)


def weekday(day: date, language: Language, *, short: bool = False) -> str:
    """The name of a day of the week."""
    return language("weekdays_short" if short else "weekdays").split()[day.weekday()]


def _month(day: date, language: Language) -> str:
    return language("months").split()[day.month - 1]
