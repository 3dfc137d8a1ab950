"""A tank over time, as a trace tells it: litres in it, litres burnt out of it, and who stood still.

What a tank lost beyond what was burnt shows where the burnt litres are put back onto its level: it
stays where it is while nothing but the engine takes fuel, and steps where somebody else does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analytics.burnt import COARSE_COUNT_L
from analytics.fuel.tank_trace import GAP_S
from analytics.trips import TripRules

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

STAYED_KM = 0.5
"""A vehicle came no further over a gap than this [km]: it stayed."""
STAYED_L = 1.0
"""Or, where nothing tells how far it came, its counter rose by no more than this [L]."""
KM_PER_DEGREE = 111.2
"""Of latitude [km]: 40,030 km / 360."""
COUNTER_FRESH_STEPS = 6
"""A counter that comes once a minute is still as good as read so many steps later."""

FEWEST_LEVELS = 3
"""Fewer readings are no series."""
WINDOW = 30
"""Steps of ten minutes."""
RISE_PERCENT = 2.0
"""A level that rises by more than this from ten minutes to the next was filled up [%]."""
LEAST_SPAN_PERCENT = 4.0
"""A capacity is learnt from spans in which the level fell by so much at least [%] ..."""
LEAST_FALL_PERCENT = 15.0
"""... and in all of them together by so much [%]: then sloshing errs by a tenth."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Trail:
    """A tank's steps; arrays are (k,).

    Attributes:
        start_us, end_us: of each step, microseconds since 1970.
        level_l: in the tank, NaN unknown.
        burnt_l: since the beginning, as far as it is known.
        told: how much was burnt since the step before is known.
        gap: a gap in the data precedes; true for the first.
        still: the vehicle stood throughout.
        stayed: it is where it was at the step before.
        size_l: what the tank holds, or the most that was seen in it.
        resolution_l: the level's finest step, 0 where it has none.
        learnt: its litres are those of a capacity that was learnt.
    """

    start_us: NDArray[np.int64]
    end_us: NDArray[np.int64]
    level_l: Floats
    burnt_l: Floats
    told: Mask
    gap: Mask
    still: Mask
    stayed: Mask
    size_l: float
    resolution_l: float
    learnt: bool

    def __len__(self) -> int:
        return len(self.start_us)


def trail_of(trace: pd.DataFrame, capacity_l: float | None = None) -> Trail | None:
    """The tank that a trace tells of, or None where it tells no litres.

    Args:
        trace: as `tank_trace` gives it.
        capacity_l: of all tanks together, for vehicles that tell their level only in per cent;
            None: learnt from the trace, where that can be.
    """
    volume_l = trace["volume_l"].to_numpy(np.float64)
    percent = trace["level_percent"].to_numpy(np.float64)
    start_us, end_us = _times_us(trace)
    gap = np.append(True, (start_us[1:] - end_us[:-1]) > GAP_S * 1e6)[: len(start_us)]
    burnt_l, told = _burnt(trace, end_us, gap)
    learnt = False
    if np.count_nonzero(~np.isnan(volume_l)) >= FEWEST_LEVELS:
        level_l, size_l = volume_l, capacity_l or float(np.nanmax(volume_l))
    elif np.count_nonzero(~np.isnan(percent)) >= FEWEST_LEVELS:
        learnt = capacity_l is None
        size_l = capacity_l or _capacity_l(percent, burnt_l, told, gap)
        level_l = percent / 100 * size_l
    else:
        return None
    if np.isnan(size_l):
        return None
    return Trail(
        start_us=start_us,
        end_us=end_us,
        level_l=level_l,
        burnt_l=burnt_l,
        told=told,
        gap=gap,
        still=trace["still"].to_numpy(np.bool_),
        stayed=~gap | _stayed(trace, burnt_l, told),
        size_l=size_l,
        resolution_l=_resolution_l(level_l),
        learnt=learnt,
    )


def learnt_capacity_l(trace: pd.DataFrame) -> float:
    """What the tanks hold [L], by how far their level fell while the engine burnt so much.

    NaN where the level did not fall by LEAST_FALL_PERCENT in spans with a known consumption. The
    longer the trace the better: a week of it errs by a few per cent.

    Args:
        trace: as `tank_trace` gives it, with level_percent.
    """
    start_us, end_us = _times_us(trace)
    gap = np.append(True, (start_us[1:] - end_us[:-1]) > GAP_S * 1e6)[: len(start_us)]
    burnt_l, told = _burnt(trace, end_us, gap)
    return _capacity_l(trace["level_percent"].to_numpy(np.float64), burnt_l, told, gap)


def _times_us(trace: pd.DataFrame) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    start, end = (
        trace[name].to_numpy("datetime64[us]").astype(np.int64)
        for name in ("start_time", "end_time")
    )
    return start, end


