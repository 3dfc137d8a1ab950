"""DataFrames from the database, from an export, and from both where one no longer has it all."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from research import (
    Database,
    Files,
    each_signals,
    join_as_of,
    load_events,
    load_features,
    load_signals,
    load_trips,
    load_vehicles,
    require_no_leak,
)
from research.errors import ExportError
from storage.errors import StorageError
from tests.samples.storage_samples import rows_table
from tests.worlds.export_world import FIRST, SIGNALS, SLOW, VINS, exported_world

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.database_fixture import Migrated
    from tests.worlds.export_world import Exported

DAYS = 3
ALL = SIGNALS + SLOW
STOP = FIRST + timedelta(days=DAYS)


@pytest.fixture(scope="module")
def world(migrated: Migrated) -> Exported:
    return exported_world(migrated, days=DAYS, seconds=1000)


@pytest.fixture(scope="module")
def archive(world: Exported, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every row of every day, under VINs."""
    folder = tmp_path_factory.mktemp("archive") / "rows"
    world.export(folder, purpose=None, resolution_s=0, buckets=2)
    return folder


@pytest.fixture(scope="module")
def database(world: Exported) -> Database:
    return Database(world.database.dsn, party="Maker")


def ordered(frame: pd.DataFrame) -> pd.DataFrame:
    by = [name for name in ("vehicle", "time", "start_time", "kind") if name in frame.columns]
    return frame.sort_values(by, ignore_index=True)


def test_the_database_and_an_export_give_the_same_rows(database: Database, archive: Path) -> None:
    one = ordered(load_signals(database, ALL, FIRST, STOP))
    other = ordered(load_signals(Files(archive), ALL, FIRST, STOP))
    assert len(one) > 6 * DAYS * 500
    assert str(one["wheel_speed"].dtype) == "float[pyarrow]"
    pd.testing.assert_frame_equal(one, other)
    for load in (load_trips, load_events):
        pd.testing.assert_frame_equal(
            ordered(load(database, FIRST, STOP)), ordered(load(Files(archive), FIRST, STOP))
        )
    assert len(load_trips(database, FIRST, STOP)) == 6 * DAYS


def test_vehicles_are_told_with_class_and_model_alike(
    world: Exported, database: Database, archive: Path, tmp_path: Path
) -> None:
    one = load_vehicles(database)
    assert one["vehicle"].tolist() == [*VINS]
    assert one["vehicle_class"].tolist() == ["heavy_truck"] * len(VINS)
    assert one["model"].tolist() == ["One of a kind", *["J6P"] * 5]
    pd.testing.assert_frame_equal(one, load_vehicles(Files(archive)))
    # What one of them alone has would tell who it is.
    world.export(tmp_path, signals=("odometer",))
    hidden = load_vehicles(Files(tmp_path))
    assert not set(hidden["vehicle"]) & set(VINS)
    assert sorted(hidden["model"].fillna("not told")) == ["J6P"] * 5 + ["not told"]


def test_some_vehicles_and_hours_are_read_and_no_more(world: Exported, archive: Path) -> None:
    start, stop = FIRST + timedelta(hours=1, minutes=1), FIRST + timedelta(hours=1, minutes=3)
    found = load_signals(Files(archive), ["odometer"], start, stop, vehicles=VINS[1:3])
    written = pd.concat(
        world.rows[vin].loc[start : stop - timedelta(seconds=1)] for vin in VINS[1:3]
    )
    assert found["odometer"].sum() == pytest.approx(written["odometer"].sum())
    assert set(found["vehicle"]) == set(VINS[1:3])


