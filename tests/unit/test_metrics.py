from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.events import events_of
from analytics.events.table import empty
from analytics.metrics import SUMS, SumRules, metric_sums
from analytics.samples import prepare
from analytics.thresholds import of_class
from schemas.time_zones import TimeZoneError
from tests.asking.effort import calls_of
from tests.samples.driving_rows import delayed, rows

if TYPE_CHECKING:
    from analytics.samples import Samples

TRUCK = of_class("heavy_truck")


def parts(*edges: int) -> pd.DataFrame:
    """Parts from each of these rows to the next."""
    return pd.DataFrame(
        {
            "trip_start": pd.Timestamp("2026-11-02T06:00:00Z"),
            "driver": ["A"] * (len(edges) - 1),
            "first_row": edges[:-1],
            "stop_row": edges[1:],
        }
    )


def sums(signals: pd.DataFrame | Samples, **given: Any) -> pd.Series[float]:
    """The sums of all rows as one part."""
    samples = prepare(signals) if isinstance(signals, pd.DataFrame) else signals
    found = metric_sums(
        samples,
        parts(0, len(samples)),
        given.pop("events", empty()),
        given.pop("thresholds", TRUCK),
        **given,
    )
    return found.iloc[0][list(SUMS)].astype(float)


def eased(frame: pd.DataFrame) -> pd.DataFrame:
    """The same with speeds that change within 20 s, as a vehicle's do."""
    speed = frame["wheel_speed"].rolling(21, center=True, min_periods=1).mean()
    return frame.assign(wheel_speed=speed.where(speed >= 1.0, 0.0))


def test_a_part_has_every_sum_and_says_whose_it_is() -> None:
    samples = prepare(rows((60, {"wheel_speed": 72.0, "engine_speed": 1200.0})))
    table = metric_sums(samples, parts(0, 30, 60), empty(), TRUCK)
    assert list(table) == ["trip_start", "driver", *SUMS]
    assert table["driver"].tolist() == ["A", "A"]
    assert not table[list(SUMS)].isna().any(axis=None)


def test_time_and_distance_are_those_in_motion() -> None:
    found = sums(rows((100, {"wheel_speed": 72.0}), (50, {"wheel_speed": 0.0})))
    # 100 s at 20 m/s.
    assert found["driving_s"] == 100.0
    assert found["distance_km"] == pytest.approx(2.0)


def test_idling_leaves_out_the_power_take_off_and_is_of_engine_time() -> None:
    standing = {"wheel_speed": 0.0, "engine_speed": 600.0}
    frame = rows(
        (100, {**standing, "pto_engaged": 0.0}),
        (40, {**standing, "pto_engaged": 1.0}),
        (60, {"wheel_speed": 50.0, "engine_speed": 1200.0, "pto_engaged": 0.0}),
        (30, {**standing, "pto_engaged": 0.0}),
        (30, {**standing, "engine_speed": 0.0, "pto_engaged": 0.0}),
    )
    found = sums(eased(frame))
    # In the first 10 s of the second stand the vehicle still comes to it.
    assert found["idle_s"] == 100.0 + 30.0 - 10.0
    assert found["pto_s"] == 40.0
    assert found["engine_s"] == 230.0


def test_what_the_vehicle_cannot_tell_has_no_time_to_be_counted_of() -> None:
    found = sums(rows((600, {"wheel_speed": 72.0})))
    told = {"driving_s", "distance_km", "overspeed_known_s", "harsh_known_km"}
    # A speed alone tells driving, harshness and the limit of the class; 06:00 is no night.
    assert set(found.index[found > 0]) == told


def test_shares_count_only_rows_in_which_both_sides_are_known() -> None:
    driving = {"wheel_speed": 72.0, "engine_speed": 1200.0, "brake_switch": 0.0}
    found = sums(
        rows(
            (100, {**driving, "cruise_active": 1.0, "engine_torque": 95.0}),
            (100, {**driving, "cruise_active": 0.0, "engine_torque": 40.0, "fuel_rate": 10.0}),
            (100, {**driving, "cruise_active": 0.0, "engine_torque": 0.0, "fuel_rate": 0.0}),
            (100, {"wheel_speed": 72.0, "engine_speed": 1900.0}),
        )
    )
    assert (found["cruise_s"], found["cruise_known_s"]) == (100.0, 300.0)
    # Cruise control's time is not the driver's to coast in.
    assert (found["coasting_s"], found["coasting_known_s"]) == (100.0, 200.0)
    assert (found["high_torque_s"], found["high_torque_known_s"]) == (100.0, 300.0)
    # 1900 rpm are above the band of 800 to 1700.
    assert (found["green_band_s"], found["green_band_known_s"]) == (300.0, 400.0)


