"""Rows made ready: what is repaired, what is not believed, and that nothing else is touched."""

from __future__ import annotations

from dataclasses import fields
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.rows import UnreadableSignalsError
from analytics.samples import SIGNALS, SLOW_SIGNALS, SWITCHES, SampleRules, Samples, prepare
from analytics.speed import SPEED_SOURCES
from schemas.errors import TelemetryError

START = pd.Timestamp("2026-11-02T06:00:00Z")
MANOEUVRE_M_S2 = 1.5
"""No driver would call less a manoeuvre; every harsh threshold is above it [m/s²]."""


def frame(
    wheel_speed: object, *, step_s: float = 1.0, at_s: object = None, **signals: object
) -> pd.DataFrame:
    """Rows of a wheel speed and of other signals, `step_s` apart or at these seconds."""
    columns = {
        name: np.asarray(values, dtype=np.float64)
        for name, values in {"wheel_speed": wheel_speed, **signals}.items()
    }
    length = max(np.size(values) for values in columns.values())
    seconds = np.arange(length) * step_s if at_s is None else np.asarray(at_s, dtype=np.float64)
    index = START + pd.to_timedelta(np.rint(seconds * 1e6).astype(np.int64), unit="us")
    return pd.DataFrame(
        {name: np.broadcast_to(values, length) for name, values in columns.items()},
        index=pd.DatetimeIndex(index),
    )


def steady(seconds: int, km_h: float = 80.0) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """A speed with the ripple of a fine sensor, never twice the same."""
    return km_h + 0.05 * np.sin(np.arange(seconds))


def hardest(samples: Samples) -> float:
    """The greatest acceleration either way that is said to be known [m/s²]."""
    known = samples.acceleration_m_s2[~np.isnan(samples.acceleration_m_s2)]
    return float(np.abs(known).max(initial=0.0))


def assert_same(one: Samples, other: Samples) -> None:
    for field in fields(Samples):
        if field.name == "signals":
            for name in SIGNALS:
                np.testing.assert_array_equal(one[name], other[name], err_msg=name)
        elif field.name != "quality":
            np.testing.assert_array_equal(
                getattr(one, field.name), getattr(other, field.name), err_msg=field.name
            )


# ---- order, repetition, numbers


def test_what_is_in_order_is_handed_on_without_a_copy() -> None:
    rows = frame(steady(100), engine_speed=1200.0, brake_switch=0.0)
    samples = prepare(rows)
    for name in ("wheel_speed", "engine_speed", "brake_switch"):
        assert np.shares_memory(samples[name], rows[name].to_numpy())
    assert samples.quality.unsorted_rows == samples.quality.repeated_rows == 0


@settings(max_examples=25, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 60))
def test_rows_in_any_order_give_the_same(random: object, count: int) -> None:
    rows = frame(steady(count), engine_speed=1000.0 + np.arange(count), tell_tale_red=[1.0] * count)
    order = list(range(count))
    random.shuffle(order)  # type: ignore[attr-defined]  # random.Random
    assert_same(prepare(rows.iloc[order]), prepare(rows))
    late = sum(later < earlier for earlier, later in pairwise(order))
    assert prepare(rows.iloc[order]).quality.unsorted_rows == late


def test_of_rows_with_one_time_the_latest_that_says_something_counts() -> None:
    rows = frame(
        [50.0, 51.0, 52.0, 53.0],
        at_s=[0, 1, 1, 2],
        engine_speed=[1000.0, 1100.0, np.nan, 1300.0],
        brake_switch=[0.0, np.nan, np.nan, 1.0],
    )
    samples = prepare(rows)
    assert samples["wheel_speed"].tolist() == [50.0, 52.0, 53.0]
    assert samples["engine_speed"].tolist() == [1000.0, 1100.0, 1300.0]
    assert np.isnan(samples["brake_switch"][1])
    assert samples.quality.repeated_rows == 1
    assert samples.step_s.tolist() == [1.0, 1.0, 1.0]


def test_rows_without_a_time_are_left_out_and_counted() -> None:
    rows = frame(steady(5))
    rows.index = pd.DatetimeIndex([*rows.index[:2], pd.NaT, *rows.index[3:]])
    samples = prepare(rows)
    assert len(samples) == 4
    assert (samples.quality.rows, samples.quality.undated_rows) == (5, 1)


