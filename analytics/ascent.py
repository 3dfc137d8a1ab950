"""Metres climbed: what the measured height gains beyond the band in which it wanders."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from analytics.samples import Samples

Floats: TypeAlias = NDArray[np.float64]


def height_m(samples: Samples) -> Floats:
    """(n,) height, or where nothing tells it, what the road's gradient adds up to, NaN unknown."""
    if not np.isnan(samples["altitude"]).all():
        return samples["altitude"]
    gradient = samples["road_gradient"]
    rise = gradient / 100.0 * samples.speed_km_h / 3.6 * samples.step_s
    return np.where(np.isnan(gradient), np.nan, np.cumsum(np.nan_to_num(rise)))


def ascent_m(samples: Samples, firsts: NDArray[np.intp], *, band_m: float) -> Floats:
    """(n,) metres climbed in each row, with what is less than the band left out as noise.

    The height that counts is dragged along by the measured one: it stays while that is within a
    band above it, and follows below and beyond. Each part, and what comes after a gap, begins anew.

    Args:
        samples: one vehicle's rows.
        firsts: the first row of each part, ascending.
        band_m: height comes and goes by so much without a hill [m].
    """
    climbed = np.zeros(len(samples))
    height = height_m(samples)
    rows = np.flatnonzero(samples.moving & ~np.isnan(height))
    if len(rows) < 2:
        return climbed
    top = height[rows]
    bottom = top - band_m
    of_part = np.searchsorted(firsts, rows, side="right")
    stretch = np.cumsum(samples.gap)[rows]
    begins = np.append(True, (np.diff(of_part) != 0) | (np.diff(stretch) != 0))
    bottom[begins] = top[begins]
    counted = _dragged(bottom, top)
    climbed[rows[1:]] = np.where(begins[1:], 0.0, np.maximum(np.diff(counted), 0.0))
    return climbed


def _dragged(bottom: Floats, top: Floats) -> Floats:
    """(n,) x after each row, which maps it to min(max(x, bottom), top); in the first both agree.

    Two such maps one after the other are a map of the same form: pairs of rows are made one row
    until few are left, without a loop over rows.
    """
    if len(bottom) < 2:
        return bottom
    after_bottom, after_top = bottom[1::2], top[1::2]
    pairs = len(after_bottom)
    odd = _dragged(
        np.minimum(np.maximum(bottom[::2][:pairs], after_bottom), after_top),
        np.minimum(np.maximum(top[::2][:pairs], after_bottom), after_top),
    )
    dragged = np.empty_like(bottom)
    dragged[0], dragged[1::2] = bottom[0], odd
    rest = len(dragged[2::2])
    dragged[2::2] = np.minimum(np.maximum(odd[:rest], bottom[2::2]), top[2::2])
    return dragged
