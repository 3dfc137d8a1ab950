"""An export: whole whatever is killed, brought up to date, and telling no more than it may."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import duckdb
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest

from research.errors import ExportError
from storage.errors import StorageError
from tests.asking.command_line import ROOT, CommandLine
from tests.worlds.export_world import FIRST, SIGNALS, SLOW, VINS, checksums, exported_world

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.database_fixture import Migrated
    from tests.worlds.export_world import Exported

DAYS = 30
SECONDS = 700
"""Of rows a vehicle and day: 6 × 30 × 300, for 400 are silent (tests.asking.api_fixture.drive)."""


@pytest.fixture(scope="module")
def world(migrated: Migrated) -> Exported:
    return exported_world(migrated, days=DAYS, seconds=SECONDS)


@pytest.fixture(scope="module")
def in_peace(world: Exported, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export of all that nothing happened to."""
    folder = tmp_path_factory.mktemp("peace") / "export"
    world.export(folder, buckets=3)
    return folder


def signals_of(folder: Path) -> pd.DataFrame:
    return pd.read_parquet(folder / "signals").sort_values(["vehicle", "time"], ignore_index=True)


def test_killed_twice_on_the_way_it_ends_the_same_to_the_byte(
    in_peace: Path, command_line: CommandLine, tmp_path: Path
) -> None:
    folder = tmp_path / "export"
    arguments = [
        "export", str(folder), "--signals", ",".join(SIGNALS + SLOW), "--from", "2026-10-01",
        "--to", "2026-10-30", "--trips", "--events", "--purpose", "a test", "--buckets", "3",
    ]  # fmt: skip
    environment = command_line.environment | {"TELEMETRY_RETENTION_DAYS": "36500"}
    for least in (20, 80):
        with subprocess.Popen(
            [sys.executable, "-m", "cli", *arguments],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        ) as process:
            while len(list(folder.glob("*/*/*/*.parquet"))) < least and process.poll() is None:
                time.sleep(0.01)
            process.send_signal(signal.SIGKILL)
        assert process.returncode == -signal.SIGKILL, "it had ended before it was killed"
        manifest = folder / "manifest.json"
        assert not manifest.exists() or not json.loads(manifest.read_bytes())["complete"]
    CommandLine(environment=environment).run(*arguments)
    assert checksums(folder) == checksums(in_peace)
    # By the secret of its pseudonyms a bucket may be nobody's; all others have every table and day.
    parts = [one for one in json.loads(manifest.read_bytes())["partitions"] if one["file"]]
    assert len(parts) in {3 * DAYS * buckets for buckets in (1, 2, 3)}
    assert len(checksums(folder)) == 2 + len(parts)  # manifest, vehicles


def test_manifest_tells_what_was_asked_and_every_file_with_rows_and_checksum(
    world: Exported, in_peace: Path
) -> None:
    told = json.loads((in_peace / "manifest.json").read_bytes())
    assert told["complete"]
    assert told["query"]["signals"] == [*SIGNALS, *SLOW]
    found = checksums(in_peace)
    written = [one for one in told["partitions"] if one["file"]]
    assert {one["file"]: one["sha256"] for one in written} == {
        name: sha256 for name, sha256 in found.items() if name.count("/") == 3
    }
    assert told["vehicles_sha256"] == found["vehicles.parquet"]
    for one in written:
        assert one["rows"] == pq.read_metadata(in_peace / one["file"]).num_rows
        assert one["catalogue_version"] == world.database.catalogue.version
    assert told["rows"]["signals"] == len(signals_of(in_peace))


def test_a_second_run_writes_nothing_and_late_data_only_their_partition(
    world: Exported, tmp_path: Path
) -> None:
    folder, span = tmp_path, {"last": (FIRST + timedelta(days=2)).date()}
    world.export(folder, buckets=2, **span)
    before = checksums(folder)
    _, again = world.export(folder, **span)
    assert (again.done, again.written) == (3 * 2 * 3, 0)
    assert checksums(folder) == before
    late = pd.DataFrame(
        {"wheel_speed": [64.0]}, index=pd.DatetimeIndex([FIRST + timedelta(days=1, hours=9)])
    )
    world.write(VINS[2], late)
    _, third = world.export(folder, **span)
    assert third.written == 1
    after = checksums(folder)
    changed = {name for name in after if after[name] != before.get(name)}
    assert len(changed) == 2
    assert {name.split("/")[0] for name in changed} == {"manifest.json", "signals"}
    assert any("day=2026-10-02" in name for name in changed)


