"""Conditions: what a row is seen to be, and which rows could tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics import conditions
from analytics.conditions import brake_applications
from analytics.samples import SIGNALS, prepare
from analytics.thresholds import of_class
from tests.samples.driving_rows import START, delayed, rows, samples

if TYPE_CHECKING:
    from collections.abc import Callable

    from analytics.samples import Samples
    from analytics.thresholds import Thresholds

TRUCK = of_class("heavy_truck")

ROLLING = {
    "wheel_speed": 60.0,
    "engine_speed": 1200.0,
    "fuel_rate": 0.0,
    "accelerator_pedal": 0.0,
    "brake_switch": 0.0,
    "gear_current": 10.0,
}
"""A truck that coasts in gear."""

IN_NEUTRAL = {**ROLLING, "fuel_rate": 2.6, "engine_speed": 600.0, "gear_current": 0.0}
"""A truck that coasts in neutral: its engine idles on 2.6 L/h."""

PRESSED = {"accelerator_pedal": 40.0, "brake_switch": 0.0}
RELEASED = {"accelerator_pedal": 0.0, "brake_switch": 0.0}
BRAKED = {"accelerator_pedal": 0.0, "brake_switch": 1.0}


def one(**signals: float) -> Samples:
    """A few rows that all say this."""
    return samples((3, signals))


# Idling


def test_an_engine_that_runs_at_a_standstill_idles() -> None:
    assert conditions.idling(one(wheel_speed=0, engine_speed=600)).all()
    assert not conditions.idling(one(wheel_speed=20, engine_speed=1200)).any()
    assert not conditions.idling(one(wheel_speed=0, engine_speed=0)).any()


def test_with_the_power_take_off_engaged_it_works_and_does_not_idle() -> None:
    tipping = one(wheel_speed=0, engine_speed=1080, pto_engaged=1)
    assert not conditions.idling(tipping).any()
    assert conditions.power_take_off(tipping).all()
    assert conditions.idling_known(tipping).all()  # it is engine-on time all the same


def test_a_vehicle_silent_about_its_power_take_off_counts_as_idling() -> None:
    assert conditions.idling(one(wheel_speed=0, engine_speed=1080)).all()


def test_at_an_unknown_speed_nobody_knows_whether_it_idles() -> None:
    found = one(engine_speed=600)
    assert not conditions.standing(found).any()
    assert not conditions.idling(found).any()
    assert not conditions.idling_known(found).any()


# Cruise control and the engine


def test_cruise_control_counts_while_moving_and_is_unknown_without_its_signal() -> None:
    assert conditions.cruise(one(wheel_speed=80, cruise_active=1)).all()
    off = one(wheel_speed=80, cruise_active=0)
    assert not conditions.cruise(off).any()
    assert conditions.cruise_known(off).all()
    assert not conditions.cruise_known(one(wheel_speed=80)).any()


def test_net_torque_is_actual_less_friction_torque() -> None:
    given_both = one(engine_torque=60, engine_friction_torque=9)
    assert conditions.net_torque_percent(given_both) == pytest.approx(51)  # 60 - 9
    assert conditions.net_torque_percent(one(engine_torque=60)) == pytest.approx(60)
    assert np.isnan(conditions.net_torque_percent(one(engine_friction_torque=9))).all()


def test_high_torque_is_net_torque_above_ninety_per_cent_while_moving() -> None:
    limit = TRUCK.high_torque.above_percent
    moving = {"wheel_speed": 40.0, "engine_friction_torque": 9.0}
    assert conditions.high_torque(one(**moving, engine_torque=limit + 10), TRUCK).all()
    # The same actual torque as the limit is 9 % less at the flywheel.
    assert not conditions.high_torque(one(**moving, engine_torque=limit + 9), TRUCK).any()
    assert not conditions.high_torque(one(wheel_speed=0, engine_torque=100), TRUCK).any()
    assert not conditions.high_torque_known(one(wheel_speed=40)).any()


def test_the_green_band_includes_its_ends() -> None:
    band = TRUCK.green_band
    for rpm, inside in (
        (band.low_rpm - 1, False),
        (band.low_rpm, True),
        (band.high_rpm, True),
        (band.high_rpm + 1, False),
    ):
        found = one(wheel_speed=50, engine_speed=rpm)
        assert conditions.green_band(found, TRUCK).all() == inside, rpm
        assert conditions.green_band_known(found, TRUCK).all()


def test_an_engine_speed_no_engine_reaches_tells_nothing_about_the_green_band() -> None:
    glitch = one(wheel_speed=50, engine_speed=TRUCK.over_revving.impossible_rpm + 1)
    assert not conditions.green_band_known(glitch, TRUCK).any()


def test_eco_roll_is_no_driving_outside_the_green_band() -> None:
    found = one(wheel_speed=80, engine_speed=600, eco_roll_active=1)
    assert not conditions.green_band_known(found, TRUCK).any()


def test_kick_down_goes_by_its_switch_and_without_one_by_the_pedal() -> None:
    floor = TRUCK.kick_down.pedal_percent + 1
    assert conditions.kick_down(one(kickdown_switch=1), TRUCK).all()
    assert conditions.kick_down(one(accelerator_pedal=floor), TRUCK).all()
    assert not conditions.kick_down(one(accelerator_pedal=floor, kickdown_switch=0), TRUCK).any()


def test_a_cold_spell_shorter_than_any_warming_up_is_a_wrong_value() -> None:
    cold = {"engine_speed": 1200.0, "coolant_temperature": 20.0}
    warm = {"engine_speed": 1200.0, "coolant_temperature": 85.0}
    minutes = int(conditions.COLD_LEAST_S) * 3
    found = conditions.cold(samples((minutes, cold), (100, warm), (10, cold), (100, warm)), TRUCK)
    assert found[:minutes].all()
    assert not found[minutes:].any()


def test_a_broken_coolant_sensor_does_not_make_an_engine_cold() -> None:
    broken = {"engine_speed": 1200.0, "coolant_temperature": conditions.BROKEN_SENSOR_C}
    assert not conditions.cold(samples((300, broken)), TRUCK).any()


# Coasting


def test_a_truck_in_gear_without_fuel_or_pedals_coasts() -> None:
    assert conditions.coasting(one(**ROLLING), TRUCK).all()
    assert not conditions.neutral_coasting(one(**ROLLING), TRUCK).any()


@pytest.mark.parametrize(
    "signals",
    [
        {"wheel_speed": 9.0},
        {"fuel_rate": 8.0},
        {"accelerator_pedal": 20.0},
        {"brake_switch": 1.0},
        {"retarder_torque": -40.0},
        {"engine_brake_torque": -40.0},
        {"cruise_active": 1.0},
        {"gear_current": 0.0},
        {"driveline_engaged": 0.0},
    ],
    ids=lambda signals: next(iter(signals)),
)
def test_each_of_these_alone_makes_it_no_coasting(signals: dict[str, float]) -> None:
    assert not conditions.coasting(one(**{**ROLLING, **signals}), TRUCK).any()


def test_torque_tells_coasting_where_fuel_is_unknown_or_burnt_for_the_filter() -> None:
    overrun = {**ROLLING, "engine_torque": 0.0, "engine_friction_torque": 8.0}
    del overrun["fuel_rate"]
    assert conditions.coasting(one(**overrun), TRUCK).all()
    # Regeneration injects some litres an hour that drive nothing.
    assert conditions.coasting(one(**overrun, fuel_rate=2.6), TRUCK).all()


def test_without_fuel_and_torque_or_without_a_brake_signal_coasting_is_unknown() -> None:
    for missing in (("fuel_rate",), ("brake_switch",)):
        found = one(**{name: value for name, value in ROLLING.items() if name not in missing})
        assert not conditions.coasting_known(found).any(), missing
        assert not conditions.coasting(found, TRUCK).any(), missing


def test_driving_under_cruise_control_is_not_what_coasting_is_counted_of() -> None:
    assert conditions.coasting_known(one(**ROLLING, cruise_active=0)).all()
    assert not conditions.coasting_known(one(**ROLLING, cruise_active=1)).any()


def test_rolling_in_neutral_is_the_drivers_unless_the_vehicle_wants_it() -> None:
    assert conditions.neutral_coasting(one(**IN_NEUTRAL), TRUCK).all()
    assert not conditions.neutral_coasting(one(**IN_NEUTRAL, eco_roll_active=1), TRUCK).any()
    assert not conditions.neutral_coasting(one(**IN_NEUTRAL, cruise_active=1), TRUCK).any()
    assert conditions.vehicles_own(one(**IN_NEUTRAL, eco_roll_active=1)).all()


# Brakes


def test_the_brake_switch_tells_braking_and_the_pedal_where_there_is_none() -> None:
    assert conditions.braking(one(brake_switch=1), TRUCK).all()
    assert conditions.braking(one(brake_pedal=20), TRUCK).all()
    assert not conditions.braking(one(brake_pedal=20, brake_switch=0), TRUCK).any()
    play = TRUCK.late_braking.brake_percent  # a pedal's play is no braking
    assert not conditions.braking(one(brake_pedal=play), TRUCK).any()
    assert not conditions.braking_known(one(wheel_speed=50)).any()


def test_the_service_brake_replaces_a_retarder_that_is_fitted_and_idle() -> None:
    braked = {"wheel_speed": 60.0, "brake_switch": 1.0}
    assert conditions.service_braking(one(**braked, retarder_torque=0), TRUCK).all()
    assert not conditions.service_braking(one(**braked, retarder_torque=-60), TRUCK).any()
    assert conditions.retarding(one(**braked, retarder_torque=-60), TRUCK).all()
    assert not conditions.service_braking(one(**braked), TRUCK).any()  # none is fitted
    assert not conditions.retarder_known(one(**braked), TRUCK).any()


def test_below_its_speed_a_retarder_could_not_have_done_it() -> None:
    slow = TRUCK.service_braking.from_km_h - 1
    found = one(wheel_speed=slow, brake_switch=1, retarder_torque=0)
    assert not conditions.service_braking(found, TRUCK).any()


def test_hard_braking_is_beyond_a_retarder() -> None:
    # 10 km/h lost each second is 2.8 m/s², more than any retarder gives.
    frame = rows((4, {"brake_switch": 1.0, "retarder_torque": 0.0}), wheel_speed=80.0)
    frame["wheel_speed"] = [80.0, 70.0, 60.0, 50.0]
    assert not conditions.service_braking(prepare(frame), TRUCK)[1:].any()


# Brake applications: what came late


def test_a_brake_right_after_the_accelerator_is_late() -> None:
    found = brake_applications(
        samples((5, PRESSED), (4, BRAKED), (5, RELEASED), wheel_speed=50), TRUCK
    )
    assert (found.spans.first.tolist(), found.spans.stop.tolist()) == ([5], [9])
    assert found.known.all()
    assert found.late.all()
    assert found.since_s == pytest.approx(1.0)  # one row, 1 s: less than that lay between


def test_both_pedals_in_one_row_are_late_with_nothing_between() -> None:
    both = {"accelerator_pedal": 30.0, "brake_switch": 1.0}
    found = brake_applications(samples((5, PRESSED), (1, both), (4, BRAKED), wheel_speed=50), TRUCK)
    assert found.late.all()
    assert found.since_s == pytest.approx(0.0)


def test_a_row_without_pedals_between_makes_it_foreseen() -> None:
    found = brake_applications(
        samples((5, PRESSED), (1, RELEASED), (4, BRAKED), wheel_speed=50), TRUCK
    )
    assert found.known.all()
    assert not found.late.any()
    assert found.since_s == pytest.approx(2.0)


def test_a_foot_resting_on_the_accelerator_does_not_press_it() -> None:
    resting = {"accelerator_pedal": TRUCK.late_braking.pedal_percent, "brake_switch": 0.0}
    found = brake_applications(samples((5, resting), (4, BRAKED), wheel_speed=50), TRUCK)
    assert found.known.all()
    assert not found.late.any()


@pytest.mark.parametrize(("idle_rows", "late"), [(4, True), (12, False)])
def test_ten_rows_a_second_tell_it_to_a_tenth(idle_rows: int, late: bool) -> None:
    found = brake_applications(
        samples((20, PRESSED), (idle_rows, RELEASED), (20, BRAKED), wheel_speed=50, step_s=0.1),
        TRUCK,
    )
    assert found.since_s == pytest.approx((idle_rows + 1) * 0.1)
    assert found.late.tolist() == [late]


def test_rows_that_jitter_about_a_second_still_tell() -> None:
    frame = delayed(rows((5, PRESSED), (4, BRAKED), wheel_speed=50), row=5, by_s=0.03)
    assert brake_applications(prepare(frame), TRUCK).late.all()


@pytest.mark.parametrize("by_s", [1.0, 300.0], ids=["a missing row", "a gap"])
def test_nothing_is_known_of_a_braking_whose_row_before_is_missing(by_s: float) -> None:
    frame = delayed(rows((5, PRESSED), (4, BRAKED), wheel_speed=50), row=5, by_s=by_s)
    found = brake_applications(prepare(frame), TRUCK)
    assert len(found) == 1
    assert not found.known.any()
    assert not found.late.any()


def test_data_that_begin_with_a_pressed_brake_tell_nothing() -> None:
    assert not brake_applications(samples((4, BRAKED), wheel_speed=50), TRUCK).known.any()


def test_without_an_accelerator_signal_brakings_are_found_but_nothing_known() -> None:
    found = brake_applications(
        samples((5, {"brake_switch": 0}), (4, {"brake_switch": 1}), wheel_speed=50), TRUCK
    )
    assert len(found) == 1
    assert not found.known.any()


def test_without_a_brake_signal_there_are_no_brakings() -> None:
    assert (
        len(brake_applications(samples((9, {"accelerator_pedal": 40}), wheel_speed=50), TRUCK)) == 0
    )


def test_a_foot_that_comes_back_at_once_still_brakes_the_same_time() -> None:
    found = brake_applications(
        samples((5, PRESSED), (3, BRAKED), (1, RELEASED), (3, BRAKED), wheel_speed=50), TRUCK
    )
    assert found.spans.stop.tolist() == [12]
    assert found.late.tolist() == [True]


def test_creeping_and_holding_a_standing_truck_are_no_brakings() -> None:
    slow = TRUCK.late_braking.from_km_h - 1
    assert len(brake_applications(samples((5, PRESSED), (4, BRAKED), wheel_speed=slow), TRUCK)) == 0
    assert len(brake_applications(samples((5, RELEASED), (9, BRAKED), wheel_speed=0), TRUCK)) == 0


def test_a_braking_ends_where_the_truck_stands() -> None:
    frame = rows((2, RELEASED), (10, BRAKED), wheel_speed=0.0)
    frame["wheel_speed"] = [30.0, 30.0, 24.0, 18.0, 12.0, 6.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    found = brake_applications(prepare(frame), TRUCK)
    assert (found.spans.first.tolist(), found.spans.stop.tolist()) == ([2], [6])


# What holds of every condition

PAIRS: dict[str, tuple[Callable[..., conditions.Mask], Callable[..., conditions.Mask]]] = {
    "idling": (
        lambda s, _: conditions.idling(s),
        lambda s, _: conditions.idling_known(s),
    ),
    "cruise": (
        lambda s, _: conditions.cruise(s),
        lambda s, _: conditions.cruise_known(s),
    ),
    "coasting": (conditions.coasting, lambda s, _: conditions.coasting_known(s)),
    "high_torque": (conditions.high_torque, lambda s, _: conditions.high_torque_known(s)),
    "green_band": (conditions.green_band, conditions.green_band_known),
    "service_braking": (conditions.service_braking, conditions.retarder_known),
    "braking": (conditions.braking, lambda s, _: conditions.braking_known(s)),
}

SCALE = {"wheel_speed": 90.0, "engine_speed": 4000.0, "fuel_rate": 10.0, "gear_current": 2.0}
"""Signals that are neither states nor percentages, and how far they go."""


def any_rows(seed: int) -> Samples:
    """A hundred rows of anything, with a third of all values and some whole signals absent."""
    rng = np.random.default_rng(seed)
    values = {}
    for name in SIGNALS:
        state = rng.random(100) < 0.5
        values[name] = np.where(state, 0.0, rng.uniform(-0.2, 1.0, 100).round(1)) * SCALE.get(
            name, 100.0 if rng.random() < 0.5 else 1.0
        )
        values[name][rng.random(100) < 0.3] = np.nan
        if rng.random() < 0.2:
            values[name][:] = np.nan
    values["wheel_speed"] = np.abs(values["wheel_speed"])
    index = START + pd.to_timedelta(np.arange(100), unit="s")
    return prepare(pd.DataFrame(values, index=index))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_of_any_rows_what_holds_is_known_and_nothing_is_twice(seed: int) -> None:
    found = any_rows(seed)
    for name, (holds, known) in PAIRS.items():
        assert not (holds(found, TRUCK) & ~known(found, TRUCK)).any(), name
    # Time with the engine on is idling, work at a standstill, or driving.
    parts = (
        conditions.idling(found).astype(int)
        + (conditions.power_take_off(found) & conditions.standing(found))
        + (found.running & found.moving)
    )
    assert (parts[conditions.idling_known(found)] == 1).all()
    in_gear, in_neutral = conditions.coasting, conditions.neutral_coasting
    assert not (in_gear(found, TRUCK) & in_neutral(found, TRUCK)).any()


def test_no_rows_have_no_conditions() -> None:
    nothing = prepare(pd.DataFrame({"wheel_speed": []}, index=pd.DatetimeIndex([], tz="UTC")))
    for holds, known in PAIRS.values():
        assert len(holds(nothing, TRUCK)) == len(known(nothing, TRUCK)) == 0
    assert len(brake_applications(nothing, TRUCK)) == 0


def test_thresholds_are_those_of_the_class() -> None:
    rpm = 1900.0  # above a heavy diesel's green band, within a smaller one's
    assert not conditions.green_band(one(wheel_speed=50, engine_speed=rpm), TRUCK).any()
    medium: Thresholds = of_class("medium_truck")
    assert conditions.green_band(one(wheel_speed=50, engine_speed=rpm), medium).all()
