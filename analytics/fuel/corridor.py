"""From where to where: a name for what is driven again and again, so that like meets like.

The earth is cut into cells of about ten kilometres, and a corridor is the cell in which a part
began and that in which it ended, in this order: the way back may go downhill.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analytics.samples import Samples
    from analytics.spans import Spans

    Floats = NDArray[np.float64]

CELL_DEGREES = 0.1
"""A cell's height [°]: 11 km; a depot and its gates are one, two towns are two."""
NEAR_S = 300.0
"""A part's first and last positions are known within so long of its ends [s], or not at all."""


def corridors(samples: Samples, spans: Spans) -> NDArray[np.object_]:
    """(k,) the name of each span's corridor; None without positions near its ends.

    Args:
        samples: one vehicle's rows.
        spans: k of them, each of a row at least.
    """
    latitude, longitude = samples["latitude"], samples["longitude"]
    names = np.full(len(spans), None, dtype=object)
    known = np.flatnonzero(~(np.isnan(latitude) | np.isnan(longitude)))
    first = np.searchsorted(known, spans.first)
    last = np.searchsorted(known, spans.stop) - 1
    for k in np.flatnonzero(last >= first):
        start, end = known[first[k]], known[last[k]]
        late_us = samples.time_us[start] - samples.time_us[spans.first[k]]
        early_us = samples.time_us[spans.stop[k] - 1] - samples.time_us[end]
        if max(late_us, early_us) <= NEAR_S * 1e6:
            names[k] = corridor(latitude[start], longitude[start], latitude[end], longitude[end])
    return names


def corridor(
    from_latitude: float, from_longitude: float, to_latitude: float, to_longitude: float
) -> str:
    """The corridor's name: the middles of the cells it begins and ends in [°].

    "31.25N121.40E>30.25N120.15E" is from Shanghai to Hangzhou.
    """
    return f"{cell(from_latitude, from_longitude)}>{cell(to_latitude, to_longitude)}"


def cell(latitude: float, longitude: float) -> str:
    """The cell a place lies in, by its middle.

    Its width in degrees grows towards the poles, so that cells are about as wide as high; it
    divides the circle, so that they meet at 180°.
    """
    rows = round(180 / CELL_DEGREES)
    row = min(int((latitude + 90) / 180 * rows), rows - 1)
    middle = (row + 0.5) * 180 / rows - 90
    columns = max(round(360 / CELL_DEGREES * float(np.cos(np.radians(middle)))), 1)
    column = int((longitude + 180) / 360 * columns) % columns
    along = (column + 0.5) * 360 / columns - 180
    north, east = "N" if middle >= 0 else "S", "E" if along >= 0 else "W"
    return f"{abs(middle):.2f}{north}{abs(along):.2f}{east}"
