"""Database or broker away, refusing, or not what they were: nothing is lost, nothing hidden."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import kafka
import numpy as np
import psycopg
import pytest
from kafka.admin import KafkaAdminClient
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ingest.errors import (
    KafkaUnreachableError,
    MessageTooLargeError,
    OffsetOutOfRangeError,
)
from ingest.kafka import FrameSource, Publisher, ensure_topics
from ingest.record import DeadLetter, Record
from schemas import catalogue as catalogues
from storage.errors import StorageError
from storage.frame_writer import FrameWriter
from tests.asking.patience import PATIENCE_S, wait_until
from tests.servers.database_fixture import migrated_to, new_database
from tests.servers.ingest_fixture import (
    SECOND_US,
    Bench,
    ago_us,
    header,
    new_bench,
    new_vins,
    running,
    source,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ingest.worker import Worker
    from storage.prepared import Prepared
    from tests.servers.servers_fixture import Addresses


@pytest.fixture
def alone(servers: Addresses, database_server: str) -> Iterator[Bench]:
    """A bench with a database of its own, which the test may break."""
    with new_database(database_server) as dsn, migrated_to(dsn, catalogues.default()) as database:
        made = new_bench(servers.kafka_bootstrap, dsn, database.catalogue)
        yield made
        made.close()


class Gate:
    """Lets nobody into a database, or everybody again."""

    def __init__(self, bench: Bench) -> None:
        dsn = bench.dsn.get_secret_value()
        self._name = str(conninfo_to_dict(dsn)["dbname"])
        self._other = make_conninfo(dsn, dbname="postgres")

    def shut(self) -> None:
        self._allow("false")
        with psycopg.connect(self._other, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                (self._name,),
            )

    def open(self) -> None:
        self._allow("true")

    def _allow(self, whether: str) -> None:
        with psycopg.connect(self._other, autocommit=True) as connection:
            connection.execute(
                sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}").format(
                    sql.Identifier(self._name), sql.SQL(whether)
                )
            )


def frames(bench: Bench, vin: str, first_us: int, count: int) -> dict[tuple[str, int], object]:
    """Send frames of one vehicle; returns what the tables must hold of them."""
    rows = {
        first_us + second * SECOND_US: {"wheel_speed": float(second)} for second in range(count)
    }
    bench.send(bench.message(vin, rows))
    return {(vin, time_us): row for time_us, row in rows.items()}


def _consumer(worker: Worker) -> kafka.KafkaConsumer:
    assert isinstance(worker._source, FrameSource)
    return worker._source._consumer


def test_database_away_and_back_loses_nothing_and_keeps_the_membership(alone: Bench) -> None:
    gate = Gate(alone)
    known, new = new_vins(2)
    expected = frames(alone, known, ago_us(900), 20)
    worker = alone.worker()
    with running(worker) as run:
        wait_until(lambda: run.done.frames == 20, "the first batch")
        generation = _consumer(worker).group_metadata().generation_id
        gate.shut()
        expected |= frames(alone, known, ago_us(800), 20)
        expected |= frames(alone, new, ago_us(800), 20)  # whose number must be asked for as well
        alone.send_raw((b"k", b"\xff", []))
        time.sleep(2)
        assert run.done.frames == 20
        gate.open()
        wait_until(lambda: run.done.frames == 60, "everything taken in")
        assert _consumer(worker).group_metadata().generation_id == generation
    assert alone.rows(known, new) == expected
    assert alone.counts("frames") == {"": 60}
    assert alone.counts("messages") == {"": 4}
    assert len({source(letter) for letter in alone.letters()}) == 1


def test_worker_stops_quickly_while_the_database_is_away_and_the_next_one_goes_on(
    alone: Bench,
) -> None:
    gate = Gate(alone)
    (vin,) = new_vins(1)
    expected = frames(alone, vin, ago_us(900), 5)
    with running(alone.worker()) as run:
        wait_until(lambda: run.done.frames == 5, "the first batch")
        gate.shut()
        expected |= frames(alone, vin, ago_us(800), 5)
        time.sleep(1)
        run.stop.set()
        run.thread.join(timeout=PATIENCE_S)
        assert not run.thread.is_alive()  # it would wait for the database for ever
        gate.open()
    alone.drain()
    assert alone.rows(vin) == expected


def test_commit_whose_answer_was_lost_is_recognised(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, calls = FrameWriter.write_prepared, []

    def answer_lost(self: FrameWriter, prepared: Prepared) -> None:
        write(self, prepared)
        calls.append(prepared)
        if len(calls) == 1:
            raise psycopg.OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(FrameWriter, "write_prepared", answer_lost)
    (vin,) = new_vins(1)
    expected = frames(bench, vin, ago_us(900), 5)
    done = bench.drain()
    assert (done.frames, len(calls)) == (5, 1)
    assert bench.rows(vin) == expected
    assert bench.counts("frames") == {"": 5}
    assert bench.counts("repeated") == {}


def test_letters_that_kafka_does_not_take_hold_their_offsets_back(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bury, offsets = Publisher.bury, []

    def reluctant(self: Publisher, letters: Sequence[DeadLetter]) -> None:
        offsets.append(bench.offsets())
        if len(offsets) < 3:
            raise KafkaUnreachableError("no broker")
        bury(self, letters)

    monkeypatch.setattr(Publisher, "bury", reluctant)
    (vin,) = new_vins(1)
    (place,) = bench.send_raw((b"k", b"\xff", []))
    expected = frames(bench, vin, ago_us(900), 5)
    bench.drain(batch_seconds=0.5)
    assert offsets[:3] == [{}, {}, {}]
    assert [source(letter) for letter in bench.letters()] == [place]
    assert bench.rows(vin) == expected


def test_batch_that_the_database_refuses_stops_the_worker_with_its_place(alone: Bench) -> None:
    (vin,) = new_vins(1)
    frames(alone, vin, ago_us(900), 5)
    with psycopg.connect(alone.dsn.get_secret_value(), autocommit=True) as connection:
        connection.execute("ALTER TABLE telemetry.touched_day RENAME TO elsewhere")
        with pytest.raises(StorageError, match=rf"{alone.settings.topic}.*touched_day"):
            alone.drain()
        connection.execute("ALTER TABLE telemetry.elsewhere RENAME TO touched_day")
    assert alone.offsets() == {}
    alone.drain()
    assert len(alone.rows(vin)) == 5


START_WITHOUT_KAFKA = """
import sys
from pydantic import SecretStr
import ingest.kafka.client
from ingest.errors import KafkaUnreachableError
from ingest.kafka import Publisher, ensure_topics
from ingest.settings import IngestSettings
from ingest.worker import Worker
from schemas import catalogue
from storage.settings import StorageSettings
ingest.kafka.client.ANSWER_S = 1.0
nowhere, dsn = sys.argv[1:]
settings = IngestSettings()
where = {"bootstrap": nowhere, "dsn": SecretStr(dsn), "catalogue": catalogue.default()}
for start in (
    lambda: Worker(settings, StorageSettings(), **where),
    lambda: Publisher(settings, nowhere),
    lambda: ensure_topics(settings, nowhere),
):
    try:
        start()
    except KafkaUnreachableError as error:
        print(error)
