"""A signal joins a database with data in it: nothing stored is touched, the new one is at home."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from schemas.catalogue import Kind, ValueType
from storage import rollups
from storage.batch import Batch
from storage.frame_writer import FrameWriter
from storage.migrate import migrate, require_current
from storage.settings import StorageSettings
from tests.samples.storage_samples import (
    DAY_US,
    SECOND_US,
    SMALL,
    TODAY_US,
    compress,
    group_rows,
    grown,
    moment,
    signal,
    stored,
)
from tests.servers.database_fixture import Migrated, migrated_to

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pydantic import SecretStr

    from schemas.catalogue import Catalogue

GROWN = grown(
    signal(6, "slope", "motion"),
    signal(19, "seals", "counters", Kind.COUNTER, ValueType.INTEGER),
    signal(30, "height", "location"),
)
OLD_US = TODAY_US - 10 * DAY_US  # older than the 7 days after which chunks are compressed
OLD = [(1, OLD_US + n * SECOND_US, {"speed": float(n), "odometer": 5e8 + n}) for n in range(90)]
NEW = [(1, OLD_US + (90 + n) * SECOND_US, {"speed": 1.0, "slope": 0.5 * n}) for n in range(30)]
OVER_OLD = [(1, OLD_US + 3 * SECOND_US, {"slope": 7.0})]
"""A value of the new signal for a row that was stored before it was known."""


@pytest.fixture
def database(fresh_database: SecretStr) -> Iterator[Migrated]:
    """The first catalogue's database with two minutes of data, compressed where it can be."""
    with migrated_to(fresh_database, SMALL) as made:
        write(made, SMALL, OLD)
        rollups.refresh(made.connection, made.server, SMALL)
        if made.server.timescaledb is not None:
            compress(made.connection, "motion")
        yield made


def write(
    database: Migrated,
    catalogue: Catalogue,
    records: Sequence[tuple[int, int, Mapping[str, float]]],
    group: str = "motion",
) -> None:
    writer = FrameWriter(database.connection, database.server, catalogue, refused_values_kept=1)
    writer.write(Batch(groups=(group_rows(group, records, catalogue),)))
    database.connection.execute("DISCARD TEMP")  # the next writer makes its own stages


def relations_of(database: Migrated, name: str) -> list[tuple[int, str]]:
    return database.connection.execute(
        "SELECT bucket_s, relation FROM rollup WHERE name = %s ORDER BY bucket_s", (name,)
    ).fetchall()


POLICIES = {
    "compression after 7 days on 1 relations",
    "retention after 90 days on 1 relations",
    "retention after 730 days on 4 relations",
}
"""On TimescaleDB a new table and new rollups get theirs."""


def test_what_was_stored_stays_and_the_new_signal_is_stored_beside_it(database: Migrated) -> None:
    report = migrate(database.connection, GROWN, StorageSettings())
    assert set(report.done) == {
        "column signal_motion.slope",
        "column signal_counters.seals",
        "table signal_location with 1 signals",
        "rollup signal_motion_1m_v2 of 1 signals",
        "rollup signal_motion_1h_v2 of 1 signals",
        "rollup signal_counters_1h_v2 of 1 signals",
        "rollup signal_location_1h_v2 of 1 signals",
    } | (POLICIES if database.server.timescaledb is not None else set())
    require_current(database.connection, GROWN)
    expected = {(vehicle, time): dict(values) for vehicle, time, values in OLD}
    assert stored(database.connection, "motion") == expected
    write(database, GROWN, NEW + OVER_OLD)
    expected |= {(vehicle, time): dict(values) for vehicle, time, values in NEW}
    expected[1, OLD_US + 3 * SECOND_US]["slope"] = 7.0
    assert stored(database.connection, "motion") == expected


def test_the_new_signal_is_appended_to_the_latest_values(database: Migrated) -> None:
    migrate(database.connection, GROWN, StorageSettings())
    write(database, GROWN, [(1, OLD_US + 200 * SECOND_US, {"slope": 2.5})])
    row = database.connection.execute(
        "SELECT \"values\", array_replace(times, '-infinity', NULL) FROM vehicle_state"
    ).fetchone()
    assert row is not None
    values, times = row
    positions = database.connection.execute(
        "SELECT name, position FROM signal WHERE signal_group = 'motion' ORDER BY position"
    ).fetchall()
    assert positions == [
        ("speed", 1), ("brake", 2), ("gear", 3), ("odometer", 4), ("level", 5), ("slope", 6)
    ]  # fmt: skip  # one line is easier on the eye
    assert (values[0], values[3], values[5]) == (89.0, 5e8 + 89, 2.5)
    assert times[0] == times[3] == moment(OLD_US + 89 * SECOND_US)
    assert times[1] is times[2] is times[4] is None
    assert times[5] == moment(OLD_US + 200 * SECOND_US)


def test_a_worker_that_still_has_the_old_catalogue_works_on(database: Migrated) -> None:
    writer = FrameWriter(database.connection, database.server, SMALL, refused_values_kept=1)
    migrate(database.connection, GROWN, StorageSettings())
    later_us = OLD_US + 300 * SECOND_US
    writer.write(Batch(groups=(group_rows("motion", [(1, later_us, {"speed": 9.0})]),)))
    assert stored(database.connection, "motion")[1, later_us] == {"speed": 9.0}


def test_the_new_signal_has_rollups_of_its_own_and_the_old_ones_stay(database: Migrated) -> None:
    before = database.connection.execute(
        "SELECT * FROM signal_motion_1m ORDER BY bucket"
    ).fetchall()
    assert len(before) == 2  # 90 s are two minutes
    migrate(database.connection, GROWN, StorageSettings())
    assert relations_of(database, "speed") == [(60, "signal_motion_1m"), (3600, "signal_motion_1h")]
    assert relations_of(database, "slope") == [
        (60, "signal_motion_1m_v2"),
        (3600, "signal_motion_1h_v2"),
    ]
    assert relations_of(database, "seals") == [(3600, "signal_counters_1h_v2")]
    write(database, GROWN, NEW)
    assert rollups.refresh(database.connection, database.server, GROWN) == 1
    after = database.connection.execute("SELECT * FROM signal_motion_1m ORDER BY bucket").fetchall()
    assert after[0] == before[0]
    slope = database.connection.execute(
        "SELECT bucket, slope_n, slope_avg, slope_min, slope_max FROM signal_motion_1m_v2"
        " WHERE slope_n > 0"
    ).fetchall()
    # Seconds 90 to 119 of the day lie in its second minute: 0, .5 ... 14.5.
    assert slope == [(moment(OLD_US + 60 * SECOND_US), 30, 7.25, 0.0, 14.5)]


def test_days_summed_up_before_are_summed_up_into_the_new_relations(database: Migrated) -> None:
    assert rollups.refresh(database.connection, database.server, SMALL) == 0
    migrate(database.connection, GROWN, StorageSettings())
    assert rollups.refresh(database.connection, database.server, GROWN) == 1
    count = database.connection.execute("SELECT count(*) FROM signal_motion_1m_v2").fetchone()
    assert count == (2,)
