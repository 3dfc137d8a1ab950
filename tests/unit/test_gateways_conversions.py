"""Units change as physics says, and end in units the catalogue knows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.gateways.conversions import CONVERSIONS, Conversion, conversion
from schemas.units import UNITS


def convert(value: float, source: str, target: str) -> float:
    way = conversion(source, target)
    assert way is not None
    return value * way.scale + way.offset


@pytest.mark.parametrize(
    ("value", "source", "target", "expected"),
    [
        (10.0, "m/s", "km/h", 36.0),
        (60.0, "mph", "km/h", 96.56064),
        (26.2188, "mile", "km", 42.195),  # a marathon
        (1609.344, "m", "km", 1.609344),
        (212.0, "°F", "°C", 100.0),  # water boils
        (-40.0, "°F", "°C", -40.0),  # where the scales meet
        (273.15, "K", "°C", 0.0),  # water freezes
        (1.01325, "bar", "kPa", 101.325),  # a standard atmosphere
        (14.6959, "psi", "kPa", 101.325),
        (1000.0, "g/s", "kg/h", 3600.0),
        (2.319444, "g/s diesel", "L/h", 10.0),  # 10 L/h of 0.835 kg/L
        (2.069444, "g/s petrol", "L/h", 10.0),  # 10 L/h of 0.745 kg/L
        (1.0, "cm³/s", "L/h", 3.6),
        (500.0, "ml", "L", 0.5),
        (100.0, "US gal", "L", 378.5411784),
        (1.0, "g", "m/s²", 9.80665),
        (3.141592653589793, "rad/s", "deg/s", 180.0),
        (0.5, "fraction", "%", 50.0),
        (31.4, "t", "kg", 31_400.0),
    ],
)
def test_known_quantities_come_out_right(
    value: float, source: str, target: str, expected: float
) -> None:
    assert convert(value, source, target) == pytest.approx(expected, rel=1e-5, abs=1e-9)


def test_every_conversion_has_a_known_quantity_above() -> None:
    marks = test_known_quantities_come_out_right.pytestmark  # type: ignore[attr-defined]  # set by pytest
    tested = {(source, target) for _, source, target, _ in marks[0].args[1]}
    assert tested == set(CONVERSIONS)


@pytest.mark.parametrize(("source", "target"), CONVERSIONS)
def test_conversion_ends_in_a_unit_of_the_catalogue(source: str, target: str) -> None:
    assert target in UNITS
    assert source != target


@given(st.sampled_from(sorted(UNITS)), st.floats(allow_nan=False, allow_infinity=False))
def test_the_same_unit_needs_none(unit: str, value: float) -> None:
    assert convert(value, unit, unit) == value
    assert conversion(unit, unit) == Conversion(1.0)


def test_no_way_is_none() -> None:
    assert conversion("km/h", "°C") is None
