"""Figures as people of a language write them: rounded to what is known, with their unit."""

from __future__ import annotations

import math
from dataclasses import dataclass

CURRENCIES = {
    "en": {"CNY": "¥{}", "EUR": "€{}", "USD": "${}", "GBP": "£{}"},
    "zh": {"CNY": "{}元", "EUR": "{}欧元", "USD": "{}美元", "GBP": "{}英镑"},
}
"""How an amount is written; others with their ISO 4217 code."""

_UNITS = {
    "en": {
        "l": "{} L",
        "km": "{} km",
        "h": "{} h",
        "kw": "{} kW",
        "t": "{} t",
        "kg": "{} kg",
        "percent": "{}%",
        "l_per_100km": "{} L/100 km",
    },
    "zh": {
        "l": "{}升",
        "km": "{}公里",
        "h": "{}小时",
        "kw": "{}千瓦",
        "t": "{}吨",
        "kg": "{}公斤",
        "percent": "{}%",
        "l_per_100km": "{}升/百公里",
    },
}

_COUNTS = {
    "en": {
        "days": ("{} day", "{} days"),
        "weeks": ("{} week", "{} weeks"),
        "runs": ("{} trip", "{} trips"),
        "stops": ("{} stop", "{} stops"),
        "results": ("{} piece of advice", "{} pieces of advice"),
        "times": ("{}", "{}"),
    },
    "zh": {
        "days": ("{}天", "{}天"),
        "weeks": ("{}周", "{}周"),
        "runs": ("{}趟", "{}趟"),
        "stops": ("{}次", "{}次"),
        "results": ("{}项建议的", "{}项建议的"),
        "times": ("{}次", "{}次"),
    },
}

_DASH = {"en": "–", "zh": "～"}
_TO = {"en": " to ", "zh": "至"}
_MINUS = "−"


@dataclass(frozen=True, slots=True)
class Numbers:
    """How a language writes figures.

    Attributes:
        language: en or zh.
    """

    language: str

    def amount(self, value: float, unit: str, *, signed: bool = False) -> str:
        """A figure with its unit: l, km, h, kw, t, kg, percent, l_per_100km."""
        text = self._signed(value) if signed else self.plain(value)
        return _UNITS[self.language][unit].format(text)

    def span(self, low: float, high: float, unit: str) -> str:
        """An interval with its unit, written once."""
        # The finer of two ends would look more exact than the other.
        digits = _digits(max(abs(low), abs(high)))
        ends = [self.plain(end, digits=digits) for end in (low, high)]
        if ends[0] == ends[1]:
            text = ends[0]
        else:
            # A dash before a minus cannot be read.
            text = (_TO if min(low, high) < 0 else _DASH)[self.language].join(ends)
        return _UNITS[self.language][unit].format(text)

    def count(self, value: float, of: str) -> str:
        """So many: days, weeks, runs, stops, results, times."""
        number = round(value)
        return _COUNTS[self.language][of][number != 1].format(self.plain(number, digits=0))

    def money(self, value: float, currency: str) -> str:
        """An amount of money: whole from 100 on, else to the hundredth."""
        pattern = CURRENCIES[self.language].get(currency, f"{currency} {{}}")
        digits = 0 if abs(value) >= 100 else 2
        text = self.plain(abs(value), digits=digits)
        if digits == 2:
            text = text.removesuffix(".00")
        return (_MINUS if value < 0 else "") + pattern.format(text)

    def hours_of_day(self, begins: int, ends: int) -> str:
        """A window of the day."""
        if self.language == "zh":
            return f"{begins}点到{ends}点"
        return f"{begins}:00 and {ends}:00"

    def plain(self, value: float, *, digits: int | None = None) -> str:
        """A figure without unit: one digit behind the point below 10, else none."""
        digits = _digits(value) if digits is None else digits
        # Half up, as people round; -0 is 0.
        scaled = math.floor(abs(value) * 10**digits + 0.5) / 10**digits
        text = f"{scaled:,.{digits}f}"
        return f"{_MINUS}{text}" if value < 0 and scaled > 0 else text

    def _signed(self, value: float) -> str:
        text = self.plain(value)
        return text if value < 0 or not float(text.replace(",", "")) else f"+{text}"


def _digits(value: float) -> int:
    return 1 if abs(value) < 9.95 else 0
