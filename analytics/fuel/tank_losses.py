"""Drives that took far more out of a tank than the engine burnt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analytics.fuel.tank_judge import LOSS, TankEvent
from analytics.fuel.tank_steps import LONG, SHORT, SURE, Step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from analytics.fuel.tank_level import Tank

    Rows = NDArray[np.intp]


def losses(tank: Tank, at_stands: Sequence[TankEvent] = ()) -> list[TankEvent]:
    """Drives that took far more out of the tank than the engine burnt.

    Args:
        tank: the tank.
        at_stands: what happened at stands. A drive holds the short ones, and what was found to go
            there is not missed once more.
    """
    rules, trail = tank.rules, tank.trail
    edges = tank.drives()
    found = []
    for (first, stop), (later, end) in zip(edges, [*edges[1:], (0, 0)], strict=True):
        rows = tank.rows(first, stop)
        if len(rows) < rules.loss_rows or not trail.told[first + 1 : stop].all():
            continue
        begin, finish = rows[LONG : 2 * LONG], rows[-LONG:]
        next_rows = tank.rows(later, end)[:LONG]
        litres = float(np.median(tank.left_l[finish]) - np.median(tank.left_l[begin]))
        burnt = float(trail.burnt_l[finish[0]] - trail.burnt_l[begin[-1]])
        sigma = np.hypot(tank.noise.long, rules.gauge_share * burnt)
        least = max(
            5 * sigma,
            rules.loss_l,
            rules.loss_share * trail.size_l,
            rules.loss_of_burnt * burnt,
        )
        if -litres <= least or _rose_within(tank, rows) or _fell_at_stand(at_stands, first, stop):
            continue
        if len(next_rows) >= SHORT:
            stays = float(np.median(tank.left_l[next_rows]) - np.median(tank.left_l[begin]))
            if stays > (1 - rules.against_share) * litres:
                continue
        step = Step(
            stand=-1,
            start_us=int(trail.start_us[begin[-1]]),
            end_us=int(trail.end_us[finish[0]]),
            before=int(begin[-1]),
            after=int(finish[0]),
            lasts_s=float(trail.end_us[finish[0]] - trail.start_us[begin[-1]]) / 1e6,
            litres=litres,
            sigma_l=float(sigma),
            level_l=float(trail.level_l[begin[-1]]),
        )
        spread = rules.interval * sigma
        found.append(
            TankEvent(
                kind=LOSS,
                step=step,
                low_l=max(-litres - spread - rules.loss_of_burnt / 2 * burnt, 0.0),
                high_l=-litres + spread,
            )
        )
    return found


def _fell_at_stand(at_stands: Sequence[TankEvent], first: int, stop: int) -> bool:
    """A fall at a stand lies within these steps."""
    return any(
        event.step.litres < 0 and first <= event.step.before and event.step.after <= stop
        for event in at_stands
    )


def _rose_within(tank: Tank, rows: Rows) -> bool:
    """The level rose somewhere in between: a sensor at fault, or a tank that was filled."""
    count = len(rows) // LONG
    middles = np.median(tank.left_l[rows[: count * LONG]].reshape(count, LONG), axis=1)
    return bool((np.diff(middles) > max(SURE * tank.noise.long, tank.least_l)).any())