def test_infinite_impossible_and_undefined_values_are_absent_and_counted() -> None:
    rows = frame(
        [50.0, np.inf, -1.0, 251.0, 50.0],  # the catalogue's wheel_speed ends at 250 km/h
        engine_speed=[1000.0, -np.inf, 1000.0, 1000.0, 1000.0],
        brake_switch=[0.0, 1.0, 2.0, 3.0, 0.5],  # J1939: 2 is error, 3 not available
    )
    samples = prepare(rows)
    assert np.isnan(samples["wheel_speed"]).tolist() == [False, True, True, True, False]
    assert np.isnan(samples["engine_speed"]).tolist() == [False, True, False, False, False]
    assert np.isnan(samples["brake_switch"]).tolist() == [False, False, True, True, True]
    assert samples.quality.impossible_values == 3 + 1 + 3
    assert rows["wheel_speed"].iloc[1] == np.inf  # the caller's frame is left as it is


def test_switches_are_signals_and_slow_ones_are_held() -> None:
    assert set(SWITCHES) | set(SLOW_SIGNALS) <= set(SIGNALS)
    belted = [1.0] + [np.nan] * 49
    samples = prepare(frame(steady(50), seat_belt_driver=belted))
    assert samples["seat_belt_driver"][:31].tolist() == [1.0] * 31  # three periods of 10 s
    assert np.isnan(samples["seat_belt_driver"][31:]).all()


def test_a_frame_that_is_no_table_of_numbers_by_time_is_refused_in_words() -> None:
    with pytest.raises(UnreadableSignalsError, match="DatetimeIndex"):
        prepare(pd.DataFrame({"wheel_speed": [1.0]}))
    texts = frame(steady(2)).assign(engine_speed=["816", "56,10 %"])
    with pytest.raises(UnreadableSignalsError, match=r"engine_speed .*56,10 %.*decimal point"):
        prepare(texts)
    twice = pd.concat([frame(steady(2)), frame(steady(2))], axis=1)
    with pytest.raises(TelemetryError, match="wheel_speed is there 2 times"):
        prepare(twice)


def test_no_rows_and_one_row_are_no_trouble() -> None:
    assert len(prepare(frame([]))) == 0
    (only,) = prepare(frame([50.0])).step_s
    assert only == 0.0  # nobody knows how long it stands for


# ---- spikes, dropouts, shifts


@pytest.mark.parametrize("wrong", [0.0, 200.0])
@pytest.mark.parametrize("rows", [1, 2])
def test_a_spike_of_a_row_or_two_is_no_speed_and_no_manoeuvre(wrong: float, rows: int) -> None:
    speed = steady(60)
    speed[30 : 30 + rows] = wrong
    samples = prepare(frame(speed))
    assert np.flatnonzero(np.isnan(samples.speed_km_h)).tolist() == [*range(30, 30 + rows)]
    assert hardest(samples) < MANOEUVRE_M_S2
    assert samples.moving.all()  # it drove on
    assert (samples.quality.impossible_jumps, samples.quality.jump_rows) == (1, rows)


def test_a_dropout_of_ten_seconds_is_unknown_speed_even_with_a_spike_inside() -> None:
    speed = steady(60)
    speed[20:30] = 0.0
    speed[25] = 40.0
    samples = prepare(frame(speed))
    assert np.isnan(samples.speed_km_h[20:30]).all()
    assert samples.quality.jump_rows == 10
    assert hardest(samples) < MANOEUVRE_M_S2


def test_a_dropout_from_low_speed_is_told_by_the_way_back() -> None:
    # 30 km/h to 0 in a second are 8.3 m/s²: tyres can. From 0 to 30 km/h in one, no engine can.
    speed = steady(60, 30.0)
    speed[20:28] = 0.0
    samples = prepare(frame(speed))
    assert np.isnan(samples.speed_km_h[20:28]).all()


