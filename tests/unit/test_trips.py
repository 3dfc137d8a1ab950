"""Trips: where they begin and end, and that nothing is counted twice or invented."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.trips import COLUMNS, TripRules, find_trips

START = pd.Timestamp("2026-11-01T00:00:00Z")


def drive(*stretches: tuple[int, float, float], step_s: float = 1.0) -> pd.DataFrame:
    """Rows of (how many, speed km/h, rpm), one after the other; 36 L/h while the engine turns."""
    speed = np.concatenate([np.full(rows, kmh) for rows, kmh, _ in stretches])
    rpm = np.concatenate([np.full(rows, rpm) for rows, _, rpm in stretches])
    index = START + pd.to_timedelta(np.arange(len(speed)) * step_s, unit="s")
    return pd.DataFrame(
        {"wheel_speed": speed, "engine_speed": rpm, "fuel_rate": np.where(rpm > 0, 36.0, 0.0)},
        index=index,
    )


def later(times: pd.Index, *, after: int, by_s: float) -> pd.DatetimeIndex:
    """The times, moved by so many seconds from row `after` on."""
    moved = np.where(np.arange(len(times)) < after, 0.0, by_s)
    return pd.DatetimeIndex(times) + pd.to_timedelta(moved, unit="s")


def test_one_drive_is_one_trip_with_its_distance_idle_and_fuel() -> None:
    (trip,) = find_trips(drive((60, 0, 600), (600, 72, 1200), (40, 0, 600))).to_dict("records")
    assert trip["start_time"] == START
    assert trip["duration_s"] == 700
    assert trip["distance_km"] == pytest.approx(12.0)  # 600 s at 20 m/s
    assert trip["idle_s"] == 100  # 60 s before and 40 s after
    assert trip["fuel_l"] == pytest.approx(7.0)  # 700 s at 10 ml/s
    assert trip["idle_fuel_l"] == pytest.approx(1.0)  # 100 s at 10 ml/s
    assert trip["l_per_100km"] == pytest.approx(7.0 / 12.0 * 100)
    assert (trip["distance_source"], trip["fuel_source"]) == ("wheel_speed", "fuel_rate")


def test_a_rest_shorter_than_the_rule_does_not_end_a_trip_and_a_longer_one_does() -> None:
    rules = TripRules(rest_s=300)
    short = drive((120, 50, 1200), (295, 0, 0), (120, 50, 1200))
    long = drive((120, 50, 1200), (305, 0, 0), (120, 50, 1200))
    assert len(find_trips(short, rules)) == 1
    assert len(find_trips(long, rules)) == 2


def test_a_rest_is_not_idling() -> None:
    (trip,) = find_trips(drive((120, 50, 1200), (200, 0, 0), (120, 50, 1200))).to_dict("records")
    assert trip["idle_s"] == 0
    assert trip["duration_s"] == 440  # rest included


def test_a_gap_in_the_data_is_nobodys_time() -> None:
    rows = drive((120, 36, 1200), (120, 36, 1200))
    rows.index = later(rows.index, after=120, by_s=200)
    (trip,) = find_trips(rows).to_dict("records")
    assert trip["distance_km"] == pytest.approx(2.4)  # 240 s at 10 m/s; the gap adds nothing
    assert trip["fuel_l"] == pytest.approx(2.4)


def test_counters_carry_over_a_gap() -> None:
    rows = drive((120, 36, 1200), (120, 36, 1200))
    rows.index = later(rows.index, after=120, by_s=200)
    rows["odometer"] = np.linspace(1000.0, 1004.4, 240)
    rows["fuel_used_total"] = np.linspace(500.0, 504.4, 240)
    (trip,) = find_trips(rows).to_dict("records")
    assert trip["distance_km"] == pytest.approx(4.4)
    assert trip["fuel_l"] == pytest.approx(4.4)
    assert (trip["distance_source"], trip["fuel_source"]) == ("odometer", "fuel_used_total")


def test_an_engine_that_runs_without_moving_is_a_trip_without_distance() -> None:
    (trip,) = find_trips(drive((900, 0, 600))).to_dict("records")
    assert (trip["distance_km"], trip["idle_s"]) == (0.0, 900)
    assert np.isnan(trip["l_per_100km"])  # no distance, no consumption a distance


def test_a_moment_of_engine_is_no_trip() -> None:
    assert find_trips(drive((300, 0, 0), (20, 0, 600), (300, 0, 0))).empty


def test_moving_without_engine_speed_is_a_trip() -> None:
    rows = drive((300, 60, 0))[["wheel_speed"]]
    (trip,) = find_trips(rows).to_dict("records")
    assert trip["distance_km"] == pytest.approx(5.0)  # 300 s at 60 km/h
    assert trip["fuel_source"] is None
    assert np.isnan(trip["fuel_l"])


def test_fuel_that_is_there_half_the_time_is_not_called_the_trips_fuel() -> None:
    rows = drive((600, 50, 1200))
    rows.loc[rows.index[300:], "fuel_rate"] = np.nan
    (trip,) = find_trips(rows).to_dict("records")
    assert np.isnan(trip["fuel_l"])


def test_positions_are_the_first_and_last_known() -> None:
    rows = drive((300, 50, 1200))
    rows["latitude"], rows["longitude"] = np.nan, np.nan
    rows.loc[rows.index[[5, 200]], ["latitude", "longitude"]] = [[40.0, 116.0], [40.1, 116.2]]
    (trip,) = find_trips(rows).to_dict("records")
    assert (trip["start_latitude"], trip["end_longitude"]) == (40.0, 116.2)


def test_no_rows_are_no_trips() -> None:
    empty = pd.DataFrame({"wheel_speed": []}, index=pd.DatetimeIndex([], tz="UTC"))
    assert list(find_trips(empty).columns) == list(COLUMNS)
    assert find_trips(empty).empty


def test_two_second_data_gives_the_same_as_one_second_data() -> None:
    fine = find_trips(drive((60, 0, 600), (600, 72, 1200))).iloc[0]
    coarse = find_trips(drive((30, 0, 600), (300, 72, 1200), step_s=2.0)).iloc[0]
    for column in ("distance_km", "idle_s", "fuel_l", "duration_s"):
        assert coarse[column] == pytest.approx(fine[column])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(1, 400), st.sampled_from([0.0, 30.0, 90.0]), st.sampled_from([0.0, 900.0])
        ),
        min_size=1,
        max_size=8,
    )
)
def test_trips_do_not_overlap_and_hold_no_more_than_the_rows(
    stretches: list[tuple[int, float, float]],
) -> None:
    rows = drive(*stretches)
    trips = find_trips(rows)
    assert (trips["start_time"].iloc[1:].to_numpy() >= trips["end_time"].iloc[:-1].to_numpy()).all()
    driven_km = rows["wheel_speed"].sum() / 3600  # rows of one second
    idle_s = ((rows["wheel_speed"] < 1) & (rows["engine_speed"] > 300)).sum()
    assert trips["distance_km"].sum() <= driven_km + 1e-9
    assert trips["idle_s"].sum() <= idle_s
    assert (trips["idle_s"] <= trips["duration_s"]).all()
