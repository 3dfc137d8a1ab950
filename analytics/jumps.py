"""Jumps of a speed that no vehicle makes: spikes and dropouts, and shifts of its level.

A vehicle that leaves its speed within a second is not back at it two seconds later: what is, was a
spike. A change beyond the grip of tyres that does not come back is a shift: the data have lost what
was between, and the change over it is no acceleration.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analytics.samples import SampleRules
    from analytics.speed import Clock


def without_jumps(
    raw: NDArray[np.float64], clock: Clock, rules: SampleRules
) -> tuple[NDArray[np.float64], NDArray[np.intp], NDArray[np.intp], int]:
    """A speed without its jumps.

    Args:
        raw: (n,) as the sensor gave it, NaN absent [km/h].
        clock: when the rows are.
        rules: what no vehicle does.

    Returns:
        The speed, NaN in spikes and dropouts; these rows; the rows up to which a shift of its
        level goes; how many spikes, dropouts and shifts there were.
    """
    values, spikes, jumps = raw, np.empty(0, dtype=np.intp), 0
    # A dropout can have a spike inside it: once that is gone, the dropout is seen.
    for _ in range(3):
        rows, shifts, pairs, single = _jumps(values, clock, rules)
        jumps += pairs
        if not pairs:
            break
        values = values.copy()
        values[rows] = np.nan
        spikes = np.concatenate((spikes, rows))
    return values, spikes, shifts, jumps + single


def _jumps(
    values: NDArray[np.float64], clock: Clock, rules: SampleRules
) -> tuple[NDArray[np.intp], NDArray[np.intp], int, int]:
    """Rows of spikes and dropouts, rows of shifts; how many of these and of those there are."""
    none = np.empty(0, dtype=np.intp)
    known = np.flatnonzero(~np.isnan(values))
    seen = values if len(known) == len(values) else values[known]
    change = np.diff(seen)
    edge = np.flatnonzero(np.abs(change) > rules.spike_km_h)
    before, after = known[edge], known[edge + 1]
    rate = np.abs(change[edge]) / 3.6 / ((clock.time_us[after] - clock.time_us[before]) / 1e6)
    sharp = (rate > rules.spike_m_s2) & (clock.stretch[before] == clock.stretch[after])
    edge, rate = edge[sharp], rate[sharp]
    if not len(edge):
        return none, none, 0, 0
    # Neighbouring steps the same way are one edge: a filtered sensor drops over several rows.
    begins = np.append(True, (np.diff(edge) > 1) | (np.diff(np.sign(change[edge])) != 0))
    first, last = edge[begins], edge[np.append(begins[1:], True)]
    rate = np.maximum.reduceat(rate, np.flatnonzero(begins))
    height = seen[last + 1] - seen[first]
    leap = rate > rules.impossible_gain_m_s2
    impossible = (rate > rules.impossible_m_s2) | (leap & (height > 0))
    # Away with one edge and back with the next is a spike; a dropout may last longer.
    leave, away, back = first[:-1], known[first[:-1] + 1], known[last[1:] + 1]
    away_s = (clock.time_us[back] - clock.time_us[away]) / 1e6
    pair = (
        (height[:-1] * height[1:] < 0)
        & (
            np.abs(seen[last[1:] + 1] - seen[leave])
            <= 0.5 * np.minimum(np.abs(height[:-1]), np.abs(height[1:]))
        )
        & (clock.stretch[known[leave]] == clock.stretch[back])
        & ((away_s <= rules.spike_s) | ((away_s <= rules.dropout_s) & leap[:-1] & leap[1:]))
    )
    # In a chain of such pairs, up and down and up again, every other one is the way back.
    number = np.arange(len(pair))
    chain = np.maximum.accumulate(np.where(pair & ~np.append(False, pair[:-1]), number, 0))
    pair &= (number - chain) % 2 == 0
    marks = np.zeros(len(seen) + 1, dtype=np.int8)
    marks[first[:-1][pair] + 1] = 1
    marks[last[1:][pair] + 1] = -1
    spikes = known[np.flatnonzero(np.cumsum(marks[:-1]))]
    single = impossible & ~np.append(pair, False) & ~np.append(False, pair)
    shifts = known[edge[single[np.cumsum(begins) - 1]] + 1]
    return spikes, shifts, int(pair.sum()), int(single.sum())
