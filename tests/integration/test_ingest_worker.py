"""A worker's day: how it gathers, stops, reports, and tells Kafka where it stands."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import kafka
import numpy as np
import psycopg
import pytest
from kafka.admin import KafkaAdminClient

from ingest.errors import IngestError
from ingest.kafka import FrameSource
from ingest.kafka.source import POLL_RECORDS
from ingest.pipeline import WAITING_RECORDS
from schemas.wire import Block, Message, Trigger, TriggerType
from storage.frame_writer import FrameWriter
from tests.asking.patience import PATIENCE_S, wait_until
from tests.servers.ingest_fixture import SECOND_US, ago_us, new_vins, running

if TYPE_CHECKING:
    from ingest.progress import Progress
    from storage.prepared import Prepared
    from tests.servers.ingest_fixture import Bench


def speeds(bench: Bench, vin: str, first_us: int, count: int) -> Message:
    """A message of frames a second apart."""
    return bench.message(
        vin, {first_us + second * SECOND_US: {"wheel_speed": 1.0} for second in range(count)}
    )


def test_stop_writes_the_batch_in_hand_and_leaves_the_group(bench: Bench) -> None:
    (vin,) = new_vins(1)
    bench.send(speeds(bench, vin, ago_us(900), 7))
    worker = bench.worker(batch_seconds=600)  # frames wait for company that never comes
    with running(worker) as run:
        wait_until(lambda: worker._pipeline.frames == 7, "the frames")
        run.stop.set()
        run.thread.join(timeout=PATIENCE_S)
        assert not run.thread.is_alive()
    assert len(bench.rows(vin)) == 7
    admin = KafkaAdminClient(bootstrap_servers=bench.bootstrap)
    described = admin.describe_groups([bench.settings.group])
    admin.close()
    assert "'members': []" in str(described)


def test_worker_that_is_told_to_stops_when_nothing_has_come_for_a_while(bench: Bench) -> None:
    (vin,) = new_vins(1)
    bench.send(speeds(bench, vin, ago_us(900), 7))
    began = time.monotonic()
    done = bench.worker().run(threading.Event(), until_idle_s=5)
    assert time.monotonic() - began > 5
    assert (done.frames, done.messages, done.refused) == (7, 1, 0)


def test_batches_end_at_their_frames(bench: Bench) -> None:
    vins = new_vins(3)
    for number in range(30):
        bench.send(
            *(speeds(bench, vin, ago_us(9000) + number * 20 * SECOND_US, 20) for vin in vins)
        )
    seen: list[int] = []
    stop = threading.Event()

    def note(done: Progress) -> None:
        seen.append(done.frames)
        if done.frames == 1800:
            stop.set()

    # (No batch ends for its age, however slow the machine is.)
    bench.worker(batch_frames=100, batch_seconds=PATIENCE_S).run(stop, progress=note)
    # 90 messages of 20 frames: each batch is full with the fifth.
    assert seen == list(range(100, 1801, 100))


def test_batches_end_with_time_where_frames_are_few(bench: Bench) -> None:
    (vin,) = new_vins(1)
    with running(bench.worker(batch_seconds=0.5)) as run:
        wait_until(lambda: bool(bench.execute("SELECT 1")), "a connection")
        bench.send(speeds(bench, vin, ago_us(900), 5))
        wait_until(lambda: run.done.frames == 5, "the batch")


def test_backlog_does_not_pile_up_in_a_worker_whose_database_is_slow(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    vins = new_vins(3)
    for number in range(150):
        bench.send(
            *(speeds(bench, vin, ago_us(9000) + number * 20 * SECOND_US, 20) for vin in vins)
        )
    held = threading.Event()
    write = FrameWriter.write_prepared

    def wait_and_write(self: FrameWriter, prepared: Prepared) -> None:
        held.wait(timeout=PATIENCE_S)
        write(self, prepared)

    monkeypatch.setattr(FrameWriter, "write_prepared", wait_and_write)
    worker = bench.worker(batch_frames=200)
    with running(worker):
        wait_until(lambda: worker._pipeline.flight is not None, "the first batch")
        time.sleep(1.5)
        assert isinstance(worker._source, FrameSource)
        consumer = worker._source._consumer
        read = sum(consumer.position(partition) or 0 for partition in consumer.assignment())
        held.set()
    # Ten messages fill a batch: one is written, one gathered, some wait, and one poll is in hand.
    assert 10 <= read <= 10 + 10 + WAITING_RECORDS + POLL_RECORDS


def test_kafka_is_told_where_the_database_stands(bench: Bench) -> None:
    vins = new_vins(6)
    bench.send(*(speeds(bench, vin, ago_us(900), 5) for vin in vins))
    bench.send_raw((b"k", b"\xff", []))
    bench.drain()
    offsets = bench.offsets()
    assert sum(offsets.values()) == 7
    consumer = kafka.KafkaConsumer(
        bootstrap_servers=bench.bootstrap, group_id=bench.settings.group, enable_auto_commit=False
    )
    for partition, offset in offsets.items():
        assert consumer.committed(kafka.TopicPartition(bench.settings.topic, partition)) == offset
    consumer.close()


def test_sender_that_swaps_narrow_and_wide_columns_lands_right(bench: Bench) -> None:
    (vin,) = new_vins(1)
    time_us = ago_us(60)
    block = Block(
        times_us=np.array([time_us]),
        signal_ids=np.array([bench.signal_id("odometer")], dtype=np.int32),
        values=np.array([[1234.5]], dtype=np.float32),
        wide_signal_ids=np.array([bench.signal_id("wheel_speed")], dtype=np.int32),
        wide_values=np.array([[80.25]]),
    )
    bench.send(Message(vin=vin, catalogue_version=1, blocks=(block,), events=()))
    bench.drain()
    assert bench.rows(vin) == {(vin, time_us): {"odometer": 1234.5, "wheel_speed": 80.25}}


def test_same_vehicle_and_time_merge_in_the_order_of_offsets_and_absent_never_erases(
    bench: Bench,
) -> None:
    (vin,) = new_vins(1)
    time_us = ago_us(60)
    for row in (
        {"wheel_speed": 1.0, "engine_speed": 1000.0},
        {"wheel_speed": 2.0, "engine_speed": np.nan},
        {"altitude": 5.0},
    ):
        bench.send(bench.message(vin, {time_us: row}))
    bench.drain()
    bench.send(bench.message(vin, {time_us: {"wheel_speed": 3.0}}))
    bench.drain()
    assert bench.rows(vin) == {
        (vin, time_us): {"wheel_speed": 3.0, "engine_speed": 1000.0, "altitude": 5.0}
    }
    assert bench.counts("merged") == {"motion": 2}


def test_reports_have_their_moments_values_and_a_received_time(bench: Bench) -> None:
    (vin,) = new_vins(1)
    minute = ago_us(7200) // (60 * SECOND_US) * 60 * SECOND_US
    rows = {
        minute + second * SECOND_US: {"wheel_speed": float(second), "latitude": 31.0 + second / 100}
        for second in range(10, 190, 10)
    }
    ignition = Trigger(time_us=minute + 30 * SECOND_US, type=TriggerType.IGNITION_ON)
    before = datetime.now(tz=UTC)
    bench.send(bench.message(vin, rows, (ignition,)))
    with running(bench.worker(report_interval_s=60)):
        # The worker goes on: reports must not wait for its next batch, nor for its end.
        wait_until(lambda: len(reports(bench, vin)) == 5, "five published reports")
    found = reports(bench, vin)
    # The first frame of each minute, and the trigger.
    seconds = {"TIMER": [10, 60, 120, 180], "IGNITION_ON": [30]}
    assert [(kind, (created_us - minute) // SECOND_US) for kind, created_us, *_ in found] == sorted(
        ((kind, second) for kind, times in seconds.items() for second in times),
        key=lambda pair: (pair[1], pair[0]),
    )
    for _, created_us, received, speed, latitude, odometer in found:
        second = (created_us - minute) // SECOND_US
        assert (speed, latitude, odometer) == (second, 31.0 + second / 100, None)
        assert before < received <= datetime.now(tz=UTC)
    received_times = [row[2] for row in found]
    assert len(set(received_times)) == len(received_times)


def reports(bench: Bench, vin: str) -> list[tuple[Any, ...]]:
    """The published reports of a vehicle by created time."""
    return bench.execute(
        "SELECT trigger_type, (extract(epoch FROM created_time) * 1000000)::bigint, received_time,"
        " wheel_speed, latitude, odometer FROM vehicle_report JOIN vehicle USING (vehicle_id)"
        " WHERE vin = %s AND received_time IS NOT NULL ORDER BY created_time, trigger_type",
        vin,
    )


def test_rebalance_that_the_library_would_forget_is_taken_up(bench: Bench) -> None:
    source = FrameSource(bench.settings, bench.bootstrap)
    try:
        wait_until(lambda: not source.poll(0.1) and source.assignment_complete(), "partitions")
        assert source.assignment() == {0, 1, 2}
        # What changed metadata do: the leader must share out again, and one poll cannot end it.
        source._consumer._coordinator._assignment_snapshot = {}
        source.poll(0.001)
        time.sleep(0.3)
        wait_until(
            lambda: (
                not source.poll(0.1)
                and source.assignment_changed()
                and source.assignment_complete()
            ),
            "the partitions' return",
        )
        assert source.assignment() == {0, 1, 2}
    finally:
        source.close()


def test_record_that_the_library_cannot_read_stops_the_worker_with_its_place(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = FrameSource(bench.settings, bench.bootstrap)
    try:
        wait_until(lambda: not source.poll(0.1) and source.assignment_complete(), "partitions")
        source.start_at(dict.fromkeys(source.assignment(), 0))

        def parser_fails(**_: object) -> None:
            b"\xff".decode()

        monkeypatch.setattr(source._consumer, "poll", parser_fails)
        with pytest.raises(IngestError) as raised:
            source.poll(0.1)
    finally:
        source.close()
    assert f"{bench.settings.topic}[2] at offset 0 failed: UnicodeDecodeError" in str(raised.value)
    assert "ingest_offset" in str(raised.value)


def test_reports_that_could_not_be_published_are_published_later(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish, calls = FrameWriter.publish_reports, []

    def away_at_first(self: FrameWriter) -> int:
        calls.append(self)
        if len(calls) <= 2:  # when the worker starts, and after its first batch
            raise psycopg.OperationalError("server closed the connection unexpectedly")
        return publish(self)

    monkeypatch.setattr(FrameWriter, "publish_reports", away_at_first)
    (vin,) = new_vins(1)
    bench.send(speeds(bench, vin, ago_us(3600), 1))
    assert bench.drain().batches == 1
    assert reports(bench, vin) == []
    bench.send(speeds(bench, vin, ago_us(1800), 1))
    bench.drain()
    assert len(reports(bench, vin)) == 2
