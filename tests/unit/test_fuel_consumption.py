from __future__ import annotations

import time
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.fuel.consumption import COLUMNS, MISSING, consumption
from analytics.fuel.signals import fuel_samples
from analytics.samples import prepare
from tests.samples.driving_rows import START, Stretch, rows

DRIVING = {"wheel_speed": 72.0, "engine_speed": 1200.0, "fuel_rate": 27.0}
IDLING = {"wheel_speed": 0.0, "engine_speed": 600.0, "fuel_rate": 1.8}
OFF = {"wheel_speed": 0.0, "engine_speed": 0.0, "fuel_rate": 0.0}


def parts(*seconds: float, driver_id: object = None) -> pd.DataFrame:
    """Parts of one trip, from each of these seconds to the next."""
    times = START + pd.to_timedelta(list(seconds), unit="s")
    return pd.DataFrame(
        {
            "trip_start": times[0],
            "part_start": times[:-1],
            "end_time": times[1:],
            "driver_id": pd.Series([driver_id] * (len(seconds) - 1), dtype=object),
        }
    )


def counted(frame: pd.DataFrame, *, scale: float = 1.0, count: float = 0.001) -> pd.DataFrame:
    """The same with a counter that counts what the rate says."""
    index = pd.DatetimeIndex(frame.index)
    step_s = np.append(np.diff(index.to_numpy("datetime64[us]").astype(np.int64)) / 1e6, 1.0)
    burnt = np.cumsum(frame["fuel_rate"].fillna(0).to_numpy() * step_s / 3600) * scale
    shown = np.floor((5000 + np.append(0.0, burnt[:-1])) / count + 1e-6) * count
    return frame.assign(fuel_used_total=shown)


def one(frame: pd.DataFrame, **given: Any) -> pd.Series[Any]:
    """The consumption of all rows as one part."""
    table = consumption(fuel_samples(frame), parts(0, len(frame)), **given)
    return table.iloc[0]


# Litres


def test_an_hour_at_27_litres_an_hour_is_27_litres_by_counter_and_rate() -> None:
    found = one(counted(rows((3600, DRIVING))))
    assert found["counter_l"] == pytest.approx(27.0, abs=0.01)
    assert found["rate_l"] == pytest.approx(27.0)
    assert (found["fuel_source"], found["fuel_l"]) == ("counter", found["counter_l"])
    assert found["disagreement_percent"] == pytest.approx(0.0, abs=0.05)
    assert found["distance_km"] == pytest.approx(72.0)


def test_how_far_the_sources_are_apart_is_said_and_not_mended() -> None:
    found = one(counted(rows((3600, DRIVING)), scale=1 / 1.22))
    assert found["fuel_l"] == found["counter_l"] == pytest.approx(27.0 / 1.22, abs=0.01)
    assert found["disagreement_percent"] == pytest.approx(22.0, abs=0.1)


def test_a_counter_that_falls_or_jumps_is_not_believed_and_the_rate_is() -> None:
    frame = counted(rows((3600, DRIVING)))
    for wrong in (-3000.0, 500.0):
        broken = frame["fuel_used_total"].to_numpy(copy=True)
        broken[1800:] += wrong
        found = one(frame.assign(fuel_used_total=broken))
        assert np.isnan(found["counter_l"])
        assert (found["fuel_source"], found["fuel_l"]) == ("rate", pytest.approx(27.0))
        assert "counter" in found["missing"]


def test_a_rate_that_is_missing_too_often_is_not_believed() -> None:
    frame = rows((3600, DRIVING))
    for absent, known in ((100, True), (400, False)):  # of 3600; 5 % are 180
        rate = frame["fuel_rate"].to_numpy(copy=True)
        rate[:absent] = np.nan
        found = one(frame.assign(fuel_rate=rate))
        assert np.isnan(found["rate_l"]) != known
        assert ("rate" in found["missing"]) != known


def test_a_counter_counts_on_while_no_data_come_and_the_rate_does_not() -> None:
    frame = counted(rows((3 * 3600, DRIVING)))
    found = consumption(fuel_samples(frame.drop(frame.index[3600:7200])), parts(0, 3 * 3600)).iloc[
        0
    ]
    assert found["counter_l"] == pytest.approx(81.0, abs=0.01)
    assert found["rate_l"] == pytest.approx(54.0, abs=0.02)