def test_up_and_down_and_up_again_keeps_the_rows_in_between() -> None:
    speed = steady(60)
    speed[[20, 22, 24]] = 0.0
    samples = prepare(frame(speed))
    assert np.flatnonzero(np.isnan(samples.speed_km_h)).tolist() == [20, 22, 24]


def test_a_filtered_sensor_that_drops_over_several_rows_is_seen_through() -> None:
    speed = steady(300)
    speed[100:108] = [60.0, 35.0, 12.0, 0.0, 0.0, 20.0, 45.0, 70.0]
    samples = prepare(frame(speed, step_s=0.1))
    assert np.isnan(samples.speed_km_h[100:108]).all()
    assert hardest(samples) < MANOEUVRE_M_S2


def test_a_shift_of_the_level_keeps_both_levels_and_no_acceleration_between() -> None:
    # What the recorded truck does where rows were lost: 54 km/h, and a second later it stands.
    speed = np.concatenate((steady(30, 54.0), np.zeros(30)))
    samples = prepare(frame(speed))
    assert not np.isnan(samples.speed_km_h).any()
    assert np.flatnonzero(np.isnan(samples.acceleration_m_s2)).tolist() == [0, 30]
    assert samples.quality.impossible_jumps == 1


def test_a_shift_is_unknown_as_long_as_the_window_reaches_over_it() -> None:
    speed = np.concatenate((steady(50, 80.0), steady(50, 20.0)))
    samples = prepare(frame(speed, step_s=0.1))
    # 0.8 s are eight rows: the last that looks back over the shift is the seventh after it.
    assert np.flatnonzero(np.isnan(samples.acceleration_m_s2)).tolist() == [
        *range(8),
        *range(50, 58),
    ]


@pytest.mark.parametrize("deceleration", [4.0, 9.0, 11.0])  # 11 m/s²: tyres on dry asphalt
def test_an_emergency_braking_is_left_as_it_is(deceleration: float) -> None:
    braking = np.arange(100.0, 0.0, -3.6 * deceleration)
    speed = np.concatenate((steady(20, 100.0), braking, np.zeros(20)))
    samples = prepare(frame(speed))
    np.testing.assert_array_equal(samples.speed_km_h, speed)
    assert np.nanmin(samples.acceleration_m_s2) == pytest.approx(-deceleration, rel=0.02)
    assert samples.quality.impossible_jumps == 0


@pytest.mark.parametrize("step_s", [0.02, 0.04, 0.1, 1.0])
def test_whole_kilometres_an_hour_are_no_jumps(step_s: float) -> None:
    seconds = np.arange(0, 60, step_s)
    speed = np.round(60 + 20 * np.sin(seconds / 4))
    samples = prepare(frame(speed, step_s=step_s))
    assert samples.quality.impossible_jumps == 0
    assert samples.quality.stuck_s == 0


# ---- stuck speed


def test_a_whole_number_under_cruise_control_is_not_stuck() -> None:
    count = 1200
    alive = {
        "engine_speed": np.round(1900 + 8 * np.sin(np.arange(count) / 7)),  # as the Leon's
        "gnss_speed": 83.0 + 0.3 * np.sin(np.arange(count)),  # 3 % below, as with new tyres
        "odometer": 1000 + np.round(np.arange(count) * 85 / 3600 / 0.005) * 0.005,
        "gear_current": np.full(count, 6.0),
    }
    for names in ([], ["engine_speed"], ["gnss_speed"], ["odometer"], list(alive)):
        samples = prepare(frame(np.full(count, 85.0)).assign(**{n: alive[n] for n in names}))
        assert samples.quality.stuck_s == 0
        assert not np.isnan(samples.speed_km_h).any()


def stuck_at_80(after: float = 50.0) -> pd.DataFrame:
    """A vehicle that brakes from 80 to 40 km/h while its speed stays at 80 for a minute."""
    true = np.concatenate((steady(60), np.linspace(80, 40, 20), steady(40, 40.0), steady(60, 50.0)))
    told = true.copy()
    told[60:120] = 80.0
    told[120:] = after + true[120:] - 50.0
    return frame(told, truth=true)