def test_speed_is_held_against_the_lower_of_road_and_vehicle_limit() -> None:
    for speed, limit, over in (
        (70.0, 60.0, 100.0),  # more than 5 % above the road's
        (62.0, 60.0, 0.0),
        (96.0, 120.0, 100.0),  # more than 3 % above a truck's 90 anywhere
        (96.0, np.nan, 100.0),
        (85.0, np.nan, 0.0),
    ):
        found = sums(rows((100, {"wheel_speed": speed, "speed_limit": limit})))
        assert (found["overspeed_s"], found["overspeed_known_s"]) == (over, 100.0)


def test_harsh_events_count_in_the_part_in_which_they_start() -> None:
    samples = prepare(rows((100, {"wheel_speed": 72.0})))
    start = pd.DatetimeIndex(samples.time_us[[10, 49, 50]].view("datetime64[us]"), tz="UTC")
    events = pd.DataFrame(
        {"kind": ["harsh_braking", "harsh_cornering", "harsh_braking"], "start_time": start}
    )
    table = metric_sums(samples, parts(0, 50, 100), events, TRUCK)
    assert table["harsh_brakings"].tolist() == [1.0, 1.0]
    assert table["harsh_cornerings"].tolist() == [1.0, 0.0]
    assert table["harsh_accelerations"].tolist() == [0.0, 0.0]


def test_rows_too_far_apart_do_not_make_kilometres_without_harsh_events() -> None:
    slow = sums(rows((60, {"wheel_speed": 72.0}), step_s=10.0))
    # Every 10 s a braking may hide: the distance is known, the absence of harshness is not.
    assert slow["distance_km"] == pytest.approx(12.0)
    assert slow["harsh_known_km"] == 0.0


def test_brakings_and_late_ones_are_counted() -> None:
    driving = {"wheel_speed": 50.0, "accelerator_pedal": 40.0, "brake_switch": 0.0}
    rolling = {"wheel_speed": 50.0, "accelerator_pedal": 0.0, "brake_switch": 0.0}
    braking = {"wheel_speed": 45.0, "accelerator_pedal": 0.0, "brake_switch": 1.0}
    found = sums(rows((30, driving), (5, braking), (30, driving), (5, rolling), (5, braking)))
    assert found["brakings"] == 2.0
    assert found["late_brakings"] == 1.0


def test_the_retarder_shares_braking_with_the_service_brake_only_where_it_is_fitted() -> None:
    fast = {"wheel_speed": 60.0, "accelerator_pedal": 0.0}
    fitted = sums(
        rows(
            (20, {**fast, "brake_switch": 0.0, "retarder_torque": -40.0}),
            (10, {**fast, "brake_switch": 1.0, "retarder_torque": 0.0}),
        )
    )
    assert (fitted["retarder_s"], fitted["service_brake_s"]) == (20.0, 10.0)
    without = sums(rows((10, {**fast, "brake_switch": 1.0})))
    assert (without["retarder_s"], without["service_brake_s"]) == (0.0, 0.0)


def test_fuel_comes_from_the_rate_or_else_from_the_counter() -> None:
    rate = sums(rows((360, {"wheel_speed": 72.0, "fuel_rate": 30.0})))
    assert rate["fuel_l"] == pytest.approx(3.0)  # 30 L/h for 0.1 h
    frame = rows((361, {"wheel_speed": 72.0}))
    frame["fuel_used_total"] = np.nan
    frame.loc[frame.index[::60], "fuel_used_total"] = 1000 + np.arange(7) * 0.5
    by_counter = sums(frame)
    # Six steps of half a litre; after the last reading nothing is known.
    assert by_counter["fuel_l"] == pytest.approx(3.0)
    assert by_counter["fuel_known_km"] == pytest.approx(7.2)


