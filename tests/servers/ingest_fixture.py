"""A topic and tables of a test's own, and the ledger of what was sent and must be found there."""

from __future__ import annotations

import itertools
import threading
import time
import uuid
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import kafka
import numpy as np
import pytest
from kafka.admin import KafkaAdminClient
from psycopg import sql

from ingest.kafka import ensure_topics
from ingest.lanes.reader import Reader
from ingest.progress import Progress
from ingest.settings import IngestSettings
from ingest.worker import Worker
from schemas.wire import ContentType, Message, encode_json, encode_protobuf, make_block
from storage.connection import connect
from storage.settings import StorageSettings
from storage.signal_tables import table_name
from tests.asking.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray
    from pydantic import SecretStr

    from schemas.catalogue import Catalogue, Signal, ValueType
    from schemas.wire import Event
    from tests.servers.database_fixture import Migrated
    from tests.servers.servers_fixture import Addresses

SECOND_US = 1_000_000

Values = dict[str, float]
Key = tuple[str, int]
"""VIN and microseconds since 1970."""


def vin(number: int) -> str:
    """A VIN by number, alike in all else."""
    return f"LVBV3ABB5PE{number:06d}"


def new_vins(count: int) -> list[str]:
    """VINs that no other test of this session has."""
    return [vin(next(_numbers)) for _ in range(count)]


_numbers = itertools.count(100_000)


def ago_us(seconds: float) -> int:
    """Our clock so long ago, on a full second [µs since 1970]."""
    return (int(time.time()) - int(seconds)) * SECOND_US


def sample_signals(catalogue: Catalogue) -> list[Signal]:
    """Of each group, one signal of every type it has: few columns that leave no path out."""
    found: dict[tuple[str, ValueType], Signal] = {}
    for group in catalogue.groups.values():
        for signal in group.signals:
            found.setdefault((group.name, signal.type), signal)
    return list(found.values())


