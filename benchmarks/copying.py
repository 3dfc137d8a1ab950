"""The fastest and the slowest way to the same rows in the same tables."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from time import perf_counter
from typing import TYPE_CHECKING
from uuid import uuid4

import kafka
from psycopg import sql

from benchmarks.databases import database
from ingest.assemble import Assembler
from ingest.record import Record
from ingest.settings import IngestSettings
from schemas import catalogue
from schemas.wire import ContentType, encode_protobuf
from storage import binary_copy
from storage.connection import connect, server
from storage.partitions import ensure_days
from storage.row_writer import COPY_CHUNK_BYTES
from storage.signal_tables import stored_table
from storage.steps import read_steps

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmarks.streaming import Filled
    from schemas.wire import Message
    from storage.connection import Connection
    from storage.steps import Steps

DAYS_BACK = 3
"""Days whose partitions plain PostgreSQL needs beforehand."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EncodedBatch:
    """A batch's rows, ready to be copied."""

    parts: tuple[tuple[str, binary_copy.Encoded], ...]
    """By table."""
    frames: int


def steps_of_server() -> Steps:
    """What a database of ours on this server keeps in steps."""
    with database() as dsn, connect(dsn) as connection:
        return read_steps(connection)


def encoded(sent: Iterable[Message], steps: Steps) -> list[EncodedBatch]:
    """The rows that ingest writes, in batches of its size, ready for a database with such steps."""
    signals, assembler = catalogue.default(), frame_assembler()
    batches, batch_frames = [], IngestSettings().batch_frames

    def build() -> None:
        frames = assembler.frames
        parts = tuple(
            (
                stored_table(rows.group, steps),
                binary_copy.encode(rows, signals.groups[rows.group], steps.get(rows.group, {})),
            )
            for rows in assembler.build(datetime.now(tz=UTC), ()).batch.groups
        )
        batches.append(EncodedBatch(parts=parts, frames=frames))

    for offset, message in enumerate(sent):
        assembler.add(record_of(offset, encode_protobuf(message)))
        if assembler.weight >= batch_frames:
            build()
    if not assembler.empty:
        build()
    return batches


def frame_assembler() -> Assembler:
    """What lays a worker's batches out, with numbers of its own for the VINs."""
    numbers = dict[str, int]()
    return Assembler(
        catalogue.default(),
        lambda vin: numbers.setdefault(vin, len(numbers) + 1),
        retention=timedelta(days=90),
        future_tolerance=timedelta(minutes=10),
        report_interval_s=60,
    )


def record_of(offset: int, payload: bytes) -> Record:
    """A Protobuf message as it comes out of a topic."""
    return Record(
        topic="bench",
        partition=0,
        offset=offset,
        key=None,
        value=payload,
        content_type=ContentType.PROTOBUF,
    )


def raw_copy(batches: Sequence[EncodedBatch], *, connections: int = 1) -> float:
    """Nothing but COPY and COMMIT of rows encoded beforehand, keys on [frames/s]."""
    with database() as dsn:
        with connect(dsn) as connection:
            ensure_partitions(connection)
        shares = [batches[number::connections] for number in range(connections)]
        opened = [connect(dsn) for _ in shares]
        began = perf_counter()
        # libpq waits without the interpreter's lock, and COPY is PostgreSQL's work: threads do.
        with ThreadPoolExecutor(connections) as threads:
            list(threads.map(_copy, opened, shares))
        seconds = perf_counter() - began
        for connection in opened:
            connection.close()
    return sum(batch.frames for batch in batches) / seconds


def ensure_partitions(connection: Connection) -> None:
    """Where tables are plain partitions, those that the frames need."""
    if server(connection).timescaledb is None:
        today = datetime.now(tz=UTC).date()
        days = {today - timedelta(days=back) for back in range(DAYS_BACK)}
        ensure_days(connection, catalogue.default().groups, days)


def _copy(connection: Connection, batches: Sequence[EncodedBatch]) -> None:
    for batch in batches:
        with connection.transaction():
            copy_batch(connection, batch.parts)


def copy_batch(connection: Connection, parts: Iterable[tuple[str, binary_copy.Encoded]]) -> None:
    """COPY a batch's rows, table by table, within the caller's transaction."""
    with connection.cursor() as cursor:
        for table, rows in parts:
            statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(
                sql.Identifier(table),
                sql.SQL(", ").join(map(sql.Identifier, rows.columns)),
            )
            with cursor.copy(statement) as copy:
                copy.write(binary_copy.HEADER)
                data = rows.data.data
                for start in range(0, len(data), COPY_CHUNK_BYTES):
                    copy.write(data[start : start + COPY_CHUNK_BYTES])
                copy.write(binary_copy.TRAILER)


def naive(source: Filled) -> float:
    """A first consumer: a message at a time, one executemany a table, a commit [frames/s]."""
    signals = catalogue.default()
    columns = {
        group.name: [signal.name for signal in group.signals] for group in signals.groups.values()
    }
    booleans = {signal.name for signal in signals.signals if signal.type == "boolean"}
    consumer = kafka.KafkaConsumer(
        source.topic,
        bootstrap_servers=source.bootstrap.split(","),
        group_id=f"{source.topic}.naive.{uuid4().hex[:8]}",
        auto_offset_reset="earliest",
    )
    numbers = {vin: number for number, vin in enumerate(source.vins, start=1)}
    with database() as dsn, connect(dsn) as connection:
        ensure_partitions(connection)
        steps = read_steps(connection)
        # Whoever knows nothing of steps writes values, which the same tables take too.
        statements = {
            group: f"INSERT INTO {stored_table(group, steps)}"
            f" (vehicle_id, time, {', '.join(names)})"
            f" VALUES (%s, %s, {', '.join(['%s'] * len(names))})"
            for group, names in columns.items()
        }
        began = perf_counter()  # as a worker's: joining the group is part of it
        for record in islice(consumer, source.messages):
            message = json.loads(record.value)
            with connection.transaction(), connection.cursor() as cursor:
                for group, names in columns.items():
                    rows = []
                    for frame in message["frames"]:
                        values = frame["signals"]
                        cells = [
                            None
                            if (value := values.get(name)) is None
                            else bool(value)
                            if name in booleans
                            else value
                            for name in names
                        ]
                        if any(cell is not None for cell in cells):
                            rows.append([numbers[message["vin"]], frame["time"], *cells])
                    cursor.executemany(statements[group], rows)
        seconds = perf_counter() - began
    consumer.close()
    return source.frames / seconds
