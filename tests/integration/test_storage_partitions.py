"""On plain PostgreSQL each day has its partition, which goes when it is old."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from storage import partitions, policies, rollups
from storage.batch import Batch
from storage.connection import connect
from storage.settings import StorageSettings
from tests.samples.storage_samples import DAY_US, SMALL, TODAY_US, group_rows, moment, stored

if TYPE_CHECKING:
    from datetime import date

    from storage.frame_writer import FrameWriter
    from tests.servers.database_fixture import Migrated

TODAY = moment(TODAY_US).date()

pytestmark = pytest.mark.usefixtures("plain")


def days(database: Migrated, group: str) -> list[str]:
    rows = database.connection.execute(
        "SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid"
        " WHERE inhparent = %s::regclass ORDER BY relname",
        (f"signal_{group}",),
    )
    return [name for (name,) in rows]


def name(group: str, day: date) -> str:
    return f"signal_{group}_p{day:%Y%m%d}"


@pytest.fixture(autouse=True)
def _no_days(small: Migrated) -> None:
    partitions.drop_expired(small.connection, SMALL.groups, TODAY + timedelta(days=1000))
    small.connection.execute("TRUNCATE touched_day, signal_motion_1m, signal_motion_1h")


def test_a_batch_makes_the_days_it_needs(
    small: Migrated, writer: FrameWriter, vehicle: int
) -> None:
    rows = [(vehicle, TODAY_US + n * DAY_US - 1, {"speed": n}) for n in range(3)]
    writer.write(Batch(groups=(group_rows("motion", rows),)))
    wanted = [TODAY + timedelta(days=n) for n in (-1, 0, 1)]
    assert days(small, "motion") == [name("motion", day) for day in wanted]
    assert days(small, "counters") == [name("counters", day) for day in wanted]
    assert len(stored(small.connection, "motion", vehicle)) == 3


def test_workers_that_need_the_same_days_at_once_all_get_them(small: Migrated) -> None:
    wanted = [TODAY + timedelta(days=n) for n in range(4)]

    def make(first: int) -> None:
        with connect(small.dsn) as connection:
            partitions.ensure_days(connection, SMALL.groups, wanted[first:] + wanted[:first])

    with ThreadPoolExecutor() as pool:
        for future in [pool.submit(make, first) for first in range(4)]:
            future.result()
    assert days(small, "motion") == [name("motion", day) for day in wanted]


def test_a_day_is_made_while_others_read_and_write_the_table(
    small: Migrated, writer: FrameWriter, vehicle: int
) -> None:
    writer.write(Batch(groups=(group_rows("motion", [(vehicle, TODAY_US, {"speed": 1})]),)))
    with connect(small.dsn) as other, other.transaction():
        other.execute("UPDATE signal_motion SET speed = 2 WHERE vehicle_id = %s", (vehicle,))
        with connect(small.dsn) as maker:
            maker.execute("SET lock_timeout = '5s'")  # it must not come to that
            partitions.ensure_days(maker, SMALL.groups, [TODAY + timedelta(days=1)])
    assert name("motion", TODAY + timedelta(days=1)) in days(small, "motion")


def test_days_wholly_before_the_oldest_kept_one_are_dropped_and_no_others(small: Migrated) -> None:
    made = [TODAY + timedelta(days=n) for n in range(-3, 1)]
    partitions.ensure_days(small.connection, SMALL.groups, made)
    small.connection.execute(
        "CREATE TABLE signal_motion_archive (LIKE signal_motion INCLUDING ALL)"
    )
    small.connection.execute(
        "ALTER TABLE signal_motion ATTACH PARTITION signal_motion_archive"
        " FOR VALUES FROM ('2001-01-01') TO ('2002-01-01')"
    )
    dropped = partitions.drop_expired(small.connection, SMALL.groups, made[2])
    assert sorted(dropped) == sorted(name(g, day) for g in SMALL.groups for day in made[:2])
    assert days(small, "counters") == [name("counters", day) for day in made[2:]]
    assert "signal_motion_archive" in days(small, "motion")  # somebody's own
    small.connection.execute("DROP TABLE signal_motion_archive")


def test_expire_drops_rows_and_rollups_by_their_own_retention(
    small: Migrated, writer: FrameWriter, vehicle: int
) -> None:
    settings = StorageSettings(retention_days=2, compress_after_days=1, rollup_retention_days=5)
    for n in range(8):
        rows = [(vehicle, TODAY_US - n * DAY_US, {"speed": n})]
        writer.write(Batch(groups=(group_rows("motion", rows),)))
    rollups.refresh(small.connection, small.server, SMALL)
    dropped = policies.expire(small.connection, small.server, SMALL, settings)
    gone = [TODAY - timedelta(days=n) for n in range(3, 8)]
    assert sorted(dropped) == sorted(name(group, day) for group in SMALL.groups for day in gone)
    kept = stored(small.connection, "motion", vehicle)
    assert [values["speed"] for values in kept.values()] == [2, 1, 0]
    for relation in ("signal_motion_1m", "signal_motion_1h"):
        buckets = small.connection.execute(f"SELECT count(*) FROM {relation}".encode()).fetchone()
        assert buckets == (5,)  # the midnights of the last five days
    known = small.connection.execute("SELECT count(*) FROM touched_day").fetchone()
    assert known == (6,)  # today and the five days before it
