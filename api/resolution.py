"""How finely signals may be asked for: steps that divide a day, and spans that can be answered."""

from __future__ import annotations

from bisect import bisect_left
from datetime import datetime, timedelta

from api.codes import Code
from api.parameters import EARLIEST
from api.problems import ProblemError, invalid

DAY_S = 86_400

STEPS = tuple(step for step in range(1, DAY_S + 1) if DAY_S % step == 0)
"""Steps that divide a day [s]: no bucket lies in two days."""

MAX_BUCKETS = 100_000
"""Steps in a span at most: a day of seconds, two months of minutes, eleven years of hours."""

MAX_RAW_SPAN = timedelta(days=7)
"""The longest span that is given row by row; at 1 Hz it has 604,800 rows."""


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


def aligned(start: datetime, end: datetime, step_s: int) -> tuple[datetime, datetime]:
    """The span widened to whole steps, which are counted from midnight UTC."""
    step = timedelta(seconds=step_s)
    return (
        start - (start - EARLIEST) % step,
        end + (EARLIEST - end) % step,
    )


def _days(span: timedelta) -> str:
    return f"{span / timedelta(days=1):.4g}"


def _too_long(detail: str, way_out: str) -> ProblemError:
    return invalid("end", detail, way_out, code=Code.SPAN_TOO_LONG)
