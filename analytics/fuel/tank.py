"""What happened to a tank beside being driven empty: refuelling, theft, loss.

A level sloshes, leans with the road, shrinks in a cold night and comes in steps, so nothing is
called theft that any of these explains: a theft is a level that fell while the vehicle stood, by
more than all of them together, by its own readings before and after and by those of driving there
and away, and that stays down. What is in doubt is left out; it is looked at anew with more data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analytics.fuel.tank_judge import TankEvent, judged
from analytics.fuel.tank_level import Tank
from analytics.fuel.tank_losses import losses
from analytics.fuel.tank_rules import TankRules
from analytics.fuel.tank_stands import stand_steps
from analytics.fuel.tank_trace import tank_trace
from analytics.fuel.tank_trail import trail_of

if TYPE_CHECKING:
    from analytics.samples import Samples

METHOD_VERSION = 2
"""Raised when the same signals would give other events."""

EVENT_COLUMNS = (
    "start_time",
    "end_time",
    "kind",
    "litres",
    "low_l",
    "high_l",
    "level_before_l",
    "level_after_l",
    "latitude",
    "longitude",
)
"""The columns of a table of tank events."""


def tank_events(samples: Samples, *, capacity_l: float | None = None) -> pd.DataFrame:
    """What happened to one vehicle's tank: `events_of` its trace.

    Args:
        samples: rows as `fuel_samples` gives them: a day or more, better a week.
        capacity_l: of all tanks together [L]; asked for only where the vehicle tells its level in
            per cent alone. None: learnt from these rows; there are no events where that fails.
    """
    return events_of(tank_trace(samples), capacity_l=capacity_l)


def events_of(
    trace: pd.DataFrame, *, capacity_l: float | None = None, rules: TankRules | None = None
) -> pd.DataFrame:
    """What happened to one vehicle's tank.

    Args:
        trace: as `tank_trace` gives it, or several of consecutive spans put behind each other. What
            a gap at its ends hides shows only in a longer one.
        capacity_l: of all tanks together [L], see `tank_events`.
        rules: what a tank does by itself.

    Returns:
        A row an event by time: start_time and end_time (UTC; the last reading before and the first
        after: over a gap nobody knows more); kind, "refuelling", "theft" (at a stand) or "loss" (a
        leak, or more than was burnt while driving); litres, positive, with low_l and high_l, its
        90 % interval; level_before_l, level_after_l; latitude, longitude (NaN unknown).
    """
    rules = rules or TankRules()
    trail = trail_of(trace, capacity_l) if len(trace) else None
    if trail is None:
        return _table([], trace)
    tank = Tank.of(trail, rules)
    at_stands = judged(tank, stand_steps(tank))
    return _table([*at_stands, *losses(tank, at_stands)], trace)


def _table(events: list[TankEvent], trace: pd.DataFrame) -> pd.DataFrame:
    events = sorted(events, key=lambda event: event.step.start_us)
    steps = [event.step for event in events]
    before = np.array([step.before for step in steps], dtype=np.intp)
    times = {
        name: pd.DatetimeIndex(np.array(us, dtype=np.int64).view("datetime64[us]"), tz="UTC")
        for name, us in (
            ("start_time", [step.start_us for step in steps]),
            ("end_time", [step.end_us for step in steps]),
        )
    }
    places = {
        name: trace[name].ffill().to_numpy(np.float64)[before] for name in ("latitude", "longitude")
    }
    numbers = {
        "litres": [abs(step.litres) for step in steps],
        "low_l": [event.low_l for event in events],
        "high_l": [event.high_l for event in events],
        "level_before_l": [step.level_l for step in steps],
        "level_after_l": [max(step.level_l + step.litres, 0.0) for step in steps],
    }
    kinds = pd.Series([event.kind for event in events], dtype=object)
    columns = times | {"kind": kinds} | {n: np.array(v, float) for n, v in numbers.items()} | places
    return pd.DataFrame(columns)[list(EVENT_COLUMNS)]
