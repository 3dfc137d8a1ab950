"""A batch becomes rows: once each, merged value by value, counted exactly, its days marked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.batch import Batch, CountKey, TriggerRow
from storage.errors import StorageError
from tests.samples.storage_samples import (
    DAY_US,
    SECOND_US,
    TODAY_US,
    group_rows,
    moment,
    rows_table,
    stored,
)
from tests.servers.database_fixture import open_writer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from storage.frame_writer import FrameWriter
    from tests.servers.database_fixture import Migrated

Record = tuple[int, int, "Mapping[str, float]"]


@pytest.fixture(autouse=True)
def _count_anew(small: Migrated) -> None:
    small.connection.execute("TRUNCATE ingest_count")


def motion(*records: Record) -> Batch:
    return Batch(groups=(group_rows("motion", records),))


def counts(database: Migrated) -> dict[tuple[str, str], int]:
    rows = database.connection.execute("SELECT measure, key, count FROM ingest_count").fetchall()
    return {(measure, key): count for measure, key, count in rows}


def touched(database: Migrated, vehicle: int) -> list[tuple[int, int]]:
    """Days before today, and how often each was touched."""
    return database.connection.execute(
        "SELECT current_date - day, touched FROM touched_day WHERE vehicle_id = %s ORDER BY 1",
        (vehicle,),
    ).fetchall()


def test_identical_rows_are_stored_once_and_counted_as_repeated(
    small: Migrated, writer: FrameWriter, vehicle: int
) -> None:
    records = [(vehicle, TODAY_US + n * SECOND_US, {"speed": n, "gear": 4}) for n in range(5)]
    writer.write(motion(*records, *records[:2]))  # two of them twice in one batch
    writer.write(motion(*records))
    assert stored(small.connection, "motion", vehicle) == {r[:2]: r[2] for r in records}
    assert counts(small) == {("repeated", "motion"): 7}


def test_different_rows_are_merged_value_by_value_and_absent_never_erases(
    small: Migrated, writer: FrameWriter, vehicle: int
) -> None:
    at = TODAY_US
    writer.write(
        motion((vehicle, at, {"speed": 1, "gear": 1}), (vehicle, at, {"speed": 2, "brake": 1}))
    )
    writer.write(motion((vehicle, at, {"gear": 3, "odometer": 7.5})))
    writer.write(motion((vehicle, at, {"gear": 3})))
    expected = {"speed": 2, "brake": 1, "gear": 3, "odometer": 7.5}
    assert stored(small.connection, "motion", vehicle) == {(vehicle, at): expected}
    # Within the first batch and by the second a row changed; the third said nothing new.
    assert counts(small) == {("merged", "motion"): 2, ("repeated", "motion"): 1}


def test_late_rows_find_their_place_beside_new_ones(
    small: Migrated, writer: FrameWriter, vehicle: int
) -> None:
    late, known, new = ((vehicle, TODAY_US + n * SECOND_US, {"speed": n}) for n in (1, 2, 3))
    writer.write(motion(known))
    writer.write(motion(new, late))
    assert stored(small.connection, "motion", vehicle) == {r[:2]: r[2] for r in (late, known, new)}
    assert counts(small) == {}


def test_a_row_that_another_writer_was_quicker_with_is_merged_all_the_same(
    small: Migrated, writer: FrameWriter, vehicle: int
) -> None:
    writer.write(motion((vehicle, TODAY_US, {"speed": 1})))
    other = open_writer(small)
    other.write(motion((vehicle, TODAY_US + SECOND_US, {"speed": 2, "gear": 5})))
    other.close()
    # This writer does not know of the other's row: COPY hits it and is undone.
    writer.write(
        motion(
            (vehicle, TODAY_US + SECOND_US, {"speed": 2}),
            (vehicle, TODAY_US + 2 * SECOND_US, {"speed": 3}),
        )
    )
    assert stored(small.connection, "motion", vehicle) == {
        (vehicle, TODAY_US): {"speed": 1},
        (vehicle, TODAY_US + SECOND_US): {"speed": 2, "gear": 5},
        (vehicle, TODAY_US + 2 * SECOND_US): {"speed": 3},
    }
    assert counts(small) == {("repeated", "motion"): 1}


def filling(*records: Record) -> Batch:
    return Batch(groups=(replace(group_rows("motion", records), fills_gaps=True),))


def test_rows_that_fill_gaps_change_no_value_that_is_there(
    small: Migrated, writer: FrameWriter, vehicle: int
) -> None:
    at, later = TODAY_US, TODAY_US + SECOND_US
    writer.write(motion((vehicle, at, {"speed": 1, "gear": 1})))
    gaps = filling(
        (vehicle, at, {"speed": 9, "brake": 1, "odometer": 7.5}), (vehicle, later, {"speed": 2})
    )
    writer.write(gaps)
    writer.write(gaps)
    assert stored(small.connection, "motion", vehicle) == {
        (vehicle, at): {"speed": 1, "gear": 1, "brake": 1, "odometer": 7.5},
        (vehicle, later): {"speed": 2},
    }
    # The first time a row was filled and one was new; the second time both said nothing new.
    assert counts(small) == {("merged", "motion"): 1, ("repeated", "motion"): 2}


def test_in_one_batch_rows_as_sent_hold_against_those_that_fill_gaps(
    small: Migrated, writer: FrameWriter, vehicle: int
) -> None:
    key = (vehicle, TODAY_US)
    usual = motion((*key, {"speed": 1}))
    gaps = filling((*key, {"speed": 9, "gear": 9}))
    writer.write(Batch(groups=gaps.groups + usual.groups))
    assert stored(small.connection, "motion", vehicle) == {key: {"speed": 1, "gear": 9}}


VALUES = st.fixed_dictionaries(
    {},
    optional={"speed": st.integers(0, 2), "gear": st.integers(0, 2), "odometer": st.integers(0, 2)},
).filter(bool)
ROWS = st.tuples(st.integers(0, 1), st.integers(0, 4), VALUES)
_tried = iter(range(10**6, 10**9, 10))


def test_any_batches_end_as_if_every_row_had_been_laid_over_the_last_one(small: Migrated) -> None:
    """Two writers take turns, so that one's knowledge of what is stored is behind the other's."""
    writers = open_writer(small), open_writer(small)

    @settings(max_examples=40, deadline=None)
    @given(batches=st.lists(st.lists(ROWS, min_size=1, max_size=6), min_size=1, max_size=5))
    def check(batches: list[list[tuple[int, int, dict[str, float]]]]) -> None:
        first = next(_tried)
        small.connection.execute("TRUNCATE ingest_count")
        expected: dict[tuple[int, int], dict[str, float]] = {}
        known = 0
        for number, batch in enumerate(batches):
            records = [(first + v, TODAY_US + s * SECOND_US, row) for v, s, row in batch]
            writers[number % 2].write(motion(*records))
            for vehicle_id, time_us, row in records:
                known += (vehicle_id, time_us) in expected
                expected[vehicle_id, time_us] = expected.get((vehicle_id, time_us), {}) | row
        found = stored(small.connection, "motion", first) | stored(
            small.connection, "motion", first + 1
        )
        assert found == expected
        # Which of the two counts a row raises depends on how batches were cut; their sum does not.
        assert sum(counts(small).values()) == known

    check()
    for writer in writers:
        writer.close()


def test_any_batches_some_of_which_fill_gaps_end_as_a_plain_model_does(small: Migrated) -> None:
    writers = open_writer(small), open_writer(small)
    batches_of = st.tuples(st.booleans(), st.lists(ROWS, min_size=1, max_size=6))

    @settings(max_examples=40, deadline=None)
    @given(batches=st.lists(batches_of, min_size=1, max_size=5))
    def check(batches: list[tuple[bool, list[tuple[int, int, dict[str, float]]]]]) -> None:
        first = next(_tried)
        expected: dict[tuple[int, int], dict[str, float]] = {}
        for number, (fills_gaps, batch) in enumerate(batches):
            records = [(first + v, TODAY_US + s * SECOND_US, row) for v, s, row in batch]
            writers[number % 2].write(filling(*records) if fills_gaps else motion(*records))
            for vehicle_id, time_us, row in records:
                known = expected.get((vehicle_id, time_us), {})
                expected[vehicle_id, time_us] = row | known if fills_gaps else known | row
        found = stored(small.connection, "motion", first) | stored(
            small.connection, "motion", first + 1
        )
        assert found == expected

    check()
    for writer in writers:
        writer.close()


def test_counts_of_the_batch_are_added_to_those_of_its_partition(
    small: Migrated, writer: FrameWriter
) -> None:
    mine = {
        CountKey("frames", 3, "messages"): 2,
        CountKey("frames", 3, "refused", "unknown_vehicle"): 1,
    }
    for _ in range(3):
        writer.write(Batch(counts=mine))
    rows = small.connection.execute(
        "SELECT day = current_date, topic, partition, measure, key, count FROM ingest_count"
    ).fetchall()
    assert set(rows) == {
        (True, "frames", 3, "messages", "", 6),
        (True, "frames", 3, "refused", "unknown_vehicle", 3),
    }


def test_every_day_of_a_vehicle_that_a_batch_has_rows_of_is_touched_once(
    small: Migrated, writer: FrameWriter, vehicle: int
) -> None:
    rows = [
        (vehicle + other, TODAY_US - DAY_US + n * DAY_US // 2, {"speed": n})
        for n in range(4)  # midnight and noon of yesterday and today
        for other in (0, 1)
    ]
    writer.write(motion(*rows))
    assert touched(small, vehicle) == touched(small, vehicle + 1) == [(0, 1), (1, 1)]
    writer.write(motion(rows[0]))  # said before, but that is for analysis to find out
    assert touched(small, vehicle) == [(0, 1), (1, 2)]
    assert touched(small, vehicle + 1) == [(0, 1), (1, 1)]


def test_the_last_microsecond_of_a_day_belongs_to_it(
    small: Migrated, writer: FrameWriter, vehicle: int
) -> None:
    writer.write(motion((vehicle, TODAY_US - 1, {"speed": 1})))
    assert touched(small, vehicle) == [(1, 1)]


def test_an_empty_batch_writes_nothing(small: Migrated, writer: FrameWriter) -> None:
    writer.write(Batch())
    writer.write(motion())
    assert counts(small) == {}


def test_what_the_database_refuses_is_said_with_its_group_and_nothing_is_written(
    small: Migrated, writer: FrameWriter, vehicle: int
) -> None:
    table = rows_table(small.connection, "counters")
    small.connection.execute(f"ALTER TABLE {table} ADD CONSTRAINT poison CHECK (mode <> 66)")
    batch = Batch(
        groups=(
            group_rows("motion", [(vehicle, TODAY_US, {"speed": 1})]),
            group_rows("counters", [(vehicle, TODAY_US, {"mode": 66})]),
        )
    )
    try:
        with pytest.raises(StorageError, match=r"rows of group counters .*CheckViolation"):
            writer.write(batch)
    finally:
        small.connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT poison")
    assert stored(small.connection, "motion", vehicle) == {}
    writer.write(batch)  # the writer is none the worse for it
    assert stored(small.connection, "counters", vehicle) == {(vehicle, TODAY_US): {"mode": 66}}
    assert counts(small) == {}


def test_an_event_the_database_refuses_is_said_to_be_one(writer: FrameWriter, vehicle: int) -> None:
    trigger = TriggerRow(
        vehicle_id=vehicle, time=moment(TODAY_US), trigger_type="TIMER", detail="NUL \x00"
    )
    with pytest.raises(StorageError, match="events and reports"):
        writer.write(Batch(triggers=(trigger,)))
