"""Places on a blank ground: no tiles, no foreign server; north is up and near is near.

An equirectangular map around the middle of what is shown: over a country's width it is right to
some percent, which is enough to see who is where.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

HEIGHT = 180.0
"""Of a picture, in its own units."""

NARROW, WIDE = 320.0, 520.0
"""Widths, beside other things and over the whole page."""

MARGIN = 14.0
KM_A_DEGREE = 111.195
"""Of latitude, on a sphere of the Earth's mean radius [km]."""

LEAST_KM = 1.0
"""So much is shown at least: a parked truck is no map of its yard."""

NICE_KM = (0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)


@dataclass(frozen=True, kw_only=True, slots=True)
class Map:
    """Turns places into points of the picture."""

    latitude: float
    longitude: float
    units_a_km: float
    width: float
    height: float = HEIGHT

    def point(self, latitude: float, longitude: float) -> tuple[float, float]:
        """Where a place is in the picture, from its upper left corner."""
        east_km = (longitude - self.longitude) * KM_A_DEGREE * _narrowing(self.latitude)
        north_km = (latitude - self.latitude) * KM_A_DEGREE
        return (
            round(self.width / 2 + east_km * self.units_a_km, 1),
            round(self.height / 2 - north_km * self.units_a_km, 1),
        )

    def path(self, places: Iterable[tuple[float, float]]) -> str:
        """A line through places, as SVG writes it; what is NaN breaks it."""
        found, pen = [], "M"
        for latitude, longitude in places:
            if math.isnan(latitude) or math.isnan(longitude):
                pen = "M"
                continue
            x, y = self.point(latitude, longitude)
            found.append(f"{pen}{x} {y}")
            pen = "L"
        return "".join(found)

    @property
    def bar(self) -> tuple[float, float]:
        """A scale bar: its length in the picture and in kilometres."""
        most_km = NARROW / 4 / self.units_a_km
        km = max((nice for nice in NICE_KM if nice <= most_km), default=NICE_KM[0])
        return round(km * self.units_a_km, 1), km

    @property
    def grid(self) -> str:
        """Lines a scale bar's length apart, from the middle on, that give the blank a measure."""
        apart = self.bar[0]
        across = _spread(self.width, apart)
        down = _spread(self.height, apart)
        return "".join(
            [f"M{x} 0V{self.height:g}" for x in across] + [f"M0 {y}H{self.width:g}" for y in down]
        )


def around(places: Sequence[tuple[float, float]], width: float) -> Map | None:
    """The map of that width that shows all of these places; None: there is none to show."""
    known = [place for place in places if not any(map(math.isnan, place))]
    if not known:
        return None
    south, north = min(place[0] for place in known), max(place[0] for place in known)
    west, east = min(place[1] for place in known), max(place[1] for place in known)
    middle = (south + north) / 2
    wide_km = (east - west) * KM_A_DEGREE * _narrowing(middle)
    high_km = (north - south) * KM_A_DEGREE
    return Map(
        latitude=middle,
        longitude=(west + east) / 2,
        units_a_km=min(
            (width - 2 * MARGIN) / max(wide_km, LEAST_KM),
            (HEIGHT - 2 * MARGIN) / max(high_km, LEAST_KM * HEIGHT / width),
        ),
        width=width,
    )


def _spread(length: float, apart: float) -> list[float]:
    most = int(length / 2 / apart)
    return [round(length / 2 + apart * number, 1) for number in range(-most, most + 1)]


def _narrowing(latitude: float) -> float:
    return max(math.cos(math.radians(latitude)), 0.01)
