"""Recorded files become messages; files as people send them are refused readably, never crash."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import ReplayError
from ingest.gateways import mapping
from ingest.gateways.conversions import Conversion
from ingest.gateways.mapping import MappedColumn, Mapping, TimeColumn
from ingest.gateways.replay import messages, read
from schemas import catalogue as catalogues
from schemas.vin import VinError

if TYPE_CHECKING:
    from ingest.gateways.replay import Recording

CATALOGUE = catalogues.default()
VIN = "LVBV3ABB5PE000001"
START = datetime(2026, 11, 1, tzinfo=UTC)
DATA = Path(__file__).parents[3] / "shared" / "data"
TIMESTAMP = TimeColumn(column="t", kind="timestamp")
ELAPSED = TimeColumn(column="t", kind="elapsed_s")


def mapped(time: TimeColumn = ELAPSED, **columns: str) -> Mapping:
    """A mapping of columns to signals, units alike; without columns: v is the wheel speed."""
    return Mapping(
        name="test",
        description="",
        time=time,
        columns=tuple(
            MappedColumn(column=column, signal=CATALOGUE.resolve(name), conversion=Conversion(1.0))
            for column, name in (columns or {"v": "wheel_speed"}).items()
        ),
    )


def read_text(
    tmp_path: Path, text: str, how: Mapping | None = None, start: datetime | None = START
) -> Recording:
    file = tmp_path / "file.csv"
    file.write_text(text, encoding="utf-8")
    return read(file, how or mapped(), start)


def seconds(recording: Recording, since: datetime = START) -> list[float]:
    return [(time_us - since.timestamp() * 1e6) / 1e6 for time_us in recording.times_us.tolist()]


def test_rows_are_put_in_order_and_repeated_times_fall_out(tmp_path: Path) -> None:
    found = read_text(tmp_path, "t,v\n3,30\n1,\n1,10\n1,11\n,99\n2.5,25\n4,\n")
    assert seconds(found) == [0.0, 1.5, 2.0]
    assert found.table.tolist() == [[10.0], [25.0], [30.0]]
    assert found.skipped == 4  # of time 1 the empty and the last, one without time, one empty
    assert found.unreadable == 0
    assert (found.start, found.duration) == (START, timedelta(seconds=2))


def test_without_a_start_the_recording_ends_now(tmp_path: Path) -> None:
    found = read_text(tmp_path, "t,v\n0,1\n3600,2\n", start=None)
    age = datetime.now(tz=UTC) - (found.start + found.duration)
    assert timedelta(0) <= age < timedelta(seconds=30)


def test_clock_that_starts_again_goes_on_after_a_pause(tmp_path: Path) -> None:
    time = TimeColumn(column="t", kind="elapsed_s", restarts_with=("trip", "part"), pause_s=100)
    text = "trip,part,t,v\n7,a,5,1\n7,a,6,2\n7,b,0,3\n2,b,10,4\n2,b,9,5\n7,a,7,6\n"
    found = read_text(tmp_path, text, mapped(time))
    # Stretch 7a runs from 0 to 2, 7b starts 100 s later, 2b another 100 s later.
    assert dict(zip(seconds(found), found.table[:, 0].tolist(), strict=True)) == {
        0: 1,
        1: 2,
        2: 6,
        102: 3,
        202: 5,
        203: 4,
    }


def test_stretch_without_any_time_disturbs_no_other(tmp_path: Path) -> None:
    time = TimeColumn(column="t", kind="elapsed_s", restarts_with=("trip",), pause_s=10)
    found = read_text(tmp_path, "trip,t,v\n1,0,1\n2,,2\n,5,3\n", mapped(time))
    assert seconds(found) == [0.0, 20.0]
    assert found.skipped == 1


def test_timestamps_of_its_own_are_kept_and_utc_where_they_have_no_zone(tmp_path: Path) -> None:
    text = "t,v\n2026-11-01T08:00:00+08:00,1\n2026-11-01 00:00:01.5,2\nsoon,3\n"
    found = read_text(tmp_path, text, mapped(TIMESTAMP), start=None)
    assert seconds(found) == [0.0, 1.5]
    assert found.skipped == 1


def test_parquet_timestamps_are_read(tmp_path: Path) -> None:
    file = tmp_path / "file.parquet"
    times = pd.DatetimeIndex(["2026-11-01T00:00:00.000001Z", "NaT", "2026-11-01T00:00:01.000000Z"])
    pd.DataFrame({"t": times, "v": [1.0, 2.0, 3.0]}).to_parquet(file)
    found = read(file, mapped(TIMESTAMP))
    assert seconds(found) == [1e-6, 1.0]


def test_start_of_a_file_with_times_of_its_own_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReplayError, match="times of its own"):
        read_text(tmp_path, "t,v\n2026-11-01T00:00:00Z,1\n", mapped(TIMESTAMP))


def test_numbers_are_no_timestamps(tmp_path: Path) -> None:
    with pytest.raises(ReplayError, match="column t holds numbers, no timestamps"):
        read_text(tmp_path, "t,v\n1761955200,1\n", mapped(TIMESTAMP), start=None)


def test_start_without_a_zone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReplayError, match="has no time zone"):
        read_text(tmp_path, "t,v\n0,1\n", start=datetime(2026, 11, 1))  # noqa: DTZ001 - what is refused


@pytest.mark.parametrize("clock", ["inf", "-inf", "1e300", "9e18", "nan", "00:45:33", "x"])
def test_clock_that_shows_nonsense_is_no_time(tmp_path: Path, clock: str) -> None:
    found = read_text(tmp_path, f"t,v\n0,1\n{clock},2\n")
    assert seconds(found) == [0.0]
    assert found.skipped == 1
    with pytest.raises(ReplayError, match="no row has a time that can be read in column t"):
        read_text(tmp_path, f"t,v\n{clock},2\n")


def test_cells_that_are_no_number_are_absent_and_counted(tmp_path: Path) -> None:
    how = mapped(v="wheel_speed", r="engine_speed")
    found = read_text(tmp_path, "t,v,r\n0,80 km/h,900\n1,81,\n2,n/a,inf\n", how)
    assert found.unreadable == 1  # n/a is what pandas reads as an empty cell
    assert np.array_equal(
        found.table, [[np.nan, 900], [81, np.nan], [np.nan, np.inf]], equal_nan=True
    )


def test_column_that_holds_no_number_at_all_is_refused_with_a_cell_of_it(tmp_path: Path) -> None:
    how = mapped(v="wheel_speed", r="engine_speed")
    with pytest.raises(ReplayError, match=r"column v holds no number at all.*'80 km/h'.*units"):
        read_text(tmp_path, "t,v,r\n0,80 km/h,900\n1,81 km/h,901\n", how)
    with pytest.raises(ReplayError, match="columns v are empty"):
        read_text(tmp_path, "t,v,r\n0,,900\n")


def test_separators_at_the_ends_of_lines_shift_nothing(tmp_path: Path) -> None:
    found = read_text(tmp_path, "t,v\n0,10,\n1,11,\n")
    assert found.table[:, 0].tolist() == [10.0, 11.0]


def test_semicolons_bring_decimal_commas(tmp_path: Path) -> None:
    found = read_text(tmp_path, "t;v\n0,5;80,25\n1,5;81,5\n")
    assert seconds(found) == [0.0, 1.0]
    assert found.table[:, 0].tolist() == [80.25, 81.5]


@pytest.mark.parametrize(
    "text", ["", "\n", "t;v", "a,b\n1,2\n", '"t,v\n1,2\n', "t,v\n1,2,3,4\n0,\x00"]
)
def test_file_that_cannot_be_used_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ReplayError, match=r"file\.csv"):
        read_text(tmp_path, text)


@pytest.mark.parametrize("name", ["file.csv", "file.csv.gz", "file.parquet"])
@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xfe\x00\x81",
        gzip.compress(b"t,v\n" + b"1,2\n" * 9999)[:40],
        gzip.compress(b"t,v\n" + b"1,2\n" * 9)[:-9] + bytes(9),
        b"PAR1PAR1",
    ],
)
def test_bytes_that_are_no_file_of_their_kind_are_refused(
    tmp_path: Path, name: str, content: bytes
) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(ReplayError, match=name):
        read(file, mapped())


def test_missing_file_and_missing_column_are_named(tmp_path: Path) -> None:
    with pytest.raises(ReplayError, match=r"nothing\.csv"):
        read(tmp_path / "nothing.csv", mapped())
    with pytest.raises(ReplayError, match="no column v, which mapping test wants; it has t, w"):
        read_text(tmp_path, "t,w\n0,1\n")


@given(
    st.lists(
        st.tuples(st.floats(-1e6, 1e6), st.none() | st.floats(0, 250)), min_size=1, max_size=60
    ),
    st.integers(1, 20),
)
def test_messages_hold_every_row_once_in_order(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[float, float | None]],
    frames_per_message: int,
) -> None:
    file = tmp_path_factory.mktemp("replay") / "file.parquet"
    times, values = zip(*rows, strict=True)
    pd.DataFrame({"t": times, "v": pd.Series(values, dtype="float64")}).to_parquet(file)
    if all(value is None for value in values):
        with pytest.raises(ReplayError):
            read(file, mapped(), START)
        return
    found = read(file, mapped(), START)
    assert (np.diff(found.times_us) > 0).all()
    assert len(found.times_us) + found.skipped == len(rows)
    sent = list(messages(found, VIN, CATALOGUE, frames_per_message))
    assert [block.times_us.size for message in sent for block in message.blocks][:-1] == [
        frames_per_message
    ] * (len(sent) - 1)
    joined = np.concatenate([message.blocks[0].times_us for message in sent])
    assert joined.tolist() == found.times_us.tolist()
    speeds = np.concatenate([message.blocks[0].values for message in sent])
    assert np.array_equal(speeds, found.table.astype(np.float32), equal_nan=True)


def test_value_beyond_all_numbers_becomes_an_infinity_which_is_out_of_limits(
    tmp_path: Path,
) -> None:
    (column,) = mapped().columns
    how = mapped().__class__(
        name="test",
        description="",
        time=ELAPSED,
        columns=(MappedColumn(column="v", signal=column.signal, conversion=Conversion(3.6)),),
    )
    found = read_text(tmp_path, "t,v\n0,1e308\n1,1e38\n", how)
    assert np.isinf(found.table[0, 0])
    (message,) = messages(found, VIN, CATALOGUE)
    assert np.isinf(message.blocks[0].values).all()


def test_vin_that_is_none_is_refused(tmp_path: Path) -> None:
    found = read_text(tmp_path, "t,v\n0,1\n")
    with pytest.raises(VinError, match="SHORT"):
        next(messages(found, "SHORT", CATALOGUE))


needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"{DATA} with real recordings is absent")


@needs_data
@pytest.mark.parametrize(
    ("file", "name", "rows"),
    [
        # Rows that have a time of their own, as counted in the files with pandas.
        ("hd_truck_1hz.parquet", "vt_heavy_truck", 20_876),
        ("car_kit_leon_1hz.parquet", "kit_diesel_car", 114_832),
        ("car_etios_irregular.parquet", "carobd_flex_fuel_car", 56_561),
    ],
)
def test_real_recording_is_read_whole(file: str, name: str, rows: int) -> None:
    found = read(DATA / file, mapping.load(name, CATALOGUE), START)
    assert len(found.times_us) + found.skipped == rows
    assert found.skipped == 0
    assert found.unreadable == 0
    assert (np.diff(found.times_us) > 0).all()


@needs_data
def test_truck_keeps_its_distance_and_fuel() -> None:
    source = pd.read_parquet(DATA / "hd_truck_1hz.parquet")
    how = mapping.load("vt_heavy_truck", CATALOGUE)
    found = read(DATA / "hd_truck_1hz.parquet", how, START)
    names = [column.signal.name for column in how.columns]
    speed, fuel = (found.table[:, names.index(name)] for name in ("wheel_speed", "fuel_rate"))
    assert np.nansum(speed) == pytest.approx(source["speed_kmh"].sum())
    # Grams a second of diesel of 0.835 kg/L, as litres: the file's own sum.
    litres = source["fuel_ecu_g_s"].sum() / 835
    assert np.nansum(fuel) / 3600 == pytest.approx(litres)


@needs_data
def test_export_as_people_send_it_is_read_with_a_report_or_refused() -> None:
    file = DATA / "raw" / "cephasax_4drivers.csv.gz"
    columns = {"SPEED": "wheel_speed", "ENGINE_RPM": "engine_speed", "ENGINE_LOAD": "engine_load"}
    # Its clocks are ruined: TIME has three digits left, ENGINE_RUNTIME is hours and minutes.
    with pytest.raises(ReplayError, match=r"no row has a time.*ENGINE_RUNTIME"):
        read(file, mapped(TimeColumn(column="ENGINE_RUNTIME", kind="elapsed_s"), **columns))
    found = read(file, mapped(TimeColumn(column="ord", kind="elapsed_s"), **columns), START)
    assert len(found.times_us) > 1000
    load = found.table[:, 2]
    assert np.nanmin(load) >= 0
    assert np.nanmax(load) <= 100