def test_a_counter_that_was_reset_burns_nothing_and_says_nothing_about_it() -> None:
    frame = rows((121, {"wheel_speed": 72.0}))
    frame["fuel_used_total"] = np.nan
    frame.loc[frame.index[::60], "fuel_used_total"] = [1000.0, 0.0, 0.5]
    found = sums(frame)
    assert found["fuel_l"] == pytest.approx(0.5)
    assert found["fuel_known_km"] == pytest.approx(1.2)  # the minute after the reset


def test_mass_is_weighed_by_distance() -> None:
    found = sums(
        rows(
            (100, {"wheel_speed": 72.0, "gross_combination_weight": 40_000.0}),
            (200, {"wheel_speed": 36.0, "gross_combination_weight": 20_000.0}),
        )
    )
    # Two kilometres each.
    assert found["mass_t_km"] / found["mass_known_km"] == pytest.approx(30.0)


class TestAscent:
    def hilly(self, noise_m: float, seed: int = 1) -> pd.DataFrame:
        frame = rows((3000, {"wheel_speed": 72.0}))
        # Up 50 m and down again five times over 60 km.
        hills = 25.0 * (1 - np.cos(np.arange(3000) / 600 * 2 * np.pi))
        frame["altitude"] = 100 + hills + noise_m * np.random.default_rng(seed).normal(size=3000)
        return frame

    def test_hills_are_counted_and_a_receivers_noise_is_not(self) -> None:
        clean, noisy = (sums(self.hilly(noise))["ascent_m"] for noise in (0.0, 0.7))
        # 5 x 50 m, less the band at each turn; every metre of noise added up would be 1700 m.
        assert clean == pytest.approx(250.0, abs=5 * 5.0)
        assert noisy == pytest.approx(250.0, abs=5 * 5.0)

    @pytest.mark.parametrize("count", [2, 3, 64, 501])
    def test_all_rows_at_once_climb_what_they_do_one_by_one(self, count: int) -> None:
        frame = rows((count, {"wheel_speed": 72.0}))
        frame["altitude"] = height = np.cumsum(np.random.default_rng(count).normal(size=count) * 2)
        counted, climbed = height[0], 0.0
        for measured in height[1:]:
            now = min(max(counted, measured - SumRules().ascent_band_m), measured)
            climbed += max(now - counted, 0.0)
            counted = now
        assert sums(frame)["ascent_m"] == pytest.approx(climbed)

    def test_standing_climbs_nothing(self) -> None:
        frame = self.hilly(0.0)
        frame["wheel_speed"] = 0.0
        assert sums(frame)["ascent_m"] == 0.0

    def test_the_bottom_of_a_gap_is_no_slope(self) -> None:
        frame = rows((600, {"wheel_speed": 72.0}))
        frame["altitude"] = np.where(np.arange(600) < 300, 100.0, 900.0)
        whole = sums(frame)["ascent_m"]
        later = delayed(frame, row=300, by_s=7200.0)
        assert whole == pytest.approx(800.0 - SumRules().ascent_band_m)
        assert sums(later)["ascent_m"] == 0.0

    def test_the_gradient_stands_in_for_the_height(self) -> None:
        found = sums(rows((500, {"wheel_speed": 72.0, "road_gradient": 3.0})))
        # 3 % of 10 km, less the band that a climb has to leave first.
        assert found["ascent_m"] == pytest.approx(300.0 - SumRules().ascent_band_m, abs=1.0)
        assert found["ascent_known_km"] == pytest.approx(10.0)


def test_stops_are_counted_and_a_jerk_does_not_make_two_of_one() -> None:
    driving, standing = {"wheel_speed": 30.0}, {"wheel_speed": 0.0}
    frame = eased(
        rows(
            (60, standing),  # before it ever drove
            (60, driving),
            (60, standing),
            (60, driving),
            (60, standing),
        )
    )
    frame.iloc[150] = 2.0  # a jerk in the middle of the first stop
    frame.iloc[200] = 0.0  # and no stop, though no speed, in the second drive
    assert sums(frame)["stops"] == 2.0


def test_night_is_the_fleets_own() -> None:
    # From 13:00 UTC on for two hours: 21:00 to 23:00 in Shanghai, of which the second is night.
    frame = rows((720, {"wheel_speed": 72.0}), step_s=10.0)
    frame.index = frame.index + pd.Timedelta("7h")
    samples = prepare(frame)
    assert sums(samples, time_zone="Asia/Shanghai")["night_s"] == 3600.0
    assert sums(samples, time_zone="Europe/Berlin")["night_s"] == 0.0
    with pytest.raises(TimeZoneError, match="Mars/Base"):
        sums(samples, time_zone="Mars/Base")


