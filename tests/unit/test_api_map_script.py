"""What a map's script is told: places in the ground's datum, and tracks that gaps break."""

from __future__ import annotations

import math

import pytest

from api.language import language
from api.pages import map_script, maps
from schemas.gcj02 import to_gcj02

SHANGHAI, SUZHOU = (31.2304, 121.4737), (31.2989, 120.5853)
CHINESE = maps.Ground(
    template="https://tiles.example/{z}/{x}/{y}.png", attribution="", is_gcj02=True, max_zoom=17
)


def test_a_dot_is_told_east_before_north_and_in_the_datum_of_its_ground() -> None:
    assert map_script.dot(None, SHANGHAI) == "121.4737 31.2304"
    north, east = (float(value) for value in to_gcj02(*SHANGHAI))
    told = [float(part) for part in map_script.dot(CHINESE, SHANGHAI).split(" ")]
    assert told == pytest.approx([east, north], abs=0.6e-5)
    assert told != pytest.approx([121.4737, 31.2304], abs=1e-3)


def test_a_vehicle_that_is_nowhere_has_an_empty_dot() -> None:
    assert map_script.dot(CHINESE, None) == ""


def test_a_track_is_broken_where_nobody_knows_where_it_went() -> None:
    nowhere = (math.nan, math.nan)
    found = map_script.lines(None, [nowhere, SHANGHAI, SUZHOU, nowhere, nowhere, SHANGHAI, nowhere])
    here, there = (121.4737, 31.2304), (120.5853, 31.2989)
    assert found == [[here, there], [here]]
    assert map_script.lines(None, [nowhere]) == []


def test_the_script_is_told_of_tiles_only_where_settings_name_some() -> None:
    blank = map_script.settings(None, language("en"))
    assert (blank["tiles"], blank["max_zoom"]) == (None, None)
    tiled = map_script.settings(CHINESE, language("en"))
    assert (tiled["tiles"], tiled["max_zoom"]) == (CHINESE.template, 17)
