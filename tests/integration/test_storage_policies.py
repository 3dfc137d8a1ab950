"""On TimescaleDB, policies compress and drop by themselves, as the settings say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from schemas import catalogue
from storage import policies, rollups
from storage.batch import Batch, CountKey
from storage.migrate import migrate
from storage.rollups import rollups as rollups_of
from storage.settings import StorageSettings
from tests.samples.storage_samples import (
    DAY_US,
    SECOND_US,
    SMALL,
    TODAY_US,
    compress,
    group_rows,
    moment,
    rows_table,
    stored,
)
from tests.servers.database_fixture import Migrated, migrated_to, open_writer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import SecretStr

    from storage.frame_writer import FrameWriter

pytestmark = pytest.mark.timescale

OLD_US = TODAY_US - 10 * DAY_US


@pytest.fixture
def database(fresh_database: SecretStr) -> Iterator[Migrated]:
    with migrated_to(fresh_database, SMALL) as made:
        yield made


@pytest.fixture
def writer(database: Migrated) -> Iterator[FrameWriter]:
    made = open_writer(database)
    yield made
    made.close()


def found(database: Migrated) -> dict[tuple[str, str], str]:
    """Spans by policy and relation."""
    rows = database.connection.execute(
        "SELECT proc_name, coalesce(view_name, job.hypertable_name),"
        " (coalesce(config ->> 'compress_after', config ->> 'drop_after'))::interval::text"
        " FROM timescaledb_information.jobs AS job"
        " LEFT JOIN timescaledb_information.continuous_aggregates AS aggregate"
        "   ON aggregate.materialization_hypertable_name = job.hypertable_name"
        " WHERE proc_name IN ('policy_compression', 'policy_retention')"
    ).fetchall()
    assert len(rows) == len({row[:2] for row in rows})  # none is there twice
    return {(name, relation): span for name, relation, span in rows}


def expected(database: Migrated, settings: StorageSettings) -> dict[tuple[str, str], str]:
    tables = [rows_table(database.connection, group) for group in SMALL.groups]
    spans = {("policy_compression", t): f"{settings.compress_after_days} days" for t in tables}
    spans |= {("policy_retention", table): f"{settings.retention_days} days" for table in tables}
    return spans | {
        ("policy_retention", rollup.relation): f"{settings.rollup_retention_days} days"
        for rollup in rollups_of(SMALL)
    }


def run(database: Migrated, policy: str, group: str) -> None:
    row = database.connection.execute(
        "SELECT job_id FROM timescaledb_information.jobs"
        " WHERE proc_name = %s AND hypertable_name = %s",
        (policy, rows_table(database.connection, group)),
    ).fetchone()
    assert row is not None
    database.connection.execute("CALL run_job(%s)", row)


def compressed(database: Migrated) -> list[tuple[str, bool]]:
    """Day and whether it is columnstore, of each chunk of group motion."""
    return database.connection.execute(
        "SELECT range_start::date::text, is_compressed FROM timescaledb_information.chunks"
        " WHERE hypertable_name = %s ORDER BY range_start",
        (rows_table(database.connection, "motion"),),
    ).fetchall()


def day(time_us: int) -> str:
    return moment(time_us).date().isoformat()


def test_each_relation_has_its_policies_once_however_often_migrate_runs(
    database: Migrated,
) -> None:
    assert found(database) == expected(database, StorageSettings())
    migrate(database.connection, SMALL, StorageSettings())
    assert found(database) == expected(database, StorageSettings())


def test_policies_follow_the_settings(database: Migrated) -> None:
    settings = StorageSettings(retention_days=30, compress_after_days=3, rollup_retention_days=99)
    migrate(database.connection, SMALL, settings)
    assert found(database) == expected(database, settings)


def test_the_compression_policy_makes_old_days_columnstore(
    database: Migrated, writer: FrameWriter
) -> None:
    for start_us in (OLD_US, TODAY_US):
        rows = [(1, start_us + n * SECOND_US, {"speed": n, "odometer": n}) for n in range(60)]
        writer.write(Batch(groups=(group_rows("motion", rows),)))
    before = stored(database.connection, "motion")
    run(database, "policy_compression", "motion")
    assert compressed(database) == [(day(OLD_US), True), (day(TODAY_US), False)]
    assert stored(database.connection, "motion") == before


def test_every_packaged_group_fits_into_the_columnstore(fresh_database: SecretStr) -> None:
    with migrated_to(fresh_database, catalogue.default()) as database:
        writer = open_writer(database)
        groups = tuple(
            group_rows(
                group.name,
                [
                    (1, OLD_US + n * SECOND_US, {s.name: s.maximum for s in group.signals})
                    for n in range(3)
                ],
                catalogue.default(),
            )
            for group in catalogue.default().groups.values()
        )
        writer.write(Batch(groups=groups))
        writer.close()
        for group in catalogue.default().groups:
            before = stored(database.connection, group)
            compress(database.connection, group)
            assert stored(database.connection, group) == before


def test_the_retention_policies_drop_rows_and_keep_rollups_longer(
    database: Migrated, writer: FrameWriter
) -> None:
    for start_us in (OLD_US, TODAY_US):
        writer.write(Batch(groups=(group_rows("motion", [(1, start_us, {"speed": 1})]),)))
    rollups.refresh(database.connection, database.server, SMALL)
    settings = StorageSettings(retention_days=5, compress_after_days=1, rollup_retention_days=20)
    migrate(database.connection, SMALL, settings)
    run(database, "policy_retention", "motion")
    assert list(stored(database.connection, "motion")) == [(1, TODAY_US)]
    assert policies.expire(database.connection, database.server, SMALL, settings) == []
    buckets = database.connection.execute(
        "SELECT bucket FROM signal_motion_1m ORDER BY bucket"
    ).fetchall()
    assert buckets == [(moment(OLD_US),), (moment(TODAY_US),)]


def test_late_rows_are_merged_into_compressed_days(database: Migrated, writer: FrameWriter) -> None:
    rows = [(1, OLD_US + n * SECOND_US, {"speed": n, "odometer": n}) for n in range(60)]
    writer.write(Batch(groups=(group_rows("motion", rows),)))
    compress(database.connection, "motion")
    late = [
        (1, OLD_US + 3 * SECOND_US, {"speed": 3}),  # said before
        (1, OLD_US + 4 * SECOND_US, {"speed": 99, "gear": 5}),  # changes a row
        (1, OLD_US + 4 * SECOND_US + 1, {"speed": 5}),  # between two rows
        (2, OLD_US, {"speed": 6}),  # of a vehicle that was not there
    ]
    writer.write(Batch(groups=(group_rows("motion", late),)))
    after = {record[:2]: dict(record[2]) for record in rows}
    after[1, OLD_US + 4 * SECOND_US] |= {"speed": 99, "gear": 5}
    after |= {record[:2]: dict(record[2]) for record in late[2:]}
    assert stored(database.connection, "motion") == after
    counts = database.connection.execute("SELECT measure, count FROM ingest_count").fetchall()
    assert dict(counts) == {"repeated": 1, "merged": 1}


def test_a_late_batch_of_many_vehicles_may_unpack_more_than_timescaledb_s_careful_limit(
    database: Migrated, writer: FrameWriter
) -> None:
    vehicles, seconds = 110, 1000  # a row each unpacks 1,000: more than 100,000 in all
    for first in range(0, seconds, 250):
        rows = [
            (vehicle, OLD_US + n * SECOND_US, {"speed": 1})
            for vehicle in range(vehicles)
            for n in range(first, first + 250)
        ]
        writer.write(Batch(groups=(group_rows("motion", rows),)))
    compress(database.connection, "motion")
    late = [(vehicle, OLD_US + 10 * SECOND_US, {"speed": 2}) for vehicle in range(vehicles)]
    writer.write(
        Batch(groups=(group_rows("motion", late),), counts={CountKey("frames", 0, "frames"): 1})
    )
    row = database.connection.execute(
        "SELECT count(*) FROM signal_motion WHERE speed = 2"
    ).fetchone()
    assert row == (vehicles,)