def random_values(
    signals: Sequence[Signal], frames: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """(frames, signals) values within the limits that float32 holds, a fifth of them absent."""
    lowest = np.array([max(s.minimum, -1000) for s in signals])
    highest = np.array([min(s.maximum, 1000) for s in signals])
    table: NDArray[np.float64] = np.floor(rng.uniform(lowest, highest, (frames, len(signals))))
    table = np.maximum(table, np.ceil(lowest))
    table[rng.random(table.shape) < 0.2] = np.nan
    return table


@dataclass
class Ledger:
    """What was sent, and so must be in the tables once and alone."""

    catalogue: Catalogue
    values: dict[Key, Values] = field(default_factory=dict)
    dead: set[tuple[int, int]] = field(default_factory=set)
    """Partition and offset of every message that must have a letter."""

    def note(self, vin_: str, times_us: Iterable[int], rows: Iterable[Mapping[str, float]]) -> None:
        """Lay these over what is known: absent never erases."""
        for time_us, row in zip(times_us, rows, strict=True):
            present = {name: value for name, value in row.items() if not np.isnan(value)}
            if present:
                self.values.setdefault((vin_, time_us), {}).update(present)

    def message(
        self, vin_: str, first_us: int, frames: int, rng: np.random.Generator, step_s: int = 1
    ) -> Message:
        """A message of values that float32 holds, a fifth of them absent; it is noted."""
        signals = sample_signals(self.catalogue)
        times = first_us + np.arange(frames, dtype=np.int64) * step_s * SECOND_US
        table = random_values(signals, frames, rng)
        names = [signal.name for signal in signals]
        self.note(
            vin_, times.tolist(), (dict(zip(names, row, strict=True)) for row in table.tolist())
        )
        return Message(
            vin=vin_,
            catalogue_version=self.catalogue.version,
            blocks=(make_block(self.catalogue, [s.id for s in signals], times, table),),
            events=(),
        )


@dataclass
class Bench:
    """One topic with its dead letters, one group, and the tables behind them."""

    settings: IngestSettings
    bootstrap: str
    dsn: SecretStr
    catalogue: Catalogue
    storage: StorageSettings = field(default_factory=StorageSettings)
    _producer: Any = None

    def signal_id(self, name: str) -> int:
        """A signal's number on the wire."""
        return self.catalogue.resolve(name).id

    def message(
        self,
        vin_: str,
        rows: Mapping[int, Mapping[str, float]],
        events: tuple[Event, ...] = (),
    ) -> Message:
        """A message of one block, from values by time and name."""
        if not rows:
            return Message(vin=vin_, catalogue_version=1, blocks=(), events=events)
        names = list(dict.fromkeys(name for row in rows.values() for name in row))
        table = [[row.get(name, np.nan) for name in names] for row in rows.values()]
        block = make_block(
            self.catalogue,
            [self.signal_id(name) for name in names],
            np.array(list(rows), dtype=np.int64),
            np.array(table, dtype=np.float64).reshape(len(rows), len(names)),
        )
        return Message(vin=vin_, catalogue_version=1, blocks=(block,), events=events)

    def send(self, *messages: Message, json: bool = False) -> list[tuple[int, int]]:
        """Send messages; returns partition and offset of each."""
        encode: Callable[[Message], bytes] = encode_protobuf
        if json:
            encode = lambda message: encode_json(message, self.catalogue)  # noqa: E731 - one or the other
        kind = ContentType.JSON if json else ContentType.PROTOBUF
        return self.send_raw(
            *(
                (message.vin.encode(), encode(message), [("content-type", kind.encode())])
                for message in messages
            )
        )

    def send_raw(
        self,
        *messages: tuple[bytes | None, bytes | None, list[tuple[str, bytes]]],
        partition: int | None = None,
    ) -> list[tuple[int, int]]:
        """Send bytes as they are: key, value, headers."""
        if self._producer is None:
            self._producer = kafka.KafkaProducer(
                bootstrap_servers=self.bootstrap, max_request_size=16 << 20, linger_ms=5
            )
        futures = [
            self._producer.send(
                self.settings.topic, key=key, value=value, headers=headers, partition=partition
            )
            for key, value, headers in messages
        ]
        self._producer.flush()
        return [
            (done.partition, done.offset) for done in (f.get(timeout=PATIENCE_S) for f in futures)
        ]

    def worker(self, **changes: Any) -> Worker:
        """A worker, with other settings where they are named."""
        return Worker(
            self.settings.model_copy(update=changes),
            self.storage,
            bootstrap=self.bootstrap,
            dsn=self.dsn,
            catalogue=self.catalogue,
        )

    def reader(self, **changes: Any) -> Reader:
        """A worker whose lanes are processes, likewise."""
        return Reader(
            self.settings.model_copy(update=changes),
            self.storage,
            bootstrap=self.bootstrap,
            dsn=self.dsn,
            catalogue=self.catalogue,
        )

    def drain(self, **changes: Any) -> Progress:
        """Run a worker until all that the topic holds is taken in."""
        stop, until, ends = threading.Event(), time.monotonic() + PATIENCE_S, self._ends()

        def look(_: Progress) -> None:
            if self.offsets() == ends:
                stop.set()

        # A busy machine can be idle for a moment with much left to do.
        worker, idle_s = self.worker(**changes), 0.4
        done = worker.run(stop, until_idle_s=idle_s, progress=look)
        while self.offsets() != ends and time.monotonic() < until:
            idle_s *= 2
            more = self.worker(**changes).run(stop, until_idle_s=idle_s, progress=look)
            done = Progress(
                frames=done.frames + more.frames,
                messages=done.messages + more.messages,
                refused=done.refused + more.refused,
                batches=done.batches + more.batches,
            )
        return done

    def _ends(self) -> dict[int, int]:
        """Where the topic ends, of the partitions that hold anything."""
        consumer = kafka.KafkaConsumer(bootstrap_servers=self.bootstrap)
        try:
            topic = self.settings.topic
            partitions = [
                kafka.TopicPartition(topic, number)
                for number in consumer.partitions_for_topic(topic) or ()
            ]
            ends = consumer.end_offsets(partitions)
        finally:
            consumer.close()
        return {partition.partition: offset for partition, offset in ends.items() if offset}

    def rows(self, *vins: str) -> dict[Key, Values]:
        """Every value in the signal tables, of these vehicles or of all that this topic brought."""
        found: dict[Key, Values] = {}
        with connect(self.dsn) as connection:
            for group in self.catalogue.groups.values():
                names = [signal.name for signal in group.signals]
                statement = sql.SQL(
                    "SELECT vin, (extract(epoch FROM time) * 1000000)::bigint, {} FROM {}"
                    " JOIN vehicle USING (vehicle_id) WHERE vin = ANY (%s)"
                ).format(
                    sql.SQL(", ").join(map(sql.Identifier, names)),
                    sql.Identifier(table_name(group.name)),
                )
                for vin_, time_us, *values in connection.execute(statement, (list(vins),)):
                    row = found.setdefault((vin_, time_us), {})
                    for name, value in zip(names, values, strict=True):
                        if value is not None:
                            row[name] = float(value)
        return found

    def execute(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Rows of a statement."""
        with connect(self.dsn) as connection:
            return connection.execute(statement, parameters).fetchall()

    def counts(self, measure: str) -> dict[str, int]:
        """The exact counts of this topic, by key."""
        return {
            key: int(count)
            for key, count in self.execute(
                "SELECT key, sum(count) FROM ingest_count WHERE topic = %s AND measure = %s"
                " GROUP BY key",
                self.settings.topic,
                measure,
            )
        }

    def offsets(self) -> dict[int, int]:
        """Where the database stands, by partition."""
        return dict(
            self.execute(
                "SELECT partition, next_offset FROM ingest_offset WHERE topic = %s",
                self.settings.topic,
            )
        )

    def letters(self) -> list[Any]:
        """All records of the dead-letter topic."""
        consumer = kafka.KafkaConsumer(bootstrap_servers=self.bootstrap)
        try:
            partition = kafka.TopicPartition(self.settings.dead_topic, 0)
            consumer.assign([partition])
            consumer.seek_to_beginning(partition)
            end = consumer.end_offsets([partition])[partition]
            found: list[Any] = []
            while consumer.position(partition) < end:
                for records in consumer.poll(timeout_ms=500).values():
                    found += records
            return found
        finally:
            consumer.close()

    def close(self) -> None:
        """Let the producer and the topics go."""
        if self._producer is not None:
            self._producer.close()
        admin = KafkaAdminClient(bootstrap_servers=self.bootstrap)
        with suppress(kafka.errors.UnknownTopicOrPartitionError):
            admin.delete_topics([self.settings.topic, self.settings.dead_topic])
        admin.close()


def header(letter: Any, name: str) -> str:
    """A letter's header of ours as text, "" where it has none."""
    return next((value.decode() for key, value in letter.headers if key == f"refused-{name}"), "")


def source(letter: Any) -> tuple[int, int]:
    """Partition and offset of the message that a letter holds."""
    return int(header(letter, "partition")), int(header(letter, "offset"))


@contextmanager
def running(worker: Worker | Reader) -> Iterator[_Running]:
    """A worker in a thread of its own, stopped at the end; what it raised is raised here."""
    run = _Running(worker)
    run.thread.start()
    try:
        yield run
    finally:
        run.stop.set()
        run.thread.join(timeout=PATIENCE_S)
    assert not run.thread.is_alive()
    if run.error is not None:
        raise run.error


class _Running:
    """A worker at work."""

    def __init__(self, worker: Worker | Reader) -> None:
        self.stop = threading.Event()
        self.error: BaseException | None = None
        self.done = Progress(frames=0, messages=0, refused=0, batches=0)
        self.thread = threading.Thread(target=self._run, args=(worker,))

    def _run(self, worker: Worker | Reader) -> None:
        try:
            worker.run(self.stop, progress=self._note)
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            self.error = error

    def _note(self, done: Progress) -> None:
        self.done = done


def new_bench(bootstrap: str, dsn: SecretStr, catalogue: Catalogue, **changes: Any) -> Bench:
    """A bench with a topic and a group of its own; quick batches, so that tests need not wait."""
    name = f"test.{uuid.uuid4().hex[:10]}"
    fields = {
        "topic": name,
        "group": name,
        "partitions": 3,
        "batch_seconds": 0.1,
        "session_timeout_s": 6,
    } | changes
    settings = IngestSettings.model_validate(fields)
    ensure_topics(settings, bootstrap)
    return Bench(settings=settings, bootstrap=bootstrap, dsn=dsn, catalogue=catalogue)


@pytest.fixture
def bench(servers: Addresses, migrated: Migrated) -> Iterator[Bench]:
    """A topic of this test's own before a database of its module's own."""
    made = new_bench(servers.kafka_bootstrap, migrated.dsn, migrated.catalogue)
    yield made
    made.close()
