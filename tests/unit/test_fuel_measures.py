from __future__ import annotations

from math import isnan, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.fuel.measures import co2_kg, litres_per_100_km, litres_per_100_t_km

amounts = st.floats(min_value=0.1, max_value=1e6)


def test_litres_are_told_for_a_hundred_kilometres() -> None:
    assert litres_per_100_km(60.0, 200.0) == pytest.approx(30.0)


def test_litres_are_told_for_a_tonne_over_a_hundred_kilometres() -> None:
    # 60 L for 25 t over 200 km.
    assert litres_per_100_t_km(60.0, 25 * 200.0) == pytest.approx(1.2)


def test_who_did_not_drive_or_is_not_known_to_has_no_figure() -> None:
    assert isnan(litres_per_100_km(3.0, 0.0))
    assert isnan(litres_per_100_km(3.0, nan))
    assert isnan(litres_per_100_km(nan, 100.0))
    assert isnan(litres_per_100_t_km(3.0, 0.0))
    assert isnan(litres_per_100_t_km(3.0, nan))


def test_a_litre_of_diesel_burns_to_2_64_kg_unless_told_otherwise() -> None:
    assert co2_kg(100.0) == pytest.approx(264.0)
    assert co2_kg(100.0, kg_l=3.24) == pytest.approx(324.0)  # well to wheel, EN 16258


@given(amounts, amounts, amounts, amounts)
def test_the_figure_of_two_trips_lies_between_theirs(
    a: float, b: float, x: float, y: float
) -> None:
    one, other = litres_per_100_km(a, x), litres_per_100_km(b, y)
    both = litres_per_100_km(a + b, x + y)
    assert min(one, other) * (1 - 1e-9) <= both <= max(one, other) * (1 + 1e-9)
