"""In which gear a vehicle is driven: engine turns over the way, by speed and by power."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analytics.fuel.physics import RAD_S_PER_RPM

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analytics.fuel.drive import Drive

    Floats = NDArray[np.float64]

BIN_M_S = 5.0 / 3.6  # width of a speed bin, m/s: a gear covers several
SPEED_BINS = 24  # up to 120 km/h; faster counts as the last
POWER_EDGES_W = (30e3, 90e3, 170e3)  # W at the wheels: rolling, level road, uphill, all there is
POWER_BINS = len(POWER_EDGES_W) + 1
BINS = SPEED_BINS * POWER_BINS
CELLS = 2 * BINS
LEAST_S = 10.0  # s; a bin with less says nothing


def cell_of(speed_m_s: Floats, power_w: Floats | float) -> NDArray[np.intp]:
    """The bin of each speed and power."""
    column = np.minimum((speed_m_s / BIN_M_S).astype(np.intp), SPEED_BINS - 1)
    row = np.zeros(np.shape(speed_m_s), dtype=np.intp)
    for edge in POWER_EDGES_W:
        row += power_w > edge
    return column * POWER_BINS + row


def gear_sums(drive: Drive, power_w: Floats) -> Floats:
    """Seconds and engine turns over the way by bin, that add up over days, (CELLS,).

    Only where the wheels take power: pushed by them an engine burns nothing, and in which gear it
    is then says how somebody slows down. Who lifts late brakes more and changes down for it.
    """
    rows = drive.geared & (drive.dt_s > 0) & (power_w > 0)
    cells = cell_of(drive.speed_m_s[rows], power_w[rows])
    seconds = drive.dt_s[rows]
    gear = drive.rpm[rows] * RAD_S_PER_RPM / drive.speed_m_s[rows]
    return np.concatenate(
        [
            np.bincount(cells, seconds, BINS),
            np.bincount(cells, seconds * gear, BINS),
        ]
    )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Gearing:
    """In which gear a vehicle is driven.

    Attributes:
        seconds: (BINS,) how long it was in a bin.
        gear: (BINS,) mean engine turns over the way there, rad/m; where it was too short, that of
            the nearest speed.
    """

    seconds: Floats
    gear: Floats

    @classmethod
    def of(cls, added: Floats) -> Gearing:
        """Of added sums."""
        seconds, turns = added[:BINS], added[BINS:]
        known = seconds >= LEAST_S
        gear = np.divide(turns, seconds, out=np.full(BINS, np.nan), where=known)
        return cls(seconds=seconds, gear=_filled(gear.reshape(SPEED_BINS, POWER_BINS)).ravel())

    def rad_per_m(self, speed_m_s: Floats, power_w: Floats | float) -> Floats:
        """Engine turns over the way at these speeds and powers, rad/m."""
        return self.gear[cell_of(speed_m_s, power_w)]

    def change(
        self, speed_m_s: Floats, power_w: Floats, other_m_s: Floats, other_w: Floats
    ) -> Floats:
        """By which part the gear changes from one speed and power to another."""
        before = self.rad_per_m(speed_m_s, power_w)
        after = self.rad_per_m(other_m_s, other_w)
        return np.divide(after, before, out=np.ones(len(before)), where=before > 0)


def _filled(gear: Floats) -> Floats:
    """Bins nobody drove in take the nearest speed's of the same power, then any power's."""
    filled = gear.copy()
    speeds = np.arange(SPEED_BINS)
    for column in range(POWER_BINS):
        known = np.flatnonzero(np.isfinite(gear[:, column]))
        if len(known):
            filled[:, column] = np.interp(speeds, known, gear[known, column])
    level = np.isfinite(filled).any(axis=1)
    if not level.any():
        # Nothing is known of any gear: a top gear's turns (1,200 rpm at 80 km/h).
        return np.full((SPEED_BINS, POWER_BINS), 5.7)
    rows = np.nanmean(filled[level], axis=1)
    everywhere = np.interp(speeds, np.flatnonzero(level), rows)
    return np.where(np.isfinite(filled), filled, everywhere[:, None])
