"""Positions to believe: fixes that lie where the vehicle cannot have been are taken out.

A leg between two fixes that no road vehicle drives parts the fixes before it from those after it.
Which side errs is told by time: the shorter one, or the one whose neighbours meet without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analytics.samples import SampleRules

KM_PER_DEGREE = 111.2
"""Of latitude, and of longitude at the equator [km]; a sphere of 6,371 km."""


def misplaced_rows(
    latitude: NDArray[np.float64],
    longitude: NDArray[np.float64],
    time_us: NDArray[np.int64],
    rules: SampleRules,
) -> NDArray[np.intp]:
    """Rows whose position is not believed, ascending.

    Args:
        latitude: (n,) degrees, NaN absent.
        longitude: likewise.
        time_us: (n,) microseconds since 1970, ascending.
        rules: how fast no road vehicle is, and how long a receiver errs.
    """
    # Zero, zero is what many receivers say when they have no position.
    nowhere = np.flatnonzero(
        (np.abs(latitude) > 90) | (np.abs(longitude) > 180) | ((latitude == 0) & (longitude == 0))
    )
    known = ~(np.isnan(latitude) | np.isnan(longitude))
    known[nowhere] = False
    fixes = np.flatnonzero(known)
    jumped = _jumped(latitude[fixes], longitude[fixes], time_us[fixes], rules)
    return np.sort(np.concatenate((nowhere, fixes[jumped])))


def _jumped(
    latitude: NDArray[np.float64],
    longitude: NDArray[np.float64],
    time_us: NDArray[np.int64],
    rules: SampleRules,
) -> NDArray[np.intp]:
    """Which fixes lie apart from those around them."""
    few = np.empty(0, dtype=np.intp)
    near = 0.9 * rules.misplaced_km / KM_PER_DEGREE  # no need to look closer below
    leg = np.flatnonzero((np.abs(np.diff(latitude)) > near) | (np.abs(np.diff(longitude)) > near))

    def possible(start: NDArray[np.intp], end: NDArray[np.intp]) -> NDArray[np.bool_]:
        north = latitude[end] - latitude[start]
        east = (longitude[end] - longitude[start] + 180) % 360 - 180
        east = east * np.cos(np.radians(latitude[start]))
        elapsed_h = (time_us[end] - time_us[start]) / 3.6e9
        km = np.hypot(north, east) * KM_PER_DEGREE
        return np.asarray(km <= rules.misplaced_km + rules.misplaced_km_h * elapsed_h)

    leg = leg[~possible(leg, leg + 1)]
    if not len(leg):
        return few
    head, tail = np.append(0, leg + 1), np.append(leg, len(latitude) - 1)
    # Longer than this is not told apart, so that the rows around decide, whatever the whole.
    lasts_s = np.minimum((time_us[tail] - time_us[head]) / 1e6, rules.misplaced_s)
    apart = lasts_s < rules.misplaced_s
    apart[0] &= lasts_s[0] < lasts_s[1]
    apart[-1] &= lasts_s[-1] < lasts_s[-2]
    before, after = lasts_s[:-2], lasts_s[2:]
    meet = possible(tail[:-2], head[2:]) & (lasts_s[1:-1] <= np.maximum(before, after))
    apart[1:-1] &= meet | (lasts_s[1:-1] < np.minimum(before, after))
    marks = np.zeros(len(latitude) + 1, dtype=np.int8)
    np.add.at(marks, head[apart], 1)
    np.add.at(marks, tail[apart] + 1, -1)
    return np.flatnonzero(np.cumsum(marks[:-1]))