def test_the_tanks_level_is_a_third_witness_and_stands_in_for_both_others() -> None:
    rng = np.random.default_rng(2)
    frame = rows((4 * 3600, DRIVING))
    level = 500 - 27.0 * np.arange(len(frame)) / 3600
    sloshing = np.round(level + 6 * rng.standard_normal(len(frame)), 1)  # 1 % of 600 L
    frame = frame.assign(fuel_volume_1=np.where(np.arange(len(frame)) % 10 == 0, sloshing, np.nan))
    found = one(counted(frame))
    # Ten minutes' readings on either side: 60 each, of 6 L.
    assert found["tank_l"] == pytest.approx(108.0, abs=5.0)
    assert found["disagreement_percent"] < 1.0  # within the level's noise
    alone = one(frame.drop(columns="fuel_rate"))
    assert alone["fuel_source"] == "tank"
    assert alone["fuel_l"] == alone["tank_l"] == pytest.approx(108.0, abs=5.0)
    far = one(counted(frame, scale=0.7).drop(columns="fuel_rate"))
    assert far["disagreement_percent"] == pytest.approx(100 * (108 - 75.6) / 75.6, abs=12)


def test_a_level_tells_nothing_of_a_few_litres_or_of_a_part_in_which_it_was_filled() -> None:
    frame = rows((1800, DRIVING), (1200, OFF), (1800, DRIVING))
    level = np.where(np.arange(4800) < 2400, 200.0, 500.0)
    filled = counted(frame.assign(fuel_volume_1=level))
    assert np.isnan(one(filled)["tank_l"])
    assert one(filled)["fuel_source"] == "counter"
    little = counted(rows((600, {**DRIVING, "fuel_volume_1": 300.0})))
    assert np.isnan(one(little)["tank_l"])


def test_without_any_source_nobody_knows() -> None:
    found = one(rows((600, {"wheel_speed": 72.0, "engine_speed": 1200.0})))
    assert found["fuel_source"] is None
    for name in ("fuel_l", "counter_l", "rate_l", "tank_l", "idle_fuel_l", "moving_fuel_l"):
        assert np.isnan(found[name]), name
    assert {"counter", "rate"} <= set(found["missing"])


# What it did with them


def test_idling_power_take_off_and_driving_share_what_was_burnt() -> None:
    frame = counted(
        rows(
            (1800, {**DRIVING, "pto_engaged": 0.0}),
            (600, {**IDLING, "pto_engaged": 0.0}),
            (600, {**IDLING, "fuel_rate": 9.0, "pto_engaged": 1.0}),
            (600, {**OFF, "pto_engaged": 0.0}),
        )
    )
    found = one(frame)
    assert found["moving_fuel_l"] == pytest.approx(13.5, abs=0.05)
    assert found["idle_fuel_l"] == pytest.approx(0.3, abs=0.01)
    assert found["pto_fuel_l"] == pytest.approx(1.5, abs=0.01)
    assert (found["engine_s"], found["driving_s"], found["idle_s"]) == (3000.0, 1800.0, 600.0)


def test_fuel_dosed_into_the_exhaust_is_told_where_the_vehicle_tells_it() -> None:
    frame = rows(
        (1800, {**DRIVING, "aftertreatment_fuel_rate": 0.0}),
        (1800, {**DRIVING, "aftertreatment_fuel_rate": 3.0}),
    )
    assert one(frame)["regeneration_fuel_l"] == pytest.approx(1.5)
    assert np.isnan(one(rows((600, DRIVING)))["regeneration_fuel_l"])
    # Rows that were not read with the signals of fuel do not tell it.
    plain = consumption(prepare(frame), parts(0, 3600)).iloc[0]
    assert np.isnan(plain["regeneration_fuel_l"])
    assert plain["fuel_l"] == pytest.approx(27.0)


