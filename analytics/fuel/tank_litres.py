"""Litres by the tank's level: a witness of its own, where enough was burnt for it to tell.

The level is the median of up to ten minutes at either end, for it sloshes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analytics.fuel.tank_steps import LONG, SHORT, SURE, Noise, noise_of
from analytics.fuel.tank_trace import tank_trace
from analytics.fuel.tank_trail import trail_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analytics.fuel.tank_trail import Trail
    from analytics.samples import Samples
    from analytics.spans import Spans

    Floats = NDArray[np.float64]

SURE_SHARE = 0.15
"""The level tells litres where its 90 % interval is at most so far to either side."""
INTERVAL = 1.645
"""Standard deviations on either side of a 90 % interval."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class TankLitres:
    """By span, (k,): litres that left the tank, and half their 90 % interval; NaN unknown."""

    litres: Floats
    half_interval_l: Floats


def tank_litres(samples: Samples, spans: Spans, capacity_l: float | None = None) -> TankLitres:
    """Litres that left the tank over spans of rows.

    NaN where the level is not known at both ends, rose in between (somebody filled it up), or
    sloshes too much to tell so few litres.

    Args:
        samples: one vehicle's rows, as `fuel_samples` gives them.
        spans: of rows.
        capacity_l: see `analytics.fuel.tank.tank_events`.
    """
    unknown = np.full(len(spans), np.nan)
    found = TankLitres(litres=unknown, half_interval_l=unknown.copy())
    trail = trail_of(tank_trace(samples), capacity_l) if len(spans) else None
    if trail is None:
        return found
    left_l = trail.level_l + trail.burnt_l
    noise = noise_of(trail, left_l, trail.still)
    known = np.flatnonzero(~np.isnan(left_l))
    start_us = samples.time_us[spans.first]
    stop_us = samples.time_us[spans.stop - 1]
    first = np.searchsorted(trail.start_us[known], start_us)
    stop = np.searchsorted(trail.start_us[known], stop_us, side="right")
    for k in np.flatnonzero(stop - first >= 2 * SHORT):
        litres, half = _of_rows(trail, left_l, known[first[k] : stop[k]], noise)
        found.litres[k], found.half_interval_l[k] = litres, half
    return found


def _of_rows(
    trail: Trail, left_l: Floats, rows: NDArray[np.intp], noise: Noise
) -> tuple[float, float]:
    """Litres that left the tank over these steps, and half their interval; NaN if in doubt."""
    window = LONG if len(rows) >= 2 * LONG else SHORT
    sigma = noise.long if window == LONG else noise.short
    burnt = float(trail.burnt_l[rows[-1]] - trail.burnt_l[rows[0]])
    extra = float(np.median(left_l[rows[:window]]) - np.median(left_l[rows[-window:]]))
    if INTERVAL * sigma > SURE_SHARE * (burnt + extra):
        return np.nan, np.nan
    count = len(rows) // window
    middles = np.median(left_l[rows[: count * window]].reshape(count, window), axis=1)
    if (np.diff(middles) > max(SURE * sigma, 0.02 * trail.size_l)).any():
        return np.nan, np.nan
    return burnt + extra, INTERVAL * sigma
