"""Stuck speeds: a moving vehicle's speed that stays exactly the same, and is contradicted.

Staying the same is no fault in itself: a coarse sensor under cruise control shows one number for
minutes. A speed is stuck where something says otherwise: satellite speed, odometer, engine speed
in the same gear, or an end that no vehicle could drive.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analytics.counters import rises
from analytics.jumps import without_jumps
from analytics.spans import Spans

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from analytics.samples import SampleRules
    from analytics.speed import Clock


def stuck_rows(
    name: str,
    km_h: NDArray[np.float64],
    shifts: NDArray[np.intp],
    columns: Mapping[str, NDArray[np.float64]],
    clock: Clock,
    rules: SampleRules,
) -> NDArray[np.intp]:
    """Rows in which a speed is stuck, ascending.

    Args:
        name: the speed's catalogue name; no sensor contradicts itself.
        km_h: (n,) the speed, without spikes.
        shifts: rows up to which its change is not known.
        columns: the catalogue signals.
        clock: when the rows are.
        rules: how long and how far is too long and too far.
    """
    first, stop = _constant(km_h, clock, rules)
    if not len(first):
        return np.empty(0, dtype=np.intp)
    length = stop - first
    run = np.repeat(np.arange(len(first)), length)
    rows = np.arange(len(run)) + np.repeat(first - np.cumsum(length) + length, length)
    # Judged by pieces of the clock, so that an hour before does not change what is found here.
    piece_us = round(rules.reach_s * 1e6)
    starts = np.append(True, (np.diff(run) != 0) | (np.diff(clock.time_us[rows] // piece_us) != 0))
    heads, piece = np.flatnonzero(starts), np.cumsum(starts) - 1
    odometer = _odometer_says(km_h, rows, heads, columns, clock, rules)
    against = _other_engine_speed(rows, heads, piece, columns, clock, rules)
    if name != "gnss_speed" and not np.isnan(columns["gnss_speed"]).all():
        # Where the odometer agrees with the speed, it is the receiver that errs.
        gnss, _, _, _ = without_jumps(columns["gnss_speed"], clock, rules)
        apart = np.maximum(rules.stuck_km_h, rules.stuck_share * km_h[rows])
        against |= (np.abs(gnss[rows] - km_h[rows]) > apart) & (odometer <= 0)[piece]
    stuck = _sustained(against, rows, starts, clock, rules) | (odometer < 0)[piece]
    ended = _ends_in_a_jump(km_h, first, stop, shifts, columns["engine_speed"], clock, rules)
    stuck |= ended[run] & (clock.time_us[stop - 1][run] - clock.time_us[rows] <= piece_us)
    return np.asarray(rows[stuck], dtype=np.intp)


def _constant(
    km_h: NDArray[np.float64], clock: Clock, rules: SampleRules
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """First row of each long run of one speed while moving, and the row after its last."""
    same = (km_h[1:] == km_h[:-1]) & (km_h[1:] >= rules.moving_km_h)
    same &= clock.stretch[1:] == clock.stretch[:-1]
    edges = np.flatnonzero(np.diff(same.astype(np.int8), prepend=0, append=0))
    first, stop = edges[::2], edges[1::2] + 1
    long = clock.time_us[stop - 1] - clock.time_us[first] >= rules.stuck_least_s * 1e6
    long &= stop - first >= 3
    return first[long], stop[long]


def _odometer_says(
    km_h: NDArray[np.float64],
    rows: NDArray[np.intp],
    heads: NDArray[np.intp],
    columns: Mapping[str, NDArray[np.float64]],
    clock: Clock,
    rules: SampleRules,
) -> NDArray[np.int8]:
    """For each piece: 1 the odometer agrees with the speed, -1 it does not, 0 it cannot tell."""
    tails = np.append(heads[1:], len(rows)) - 1
    pieces = Spans(first=rows[heads], stop=rows[tails] + 1)
    odometer = rises(
        columns["odometer"],
        clock.time_us,
        pieces,
        fastest_h=rules.greatest_km_h,
        count=2 * rules.odometer_km,
    )
    # From its first reading to its last; there is no second one where it is not sound.
    first = np.where(odometer.sound, odometer.before.stop, pieces.first)
    last = np.where(odometer.sound, odometer.after.first - 1, pieces.first)
    elapsed_us = clock.time_us[last] - clock.time_us[first]
    expected_km = km_h[pieces.first] * elapsed_us / 3.6e9
    allowed_km = rules.odometer_km + rules.stuck_share * expected_km
    differs = np.abs(odometer.by - expected_km) > allowed_km
    # An odometer that does not rise at all may be the one that is stuck.
    off = columns["engine_speed"][rows[tails]] == 0
    says = np.zeros(len(heads), dtype=np.int8)
    says[odometer.sound & ~differs & (expected_km > allowed_km)] = 1
    says[odometer.sound & differs & ((odometer.by > 0) | off)] = -1
    return says


def _other_engine_speed(
    rows: NDArray[np.intp],
    heads: NDArray[np.intp],
    piece: NDArray[np.intp],
    columns: Mapping[str, NDArray[np.float64]],
    clock: Clock,
    rules: SampleRules,
) -> NDArray[np.bool_]:
    """Rows in which the engine turns at another speed than before, in the same gear."""
    gear, rpm = columns["gear_current"][rows], columns["engine_speed"][rows]
    if np.isnan(gear).all():
        return np.zeros(len(rows), dtype=np.bool_)
    # Compared with a moment after the start, when a change of gear is over.
    time_us = clock.time_us[rows]
    later = np.searchsorted(time_us, time_us[heads] + round(rules.stuck_against_s * 1e6))
    reference = np.minimum(later, np.append(heads[1:], len(rows)) - 1)[piece]
    engaged = (columns["clutch_switch"][rows] != 1) & (columns["driveline_engaged"][rows] != 0)
    return np.asarray(
        (gear > 0)
        & (gear == gear[reference])
        & engaged
        & (np.arange(len(rows)) > reference)
        & (np.abs(rpm - rpm[reference]) > rules.stuck_rpm_share * rpm[reference])
    )


def _sustained(
    against: NDArray[np.bool_],
    rows: NDArray[np.intp],
    starts: NDArray[np.bool_],
    clock: Clock,
    rules: SampleRules,
) -> NDArray[np.bool_]:
    """Contradicted for longer than a change of gear or another sensor's lag lasts."""
    if not against.any():
        return against
    begins = np.append(True, np.diff(against.astype(np.int8)) != 0) | starts
    heads, part = np.flatnonzero(begins), np.cumsum(begins) - 1
    lasting = np.add.reduceat(clock.step_s[rows], heads) >= rules.stuck_against_s
    return np.asarray(against & lasting[part])