def test_what_was_moved_is_mass_and_load_over_the_way_that_both_are_known() -> None:
    frame = rows(
        (3600, {**DRIVING, "gross_combination_weight": 36_000.0}),
        (3600, {**DRIVING, "gross_combination_weight": 15_000.0}),
        (1800, DRIVING),
    )
    found = one(frame)
    # Half a minute more: the last mass holds so long.
    assert found["mass_t_km"] == pytest.approx(72 * 36 + 72 * 15, rel=0.01)
    assert found["payload_t_km"] == pytest.approx(72 * 21, rel=0.01)
    assert found["loaded_km"] == pytest.approx(72.0)
    assert found["empty_km"] == pytest.approx(72.0, abs=1.0)
    assert found["load_known_km"] == pytest.approx(found["empty_km"] + found["loaded_km"])
    assert {"load", "empty_mass"}.isdisjoint(found["missing"])


def test_without_an_empty_mass_there_is_no_payload_and_it_says_so() -> None:
    always = rows((3600, {**DRIVING, "gross_combination_weight": 30_000.0}))
    found = one(always)
    assert found["mass_t_km"] == pytest.approx(72 * 30)
    assert np.isnan(found["payload_t_km"])
    assert (found["empty_km"], found["loaded_km"]) == (0.0, 0.0)
    assert "empty_mass" in found["missing"]
    told = one(always, empty_mass_kg=14_000.0)
    assert told["payload_t_km"] == pytest.approx(72 * 16)
    assert (told["empty_km"], told["loaded_km"]) == (0.0, pytest.approx(72.0))


def test_without_a_mass_there_is_neither() -> None:
    found = one(rows((3600, DRIVING)), empty_mass_kg=14_000.0)
    assert np.isnan(found["mass_t_km"])
    assert np.isnan(found["payload_t_km"])
    assert found["load_known_km"] == 0.0
    assert "load" in found["missing"]


def test_stops_and_metres_climbed_are_those_of_behaviour() -> None:
    drive = {**DRIVING, "wheel_speed": 36.0}
    frame = rows((600, drive), (30, IDLING), (600, drive), (30, IDLING), (600, drive))
    frame["wheel_speed"] = frame["wheel_speed"].rolling(21, center=True, min_periods=1).mean()
    frame["wheel_speed"] = frame["wheel_speed"].where(frame["wheel_speed"] >= 1.0, 0.0)
    flat = one(frame)
    assert flat["stops"] == 2
    assert np.isnan(flat["ascent_m"])
    assert "gradient" in flat["missing"]
    hill = one(frame.assign(altitude=0.1 * np.arange(len(frame))))
    assert hill["ascent_m"] == pytest.approx(0.1 * len(frame), abs=10)
    assert "gradient" not in hill["missing"]


def test_what_was_absent_is_listed_and_what_was_there_is_not() -> None:
    found = one(rows((600, {"wheel_speed": 72.0, "engine_speed": 1200.0})))
    assert set(found["missing"]) == set(MISSING)
    everything = {
        **DRIVING,
        "speed_limit": 80.0,
        "engine_torque": 60.0,
        "road_gradient": 0.5,
        "tyre_pressure_axle1_left": 800.0,
        "gross_combination_weight": 30_000.0,
    }
    assert one(counted(rows((600, everything))), empty_mass_kg=14_000.0)["missing"] == []


# Parts


def test_parts_come_back_in_their_order_with_all_columns() -> None:
    frame = counted(rows((1800, DRIVING), (1800, {**DRIVING, "fuel_rate": 40.0})))
    given_parts = parts(0, 1800, 3600, driver_id=7)
    table = consumption(fuel_samples(frame), given_parts)
    assert list(table) == list(COLUMNS)
    pd.testing.assert_frame_equal(table[list(given_parts)], given_parts)
    assert table["fuel_l"].tolist() == pytest.approx([13.5, 20.0], abs=0.02)
    assert table["stops"].dtype == np.int64


