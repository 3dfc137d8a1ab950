"""At most so many points of a curve, chosen so that it looks the same and its peaks are there.

Samples by MinMaxLTTB [Van Der Donckt et al. 2023, tsdownsample]: of each stretch the extremes are
kept, and among these the points that span the largest triangles. States are told by where they
change: both ends of every stretch of the same value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from tsdownsample import MinMaxLTTBDownsampler

if TYPE_CHECKING:
    from numpy.typing import NDArray

FEWEST = 4
"""Points: the ends, and a peak either way."""

_DOWNSAMPLER = MinMaxLTTBDownsampler()  # type: ignore[no-untyped-call]


def kept(
    times_us: NDArray[np.int64], values: NDArray[np.float64], points: int, *, is_state: bool
) -> NDArray[np.intp]:
    """Which places to keep of a curve, in order, at most `points` of them.

    Args:
        times_us: ascending.
        values: one for each, none of them NaN.
        points: FEWEST or more.
        is_state: whether the value holds until it changes.
    """
    places = np.arange(len(values))
    if is_state and len(values) > points:
        changes = np.flatnonzero(values[1:] != values[:-1])
        places = np.unique(np.r_[0, changes, changes + 1, len(values) - 1])
    if len(places) <= points:
        return places
    # Times from the first on: large numbers would lose digits in the triangles' areas.
    chosen = _DOWNSAMPLER.downsample(
        times_us[places] - times_us[0], np.ascontiguousarray(values[places]), n_out=points
    )
    found: NDArray[np.intp] = places[np.unique(chosen.astype(np.intp))]
    return found
