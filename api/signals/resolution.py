"""How finely signals may be asked for: steps that divide a day, and spans that can be answered."""

from __future__ import annotations

from bisect import bisect_left
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from api.codes import Code
from api.parameters import EARLIEST
from api.problems import ProblemError, invalid
from api.zones import UTC_NAME

DAY_S = 86_400

STEPS = tuple(step for step in range(1, DAY_S + 1) if DAY_S % step == 0)
"""Steps that divide a day [s]: no bucket lies in two days."""

MAX_BUCKETS = 100_000
"""Steps in a span at most: a day of seconds, two months of minutes, eleven years of hours."""

MAX_RAW_SPAN = timedelta(days=7)
"""The longest span that is given row by row; at 1 Hz it has 604,800 rows."""

_ORIGIN = EARLIEST.replace(tzinfo=None)
"""A midnight of every clock on a wall."""

_DAY = timedelta(seconds=DAY_S)


def require_step(step_s: int, name: str = "step") -> None:
    """Refuse a step that does not divide a day.

    Args:
        step_s: the step [s].
        name: the parameter that gives it.

    Raises:
        ProblemError: 422; it names the nearest steps that do.
    """
    place = bisect_left(STEPS, step_s)
    if place < len(STEPS) and STEPS[place] == step_s:
        return
    near = [str(step) for step in STEPS[max(0, place - 1) : place + 1]]
    raise invalid(
        name,
        f"A step of {step_s} s does not divide a day.",
        f"Use {' or '.join(near)} or another divisor of {DAY_S}.",
    )


def require_span(start: datetime, end: datetime, step_s: int | None) -> None:
    """Refuse a span that is too long for its step.

    Raises:
        ProblemError: 422; it names the smallest step that would fit.
    """
    longest = MAX_RAW_SPAN if step_s is None else timedelta(seconds=step_s) * MAX_BUCKETS
    if end - start <= longest:
        return
    asked = "row by row" if step_s is None else f"in steps of {step_s} s"
    raise _too_long(
        f"{_days(end - start)} days are too long {asked}: {_days(longest)} at the most.",
        f"Use step={fitting_step(end - start)} or a larger one, or a shorter span.",
    )


def fitting_step(span: timedelta) -> int:
    """The smallest step in which a span may be asked for [s]."""
    least_s = span / MAX_BUCKETS / timedelta(seconds=1)
    return STEPS[bisect_left(STEPS, least_s)]


class Steps:
    """Steps of a span, counted from midnight by a zone's clocks.

    Where the clocks always stand at a whole number of steps from UTC's, steps are UTC's: an hour of
    Shanghai's is an hour anywhere. Else they follow the clock on the wall, so that a day is a local
    day, be it of 23 or of 25 hours; what it says twice, when clocks are put back, is one step.

    Args:
        step_s: a divisor of a day [s].
        zone: the zone's name.
        start: the span.
        end: its end.
    """

    def __init__(self, step_s: int, zone: str, start: datetime, end: datetime) -> None:
        self._step = timedelta(seconds=step_s)
        self._zone = ZoneInfo(zone)
        self.clock = UTC_NAME if self._is_whole(start, end) else zone
        """The zone by whose clock a reader has to count them."""

    def _is_whole(self, start: datetime, end: datetime) -> bool:
        """Whether all offsets of the span, which change at most once a day, are whole steps."""
        if self._zone.key == UTC_NAME:
            return True
        days = int((end - start) / _DAY) + 3
        offsets = {
            (start + (day - 1) * _DAY).astimezone(self._zone).utcoffset() for day in range(days)
        }
        return all(offset is not None and not offset % self._step for offset in offsets)

    def aligned(self, start: datetime, end: datetime) -> tuple[datetime, datetime]:
        """The span widened to whole steps, and by all of an hour that is said twice."""
        return self._floor(start), end if self._floor(end) == end else self._end(end)

    def _floor(self, time: datetime) -> datetime:
        """When the step began in which a time lies; of an hour that is said twice, its first."""
        if self.clock == UTC_NAME:
            return time - (time - EARLIEST) % self._step
        begun = self._following(time) - self._step
        while self._is_said_twice(begun):
            begun -= self._step
        return self._instant(begun)

    def after(self, time: datetime) -> datetime:
        """When the step begins that follows the one in which a time lies, UTC.

        Of an hour that is said twice that is an hour before, the second time.
        """
        if self.clock == UTC_NAME:
            return self._floor(time) + self._step
        return self._instant(self._following(time))

    def again(self, past: datetime) -> int:
        """How many steps that are over, at most, who reads on `after` one finds once more.

        None, but in an hour that is said twice: what is said the second time belongs to steps that
        were told.
        """
        begun = self.after(past)
        return 0 if begun > past else (past - begun) // self._step + 1

    def _end(self, time: datetime) -> datetime:
        """When the step ends in which a time lies; of an hour that is said twice, its last."""
        if self.clock == UTC_NAME:
            return self.after(time)
        following = self._following(time)
        while self._is_said_twice(following):
            following += self._step
        return self._instant(following)

    def _following(self, time: datetime) -> datetime:
        """What the clock on the wall says when a step ends."""
        wall = self._wall(time)
        return wall - (wall - _ORIGIN) % self._step + self._step

    def _wall(self, time: datetime) -> datetime:
        return time.astimezone(self._zone).replace(tzinfo=None)

    def _is_said_twice(self, wall: datetime) -> bool:
        return wall.replace(tzinfo=self._zone, fold=1).astimezone(UTC) > self._instant(wall)

    def _instant(self, wall: datetime) -> datetime:
        """When the clocks first say so; where they leap over it, when they leap."""
        # fold=0 is the first of two, and what the clocks would have said had they not leapt.
        return wall.replace(tzinfo=self._zone, fold=0).astimezone(UTC)


def _days(span: timedelta) -> str:
    return f"{span / _DAY:.4g}"


def _too_long(detail: str, way_out: str) -> ProblemError:
    return invalid("end", detail, way_out, code=Code.SPAN_TOO_LONG)
