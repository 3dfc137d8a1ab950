"""A week or a month of somebody's clock, as reports are made of: 2026-W44 or 2026-10."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from api import display
from api.driving import fleets
from api.parameters import EARLIEST, LATEST
from api.problems import invalid
from schemas.time_zones import zone

if TYPE_CHECKING:
    from api.language import Language

_MONTH = re.compile(r"(20[0-9]{2})-(0[1-9]|1[0-2])", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class Period:
    """Days from `first` on and before `after`."""

    is_month: bool
    first: date
    after: date

    @property
    def key(self) -> str:
        """As addresses have it."""
        return f"{self.first:%Y-%m}" if self.is_month else f"{self.first:%G-W%V}"

    @property
    def previous(self) -> Period:
        """The one before."""
        return _of(self.first - timedelta(days=1), is_month=self.is_month)

    @property
    def following(self) -> Period:
        """The one after."""
        return _of(self.after, is_month=self.is_month)

    @property
    def other(self) -> Period:
        """The month that the week begins in, or the month's last week that begins in it."""
        if not self.is_month:
            return _of(self.first, is_month=True)
        last = self.after - timedelta(days=1)
        return _of(last - timedelta(days=last.weekday()), is_month=False)

    def bounds(self, time_zone: str) -> tuple[datetime, datetime]:
        """When it begins and ends by that clock, UTC."""
        where = zone(time_zone)
        begins, ends = (
            datetime(day.year, day.month, day.day, tzinfo=where).astimezone(UTC)
            for day in (self.first, self.after)
        )
        return begins, ends

    def has_begun(self, time_zone: str) -> bool:
        """Whether there may be anything in it."""
        return self.bounds(time_zone)[0] <= datetime.now(tz=UTC)

    def title(self, text: Language) -> str:
        """What it is called."""
        if self.is_month:
            return display.month(self.first, text)
        return display.span_of_days(self.first, self.after - timedelta(days=1), text)


def read(text: str) -> Period:
    """The period of that key.

    Raises:
        ProblemError: 422, it is none.
    """
    month = _MONTH.fullmatch(text)
    if month is not None:
        found = _of(date(int(month[1]), int(month[2]), 1), is_month=True)
    else:
        found = _of(fleets.read_week(text), is_month=False)
    # A day on either side is room for any time zone.
    if not EARLIEST.date() < found.first <= found.after < LATEST.date():
        raise invalid("period", f"{text!r} is too far away.", "Write it as 2026-W44 or 2026-10.")
    return found


def containing(moment: datetime, time_zone: str, *, is_month: bool) -> Period:
    """The period that a moment lies in."""
    return _of(moment.astimezone(zone(time_zone)).date(), is_month=is_month)


def _of(day: date, *, is_month: bool) -> Period:
    if is_month:
        first = day.replace(day=1)
        after = (first + timedelta(days=31)).replace(day=1)
    else:
        first = day - timedelta(days=day.weekday())
        after = first + timedelta(weeks=1)
    return Period(is_month=is_month, first=first, after=after)