def _burnt(trace: pd.DataFrame, end_us: NDArray[np.int64], gap: Mask) -> tuple[Floats, Mask]:
    """Litres burnt up to each step, and whether what was burnt in it is known.

    By the counter, which also counts over gaps; where it is absent, falls or jumps, by the rate.
    """
    rate_l = trace["rate_l"].to_numpy(np.float64)
    counter_l = trace["counter_l"].to_numpy(np.float64)
    rated_l = np.cumsum(np.nan_to_num(rate_l))
    told = ~np.isnan(rate_l) & ~gap
    known = np.flatnonzero(~np.isnan(counter_l))
    if len(known) < 2:
        return rated_l, told
    rise_l = np.diff(counter_l[known])
    hours = np.diff(end_us[known]) / 3.6e9
    sound = (rise_l >= 0) & (rise_l <= TripRules().fuel_l_h * hours + COARSE_COUNT_L)
    counted_l = np.append(0.0, np.cumsum(np.where(sound, rise_l, np.diff(rated_l[known]))))
    # After the last reading the rate goes on, until the next one puts it right.
    place = np.searchsorted(known, np.arange(len(rate_l)), side="right") - 1
    last = np.maximum(place, 0)
    burnt_l = counted_l[last] + rated_l - rated_l[known[last]]
    before, here = known[:-1], known[1:]
    read = np.zeros(len(rate_l), dtype=np.bool_)
    read[here] = sound & (here - before <= COUNTER_FRESH_STEPS)
    return np.maximum.accumulate(burnt_l), told | read


def _stayed(trace: pd.DataFrame, burnt_l: Floats, told: Mask) -> Mask:
    """(k,) the vehicle is where it was at the step before; where nobody knows, it is not."""
    km = np.diff(_filled(trace["odometer_km"].to_numpy(np.float64)), prepend=np.nan)
    latitude, longitude = (
        np.diff(_filled(trace[name].to_numpy(np.float64)), prepend=np.nan)
        for name in ("latitude", "longitude")
    )
    cosine = np.cos(np.radians(_filled(trace["latitude"].to_numpy(np.float64))))
    beeline_km = KM_PER_DEGREE * np.hypot(latitude, longitude * cosine)
    burnt = np.diff(burnt_l, prepend=burnt_l[:1])
    by_fuel = told & (burnt <= STAYED_L) & np.isnan(km) & np.isnan(beeline_km)
    by_place = np.isnan(km) & (beeline_km <= STAYED_KM)
    return np.asarray(((km >= 0) & (km <= STAYED_KM)) | by_place | by_fuel)


def _filled(values: Floats) -> Floats:
    """(k,) each value, or the last one known before it."""
    known = np.maximum.accumulate(np.where(np.isnan(values), 0, np.arange(len(values))))
    return values[known]


def _capacity_l(percent: Floats, burnt_l: Floats, told: Mask, gap: Mask) -> float:
    """The weighted median of litres burnt a per cent, over spans without filling up.

    What happened in gaps is left out, for a thief burns nothing; not where that leaves too little,
    as of vehicles that never drive for long.
    """
    known = np.flatnonzero(~np.isnan(percent))
    windows = len(known) // WINDOW
    if windows < 2:
        return np.nan
    rows = known[: windows * WINDOW].reshape(windows, WINDOW)
    level, burnt = np.median(percent[rows], axis=1), np.median(burnt_l[rows], axis=1)
    fell, used_l = -np.diff(level), np.diff(burnt)
    ends = rows[:-1, 0] + 1, rows[1:, -1] + 1
    gaps, untold = (np.append(0, np.cumsum(some)) for some in (gap, ~told))
    away = gaps[ends[1]] > gaps[ends[0]]
    uncounted = untold[ends[1]] > untold[ends[0]]
    # Filling up ends a span, and so does what nobody counted.
    for away in (gaps[ends[1]] > gaps[ends[0]], np.zeros(windows - 1, dtype=np.bool_)):
        ended = (fell < -RISE_PERCENT) | (uncounted & ~away)
        learnt = _ratio(fell, used_l, ~ended & ~away, np.cumsum(ended))
        if not np.isnan(learnt):
            return 100 * learnt
    return np.nan


def _ratio(fell: Floats, used_l: Floats, kept: Mask, span: NDArray[np.intp]) -> float:
    """Litres a per cent: the median over spans, weighed by how far the level fell in each."""
    count = int(span[-1]) + 1
    falls = np.bincount(span[kept], fell[kept], minlength=count).astype(np.float64)
    litres = np.bincount(span[kept], used_l[kept], minlength=count).astype(np.float64)
    chosen = (falls >= LEAST_SPAN_PERCENT) & (litres > 0)
    fell, used_l = falls[chosen], litres[chosen]
    if fell.sum() < LEAST_FALL_PERCENT:
        return np.nan
    order = np.argsort(used_l / fell)
    half = np.searchsorted(np.cumsum(fell[order]), fell.sum() / 2)
    return float(used_l[order][half] / fell[order][half])


def _resolution_l(level_l: Floats) -> float:
    """The least that two different readings are apart."""
    seen = np.unique(np.round(level_l[~np.isnan(level_l)], 3))
    return float(np.diff(seen).min()) if len(seen) > 1 else 0.0
