"""Avoidable stops and hours on the road: the same road, set out on at another time of the day.

Runs of one corridor by the same vehicle differ by the traffic they meet. Where runs that set out in
one window of the day stand or take less than this week's did, surely beyond chance (the interval of
two means by Welch, Biometrika 34 (1947) 28), what the week's runs would have spared by setting out
then is a saving. The drivers' hours stay what they are, and nobody is sent out at night.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analytics.advice.week import PART_COLUMNS
from analytics.advice_rules import DAY_WINDOWS_H, LEAST_CORRIDOR_KM, LEAST_RUNS
from analytics.local_time import local_hours
from analytics.scores.uncertainty import Z

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analytics.advice.week import AdviceWeek

    Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Spared:
    """What another departure spares over the week.

    Attributes:
        value, low, high: of the week, in the unit of the column; 90 % interval.
        by_part: (parts,) likewise of each part of the week.
        window_h: the better window that spares most, local hours.
        runs: how many of the week's runs would change.
        corridors: on how many corridors.
    """

    value: float
    low: float
    high: float
    by_part: Floats
    window_h: tuple[int, int]
    runs: int
    corridors: int


def spared(week: AdviceWeek, column: str) -> Spared | None:
    """What the week's runs would have needed less of, had they set out in the best window.

    Args:
        week: with past, for comparisons.
        column: of the parts, a figure that is less the better: stops or driving_s.

    Returns:
        None where nothing can be compared, or nothing is less.
    """
    if week.past is None or not len(week.parts):
        return None
    frames = [frame for frame in (week.past, week.parts) if len(frame)]
    runs = pd.concat([frame[list(PART_COLUMNS)].astype(object) for frame in frames])
    new = np.arange(len(runs)) >= len(runs) - len(week.parts)
    km = pd.to_numeric(runs["distance_km"], errors="coerce").to_numpy(dtype=np.float64)
    count = pd.to_numeric(runs[column], errors="coerce").to_numpy(dtype=np.float64)
    usable = runs["corridor"].notna().to_numpy() & (km >= LEAST_CORRIDOR_KM) & np.isfinite(count)
    rate = np.divide(count, km, out=np.zeros(len(km)), where=usable)
    window = _windows(runs, week.time_zone)
    gain = np.zeros((3, len(runs)))
    better = np.full(len(runs), -1)
    corridors = 0
    for _, at in pd.Series(np.arange(len(runs)))[usable].groupby(
        runs["corridor"].to_numpy()[usable]
    ):
        rows = at.to_numpy()
        found = _compare(rate[rows], window[rows])
        for one, (best, difference, reach) in found.items():
            changed = rows[(window[rows] == one) & new[rows]]
            gain[0, changed] = difference * km[changed]
            gain[1, changed] = reach * km[changed]
            better[changed] = best
        corridors += bool((better[rows] >= 0).any())
    value = float(gain[0].sum())
    if value <= 0:
        return None
    # One corridor's runs share the same two means; corridors do not.
    keys = runs["corridor"].to_numpy()
    reaches = pd.Series(gain[1][better >= 0]).groupby(keys[better >= 0]).sum()
    reach = float(np.sqrt((reaches**2).sum()))
    by_window = [gain[0][better == n].sum() for n in range(len(DAY_WINDOWS_H))]
    return Spared(
        value=value,
        low=value - reach,
        high=value + reach,
        by_part=gain[0][new],
        window_h=DAY_WINDOWS_H[int(np.argmax(by_window))],
        runs=int((better >= 0).sum()),
        corridors=corridors,
    )


def _windows(runs: pd.DataFrame, time_zone: str) -> NDArray[np.intp]:
    """Which of DAY_WINDOWS_H each run set out in, -1 at night."""
    start = pd.to_datetime(runs["part_start"], utc=True).to_numpy(dtype="datetime64[us]")
    start_us = start.astype(np.int64)
    order = np.argsort(start_us, kind="stable")
    hour = np.empty(len(runs))
    hour[order] = local_hours(start_us[order], time_zone)
    window = np.full(len(runs), -1)
    for number, (begins, ends) in enumerate(DAY_WINDOWS_H):
        window[(hour >= begins) & (hour < ends)] = number
    return window


def _compare(rate: Floats, window: NDArray[np.intp]) -> dict[int, tuple[int, float, float]]:
    """By window: the best one, how much less a km it needs, how far that may be wrong (90 %)."""
    known = {}
    for number in range(len(DAY_WINDOWS_H)):
        rates = rate[window == number]
        if len(rates) >= LEAST_RUNS:
            known[number] = (float(rates.mean()), float(rates.var(ddof=1) / len(rates)))
    if len(known) < 2:
        return {}
    best = min(known, key=lambda number: (known[number][0], number))
    mean, variance = known[best]
    return {
        number: (best, other - mean, Z * float(np.sqrt(variance + other_variance)))
        for number, (other, other_variance) in known.items()
        if other > mean
    }
