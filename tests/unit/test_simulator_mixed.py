"""Mixed fleets: severities move drivers and trucks as said, and nothing else."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from simulator import SimulationConfig, SimulationError, build_fleet, simulate
from simulator.driver import driver_profiles
from simulator.engine import Engines
from simulator.fleet import Parameters
from simulator.gearbox import SETTLED_S, UP_AT, shift
from simulator.individual import draw_engine
from simulator.island import IndividualEngines
from simulator.mixed import CAUSES, driver_of, mixed_fleet, with_severities, without
from simulator.state import Phase, State
from simulator.vehicle import vehicle_models

START = datetime(2026, 3, 1, 22, tzinfo=UTC)  # 06:00 in China
CONFIG = SimulationConfig(vehicles=400, days=2, seed=5, start=START)
FLEET = mixed_fleet(CONFIG)


def severities(index: int) -> dict[str, float]:
    own = FLEET[index].individual
    assert own is not None
    return dict(own.severities)


def test_a_mixed_fleet_is_of_the_same_trucks_and_the_same_each_time() -> None:
    assert [v.vin for v in FLEET] == [v.vin for v in build_fleet(CONFIG)]
    assert mixed_fleet(CONFIG) == FLEET


@pytest.mark.parametrize("cause", CAUSES)
def test_about_two_vehicles_of_five_have_a_given_cause_to_any_degree(cause: str) -> None:
    drawn = np.array([severities(index)[cause] for index in range(len(FLEET))])
    present = drawn[drawn > 0]
    assert 0.33 < len(present) / len(drawn) < 0.52
    assert present.max() <= 1.0
    assert 0.4 < present.mean() < 0.6


def test_some_vehicles_are_perfect() -> None:
    perfect = [v for index, v in enumerate(FLEET) if not any(severities(index).values())]
    assert 10 <= len(perfect) <= 50
    calm = driver_profiles()["calm"]
    assert {replace(v.profile, key="calm") for v in perfect} == {calm}


def test_a_driver_without_causes_is_calm_and_one_at_his_worst_is_the_known_profiles() -> None:
    profiles = driver_profiles()
    worst = driver_of(dict.fromkeys(CAUSES, 1.0))
    assert driver_of(dict.fromkeys(CAUSES, 0.0)) == replace(profiles["calm"], key="mixed")
    assert worst.idle_share == profiles["idling"].idle_share
    assert worst.limit_factor == profiles["speeding"].limit_factor
    assert worst.speed_cap_kmh == profiles["speeding"].speed_cap_kmh
    assert worst.harsh_per_hour == profiles["harsh"].harsh_per_hour
    assert worst.upshift_extra_rpm == profiles["low_gears"].upshift_extra_rpm
    assert worst.tyre_inflation == profiles["low_tyres"].tyre_inflation
    assert worst.cruise_share == profiles["no_coasting"].cruise_share
    # Never lifts before he brakes, as `drivers.toml` has it.
    assert worst.coast_m_s2 == worst.brake_m_s2 == profiles["harsh"].brake_m_s2


@pytest.mark.parametrize("cause", CAUSES)
def test_taking_a_cause_away_leaves_the_others_and_the_truck(cause: str) -> None:
    vehicle = with_severities(FLEET[0], dict.fromkeys(CAUSES, 0.5))
    other = without(vehicle, cause)
    assert vehicle.individual is not None
    assert other.individual is not None
    assert other.individual.severities == {**vehicle.individual.severities, cause: 0.0}
    assert other.individual.engine == vehicle.individual.engine
    assert other.individual.number == vehicle.individual.number
    assert other != vehicle
    assert with_severities(other, vehicle.individual.severities) == vehicle


def test_without_all_every_number_is_calm() -> None:
    calm = without(with_severities(FLEET[1], dict.fromkeys(CAUSES, 1.0)), "all")
    assert calm == with_severities(FLEET[1], {})
    assert calm.individual is not None
    assert calm.individual.leak_w == calm.individual.fan_w == calm.individual.fault_loss == 0.0


def test_vehicles_of_known_profiles_have_no_severities() -> None:
    with pytest.raises(ValueError, match="take a vehicle of mixed_fleet"):
        with_severities(build_fleet(replace(CONFIG, vehicles=1))[0], {})


def test_extra_power_is_the_same_at_cruising_revolutions_whoever_takes_it() -> None:
    vehicle = with_severities(FLEET[0], {"auxiliary": 1.0})
    assert vehicle.individual is not None
    size = vehicle.model.displacement_l / 12.8
    for by_fan in (False, True):
        own = replace(vehicle.individual, by_fan=by_fan)
        truck = with_severities(replace(vehicle, individual=own), {"auxiliary": 1.0})
        calm = with_severities(truck, {})
        rpm = np.array([600.0, 1200.0, 1800.0])
        extra_nm = Parameters.of((truck,)).auxiliary_nm(rpm) - Parameters.of((calm,)).auxiliary_nm(
            rpm
        )
        kw = extra_nm * rpm * 2 * np.pi / 60e3
        assert kw[1] == pytest.approx(8.0 * size, rel=1e-6)
        assert kw == pytest.approx(8.0 * size * ((rpm / 1200) ** 3 if by_fan else np.ones(3)))


def test_engines_differ_by_a_few_per_cent_and_burn_more_for_more() -> None:
    models = [vehicle_models()["long_haul"]] * 50
    rng = np.random.default_rng(3)
    own = IndividualEngines.drawn(models, [draw_engine(rng) for _ in models])
    known = Engines.of(models)
    warm = np.full(50, 88.0)
    before = np.zeros(50)
    for torque in np.arange(0.0, 2301.0, 100.0):
        fuel = own.fuel_l_h(np.full(50, torque), np.full(50, 1200.0), warm)
        assert (fuel > before).all()
        before = fuel
        if torque >= 500:
            ratio = fuel / known.fuel_l_h(np.full(50, torque), np.full(50, 1200.0), warm)
            assert 0.88 < ratio.min() < ratio.max() < 1.15
            assert 0.005 < ratio.std() < 0.05
    assert not own.fuel_l_h(np.full(50, -500.0), np.full(50, 1200.0), warm).any()


def test_known_and_mixed_vehicles_cannot_share_a_simulation() -> None:
    config = replace(CONFIG, vehicles=2, days=0.01)
    fleet = (mixed_fleet(config)[0], build_fleet(config)[1])
    with pytest.raises(SimulationError, match="cannot share a simulation"):
        next(simulate(config, fleet=fleet))


def test_a_late_shifter_settles_once_he_no_longer_gains_speed() -> None:
    """A driver of known profile holds the lower gear as long as its speed does."""
    late = with_severities(FLEET[0], {"gears": 1.0})
    known = next(v for v in build_fleet(CONFIG) if v.profile.key == "low_gears")
    known = replace(known, model=late.model, index=1)
    parameters = Parameters.of((replace(late, index=0), known))
    state = State.parked(2)
    lower = parameters.top_gear - 1
    # Between where an ordinary driver shifts up at this load, and where a late one does.
    rpm = parameters.engines.best_rpm * (UP_AT[0] + UP_AT[1] * 0.3) + 200.0
    state.v[:] = rpm / parameters.rpm_per_m_s[np.arange(2), lower - 1]
    state.phase[:], state.load[:] = Phase.DRIVING, 0.3

    def geared(age_s: float) -> list[int]:
        state.gear[:], state.gear_age[:] = lower, age_s
        shift(state, parameters, np.arange(2), np.ones(2, dtype=np.bool_))
        return [int(changed) for changed in state.gear - lower]

    assert geared(SETTLED_S - 1.0) == [0, 0]
    assert geared(SETTLED_S) == [1, 0]
