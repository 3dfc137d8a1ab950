"""Maps on a ground: what lies where on it, in which datum, what the policy lets browsers load."""

from __future__ import annotations

import math

import pytest
from pydantic import ValidationError

from api.pages import maps
from api.settings import ApiSettings
from schemas.gcj02 import to_gcj02

URL = "https://tiles.example/{z}/{x}/{y}.png"
SHANGHAI, SUZHOU = (31.2304, 121.4737), (31.2989, 120.5853)
GROUND = maps.Ground(template=URL, attribution="© who drew it", is_gcj02=False, max_zoom=17)


def on(tile: maps.Tile) -> tuple[int, int, int]:
    zoom, column, row = tile.address.removeprefix("https://tiles.example/")[:-4].split("/")
    return int(zoom), int(column), int(row)


def tiled(*places: tuple[float, float], ground: maps.Ground = GROUND) -> maps.TiledMap:
    found = maps.around(places, maps.NARROW, ground)
    assert isinstance(found, maps.TiledMap)
    return found


def test_a_place_is_on_the_tile_that_the_usual_numbering_says() -> None:
    # OpenStreetMap's own formula for tile numbers.
    made = tiled(SHANGHAI, SUZHOU)
    latitude, longitude = SHANGHAI
    across = 2**made.zoom
    column = int((longitude + 180) / 360 * across)
    row = int((1 - math.asinh(math.tan(math.radians(latitude))) / math.pi) / 2 * across)
    (tile,) = [tile for tile in made.tiles if on(tile) == (made.zoom, column, row)]
    x, y = made.point(*SHANGHAI)
    assert tile.x <= x < tile.x + maps.TILE
    assert tile.y <= y < tile.y + maps.TILE


def test_tiles_cover_the_picture_and_all_places_are_within_it() -> None:
    made = tiled(SHANGHAI, SUZHOU)
    assert min(tile.x for tile in made.tiles) <= 0
    assert min(tile.y for tile in made.tiles) <= 0
    assert max(tile.x for tile in made.tiles) + maps.TILE >= made.width
    assert max(tile.y for tile in made.tiles) + maps.TILE >= made.height
    for place in (SHANGHAI, SUZHOU):
        x, y = made.point(*place)
        assert maps.MARGIN - 0.1 <= x <= made.width - maps.MARGIN + 0.1
        assert maps.MARGIN - 0.1 <= y <= made.height - maps.MARGIN + 0.1


def test_one_place_is_shown_at_the_closest_zoom_and_the_world_at_the_widest() -> None:
    assert tiled(SHANGHAI).zoom == 17
    assert tiled((80.0, -179.0), (-80.0, 179.0)).zoom == 0


def test_on_a_ground_in_gcj02_places_are_where_such_maps_have_them() -> None:
    shifted = maps.Ground(template=URL, attribution="", is_gcj02=True, max_zoom=17)
    north, east = (float(value) for value in to_gcj02(*SHANGHAI))
    assert shifted.place(*SHANGHAI, 17) == GROUND.place(north, east, 17)
    moved = math.dist(shifted.place(*SHANGHAI, 17), GROUND.place(*SHANGHAI, 17))
    assert moved > 100  # some 500 m, at 17 half a picture
    berlin = (52.52, 13.405)
    assert shifted.place(*berlin, 17) == GROUND.place(*berlin, 17)


def test_a_scale_bar_on_a_ground_is_as_long_as_it_says() -> None:
    made = tiled(SHANGHAI, SUZHOU)
    length, km = made.bar
    latitude, longitude = SHANGHAI
    east = longitude + km / (maps.KM_A_DEGREE * math.cos(math.radians(latitude)))
    there = made.point(latitude, east)[0] - made.point(latitude, longitude)[0]
    assert there == pytest.approx(length, rel=0.01)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("", None),
        (URL, "https://tiles.example"),
        ("https://tiles.example:8443/a/{z}/{x}/{y}?k=1", "https://tiles.example:8443"),
        ("http://127.0.0.1:8080/{z}/{x}/{y}.png", "http://127.0.0.1:8080"),
    ],
)
def test_the_policy_lets_exactly_one_origin_in(url: str, origin: str | None) -> None:
    assert ApiSettings(map_tiles_url=url).map_tiles_origin == origin


@pytest.mark.parametrize(
    "url",
    [
        "http://tiles.example/{z}/{x}/{y}.png",
        "https://tiles.example/{z}/{x}.png",
        "https://{s}.tiles.example/{z}/{x}/{y}.png",
        "https://*.example/{z}/{x}/{y}.png",
        "https://a.example;script-src */{z}/{x}/{y}.png",
        "https://a.example 'unsafe-inline'/{z}/{x}/{y}.png",
        "https://user@a.example/{z}/{x}/{y}.png",
        "javascript:{z}{x}{y}",
        "//tiles.example/{z}/{x}/{y}.png",
    ],
)
def test_an_address_that_would_let_in_more_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="map_tiles_url"):
        ApiSettings(map_tiles_url=url)
