"""WGS-84 and GCJ-02: the datum that maps of China are drawn in, some 100 to 700 m beside the other.

Everything inside is WGS-84; GCJ-02 is what a position is told in for such a map. Its formula was
never published by who made it. What is used everywhere was found out and is public: the series and
the ellipsoid (Krasovsky 1940) as in EvilTransform (github.com/googollee/eviltransform), whose test
vectors our tests have; where China is, as rectangles, from Aimeast (cnblogs.com/Aimeast, 2012-08).
Outside of these nothing is moved; along the border a rectangle is some 100 km wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Degrees = NDArray[np.float64]

SEMI_MAJOR_M: Final = 6_378_245.0
"""Krasovsky 1940 [m]."""
ECCENTRICITY_SQUARED: Final = 0.00669342162296594323
"""Krasovsky 1940, of a flattening of 1/298.3 [1]."""

ORIGIN: Final = (35.0, 105.0)
"""The series are of what lies north and east of here [deg]."""

ITERATIONS: Final = 10
"""Of the inverse: each makes its error some thousand times smaller; 3 reach a millimetre."""

_CHINA: Final = (
    (42.8899, 79.4462, 49.2204, 96.33),
    (39.3742, 109.6872, 54.1415, 135.0002),
    (29.5297, 73.1246, 42.8899, 124.143255),
    (26.7186, 82.9684, 29.5297, 97.0352),
    (20.414096, 97.0253, 29.5297, 124.367395),
    (17.871542, 107.975793, 20.414096, 111.744104),
)
"""South, west, north, east [deg]."""

_OUT_OF_IT: Final = (
    (21.785006, 119.921265, 25.398623, 122.497559),
    (20.0988, 101.8652, 22.284, 106.665),
    (20.4878, 106.4525, 21.5422, 108.051),
    (50.3257, 109.0323, 55.8175, 119.127),
    (49.5574, 127.4568, 55.8175, 137.0227),
    (42.5692, 131.2662, 44.8922, 137.0227),
)
"""What of these rectangles is not moved."""


def is_moved(latitude: ArrayLike, longitude: ArrayLike) -> NDArray[np.bool_]:
    """Whether GCJ-02 differs from WGS-84 there.

    Args:
        latitude: WGS-84 [deg].
        longitude: WGS-84 [deg].
    """
    north, east = np.asarray(latitude, np.float64), np.asarray(longitude, np.float64)

    def within(areas: tuple[tuple[float, float, float, float], ...]) -> NDArray[np.bool_]:
        found = np.zeros(np.broadcast(north, east).shape, dtype=np.bool_)
        for low, left, high, right in areas:
            found |= (north >= low) & (north <= high) & (east >= left) & (east <= right)
        return found

    return np.asarray(within(_CHINA) & ~within(_OUT_OF_IT))


def to_gcj02(latitude: ArrayLike, longitude: ArrayLike) -> tuple[Degrees, Degrees]:
    """From WGS-84 to GCJ-02; NaN stays NaN.

    Args:
        latitude: WGS-84 [deg].
        longitude: WGS-84 [deg].

    Returns:
        Latitude and longitude in GCJ-02 [deg].
    """
    north, east = np.asarray(latitude, np.float64), np.asarray(longitude, np.float64)
    more_north, more_east = _offset(north, east)
    moved = is_moved(north, east)
    return np.where(moved, north + more_north, north), np.where(moved, east + more_east, east)


def to_wgs84(latitude: ArrayLike, longitude: ArrayLike) -> tuple[Degrees, Degrees]:
    """From GCJ-02 to WGS-84, by iteration: what `to_gcj02` would make these of; NaN stays NaN.

    Args:
        latitude: GCJ-02 [deg].
        longitude: GCJ-02 [deg].

    Returns:
        Latitude and longitude in WGS-84 [deg].
    """
    north, east = np.asarray(latitude, np.float64), np.asarray(longitude, np.float64)
    found_north, found_east = north, east
    for _ in range(ITERATIONS):
        more_north, more_east = _offset(found_north, found_east)
        found_north, found_east = north - more_north, east - more_east
    moved = is_moved(found_north, found_east)
    return np.where(moved, found_north, north), np.where(moved, found_east, east)


def _offset(latitude: Degrees, longitude: Degrees) -> tuple[Degrees, Degrees]:
    """How far GCJ-02 lies north and east of WGS-84 [deg]."""
    y, x = latitude - ORIGIN[0], longitude - ORIGIN[1]
    root = np.sqrt(np.abs(x))
    short = 20 * np.sin(6 * np.pi * x) + 20 * np.sin(2 * np.pi * x)
    north_m = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root
    north_m += (2 / 3) * (
        short
        + 20 * np.sin(np.pi * y)
        + 40 * np.sin(np.pi * y / 3)
        + 160 * np.sin(np.pi * y / 12)
        + 320 * np.sin(np.pi * y / 30)
    )
    east_m = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root
    east_m += (2 / 3) * (
        short
        + 20 * np.sin(np.pi * x)
        + 40 * np.sin(np.pi * x / 3)
        + 150 * np.sin(np.pi * x / 12)
        + 300 * np.sin(np.pi * x / 30)
    )
    radians = np.radians(latitude)
    flat = 1 - ECCENTRICITY_SQUARED * np.sin(radians) ** 2
    meridian_m = SEMI_MAJOR_M * (1 - ECCENTRICITY_SQUARED) / flat**1.5
    parallel_m = SEMI_MAJOR_M / np.sqrt(flat) * np.cos(radians)
    return np.degrees(north_m / meridian_m), np.degrees(east_m / parallel_m)