def test_frames_come_one_after_another_with_so_many_rows(database: Database) -> None:
    whole = load_signals(database, ["odometer"], FIRST, STOP)
    frames = [*each_signals(database, ["odometer"], FIRST, STOP, rows=1000)]
    assert {len(frame) for frame in frames[:-1]} == {1000}
    assert len(frames) == -(-len(whole) // 1000)
    pd.testing.assert_frame_equal(pd.concat(frames, ignore_index=True), whole)


@pytest.mark.parametrize("step", [0, 60])
def test_what_the_database_has_dropped_comes_from_the_archive(
    world: Exported, database: Database, archive: Path, step: int
) -> None:
    before = ordered(load_signals(database, ALL, FIRST, STOP, resolution_s=step))
    second = FIRST + timedelta(days=1)
    both = Database(world.database.dsn, party="Maker", archive=archive, hot_from=second.date())
    connection = world.database.connection
    with connection.transaction(force_rollback=False):
        for group in ("motion", "location", "powertrain", "fuel_aftertreatment", "counters"):
            connection.execute(
                f"CREATE TABLE kept_{group} AS"
                f" SELECT * FROM {rows_table(connection, group)} WHERE time < %s",
                (second,),
            )
            connection.execute(f"DELETE FROM signal_{group} WHERE time < %s", (second,))
    try:
        assert len(load_signals(database, ALL, FIRST, STOP, resolution_s=step)) < len(before)
        found = ordered(load_signals(both, ALL, FIRST, STOP, resolution_s=step))
    finally:
        for group in ("motion", "location", "powertrain", "fuel_aftertreatment", "counters"):
            table = rows_table(connection, group)
            connection.execute(f"INSERT INTO {table} SELECT * FROM kept_{group}")
            connection.execute(f"DROP TABLE kept_{group}")
    pd.testing.assert_frame_equal(found, before)


def test_a_row_is_known_when_its_step_or_trip_is_over(database: Database) -> None:
    steps = load_signals(database, ["odometer"], FIRST, STOP, resolution_s=60)
    assert set(steps["known_at"] - steps["time"]) == {timedelta(seconds=60)}
    trips, events = load_trips(database, FIRST, STOP), load_events(database, FIRST, STOP)
    assert (trips["known_at"] == trips["end_time"]).all()
    assert (events["known_at"] >= events["start_time"]).all()
    # In the middle of the first step, whose mean tells of its end, too.
    moment = steps["time"].min() + timedelta(seconds=30)
    moments = pd.DataFrame({"vehicle": VINS[0], "time": [moment, moment + timedelta(minutes=1)]})
    found = join_as_of(moments, steps.rename(columns={"time": "step"}))
    require_no_leak(found)
    assert found["odometer"].isna().tolist() == [True, False]


def test_under_pseudonyms_an_end_that_is_told_a_step_early_is_not_known_early(
    world: Exported, database: Database
) -> None:
    told = Database(world.database.dsn, party="Maker", purpose="a test")
    trips = load_trips(told, FIRST, STOP)
    assert set(trips["vehicle"]).isdisjoint(VINS)
    true = load_trips(database, FIRST, STOP)["end_time"].min()
    assert trips["end_time"].min() < true <= trips["known_at"].min()


def test_what_was_not_exported_is_refused(world: Exported, archive: Path, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="without engine_hours"):
        load_signals(Files(archive), ["engine_hours"], FIRST, STOP)
    with pytest.raises(ExportError, match="holds no export"):
        Files(tmp_path)
    with pytest.raises(ExportError, match="time zone"):
        load_trips(Files(archive), FIRST.replace(tzinfo=None), STOP)
    with pytest.raises(ExportError, match="cannot stand for the history of North"):
        Database(world.database.dsn, party="North", archive=archive)
    world.export(tmp_path, last=FIRST.date())
    with pytest.raises(ExportError, match="steps of 60 s"):
        load_signals(Files(tmp_path), ALL, FIRST, STOP, resolution_s=3600)


def test_features_are_those_of_the_registry_wherever_they_are_read(
    world: Exported, database: Database, tmp_path: Path
) -> None:
    world.database.connection.execute(
        "UPDATE trip_part SET distance_km = 20, mass_t_km = 30, mass_known_km = 10, stops = 4"
    )
    keys = ["parts.load", "parts.stops"]
    found = load_features(database, keys, FIRST, STOP)
    assert len(found) == 6 * DAYS
    assert set(found["load"]) == {3.0}
    assert set(found["stops"]) == {0.2}
    assert (found["known_at"] == found["end_time"]).all()
    world.export(tmp_path, purpose=None, features=True, signals=(), events=False)
    exported = load_features(Files(tmp_path), keys, FIRST, STOP)
    pd.testing.assert_frame_equal(ordered(exported), ordered(found))
    assert load_features(Files(tmp_path), ["segments.mass_t"], FIRST, STOP).empty
    with pytest.raises(StorageError, match="told only of vehicles that may be known"):
        load_features(
            Database(world.database.dsn, party="Maker", purpose="a test"), keys, FIRST, STOP
        )
