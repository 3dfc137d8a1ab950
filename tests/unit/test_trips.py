"""Trips: where they begin and end, and that nothing is counted twice or invented."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from analytics.samples import prepare
from analytics.trips import COLUMNS, KINDS, TripRules, find_trips, trip_of, trips_of

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


# ---- kinds


def test_a_drive_says_how_long_it_moved_and_how_often_it_stopped() -> None:
    rows = drive(
        (60, 0, 600), (100, 40, 1200), (20, 0, 600), (100, 4, 800), (2, 0, 600), (100, 4, 800)
    )
    (trip,) = find_trips(rows).to_dict("records")
    assert trip["kind"] == "drive"
    assert trip["driving_s"] == 300
    assert trip["stop_count"] == 1  # two seconds are no stop, nor is the idling before it left


def test_an_engine_that_only_runs_or_shunts_a_little_idles() -> None:
    (trip,) = find_trips(drive((600, 0, 600), (20, 10, 900), (600, 0, 600))).to_dict("records")
    assert trip["distance_km"] == pytest.approx(0.056, abs=0.001)  # 20 s at 10 km/h
    assert (trip["kind"], trip["idle_s"], trip["driving_s"]) == ("idle", 1200, 20)
    assert np.isnan(trip["l_per_100km"])


def test_rolling_for_long_with_the_engine_off_is_a_tow_of_its_own() -> None:
    rows = drive((600, 60, 1200), (60, 0, 0), (600, 50, 0), (60, 0, 0), (300, 50, 0), (60, 30, 900))
    first, tow, last = find_trips(rows).to_dict("records")
    assert [trip["kind"] for trip in (first, tow, last)] == ["drive", "tow", "drive"]
    assert tow["distance_km"] == pytest.approx(12.5)  # 900 s at 50 km/h, one trip over the halt
    assert (tow["driving_s"], tow["stop_count"], tow["idle_s"]) == (0, 0, 0)
    assert np.isnan(tow["l_per_100km"])  # its engine did not move it
    assert first["distance_km"] == pytest.approx(10.0)


def test_rolling_shortly_with_the_engine_off_is_part_of_the_drive() -> None:
    rows = drive((300, 60, 1200), (100, 50, 0), (300, 60, 1200))
    (trip,) = find_trips(rows).to_dict("records")
    assert trip["kind"] == "drive"
    assert trip["driving_s"] == 700


@pytest.mark.parametrize(("ignition", "kind"), [(0.0, "tow"), (1.0, "drive"), (np.nan, "drive")])
def test_where_nothing_is_known_of_the_engine_the_ignition_tells_a_tow(
    ignition: float, kind: str
) -> None:
    rows = drive((600, 50, 0))[["wheel_speed"]].assign(ignition_on=ignition)
    assert find_trips(rows)["kind"].tolist() == [kind]


def test_electric_driving_with_the_ignition_on_is_no_tow() -> None:
    rows = drive((600, 50, 0)).assign(ignition_on=1.0, engine_running=0.0)
    assert find_trips(rows)["kind"].tolist() == ["drive"]


def at_sea(minutes: int, km_h: float, rpm: float = 0.0, wheels_km_h: float = 0.0) -> pd.DataFrame:
    """A vehicle whose receiver moves north at this speed."""
    rows = drive((60 * minutes, wheels_km_h, rpm))
    north = np.arange(len(rows)) * km_h / 3600 / 111.2
    return rows.assign(gnss_speed=km_h, latitude=38.0 + north, longitude=121.0)


def test_moving_while_the_wheels_stand_is_a_ferry_that_drives_no_distance() -> None:
    rows = at_sea(60, 30)
    rows.loc[rows.index[1000:1050], "gnss_speed"] = np.nan  # under deck
    (trip,) = find_trips(rows).to_dict("records")
    assert trip["kind"] == "ferry"
    assert trip["duration_s"] == 3600
    assert (trip["distance_km"], trip["driving_s"]) == (0, 0)
    assert trip["end_latitude"] - trip["start_latitude"] == pytest.approx(30 / 111.2, rel=0.01)


def test_what_is_short_drifts_or_runs_its_engine_is_no_ferry() -> None:
    assert find_trips(at_sea(4, 30)).empty  # less than 5 min
    assert find_trips(at_sea(8, 6)).empty  # less than 1 km
    drifting = at_sea(600, 30)
    drifting["gnss_speed"] = np.where(np.arange(len(drifting)) % 40 == 0, 9.0, 0.4)
    assert find_trips(drifting).empty
    assert find_trips(at_sea(60, 30, rpm=600))["kind"].tolist() == ["idle"]


def test_a_drive_on_board_and_off_are_trips_of_their_own() -> None:
    aboard, crossing, ashore = drive((300, 20, 900)), at_sea(60, 30), drive((300, 20, 900))
    rows = pd.concat([aboard, crossing, ashore])
    rows.index = START + pd.to_timedelta(np.arange(len(rows)), unit="s")
    assert find_trips(rows)["kind"].tolist() == ["drive", "ferry", "drive"]


def test_speed_alone_is_a_drive_and_a_receivers_flicker_at_a_stand_is_none() -> None:
    def tracked(speed: NDArray[np.float64]) -> pd.DataFrame:
        index = START + pd.to_timedelta(np.arange(len(speed)), unit="s")
        return pd.DataFrame({"gnss_speed": speed}, index=index)

    (trip,) = find_trips(tracked(np.full(600, 60.0))).to_dict("records")
    assert (trip["kind"], trip["distance_source"]) == ("drive", "gnss_speed")
    assert trip["distance_km"] == pytest.approx(10.0)
    parked = np.where(np.arange(7200) % 50 < 4, 6.0, 0.5)  # 4 s of 6 km/h now and again
    assert find_trips(tracked(parked)).empty
    parked[1000:1002] = 180.0
    assert find_trips(tracked(parked)).empty


# ---- beginning and end


def parted(by_s: float, *, driven_km: float | None) -> pd.DataFrame:
    """Ten minutes at 60 km/h, no data for so long, and again; the odometer says what was driven."""
    rows = drive((600, 60, 1200), (600, 60, 1200))
    rows.index = later(rows.index, after=600, by_s=by_s)
    if driven_km is not None:
        second = np.arange(1200) + 0.0
        rows["odometer"] = 1000 + second / 60 + np.where(second < 600, 0, driven_km)
    return rows


def test_a_long_gap_ends_a_trip_unless_the_odometer_shows_that_it_drove_on() -> None:
    assert len(find_trips(parted(1200, driven_km=None))) == 2
    assert len(find_trips(parted(1200, driven_km=0.5))) == 2  # it stood for most of the time
    (trip,) = find_trips(parted(1200, driven_km=18.0)).to_dict("records")  # 54 km/h
    assert trip["distance_km"] == pytest.approx(38.0, abs=0.05)
    assert trip["driving_s"] == 1200  # nobody knows how it moved in the gap
    assert len(find_trips(parted(1200, driven_km=200.0))) == 2  # 600 km/h: the odometer jumped
    assert len(find_trips(parted(3 * 3600, driven_km=150.0))) == 2  # longer than the rule


def test_a_rest_beside_a_bridged_gap_still_ends_a_trip() -> None:
    rows = parted(1200, driven_km=18.0)
    rest = drive((310, 0, 0)).assign(odometer=1010.0)
    rest.index = rows.index[599] + pd.to_timedelta(np.arange(1, 311), unit="s")
    after = rows.iloc[600:]
    after.index = pd.DatetimeIndex(after.index) + pd.Timedelta(seconds=310)
    assert len(find_trips(pd.concat([rows.iloc[:600], rest, after]))) == 2


def test_a_trip_over_midnight_is_one_trip() -> None:
    rows = drive((1200, 60, 1200))
    rows.index = pd.DatetimeIndex(rows.index) - pd.Timedelta(minutes=10)
    (trip,) = find_trips(rows).to_dict("records")
    assert trip["start_time"] == START - pd.Timedelta(minutes=10)
    assert trip["end_time"] == START + pd.Timedelta(minutes=10)


def test_where_the_engine_is_unknown_the_ignition_holds_a_trip_together() -> None:
    rows = drive((120, 50, 0), (600, 0, 0), (120, 50, 0))[["wheel_speed"]]
    assert len(find_trips(rows)) == 2
    assert len(find_trips(rows.assign(ignition_on=1.0))) == 1
    # A known engine that stands for ten minutes ends it, whatever the key says.
    known = drive((120, 50, 1200), (600, 0, 0), (120, 50, 1200)).assign(ignition_on=1.0)
    assert len(find_trips(known)) == 2
    parked = drive((120, 50, 0), (7600, 0, 0), (120, 50, 0))[["wheel_speed"]].assign(
        ignition_on=1.0
    )
    assert len(find_trips(parked)) == 2  # more than two hours: the wire may always be live
    only_ignition = drive((3600, 0, 0))[["wheel_speed"]].assign(ignition_on=1.0)
    assert find_trips(only_ignition).empty


# ---- distance, fuel, places


def with_odometer(change: NDArray[np.float64]) -> pd.DataFrame:
    """Ten minutes at 72 km/h and an odometer that is so far from the truth [km]."""
    rows = drive((600, 72, 1200))
    rows["wheel_speed"] += np.tile([-0.1, 0.1], 300)  # a constant speed would be the suspect
    return rows.assign(odometer=1000 + np.arange(600) * 0.02 + change)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(np.where(np.arange(600) < 300, 0.0, -500.0), id="another unit was fitted"),
        pytest.param(np.where(np.arange(600) < 300, 0.0, 3.0), id="it jumped"),
        pytest.param(np.where(np.arange(600) == 300, -1000.0, 0.0), id="zero for a moment"),
        pytest.param(-np.arange(600) * 0.02, id="it stands still"),
        pytest.param(-np.arange(600) * 0.0076, id="it counts miles"),
    ],
)
def test_an_odometer_that_cannot_be_right_is_not_believed(
    change: NDArray[np.float64],
) -> None:
    (trip,) = find_trips(with_odometer(change)).to_dict("records")
    assert trip["distance_source"] == "wheel_speed"
    assert trip["distance_km"] == pytest.approx(12.0)


def test_an_odometer_that_is_off_as_tyres_are_is_believed() -> None:
    (trip,) = find_trips(with_odometer(np.linspace(0.0, 0.6, 600))).to_dict("records")
    assert trip["distance_source"] == "odometer"
    assert trip["distance_km"] == pytest.approx(12.6, abs=0.03)  # 5 % more; 1 s is 0.02 km


def test_before_and_after_the_readings_of_a_slow_counter_the_rate_has_to_do() -> None:
    rows = drive((600, 72, 1200))
    read = (np.arange(600) % 60) == 45
    rows["odometer"] = np.where(read, 1000 + np.arange(600) * 0.02, np.nan)
    rows["fuel_used_total"] = np.where(read, 500 + np.arange(600) * 0.01, np.nan)
    (trip,) = find_trips(rows).to_dict("records")
    assert trip["distance_km"] == pytest.approx(12.0, abs=0.03)
    assert trip["fuel_l"] == pytest.approx(6.0, abs=0.02)  # 36 L/h for 600 s
    assert (trip["distance_source"], trip["fuel_source"]) == ("odometer", "fuel_used_total")


def test_a_fuel_counter_that_jumps_is_not_believed() -> None:
    jump = np.where(np.arange(600) < 300, 0.0, 40.0)
    rows = drive((600, 72, 1200)).assign(fuel_used_total=500 + np.arange(600) * 0.01 + jump)
    (trip,) = find_trips(rows).to_dict("records")
    assert (trip["fuel_source"], trip["fuel_l"]) == ("fuel_rate", pytest.approx(6.0))


def test_a_distance_nobody_knows_is_absent() -> None:
    (trip,) = find_trips(drive((600, 72, 1200)).drop(columns="wheel_speed")).to_dict("records")
    assert np.isnan(trip["distance_km"])
    assert trip["distance_source"] is None
    assert (trip["kind"], trip["idle_s"]) == ("drive", 0)  # that it stood is not known either
    half = drive((600, 72, 1200))
    half.loc[half.index[300:], "wheel_speed"] = np.nan
    assert np.isnan(find_trips(half)["distance_km"]).all()


@pytest.mark.parametrize("name", ["tachograph_speed", "gnss_speed"])
def test_distance_says_which_speed_it_was_integrated_from(name: str) -> None:
    rows = drive((600, 72, 1200)).rename(columns={"wheel_speed": name})
    (trip,) = find_trips(rows).to_dict("records")
    assert trip["distance_source"] == name
    assert trip["distance_km"] == pytest.approx(12.0)


def test_leaping_positions_move_nothing_and_are_no_start_or_end() -> None:
    rows = drive((300, 0, 0), (300, 50, 1200), (300, 0, 0)).assign(latitude=40.0, longitude=116.0)
    rows["latitude"] += np.concatenate((np.zeros(300), np.arange(300) * 50 / 3600 / 111.2,
                                        np.full(300, 300 * 50 / 3600 / 111.2)))  # fmt: skip
    leaping = rows.copy()
    for row in (100, 300, 301, 599, 800):
        leaping.loc[leaping.index[row], "latitude"] += 2.0
    (trip,), (plain,) = (find_trips(r).to_dict("records") for r in (leaping, rows))
    assert trip["start_latitude"] == pytest.approx(plain["start_latitude"], abs=0.0003)  # 2 s
    assert trip["end_latitude"] == pytest.approx(plain["end_latitude"], abs=0.0003)
    assert (trip["start_time"], trip["end_time"]) == (plain["start_time"], plain["end_time"])


def test_a_speed_that_spikes_and_drops_out_changes_neither_distance_nor_greatest_speed() -> None:
    rows = drive((600, 72, 1200)).assign(odometer=1000 + np.arange(600) * 0.02)
    rows.loc[rows.index[100], "wheel_speed"] = 240.0
    rows.loc[rows.index[200:205], "wheel_speed"] = 0.0
    (trip,) = find_trips(rows).to_dict("records")
    assert trip["max_speed_kmh"] == pytest.approx(72)
    assert (trip["driving_s"], trip["stop_count"], trip["idle_s"]) == (600, 0, 0)
    assert trip["distance_km"] == pytest.approx(12.0, abs=0.03)


# ---- rows and trips


def test_every_row_knows_its_trip() -> None:
    rows = drive((300, 0, 0), (120, 50, 1200), (400, 0, 0), (120, 50, 1200), (300, 0, 0))
    samples = prepare(rows)
    numbers = trip_of(samples, trips_of(samples))
    assert numbers.tolist() == [-1] * 300 + [0] * 120 + [-1] * 400 + [1] * 120 + [-1] * 300
    nowhere = prepare(drive((10, 0, 0)))
    assert trip_of(nowhere, trips_of(nowhere)).tolist() == [-1] * 10


def test_the_types_of_a_table_do_not_depend_on_what_is_in_it() -> None:
    some, nothing = find_trips(drive((600, 72, 1200))), find_trips(drive((600, 0, 0)))
    assert nothing.empty
    assert some.dtypes.equals(nothing.dtypes)
    assert set(find_trips(at_sea(60, 30))["kind"]) <= set(KINDS)


Stretches = list[tuple[int, float, float]]

stretches = st.lists(
    st.tuples(
        st.integers(1, 500), st.sampled_from([0.0, 5.0, 30.0, 90.0]), st.sampled_from([0.0, 900.0])
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=40, deadline=None)
@given(stretches, stretches)
def test_cut_at_a_rest_the_halves_give_the_trips_of_the_whole(
    before: Stretches, after: Stretches
) -> None:
    rows = drive(*before, (400, 0.0, 0.0), *after)
    rows["odometer"] = 1000 + rows["wheel_speed"].cumsum() / 3600
    cut = sum(count for count, _, _ in before) + 200
    halves = [find_trips(rows.iloc[:cut]), find_trips(rows.iloc[cut:])]
    together = pd.concat([half for half in halves if len(half)] or halves[:1], ignore_index=True)
    pd.testing.assert_frame_equal(together, find_trips(rows))


@settings(max_examples=20, deadline=None)
@given(stretches, st.integers(0, 2**32 - 1))
def test_the_order_in_which_rows_arrive_does_not_matter(parts: Stretches, seed: int) -> None:
    rows = drive(*parts)
    pd.testing.assert_frame_equal(
        find_trips(rows.sample(frac=1, random_state=seed)), find_trips(rows)
    )


@settings(max_examples=40, deadline=None)
@given(stretches, st.integers(0, 900))
def test_the_times_of_a_trip_add_up_and_lie_within_it(parts: Stretches, gap_s: int) -> None:
    rows = drive(*parts)
    rows.index = later(rows.index, after=len(rows) // 2, by_s=gap_s)
    samples = prepare(rows)
    trips = trips_of(samples)
    assert (trips["start_time"].iloc[1:].array >= trips["end_time"].iloc[:-1].array).all()
    assert (trips["driving_s"] + trips["idle_s"] <= trips["duration_s"] + 1e-9).all()
    inside = trip_of(samples, trips)
    for number, trip in enumerate(trips.to_dict("records")):
        rows_of_trip = inside == number
        moved_s = samples.step_s[rows_of_trip & samples.moving].sum()
        assert trip["driving_s"] in (moved_s, 0)  # 0 where it was towed
        km = np.nansum((samples.speed_km_h * samples.step_s)[rows_of_trip]) / 3600
        # Steps of these speeds are no driving: where most are not believed, nothing is known.
        assert trip["distance_km"] == pytest.approx(km) or np.isnan(trip["distance_km"])
