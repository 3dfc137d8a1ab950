"""Which Parquet files are history, and how their rows are judged and laid out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest import parquet
from ingest.errors import HistoryError
from ingest.history_rows import Layout, judge
from ingest.parquet import find_files, inspect, pieces
from schemas import catalogue as catalogues

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from ingest.history_rows import DayRows, Judged
    from ingest.parquet import Piece

CATALOGUE = catalogues.default()
VIN = "LVBV3ABB5PE000001"
OTHER = "LVBV3ABB5PE000002"
START_US = 1_790_000_000_000_000
DAY_US = 86_400_000_000
UTC_US = pa.timestamp("us", tz="UTC")


def write(folder: Path, **columns: Any) -> Path:
    """A file of these columns; vin and time are added where they are not named."""
    count = len(next(iter(columns.values())))
    keys = {
        "vin": pa.array([VIN] * count),
        "time": pa.array([START_US + row for row in range(count)], UTC_US),
    }
    path = folder / "history.parquet"
    pq.write_table(pa.table({**keys, **columns}), path)
    return path


def read(path: Path, *, ignore_unknown: bool = False) -> list[Piece]:
    return list(pieces(inspect(path, CATALOGUE, ignore_unknown=ignore_unknown)))


def judged(piece: Piece) -> Judged:
    numbers = {VIN: 1, OTHER: 2}
    return judge(piece, numbers.get, earliest_us=START_US, latest_us=START_US + 10 * DAY_US)


def laid_out(path: Path) -> list[DayRows]:
    return [part for piece in read(path) for part in Layout(CATALOGUE).rows(piece, judged(piece))]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"vin": pa.array([1])}, "column vin is int64: write it as string"),
        ({"time": pa.array([1])}, "column time is int64: write it as timestamp with a time zone"),
        ({"time": pa.array([1], pa.timestamp("us"))}, "Without a zone nobody knows"),
        ({"wheel_speed": pa.array(["80 km/h"])}, "wheel_speed is string: .* a number in km/h"),
        ({"wheel_speed": pa.array([True])}, "wheel_speed is bool: .* a number"),
        ({"wheelspeed": pa.array([1.0])}, r"wheelspeed \(is wheel_speed meant\?\)"),
        ({}, "no column that is a signal"),
    ],
)
def test_a_file_is_refused_with_column_and_remedy(
    tmp_path: Path, columns: dict[str, pa.Array], message: str
) -> None:
    given = columns or {"vin": pa.array([VIN])}
    signal = {} if not columns or "wheelspeed" in columns else {"engine_speed": [1.0]}
    with pytest.raises(HistoryError, match=message):
        inspect(write(tmp_path, **{**signal, **given}), CATALOGUE, ignore_unknown=False)


def test_a_column_in_another_unit_is_refused(tmp_path: Path) -> None:
    schema = pa.schema(
        [
            pa.field("vin", pa.string()),
            pa.field("time", UTC_US),
            pa.field("wheel_speed", pa.float32(), metadata={"unit": "m/s"}),
        ]
    )
    path = tmp_path / "h.parquet"
    pq.write_table(pa.table([[VIN], [START_US], [1.0]], schema=schema), path)
    with pytest.raises(
        HistoryError, match=r"'m/s' by its metadata, the catalogue's unit is 'km/h'"
    ):
        inspect(path, CATALOGUE, ignore_unknown=False)


def test_a_missing_key_column_or_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "h.parquet"
    pq.write_table(pa.table({"vin": [VIN], "wheel_speed": [1.0]}), path)
    with pytest.raises(HistoryError, match="has no column time"):
        inspect(path, CATALOGUE, ignore_unknown=False)
    with pytest.raises(HistoryError, match="no file or folder"):
        find_files([tmp_path / "none"])
    text = tmp_path / "text.parquet"
    text.write_text("vin,time")
    with pytest.raises(HistoryError, match="cannot be read as Parquet"):
        inspect(text, CATALOGUE, ignore_unknown=False)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(HistoryError, match=r"holds no \*\.parquet"):
        find_files([empty])


def test_folders_give_their_files_in_order_and_each_once(tmp_path: Path) -> None:
    folder = tmp_path / "b"
    folder.mkdir()
    paths = [tmp_path / "a.parquet", folder / "1.parquet", folder / "2.parquet"]
    for path in paths:
        path.touch()
    assert find_files([tmp_path, paths[2]]) == paths


def test_unknown_columns_can_be_left_out(tmp_path: Path) -> None:
    path = write(tmp_path, wheel_speed=[1.0], moon_phase=[0.5])
    file = inspect(path, CATALOGUE, ignore_unknown=True)
    assert file.ignored == ("moon_phase",)
    assert [signal.name for signal in file.signals] == ["wheel_speed"]


def test_every_kind_of_key_and_value_column_is_read(tmp_path: Path) -> None:
    boolean = next(s.name for s in CATALOGUE.signals if s.type == "boolean")
    path = write(
        tmp_path,
        vin=pa.array([VIN, OTHER, VIN]).dictionary_encode(),
        time=pa.array([START_US * 1000 + 999] * 3, pa.timestamp("ns", tz="Asia/Shanghai")),
        wheel_speed=pa.array([80, None, 82], pa.int16()),
        odometer=pa.array([1_234_567.005, None, float("nan")]),
        **{boolean: pa.array([True, None, False])},
    )
    (piece,) = read(path)
    assert [piece.vins[place] for place in piece.vin_places] == [VIN, OTHER, VIN]
    assert piece.times_us.tolist() == [START_US] * 3
    np.testing.assert_array_equal(piece.columns["wheel_speed"], [80, np.nan, 82])
    np.testing.assert_array_equal(piece.columns["odometer"], [1_234_567.005, np.nan, np.nan])
    np.testing.assert_array_equal(piece.columns[boolean], [1, np.nan, 0])


def test_a_long_row_group_is_read_in_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "MOST_ROWS", 400)
    monkeypatch.setattr(parquet, "LEAST_ROWS", 400)
    found = read(write(tmp_path, wheel_speed=np.arange(1000.0)))
    assert [(piece.first_row, len(piece)) for piece in found] == [(0, 400), (400, 400), (800, 200)]
    np.testing.assert_array_equal(found[2].columns["wheel_speed"], np.arange(800.0, 1000.0))


def test_rows_are_refused_for_their_first_fault(tmp_path: Path) -> None:
    vins = [VIN, None, "vin", "LVBV3ABB5PE000003", VIN, VIN, VIN]
    times = [START_US] * 4 + [None, START_US - 1, START_US + 10 * DAY_US + 1]
    path = write(
        tmp_path,
        vin=pa.array(vins),
        time=pa.array(times, UTC_US),
        wheel_speed=[1.0] * 7,
    )
    (piece,) = read(path)
    result = judged(piece)
    assert result.order.tolist() == [0]
    assert result.refused == {
        "bad_vin": 2, "unknown_vehicle": 1, "bad_time": 1, "too_old": 1, "too_far_ahead": 1
    }  # fmt: skip
    assert result.first_refused == {
        "bad_vin": 1, "unknown_vehicle": 3, "bad_time": 4, "too_old": 5, "too_far_ahead": 6
    }  # fmt: skip


def test_values_out_of_limits_are_taken_out_and_told(tmp_path: Path) -> None:
    path = write(tmp_path, wheel_speed=[1.0, np.inf, 1e300, -5.0], odometer=[1.0, 2.0, -1.0, 3.0])
    parts = {part.rows.group: part for part in laid_out(path)}
    motion = parts[CATALOGUE.by_name["wheel_speed"].group]
    assert motion.out_of_limits["wheel_speed"] == 3
    assert [value.value for value in motion.refused_values] == [np.inf, np.inf, -5.0, -1.0]
    assert motion.out_of_limits["odometer"] == 1
    assert sum(part.values for part in parts.values()) == 4


def test_values_out_of_limits_are_told_where_they_leave_no_row(tmp_path: Path) -> None:
    path = write(tmp_path, wheel_speed=[500.0, np.inf])
    (part,) = laid_out(path)
    assert len(part.rows) == part.values == 0
    assert part.out_of_limits == {"wheel_speed": 2}
    assert [value.value for value in part.refused_values] == [500.0, np.inf]


def test_rows_are_cut_by_day_and_the_first_of_two_alike_holds(tmp_path: Path) -> None:
    times = [START_US + DAY_US, START_US, START_US, START_US + DAY_US]
    path = write(
        tmp_path,
        vin=pa.array([OTHER, VIN, VIN, VIN]),
        time=pa.array(times, UTC_US),
        wheel_speed=[4.0, 1.0, 2.0, 3.0],
        steering_angle=[None, None, 5.0, None],
    )
    first, second = laid_out(path)
    assert first.rows.fills_gaps
    assert first.rows.times_us.tolist() == [START_US]
    assert first.values == 2  # 1 km/h of the first row, and the angle that it lacked
    assert first.merged == 1
    assert second.rows.vehicle_ids.tolist() == [1, 2]
    speed = [s.name for s in CATALOGUE.groups["motion"].signals if not s.wide].index("wheel_speed")
    assert first.rows.narrow[0, speed] == 1.0


def test_groups_without_a_value_have_no_rows(tmp_path: Path) -> None:
    path = write(tmp_path, wheel_speed=[1.0, None], engine_speed=pa.nulls(2, pa.float32()))
    (part,) = laid_out(path)
    assert part.rows.group == CATALOGUE.by_name["wheel_speed"].group
    assert len(part.rows) == 1
