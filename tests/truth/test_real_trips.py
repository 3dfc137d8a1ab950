"""Trips of vehicles nobody here wrote: GPS cars with gaps, a truck, OBD cars, a dirty export."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from analytics.rows import UnreadableSignalsError
from analytics.samples import prepare
from analytics.trips import TripRules, find_trips, trip_of, trips_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

DATA = Path(__file__).parents[3] / "shared" / "data"
EXPORT = DATA / "raw" / "cephasax_4drivers.csv.gz"

pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason="the real vehicles' data is not here: it may not be copied"
)

START = pd.Timestamp("2026-11-01T00:00:00Z")
RULES = TripRules()


def recorded(seconds: pd.Series[float], **signals: pd.Series[float]) -> pd.DataFrame:
    """A recording's rows as signals, the clock begun at START."""
    index = START + pd.to_timedelta(seconds.to_numpy(dtype=np.float64), unit="s")
    columns = {name: values.to_numpy(dtype=np.float64) for name, values in signals.items()}
    return pd.DataFrame(columns, index=pd.DatetimeIndex(index))


def gps_cars() -> Iterator[pd.DataFrame]:
    """Each of the 15 cars by its receiver's speed, over days."""
    rows = pd.read_parquet(DATA / "gps_speed_cmap_1hz.parquet")
    for _, car in rows.groupby("vehicle_id", sort=True):
        index = pd.DatetimeIndex(car["timestamp"]).tz_localize("UTC")
        speed = car["speed_kmh"].to_numpy(dtype=np.float64)
        yield pd.DataFrame({"gnss_speed": speed}, index=index)


def leon_trips() -> Iterator[tuple[str, pd.DataFrame]]:
    """The name and rows of each recording of the diesel car."""
    rows = pd.read_parquet(DATA / "car_kit_leon_1hz.parquet")
    for name, trip in rows.groupby("trip", sort=False):
        yield (
            str(name),
            recorded(trip["t_s"], wheel_speed=trip["speed_kmh"], engine_speed=trip["rpm"]),
        )


def stretches(times_s: NDArray[np.float64]) -> NDArray[np.intp]:
    """For each row the number of gaps before it that are as long as a rest."""
    return np.append(0, np.cumsum(np.diff(times_s) >= RULES.gap_s))


def test_the_gps_cars_trips_agree_with_the_gaps_in_their_data() -> None:
    # Agreeing: no trip reaches over a gap of 5 min or longer; between two such gaps there is a
    # trip wherever the car came 100 m far; there are more only where it rested for 5 min, and
    # between two trips it never came 100 m far.
    parts = trips_found = 0
    for rows in gps_cars():
        samples = prepare(rows)
        trips = trips_of(samples)
        times_s = samples.time_us / 1e6
        stretch, number = stretches(times_s), trip_of(samples, trips)
        km = samples.speed_km_h * samples.step_s / 3600
        in_trip = number >= 0
        assert all(np.ptp(stretch[number == trip]) == 0 for trip in range(len(trips)))
        driven_km = np.bincount(stretch, km)
        has_trip = np.bincount(stretch[in_trip], minlength=len(driven_km)) > 0
        assert has_trip[driven_km >= RULES.least_km].all()
        assert not has_trip[driven_km < RULES.least_km].any()
        # What is left out is manoeuvring and drift: 0.1 % of the way, and 0.1 km of the rest.
        assert km[~in_trip].sum() <= 0.001 * km.sum() + RULES.least_km * (~has_trip).sum()
        between = np.diff(np.flatnonzero(in_trip), prepend=-1) > 1
        outside_km = np.diff(np.cumsum(km * ~in_trip)[in_trip], prepend=0.0)[between]
        assert (outside_km < RULES.least_km).all()  # between trips no more than a manoeuvre
        rests = trips["start_time"].iloc[1:].array - trips["end_time"].iloc[:-1].array
        assert (rests >= pd.Timedelta(seconds=RULES.rest_s)).all()
        assert set(trips["kind"]) <= {"drive"}  # there is no word of an engine
        parts, trips_found = parts + len(driven_km), trips_found + len(trips)
    # Six stretches came less than 100 m far, four hold a stand of 5 min.
    assert (parts, trips_found) == (194, 192)


def test_the_trucks_idle_share_is_that_of_the_files_own_rows() -> None:
    rows = pd.read_parquet(DATA / "hd_truck_1hz.parquet")
    running = rows["engine_rpm"] >= RULES.running_rpm
    idle = running & (rows["speed_kmh"] < RULES.moving_km_h)
    # The clock begins anew in each segment: they are laid a quarter of an hour apart.
    begins = (rows.groupby("segment")["t_s"].max() + 900).cumsum().shift(fill_value=0)
    seconds = rows["t_s"] + rows["segment"].map(begins)
    signals = recorded(seconds, wheel_speed=rows["speed_kmh"], engine_speed=rows["engine_rpm"])
    trips = find_trips(signals)
    assert len(trips) == rows["segment"].nunique()
    share = trips["idle_s"].sum() / trips["duration_s"].sum()
    assert share == pytest.approx(idle.sum() / running.sum(), abs=0.001)
    # Rows are seconds; the shares of single segments differ by as little.
    by_segment = idle.groupby(rows["segment"]).sum().to_numpy()
    np.testing.assert_allclose(trips["idle_s"], by_segment, atol=1.0)


