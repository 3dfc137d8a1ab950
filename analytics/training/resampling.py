"""How sure a ratio of sums over vehicles is: vehicles are drawn again, for their rows are alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

DRAWS = 1000
SEED = 5
LEAST_VEHICLES = 5
"""Fewer tell about themselves only."""


def drawn(vehicles: int, draws: int = DRAWS) -> Floats:
    """(draws, vehicles) how often each vehicle is drawn; the same every time it is asked."""
    rng = np.random.default_rng([SEED, vehicles])
    shares = np.full(vehicles, 1 / vehicles)
    return np.asarray(rng.multinomial(vehicles, shares, size=draws), dtype=np.float64)


def ratio_interval(part: Floats, whole: Floats) -> tuple[float, float] | None:
    """95 % interval of sum(part) / sum(whole), both (vehicles,).

    Returns:
        Its ends; None where fewer than LEAST_VEHICLES tell.
    """
    if len(part) < LEAST_VEHICLES or not whole.sum() > 0:
        return None
    times = drawn(len(part))
    ratios = (times @ part) / np.maximum(times @ whole, 1e-12)
    low, high = np.quantile(ratios, [0.025, 0.975])
    return float(low), float(high)
