from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.fuel.corridor import CELL_DEGREES, cell, corridor, corridors
from analytics.spans import Spans
from tests.samples.driving_rows import rows, samples

SHANGHAI, HANGZHOU = (31.23, 121.47), (30.25, 120.16)

latitudes = st.floats(min_value=-90, max_value=90)
longitudes = st.floats(min_value=-180, max_value=180)


def span(count: int) -> Spans:
    return Spans(first=np.array([0]), stop=np.array([count]))


def test_a_corridor_is_named_by_where_from_and_where_to() -> None:
    there, back = corridor(*SHANGHAI, *HANGZHOU), corridor(*HANGZHOU, *SHANGHAI)
    assert there == ">".join(reversed(back.split(">")))
    assert there != back
    assert there.startswith("31.25N121.")


def test_gates_of_one_yard_are_one_place_and_the_next_town_is_another() -> None:
    assert cell(31.23, 121.46) == cell(31.235, 121.455)  # 700 m
    assert cell(31.23, 121.46) != cell(31.38, 121.46)  # 17 km


def test_a_part_has_the_corridor_of_its_first_and_last_positions() -> None:
    found = corridors(
        samples(
            (60, {"latitude": SHANGHAI[0], "longitude": SHANGHAI[1]}),
            (600, {}),
            (60, {"latitude": HANGZHOU[0], "longitude": HANGZHOU[1]}),
            step_s=10.0,
        ),
        span(720),
    )
    assert found.tolist() == [corridor(*SHANGHAI, *HANGZHOU)]


def test_without_positions_near_both_ends_there_is_no_corridor() -> None:
    place = {"latitude": 31.0, "longitude": 121.0}
    nowhere = samples((100, {"wheel_speed": 50.0}))
    assert corridors(nowhere, span(100)).tolist() == [None]
    # The receiver finds itself six minutes after the start, and is lost six minutes before the end.
    late, early = samples((360, {}), (60, place)), samples((60, place), (360, {}))
    assert corridors(late, span(420)).tolist() == [None]
    assert corridors(early, span(420)).tolist() == [None]


def test_no_row_is_needed_for_no_part() -> None:
    nothing = Spans(first=np.empty(0, dtype=np.intp), stop=np.empty(0, dtype=np.intp))
    assert len(corridors(samples((5, {})), nothing)) == 0
    assert len(rows((5, {}))) == 5


@given(latitudes, longitudes)
def test_a_place_is_within_its_cell(latitude: float, longitude: float) -> None:
    name = cell(latitude, longitude)
    north, rest = (name.split("N") if "N" in name else name.split("S"))[:2]
    middle = float(north) * (1 if "N" in name else -1)
    # Half a cell, and what two decimals round.
    assert abs(middle - latitude) <= CELL_DEGREES / 2 + 0.006
    assert rest[-1] in "EW"


@given(latitudes)
def test_cells_meet_where_the_day_changes(latitude: float) -> None:
    assert cell(latitude, 180.0) == cell(latitude, -180.0)


def test_cells_are_about_as_wide_as_high_up_north() -> None:
    at = np.arange(0.0, 20.0, 0.01)
    for latitude in (0.0, 31.0, 60.0):
        names = {cell(latitude, longitude) for longitude in at}
        width_km = 20.0 * 111.2 * np.cos(np.radians(latitude)) / len(names)
        assert width_km == pytest.approx(11.1, rel=0.05)
