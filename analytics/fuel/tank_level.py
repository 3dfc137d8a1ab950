"""One vehicle's tank with all that its events are judged by: level, stands, noise, scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analytics.fuel.tank_steps import LONG, SHORT, Noise, noise_of, stands_of
from analytics.spans import Spans, inside

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analytics.fuel.tank_rules import TankRules
    from analytics.fuel.tank_trail import Trail

    Floats = NDArray[np.float64]
    Rows = NDArray[np.intp]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Tank:
    """A tank's trail, and where its vehicle stood.

    Attributes:
        trail: the tank over time.
        rules: what events are judged by.
        left_l: level with what was burnt put back, by the tank's own litres.
        known: the steps with a level.
        stands, start_us, end_us: where it stood, see `stands_of`.
        standing: whether each step belongs to a stand.
        noise: of left_l.
    """

    trail: Trail
    rules: TankRules
    left_l: Floats
    known: Rows
    stands: Spans
    start_us: NDArray[np.int64]
    end_us: NDArray[np.int64]
    standing: NDArray[np.bool_]
    noise: Noise

    @classmethod
    def of(cls, trail: Trail, rules: TankRules) -> Tank:
        """The tank of a trail."""
        stands, start_us, end_us = stands_of(trail, rules.stand_s)
        standing = inside(stands, len(trail))
        parked = stands[end_us - start_us >= rules.park_s * 1e6]
        left_l = trail.level_l + _scale(trail, parked, rules) * trail.burnt_l
        return cls(
            trail=trail,
            rules=rules,
            left_l=left_l,
            known=np.flatnonzero(~np.isnan(left_l)),
            stands=stands,
            start_us=start_us,
            end_us=end_us,
            standing=standing,
            noise=noise_of(trail, left_l, standing, stands),
        )

    @property
    def least_l(self) -> float:
        """Steps below are left alone [L]."""
        return max(self.rules.least_l, self.rules.least_share * self.trail.size_l)

    def rows(self, first: int, stop: int) -> Rows:
        """The steps with a level from first on and before stop."""
        return self.known[np.searchsorted(self.known, first) : np.searchsorted(self.known, stop)]

    def rows_of(self, stand: int) -> Rows:
        """A stand's steps with a level."""
        return self.rows(int(self.stands.first[stand]), int(self.stands.stop[stand]))

    def driving(self, first: int, stop: int) -> Rows:
        """As `rows`, those while driving, or all where these are few."""
        rows = self.rows(first, stop)
        chosen = rows[~self.standing[rows]]
        return chosen if len(chosen) >= SHORT else rows

    def middle_l(self, rows: Rows) -> float:
        """The median of left_l."""
        return float(np.median(self.left_l[rows]))

    def drives(self) -> list[tuple[int, int]]:
        """What lies between the long stands: first and stop, of the trail's steps."""
        parked = self.stands[self.end_us - self.start_us >= self.rules.park_s * 1e6]
        return _drives(parked, len(self.trail))


def _drives(parked: Spans, count: int) -> list[tuple[int, int]]:
    """What lies between the long stands: first and stop, of the trail's steps."""
    starts = [0, *parked.stop.tolist()]
    stops = [*parked.first.tolist(), count]
    return list(zip(starts, stops, strict=True))


def _scale(trail: Trail, parked: Spans, rules: TankRules) -> float:
    """Litres out of the tank for one by the counter, as most drives have it; else 1.

    The weighted median, so that one drive that lost fuel stands out against the others.
    """
    ratios, weights = [], []
    known = np.flatnonzero(~np.isnan(trail.level_l))
    for first, stop in _drives(parked, len(trail)):
        rows = known[np.searchsorted(known, first) : np.searchsorted(known, stop)]
        if len(rows) < 2 * LONG:
            continue
        begin, finish = rows[:LONG], rows[-LONG:]
        burnt = np.median(trail.burnt_l[finish]) - np.median(trail.burnt_l[begin])
        if burnt >= rules.scale_share * trail.size_l and trail.told[first + 1 : stop].all():
            fell = np.median(trail.level_l[begin]) - np.median(trail.level_l[finish])
            ratios.append(fell / burnt)
            weights.append(burnt)
    if len(ratios) < rules.scale_drives:
        return 1.0
    order = np.argsort(ratios)
    total = np.cumsum(np.array(weights)[order])
    middle = np.array(ratios)[order][np.searchsorted(total, total[-1] / 2)]
    return float(np.clip(middle, 1 - rules.scale_most, 1 + rules.scale_most))
