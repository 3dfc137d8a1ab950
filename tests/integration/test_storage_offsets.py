"""Offsets move with the rows or not at all."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from storage.batch import Batch, CountKey, OffsetAdvance, TriggerRow
from storage.errors import OffsetConflictError
from storage.offsets import read_offsets
from tests.samples.storage_samples import SECOND_US, TODAY_US, group_rows, moment, stored
from tests.servers.database_fixture import open_writer

if TYPE_CHECKING:
    from storage.frame_writer import FrameWriter
    from tests.servers.database_fixture import Migrated

CLUSTER = "cluster"


@pytest.fixture
def topic_id() -> uuid.UUID:
    return uuid.uuid4()


def advance(
    topic_id: uuid.UUID, expected: int | None, next_offset: int, partition: int = 0
) -> OffsetAdvance:
    return OffsetAdvance(
        cluster_id=CLUSTER,
        topic_id=topic_id,
        topic="frames",
        partition=partition,
        expected=expected,
        next_offset=next_offset,
    )


def test_a_partition_nothing_was_written_of_has_no_offset(
    small: Migrated, topic_id: uuid.UUID
) -> None:
    assert read_offsets(small.connection, CLUSTER, topic_id) == {}


def test_offsets_are_kept_by_cluster_topic_and_partition(
    small: Migrated, writer: FrameWriter, topic_id: uuid.UUID
) -> None:
    writer.write(Batch(offsets=(advance(topic_id, None, 7), advance(topic_id, None, 9, 1))))
    writer.write(Batch(offsets=(advance(topic_id, 7, 12),)))
    assert read_offsets(small.connection, CLUSTER, topic_id) == {0: 12, 1: 9}
    assert read_offsets(small.connection, "another cluster", topic_id) == {}
    assert read_offsets(small.connection, CLUSTER, uuid.uuid4()) == {}


@pytest.mark.parametrize("expected", [None, 5, 8])
def test_a_writer_that_lost_its_partition_writes_nothing_at_all(
    small: Migrated, writer: FrameWriter, topic_id: uuid.UUID, vehicle: int, expected: int | None
) -> None:
    writer.write(Batch(offsets=(advance(topic_id, None, 7), advance(topic_id, None, 7, 1))))
    batch = Batch(
        groups=(group_rows("motion", [(vehicle, TODAY_US, {"speed": 1})]),),
        triggers=(
            TriggerRow(vehicle_id=vehicle, time=moment(TODAY_US), trigger_type="TIMER", detail=""),
        ),
        counts={CountKey("frames", 0, "messages", str(vehicle)): 1},
        offsets=(advance(topic_id, 7, 20), advance(topic_id, expected, 20, 1)),
    )
    with pytest.raises(OffsetConflictError, match=r"frames\[1\]") as caught:
        writer.write(batch)
    assert (caught.value.partition, caught.value.expected) == (1, expected)
    assert read_offsets(small.connection, CLUSTER, topic_id) == {0: 7, 1: 7}
    for table in ("signal_motion", "vehicle_event", "touched_day", "vehicle_state"):
        left = small.connection.execute(
            f"SELECT count(*) FROM {table} WHERE vehicle_id = %s".encode(), (vehicle,)
        ).fetchone()
        assert left == (0,), table
    left = small.connection.execute(
        "SELECT count(*) FROM ingest_count WHERE key = %s", (str(vehicle),)
    ).fetchone()
    assert left == (0,)


def test_a_writer_goes_on_after_a_conflict(
    small: Migrated, writer: FrameWriter, topic_id: uuid.UUID, vehicle: int
) -> None:
    writer.write(Batch(offsets=(advance(topic_id, None, 7),)))
    rows = group_rows("motion", [(vehicle, TODAY_US, {"speed": 1})])
    with pytest.raises(OffsetConflictError):
        writer.write(Batch(groups=(rows,), offsets=(advance(topic_id, 6, 8),)))
    writer.write(Batch(groups=(rows,), offsets=(advance(topic_id, 7, 8),)))
    assert stored(small.connection, "motion", vehicle) == {(vehicle, TODAY_US): {"speed": 1}}


@pytest.mark.parametrize("expected", [None, 3])
def test_of_two_that_move_the_same_offset_at_once_one_wins(
    small: Migrated, topic_id: uuid.UUID, vehicle: int, expected: int | None
) -> None:
    if expected is not None:
        first = open_writer(small)
        first.write(Batch(offsets=(advance(topic_id, None, expected),)))
        first.close()
    writers = [open_writer(small) for _ in range(4)]

    def write(number: int) -> int:
        rows = group_rows(
            "motion",
            [(vehicle + number, TODAY_US + n * SECOND_US, {"speed": n}) for n in range(50)],
        )
        try:
            writers[number].write(
                Batch(groups=(rows,), offsets=(advance(topic_id, expected, 10 + number),))
            )
        except OffsetConflictError:
            return 0
        return 10 + number

    with ThreadPoolExecutor(max_workers=4) as pool:
        results = list(pool.map(write, range(4)))
    for writer in writers:
        writer.close()
    won = max(results)
    assert sorted(results) == [0, 0, 0, won]
    assert read_offsets(small.connection, CLUSTER, topic_id) == {0: won}
    for number in range(4):
        rows = stored(small.connection, "motion", vehicle + number)
        assert len(rows) == (50 if 10 + number == won else 0)
