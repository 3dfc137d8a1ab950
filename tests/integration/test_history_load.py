"""History from Parquet files: what is found in the tables afterwards, however it got there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest import parquet
from ingest.errors import HistoryError
from ingest.settings import UnknownVin
from storage import columnstore, history_writer, rollups
from storage.batch import Batch, GroupRows
from storage.connection import connect
from storage.frame_writer import FrameWriter
from storage.registers import register_vehicle
from tests.asking.command_line import ROOT
from tests.asking.patience import wait_until
from tests.samples.storage_samples import rows_table
from tests.servers.history_fixture import DAY_US, frames, load, loader, morning_us, tables, write
from tests.servers.ingest_fixture import SECOND_US, ago_us, new_vins

if TYPE_CHECKING:
    from pathlib import Path

    from tests.asking.command_line import CommandLine
    from tests.servers.database_fixture import Migrated
    from tests.servers.ingest_fixture import Key, Values

ROWS = 600
"""Seconds of a vehicle: enough to go straight into the columnstore."""


def test_the_tables_hold_what_the_files_hold(migrated: Migrated, tmp_path: Path) -> None:
    vins, catalogue = new_vins(3), migrated.catalogue
    first = frames(catalogue, vins, morning_us(30), ROWS)
    second = frames(catalogue, vins[:1], morning_us(20) + DAY_US * 2 // 3 - 300 * SECOND_US, ROWS)
    folder = tmp_path / "more"
    folder.mkdir()
    write(folder / "second.parquet", second, catalogue)

    done = load(migrated, write(tmp_path / "first.parquet", first, catalogue), folder)

    assert tables(migrated).rows(*vins) == first | second
    assert done.rows == len(first) + len(second)
    assert done.values == sum(map(len, (first | second).values()))
    assert not done.refused
    assert done.columnstore == (migrated.server.timescaledb is not None)
    days = tables(migrated).execute(
        "SELECT count(*) FROM touched_day JOIN vehicle USING (vehicle_id) WHERE vin = ANY (%s)",
        vins,
    )
    assert days == [(5,)]  # one of each vehicle, and two that meet at the second file's midnight


@pytest.mark.timescale
def test_what_is_loaded_lies_in_the_columnstore_and_its_key_holds(
    migrated: Migrated, tmp_path: Path
) -> None:
    vins, catalogue, day = new_vins(2), migrated.catalogue, morning_us(31)
    rows = frames(catalogue, vins, day, ROWS)
    done = load(migrated, write(tmp_path / "h.parquet", rows, catalogue))
    assert done.columnstore
    assert done.grown_bytes > 0
    with connect(migrated.dsn) as connection:
        table = rows_table(connection, "motion")
        chunk = columnstore.find_chunk(connection, table, _time(day))
        assert chunk is not None
        assert columnstore.row_store_bytes(connection, chunk) == 0
        again = connection.execute(
            f"INSERT INTO {table} (vehicle_id, time) SELECT vehicle_id, time FROM {table}"
            " JOIN vehicle USING (vehicle_id) WHERE vin = ANY (%s) ON CONFLICT DO NOTHING",
            (vins,),
        )
        assert again.rowcount == 0


@pytest.mark.timescale
def test_a_vehicle_that_lacks_now_these_now_those_signals_keeps_its_order_and_whole_batches(
    migrated: Migrated, tmp_path: Path
) -> None:
    (vin,), day = new_vins(1), morning_us(17)
    rows: dict[Key, Values] = {
        (vin, day + second * SECOND_US): {
            "wheel_speed": 80.0,
            **({"steering_angle": 1.0} if second // 60 % 2 else {}),
        }
        for second in range(ROWS)
    }
    load(migrated, write(tmp_path / "h.parquet", rows, migrated.catalogue))
    with connect(migrated.dsn) as connection:
        chunk = columnstore.find_chunk(connection, rows_table(connection, "motion"), _time(day))
        assert chunk is not None
        settings = connection.execute(
            "SELECT compress_relid::regclass::text FROM _timescaledb_catalog.compression_settings"
            " WHERE relid = %s::regclass",
            (chunk.relation,),
        ).fetchone()
        assert settings is not None
        batches = connection.execute(
            f"SELECT _ts_meta_count FROM {settings[0]} JOIN vehicle USING (vehicle_id)"
            " WHERE vin = %s",
            (vin,),
        )
        assert batches.fetchall() == [(ROWS,)]
    # TimescaleDB trusts the order of batches: of overlapping ones it gave rows in another one.
    times = tables(migrated).execute(
        "SELECT time FROM signal_motion"
        " WHERE vehicle_id = (SELECT vehicle_id FROM vehicle WHERE vin = %s) ORDER BY time",
        vin,
    )
    assert times == [(_time(time_us),) for _, time_us in rows]
    assert tables(migrated).rows(vin) == rows


def test_the_same_file_again_changes_nothing(migrated: Migrated, tmp_path: Path) -> None:
    vins, catalogue = new_vins(2), migrated.catalogue
    rows = frames(catalogue, vins, morning_us(29), ROWS)
    path = write(tmp_path / "h.parquet", rows, catalogue)
    first = load(migrated, path)
    before = _everything(migrated, vins)

    again = load(migrated, path)

    assert _everything(migrated, vins) == before
    assert (again.new, again.filled, again.repeated) == (0, 0, first.new)
    assert again.grown_bytes == 0  # nothing was unpacked to find that out


def test_a_load_that_is_killed_and_run_again_misses_nothing(
    command_line: CommandLine, migrated: Migrated, tmp_path: Path
) -> None:
    vins, catalogue = new_vins(20), migrated.catalogue
    rows = frames(catalogue, vins, morning_us(28), 1500)
    path = write(tmp_path / "h.parquet", rows, catalogue)
    # A piece holds few rows here, so that there are many commits to be killed between.
    small = f"from ingest import parquet; parquet.MOST_ROWS = parquet.LEAST_ROWS = {ROWS}"
    code = f"{small}; from cli.app import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "load", str(path)], cwd=ROOT, env=command_line.environment
    )
    try:
        wait_until(lambda: _stored(migrated, vins) > 0, "a first commit")
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert _stored(migrated, vins) < len(rows)

    shown = command_line.run("load", str(path)).stdout

    assert f"{len(rows):,} rows with" in shown
    assert tables(migrated).rows(*vins) == rows


def test_what_is_stored_holds_and_gaps_are_filled(migrated: Migrated, tmp_path: Path) -> None:
    (vin,), catalogue, start = new_vins(1), migrated.catalogue, morning_us(27)
    times = [start + second * SECOND_US for second in range(ROWS)]
    speeds: dict[Key, Values] = {(vin, at): {"wheel_speed": 50.0} for at in times}
    load(migrated, write(tmp_path / "speed.parquet", speeds, catalogue))
    others: dict[Key, Values] = {
        (vin, at): {"wheel_speed": 60.0, "steering_angle": 1.0} for at in times[::2]
    }
    late: dict[Key, Values] = {
        (vin, at + SECOND_US // 2): {"wheel_speed": 70.0} for at in times[:100]
    }
    path = write(tmp_path / "others.parquet", others | late, catalogue)

    done = load(migrated, path)

    assert (done.new, done.filled) == (100, len(others))
    filled = {key: values | {"wheel_speed": 50.0} for key, values in others.items()}
    assert tables(migrated).rows(vin) == speeds | filled | late
    if migrated.server.timescaledb is not None:
        with connect(migrated.dsn) as connection:
            chunk = columnstore.find_chunk(
                connection, rows_table(connection, "motion"), _time(start)
            )
            assert chunk is not None
            assert not columnstore.holds_rows(connection, chunk)  # compressed again
    assert load(migrated, path).filled == 0


def test_rows_that_were_streamed_hold_against_history(migrated: Migrated, tmp_path: Path) -> None:
    (vin,), catalogue, start = new_vins(1), migrated.catalogue, morning_us(2)
    group = catalogue.groups["motion"]
    narrow = np.full((2, sum(not s.wide for s in group.signals)), np.nan, dtype=np.float32)
    place = [s.name for s in group.signals if not s.wide].index("wheel_speed")
    narrow[:, place] = 33.0
    times = np.array([start, start + 10 * SECOND_US])
    with connect(migrated.dsn) as connection:
        number = register_vehicle(connection, vin).vehicle_id
    writer = FrameWriter(connect(migrated.dsn), migrated.server, catalogue, refused_values_kept=10)
    writer.write(
        Batch(
            groups=(
                GroupRows(
                    group="motion",
                    vehicle_ids=np.full(2, number),
                    times_us=times,
                    narrow=narrow,
                    wide=np.full((2, len(group.signals) - narrow.shape[1]), np.nan),
                ),
            )
        )
    )
    writer.close()
    history: dict[Key, Values] = {
        (vin, start + second * SECOND_US): {"wheel_speed": 44.0} for second in range(10)
    }

    load(migrated, write(tmp_path / "h.parquet", history, catalogue))

    streamed: dict[Key, Values] = {(vin, int(at)): {"wheel_speed": 33.0} for at in times}
    assert tables(migrated).rows(vin) == history | streamed
    state = tables(migrated).execute("SELECT time FROM vehicle_state WHERE vehicle_id = %s", number)
    assert state == [(_time(int(times[1])),)]  # the history is older


def test_history_that_is_newer_than_all_that_is_known_becomes_the_state(
    migrated: Migrated, tmp_path: Path
) -> None:
    (vin,), catalogue, now = new_vins(1), migrated.catalogue, ago_us(60)
    row: dict[Key, Values] = {(vin, now): {"wheel_speed": 12.0}}
    load(migrated, write(tmp_path / "h.parquet", row, catalogue))
    place = [s.name for s in catalogue.groups["motion"].signals].index("wheel_speed") + 1
    state = tables(migrated).execute(
        'SELECT time, "values"[%s] FROM vehicle_state JOIN vehicle USING (vehicle_id)'
        " WHERE vin = %s",
        place,
        vin,
    )
    assert state == [(_time(now), 12.0)]


def test_rows_are_refused_by_the_rules_of_ingest_and_the_others_loaded(
    migrated: Migrated, tmp_path: Path
) -> None:
    known, stranger = new_vins(2)
    catalogue, start = migrated.catalogue, morning_us(26)
    with connect(migrated.dsn) as connection:
        register_vehicle(connection, known)
    good: dict[Key, Values] = {(known, start): {"wheel_speed": 10.0}}
    bad: dict[Key, Values] = {
        (stranger, start): {"wheel_speed": 10.0},
        ("no vin", start): {"wheel_speed": 10.0},
        (known, morning_us(91)): {"wheel_speed": 10.0},
        (known, ago_us(-3600)): {"wheel_speed": 10.0},
    }
    outside: dict[Key, Values] = {
        (known, start + SECOND_US): {"wheel_speed": 1e30, "steering_angle": 2.0},
        (known, start + 2 * SECOND_US): {"fuel_level_1": 1e20},
    }
    path = write(tmp_path / "h.parquet", good | bad | outside, catalogue)
    before = Counter(tables(migrated).counts("out_of_limits"))

    done = load(migrated, path, unknown_vin=UnknownVin.REFUSE)

    assert done.refused == {
        "unknown_vehicle": 1, "bad_vin": 1, "too_old": 1, "too_far_ahead": 1
    }  # fmt: skip
    assert stranger in done.examples["unknown_vehicle"]
    assert done.out_of_limits == 2
    expected = good | {(known, start + SECOND_US): {"steering_angle": 2.0}}
    assert tables(migrated).rows(known, stranger) == expected
    # Of a group of which nothing else came, too.
    after = tables(migrated).counts("out_of_limits")
    assert Counter(after) - before == {"wheel_speed": 1, "fuel_level_1": 1}
    kept = tables(migrated).execute(
        "SELECT value FROM refused_value JOIN vehicle USING (vehicle_id) WHERE vin = %s", known
    )
    assert sorted(kept) == [(float(np.float32(1e20)),), (float(np.float32(1e30)),)]

    assert load(migrated, path).refused["unknown_vehicle"] == 0  # registered by default
    assert (stranger, start) in tables(migrated).rows(stranger)


def test_rollups_see_what_was_loaded(migrated: Migrated, tmp_path: Path) -> None:
    (vin, other), catalogue, start = new_vins(2), migrated.catalogue, morning_us(25)
    # What other tests left to be summed up is not looked at.
    tables(migrated).execute("UPDATE touched_day SET rolled_up = touched RETURNING 1")
    for name in (vin, other):  # the second one comes into a day that has been summed up
        rows: dict[Key, Values] = {
            (name, start + second * SECOND_US): {"wheel_speed": 80.0} for second in range(ROWS)
        }
        load(migrated, write(tmp_path / f"{name}.parquet", rows, catalogue))
        rollups.refresh(migrated.connection, migrated.server, catalogue)
        summed = tables(migrated).execute(
            "SELECT sum(wheel_speed_n), max(wheel_speed_avg) FROM signal_motion_1m"
            " JOIN vehicle USING (vehicle_id) WHERE vin = %s",
            name,
        )
        assert summed == [(ROWS, 80.0)]


def test_two_loads_of_the_same_file_at_once_store_it_once(
    migrated: Migrated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "LEAST_ROWS", 300)
    monkeypatch.setattr(parquet, "MOST_ROWS", 300)
    vins, catalogue = new_vins(4), migrated.catalogue
    rows = frames(catalogue, vins, morning_us(24), ROWS)
    path = write(tmp_path / "h.parquet", rows, catalogue)
    failed: list[BaseException] = []

    def run() -> None:
        try:
            load(migrated, path)
        except BaseException as error:  # noqa: BLE001 - shown below
            failed.append(error)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert tables(migrated).rows(*vins) == rows
    doubled = tables(migrated).execute(
        "SELECT count(*) FROM (SELECT FROM signal_motion JOIN vehicle USING (vehicle_id)"
        " WHERE vin = ANY (%s) GROUP BY vehicle_id, time HAVING count(*) > 1) AS twice",
        vins,
    )
    assert doubled == [(0,)]


def test_a_file_in_order_of_time_is_loaded_as_well(
    migrated: Migrated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "LEAST_ROWS", 100)
    monkeypatch.setattr(parquet, "MOST_ROWS", 100)
    vins, catalogue = new_vins(10), migrated.catalogue
    rows = frames(catalogue, vins, morning_us(23), 60)
    by_time = dict(sorted(rows.items(), key=lambda row: (row[0][1], row[0][0])))
    done = load(migrated, write(tmp_path / "h.parquet", by_time, catalogue), jobs=3)
    assert tables(migrated).rows(*vins) == rows
    assert done.columnstore == (migrated.server.timescaledb is not None)


@pytest.mark.timescale
def test_a_chunk_that_somebody_works_with_gets_rows_in_place_of_columns(
    migrated: Migrated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columnstore, "LOCK_TIMEOUT_MS", 50)
    (first, second), catalogue, start = new_vins(2), migrated.catalogue, morning_us(22)
    load(migrated, write(tmp_path / "a.parquet", frames(catalogue, [first], start, 10), catalogue))
    rows: dict[Key, Values] = {
        (second, start + at * SECOND_US): {"wheel_speed": 80.0} for at in range(ROWS)
    }
    path = write(tmp_path / "b.parquet", rows, catalogue)
    with connect(migrated.dsn) as reader, reader.transaction():
        reader.execute("SELECT count(*) FROM signal_motion")
        # The last step, compression, may wait as long as it likes: it is not what is looked at.
        done = load(migrated, path, compress_after_days=80)
    assert not done.columnstore
    assert tables(migrated).rows(second) == rows


def test_a_deadlock_is_tried_again_and_a_lost_database_says_what_to_do(
    migrated: Migrated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    vins, catalogue = new_vins(1), migrated.catalogue
    rows = frames(catalogue, vins, morning_us(21), 10)
    path = write(tmp_path / "h.parquet", rows, catalogue)
    write_history = history_writer.HistoryWriter.write_history
    raised: list[type[Exception]] = [psycopg.errors.DeadlockDetected]

    def interrupted(
        self: history_writer.HistoryWriter, part: history_writer.HistoryRows
    ) -> history_writer.Written:
        if raised:
            raise raised.pop()("interrupted")
        return write_history(self, part)

    monkeypatch.setattr(history_writer.HistoryWriter, "write_history", interrupted)
    load(migrated, path)
    assert tables(migrated).rows(*vins) == rows

    raised.append(psycopg.OperationalError)
    with pytest.raises(HistoryError, match="load the same files again"):
        load(migrated, path)


def test_a_damaged_file_keeps_what_came_before_it(migrated: Migrated, tmp_path: Path) -> None:
    (vin,), catalogue, start = new_vins(1), migrated.catalogue, morning_us(19)
    rows = frames(catalogue, [vin], start, ROWS)
    good = write(tmp_path / "1.parquet", rows, catalogue)
    more = frames(catalogue, [vin], start + DAY_US, ROWS)
    bad = write(tmp_path / "2.parquet", more, catalogue, compression="snappy")
    data = bytearray(bad.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 2000] = bytes(2000)
    bad.write_bytes(data)
    made = loader(migrated)
    with pytest.raises(HistoryError, match=r"2\.parquet cannot be read on"):
        made.load(made.inspect([good, bad]))
    assert made.load(made.inspect([good])).rows == len(rows)
    assert tables(migrated).rows(vin).items() >= rows.items()


def test_the_command_says_what_it_did(
    command_line: CommandLine, migrated: Migrated, tmp_path: Path
) -> None:
    vins, catalogue = new_vins(1), migrated.catalogue
    rows = frames(catalogue, vins, morning_us(18), ROWS)
    path = write(tmp_path / "h.parquet", rows, catalogue)
    shown = command_line.run("load", str(path)).stdout
    assert f"{len(rows)} rows with" in shown
    compressed = "bytes a value" if migrated.server.timescaledb else "no TimescaleDB"
    assert compressed in shown
    assert "nothing new" in command_line.run("load", str(path)).stdout

    table = pq.read_table(path)
    table = table.append_column("moon_phase", pa.array([1.0] * len(rows)))
    pq.write_table(table, path)
    refused = command_line.run("load", str(path), fails=True).stderr
    assert "moon_phase" in refused
    assert "--ignore-unknown" in refused
    assert "moon_phase" in command_line.run("load", str(path), "--ignore-unknown").stderr


def test_a_simulation_that_was_written_as_parquet_can_be_loaded(
    command_line: CommandLine, migrated: Migrated, tmp_path: Path
) -> None:
    folder = tmp_path / "frames"
    start = datetime.now(tz=UTC).replace(hour=1, minute=0, second=0, microsecond=0)
    start -= timedelta(days=15)
    command_line.run(
        "simulate", "--vehicles", "4", "--days", "0.02", "--seed", "3",
        "--start", start.isoformat(), "--parquet", str(folder),
    )  # fmt: skip
    frames_written = sum(pq.ParquetFile(path).metadata.num_rows for path in folder.iterdir())
    assert frames_written > 0
    shown = command_line.run("load", str(folder))
    assert f"{frames_written:,} rows with" in shown.stdout
    assert "0 rows refused; 0 values out of limits" in shown.stdout
    stored = tables(migrated).execute(
        "SELECT count(*) FROM signal_motion WHERE time >= %s AND time < %s::timestamptz + '1 hour'",
        start,
        start,
    )
    assert stored == [(frames_written,)]


def _time(microseconds: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)


def _stored(migrated: Migrated, vins: list[str]) -> int:
    """Frames of which the smallest group has its row."""
    rows = tables(migrated).execute(
        "SELECT count(*) FROM signal_location JOIN vehicle USING (vehicle_id) WHERE vin = ANY (%s)",
        vins,
    )
    return int(rows[0][0])


def _everything(migrated: Migrated, vins: list[str]) -> tuple[object, ...]:
    reader = tables(migrated)
    where = "JOIN vehicle USING (vehicle_id) WHERE vin = ANY (%s) ORDER BY 1, 2"
    return (
        reader.rows(*vins),
        reader.execute(f"SELECT vehicle_id, day, touched FROM touched_day {where}", vins),
        reader.execute(
            'SELECT vehicle_id, signal_group, "values"::text, times::text FROM vehicle_state '
            + where,
            vins,
        ),
    )
