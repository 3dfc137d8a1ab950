"""Where a tank's level steps while the vehicle stands: how far, between when, and how surely.

A stand is judged from itself first: before and after a step the vehicle stands on the same slope
and nothing sloshes. What the level was while driving up to the stand and away from it is the second
witness, without slopes but with sloshing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analytics.spans import Spans, runs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analytics.fuel.tank_trail import Trail

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

NORMAL_MAD = 1.4826
"""Standard deviations a median absolute deviation of normal noise is worth."""
NORMAL_Q65 = 0.9346
"""Standard deviations the 65th percentile of the absolute value of normal noise is: as robust as
that against what is no noise, up to a third, and not fooled by a level that mostly stays."""
LONG, SHORT = 30, 6
"""Readings a level while driving is the median of: ten minutes and two, by steps of 20 s."""
SCALES = (4, 30)
"""Readings on either side that a step is looked for with: a quick one and one of ten minutes."""
STILL_FLOOR_SHARE = 0.001
"""No level is surer than this while standing, of what the tank holds."""
DRIVING_FLOOR_SHARE = 0.004
"""Nor than this while driving: 1 % of slope tilts a tank of 2 m by that much of its height."""
UNSEEN_SHARE = 0.01
"""A noise that too few readings tell is taken for this, of what the tank holds."""
FILLED_SHARE = 0.05
"""Who rises by more than this at a stand was filled up, of what the tank holds."""
FEWEST = 6
"""Fewer differences tell no noise."""
SURE = 4.0
"""Standard deviations beyond which a step is no noise: once in 16,000 tries."""
EDGE_SHARE = 0.03
"""A step lasts from the last reading so near to the level before, of its height, to the first so
near to the level after; or within two standard deviations of either."""
SETTLED = 8
"""Readings that tell the level on either side of a step."""
APART_S = 1800.0
"""Steps the same way this close are one [s]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Noise:
    """Standard deviations of a difference of two levels [L].

    Attributes:
        still: of two readings while standing.
        stand: of the levels at the beginning and at the end of a stand.
        short, long: of two medians of SHORT and of LONG readings while driving.
    """

    still: float
    stand: float
    short: float
    long: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """A level that changed while the vehicle stood.

    Attributes:
        stand: the number of the stand.
        start_us, end_us: between when.
        before, after: the steps of the trail on either side.
        litres: by how much; negative where it fell.
        sigma_l: the standard deviation of that.
        level_l: in the tank before.
        lasts_s: how long the level was seen changing; over a gap, that.
        around_us: how far apart the levels are that tell it, where that is longer than it took: so
            long the tank was left to itself.
    """

    stand: int
    start_us: int
    end_us: int
    before: int
    after: int
    litres: float
    sigma_l: float
    level_l: float
    lasts_s: float
    around_us: int = 0

    @property
    def hours(self) -> float:
        """For so long a tank may have lost fuel by itself [h]."""
        return max(self.end_us - self.start_us, self.around_us) / 3.6e9


def noise_of(trail: Trail, left_l: Floats, standing: Mask, stands: Spans | None = None) -> Noise:
    """How far two levels differ where nothing happened.

    Args:
        trail: the tank.
        left_l: (k,) level with what was burnt put back, NaN unknown.
        standing: (k,) whether the step belongs to a stand.
        stands: these; None: it is not asked for.
    """
    floor = trail.resolution_l / np.sqrt(6.0)  # two readings, each evenly spread over one step
    still = np.diff(left_l)[standing[1:] & standing[:-1] & ~trail.gap[1:]]
    driving = left_l[~standing & ~np.isnan(left_l)]
    return Noise(
        still=max(_spread(still, trail), floor, STILL_FLOOR_SHARE * trail.size_l),
        stand=max(
            _spread(_over_stands(left_l, stands, trail.size_l), trail),
            floor,
            STILL_FLOOR_SHARE * trail.size_l,
        ),
        short=max(
            _spread(_between(driving, SHORT), trail), floor, DRIVING_FLOOR_SHARE * trail.size_l
        ),
        long=max(
            _spread(_between(driving, LONG), trail), floor, DRIVING_FLOOR_SHARE * trail.size_l
        ),
    )


def _between(values: Floats, window: int) -> Floats:
    """Differences of the medians of consecutive windows."""
    count = len(values) // window
    return np.diff(np.median(values[: count * window].reshape(count, window), axis=1))


def _over_stands(left_l: Floats, stands: Spans | None, size_l: float) -> Floats:
    """By how much the level rose over each stand at which nobody filled the tank up."""
    if stands is None or not len(stands):
        return np.empty(0)
    known = np.flatnonzero(~np.isnan(left_l))
    first = np.searchsorted(known, stands.first)
    last = np.searchsorted(known, stands.stop) - 1
    there = last > first
    rose_l = left_l[known[last[there]]] - left_l[known[first[there]]]
    return np.asarray(rose_l[rose_l < FILLED_SHARE * size_l])


def _spread(differences: Floats, trail: Trail) -> float:
    """Robust against steps, and not fooled by a level that mostly stays the same."""
    size = np.abs(differences[~np.isnan(differences)])
    if len(size) < FEWEST:
        return UNSEEN_SHARE * trail.size_l
    return float(max(NORMAL_MAD * np.median(size), np.quantile(size, 0.65) / NORMAL_Q65))


