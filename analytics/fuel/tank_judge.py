"""What a step of a tank's level was: filled up, stolen, leaked, or nothing anybody did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analytics.fuel.tank_steps import LONG, NORMAL_MAD, SHORT, SURE, Step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from analytics.fuel.tank_level import Tank

    Floats = NDArray[np.float64]
    Rows = NDArray[np.intp]

ENDS = 4
"""Readings that tell the level at either end of a stand."""

REFUELLING, THEFT, LOSS = "refuelling", "theft", "loss"


@dataclass(frozen=True, kw_only=True, slots=True)
class TankEvent:
    """A step with what it was, and the 90 % interval of its litres."""

    kind: str
    step: Step
    low_l: float
    high_l: float


def judged(tank: Tank, steps: Sequence[Step]) -> list[TankEvent]:
    """What steps at stands were, by time; those that may be nothing are left out."""
    later: list[Step | None] = [*steps[1:], None]
    found = [_judged(tank, step, later[place]) for place, step in enumerate(steps)]
    return [event for event in found if event is not None]


def _judged(tank: Tank, step: Step, following: Step | None) -> TankEvent | None:
    """What a step is, or None where it may be nothing."""
    rules, spread = tank.rules, tank.rules.interval
    scale = rules.learnt_share if tank.trail.learnt else rules.gauge_share
    sigma = np.hypot(step.sigma_l, scale * step.litres)
    size = abs(step.litres)
    low, high = max(size - spread * sigma, 0.0), size + spread * sigma
    least = max(tank.least_l, SURE * step.sigma_l)
    if step.litres > 0:
        lasting = not _recovers(tank, step, following)
        sure = size > max(least, rules.filled_share * tank.trail.size_l)
        filled = TankEvent(kind=REFUELLING, step=step, low_l=low, high_l=high)
        return filled if lasting and sure else None
    hours = step.hours
    leak, by_itself = _by_itself(tank, step, hours)
    if size - by_itself <= least or _recovers(tank, step, following):
        return None
    slow = _watched(tank, step) and size / (step.lasts_s / 60) < rules.gradual_l_min
    if not _stays(tank, step, following) or (slow and hours < rules.leak_h):
        return None  # more data will tell; or it is a gauge that settles
    leaks = hours >= rules.leak_h and (slow or size - rules.leak_varies * leak <= least)
    return TankEvent(
        kind=LOSS if leaks else THEFT,
        step=step,
        low_l=max(low - by_itself, 0.0),
        high_l=high,
    )


def _by_itself(tank: Tank, step: Step, hours: float) -> tuple[float, float]:
    """Litres that leaked, as at the vehicle's other stands, and that may go with nobody there.

    The latter are a heater's, those of an engine that nobody counted, and what the cold takes: as
    much as at its other stands where there are enough, but no more than a cold night can.
    """
    rules = tank.rules
    uncounted_l = rules.idle_l_h * hours * (not _told(tank, step))
    heater_l = min(rules.heater_l_h * hours, rules.heater_l)
    cooling_k = min(rules.cools_k, rules.cools_k_h * hours)
    cold_l = rules.shrinks_per_k * cooling_k * max(step.level_l, 0.0)
    others = _nights(tank, step, hours)
    if len(others) < rules.other_nights:
        return 0.0, cold_l + heater_l + uncounted_l
    middle = float(np.median(others))
    spread = NORMAL_MAD * float(np.median(np.abs(others - middle)))
    usual_l = hours * (max(middle, 0.0) + 3 * spread)
    # A leak is there every night, a thief is not: three nights in four lose more than this.
    leak_l = hours * max(float(np.quantile(others, 0.25)), 0.0)
    return leak_l, min(usual_l, cold_l) + heater_l + uncounted_l


def _nights(tank: Tank, step: Step, hours: float) -> Floats:
    """By how much the level fell an hour at other stands about as long [L/h]."""
    fell = []
    lasts_h = (tank.end_us - tank.start_us) / 3.6e9
    at_least_h = max(tank.rules.night_share * hours, tank.rules.night_h)
    for number in np.flatnonzero(lasts_h >= at_least_h).tolist():
        rows = tank.rows_of(number)
        if number != step.stand and len(rows) >= 2:
            some = min(len(rows) // 2, ENDS)
            fall = tank.middle_l(rows[:some]) - tank.middle_l(rows[-some:])
            if fall > -tank.least_l:
                fell.append(fall / lasts_h[number])
    return np.array(fell)


def _told(tank: Tank, step: Step) -> bool:
    """What was burnt meanwhile is known."""
    return bool(tank.trail.told[step.before + 1 : step.after + 1].all())


def _watched(tank: Tank, step: Step) -> bool:
    """The fall was seen as it went on, not found after a gap."""
    return not tank.trail.gap[step.before + 1 : step.after + 1].any()


def _later(tank: Tank, step: Step, following: Step | None) -> Rows:
    """The readings after a step, up to the next one, of two hours at the most."""
    stop = following.before + 1 if following is not None else len(tank.trail)
    return tank.rows(step.after, stop)[: tank.rules.recovery_rows]


def _recovers(tank: Tank, step: Step, following: Step | None) -> bool:
    """The level goes back by itself: it was never away."""
    rows = _later(tank, step, following)
    if len(rows) < SHORT:
        return False
    base = step.level_l + step.litres  # the level right after the step
    then = tank.left_l[rows] - (tank.left_l[step.after] - tank.trail.level_l[step.after])
    back = float(np.median(then[-LONG:])) - base
    return bool(-np.sign(step.litres) * back > tank.rules.against_share * abs(step.litres))


def _stays(tank: Tank, step: Step, following: Step | None) -> bool:
    """It was read often enough afterwards."""
    if following is not None and following.stand != step.stand:
        return True
    return len(_later(tank, step, following)) >= tank.rules.stays_rows
