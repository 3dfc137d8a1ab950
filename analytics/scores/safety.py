"""Samsara's first safety score: a figure of its own, next to ours, with a published example."""

from __future__ import annotations

import math

KM_PER_MILE = 1.609344


def safety_score(
    *, harsh_events: float, distance_km: float, over_limit_s: float, driving_s: float
) -> float:
    """100 less harsh events per 1000 miles less the percentage of time above the limit.

    Samsara's first version [kb.samsara.com 115001947714]: 5 events in 247 miles and 69 of 520
    minutes above the limit give 67, which needs both deductions (20.2 and 13.3) to be rounded to
    whole points: unrounded they leave 66.5.

    Args:
        harsh_events: brakings, accelerations and cornerings together.
        distance_km: driven meanwhile.
        over_limit_s: time above the limit, s.
        driving_s: of this driving time, s.

    Returns:
        A whole number from 0 to 100; NaN where nothing was driven.
    """
    if not (distance_km > 0 and driving_s > 0):
        return float("nan")
    per_1000_miles = 1000.0 * harsh_events / (distance_km / KM_PER_MILE)
    over = 100.0 * over_limit_s / driving_s
    return float(max(100 - math.floor(per_1000_miles + 0.5) - math.floor(over + 0.5), 0))
