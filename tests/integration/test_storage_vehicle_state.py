"""The latest value of each signal, guarded by its own time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from storage.batch import Batch
from tests.samples.storage_samples import SECOND_US, TODAY_US, group_rows, microseconds
from tests.servers.database_fixture import open_writer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from storage.frame_writer import FrameWriter
    from tests.servers.database_fixture import Migrated


def state(database: Migrated, vehicle: int) -> dict[str, tuple[float, int]]:
    """Value and second of today by name, of what was ever seen."""
    rows = database.connection.execute(
        "SELECT name, cell.value, cell.time FROM vehicle_state AS state"
        " CROSS JOIN unnest(state.values, state.times) WITH ORDINALITY AS cell (value, time, place)"
        " JOIN signal USING (signal_group)"
        " WHERE signal.position = cell.place AND vehicle_id = %s AND cell.time > '-infinity'",
        (vehicle,),
    )
    found: dict[str, tuple[float, int]] = {}
    for name, value, time in rows:
        found[name] = (value, second(time))
    return found


def second(time: datetime) -> int:
    return (microseconds(time) - TODAY_US) // SECOND_US


def write(
    writer: FrameWriter,
    vehicle: int,
    *frames: tuple[int, Mapping[str, float]],
    group: str = "motion",
) -> None:
    records = [(vehicle, TODAY_US + at * SECOND_US, values) for at, values in frames]
    writer.write(Batch(groups=(group_rows(group, records),)))


def test_each_value_keeps_the_time_it_was_last_seen_at(
    small: Migrated, writer: FrameWriter, vehicle: int
) -> None:
    write(writer, vehicle, (1, {"speed": 1, "gear": 1}), (2, {"speed": 2}))
    write(writer, vehicle, (5, {"brake": 1}))
    assert state(small, vehicle) == {"speed": (2, 2), "gear": (1, 1), "brake": (1, 5)}


def test_a_late_frame_neither_overwrites_nor_erases_a_newer_value(
    small: Migrated, writer: FrameWriter, vehicle: int
) -> None:
    write(writer, vehicle, (10, {"speed": 10, "gear": 5}))
    write(writer, vehicle, (4, {"speed": 4, "odometer": 4.5}))
    assert state(small, vehicle) == {"speed": (10, 10), "gear": (5, 10), "odometer": (4.5, 4)}


def test_the_row_s_own_time_is_that_of_the_newest_frame(
    small: Migrated, writer: FrameWriter, vehicle: int
) -> None:
    write(writer, vehicle, (10, {"speed": 10}))
    write(writer, vehicle, (4, {"speed": 4}))
    row = small.connection.execute(
        "SELECT time FROM vehicle_state WHERE vehicle_id = %s", (vehicle,)
    ).fetchone()
    assert row is not None
    assert second(row[0]) == 10  # the first frame's second


def test_of_two_values_for_the_same_moment_the_later_message_wins(
    small: Migrated, writer: FrameWriter, vehicle: int
) -> None:
    write(writer, vehicle, (1, {"speed": 1}))
    write(writer, vehicle, (1, {"speed": 7}))
    assert state(small, vehicle) == {"speed": (7, 1)}


def test_what_fills_gaps_overwrites_nothing_of_the_same_moment_but_what_is_older(
    small: Migrated, writer: FrameWriter, vehicle: int
) -> None:
    write(writer, vehicle, (1, {"gear": 1}), (3, {"speed": 1}))
    rows = group_rows("motion", [(vehicle, TODAY_US + 3 * SECOND_US, {"speed": 7, "gear": 8})])
    writer.write(Batch(groups=(replace(rows, fills_gaps=True),)))
    assert state(small, vehicle) == {"speed": (1, 3), "gear": (8, 3)}


def test_a_worker_of_an_older_catalogue_keeps_the_values_that_only_a_newer_one_knows(
    small: Migrated, writer: FrameWriter, vehicle: int
) -> None:
    everything = {signal.name: 1 for signal in small.catalogue.groups["motion"].signals}
    write(writer, vehicle, (1, everything))
    # As a worker whose catalogue has one signal more leaves it.
    small.connection.execute(
        'UPDATE vehicle_state SET "values" = "values" || 7::float8, times = times || time'
        " WHERE vehicle_id = %s",
        (vehicle,),
    )
    write(writer, vehicle, (2, everything))
    (row,) = small.connection.execute(
        'SELECT "values"[1], "values"[array_upper("values", 1)] FROM vehicle_state'
        " WHERE vehicle_id = %s",
        (vehicle,),
    ).fetchall()
    assert row == (1, 7)


def test_groups_and_vehicles_do_not_mix(small: Migrated, writer: FrameWriter, vehicle: int) -> None:
    write(writer, vehicle, (1, {"speed": 1}))
    write(writer, vehicle, (2, {"mode": 3}), group="counters")
    write(writer, vehicle + 1, (3, {"speed": 9}))
    assert state(small, vehicle) == {"speed": (1, 1), "mode": (3, 2)}
    assert state(small, vehicle + 1) == {"speed": (9, 3)}


FRAMES = st.tuples(
    st.integers(0, 5),
    st.fixed_dictionaries(
        {},
        optional={
            "speed": st.integers(0, 9),
            "gear": st.integers(0, 9),
            "odometer": st.integers(0, 9),
        },
    ).filter(bool),
)
_tried = iter(range(10**6, 10**9))


def test_any_frames_in_any_order_leave_the_newest_of_each_value(small: Migrated) -> None:
    writers = open_writer(small), open_writer(small)

    @settings(max_examples=40, deadline=None)
    @given(batches=st.lists(st.lists(FRAMES, min_size=1, max_size=4), min_size=1, max_size=5))
    def check(batches: list[list[tuple[int, dict[str, float]]]]) -> None:
        vehicle = next(_tried)
        expected: dict[str, tuple[float, int]] = {}
        for number, frames in enumerate(batches):
            write(writers[number % 2], vehicle, *frames)
            for at, values in frames:
                for name, value in values.items():
                    if at >= expected.get(name, (0, 0))[1]:
                        expected[name] = (value, at)
        assert state(small, vehicle) == expected

    check()
    for writer in writers:
        writer.close()
