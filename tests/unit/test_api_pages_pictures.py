"""Pictures of numbers and maps show what the numbers say."""

from __future__ import annotations

import math

import pytest

from api.pages import figures, maps


def test_columns_stand_on_the_bottom_and_are_as_high_as_their_values() -> None:
    half, whole, nothing, unknown = figures.columns([5.0, 10.0, 0.0, None])
    assert (half.height, whole.height) == (50.0, 100.0)
    assert (half.y, whole.y) == (50.0, 0.0)
    assert (nothing.height, unknown.height) == (0.0, 0.0)


def test_few_columns_stand_at_the_right_of_the_room_for_many() -> None:
    found = figures.columns([1.0, 1.0], places=10)
    assert [column.height > 0 for column in found] == [False] * 8 + [True] * 2


def test_a_small_value_is_seen_beside_a_large_one() -> None:
    small, _ = figures.columns([0.001, 1000.0])
    assert small.height >= 1


def test_each_step_of_a_waterfall_begins_where_the_one_before_it_ends() -> None:
    steps = figures.waterfall(
        110.0, [("speed", 8.0, 6, 10), ("idling", 4.0, 3, 5), ("rest", -2.0, -3, -1)]
    )
    reference, speed, idling, rest, total = steps
    assert (reference.value, total.value) == (100.0, 110.0)
    assert speed.x == pytest.approx(reference.x + reference.width)
    assert idling.x == pytest.approx(speed.x + speed.width, abs=0.02)
    # What was less goes back from where the one before it ends.
    assert rest.x + rest.width == pytest.approx(idling.x + idling.width, abs=0.02)
    assert total.x + total.width == pytest.approx(rest.x, abs=0.02)
    assert (speed.kind, rest.kind) == ("more", "less")
    assert speed.width == pytest.approx(2 * idling.width, abs=0.05)


@pytest.mark.parametrize("causes", [[], [("rest", 0.0, -1.0, 1.0)]])
def test_a_waterfall_of_nothing_stays_in_its_room(
    causes: list[tuple[str, float, float, float]],
) -> None:
    for step in figures.waterfall(50.0, causes):
        assert 0 <= step.x <= step.x + step.width <= 101


@pytest.mark.parametrize("value", [80.0, 100.0, 130.0])
def test_a_gauge_shows_where_a_value_lies_beside_a_range(value: float) -> None:
    gauge = figures.gauge(90.0, 110.0, value)
    assert 0 < gauge.low < gauge.low + gauge.width < 100
    assert (gauge.at < gauge.low) == (value < 90)
    assert (gauge.at > gauge.low + gauge.width) == (value > 110)


def test_a_map_shows_all_its_places_north_up_and_without_stretching() -> None:
    places = [(31.0, 121.0), (31.2, 121.0), (31.0, 121.4)]
    drawn = maps.around(places, maps.NARROW)
    assert drawn is not None
    corner, north, east = (drawn.point(*place) for place in places)
    for x, y in (corner, north, east):
        assert 0 <= x <= drawn.width
        assert 0 <= y <= drawn.height
    assert north[1] < corner[1]
    assert east[0] > corner[0]
    # A degree of longitude is shorter than one of latitude by the cosine of the latitude.
    across, up = (east[0] - corner[0]) / 0.4, (corner[1] - north[1]) / 0.2
    assert across / up == pytest.approx(math.cos(math.radians(31.1)), rel=0.01)


def test_a_scale_bar_is_as_long_as_it_says() -> None:
    drawn = maps.around([(31.0, 121.0), (31.0, 122.0)], maps.WIDE)
    assert drawn is not None
    length, km = drawn.bar
    west, east = drawn.point(31.0, 121.0), drawn.point(31.0, 122.0)
    degree_km = 111.195 * math.cos(math.radians(31.0))
    assert length / km == pytest.approx((east[0] - west[0]) / degree_km, rel=0.01)


def test_a_line_is_broken_where_no_place_is_known() -> None:
    drawn = maps.around([(31.0, 121.0), (31.1, 121.1)], maps.NARROW)
    assert drawn is not None
    nowhere = (float("nan"), float("nan"))
    path = drawn.path([(31.0, 121.0), (31.1, 121.1), nowhere, (31.1, 121.1), (31.0, 121.0)])
    assert (path.count("M"), path.count("L")) == (2, 2)


@pytest.mark.parametrize("places", [[], [(float("nan"), 121.0)]])
def test_there_is_no_map_of_no_place(places: list[tuple[float, float]]) -> None:
    assert maps.around(places, maps.NARROW) is None


def test_one_place_is_in_the_middle_of_its_map() -> None:
    drawn = maps.around([(31.0, 121.0)], maps.NARROW)
    assert drawn is not None
    assert drawn.point(31.0, 121.0) == (drawn.width / 2, drawn.height / 2)
