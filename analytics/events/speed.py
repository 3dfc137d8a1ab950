"""Too fast: above the limit of the road, or above what the class of vehicle may do anywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analytics.events.table import build, empty
from analytics.spans import held, inside, peak_rows

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from analytics.samples import Samples
    from analytics.thresholds import OverspeedRoad, Thresholds

    Floats = NDArray[np.float64]

RISE_S = 5.0
"""A higher limit began so long before it was seen [s]: half the 10 s between two values."""

LEAST_LIMIT_KM_H = 5.0
"""No road has a lower limit [km/h]: senders put 0 for none or unknown."""


def overspeed_road(samples: Samples, thresholds: Thresholds) -> pd.DataFrame:
    """Faster than the road's limit, where it is known; peak and limit in km/h.

    The peak is the speed where it was furthest above the limit, and the limit the one there.
    """
    limit = road_limit(samples)
    return _overspeed(samples, thresholds.overspeed_road, "overspeed_road", limit)


def overspeed_vehicle(samples: Samples, thresholds: Thresholds) -> pd.DataFrame:
    """Faster than the class of vehicle may go anywhere; peak and limit in km/h."""
    rules = thresholds.overspeed_vehicle
    limit = np.full(len(samples), rules.limit_km_h)
    return _overspeed(samples, rules, "overspeed_vehicle", limit)


def road_limit(samples: Samples) -> Floats:
    """(n,) the road's limit, NaN where unknown [km/h].

    It comes every 10 s. A lower limit holds from when it is seen, which is late for the driver's
    good; a higher one from the middle of the time in which nobody looked.
    """
    limit = np.where(samples["speed_limit"] < LEAST_LIMIT_KM_H, np.nan, samples["speed_limit"])
    rises = np.flatnonzero(limit[1:] > limit[:-1]) + 1
    if not len(rises):
        return limit
    following = np.minimum(np.searchsorted(rises, np.arange(len(limit)), "right"), len(rises) - 1)
    rise = rises[following]
    ahead_us = samples.time_us[rise] - samples.time_us
    soon = (ahead_us > 0) & (ahead_us <= RISE_S * 1e6)
    return np.where(soon, np.fmax(limit, limit[rise]), limit)


def _overspeed(samples: Samples, rules: OverspeedRoad, kind: str, limit: Floats) -> pd.DataFrame:
    speed = samples.speed_km_h
    long = held(
        samples, speed > rules.enter_factor * limit, join_s=rules.join_s, least_s=rules.least_s
    )
    # One reading is no proof, however long it stands for.
    long = long[long.stop - long.first > 1]
    if not len(long):
        return empty()
    entered = inside(long, len(samples))
    on = (speed > rules.leave_factor * limit) | entered
    spans = held(samples, on, entered=entered, join_s=rules.join_s)
    rows = peak_rows(speed - limit, spans)
    medium, high = rules.severity_factors
    return build(
        samples,
        kind,
        spans,
        peak=speed[rows],
        peak_row=rows,
        limit=limit[rows],
        severity=(medium * limit[rows], high * limit[rows]),
    )
