"""The fleet and its roads: who drives what, and where."""

import re
from datetime import UTC, datetime

import numpy as np
import pytest

from schemas.catalogue import default
from schemas.vin import check_digit_ok, check_vin
from simulator import SimulationConfig, SimulationError, build_fleet
from simulator.driver import driver_profiles
from simulator.fleet import road_kinds
from simulator.road import CLASSES, CURVE_M_S2, build_roads
from simulator.vehicle import vehicle_models
from simulator.vin import make_vin

START = datetime(2026, 3, 2, tzinfo=UTC)


def config(vehicles: int = 60, seed: int = 5) -> SimulationConfig:
    return SimulationConfig(vehicles=vehicles, days=1, seed=seed, start=START)


def test_every_vin_is_well_formed_unique_and_of_its_makers_style() -> None:
    fleet = build_fleet(config(400))
    for vehicle in fleet:
        check_vin(vehicle.vin)
        assert vehicle.vin.startswith(vehicle.model.wmi)
    assert len({vehicle.vin for vehicle in fleet}) == len(fleet)


def test_three_of_four_vins_carry_a_valid_check_digit() -> None:
    valid = [check_digit_ok(make_vin("LVBV3JBB", seed=1, index=i)) for i in range(400)]
    # Every fourth has a 0 in its place, of which one in eleven fits by chance.
    assert 300 <= sum(valid) <= 330


def test_the_seed_changes_the_vins() -> None:
    assert {v.vin for v in build_fleet(config(seed=1))}.isdisjoint(
        v.vin for v in build_fleet(config(seed=2))
    )


def test_fifty_six_vehicles_show_every_pair_of_type_and_profile() -> None:
    pairs = {(v.model.key, v.profile.key) for v in build_fleet(config(56))}
    assert len(pairs) == len(vehicle_models()) * len(driver_profiles())


def test_each_profile_differs_from_the_calm_one_in_its_weakness() -> None:
    profiles = driver_profiles()
    calm = profiles["calm"]
    assert profiles["speeding"].limit_factor > 1.1 * calm.limit_factor
    assert profiles["idling"].idle_share > 5 * calm.idle_share
    assert profiles["harsh"].harsh_per_hour > 10 * calm.harsh_per_hour
    assert profiles["low_gears"].upshift_extra_rpm > calm.upshift_extra_rpm + 300
    assert profiles["no_coasting"].coast_m_s2 == profiles["no_coasting"].brake_m_s2
    assert profiles["low_tyres"].rolling_factor > 1.1 * calm.rolling_factor


def test_rolling_and_air_resistance_are_those_moves_implies() -> None:
    model = vehicle_models()["long_haul"]
    assert model.rolling_coefficient == pytest.approx(0.00676, rel=0.005)  # FIELD.md
    assert model.drag_area_m2 == pytest.approx(6.98, rel=0.005)  # FIELD.md


def test_axle_shares_of_every_model_add_up_to_the_whole_truck() -> None:
    for model in vehicle_models().values():
        assert sum(model.axle_share_empty) == pytest.approx(1.0)
        assert sum(model.axle_share_cargo) == pytest.approx(1.0)


def test_every_pattern_of_absent_signals_names_a_signal_of_the_catalogue() -> None:
    names = list(default().by_name)
    for model in vehicle_models().values():
        for pattern in model.absent:
            assert any(re.fullmatch(pattern, name) for name in names), (model.key, pattern)


def test_each_model_has_most_but_not_all_of_the_catalogues_signals() -> None:
    signals = default().signals
    for model in vehicle_models().values():
        present = sum(not model.lacks(signal.name) for signal in signals) / len(signals)
        assert 0.8 < present < 0.92  # DESIGN.md measured with 363 of 420, which is 0.86


def test_roads_are_no_steeper_and_bends_no_faster_than_they_are_built_for() -> None:
    roads = build_roads(road_kinds(), seed=3)
    steepest = max(road_class.steepest for road_class in CLASSES.values())
    assert float(np.abs(roads.gradient).max()) <= 1.2 * steepest
    sideways = np.minimum(roads.bend, roads.limit) ** 2 * np.abs(roads.curvature)
    assert float(sideways.max()) <= CURVE_M_S2 * 1.001


def test_a_road_and_its_return_are_the_same_ground() -> None:
    roads = build_roads(("regional",), seed=3)
    out = slice(0, int(roads.start[1]))
    back = slice(int(roads.start[1]), None)
    np.testing.assert_allclose(roads.altitude[out], roads.altitude[back][::-1])
    np.testing.assert_allclose(roads.latitude[out], roads.latitude[back][::-1])
    np.testing.assert_allclose(roads.gradient[out], -roads.gradient[back][::-1], atol=1e-12)


def test_altitude_is_the_integral_of_the_gradient() -> None:
    roads = build_roads(("long_haul",), seed=3)
    n = int(roads.start[1])
    climb = np.cumsum(roads.gradient[:n] * 20.0)  # 20 m between grid points
    error = (roads.altitude[:n] - roads.altitude[0]) - (climb - climb[0])
    assert float(np.abs(error).max()) < 2.0  # metres over 288 km


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"vehicles": 0}, "vehicles"),
        ({"days": 0}, "days"),
        ({"seed": -1}, "negative"),
        ({"start": datetime(2026, 3, 2)}, "time zone"),  # noqa: DTZ001  # the fault under test
        ({"start": datetime(2026, 3, 2, 0, 5, tzinfo=UTC)}, "ten minutes"),
    ],
)
def test_a_simulation_that_cannot_run_is_refused_with_the_reason(
    change: dict[str, object], message: str
) -> None:
    given: dict[str, object] = {"vehicles": 1, "days": 1, "seed": 0, "start": START} | change
    with pytest.raises(SimulationError, match=message):
        SimulationConfig(**given)  # type: ignore[arg-type]  # wrong on purpose