def test_a_speed_that_satellites_contradict_is_stuck_and_theirs_is_taken() -> None:
    rows = stuck_at_80()
    rows["gnss_speed"] = rows.pop("truth")
    samples = prepare(rows)
    # From 12 km/h apart (15 % of 80), which the braking reaches after 6 s.
    assert samples.quality.stuck_s == pytest.approx(54, abs=1)
    assert samples.quality.speed_source_s["gnss_speed"] == samples.quality.stuck_s
    np.testing.assert_allclose(samples.speed_km_h[70:], rows["gnss_speed"].iloc[70:], atol=0.2)
    assert hardest(samples) < MANOEUVRE_M_S2


def test_a_speed_that_the_odometer_contradicts_is_stuck() -> None:
    rows = stuck_at_80(after=78.0)  # no impossible end
    rows["odometer"] = 1000 + rows.pop("truth").cumsum() / 3600
    samples = prepare(rows)
    assert samples.quality.stuck_s == 60
    assert set(samples.quality.speed_source_s) == {"wheel_speed", "odometer"}


def test_a_speed_that_the_engine_contradicts_in_one_gear_is_stuck() -> None:
    rows = stuck_at_80(after=78.0)
    rows["engine_speed"], rows["gear_current"] = rows.pop("truth") * 16, 10.0
    assert prepare(rows).quality.stuck_s == pytest.approx(51, abs=2)  # from 64 km/h on
    for excuse in ({"clutch_switch": 1.0}, {"driveline_engaged": 0.0}, {"gear_current": 0.0}):
        assert prepare(rows.assign(**excuse)).quality.stuck_s == 0


def test_a_change_of_gear_at_one_speed_is_no_contradiction() -> None:
    gear = np.repeat([9.0, 10.0], 30)
    rpm = np.where(gear == 9.0, 1500.0, 1150.0)
    rpm[28:31] = [1250.0, 1100.0, 1120.0]  # it falls before the new gear is said to be in
    samples = prepare(frame(np.full(60, 60.0), engine_speed=rpm, gear_current=gear))
    assert samples.quality.stuck_s == 0


def test_a_speed_that_leaps_to_another_after_standing_still_was_stuck() -> None:
    rows = frame(np.concatenate((steady(30), np.full(30, 80.0), steady(30, 20.0))))
    samples = prepare(rows)
    assert np.flatnonzero(np.isnan(samples.speed_km_h)).tolist() == [*range(30, 60)]
    # To a stand it may have been rows that were lost: both levels stay.
    stand = prepare(frame(np.concatenate((steady(30), np.full(30, 80.0), np.zeros(30)))))
    assert not np.isnan(stand.speed_km_h).any()


def test_speed_and_engine_speed_that_stand_still_and_leap_together_were_frozen() -> None:
    # From the car with the faulty adapter: 58 km/h and 1481 rpm for 25 s, then 36 km/h.
    speed = np.concatenate((steady(20, 58.0), np.full(25, 58.0), np.full(5, 36.0)))
    rpm = np.concatenate((1480 + np.arange(20.0), np.full(25, 1481.0), np.full(5, 2089.0)))
    samples = prepare(frame(speed, engine_speed=rpm))
    assert samples.quality.stuck_s == 25
    assert hardest(samples) < MANOEUVRE_M_S2
    # A driver who brakes hard does so for longer than one row.
    braked = np.concatenate((speed[:45], [42.0, 27.0, 12.0, 0.0]))
    assert prepare(frame(braked, engine_speed=rpm[:49])).quality.stuck_s == 0


def test_a_receiver_in_a_tunnel_does_not_make_the_wheels_stuck() -> None:
    gnss = 85.0 + 0.3 * np.sin(np.arange(600))
    gnss[200:320] = 0.0
    rows = frame(np.full(600, 85.0), gnss_speed=gnss)
    rows["odometer"] = 1000 + np.arange(600) * 85 / 3600
    assert prepare(rows).quality.stuck_s == 0
    # Half a minute of it is a dropout of the receiver, whatever the odometer says.
    gnss = 85.0 + 0.3 * np.sin(np.arange(600))
    gnss[200:230] = 0.0
    assert prepare(frame(np.full(600, 85.0), gnss_speed=gnss)).quality.stuck_s == 0


# ---- sources of speed


