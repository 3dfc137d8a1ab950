from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.fuel.payload import empty_mass_kg, empty_mass_of, payload_kg
from tests.samples.driving_rows import samples


def mass(*legs: tuple[float, float]) -> float:
    """The empty mass of a vehicle that drove with these masses [kg] so far [km]."""
    return empty_mass_kg(np.array([kg for kg, _ in legs]), np.array([km for _, km in legs]))


def test_the_lowest_mass_that_was_kept_is_the_empty_one() -> None:
    assert mass((38_000, 100), (15_000, 80), (30_000, 40)) == 15_000


def test_an_estimate_that_had_not_settled_is_no_mass() -> None:
    # 3 km of 9 t behind the gate, until the suspension had told.
    assert mass((9_000, 3), (38_000, 100), (15_000, 80)) == 15_000


def test_noise_of_a_few_per_cent_is_one_mass() -> None:
    rng = np.random.default_rng(3)
    empty, loaded = 15_000 * rng.normal(1, 0.015, 300), 36_000 * rng.normal(1, 0.015, 300)
    learnt = empty_mass_kg(np.append(loaded, empty), np.full(600, 0.5))
    assert learnt == pytest.approx(15_000, rel=0.03)


def test_who_always_weighs_the_same_is_neither_full_nor_empty() -> None:
    assert np.isnan(mass((30_000, 500), (32_000, 400)))
    assert np.isnan(mass())
    assert np.isnan(mass((np.nan, 100), (np.nan, 10)))


def test_payload_is_what_is_beyond_the_empty_mass() -> None:
    load = payload_kg(np.array([15_000.0, 15_900.0, 36_000.0, np.nan]), 15_000.0)
    # 900 kg more is driver, fuel and a sensor that errs.
    np.testing.assert_array_equal(load, [0.0, 0.0, 21_000.0, np.nan])
    assert np.isnan(payload_kg(np.array([36_000.0]), np.nan)).all()


def test_rows_tell_the_empty_mass_by_the_kilometres_driven_with_each() -> None:
    driven = samples(
        (900, {"wheel_speed": 72.0, "gross_combination_weight": 36_000.0}),
        (900, {"wheel_speed": 0.0, "gross_combination_weight": 8_000.0}),  # lifted, not driven
        (900, {"wheel_speed": 72.0, "gross_combination_weight": 15_000.0}),
    )
    assert empty_mass_of(driven) == 15_000.0


@given(
    st.lists(st.floats(5_000, 60_000), min_size=1, max_size=30), st.sampled_from([0.25, 0.5, 2.0])
)
def test_the_empty_mass_is_one_it_had_whatever_the_unit_of_mass(
    masses: list[float], scale: float
) -> None:
    kg, km = np.array(masses), np.full(len(masses), 10.0)
    learnt = empty_mass_kg(kg, km)
    assert np.isnan(learnt) or learnt in masses
    assert learnt * scale == pytest.approx(empty_mass_kg(kg * scale, km), rel=1e-9, nan_ok=True)