STEP_M = 20.0
"""By so much heights of these days differ; gaps hide it from who begins behind them [m]."""

CHOICES = {
    "engine_speed": (0.0, 600.0, 1200.0, 2000.0),
    "engine_torque": (0.0, 50.0, 99.0, np.nan),
    "fuel_rate": (0.0, 2.0, 40.0, np.nan),
    "brake_switch": (0.0, 1.0, np.nan),
    "accelerator_pedal": (0.0, 60.0),
    "cruise_active": (0.0, 1.0, np.nan),
    "pto_engaged": (0.0, 1.0, np.nan),
    "retarder_torque": (0.0, -60.0),
    "speed_limit": (50.0, 80.0, np.nan),
    "gross_combination_weight": (20_000.0, np.nan),
    "altitude": (100.0, 100.0 + STEP_M, np.nan),
}


def day(seed: int, seconds: int = 600) -> pd.DataFrame:
    """Driving in which signals change by chance, every 20 s, and speed wanders."""
    rng = np.random.default_rng(seed)
    frame = rows((seconds, {}))
    for name, values in CHOICES.items():
        frame[name] = np.repeat(rng.choice(values, size=seconds // 20 + 1), 20)[:seconds]
    speed = 40.0 + np.cumsum(rng.normal(0.0, 4.0, size=seconds))
    return frame.assign(wheel_speed=np.clip(speed, 0.0, 100.0))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), cuts=st.lists(st.integers(0, 600), max_size=6))
def test_sums_add_up_wherever_a_day_is_cut(seed: int, cuts: list[int]) -> None:
    samples = prepare(day(seed))
    events = events_of(samples, TRUCK)
    edges = sorted({0, len(samples), *(min(cut, len(samples)) for cut in cuts)})
    whole = metric_sums(samples, parts(0, len(samples)), events, TRUCK).iloc[0]
    cut = metric_sums(samples, parts(*edges), events, TRUCK)[list(SUMS)].sum()
    # A climb that is cut begins anew: what is within the band is lost, or the step of its height.
    exact = [name for name in SUMS if name != "ascent_m"]
    assert cut[exact].to_numpy() == pytest.approx(whole[exact].to_numpy(dtype=float))
    lost = whole["ascent_m"] - cut["ascent_m"]
    assert -1e-6 <= lost <= (len(edges) - 2) * STEP_M + 1e-6


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000))
def test_no_share_is_more_than_its_whole(seed: int) -> None:
    found = sums(day(seed))
    for part, whole in (
        ("idle_s", "engine_s"),
        ("cruise_s", "cruise_known_s"),
        ("coasting_s", "coasting_known_s"),
        ("high_torque_s", "high_torque_known_s"),
        ("green_band_s", "green_band_known_s"),
        ("overspeed_s", "overspeed_known_s"),
        ("late_brakings", "brakings"),
        ("harsh_known_km", "distance_km"),
        ("night_s", "driving_s"),
    ):
        assert 0.0 <= found[part] <= found[whole] + 1e-9


def test_rows_outside_all_parts_and_parts_without_rows_count_nothing() -> None:
    samples = prepare(rows((100, {"wheel_speed": 72.0})))
    table = pd.concat([parts(10, 20), parts(20, 20), parts(50, 100)], ignore_index=True)
    found = metric_sums(samples, table, empty(), TRUCK)
    assert found["driving_s"].tolist() == [10.0, 0.0, 50.0]
    none = metric_sums(samples, table.iloc[:0], empty(), TRUCK)
    assert none.empty
    assert list(none) == ["trip_start", "driver", *SUMS]


def test_hours_are_added_up_in_one_go() -> None:
    def effort(seconds: int) -> int:
        samples = prepare(day(3, seconds=seconds))
        events = events_of(samples, TRUCK)
        table = parts(0, seconds // 3, seconds // 2, seconds)
        return calls_of(lambda: metric_sums(samples, table, events, TRUCK, "Asia/Shanghai"))

    # A loop over the rows would call eight times as much for eight times as many.
    assert effort(28_800) < 1.5 * effort(3_600)