"""


def test_kafka_away_at_the_start_is_a_readable_error(bench: Bench) -> None:
    # In a process of its own: kafka-python leaves the sockets of a failed bootstrap open.
    child = subprocess.run(
        [sys.executable, "-c", START_WITHOUT_KAFKA, "127.0.0.1:1", bench.dsn.get_secret_value()],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        text=True,
        timeout=PATIENCE_S,
        check=True,
    )
    lines = child.stdout.splitlines()
    assert len(lines) == 3
    for line in lines:
        assert line.startswith("Kafka at 127.0.0.1:1 does not answer: ")
        assert "`telemetry up`" in line


def test_missing_topic_is_a_readable_error(bench: Bench) -> None:
    settings = bench.settings.model_copy(update={"topic": "nobody.made.this"})
    with pytest.raises(KafkaUnreachableError, match=r"has no topic nobody\.made\.this"):
        FrameSource(settings, bench.bootstrap)


def test_topics_are_made_once_even_by_workers_that_start_together(servers: Addresses) -> None:
    made: list[list[str]] = []
    bench = new_bench(servers.kafka_bootstrap, None, catalogues.default())  # type: ignore[arg-type]  # no database is used
    settings = bench.settings.model_copy(update={"topic": bench.settings.topic + ".shared"})
    threads = [
        threading.Thread(target=lambda: made.append(ensure_topics(settings, bench.bootstrap)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(name for names in made for name in names) == [
        settings.topic,
        settings.dead_topic,
    ]
    bench.close()
    Bench(settings, bench.bootstrap, bench.dsn, bench.catalogue).close()


@pytest.mark.parametrize("stands_at", [2, 50])
def test_offset_out_of_the_log_is_an_error_and_never_a_reset(bench: Bench, stands_at: int) -> None:
    (vin,) = new_vins(1)
    places = [
        *bench.send_raw(*[(vin.encode(), b"\xff", [])] * 10),
    ]
    partition = kafka.TopicPartition(bench.settings.topic, places[0][0])
    admin = KafkaAdminClient(bootstrap_servers=bench.bootstrap)
    admin.delete_records({partition: 5})
    admin.close()
    ours = FrameSource(bench.settings, bench.bootstrap)
    with psycopg.connect(bench.dsn.get_secret_value()) as connection:
        connection.execute(
            "INSERT INTO telemetry.ingest_offset VALUES (%s, %s, %s, %s, %s)",
            (ours.cluster_id, ours.topic_id, partition.partition, ours.topic, stands_at),
        )
    ours.close()
    name = f"{partition.topic}[{partition.partition}]"
    with pytest.raises(OffsetOutOfRangeError) as raised:
        bench.drain()
    assert f"{name} is wanted from offset {stands_at} but holds 5 to 10" in str(raised.value)
    assert bench.offsets() == {partition.partition: stands_at}
    assert bench.letters() == []


def test_topic_made_again_under_its_name_is_read_from_its_beginning(bench: Bench) -> None:
    (vin,) = new_vins(1)
    expected = frames(bench, vin, ago_us(900), 5)
    expected |= frames(bench, vin, ago_us(800), 5)
    bench.drain()
    admin = KafkaAdminClient(bootstrap_servers=bench.bootstrap)
    admin.delete_topics([bench.settings.topic])
    wait_until(lambda: bench.settings.topic not in admin.list_topics(), "the deletion")
    admin.close()
    ensure_topics(bench.settings, bench.bootstrap)
    expected |= frames(bench, vin, ago_us(700), 5)
    bench.drain()
    assert bench.rows(vin) == expected
    topics = bench.execute(
        "SELECT topic_id FROM ingest_offset WHERE topic = %s ORDER BY next_offset",
        bench.settings.topic,
    )
    assert len(set(topics)) == 2


def test_topic_made_again_under_a_running_worker_is_taken_up_from_its_beginning(
    bench: Bench,
) -> None:
    (vin,) = new_vins(1)
    expected = frames(bench, vin, ago_us(900), 5)
    with running(bench.worker()) as run:
        wait_until(lambda: run.done.frames == 5, "the first frames")
        admin = KafkaAdminClient(bootstrap_servers=bench.bootstrap)
        admin.delete_topics([bench.settings.topic])
        wait_until(lambda: bench.settings.topic not in admin.list_topics(), "the deletion")
        admin.close()
        ensure_topics(bench.settings, bench.bootstrap)
        expected |= frames(bench, vin, ago_us(800), 5)
        wait_until(lambda: bench.rows(vin) == expected, "the new topic's frames")


def test_topic_made_again_at_once_voids_offsets_that_it_does_not_reach(bench: Bench) -> None:
    (vin,), first_us = new_vins(1), ago_us(900)
    with running(bench.worker()) as run:
        for _ in range(40):  # so that the new topic is far shorter than the old one's offset
            frames(bench, vin, first_us, 3)
        wait_until(lambda: run.done.messages == 40, "the first messages")
        admin = KafkaAdminClient(bootstrap_servers=bench.bootstrap)
        for number in range(1, 4):
            admin.delete_topics([bench.settings.topic])
            wait_until(lambda: bench.settings.topic not in admin.list_topics(), "the deletion")
            ensure_topics(bench.settings, bench.bootstrap)
            frames(bench, vin, first_us + number * 10 * SECOND_US, 5)
            wait_until(partial(reached, run, 40 + number), "the new message")
        admin.close()
    assert bench.counts("messages") == {"": 43}
    assert len(bench.rows(vin)) == 3 + 3 * 5


def reached(run: Any, messages: int) -> bool:
    return bool(run.done.messages >= messages)


def test_connection_lost_within_a_poll_is_waited_out(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    (vin,) = new_vins(1)
    expected = frames(bench, vin, ago_us(900), 5)
    poll, failures = kafka.KafkaConsumer.poll, itertools.repeat(None, 3)

    def lost(self: kafka.KafkaConsumer, **arguments: int) -> object:
        for _ in failures:
            raise kafka.errors.KafkaConnectionError("104 ECONNRESET")
        return poll(self, **arguments)

    monkeypatch.setattr(kafka.KafkaConsumer, "poll", lost)
    bench.drain()
    assert next(failures, "all of them") == "all of them"
    assert bench.rows(vin) == expected


def test_letter_that_is_too_large_for_its_topic_says_where_the_message_lies(bench: Bench) -> None:
    admin = KafkaAdminClient(bootstrap_servers=bench.bootstrap)
    admin.delete_topics([bench.settings.dead_topic])
    wait_until(lambda: bench.settings.dead_topic not in admin.list_topics(), "the deletion")
    admin.create_topics(
        {bench.settings.dead_topic: {"num_partitions": 1, "configs": {"max.message.bytes": "1000"}}}
    )
    admin.close()
    (lies_at,) = bench.send_raw((b"k", np.random.default_rng(1).bytes(5000), []))
    bench.drain()
    (pointer,) = bench.letters()
    assert (source(pointer), pointer.value) == (lies_at, b"")
    assert header(pointer, "left-out") == "5000"
    assert bench.offsets() == {lies_at[0]: lies_at[1] + 1}


def test_letter_larger_than_a_message_may_be_is_kept(bench: Bench) -> None:
    # It came compressed, as other producers send: the broker's limit holds for the compressed one.
    value = b"not a message " * (9 << 16)
    producer = kafka.KafkaProducer(
        bootstrap_servers=bench.bootstrap, compression_type="gzip", max_request_size=32 << 20
    )
    producer.send(bench.settings.topic, value=value, key=b"k").get(timeout=PATIENCE_S)
    producer.close()
    bench.drain()
    (letter,) = bench.letters()
    assert letter.value == value
    assert header(letter, "reason") == "unknown_content_type"


def test_message_that_is_too_large_is_refused_before_it_is_sent(bench: Bench) -> None:
    publisher = Publisher(bench.settings, bench.bootstrap)
    with pytest.raises(MessageTooLargeError, match="put fewer frames into it"):
        publisher.send(new_vins(1)[0], bytes(9 << 20), "application/json")  # type: ignore[arg-type]  # its text
    publisher.close()


def test_tombstone_without_a_key_can_be_buried(bench: Bench) -> None:
    # kafka-python does not send what has neither key nor value; other clients do.
    publisher = Publisher(bench.settings, bench.bootstrap)
    record = Record(
        topic=bench.settings.topic, partition=0, offset=0, key=None, value=None, content_type=None
    )
    publisher.bury([DeadLetter(record=record, reason="unreadable", detail="empty")])
    publisher.close()
    (letter,) = bench.letters()
    assert (letter.key, letter.value) == (None, b"")
