"""What a vehicle is, is learnt from its own seconds."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from analytics.fuel import engine_map
from analytics.fuel.calibration import STAT_CELLS, Calibration, calibrate, day_statistics
from analytics.fuel.drive import drive_of
from analytics.fuel.gearing import gear_sums
from analytics.fuel.replay import Replay, force_n
from analytics.fuel.signals import fuel_samples
from tests.samples import known_truck as world

if TYPE_CHECKING:
    from analytics.samples import Samples


def _driven(truck: world.Truck | None = None, times: int = 12) -> Samples:
    speed = world.town_and_country(times=times)
    return fuel_samples(world.signals_of(speed, truck=truck, slope=world.waves(len(speed))))


def test_road_load_and_engine_are_found_again() -> None:
    found = calibrate(day_statistics(_driven()))

    assert found.learnt
    assert found.road.inverse_efficiency == pytest.approx(1 / world.DRIVELINE, rel=0.02)
    assert found.road.rolling == pytest.approx(world.ROLLING / world.DRIVELINE, rel=0.04)
    assert found.road.drag_area_m2 == pytest.approx(world.DRAG_M2 / world.DRIVELINE, rel=0.08)
    assert found.auxiliary_w == pytest.approx(world.AUXILIARY_W, rel=0.01)
    assert found.idle_rpm == pytest.approx(world.IDLE_RPM, rel=0.01)


def test_noise_of_one_step_of_resolution_moves_them_little() -> None:
    found = calibrate(day_statistics(_driven(world.Truck(noise=1.0), times=20)))

    assert found.road.inverse_efficiency == pytest.approx(1 / world.DRIVELINE, rel=0.04)
    assert found.road.rolling == pytest.approx(world.ROLLING / world.DRIVELINE, rel=0.10)


def test_the_engine_map_burns_what_the_engine_burns() -> None:
    found = calibrate(day_statistics(_driven()))
    rpm = np.array([1000.0, 1200.0, 1300.0])
    indicated = np.array([500.0, 1000.0, 900.0])

    burnt = engine_map.fuel_l_h(found.engine, rpm, indicated)

    watts = indicated * rpm * 2 * np.pi / 60
    expected = watts * 3600 / (world.EFFICIENCY * world.DIESEL_J_L)
    assert burnt == pytest.approx(expected, rel=0.02)


def test_days_add_up() -> None:
    speed = world.town_and_country(times=10)
    slope = world.waves(len(speed))
    rows = world.signals_of(speed, slope=slope)
    half = len(rows) // 2

    first, second = (day_statistics(fuel_samples(some)) for some in (rows[:half], rows[half:]))
    apart = first + second
    whole = calibrate(day_statistics(fuel_samples(rows)))

    assert calibrate(apart).road.rolling == pytest.approx(whole.road.rolling, rel=0.01)
    assert calibrate(apart).engine == pytest.approx(whole.engine, rel=0.05, abs=1.0)


def test_a_gear_says_how_a_truck_pulls_and_not_how_it_slows_down() -> None:
    samples = _driven()
    drive, road = drive_of(samples), calibrate(day_statistics(samples)).road
    force = force_n(drive, road, drive.before_m_s, drive.speed_m_s, drive.rad_per_m)
    power_w = np.nan_to_num(force) * drive.speed_m_s
    pushed = drive.geared & (power_w <= 0)
    assert pushed.sum() > 100
    changed_down = replace(drive, rpm=np.where(pushed, 1.5 * drive.rpm, drive.rpm))

    assert gear_sums(changed_down, power_w).tolist() == gear_sums(drive, power_w).tolist()
    pulling = replace(drive, rpm=np.where(pushed, drive.rpm, 1.5 * drive.rpm))
    assert gear_sums(pulling, power_w).sum() > gear_sums(drive, power_w).sum()


def test_a_heavier_load_is_no_other_vehicle() -> None:
    light = calibrate(day_statistics(_driven(world.Truck(mass_kg=18_000.0))))
    heavy = calibrate(day_statistics(_driven(world.Truck(mass_kg=40_000.0))))

    assert light.road.rolling == pytest.approx(heavy.road.rolling, rel=0.05)
    assert light.road.drag_area_m2 == pytest.approx(heavy.road.drag_area_m2, rel=0.1)


def test_a_drive_driven_again_as_it_was_burns_what_it_burnt() -> None:
    samples = _driven()
    drive = drive_of(samples)

    again = Replay(drive, calibrate(day_statistics(samples))).burnt()

    assert again.sum() == pytest.approx(drive.fuel_l.sum(), rel=0.02)


def test_a_vehicle_that_says_nothing_is_what_is_usual_of_its_class() -> None:
    found = calibrate(np.zeros(STAT_CELLS), vehicle_class="car")

    assert not found.learnt
    assert found.road.drag_area_m2 == pytest.approx(0.75, rel=0.01)
    assert np.isfinite(found.engine).all()


def test_no_rows_are_no_sums() -> None:
    rows = world.signals_of(world.stop(60))[:0]

    assert not day_statistics(fuel_samples(rows)).any()


def test_without_torque_there_is_no_calibration_but_no_failure() -> None:
    rows = world.signals_of(world.town_and_country(times=3)).drop(
        columns=["engine_torque", "engine_friction_torque", "engine_reference_torque"]
    )

    samples = fuel_samples(rows)

    assert "torque" in drive_of(samples).missing
    assert not calibrate(day_statistics(samples)).learnt


def test_a_calibration_is_the_same_after_json() -> None:
    found = calibrate(day_statistics(_driven()))

    again = Calibration.from_dict(json.loads(json.dumps(found.to_dict())))

    assert again.to_dict() == found.to_dict()
    assert again.road == found.road
