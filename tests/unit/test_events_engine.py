"""Events of the engine: when each is one, how much of it, and what is a glitch."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.events.engine import cold_load, high_torque, idling, kick_down, over_revving
from analytics.events.table import EVENT_COLUMNS
from analytics.samples import prepare
from analytics.thresholds import of_class
from tests.samples.driving_rows import Detector, after, delayed, rows, samples

TRUCK = of_class("heavy_truck")

STANDS = {"wheel_speed": 0.0, "engine_speed": 600.0}
CREEPS = {"wheel_speed": 3.0, "engine_speed": 700.0}
DRIVES = {"wheel_speed": 20.0, "engine_speed": 1200.0}
OFF = {"wheel_speed": 0.0, "engine_speed": 0.0}

DETECTORS = (over_revving, idling, kick_down, high_torque, cold_load)


@pytest.mark.parametrize("detect", DETECTORS)
def test_a_vehicle_without_the_signals_has_no_events_but_their_columns(
    detect: Detector,
) -> None:
    found = detect(samples((600, {"wheel_speed": 20.0})), TRUCK)
    assert found.empty
    assert tuple(found.columns) == EVENT_COLUMNS


# Over-revving

REVS = TRUCK.over_revving
FAST = {"engine_speed": REVS.enter_rpm + 50}
EASED = {"engine_speed": (REVS.enter_rpm + REVS.leave_rpm) / 2}
USUAL = {"engine_speed": 1200.0}
RACING = {"engine_speed": REVS.enter_rpm + 120}


def test_an_engine_too_fast_for_seconds_is_over_revved() -> None:
    found = over_revving(samples((10, USUAL), (4, FAST), (2, RACING), (10, USUAL)), TRUCK)
    (event,) = found.to_dict("records")
    assert (event["kind"], event["limit"]) == ("over_revving", REVS.enter_rpm)
    assert (event["start_time"], event["end_time"]) == (after(10), after(16))
    assert event["peak"] == pytest.approx(RACING["engine_speed"])
    assert event["peak_time"] == after(14)  # the first of the two rows that reach it


def test_a_single_spike_is_no_over_revving_and_no_peak_of_one() -> None:
    spike = {"engine_speed": REVS.enter_rpm + 900}
    assert over_revving(samples((10, USUAL), (1, spike), (10, USUAL)), TRUCK).empty
    assert over_revving(samples((10, EASED), (1, spike), (10, EASED)), TRUCK).empty
    found = over_revving(samples((10, USUAL), (3, FAST), (1, spike), (3, FAST)), TRUCK)
    assert found["peak"].tolist() == [FAST["engine_speed"]]


def test_an_engine_speed_no_engine_reaches_is_none() -> None:
    broken = {"engine_speed": REVS.impossible_rpm + 1}
    assert over_revving(samples((10, USUAL), (30, broken), (10, USUAL)), TRUCK).empty


def test_easing_off_a_little_does_not_end_it_and_a_gap_in_the_data_does() -> None:
    stretches = ((10, USUAL), (3, FAST), (5, EASED), (3, FAST), (10, USUAL))
    assert len(over_revving(samples(*stretches), TRUCK)) == 1
    assert len(over_revving(prepare(delayed(rows(*stretches), row=15, by_s=300)), TRUCK)) == 2


def test_a_shorter_blip_than_its_least_duration_is_none() -> None:
    tenths = int(REVS.least_s * 10) - 5
    blip = samples((50, USUAL), (tenths, FAST), (50, USUAL), step_s=0.1)
    assert over_revving(blip, TRUCK).empty


def test_what_is_too_fast_for_a_heavy_engine_is_not_for_a_smaller_one() -> None:
    drive = samples((10, USUAL), (10, FAST), (10, USUAL))
    assert over_revving(drive, of_class("medium_truck")).empty


# Idling

LONG = int(TRUCK.idling.least_s) + 60


def test_long_idling_is_an_event_of_its_seconds() -> None:
    found = idling(samples((20, DRIVES), (LONG, STANDS), (20, DRIVES)), TRUCK)
    (event,) = found.to_dict("records")
    assert (event["start_time"], event["end_time"]) == (after(20), after(20 + LONG))
    assert (event["peak"], event["limit"]) == (LONG, TRUCK.idling.least_s)
    assert event["speed_km_h"] == 0


def test_a_light_is_no_long_idling() -> None:
    light = samples((20, DRIVES), (60, STANDS), (20, DRIVES))
    assert idling(light, TRUCK).empty


def test_a_creep_of_two_rows_does_not_end_idling_but_is_not_counted() -> None:
    found = idling(samples((20, DRIVES), (150, STANDS), (2, CREEPS), (150, STANDS)), TRUCK)
    (event,) = found.to_dict("records")
    assert event["peak"] == 300  # 150 s before and 150 s after the creep
    assert event["end_time"] == after(20 + 302)


def test_driving_on_ends_idling() -> None:
    drive = samples((LONG, STANDS), (60, DRIVES), (LONG, STANDS))
    assert idling(drive, TRUCK)["peak"].tolist() == [LONG, LONG]


def test_a_power_take_off_at_work_is_no_idling() -> None:
    tipping = {**STANDS, "engine_speed": 1080.0, "pto_engaged": 1.0}
    waiting = {**STANDS, "pto_engaged": 0.0}
    assert idling(samples((LONG, tipping)), TRUCK).empty
    found = idling(samples((LONG, waiting), (300, tipping), (LONG, waiting)), TRUCK)
    assert found["peak"].tolist() == [LONG, LONG]  # before and after the tipping


def test_an_engine_that_is_off_does_not_idle() -> None:
    assert idling(samples((20, DRIVES), (LONG, OFF)), TRUCK).empty


def test_a_gap_in_the_data_is_not_idled_through() -> None:
    frame = delayed(rows((200, STANDS)), row=100, by_s=3600)
    # 100 s on either side are shorter than the least duration, and the hour between is unknown.
    assert idling(prepare(frame), TRUCK).empty


def test_rows_half_a_minute_apart_still_tell_long_idling() -> None:
    found = idling(samples((4, DRIVES), (20, STANDS), (4, DRIVES), step_s=30.0), TRUCK)
    assert found["peak"].tolist() == [600]  # 20 rows of 30 s


def test_fuel_and_severity_of_idling_are_by_its_length() -> None:
    medium, high = (int(each) for each in TRUCK.idling.severity)
    burning = {**STANDS, "fuel_rate": 3.6}
    found = idling(
        samples((LONG, burning), (9, DRIVES), (medium, burning), (9, DRIVES), (high, burning)),
        TRUCK,
    )
    assert found["severity"].tolist() == [1, 2, 3]
    assert found["fuel_l"].iloc[0] == pytest.approx(LONG * 1e-3)  # 3.6 L/h is 1 ml/s


# Kick-down

FLOORED = {"accelerator_pedal": TRUCK.kick_down.pedal_percent + 2}
HALF = {"accelerator_pedal": 50.0}


def test_a_pedal_on_the_floor_is_kick_down_and_by_the_switch_where_there_is_one() -> None:
    found = kick_down(samples((10, HALF), (4, FLOORED), (10, HALF)), TRUCK)
    assert found["peak"].tolist() == [4]
    off, on = {**FLOORED, "kickdown_switch": 0.0}, {**FLOORED, "kickdown_switch": 1.0}
    found = kick_down(samples((10, off), (3, on), (10, off)), TRUCK)
    assert found["start_time"].tolist() == [after(10)]
    assert found["peak"].tolist() == [3]


def test_a_bounce_of_the_pedal_is_no_kick_down_and_a_let_up_of_a_row_does_not_split_one() -> None:
    bounce = samples((20, HALF), (3, FLOORED), (20, HALF), step_s=0.1)
    assert kick_down(bounce, TRUCK).empty
    found = kick_down(samples((9, HALF), (3, FLOORED), (1, HALF), (3, FLOORED)), TRUCK)
    assert found["peak"].tolist() == [6]


def test_rows_too_far_apart_cannot_tell_kick_down() -> None:
    assert kick_down(samples((10, HALF), (3, FLOORED), (10, HALF), step_s=10.0), TRUCK).empty


# High torque

RULES = TRUCK.high_torque
PULLS = {"wheel_speed": 40.0, "engine_torque": RULES.above_percent + 14}
NEARLY = {"wheel_speed": 40.0, "engine_torque": (RULES.above_percent + RULES.leave_percent) / 2 + 9}
EASY = {"wheel_speed": 40.0, "engine_torque": 30.0}


def test_net_torque_near_the_limit_for_long_is_high_torque() -> None:
    found = high_torque(
        samples((10, EASY), (20, PULLS), (5, NEARLY), (10, EASY), engine_friction_torque=9.0), TRUCK
    )
    (event,) = found.to_dict("records")
    assert (event["start_time"], event["end_time"]) == (after(10), after(35))
    assert (event["peak"], event["limit"]) == (25, RULES.least_s)


def test_torque_that_never_passes_the_limit_or_only_for_a_launch_is_none() -> None:
    friction = {"engine_friction_torque": 9.0}
    assert high_torque(samples((10, EASY), (60, NEARLY), (10, EASY), **friction), TRUCK).empty
    launch = int(RULES.least_s) - 2
    assert high_torque(samples((10, EASY), (launch, PULLS), (9, EASY), **friction), TRUCK).empty


def test_a_gear_change_does_not_split_high_torque_and_a_gap_in_the_data_does() -> None:
    stretches = ((9, EASY), (15, PULLS), (2, EASY), (15, PULLS))
    assert high_torque(samples(*stretches), TRUCK)["peak"].tolist() == [30]
    split = prepare(delayed(rows(*stretches), row=25, by_s=300))
    assert high_torque(split, TRUCK)["peak"].tolist() == [15, 15]


def test_a_working_engine_at_a_standstill_is_no_high_torque_driving() -> None:
    assert high_torque(samples((60, {**PULLS, "wheel_speed": 0.0})), TRUCK).empty


# Cold load

COLD = TRUCK.cold_load
COLD_PULL = {
    "engine_speed": 1300.0,
    "coolant_temperature": COLD.below_c - 30,
    "engine_torque": COLD.above_percent + 8,
}
COLD_EASY = {**COLD_PULL, "engine_torque": 20.0}
WARM_PULL = {**COLD_PULL, "coolant_temperature": COLD.below_c + 20}


def test_much_torque_of_a_cold_engine_is_cold_load_with_the_torque_as_peak() -> None:
    harder = {**COLD_PULL, "engine_torque": COLD.above_percent + 15}
    found = cold_load(
        samples((60, COLD_EASY), (10, COLD_PULL), (5, harder), (60, COLD_EASY)), TRUCK
    )
    (event,) = found.to_dict("records")
    assert (event["start_time"], event["end_time"]) == (after(60), after(75))
    assert (event["peak"], event["limit"]) == (COLD.above_percent + 15, COLD.above_percent)
    assert event["peak_time"] == after(70)


def test_a_warm_engine_may_pull_and_a_cold_one_may_pull_briefly() -> None:
    assert cold_load(samples((300, WARM_PULL)), TRUCK).empty
    brief = int(COLD.least_s) - 2
    assert cold_load(samples((60, COLD_EASY), (brief, COLD_PULL), (60, COLD_EASY)), TRUCK).empty


def test_one_wrong_coolant_value_among_warm_ones_is_no_cold_load() -> None:
    frame = rows((300, WARM_PULL))
    every_tenth = np.arange(len(frame)) % 10 == 0  # the signal comes every ten seconds
    frame.loc[~every_tenth, "coolant_temperature"] = np.nan
    frame.loc[frame.index[150], "coolant_temperature"] = -10.0
    assert cold_load(prepare(frame), TRUCK).empty


def test_torque_at_an_unknown_temperature_is_no_cold_load() -> None:
    pull = {name: value for name, value in COLD_PULL.items() if name != "coolant_temperature"}
    assert cold_load(samples((300, pull)), TRUCK).empty