def test_a_missing_wheel_speed_is_replaced_row_by_row_by_the_next_best() -> None:
    nan = np.nan
    count = 40
    wheel, tachograph, gnss = np.full(count, 50.0), np.full(count, 51.0), np.full(count, 52.0)
    wheel[10:], tachograph[20:], gnss[30:] = nan, nan, nan
    odometer = 1000 + np.arange(count) * 53 / 3600
    samples = prepare(frame(wheel, tachograph_speed=tachograph, gnss_speed=gnss, odometer=odometer))
    # A speed is carried over two seconds in which nothing is said of it.
    assert [SPEED_SOURCES[number] for number in samples.speed_source] == [
        *["wheel_speed"] * 12, *["tachograph_speed"] * 10, *["gnss_speed"] * 10, *["odometer"] * 8
    ]  # fmt: skip
    np.testing.assert_allclose(samples.speed_km_h[32:], 53.0)
    assert np.isnan(samples.acceleration_m_s2[[12, 22]]).all()  # from sensor to sensor
    assert np.isnan(samples.acceleration_m_s2[32:]).all()  # too coarse
    assert sum(samples.quality.speed_source_s.values()) == count
    assert samples.moving.all()


def test_a_silent_source_is_asked_for_nothing_and_no_source_is_no_speed() -> None:
    samples = prepare(frame(np.full(20, np.nan), engine_speed=600.0))
    assert np.isnan(samples.speed_km_h).all()
    assert (samples.speed_source == -1).all()
    assert not samples.moving.any()
    assert samples.running.all()
    assert samples.quality.unknown_speed_s == 20
    assert samples.quality.speed_source_s == {}


def test_speed_by_the_odometer_drives_and_stands_and_never_runs_backwards() -> None:
    speed = np.concatenate((np.full(120, 72.0), np.zeros(60), np.full(120, 36.0)))
    # Counted by 5 m, as SAE J1939 SPN 917.
    odometer = 1000 + np.floor(np.cumsum(speed) / 3600 / 0.005) * 0.005
    samples = prepare(frame(np.nan, odometer=odometer))
    settled = np.r_[15:105, 135:165, 195:285]  # the window of 20 s blurs the changes
    np.testing.assert_allclose(samples.speed_km_h[settled], speed[settled], atol=1.0)
    assert not samples.moving[135:165].any()
    odometer[150:] -= 500  # another unit was fitted
    backwards = prepare(frame(np.nan, odometer=odometer))
    assert np.isnan(backwards.speed_km_h[145:155]).all()


def test_a_receiver_that_drifts_at_a_stand_does_not_move_the_vehicle() -> None:
    samples = prepare(frame(np.nan, gnss_speed=np.full(60, 2.0)))
    assert not samples.moving.any()
    assert prepare(frame(np.full(60, 2.0))).moving.all()  # wheels do not drift


def test_rows_of_another_clock_in_between_change_nothing() -> None:
    speed = 60 + 20 * np.sin(np.arange(120) / 10)
    plain = prepare(frame(speed, engine_speed=1200.0))
    rows = frame(speed, engine_speed=1200.0, latitude=np.nan)
    others = frame(np.full(120, np.nan), at_s=np.arange(120) + 0.3, latitude=40.0)
    mixed = prepare(pd.concat([rows, others]).sort_index())
    assert mixed.running.all()
    assert mixed.moving.all()
    own = ~np.isnan(mixed["wheel_speed"])
    np.testing.assert_allclose(mixed.acceleration_m_s2[own], plain.acceleration_m_s2)

    def driven(samples: Samples) -> float:
        return float((samples.speed_km_h * samples.step_s)[:-2].sum())

    assert driven(mixed) == pytest.approx(driven(plain), rel=0.01)  # the last second apart


def test_a_single_row_without_speed_between_slow_ones_has_the_last_speed() -> None:
    speed = np.full(20, 50.0)
    speed[[5, 10, 11]] = np.nan
    samples = prepare(frame(speed, step_s=4.0))
    assert np.flatnonzero(np.isnan(samples.speed_km_h)).tolist() == [11]
    assert samples.quality.carried_s == 8


# ---- time: steps, gaps, windows