def _ends_in_a_jump(
    km_h: NDArray[np.float64],
    first: NDArray[np.intp],
    stop: NDArray[np.intp],
    shifts: NDArray[np.intp],
    rpm: NDArray[np.float64],
    clock: Clock,
    rules: SampleRules,
) -> NDArray[np.bool_]:
    """Runs after which the speed leaps to where the vehicle has meanwhile come.

    Beyond the grip of tyres; or, where the engine speed stood still with it, harder than a driver
    brakes and in one step, with no braking before it or after. A leap to a stand is left alone:
    it may be lost rows, and so may the stand.
    """
    impossible = np.isin(stop, shifts)
    turned = np.append(0, np.cumsum(rpm[1:] != rpm[:-1]))
    frozen = (rpm[first] > 0) & (turned[stop - 1] == turned[first])
    end = len(km_h) - 1
    after, further = np.minimum(stop, end), np.minimum(stop + 1, end)
    within = (further == stop + 1) & (clock.stretch[further] == clock.stretch[stop - 1])
    elapsed_us = np.maximum(clock.time_us[after] - clock.time_us[stop - 1], 1)
    leap_km_h = np.abs(km_h[after] - km_h[stop - 1])
    leap = leap_km_h / 3.6 / (elapsed_us / 1e6)
    next_us = np.maximum(clock.time_us[further] - clock.time_us[after], 1)
    onward = np.abs(km_h[further] - km_h[after]) / 3.6 / (next_us / 1e6)
    leaped = (leap > rules.frozen_leap_m_s2) & (leap_km_h > rules.spike_km_h) & (onward < leap / 2)
    moves = km_h[after] >= rules.moving_km_h
    return np.asarray(moves & (impossible | (within & frozen & leaped)))
