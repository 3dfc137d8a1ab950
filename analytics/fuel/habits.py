"""What a vehicle's style sums say of it: habits as rates, where it drives, how its fan turns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import betaincinv

from analytics.fuel.gearing import LEAST_S
from analytics.fuel.style import SUMS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

RATES = {
    "idling": ("long_idle_s", "driving_s"),
    "coasting": ("foresight_j", "kinetic_j"),
    "harsh": ("calm_j", "pull_j"),
    "cruise": ("by_foot_tkm", "steady_tkm"),
}
"""Habits as rates: what was spent needlessly, and what it is counted of."""

BY_DRIVE = "cruise"
"""The habit that is chosen a drive at a time: few drives tell it as badly as few throws a coin."""

ONE_SIDED = 0.05
"""The lower end of an interval that holds nine of ten has so much below."""


def rate(style: Floats, name: str) -> float:
    """A habit's rate by a vehicle's style sums; NaN where there is nothing to count it of."""
    spent, of = _sums(style, *RATES[name])
    return spent / of if of > 0 else float("nan")


def drives(style: Floats) -> float:
    """On how many drives of equal weight the habit of cruise control was as well seen; 0 on none.

    Kish's effective number: the square of the sum over the sum of squares (Kish 1965, 11.7).
    """
    summed, squares = _sums(style, "steady_tkm", "steady_tkm2")
    return summed**2 / squares if squares > 0 else 0.0


def kept(style: Floats) -> Floats:
    """What cruise control itself burnt beyond an even speed, J, and on how many t km of its way."""
    kept_j, steady_tkm, by_foot_tkm = _sums(style, "kept_j", "steady_tkm", "by_foot_tkm")
    return np.array([kept_j, steady_tkm - by_foot_tkm])


def least_rate(style: Floats) -> float:
    """How rare the habit that is chosen by drive may be, as often as chance has shown it.

    Lower end of the interval of a binomial share [Clopper & Pearson 1934].
    """
    own, count = rate(style, BY_DRIVE), drives(style)
    if not own > 0:
        return 0.0
    return float(betaincinv(own * count, count - own * count + 1.0, ONE_SIDED))


def without_chance(rates: Floats, counts: Floats) -> Floats:
    """Habits as spread as habits are, where rates are spread by chance, too.

    The best of many who were seen on few drives are the luckiest. Their rates are drawn to the
    mean until their variance is what chance leaves of it [Efron & Morris 1975; Louis 1984].

    Args:
        rates: (n,) by vehicle; NaN where not known.
        counts: (n,) on how many drives each was seen.
    """
    known = np.isfinite(rates) & (counts > 1)
    if known.sum() < 2:
        return rates
    mean, a_drive = float(rates[known].mean()), float((1.0 / counts[known]).mean())
    coin = mean * (1.0 - mean)  # were all habits one, so far would a single drive be from it
    habit = (float(rates[known].var(ddof=1)) - coin * a_drive) / (1.0 - a_drive)
    habit = min(max(habit, 0.0), coin)
    total = habit + (coin - habit) / np.maximum(counts, 1.0)
    part = np.sqrt(np.divide(habit, total, out=np.ones(len(rates)), where=total > 0))
    return np.asarray(mean + part * (rates - mean))


def rated_nm(style: Floats) -> float:
    """The engine's rated torque, Nm; NaN where the vehicle does not tell."""
    return _mean_of(style, "rated_nms", "rated_s")


def place_of(style: Floats) -> Floats:
    """Where a vehicle drives on average: latitude and longitude; NaN where it does not tell."""
    seconds, north, east = _sums(style, "placed_s", "latitude_s", "longitude_s")
    return np.array([north, east]) / seconds if seconds >= LEAST_S else np.full(2, np.nan)


def fan_turns(style: Floats) -> float:
    """Turns of the fan a turn of the cool engine; NaN where the vehicle does not tell."""
    return _mean_of(style, "fan_turns", "fan_s")


def _mean_of(style: Floats, what: str, seconds: str) -> float:
    """One sum over another; NaN where that is too little."""
    summed, weight = _sums(style, what, seconds)
    return summed / weight if weight >= LEAST_S else float("nan")


def _sums(style: Floats, *names: str) -> list[float]:
    return [float(style[SUMS.index(name)]) for name in names]