def test_a_file_that_is_gone_or_cut_off_is_written_anew(world: Exported, tmp_path: Path) -> None:
    span = {"last": (FIRST + timedelta(days=1)).date(), "buckets": 1}
    world.export(tmp_path, **span)
    before = checksums(tmp_path)
    gone, cut = sorted((tmp_path / "signals").rglob("*.parquet"))
    gone.unlink()
    cut.write_bytes(cut.read_bytes()[:1000])
    _, again = world.export(tmp_path, **span)
    assert again.written == 2
    assert checksums(tmp_path) == before


def test_days_past_the_hot_window_stay_as_they_were_exported(
    world: Exported, tmp_path: Path
) -> None:
    world.export(tmp_path, buckets=1, last=(FIRST + timedelta(days=1)).date())
    before = checksums(tmp_path)
    exporter = world.exporter(tmp_path, hot_from=(FIRST + timedelta(days=1)).date())
    manifest, done = exporter.run(
        world.request(last=(FIRST + timedelta(days=2)).date(), vins=VINS[:5])
    )
    assert done.done == 6, "only the two days that the database still has"
    first = "signals/day=2026-10-01/bucket=0/part-0.parquet"
    assert checksums(tmp_path)[first] == before[first]
    assert manifest.first == FIRST.date()


def test_values_are_the_steps_that_the_rows_make(world: Exported, in_peace: Path) -> None:
    folder = in_peace.parent / "identified"
    world.export(folder, purpose=None, buckets=1, last=FIRST.date())
    found = signals_of(folder)
    assert sorted(set(found["vehicle"])) == sorted(VINS)
    one = found[found["vehicle"] == VINS[1]].set_index("time")
    day = world.rows[VINS[1]].loc["2026-10-01"]
    steps = day.resample("60s")
    expected = pd.DataFrame(
        {
            "wheel_speed": steps["wheel_speed"].mean(),
            "brake_switch": steps["brake_switch"].mean(),
            "gear_current": steps["gear_current"].last(),
            "odometer": steps["odometer"].max(),
            "latitude": steps["latitude"].mean(),
            "longitude": steps["longitude"].mean(),
            "oil_pressure": steps["oil_pressure"].mean(),
        }
    ).dropna(how="all")
    pd.testing.assert_frame_equal(
        one[[*SIGNALS, *SLOW]].astype(float),
        expected,
        check_names=False,
        check_freq=False,
        check_index_type=False,
        rtol=1e-6,
    )


def test_each_row_is_there_as_it_came_where_no_steps_are_asked_for(
    world: Exported, tmp_path: Path
) -> None:
    world.export(tmp_path, purpose=None, resolution_s=0, last=FIRST.date(), buckets=2)
    found = signals_of(tmp_path)
    one = found[found["vehicle"] == VINS[4]].set_index("time")
    written = world.rows[VINS[4]].loc["2026-10-01"].dropna(how="all")
    assert len(one) == len(written)
    pd.testing.assert_frame_equal(
        one[[*SIGNALS, *SLOW]].astype(float),
        pd.DataFrame(written)[[*SIGNALS, *SLOW]],
        check_names=False,
        check_freq=False,
        check_index_type=False,
    )


def test_under_pseudonyms_nothing_tells_the_vehicle_its_place_or_its_counters(
    in_peace: Path,
) -> None:
    found = signals_of(in_peace)
    assert set(found["vehicle"]).isdisjoint(VINS)
    for file in in_peace.rglob("*"):
        assert not file.is_file() or b"LSGAA1111" not in file.read_bytes()
    for place in ("latitude", "longitude"):
        cells = found[place].dropna() / 0.01
        assert ((cells - cells.round() - 0.5).abs() % 1 < 1e-6).all()
    # Of six shifts below 2^32, one below 1,000 km is one in a million.
    assert found["odometer"].min() > 201_000
    trips = pd.read_parquet(in_peace / "trips")
    assert set(trips["distance_km"]) == {20.5}
    assert set(trips["start_time"].dt.second) == {0}
    assert set(trips["start_latitude"].round(6)) == {31.235}
    events = pd.read_parquet(in_peace / "events")
    assert len(events) == 6 * DAYS
    vehicles = pd.read_parquet(in_peace / "vehicles.parquet")
    assert set(vehicles["vehicle"]) == set(found["vehicle"]) == set(trips["vehicle"])
    assert vehicles["model"].value_counts().to_dict() == {"J6P": 5}, "one is the only one of its"