def test_a_part_whose_rows_are_gone_is_unknown_and_hides_no_other() -> None:
    frame = counted(rows((1800, DRIVING)))
    table = consumption(fuel_samples(frame), parts(-3600, -1800, 0, 1800))
    gone, empty, there = table.to_dict("records")
    for row in (gone, empty):
        assert np.isnan(row["fuel_l"])
        assert row["fuel_source"] is None
        assert row["corridor"] is None
        assert (row["stops"], row["engine_s"]) == (0, 0.0)
        assert set(row["missing"]) == set(MISSING)
    assert there["fuel_l"] == pytest.approx(13.5, abs=0.02)


def test_no_part_and_no_row_are_no_error() -> None:
    nothing = consumption(fuel_samples(rows((0, {}))), parts(0))
    assert nothing.empty
    assert list(nothing) == list(COLUMNS)
    assert len(consumption(fuel_samples(rows((0, {}))), parts(0, 60))) == 1
    assert consumption(fuel_samples(rows((60, DRIVING))), parts(0)).empty


STRETCHES = st.lists(
    st.tuples(
        st.integers(30, 900),
        st.sampled_from([DRIVING, IDLING, OFF, {**IDLING, "pto_engaged": 1.0}, {}]),
    ),
    min_size=1,
    max_size=8,
)


@settings(deadline=None, max_examples=30)
@given(STRETCHES, st.floats(0, 1), st.booleans(), st.booleans())
def test_parts_add_up_to_the_whole_and_nothing_is_negative(
    stretches: list[Stretch], cut: float, has_counter: bool, has_mass: bool
) -> None:
    frame = rows(*stretches, fuel_volume_1=300.0)
    frame = frame.reindex(columns=[*frame.columns.union(["fuel_rate", "wheel_speed"])])
    if has_counter:
        frame = counted(frame)
    if has_mass:
        frame["gross_combination_weight"] = 30_000.0
    middle = round(cut * len(frame))
    made = fuel_samples(frame)
    whole = consumption(made, parts(0, len(frame)), empty_mass_kg=14_000.0)
    two = consumption(made, parts(0, middle, len(frame)), empty_mass_kg=14_000.0)
    for table in (whole, two):
        numbers = table.select_dtypes("number")
        assert not (numbers < 0).any(axis=None)
        split = table[["idle_fuel_l", "pto_fuel_l", "moving_fuel_l"]].sum(axis=1)
        told = table["idle_fuel_l"].notna()
        np.testing.assert_allclose(split[told], table["fuel_l"][told], rtol=1e-9, atol=1e-9)
        ways = table["empty_km"] + table["loaded_km"]
        np.testing.assert_allclose(ways, table["load_known_km"], atol=1e-9)
        assert (table["fuel_l"].isna() == table["fuel_source"].isna()).all()
    for name in ("engine_s", "driving_s", "idle_s"):
        assert two[name].sum() == pytest.approx(whole[name].sum())
    if has_counter and two["counter_l"].notna().all():
        # Where a part begins, the counter has shown what burnt up to there.
        assert two["counter_l"].sum() == pytest.approx(whole["counter_l"].sum(), abs=0.03)


@settings(deadline=None, max_examples=12)
@given(st.integers(60, 1800), st.integers(60, 1800))
def test_more_idling_never_saves(short_s: int, more_s: int) -> None:
    burnt = [
        one(counted(rows((600, DRIVING), (idle_s, IDLING), (600, DRIVING))))
        for idle_s in (short_s, short_s + more_s)
    ]
    assert burnt[1]["fuel_l"] > burnt[0]["fuel_l"]
    assert burnt[1]["idle_fuel_l"] > burnt[0]["idle_fuel_l"]


def test_a_vehicle_day_costs_milliseconds() -> None:
    frame = counted(
        rows(
            *[
                (2000, {**DRIVING, "gross_combination_weight": 30_000.0, "altitude": 20.0}),
                (1000, {**IDLING, "fuel_volume_1": 300.0}),
            ]
            * 10
        )
    )
    made, of_day = fuel_samples(frame), parts(*range(0, 30_001, 3000))
    took = []
    for _ in range(7):
        begin = time.process_time()
        consumption(made, of_day)
        took.append(time.process_time() - begin)
    # 9 to 13 ms on a core of one's own, twice that beside others; a loop over rows takes 100.
    assert min(took) < 0.050
