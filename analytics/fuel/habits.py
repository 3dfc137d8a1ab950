"""What a vehicle's style sums say of it: habits as rates, where it drives, how its fan turns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analytics.fuel.gearing import LEAST_S
from analytics.fuel.style import SUMS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

RATES = {
    "idling": ("long_idle_s", "driving_s"),
    "coasting": ("foresight_j", "kinetic_j"),
    "harsh": ("calm_j", "pull_j"),
    "cruise": ("by_foot_m", "steady_m"),
}
"""Habits as rates: what was spent needlessly, and what it is counted of."""


def rate(style: Floats, name: str) -> float:
    """A habit's rate by a vehicle's style sums; NaN where there is nothing to count it of."""
    spent, of = (float(style[SUMS.index(each)]) for each in RATES[name])
    return spent / of if of > 0 else float("nan")


def rated_nm(style: Floats) -> float:
    """The engine's rated torque, Nm; NaN where the vehicle does not tell."""
    return _mean_of(style, "rated_nms", "rated_s")


def place_of(style: Floats) -> Floats:
    """Where a vehicle drives on average: latitude and longitude; NaN where it does not tell."""
    seconds, north, east = (
        float(style[SUMS.index(name)]) for name in ("placed_s", "latitude_s", "longitude_s")
    )
    return np.array([north, east]) / seconds if seconds >= LEAST_S else np.full(2, np.nan)


def fan_turns(style: Floats) -> float:
    """Turns of the fan a turn of the cool engine; NaN where the vehicle does not tell."""
    return _mean_of(style, "fan_turns", "fan_s")


def _mean_of(style: Floats, what: str, seconds: str) -> float:
    """One sum over another; NaN where that is too little."""
    summed, weight = float(style[SUMS.index(what)]), float(style[SUMS.index(seconds)])
    return summed / weight if weight >= LEAST_S else float("nan")