def test_the_faulty_sensors_trip_is_reported_and_has_no_impossible_manoeuvre() -> None:
    found = {name: prepare(rows) for name, rows in leon_trips()}
    (faulty,) = (name for name in found if "Messfehler" in name)
    quality = found[faulty].quality
    assert quality.stuck_s > 30  # speed and engine speed stood still, then leapt by 22 and 36 km/h
    assert quality.impossible_jumps >= 1
    assert quality.gaps == 1  # 74 s without data
    assert quality.unknown_speed_s == pytest.approx(quality.stuck_s)
    assert np.nanmin(found[faulty].acceleration_m_s2) > -6.0  # 6.1 and 13.6 m/s² before
    (trip,) = trips_of(found[faulty]).to_dict("records")
    assert trip["kind"] == "drive"
    # Nearly nothing of the other 37 is doubted: one more has a frozen moment.
    others = [samples.quality for name, samples in found.items() if name != faulty]
    assert sum(quality.stuck_s for quality in others) <= 20
    assert sum(quality.jump_rows for quality in others) == 0
    (braked,) = (samples for name, samples in found.items() if "Vollbremsung" in name)
    assert np.nanmin(braked.acceleration_m_s2) < -7.0  # the emergency braking stays


def test_repeated_and_late_rows_of_an_obd_car_change_no_trip() -> None:
    rows = pd.read_parquet(DATA / "car_etios_irregular.parquet")
    rng = np.random.default_rng(7)
    for name, trip in rows.groupby("trip", sort=False):
        signals = recorded(
            trip["engine_run_time_s"],
            wheel_speed=trip["speed_kmh"],
            engine_speed=trip["engine_rpm"],
        )
        order = np.concatenate((rng.permutation(len(signals)), rng.integers(len(signals), size=40)))
        samples = prepare(signals.iloc[order])
        assert samples.quality.repeated_rows == 40, name
        plain = prepare(signals)
        pd.testing.assert_frame_equal(trips_of(samples), trips_of(plain))
        assert plain.quality.usual_step_s == 2.0
        assert plain.quality.unknown_speed_s == 0


def test_whole_kilometres_an_hour_kept_for_minutes_are_not_called_stuck() -> None:
    longest_s = 0
    for name, rows in leon_trips():
        speed = rows["wheel_speed"]
        same = speed.groupby((speed.diff() != 0).cumsum()).agg(["size", "first"])
        steady_s = same.loc[same["first"] > 100, "size"].max()
        stuck_s = prepare(rows).quality.stuck_s
        assert stuck_s <= 20 or "Messfehler" in name
        longest_s = max(longest_s, 0 if stuck_s else int(np.nan_to_num(steady_s)))
    assert longest_s >= 98  # rows of one second at exactly 130 km/h, all believed
    assert sum(prepare(rows).quality.stuck_s for rows in gps_cars()) == 0


def exported() -> Iterator[tuple[str, pd.DataFrame]]:
    """The dirty export's cells as they are, by driver."""
    for name, rows in pd.read_csv(EXPORT, sep=";", dtype=str).groupby("VEHICLE_ID", sort=False):
        yield str(name), rows


def test_the_dirty_export_is_refused_in_words_as_it_comes() -> None:
    for _, rows in exported():
        with pytest.raises(UnreadableSignalsError, match="DatetimeIndex"):
            prepare(rows.set_index("TIME").rename(columns={"SPEED": "wheel_speed"}))
        clock = pd.DatetimeIndex(START + pd.to_timedelta(np.arange(len(rows)), unit="s"))
        load = rows.set_index(clock).rename(columns={"ENGINE_LOAD": "engine_torque"})
        with pytest.raises(UnreadableSignalsError, match=r"engine_torque .*decimal point"):
            prepare(load)


def test_the_exports_ruined_timestamps_are_all_one_time_and_no_trip() -> None:
    for _, rows in exported():
        # 1,51E+12 is all that a spreadsheet left of the milliseconds.
        milliseconds = rows["TIME"].str.replace(",", ".").astype(float)
        index = pd.to_datetime(milliseconds, unit="ms", utc=True)
        signals = pd.DataFrame(
            {"wheel_speed": rows["SPEED"].astype(float).to_numpy()}, index=pd.DatetimeIndex(index)
        )
        samples = prepare(signals)
        assert len(samples) == 1
        assert samples.quality.repeated_rows == len(rows) - 1
        assert trips_of(samples).empty


def test_by_the_engines_own_clock_the_export_gives_each_drivers_trip_and_a_report() -> None:
    for name, rows in exported():
        clock_s = pd.to_timedelta(rows["ENGINE_RUNTIME"], errors="coerce").dt.total_seconds()
        speed = rows["SPEED"].astype(float)
        signals = recorded(
            clock_s, wheel_speed=speed, engine_speed=rows["ENGINE_RPM"].astype(float)
        )
        samples = prepare(signals)
        quality = samples.quality
        assert quality.undated_rows == clock_s.isna().sum(), name
        assert quality.usual_step_s == 4.0
        missing_s = clock_s.dropna().diff().shift(-1)[speed.isna()].sum()
        assert quality.carried_s + quality.unknown_speed_s == missing_s
        (trip,) = trips_of(samples).to_dict("records")
        assert (trip["kind"], trip["distance_source"]) == ("drive", "wheel_speed")
        assert trip["duration_s"] == pytest.approx(clock_s.max() - clock_s.min(), abs=4)
        # Mean speed over the time; where it was missing it is taken as before.
        assert trip["distance_km"] == pytest.approx(
            speed.ffill().mean() * trip["duration_s"] / 3600, rel=0.05
        )