def stands_of(trail: Trail, least_s: float) -> tuple[Spans, NDArray[np.int64], NDArray[np.int64]]:
    """Where the vehicle stood for so long: the steps of each stand, and when it began and ended.

    A stand holds the gaps over which the vehicle stayed; one that is nothing else has no steps,
    and its first is the one after the gap.
    """
    # Steps and what lies between them, in turn.
    along = np.zeros(2 * len(trail) - 1, dtype=np.bool_)
    along[::2] = trail.still
    both = trail.still[1:] & trail.still[:-1]
    along[1::2] = np.where(trail.gap[1:], trail.stayed[1:], both)
    found = runs(along)
    start_us = np.where(
        found.first % 2 == 0, trail.start_us[found.first // 2], trail.end_us[found.first // 2]
    )
    last = found.stop - 1
    end_us = np.where(
        last % 2 == 0,
        trail.end_us[last // 2],
        trail.start_us[np.minimum(last // 2 + 1, len(trail) - 1)],
    )
    long = end_us - start_us >= least_s * 1e6
    spans = Spans(first=(found.first[long] + 1) // 2, stop=(found.stop[long] + 1) // 2)
    return spans, start_us[long], end_us[long]


def steps_in(
    trail: Trail, left_l: Floats, rows: NDArray[np.intp], stand: int, noise: Noise, least_l: float
) -> list[Step]:
    """Steps within a stand, by its own readings.

    Args:
        trail: the tank.
        left_l: (k,) level with what was burnt put back.
        rows: the stand's steps with a level.
        stand: its number.
        noise: of the level.
        least_l: smaller steps are not looked for.
    """
    levels = left_l[rows]
    least = max(SURE * noise.still, least_l)
    # Medians differ by no more than readings do.
    if len(levels) < 2 or np.ptp(levels) <= least:
        return []
    by = np.zeros(len(levels) - 1)
    for scale in SCALES[: 1 + (len(levels) > SCALES[0])]:
        wide = _step(levels, scale)
        by = np.where(np.abs(wide) > np.abs(by), wide, by)
    found: list[Step] = []
    for sign in (1.0, -1.0):
        spans = runs(sign * by > least)
        for first, stop in _joined(spans, trail, rows):
            step = _measured(trail, levels, rows, (first, stop), stand, noise)
            if abs(step.litres) > least and step.litres * sign > 0:
                found.append(step)
    return sorted(found, key=lambda step: step.start_us)


def _step(levels: Floats, scale: int) -> Floats:
    """(n - 1,) between any two readings: the median of those after less that of those before."""
    padded = np.pad(levels, scale - 1, mode="edge")
    medians = np.median(np.lib.stride_tricks.sliding_window_view(padded, scale), axis=1)
    return np.asarray(medians[scale:] - medians[:-scale])


def _joined(spans: Spans, trail: Trail, rows: NDArray[np.intp]) -> list[tuple[int, int]]:
    """The spans of changes, those close to each other as one: first and stop, of changes."""
    joined: list[tuple[int, int]] = []
    for first, stop in zip(spans.first.tolist(), spans.stop.tolist(), strict=True):
        if joined:
            ended = trail.end_us[rows[joined[-1][1]]]
            if trail.start_us[rows[first]] - ended <= APART_S * 1e6:
                joined[-1] = (joined[-1][0], stop)
                continue
        joined.append((first, stop))
    return joined


def _measured(
    trail: Trail,
    levels: Floats,
    rows: NDArray[np.intp],
    change: tuple[int, int],
    stand: int,
    noise: Noise,
) -> Step:
    """The step somewhere in a span of changes: change k lies between readings k and k + 1."""
    window = SCALES[0]
    # A little further out nothing of a slow step is left.
    first, stop = max(change[0] - window, 0), min(change[1] + window, len(levels) - 1)
    before = np.median(levels[max(first + 1 - window, 0) : first + 1])
    after = np.median(levels[stop : stop + window])
    near = max(EDGE_SHARE * abs(after - before), min(2 * noise.still, 0.3 * abs(after - before)))
    within = levels[first : stop + 1]
    # Half way is the step's middle: the last reading near the old level, the first near the new.
    middle = int(np.argmax(np.abs(within - before) > 0.5 * abs(after - before)))
    old = np.flatnonzero(np.abs(within[: middle + 1] - before) <= near)
    new = np.flatnonzero(np.abs(within[middle:] - after) <= near)
    begins = first + (int(old[-1]) if len(old) else 0)
    ends = max(first + middle + int(new[0]) if len(new) else stop, begins + 1)
    told_before = levels[max(begins + 1 - SETTLED, 0) : begins + 1]
    told_after = levels[ends : ends + SETTLED]
    litres = float(np.median(told_after) - np.median(told_before))
    # What stays of the noise in a median of a few readings, half of it on either side.
    sigma = noise.still * np.sqrt((1 / len(told_before) + 1 / len(told_after)) / 2)
    return Step(
        stand=stand,
        start_us=int(trail.end_us[rows[begins]]),
        end_us=int(trail.start_us[rows[ends]]),
        before=int(rows[begins]),
        after=int(rows[ends]),
        lasts_s=(trail.start_us[rows[ends]] - trail.end_us[rows[begins]]) / 1e6,
        litres=litres,
        sigma_l=float(max(sigma, noise.stand)),
        level_l=float(np.median(told_before) - (levels[begins] - trail.level_l[rows[begins]])),
    )
