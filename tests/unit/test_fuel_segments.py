"""A drive is cut into segments that add up to it and know what the road asked."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from analytics.fuel.drive import drive_of
from analytics.fuel.segment_features import rising_legs
from analytics.fuel.segments import SEGMENT_COLUMNS, segments_of
from analytics.fuel.signals import fuel_samples
from analytics.rows import UnreadableSignalsError

START = datetime(2026, 3, 2, 8, tzinfo=UTC)


def signals(speed_km_h: object, **others: object) -> pd.DataFrame:
    """Rows a second apart: 30 t on the flat, 20 L/h, and whatever else a test says."""
    speed = np.asarray(speed_km_h, dtype=np.float64)
    columns = {
        "wheel_speed": speed,
        "engine_speed": 1200.0,
        "fuel_rate": 20.0,
        "gross_combination_weight": 30_000.0,
        "road_gradient": 0.0,
        "speed_limit": 90.0,
        "ambient_temperature": 15.0,
        "barometric_pressure": 101.325,
    } | others
    return pd.DataFrame(columns, index=pd.date_range(START, periods=len(speed), freq="s"))


def town(minutes: int) -> np.ndarray:
    """Up to 50 km/h in 20 s, a minute of it, down to a stand in 10 s, half a minute there."""
    round_ = np.concatenate(
        [np.linspace(0, 50, 20), np.full(60, 50.0), np.linspace(50, 0, 10), np.zeros(30)]
    )
    return np.tile(round_, minutes // 2)


def test_the_segments_of_a_drive_add_up_to_the_drive() -> None:
    samples = fuel_samples(signals(np.concatenate([town(20), np.full(1200, 85.0), town(10)])))
    found, drive = segments_of(samples), drive_of(samples)
    assert found["distance_km"].sum() == pytest.approx(drive.way_m.sum() / 1000)
    assert found["fuel_l"].sum() == pytest.approx(drive.fuel_l.sum())
    engine_s = found[["moving_s", "standing_s", "idling_s", "pto_s"]].sum().sum()
    assert engine_s == pytest.approx(drive.dt_s.sum())


def test_a_segment_is_about_three_kilometres_or_five_minutes_of_driving() -> None:
    fast = segments_of(fuel_samples(signals(np.full(3600, 85.0))))
    assert fast["distance_km"].between(2.5, 3.5).all()
    slow = segments_of(fuel_samples(signals(np.full(3600, 12.0))))
    assert slow["moving_s"].between(250, 350).all()


def test_segments_are_cut_at_the_edges_of_trip_parts_and_leave_out_what_is_in_none() -> None:
    frame = signals(np.full(1800, 80.0))
    time = frame.index
    parts = pd.DataFrame(
        {"part_start": [time[100], time[700]], "end_time": [time[700], time[1500]]}
    )
    found = segments_of(fuel_samples(frame), parts)
    ends = found["start_time"] + pd.to_timedelta(found["duration_s"], unit="s")
    assert found["start_time"].iloc[0] == time[100]
    assert ends.iloc[-1] == time[1500]
    assert time[700] in set(found["start_time"])
    assert found["duration_s"].sum() == pytest.approx(1400)


def test_parts_without_their_columns_are_refused_by_name() -> None:
    with pytest.raises(UnreadableSignalsError, match="end_time"):
        segments_of(fuel_samples(signals(np.full(60, 80.0))), pd.DataFrame({"part_start": []}))


def test_standing_is_traffics_for_three_minutes_and_idling_from_then_on() -> None:
    frame = signals(np.concatenate([np.full(300, 60.0), np.zeros(600), np.full(300, 60.0)]))
    found = segments_of(fuel_samples(frame)).sum(numeric_only=True)
    # 180 s are IMPOSED_STOP_S; the step into the stand belongs to it.
    assert found["standing_s"] == pytest.approx(180, abs=2)
    assert found["idling_s"] == pytest.approx(420, abs=2)
    assert found["idling_l"] == pytest.approx(20 * 420 / 3600, rel=0.01)
    assert found["stops"] == 1


def test_work_at_the_power_take_off_is_no_idling() -> None:
    pto = np.concatenate([np.zeros(300), np.ones(600), np.zeros(300)])
    speed = np.where(pto == 1, 0.0, 60.0)
    found = segments_of(fuel_samples(signals(speed, pto_engaged=pto))).sum(numeric_only=True)
    assert found["idling_s"] == 0
    assert found["pto_s"] == pytest.approx(600, abs=2)
    assert found["pto_l"] == pytest.approx(20 * 600 / 3600, rel=0.01)


def test_speeding_is_in_the_drive_but_not_in_what_the_road_demands() -> None:
    lawful = segments_of(fuel_samples(signals(np.full(1200, 90.0)))).sum(numeric_only=True)
    fast = segments_of(fuel_samples(signals(np.full(1200, 100.0)))).sum(numeric_only=True)
    per_km = ("steady_j_kg", "driven_drag_j_m2")
    demanded, driven = (
        (fast[name] / fast["distance_km"]) / (lawful[name] / lawful["distance_km"])
        for name in per_km
    )
    assert demanded == pytest.approx(1.0, rel=1e-6)
    assert driven == pytest.approx((100 / 90) ** 2, rel=0.01)


def test_wandering_speed_is_no_slow_down_and_a_stop_is_one() -> None:
    wandering = 80 + 3 * np.sin(np.arange(1200) / 20)
    found = segments_of(fuel_samples(signals(wandering))).sum(numeric_only=True)
    assert found["lost_j_kg"] == 0
    stop = np.concatenate([np.full(300, 72.0), np.linspace(72, 0, 30), np.zeros(30)])
    lost = segments_of(fuel_samples(signals(stop)))["lost_j_kg"].sum()
    assert lost == pytest.approx(0.5 * 20**2, rel=0.02)  # 72 km/h are 20 m/s


def test_a_late_brake_and_a_long_roll_lose_the_same_kinetic_energy() -> None:
    late = np.concatenate([np.full(400, 72.0), np.linspace(72, 0, 10), np.zeros(60)])
    early = np.concatenate([np.full(350, 72.0), np.linspace(72, 0, 60), np.zeros(60)])
    lost = [segments_of(fuel_samples(signals(s)))["lost_j_kg"].sum() for s in (late, early)]
    assert lost[0] == pytest.approx(lost[1], rel=0.02)


def test_a_hill_is_climbed_and_given_back() -> None:
    hill = np.concatenate([np.full(600, 3.0), np.full(600, -3.0)])
    found = segments_of(fuel_samples(signals(np.full(1200, 72.0), road_gradient=hill)))
    # 600 s at 20 m/s are 12 km, 3 % of which are 360 m.
    assert found["ascent_m"].sum() == pytest.approx(360, rel=0.01)
    assert found["descent_m"].sum() == pytest.approx(360, rel=0.01)
    assert found["braked_j_kg"].sum() > 0


def test_what_signals_do_not_tell_is_unknown_and_not_nothing() -> None:
    frame = signals(np.full(600, 80.0)).drop(columns=["gross_combination_weight", "fuel_rate"])
    found = segments_of(fuel_samples(frame))
    for name in ("mass_t", "fuel_l", "engine_mj"):
        assert found[name].isna().all()
    assert (found["steady_j_kg"] > 0).all()


def test_no_rows_give_no_segments_with_all_columns() -> None:
    found = segments_of(fuel_samples(signals([])))
    assert list(found.columns) == ["start_time", *SEGMENT_COLUMNS]
    assert found.empty


def test_an_engine_that_is_off_for_long_is_in_no_segment() -> None:
    speed = np.concatenate([np.full(600, 80.0), np.zeros(1200), np.full(600, 80.0)])
    found = segments_of(fuel_samples(signals(speed, engine_speed=np.where(speed > 0, 1200.0, 0.0))))
    assert found["duration_s"].sum() < 1300


def test_legs_need_a_change_that_is_more_than_wandering() -> None:
    speed = np.array([0, 5, 10, 9, 10, 11, 5, 0.0])
    assert rising_legs(speed, 3.0).tolist() == [0, 1, 1, 1, 1, 1, -1, -1]
    assert not rising_legs(speed, 20.0).any()
    assert not rising_legs(np.array([3.0]), 1.0).any()
