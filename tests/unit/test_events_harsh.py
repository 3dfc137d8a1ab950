"""Harsh manoeuvres: found with their peak and place, and told from what only sensors do."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.events.harsh import harsh_acceleration, harsh_braking, harsh_cornering
from analytics.events.table import EVENT_COLUMNS
from analytics.samples import prepare
from analytics.thresholds import of_class

START = pd.Timestamp("2026-11-01T00:00:00Z")
TRUCK = of_class("heavy_truck")
CAR = of_class("car")


def rows(speed: list[float], step_s: float = 1.0, /, **signals: list[float]) -> pd.DataFrame:
    """Rows of a speed [km/h] so far apart, and of other signals."""
    index = START + pd.to_timedelta(np.arange(len(speed)) * step_s, unit="s")
    return pd.DataFrame({"wheel_speed": speed, **signals}, index=index, dtype=np.float64)


def blind(**signals: list[float]) -> pd.DataFrame:
    """Rows a second apart of a vehicle that gives no speed."""
    length = len(next(iter(signals.values())))
    return rows([np.nan] * length, **signals)


def ramp(start: float, m_s2: float, seconds: int) -> list[float]:
    """Speeds [km/h] at the end of each second of a steady acceleration."""
    return [start + 3.6 * m_s2 * (second + 1) for second in range(seconds)]


# 72 km/h, three seconds at 4.5 m/s² down to 23.4 km/h, and on at that speed.
BRAKING = [72.0] * 10 + ramp(72.0, -4.5, 3) + [23.4] * 10


def second(number: float) -> pd.Timestamp:
    return START + pd.Timedelta(seconds=number)


def test_a_harsh_braking_is_one_event_with_peak_limit_severity_and_the_speed_before() -> None:
    speeds = [72.0 + 0.01 * (n % 2) for n in range(10)] + ramp(72.0, -4.5, 3) + [23.4] * 10
    (event,) = harsh_braking(prepare(rows(speeds)), TRUCK).to_dict("records")
    assert tuple(event) == EVENT_COLUMNS
    assert event["kind"] == "harsh_braking"
    assert (event["start_time"], event["end_time"]) == (second(10), second(13))
    assert event["peak"] == pytest.approx(4.5, abs=0.01)  # 0.01 km/h of noise
    assert event["limit"] == 3.0  # the class's threshold
    assert event["severity"] == 2  # between 0.36 g and 0.47 g
    assert event["speed_km_h"] == pytest.approx(72.0, abs=0.02)  # before the brake bit
    assert event["distance_km"] == pytest.approx((55.8 + 39.6 + 23.4) / 3600)
    assert (event["window_start"], event["window_end"]) == (second(0), second(23))
    assert np.isnan(event["fuel_l"])  # nobody measured it


def test_braking_below_the_threshold_is_no_event() -> None:
    speeds = [72.0] * 5 + ramp(72.0, -2.9, 4) + [30.24] * 5
    assert harsh_braking(prepare(rows(speeds)), TRUCK).empty


def test_what_is_harsh_for_a_truck_need_not_be_for_a_car() -> None:
    speeds = [72.0, 72.1] * 3 + ramp(72.0, -3.4, 3) + [35.28, 35.2] * 3
    assert len(harsh_braking(prepare(rows(speeds)), TRUCK)) == 1
    assert harsh_braking(prepare(rows(speeds)), CAR).empty


def test_a_braking_that_eases_off_and_bites_again_is_one_event() -> None:
    hard = ramp(90.0, -4.0, 2)
    eased = ramp(hard[-1], -2.0, 1)  # above the 1.5 m/s² that end it
    speeds = [90.0] * 5 + hard + eased + ramp(eased[-1], -4.0, 2) + [20.0] * 5
    (event,) = harsh_braking(prepare(rows(speeds)), TRUCK).to_dict("records")
    assert event["end_time"] - event["start_time"] == pd.Timedelta(seconds=5)


def test_one_late_value_is_no_harsh_braking() -> None:
    # A row came late: 3.4 m/s² in one second, 0.3 m/s² in those around.
    speeds = ramp(60.0, -0.3, 5) + ramp(54.6, -3.4, 1) + ramp(42.36, -0.3, 5)
    assert harsh_braking(prepare(rows(speeds)), TRUCK).empty


def test_braking_at_walking_pace_is_manoeuvring() -> None:
    speeds = [9.0] * 5 + [9.0 - 3.6 * 1.5, 0.0] + [0.0] * 5
    signals = {"longitudinal_acceleration": [0.0] * 5 + [-4.0, -4.0] + [0.0] * 5}
    assert harsh_braking(prepare(rows(speeds, **signals)), TRUCK).empty


@pytest.mark.parametrize("lost", [1, 2])
def test_a_speed_that_comes_back_as_fast_as_it_went_is_a_glitch(lost: int) -> None:
    speeds = [60.0, 60.1] * 4 + [43.0, 27.0] + [27.0] * (lost - 1) + [43.0, 60.0, 60.1] * 2
    samples = prepare(rows(speeds))  # 4.7 m/s² up is more than any truck can
    assert harsh_braking(samples, TRUCK).empty
    assert harsh_acceleration(samples, TRUCK).empty


def test_standing_from_one_row_to_the_next_is_a_lost_signal_unless_the_brake_is_pressed() -> None:
    # 6.1 m/s² to 30 km/h, then nothing: 8.3 m/s² is more than a truck does and less than a car.
    speeds = [52.0, 52.1, 52.0, 52.1, 30.0] + [0.0] * 20
    assert harsh_braking(prepare(rows(speeds)), CAR).empty
    braked = [0.0] * 4 + [1.0] * 3 + [0.0] * 18
    assert len(harsh_braking(prepare(rows(speeds, brake_switch=braked)), CAR)) == 1
    felt = [0.0] * 4 + [-6.1, -8.3] + [0.0] * 19
    assert len(harsh_braking(prepare(rows(speeds, longitudinal_acceleration=felt)), CAR)) == 1


def test_an_inertial_sensor_that_feels_nothing_denies_a_braking() -> None:
    quiet = [0.1, 0.0] * 11 + [0.1]
    denied = prepare(rows(BRAKING, longitudinal_acceleration=quiet))
    assert harsh_braking(denied, TRUCK).empty


def test_an_inertial_sensor_that_is_stuck_denies_nothing() -> None:
    stuck = prepare(rows(BRAKING, longitudinal_acceleration=[0.0] * len(BRAKING)))
    assert len(harsh_braking(stuck, TRUCK)) == 1


def test_without_speed_an_inertial_sensor_is_believed() -> None:
    felt = [0.0] * 5 + [-4.0, -5.0, -4.0] + [0.1] * 5
    (event,) = harsh_braking(prepare(blind(longitudinal_acceleration=felt)), TRUCK).to_dict(
        "records"
    )
    assert (event["peak"], event["peak_time"]) == (5.0, second(6))
    assert np.isnan(event["speed_km_h"])
    assert np.isnan(event["distance_km"])


def test_a_fast_inertial_sensor_is_averaged_so_that_a_jolt_is_no_braking() -> None:
    jolt = np.zeros(500)
    jolt[250:255] = -9.0  # 0.2 s at 25 Hz, as a pothole gives
    braking = np.zeros(500)
    braking[200:300] = -4.0  # 4 s
    for felt, events in ((jolt, 0), (braking, 1)):
        signals = rows([np.nan] * 500, 0.04, longitudinal_acceleration=felt.tolist())
        assert len(harsh_braking(prepare(signals), CAR)) == events


def test_a_speed_sent_every_two_seconds_is_not_twice_as_hard() -> None:
    # 3.0 m/s² for a car that repeats each value: over one second it would be 6 m/s².
    steady = [100.0 - 3.6 * 3.0 * 2 * n for n in range(5)]
    speeds = [100.0] * 6 + [value for value in steady for _ in range(2)] + [13.6] * 6
    assert harsh_braking(prepare(rows(speeds)), CAR).empty


def test_rows_too_far_apart_are_not_judged() -> None:
    speeds = [90.0, 90.0, 90.0, 50.0, 10.0, 10.0, 10.0]
    assert len(harsh_braking(prepare(rows(speeds, 2.0)), CAR)) == 1  # 5.6 m/s²
    assert harsh_braking(prepare(rows(speeds, 2.5)), CAR).empty


def test_a_change_of_speed_over_a_gap_is_no_braking() -> None:
    speeds = rows([90.0] * 10 + [20.0] * 10)
    later = pd.to_timedelta([0] * 10 + [61] * 10, unit="s")
    speeds.index = pd.DatetimeIndex(speeds.index) + later
    assert harsh_braking(prepare(speeds), TRUCK).empty


def test_no_truck_brakes_or_accelerates_harder_than_its_tyres_and_engine_allow() -> None:
    falling = prepare(rows([120.0] * 5 + ramp(120.0, -9.0, 3) + [22.8] * 5))
    rising = prepare(rows([10.0] * 5 + ramp(10.0, 5.0, 3) + [64.0] * 5))
    assert harsh_braking(falling, TRUCK).empty
    assert harsh_acceleration(rising, TRUCK).empty
    assert len(harsh_braking(falling, CAR)) == 1
    assert len(harsh_acceleration(rising, CAR)) == 1


def test_a_harsh_start_is_an_event_and_a_quick_one_is_not() -> None:
    def start(m_s2: float) -> pd.DataFrame:
        speeds = [0.0] * 5 + ramp(0.0, m_s2, 4)
        return harsh_acceleration(prepare(rows([*speeds, *[speeds[-1]] * 5])), TRUCK)

    (event,) = start(2.2).to_dict("records")
    assert event["peak"] == pytest.approx(2.2)
    assert event["severity"] == 2  # between 2.0 and 2.5 m/s², rFMS classes
    assert event["speed_km_h"] == 0.0  # from standing
    assert start(1.7).empty


@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_cornering_is_judged_to_either_side(side: float) -> None:
    felt = [0.0] * 5 + [side * 3.1] * 3 + [0.0] * 5
    (event,) = harsh_cornering(
        prepare(rows([50.0] * 13, lateral_acceleration=felt)), TRUCK
    ).to_dict("records")
    assert event["peak"] == pytest.approx(3.1)
    assert event["severity"] == 2  # between 3.0 m/s² and 0.35 g


def test_without_lateral_acceleration_yaw_rate_times_speed_gives_the_same() -> None:
    # 3.1 m/s² at 54 km/h (15 m/s) is 11.84 degrees a second.
    yaw = [0.0] * 5 + [np.rad2deg(3.1 / 15)] * 3 + [0.0] * 5
    (event,) = harsh_cornering(prepare(rows([54.0] * 13, yaw_rate=yaw)), TRUCK).to_dict("records")
    assert event["peak"] == pytest.approx(3.1)


@pytest.mark.parametrize("way", [-1.0, 1.0])
def test_without_either_the_heading_gives_the_same_also_over_north(way: float) -> None:
    turn = np.rad2deg(3.1 / 15)
    heading = (np.array([0.0] * 5 + [turn * n for n in range(1, 5)] + [4 * turn] * 5) * way) % 360
    (event,) = harsh_cornering(prepare(rows([54.0] * 14, heading=heading.tolist())), TRUCK).to_dict(
        "records"
    )
    assert event["peak"] == pytest.approx(3.1)
    assert event["end_time"] - event["start_time"] == pd.Timedelta(seconds=4)


def test_one_wrong_heading_is_no_bend() -> None:
    heading = [10.0] * 6 + [25.0] + [10.0] * 6
    assert harsh_cornering(prepare(rows([54.0] * 13, heading=heading)), CAR).empty


def test_a_yaw_rate_that_feels_nothing_denies_a_bend_and_crawling_is_manoeuvring() -> None:
    felt = [0.0] * 5 + [3.1] * 3 + [0.0] * 5
    straight = [0.1, 0.0] * 6 + [0.1]
    denied = rows([50.0] * 13, lateral_acceleration=felt, yaw_rate=straight)
    assert harsh_cornering(prepare(denied), TRUCK).empty
    assert harsh_cornering(prepare(rows([14.0] * 13, lateral_acceleration=felt)), TRUCK).empty


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.one_of(st.floats(0, 130), st.just(np.nan), st.sampled_from([0.0, 250.0])),
        min_size=0,
        max_size=40,
    ),
    st.sampled_from([0.2, 1.0, 2.0, 30.0]),
)
def test_any_rows_give_a_table_whose_events_pass_their_own_limits(
    speeds: list[float], step_s: float
) -> None:
    samples = prepare(rows(speeds, step_s))
    for detect in (harsh_braking, harsh_acceleration, harsh_cornering):
        found = detect(samples, TRUCK)
        assert tuple(found.columns) == EVENT_COLUMNS
        assert (found["peak"] >= found["limit"]).all()
        assert (found["end_time"] > found["start_time"]).all()
        assert found["severity"].isin([1, 2, 3]).all()
        assert (found["start_time"].iloc[1:].array >= found["end_time"].iloc[:-1].array).all()
