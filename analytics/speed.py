"""One speed to believe in each row, from several sources that each err in their own way.

A glitch is told from a manoeuvre by what a vehicle can do and by what its other sensors say: no
vehicle leaves its speed and is back at it within seconds, none changes it faster than tyres grip,
and one that brakes does not keep its engine speed, its odometer and its satellite speed. What is
not believed becomes NaN, or the next source's speed where there is one.

Everything here looks at most `SampleRules.reach_s` back and ahead, so a part of the rows gives
what the whole gives, but for that much at its ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analytics.jumps import without_jumps
from analytics.stuck import stuck_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from analytics.samples import SampleRules

SPEED_SOURCES = ("wheel_speed", "tachograph_speed", "gnss_speed", "odometer")
"""Where a speed comes from, the best first; from the odometer by its differences."""

GNSS, ODOMETER = (SPEED_SOURCES.index(name) for name in ("gnss_speed", "odometer"))


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Clock:
    """When the rows are; arrays are (n,).

    Attributes:
        time_us: microseconds since 1970, ascending.
        step_s: seconds each row stands for.
        stretch: a number that is the same for rows with no gap in the data between them.
    """

    time_us: NDArray[np.int64]
    step_s: NDArray[np.float64]
    stretch: NDArray[np.intp]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Speed:
    """What is believed, and what was not; arrays are (n,).

    Attributes:
        km_h: the speed, NaN where no source is believed.
        source: its place in SPEED_SOURCES, -1 where it is not known.
        breaks: between this row and the one before the change of speed is not known.
        carried: the row says nothing of it and has the last measurement.
        jumps: how many impossible jumps there were: spikes, dropouts and level shifts.
        jump_rows: in how many rows the speed of a spike or dropout was not believed.
        stuck_s: for how long a speed was stuck [s].
    """

    km_h: NDArray[np.float64]
    source: NDArray[np.int8]
    breaks: NDArray[np.bool_]
    carried: NDArray[np.bool_]
    jumps: int
    jump_rows: int
    stuck_s: float


def believed_speed(
    columns: Mapping[str, NDArray[np.float64]], clock: Clock, rules: SampleRules
) -> Speed:
    """Speed by the best source that is believed in each row.

    Args:
        columns: the catalogue signals, float64, NaN absent.
        clock: when the rows are.
        rules: what no vehicle does.
    """
    count = len(clock.time_us)
    km_h, source = np.full(count, np.nan), np.full(count, -1, dtype=np.int8)
    breaks, carried = np.zeros(count, dtype=np.bool_), np.zeros(count, dtype=np.bool_)
    missing = np.ones(count, dtype=np.bool_)
    jumps = jump_rows = 0
    stuck_s = 0.0
    for number, name in enumerate(SPEED_SOURCES[:ODOMETER]):
        if not missing.any():
            break
        raw = columns[name]
        silent = np.isnan(raw)
        if silent.all():
            continue
        values, spikes, shifts, found = without_jumps(raw, clock, rules)
        stuck = stuck_rows(name, values, shifts, columns, clock, rules)
        if len(stuck):
            values = values.copy()
            values[stuck] = np.nan
        # From a speed that was not believed to the next one no change can be told.
        shifts = np.concatenate((shifts, spikes + 1, stuck + 1))
        shifts = shifts[shifts < count]
        breaks[shifts] |= missing[shifts]
        jumps, jump_rows = jumps + found, jump_rows + len(spikes)
        stuck_s += float(clock.step_s[stuck].sum())
        if silent.any():
            values, over = _carried(values, silent, clock, rules)
            carried |= over & missing & ~np.isnan(values)
        taken = missing & ~np.isnan(values)
        km_h = np.where(taken, values, km_h)
        source[taken] = number
        missing &= ~taken
    if missing.any():
        rows = np.flatnonzero(missing)
        slope = _odometer_speed(columns["odometer"], rows, clock, rules)
        told = ~np.isnan(slope)
        km_h[rows[told]], source[rows[told]] = slope[told], ODOMETER
        # Differences of an odometer are too coarse for an acceleration, and another sensor has
        # another lag: the step from one to the other is no manoeuvre.
        breaks |= source == ODOMETER
    breaks[1:] |= source[1:] != source[:-1]
    return Speed(
        km_h=km_h,
        source=source,
        breaks=breaks,
        carried=carried,
        jumps=jumps,
        jump_rows=jump_rows,
        stuck_s=stuck_s,
    )


def moving(speed: Speed, clock: Clock, rules: SampleRules) -> NDArray[np.bool_]:
    """Where the speed says so, and in between where it is unknown for a moment."""
    least = np.where(speed.source == GNSS, rules.moving_gnss_km_h, rules.moving_km_h)
    moves = speed.km_h >= least
    known = np.flatnonzero(speed.source >= 0)
    if 0 < len(known) < len(moves):
        unknown = np.flatnonzero(speed.source < 0)
        place = np.searchsorted(known, unknown)
        before = known[np.maximum(place - 1, 0)]
        after = known[np.minimum(place, len(known) - 1)]
        moves[unknown] = (
            (before < unknown)
            & (after > unknown)
            & moves[before]
            & moves[after]
            & (clock.stretch[before] == clock.stretch[after])
            & (clock.time_us[after] - clock.time_us[before] <= rules.unknown_s * 1e6)
        )
    return moves


def acceleration(speed: Speed, clock: Clock, rules: SampleRules) -> NDArray[np.float64]:
    """Change of speed since the last measurement that is at least the window back [m/s²]."""
    measured = np.flatnonzero((speed.source >= 0) & ~speed.carried)
    time_us, km_h = clock.time_us[measured], speed.km_h[measured]
    part = clock.stretch + np.cumsum(speed.breaks)
    window_us = round(rules.acceleration_window_s * 1e6)
    steps_us = np.diff(time_us)
    if len(steps_us) and steps_us.min() >= window_us:
        back = np.arange(-1, len(measured) - 1)
    else:
        back = np.searchsorted(time_us, time_us - window_us, side="right") - 1
    known = (back >= 0) & (part[measured[back]] == part[measured])
    elapsed_s = np.where(known, (time_us - time_us[back]) / 1e6, np.nan)
    change = np.full(len(part), np.nan)
    change[measured] = (km_h - km_h[back]) / 3.6 / elapsed_s
    between = np.flatnonzero(speed.carried & (speed.source >= 0))
    if len(between) and len(measured):
        after = measured[np.minimum(np.searchsorted(measured, between), len(measured) - 1)]
        same = (after > between) & (part[after] == part[between])
        change[between] = np.where(same, change[after], np.nan)
    return change


def _carried(
    values: NDArray[np.float64], silent: NDArray[np.bool_], clock: Clock, rules: SampleRules
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """A speed carried over rows that say nothing of it, such as another sensor's; which they are.

    Only where nothing was said: what was said and is not believed stays unknown.
    """
    rows = np.arange(len(values))
    last = np.maximum.accumulate(np.where(silent, 0, rows))
    longest_s = np.where(last == rows - 1, rules.unknown_s, rules.carry_s)
    carried = (
        silent
        & (clock.time_us - clock.time_us[last] <= longest_s * 1e6)
        & (clock.stretch == clock.stretch[last])
    )
    return np.where(carried, values[last], values), carried


def _odometer_speed(
    odometer_km: NDArray[np.float64],
    rows: NDArray[np.intp],
    clock: Clock,
    rules: SampleRules,
) -> NDArray[np.float64]:
    """Mean speed by the odometer around each of the rows [km/h], NaN where it cannot be told."""
    known = np.flatnonzero(~np.isnan(odometer_km))
    if len(known) < 2:
        return np.full(len(rows), np.nan)
    time_s = clock.time_us / 1e6
    # The readings of the row's own stretch: a gap's kilometres are not this row's.
    stretch, half_s = clock.stretch[rows], rules.odometer_window_s / 2
    first = known[np.minimum(np.searchsorted(clock.stretch[known], stretch), len(known) - 1)]
    last = known[np.maximum(np.searchsorted(clock.stretch[known], stretch, side="right") - 1, 0)]
    start_s = np.maximum(time_s[rows] - half_s, time_s[first])
    end_s = np.minimum(time_s[rows] + half_s, time_s[last])
    elapsed_s = end_s - start_s
    driven_km = np.interp(end_s, time_s[known], odometer_km[known]) - np.interp(
        start_s, time_s[known], odometer_km[known]
    )
    told = (elapsed_s >= half_s) & (clock.stretch[first] == stretch)
    km_h = driven_km * 3600 / np.where(told, elapsed_s, np.nan)
    return np.where((km_h >= 0) & (km_h <= rules.greatest_km_h), km_h, np.nan)