def test_pseudonyms_of_two_purposes_cannot_be_joined_and_of_one_they_can(
    world: Exported, in_peace: Path, tmp_path: Path
) -> None:
    days = {"last": FIRST.date(), "signals": ("odometer",), "trips": False, "events": False}
    world.export(tmp_path / "other", purpose="another", **days)
    world.export(tmp_path / "same", **days)
    first, other, same = (
        signals_of(folder) for folder in (in_peace, tmp_path / "other", tmp_path / "same")
    )
    assert set(first["vehicle"]).isdisjoint(other["vehicle"])
    assert set(first["vehicle"]) == set(same["vehicle"])
    assert set(first["odometer"].dropna()).isdisjoint(other["odometer"].dropna())
    assert set(same["odometer"]) <= set(first["odometer"])


def test_a_group_too_small_is_withheld(world: Exported, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="fewer than 5"):
        world.export(tmp_path, vins=VINS[:4])
    assert not list(tmp_path.glob("*"))
    manifest, _ = world.export(tmp_path, vins=VINS[:4], purpose=None, last=FIRST.date())
    assert manifest.vehicles == 4, "who may know them may have few"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"party": "Institute"}, "only a maker and owners"),
        ({"party": "North", "vins": ("LSGAA11112A999999",)}, "no vehicle LSGAA11112A999999"),
        ({"party": "North", "fleet_id": 999_999}, "North has no fleet 999999"),
        ({"signals": ("heading",)}, "heading would tell"),
        ({"signals": ("yaw_rate",), "resolution_s": 1}, "60 or more"),
        ({"resolution_s": 0}, "in steps"),
    ],
)
def test_what_may_not_be_told_is_refused_with_a_way_out(
    world: Exported, tmp_path: Path, asked: dict[str, object], said: str
) -> None:
    with pytest.raises(StorageError, match=said):
        world.export(tmp_path, **asked)


def test_what_features_are_made_of_is_told_only_of_vehicles_that_may_be_known(
    world: Exported, tmp_path: Path
) -> None:
    with pytest.raises(ExportError, match="parts, segments are told only"):
        world.export(tmp_path, features=True)
    assert not (tmp_path / "manifest.json").exists()


def test_the_command_says_what_it_wrote_and_what_it_needs(
    command_line: CommandLine, tmp_path: Path, world: Exported
) -> None:
    days = ["--from", "2026-10-01", "--to", "2026-10-02"]
    environment = command_line.environment | {"TELEMETRY_RETENTION_DAYS": "36500"}
    line = CommandLine(environment=environment)
    vins = ",".join(world.ids)
    done = line.run(
        "export", str(tmp_path / "out"), "--signals", "Vehicle.Speed,odometer", *days,
        "--identified", "--vehicles", vins, "--party", "North",
    )  # fmt: skip
    assert "6 vehicles; 2 of 2 partitions written" in done.stdout
    neither = line.run("export", str(tmp_path / "no"), "--trips", *days, fails=True)
    assert "--purpose" in neither.stderr
    assert not (tmp_path / "no").exists()


def test_one_folder_holds_one_export(world: Exported, tmp_path: Path) -> None:
    world.export(tmp_path, last=FIRST.date())
    with pytest.raises(ExportError, match="another signals, resolution_s"):
        world.export(tmp_path, signals=("odometer",), resolution_s=3600)
    with world.exporter(tmp_path)._place.locked(), pytest.raises(ExportError, match="Another"):
        world.export(tmp_path, last=FIRST.date())


@pytest.mark.usefixtures("in_peace")
def test_an_export_is_in_the_log_of_reads(world: Exported) -> None:
    row = world.database.connection.execute(
        "SELECT count(*), max(cardinality(vins)) FROM access_log"
        " WHERE route = 'telemetry export' AND purpose = 'a test'"
    ).fetchone()
    assert row is not None
    assert row[0] >= 1
    assert row[1] == len(VINS)


def test_pandas_polars_and_duckdb_read_it_without_help_with_units(in_peace: Path) -> None:
    expected = signals_of(in_peace)
    assert str(expected["day"].iloc[0]) == "2026-10-01"
    polars = pl.read_parquet(in_peace / "signals")
    relation = duckdb.sql(
        f"SELECT count(*), sum(wheel_speed), min(day), count(DISTINCT vehicle)"
        f" FROM '{in_peace}/signals/**/*.parquet'"
    )
    assert relation is not None
    duck = relation.fetchall()[0]
    speed = expected["wheel_speed"].sum()
    assert polars.height == duck[0] == len(expected)
    assert polars["wheel_speed"].sum() == pytest.approx(speed, rel=1e-5)
    assert duck[1] == pytest.approx(speed, rel=1e-5)
    assert str(polars["day"].min()) == str(duck[2]) == "2026-10-01"
    assert duck[3] == 6
    file = next((in_peace / "signals").rglob("*.parquet"))
    schema = pq.read_schema(file)
    assert schema.field("wheel_speed").metadata[b"unit"] == b"km/h"
    assert schema.metadata[b"resolution_s"] == b"60"
