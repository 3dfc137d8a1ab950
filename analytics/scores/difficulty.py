"""How hard the work was: load, climbing, stops and night, none of them the driver's doing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analytics.features.feature import ratio
from analytics.scores.settings import PARTS_OF_DIFFICULTY

if TYPE_CHECKING:
    from analytics.features.feature import Floats, Get
    from analytics.scores.settings import ScoreSettings

FIGURES = {
    "load": ("mass_t_km", "mass_known_km"),
    "ascent": ("ascent_m", "ascent_known_km"),
    "stops": ("stops", "distance_km"),
    "night": ("night_s", "driving_s"),
}
"""Each part as the ratio of two sums: t, m/km, stops/km, share of driving."""


def figure(part: str, get: Get) -> Floats:
    """(n,) one part of it, NaN where unknown; `get` gives the columns of sums."""
    over, under = FIGURES[part]
    return ratio(get, (over,), (under,))


def difficulty(totals: pd.DataFrame, settings: ScoreSettings) -> pd.DataFrame:
    """A figure from 0 (easy) to 100 (hard).

    Each part is 0 at the easiest and 100 at the hardest figure of the vehicle's class in the
    settings, linear between, and the figure is their weighted mean. A part that the vehicle's
    signals do not tell is left out and named.

    Args:
        totals: as from `analytics.scores.totals`.
        settings: limits and weights.

    Returns:
        By the same index: load (t), ascent (m/km), stops (1/km), night (share of driving), NaN
        where unknown; difficulty, NaN where no part but the night is known; difficulty_missing
        (names, comma between).
    """

    def get(name: str) -> Floats:
        return totals[name].to_numpy(dtype=np.float64)

    table = pd.DataFrame(index=totals.index)
    parts, weights = [], []
    for part in PARTS_OF_DIFFICULTY:
        weight, limits = settings.difficulty[part]
        found = figure(part, get)
        easiest = totals["vehicle_class"].map({name: pair[0] for name, pair in limits.items()})
        hardest = totals["vehicle_class"].map({name: pair[1] for name, pair in limits.items()})
        low, high = easiest.to_numpy(dtype=np.float64), hardest.to_numpy(dtype=np.float64)
        table[part] = found
        parts.append(np.clip(100.0 * (found - low) / (high - low), 0.0, 100.0))
        weights.append(np.where(np.isnan(found), 0.0, weight))
    of_parts, weight_of_parts = np.column_stack(parts), np.column_stack(weights)
    total = weight_of_parts.sum(axis=1)
    told = (weight_of_parts[:, :-1] > 0).any(axis=1)
    weighed = (np.nan_to_num(of_parts) * weight_of_parts).sum(axis=1)
    table["difficulty"] = np.where(told, weighed / np.where(told, total, 1.0), np.nan)
    names = np.array(PARTS_OF_DIFFICULTY)
    table["difficulty_missing"] = [", ".join(names[row]) for row in np.isnan(of_parts)]
    return table