@pytest.mark.parametrize("step_s", [0.04, 0.1, 1.0, 2.0])
def test_a_steady_acceleration_comes_out_at_every_rate(step_s: float) -> None:
    seconds = np.arange(0, 40, step_s)
    samples = prepare(frame(10 + 3.6 * 1.2 * seconds, step_s=step_s))
    window = max(round(0.8 / step_s), 1)
    assert np.isnan(samples.acceleration_m_s2[:window]).all()
    np.testing.assert_allclose(samples.acceleration_m_s2[window:], 1.2)


def test_a_steady_acceleration_comes_out_of_irregular_rows() -> None:
    seconds = np.cumsum(np.random.default_rng(3).choice([1.0, 2.0, 2.0, 4.0], 60))
    samples = prepare(frame(10 + 3.6 * 0.5 * seconds, at_s=seconds))
    np.testing.assert_allclose(samples.acceleration_m_s2[1:], 0.5)
    assert samples.quality.usual_step_s == 2.0


def test_noise_between_fast_rows_is_no_acceleration() -> None:
    speed = 50 + np.random.default_rng(2).normal(0, 0.1, 2000)  # 25 Hz: 3.5 m/s² from row to row
    assert hardest(prepare(frame(speed, step_s=0.04))) < 0.3


def test_a_gap_is_nobodys_time_and_has_no_acceleration() -> None:
    samples = prepare(frame([50.0, 50.0, 50.0, 20.0, 20.0], at_s=[0, 2, 3, 100, 101]))
    assert samples.gap.tolist() == [True, False, False, True, False]
    # Where a gap follows: the shorter of the two steps before, here 1 s of 2 s and 1 s.
    assert samples.step_s.tolist() == [2.0, 1.0, 1.0, 1.0, 1.0]
    assert np.isnan(samples.acceleration_m_s2[3])
    assert (samples.quality.gaps, samples.quality.gap_s) == (1, 97.0)
    assert samples.end_us[-1] - samples.time_us[-1] == 1_000_000


def test_the_rules_say_what_a_gap_is() -> None:
    rows = frame(steady(3), at_s=[0, 50, 100])
    assert prepare(rows).quality.gaps == 0
    assert prepare(rows, SampleRules(longest_step_s=40)).quality.gaps == 2


def test_a_moment_of_unknown_speed_does_not_stop_a_vehicle_and_a_longer_one_does() -> None:
    def lost(seconds: int) -> pd.DataFrame:
        speed = steady(60)
        speed[30 : 30 + seconds] = 300.0  # out of range: said, and not believed
        return frame(speed)

    assert prepare(lost(3)).moving.all()
    assert not prepare(lost(8)).moving[34:36].any()


# ---- positions


def test_a_position_that_leaps_away_and_back_is_not_believed() -> None:
    latitude = 40 + np.arange(60) * 0.0002  # 80 km/h
    longitude = np.full(60, 116.0)
    latitude[20:25] += 0.5
    longitude[40], latitude[40] = 0.0, 0.0
    samples = prepare(frame(steady(60), latitude=latitude, longitude=longitude))
    wrong = [*range(20, 25), 40]
    assert np.flatnonzero(np.isnan(samples["latitude"])).tolist() == wrong
    assert np.flatnonzero(np.isnan(samples["longitude"])).tolist() == wrong
    assert samples.quality.misplaced_rows == 6


@pytest.mark.parametrize("where", [slice(0, 3), slice(57, 60)])
def test_a_receiver_that_wakes_or_ends_elsewhere_is_not_believed(where: slice) -> None:
    latitude = 40 + np.arange(60) * 0.0002
    latitude[where] += 1
    samples = prepare(frame(steady(60), latitude=latitude, longitude=116.0))
    assert np.flatnonzero(np.isnan(samples["latitude"])).tolist() == [*range(60)][where]


def test_slow_positions_and_the_date_line_are_no_leaps() -> None:
    longitude = (179.99 + np.arange(40) * 0.009 + 180) % 360 - 180  # 1 km a row, every 40 s
    samples = prepare(frame(steady(40), step_s=40.0, latitude=0.5, longitude=longitude))
    assert samples.quality.misplaced_rows == 0


