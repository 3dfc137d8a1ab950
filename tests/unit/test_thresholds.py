"""Thresholds: each class has them all, with sources, and a file that breaks a rule is refused."""

from dataclasses import fields
from importlib.resources import files
from typing import Any

import pytest

from analytics.events.table import EVENT_KINDS
from analytics.thresholds import CLASSES, ThresholdError, Thresholds, of_class, read

TEXT = files("analytics").joinpath("thresholds.toml").read_text(encoding="utf-8")


def kinds(thresholds: Thresholds) -> dict[str, Any]:
    """Each kind's thresholds by its name."""
    names = [field.name for field in fields(thresholds) if field.name != "vehicle_class"]
    return {name: getattr(thresholds, name) for name in names}


@pytest.mark.parametrize("name", CLASSES)
def test_each_class_has_every_kind_of_event_and_says_where_the_values_come_from(name: str) -> None:
    found = kinds(of_class(name))
    assert set(found) == set(EVENT_KINDS) | {"green_band"}  # a band is no event
    assert all(len(kind.source) > 20 for kind in found.values())  # a word is no source


@pytest.mark.parametrize("name", CLASSES)
def test_what_begins_an_event_is_beyond_what_ends_it(name: str) -> None:
    for kind in kinds(of_class(name)).values():
        for unit in ("m_s2", "factor", "rpm"):
            enter = getattr(kind, f"enter_{unit}", None)
            assert enter is None or enter > getattr(kind, f"leave_{unit}")


@pytest.mark.parametrize("name", CLASSES)
def test_an_event_that_just_begins_is_of_low_severity(name: str) -> None:
    found = of_class(name)
    for harsh in (found.harsh_braking, found.harsh_acceleration, found.harsh_cornering):
        assert harsh.enter_m_s2 < harsh.severity[0] < harsh.severity[1] < harsh.most_m_s2
    for speeding in (found.overspeed_road, found.overspeed_vehicle):
        assert speeding.enter_factor < speeding.severity_factors[0] < speeding.severity_factors[1]
    assert found.idling.least_s < found.idling.severity[0] < found.idling.severity[1]


def test_a_car_may_brake_harder_than_a_truck_and_a_truck_harder_than_a_bus() -> None:
    enter = {name: of_class(name).harsh_braking.enter_m_s2 for name in CLASSES}
    assert enter["bus"] < enter["heavy_truck"] < enter["light_truck"] < enter["car"]


def test_the_values_are_those_of_their_sources() -> None:
    g = 9.80665
    truck, car = of_class("heavy_truck"), of_class("car")
    assert truck.harsh_braking.enter_m_s2 == 3.0  # rFMS 4.0, outermost class
    assert truck.harsh_acceleration.enter_m_s2 == pytest.approx(6 * 0.3048, abs=0.005)  # NJIT
    assert car.harsh_braking.enter_m_s2 == pytest.approx(0.38 * g, abs=0.005)  # GPS Insight
    assert car.harsh_braking.severity[1] == pytest.approx(0.61 * g, abs=0.005)  # Geotab
    assert car.harsh_cornering.severity[1] == 5.5  # Digital Matter
    assert (truck.green_band.low_rpm, truck.green_band.high_rpm) == (800, 1700)  # Samsara


def test_a_class_takes_what_it_does_not_name_from_the_one_it_inherits_from() -> None:
    heavy, bus = of_class("heavy_truck"), of_class("bus")
    assert bus.overspeed_vehicle.limit_km_h != heavy.overspeed_vehicle.limit_km_h
    assert bus.overspeed_vehicle.least_s == heavy.overspeed_vehicle.least_s
    assert bus.idling == heavy.idling


def test_an_unknown_class_is_refused_with_the_names_of_those_there_are() -> None:
    with pytest.raises(ThresholdError, match=r"'tram'.*heavy_truck.*car"):
        of_class("tram")


@pytest.mark.parametrize(
    ("there", "instead", "message"),
    [
        ('inherits = "heavy_truck"', 'inherits = "tank"', "medium_truck inherits from tank"),
        ("[heavy_truck.idling]", "[heavy_truck.resting]", "lacks, .* idling, resting"),
        ("low_rpm = 800.0", "lowest_rpm = 800.0", r"heavy_truck.green_band\].* low_rpm, lowest"),
        ("low_rpm = 800.0", 'low_rpm = "800"', "low_rpm = '800' must be a number"),
        ("low_rpm = 800.0", "low_rpm = true", "low_rpm = True must be a number"),
        ("severity = [3.53, 4.61]", "severity = [3.53]", "must be two numbers"),
        ('source = "Samsara Eco score (800-1700 rpm)"', "", "must be a section that names its"),
        ("[heavy_truck.idling]", "[heavy_truck.idling", "are no TOML"),
    ],
)
def test_a_file_that_breaks_a_rule_is_refused_with_class_kind_and_key(
    there: str, instead: str, message: str
) -> None:
    assert there in TEXT
    with pytest.raises(ThresholdError, match=message):
        read(TEXT.replace(there, instead, 1))
