"""Received times are stamped after commit and only ever grow, so that no reader misses a report."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise
from threading import Event
from typing import TYPE_CHECKING

import pytest

from storage.batch import Batch, ReportRow
from storage.connection import connect
from storage.queries import query
from tests.samples.storage_samples import TODAY_US, moment
from tests.servers.database_fixture import open_writer

if TYPE_CHECKING:
    from datetime import datetime

    from storage.frame_writer import FrameWriter
    from tests.servers.database_fixture import Migrated


@pytest.fixture(autouse=True)
def _no_reports(small: Migrated) -> None:
    small.connection.execute("TRUNCATE vehicle_report RESTART IDENTITY")


def reports(vehicle: int, first: int, count: int) -> Batch:
    return Batch(
        reports=tuple(
            ReportRow(
                vehicle_id=vehicle,
                created_time=moment(TODAY_US) + timedelta(seconds=first + n),
                trigger_type="TIMER",
                values={},
            )
            for n in range(count)
        )
    )


def received(database: Migrated) -> list[datetime | None]:
    rows = database.connection.execute(
        "SELECT received_time FROM vehicle_report ORDER BY report_id"
    )
    return [time for (time,) in rows]


def test_reports_have_no_received_time_until_they_are_published(
    small: Migrated, writer: FrameWriter, vehicle: int
) -> None:
    writer.write(reports(vehicle, 0, 3))
    assert received(small) == [None] * 3
    assert writer.publish_reports() == 3
    assert None not in received(small)
    assert writer.publish_reports() == 0


def test_received_times_strictly_increase_in_the_order_of_publishing(
    small: Migrated, writer: FrameWriter, vehicle: int
) -> None:
    for first in range(0, 200, 50):
        writer.write(reports(vehicle, first, 50))
        writer.publish_reports()
    times = [time for time in received(small) if time is not None]
    assert len(times) == 200
    assert all(earlier < later for earlier, later in pairwise(times))


def test_received_times_increase_even_where_the_clock_goes_back(
    small: Migrated, writer: FrameWriter, vehicle: int
) -> None:
    writer.write(reports(vehicle, 0, 1))
    writer.publish_reports()
    small.connection.execute(
        "UPDATE vehicle_report SET received_time = received_time + interval '1 hour'"
    )
    writer.write(reports(vehicle, 1, 2))
    writer.publish_reports()
    first, second, third = received(small)
    assert first is not None
    assert (second, third) == (
        first + timedelta(microseconds=1),
        first + timedelta(microseconds=2),
    )


def test_what_is_not_committed_is_not_published(
    small: Migrated, writer: FrameWriter, vehicle: int
) -> None:
    writer.write(reports(vehicle, 0, 1))
    with connect(small.dsn) as other, other.transaction():
        # A writer in the middle of its batch, which has the lower number but commits later.
        other.execute(
            "INSERT INTO vehicle_report (report_id, vehicle_id, created_time, trigger_type)"
            " OVERRIDING SYSTEM VALUE VALUES (0, %s, now(), 'LATE')",
            (vehicle,),
        )
        assert writer.publish_reports() == 1
        seen = received(small)[-1]
    assert writer.publish_reports() == 1
    late, early = received(small)
    assert early == seen
    assert late is not None
    assert seen is not None
    assert late > seen


def test_while_one_publishes_another_leaves_it_to_it(
    small: Migrated, writer: FrameWriter, vehicle: int
) -> None:
    writer.write(reports(vehicle, 0, 5))
    with connect(small.dsn) as other:
        with other.transaction():
            row = other.execute(query("publish_reports")).fetchone()
            assert row == (5,)
            writer._connection.execute("SET statement_timeout = '5s'")
            assert writer.publish_reports() == 0
        assert writer.publish_reports() == 0
    assert None not in received(small)


def test_a_reader_that_goes_on_from_the_last_it_saw_misses_none(
    small: Migrated, vehicle: int
) -> None:
    """Two writers and two publishers at work while somebody reads."""
    done = Event()
    batches = 15

    def work(place: int) -> None:
        writer = open_writer(small)
        for number in range(batches):
            writer.write(reports(vehicle + place, number * 4, 4))
            writer.publish_reports()
        writer.close()

    def read() -> list[int]:
        seen: list[int] = []
        last = moment(0)
        with connect(small.dsn) as reader:
            while True:
                finished = done.is_set()
                rows = reader.execute(
                    "SELECT report_id, received_time FROM vehicle_report"
                    " WHERE received_time > %s ORDER BY received_time",
                    (last,),
                ).fetchall()
                seen += [report_id for report_id, _ in rows]
                last = rows[-1][1] if rows else last
                if finished:
                    return seen

    with ThreadPoolExecutor() as pool:
        reader = pool.submit(read)
        for worker in [pool.submit(work, place) for place in range(2)]:
            worker.result()
        last_writer = open_writer(small)
        last_writer.publish_reports()
        last_writer.close()
        done.set()
        seen = reader.result()
    expected = small.connection.execute(
        "SELECT report_id FROM vehicle_report ORDER BY received_time"
    ).fetchall()
    assert len(seen) == 2 * batches * 4
    assert seen == [report_id for (report_id,) in expected]


def test_an_interval_has_one_timer_report_whoever_writes_and_triggers_are_all_kept(
    small: Migrated, writer: FrameWriter, vehicle: int
) -> None:
    start = moment(TODAY_US)

    def report(second: int, trigger_type: str = "TIMER", number: int = vehicle) -> ReportRow:
        interval = start + timedelta(seconds=second // 60 * 60)
        return ReportRow(
            vehicle_id=number,
            created_time=start + timedelta(seconds=second),
            trigger_type=trigger_type,
            values={},
            only_one_in=(interval, interval + timedelta(seconds=60))
            if trigger_type == "TIMER"
            else None,
        )

    writer.write(Batch(reports=(report(10), report(65), report(5, "IGNITION_ON"))))
    restarted = open_writer(small)
    restarted.write(
        Batch(
            reports=(
                report(2),  # late, and in the same minute as the first one
                report(59),
                report(60),
                report(120),  # the first moment of the next minute
                report(30, number=vehicle + 1),
                report(6, "IGNITION_ON"),
            )
        )
    )
    restarted.close()
    kept = small.connection.execute(
        "SELECT vehicle_id, trigger_type, created_time FROM vehicle_report ORDER BY 1, 2, 3"
    ).fetchall()
    assert [(number, kind, (at - start).total_seconds()) for number, kind, at in kept] == [
        (vehicle, "IGNITION_ON", 5),
        (vehicle, "IGNITION_ON", 6),
        (vehicle, "TIMER", 10),
        (vehicle, "TIMER", 65),
        (vehicle, "TIMER", 120),
        (vehicle + 1, "TIMER", 30),
    ]
