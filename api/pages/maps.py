"""Places on a blank ground: no foreign server, unless settings name one that has a ground for them.

On blank: an equirectangular map around the middle of what is shown: over a country's width it is
right to some percent, which is enough to see who is where.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from schemas.gcj02 import to_gcj02

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from api.settings import ApiSettings

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


TILE = 128.0
"""Side of a tile in the picture: 256 pixels of it are drawn on half as many units, so that they are
sharp on a wide page and on a phone."""

MOST_LATITUDE = 85.0
"""Web Mercator has no poles [deg]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tile:
    """A picture of the ground, and where its upper left corner is."""

    address: str
    x: float
    y: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Ground:
    """A server of tiles."""

    template: str
    attribution: str
    is_gcj02: bool
    max_zoom: int

    def address(self, zoom: int, column: int, row: int) -> str:
        """Where a tile is."""
        return (
            self.template.replace("{z}", str(zoom))
            .replace("{x}", str(column))
            .replace("{y}", str(row))
        )

    def datum(self, latitude: float, longitude: float) -> tuple[float, float]:
        """Latitude and longitude (WGS-84) as it is drawn in them [deg]."""
        if not self.is_gcj02:
            return latitude, longitude
        north, east = to_gcj02(latitude, longitude)
        return float(north), float(east)

    def place(self, latitude: float, longitude: float, zoom: int) -> tuple[float, float]:
        """Where a place (WGS-84) is on it, in units from its north-west corner."""
        latitude, longitude = self.datum(latitude, longitude)
        latitude = math.radians(max(-MOST_LATITUDE, min(MOST_LATITUDE, latitude)))
        side = TILE * (1 << zoom)
        return (
            side * (longitude + 180) / 360,
            side * (1 - math.asinh(math.tan(latitude)) / math.pi) / 2,
        )


def ground_of(settings: ApiSettings) -> Ground | None:
    """The ground that settings name; None: maps are blank."""
    if not settings.map_tiles_url:
        return None
    return Ground(
        template=settings.map_tiles_url,
        attribution=settings.map_tiles_attribution,
        is_gcj02=settings.map_tiles_gcj02,
        max_zoom=settings.map_tiles_max_zoom,
    )


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
    def tiles(self) -> list[Tile]:
        """The ground; none: it is blank."""
        return []

    @property
    def attribution(self) -> str:
        """Whose ground it is."""
        return ""

    @property
    def grid(self) -> str:
        """Lines a scale bar's length apart, from the middle on, that give the blank a measure."""
        apart = self.bar[0]
        across = _spread(self.width, apart)
        down = _spread(self.height, apart)
        return "".join(
            [f"M{x} 0V{self.height:g}" for x in across] + [f"M0 {y}H{self.width:g}" for y in down]
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class TiledMap(Map):
    """The same on a ground in Web Mercator, at one of its own zooms."""

    ground: Ground
    zoom: int
    middle: tuple[float, float]
    """Of the picture, in units from the north-west corner of the world."""

    def point(self, latitude: float, longitude: float) -> tuple[float, float]:
        """Where a place is in the picture, from its upper left corner."""
        x, y = self.ground.place(latitude, longitude, self.zoom)
        return (
            round(x - self.middle[0] + self.width / 2, 1),
            round(y - self.middle[1] + self.height / 2, 1),
        )

    @property
    def grid(self) -> str:
        """Nothing: the ground is measure enough."""
        return ""

    @property
    def attribution(self) -> str:
        """Whose ground it is."""
        return self.ground.attribution

    @property
    def tiles(self) -> list[Tile]:
        """The pictures that cover it; round the world in longitude, none beyond the poles."""
        left, top = self.middle[0] - self.width / 2, self.middle[1] - self.height / 2
        columns = range(math.floor(left / TILE), math.floor((left + self.width) / TILE) + 1)
        rows = range(math.floor(top / TILE), math.floor((top + self.height) / TILE) + 1)
        around_the_world = 1 << self.zoom
        return [
            Tile(
                address=self.ground.address(self.zoom, column % around_the_world, row),
                x=round(column * TILE - left, 1),
                y=round(row * TILE - top, 1),
            )
            for row in rows
            if 0 <= row < around_the_world
            for column in columns
        ]


def around(
    places: Sequence[tuple[float, float]], width: float, ground: Ground | None = None
) -> Map | None:
    """The map of that width that shows all of these places; None: there is none to show."""
    found = _around(places, width)
    if found is None or ground is None:
        return found
    known = [place for place in places if not any(map(math.isnan, place))]
    return _on(ground, found, known)


def _on(ground: Ground, blank: Map, places: Sequence[tuple[float, float]]) -> TiledMap:
    """The map at the closest zoom at which everything still has room."""
    for zoom in range(ground.max_zoom, -1, -1):
        xs, ys = zip(*(ground.place(*place, zoom) for place in places), strict=True)
        fits = (
            max(xs) - min(xs) <= blank.width - 2 * MARGIN
            and max(ys) - min(ys) <= blank.height - 2 * MARGIN
        )
        if fits or zoom == 0:
            break
    km_around = 360 * KM_A_DEGREE * _narrowing(blank.latitude)
    return TiledMap(
        latitude=blank.latitude,
        longitude=blank.longitude,
        units_a_km=TILE * (1 << zoom) / km_around,
        width=blank.width,
        ground=ground,
        zoom=zoom,
        middle=((min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2),
    )


def _around(places: Sequence[tuple[float, float]], width: float) -> Map | None:
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
