"""Bad input neither loses data nor stops the service: kept, said, counted, and the rest stored."""

from __future__ import annotations

import gzip
import os
import resource
import subprocess
import sys
import threading
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import kafka.record.default_records as library
import numpy as np
import pyarrow as pa
import pytest
import zstandard
from kafka import KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from kafka.record.util import encode_varint

from ingest import dead_letters, isolation
from ingest.dead_letters import Wanted, letters
from ingest.errors import EverythingRefusedError
from ingest.kafka import Publisher, TopicLog
from ingest.kafka.fetching import MAX_HEADERS
from schemas.wire import Trigger, TriggerType, encode_protobuf
from storage.connection import connect
from storage.errors import StorageError
from tests.asking.patience import PATIENCE_S
from tests.servers.ingest_fixture import ago_us, header, new_vins, source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.servers.ingest_fixture import Bench

PROTOBUF: list[tuple[str, bytes]] = [("content-type", b"application/x-protobuf")]
MIB = 1 << 20
BOMB_BYTES = 1 << 30
"""What each bomb inflates to [bytes]; three come in one fetch."""


def bomb_of(compress: Callable[[], Any], tail: Callable[[Any], bytes]) -> bytes:
    """A batch's inside: one record that is well-formed and 1 GiB of zeros."""
    size = BOMB_BYTES - 64
    head = bytearray(b"\x00\x00\x00\x01")  # attributes, time, offset, no key
    encode_varint(size, head.append)
    before = bytearray()
    encode_varint(len(head) + size + 1, before.append)
    packer = compress()
    packed = bytearray(packer.compress(bytes(before + head)))
    piece = bytes(16 * MIB)
    for start in range(0, size, len(piece)):
        packed += packer.compress(piece[: size - start])
    packed += packer.compress(b"\x00")  # no headers
    return bytes(packed) + tail(packer)


def zstd_bomb() -> bytes:
    return bomb_of(lambda: zstandard.ZstdCompressor().compressobj(), lambda it: bytes(it.flush()))


@contextmanager
def producer(bench: Bench, **settings: Any) -> Iterator[Any]:
    made = KafkaProducer(
        bootstrap_servers=bench.bootstrap, max_request_size=64 * MIB, linger_ms=0, **settings
    )
    yield made
    made.close()


def send(made: Any, bench: Bench, value: bytes, headers: Any = PROTOBUF) -> tuple[int, int]:
    """One message, alone in its batch, in partition 0."""
    future = made.send(bench.settings.topic, key=b"k", value=value, headers=headers, partition=0)
    made.flush()
    done = future.get(timeout=PATIENCE_S)
    return done.partition, done.offset


def good(bench: Bench, vin: str, time_us: int) -> bytes:
    return encode_protobuf(bench.message(vin, {time_us: {"wheel_speed": 8.0}}))


def set_largest(bench: Bench, topic: str, size: int) -> None:
    admin = KafkaAdminClient(bootstrap_servers=bench.bootstrap)
    config = {"max.message.bytes": str(size)}
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs=config)])
    admin.close()