# ---- what holds for any rows


@st.composite
def damaged(draw: st.DrawFn) -> pd.DataFrame:
    """A little over half an hour of a truck's day with all that goes wrong in it."""
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    count = 2400
    speed = np.clip(60 + 60 * np.sin(np.arange(count) / 97) + rng.normal(0, 0.1, count), 0, None)
    whole = draw(st.booleans())
    rows = frame(
        np.round(speed) if whole else speed,
        gnss_speed=speed + rng.normal(0, 0.3, count),
        engine_speed=600 + 10 * speed,
        gear_current=np.where(speed > 30, 10.0, 5.0),
        odometer=1000 + np.cumsum(speed) / 3600,
        latitude=40 + np.cumsum(speed) / 3600 / 111,
        longitude=116.0,
        seat_belt_driver=np.where(np.arange(count) % 10 == 0, 1.0, np.nan),
    )
    for _ in range(draw(st.integers(0, 8))):
        at, lasts = draw(st.integers(0, count - 1)), draw(st.integers(1, 150))
        part = rows.index[at : at + lasts]
        fault = draw(st.sampled_from(["zero", "stuck", "missing", "gnss", "leap", "lost"]))
        if fault == "zero":
            rows.loc[part[:5], "wheel_speed"] = 0.0
        elif fault == "stuck":
            rows.loc[part, "wheel_speed"] = rows.loc[part[0], "wheel_speed"]
        elif fault == "missing":
            rows.loc[part, ["wheel_speed", "engine_speed"]] = np.nan
        elif fault == "gnss":
            rows.loc[part, "gnss_speed"] = draw(st.sampled_from([0.0, 90.0, np.nan]))
        elif fault == "leap":
            rows.loc[part[:20], "latitude"] += 0.3
        elif len(part) < len(rows) - 10:
            rows = rows.drop(part)
            count = len(rows)
    return rows


@settings(max_examples=60, deadline=None)
@given(damaged(), st.integers(0, 1700), st.integers(100, 600))
def test_a_part_with_a_margin_comes_out_as_in_the_whole(
    rows: pd.DataFrame, first: int, length: int
) -> None:
    start, stop = START + pd.Timedelta(seconds=first), START + pd.Timedelta(seconds=first + length)
    margin = pd.Timedelta(seconds=2 * SampleRules().reach_s)
    whole, part = prepare(rows), prepare(rows.loc[start - margin : stop + margin])

    def within(samples: Samples) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        times = samples.time_us.view("datetime64[us]")
        return (times >= start.to_datetime64()) & (times < stop.to_datetime64())

    for name in ("step_s", "speed_km_h", "speed_source", "acceleration_m_s2", "moving", "running"):
        np.testing.assert_array_equal(
            getattr(whole, name)[within(whole)], getattr(part, name)[within(part)], err_msg=name
        )
    for name in ("latitude", "seat_belt_driver"):
        np.testing.assert_array_equal(whole[name][within(whole)], part[name][within(part)])


@settings(max_examples=40, deadline=None)
@given(damaged())
def test_a_damaged_day_has_no_impossible_acceleration_and_its_time_adds_up(
    rows: pd.DataFrame,
) -> None:
    samples = prepare(rows)
    assert hardest(samples) <= SampleRules().impossible_m_s2
    quality = samples.quality
    known_s = sum(quality.speed_source_s.values())
    assert known_s + quality.unknown_speed_s == pytest.approx(samples.step_s.sum())
    assert (np.isnan(samples.speed_km_h) == (samples.speed_source < 0)).all()
    span_s = (samples.end_us[-1] - samples.time_us[0]) / 1e6
    # A gap's time is counted from the row before it, which stands for a step of it.
    assert samples.step_s.sum() <= span_s <= samples.step_s.sum() + quality.gap_s + 1e-6


def test_arrow_times_and_values_are_the_same_rows() -> None:
    rows = frame(steady(5), brake_switch=1.0).rename_axis("time")
    arrow = rows.reset_index().convert_dtypes(dtype_backend="pyarrow").set_index("time")
    assert isinstance(arrow.index.dtype, pd.ArrowDtype)
    assert_same(prepare(arrow), prepare(rows))