def test_batches_that_inflate_to_gigabytes_are_kept_and_passed_over_in_bounded_memory(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    vins, time_us, bomb = new_vins(2), ago_us(60), zstd_bomb()
    assert len(bomb) < MIB  # a thousandth of what it claims: the broker lets it in
    with producer(bench, compression_type="zstd") as made:
        send(made, bench, good(bench, vins[0], time_us))
        with monkeypatch.context() as patch:
            patch.setattr(library, "zstd_encode", lambda _: bomb)
            places = [send(made, bench, bytes(2 * len(bomb))) for _ in range(3)]
        send(made, bench, good(bench, vins[1], time_us))
    settings = bench.settings
    environment = os.environ | {
        "TELEMETRY_KAFKA_BOOTSTRAP": bench.bootstrap,
        "TELEMETRY_DATABASE_DSN": bench.dsn.get_secret_value(),
        "TELEMETRY_TOPIC": settings.topic,
        "TELEMETRY_GROUP": settings.group,
    }
    command = [str(Path(sys.executable).parent / "telemetry"), "ingest", "--until-idle", "3"]
    limit = partial(resource.setrlimit, resource.RLIMIT_DATA, (700 * MIB, 700 * MIB))
    subprocess.run(command, env=environment, check=True, preexec_fn=limit, timeout=PATIENCE_S)
    assert set(bench.rows(*vins)) == {(vin, time_us) for vin in vins}
    found = bench.letters()
    assert [source(letter) for letter in found] == places
    for letter in found:
        assert header(letter, "reason") == "unreadable_batch"
        assert "inflates to more than 67108864 bytes" in header(letter, "detail")
        assert letter.value.endswith(bomb)
    assert bench.counts("refused") == {"unreadable_batch": 3}


@pytest.mark.parametrize("codec", [None, "gzip", "lz4", "zstd", "snappy"])
def test_every_compression_is_read(
    bench: Bench, codec: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    (vin,) = new_vins(1)
    times = [ago_us(60 + second) for second in range(20)]
    if codec == "snappy":  # kafka-python itself leaves it to a library that is not there
        monkeypatch.setitem(KafkaProducer._COMPRESSORS, codec, (lambda: True, 2))
        monkeypatch.setattr("kafka.codec.has_snappy", lambda: True)
        pack = partial(pa.compress, codec="snappy", asbytes=True)
        monkeypatch.setattr(library, "snappy_encode", pack)
    with producer(bench, compression_type=codec) as made:
        for time_us in times:
            message = bench.message(vin, {time_us: {"wheel_speed": 8.0}})
            made.send(
                bench.settings.topic,
                key=vin.encode() * 20,
                value=encode_protobuf(message),
                headers=PROTOBUF,
            )
    assert bench.drain().refused == 0
    assert set(bench.rows(vin)) == {(vin, time_us) for time_us in times}


class Raw(str):
    """A header's name that is no UTF-8."""

    __slots__ = ()

    def encode(self, *_: Any) -> bytes:
        return b"\xff\xfe"


def test_rubbish_among_headers_costs_nothing_and_too_many_of_them_the_message_alone(
    bench: Bench,
) -> None:
    vins, time_us = new_vins(2), ago_us(60)
    with producer(bench) as made:
        send(made, bench, good(bench, vins[0], time_us), [(Raw("x"), b"\x00"), *PROTOBUF])
        many = [("", b"")] * (MAX_HEADERS + 1)
        place = send(made, bench, good(bench, vins[0], time_us + 1), [*many, *PROTOBUF])
        send(made, bench, good(bench, vins[1], time_us), [("content-type", b""), *PROTOBUF])
    bench.drain()
    assert set(bench.rows(*vins)) == {(vins[0], time_us)}
    by_reason = {header(letter, "reason"): letter for letter in bench.letters()}
    assert set(by_reason) == {"unreadable_batch", "unknown_content_type"}
    assert source(by_reason["unreadable_batch"]) == place
    assert good(bench, vins[0], time_us + 1) in by_reason["unreadable_batch"].value


def test_message_of_50_megabytes_is_refused_with_its_bytes_or_where_it_lies(bench: Bench) -> None:
    (vin,) = new_vins(1)
    time_us, huge = ago_us(60), np.random.default_rng(1).bytes(50_000_000)
    set_largest(bench, bench.settings.topic, 64 * MIB)
    with producer(bench) as made:
        first = send(made, bench, huge)
        send(made, bench, good(bench, vin, time_us))
        bench.drain()
        set_largest(bench, bench.settings.dead_topic, MIB)
        second = send(made, bench, huge)
        send(made, bench, good(bench, vin, time_us + 1))
        bench.drain()
    assert set(bench.rows(vin)) == {(vin, time_us), (vin, time_us + 1)}
    kept, pointer = bench.letters()
    assert (source(kept), kept.value == huge) == (first, True)
    assert (source(pointer), pointer.value) == (second, b"")
    assert header(pointer, "left-out") == "50000000"
    assert {header(letter, "reason") for letter in (kept, pointer)} == {"too_large"}
    assert bench.counts("refused") == {"too_large": 2}
    publisher = Publisher(bench.settings, bench.bootstrap)
    with TopicLog(bench.settings.dead_topic, bench.settings, bench.bootstrap) as log:
        pointers = [it for it in letters(log.entries(), Wanted()) if it.left_out is not None]
        assert [str(it.source) for it in pointers] == [f"{bench.settings.topic}/0/{second[1]}"]
        assert dead_letters.replay(pointers, publisher) == 0
    publisher.close()


def test_largest_message_is_a_setting(bench: Bench) -> None:
    (vin,) = new_vins(1)
    bench.send(bench.message(vin, {ago_us(60): {"wheel_speed": 1.0}}))
    bench.drain(message_bytes=10)
    assert bench.counts("refused") == {"too_large": 1}
    assert bench.rows(vin) == {}


@contextmanager
def poisoned(bench: Bench, condition: str) -> Iterator[None]:
    """The database refuses events unless the condition holds."""
    with connect(bench.dsn) as connection:
        connection.execute(
            f"ALTER TABLE vehicle_event ADD CONSTRAINT no_poison CHECK ({condition}) NOT VALID"
        )
        try:
            yield
        finally:
            connection.execute("ALTER TABLE vehicle_event DROP CONSTRAINT no_poison")


def event(bench: Bench, vin: str, time_us: int, detail: str) -> Any:
    told = Trigger(time_us=time_us, type=TriggerType.TELL_TALE, detail=detail)
    return bench.message(vin, {time_us: {"wheel_speed": 8.0}}, (told,))


def test_message_that_the_database_refuses_is_buried_alone(bench: Bench) -> None:
    vins, time_us = new_vins(40), ago_us(600)
    with poisoned(bench, "detail <> 'poison'"):
        places = bench.send(
            *(
                event(bench, vin, time_us, "poison" if number in (7, 23) else "fine")
                for number, vin in enumerate(vins)
            )
        )
        bench.send_raw((b"k", b"\xff", []))
        done = bench.drain(batch_seconds=2)
    taken = [vin for number, vin in enumerate(vins) if number not in (7, 23)]
    assert set(bench.rows(*vins)) == {(vin, time_us) for vin in taken}
    found = {source(letter): letter for letter in bench.letters()}
    assert len(bench.letters()) == 3  # none of them twice
    for number in (7, 23):
        letter = found[places[number]]
        assert header(letter, "reason") == "database_refused"
        assert "no_poison" in header(letter, "detail")
        assert header(letter, "vin") == vins[number]
        assert letter.value == encode_protobuf(event(bench, vins[number], time_us, "poison"))
    assert bench.counts("refused") == {"database_refused": 2, "unknown_content_type": 1}
    assert sum(bench.counts("messages").values()) == 41
    assert (done.messages, done.refused) == (41, 3)
    # Two messages in 41: two halves at each of at most six halvings, for each of the two.
    assert done.batches <= 2 * 2 * 6
    publisher = Publisher(bench.settings, bench.bootstrap)
    with TopicLog(bench.settings.dead_topic, bench.settings, bench.bootstrap) as log:
        wanted = Wanted(reason="database_refused")
        assert dead_letters.replay(letters(log.entries(), wanted), publisher) == 2
    publisher.close()
    bench.drain()
    assert set(bench.rows(*vins)) == {(vin, time_us) for vin in vins}


def test_worker_stops_where_the_database_refuses_vehicle_after_vehicle(bench: Bench) -> None:
    count = isolation.REFUSED_VEHICLES
    vins, time_us = new_vins(2 * count), ago_us(600)
    bench.send(*(event(bench, vin, time_us, "any") for vin in vins))
    with (
        poisoned(bench, "false"),
        pytest.raises(EverythingRefusedError, match=rf"{count} vehicles .*no_poison"),
    ):
        bench.worker().run(threading.Event(), until_idle_s=60)
    assert len(bench.letters()) == count - 1
    assert sum(bench.offsets().values()) == count - 1
    bench.drain()
    assert len(bench.rows(*vins)) == count + 1


def test_one_vehicles_poison_alone_does_not_stop_the_worker(bench: Bench) -> None:
    vins, time_us = new_vins(2), ago_us(600)
    count = isolation.REFUSED_VEHICLES + 5
    with poisoned(bench, "detail <> 'poison'"):
        bench.send(*(event(bench, vins[0], time_us + n, "poison") for n in range(count)))
        bench.send(event(bench, vins[1], time_us, "fine"))
        bench.drain()
    assert bench.counts("refused") == {"database_refused": count}
    assert set(bench.rows(*vins)) == {(vins[1], time_us)}


def test_tables_of_another_version_stop_the_worker_and_bury_nothing(bench: Bench) -> None:
    (vin,) = new_vins(1)
    bench.send(event(bench, vin, ago_us(600), "any"))
    with connect(bench.dsn) as connection:
        connection.execute("ALTER TABLE vehicle_event RENAME COLUMN detail TO details")
        try:
            with pytest.raises(StorageError, match="telemetry migrate"):
                bench.worker().run(threading.Event(), until_idle_s=60)
        finally:
            connection.execute("ALTER TABLE vehicle_event RENAME COLUMN details TO detail")
    assert (bench.letters(), bench.offsets()) == ([], {})
    bench.drain()
    assert len(bench.rows(vin)) == 1


def test_flood_of_one_vehicles_rubbish_costs_the_others_no_batch_of_theirs(bench: Bench) -> None:
    vins, time_us = new_vins(21), ago_us(600)
    rubbish = gzip.compress(os.urandom(200))
    for number, vin in enumerate(vins):
        bench.send_raw(*((vins[0].encode(), rubbish, PROTOBUF) for _ in range(200)), partition=0)
        if number:
            sent = good(bench, vin, time_us)
            bench.send_raw((vin.encode(), sent, PROTOBUF), partition=0)
    # A refused message weighs as much as a frame: 4,220 of both make four batches.
    done = bench.drain(batch_seconds=60, batch_frames=1055)
    assert set(bench.rows(*vins)) == {(vin, time_us) for vin in vins[1:]}
    assert done.refused == len(bench.letters()) == 21 * 200
    assert done.batches == 4
