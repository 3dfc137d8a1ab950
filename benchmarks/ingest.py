"""Ingest, end to end, against the fastest and the slowest way to the same rows in the same tables.

- raw COPY: the rows encoded beforehand, one connection, nothing but COPY and COMMIT;
- ingest: a worker process on a filled topic: fetch, decode, check, encode, COPY, state, commit;
- naive: json.loads and one executemany a table and message, as a first consumer is written.

The frames: 420 signals of which 363 are present, 60 a message, of 1,000 vehicles. Three rounds,
each with all contenders in turn on a new database; medians are compared.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import TYPE_CHECKING
from uuid import uuid4

import kafka
from psycopg import sql

from benchmarks.databases import database, servers
from benchmarks.frames import PRESENT, SIGNALS, full_messages
from ingest.assemble import Assembler
from ingest.kafka import Publisher, ensure_topics
from ingest.record import Record
from ingest.settings import IngestSettings
from schemas import catalogue
from schemas.wire import ContentType, encode_json, encode_protobuf
from storage import binary_copy, registers
from storage.connection import connect, server
from storage.partitions import ensure_days
from storage.signal_tables import table_name

if TYPE_CHECKING:
    from schemas.wire import Message

ROUNDS = 3
VEHICLES = 1000
MESSAGES = 2000
"""Protobuf messages for COPY and ingest: 120,000 frames a round."""
NAIVE_MESSAGES = 60
"""The naive consumer gets 3,600 frames a round: enough for a rate."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EncodedBatch:
    """Ten thousand frames, ready to be copied."""

    parts: tuple[tuple[str, binary_copy.Encoded], ...]


def run() -> dict[str, float]:
    """Measure; frames a second unless the name says otherwise."""
    sent = list(full_messages(vehicles=VEHICLES, messages=MESSAGES))
    frames = sum(message.frame_count for message in sent)
    rates: dict[str, list[float]] = {"raw_copy": [], "ingest": [], "naive": []}
    peaks: list[float] = []
    with servers() as bootstrap:
        settings = IngestSettings(topic=f"bench.{uuid4().hex[:8]}")
        ensure_topics(settings, bootstrap)
        publisher = Publisher(settings, bootstrap)
        for message in sent:
            publisher.send(message.vin, encode_protobuf(message), ContentType.PROTOBUF)
        publisher.close()
        try:
            for number in range(1, ROUNDS + 1):
                rates["raw_copy"].append(_raw_copy(sent))
                rate, peak = _ingest(settings, bootstrap, frames)
                rates["ingest"].append(rate)
                peaks.append(peak)
                rates["naive"].append(_naive(sent[:NAIVE_MESSAGES]))
                print(
                    f"round {number}: "
                    + ", ".join(f"{name} {values[-1]:,.0f}/s" for name, values in rates.items()),
                    flush=True,
                )
        finally:
            admin = kafka.KafkaAdminClient(bootstrap_servers=bootstrap.split(","))
            admin.delete_topics([settings.topic, settings.dead_topic])
            admin.close()
    medians = {name: statistics.median(values) for name, values in rates.items()}
    return {
        "frames": frames,
        "signals_a_frame": SIGNALS,
        "present_a_frame": PRESENT,
        **{f"{name}_frames_per_s": rate for name, rate in medians.items()},
        **{f"{name}_values_per_s": rate * PRESENT for name, rate in medians.items()},
        "ingest_peak_memory_mb": statistics.median(peaks),
        "ingest_of_raw_copy": medians["ingest"] / medians["raw_copy"],
        "ingest_of_naive": medians["ingest"] / medians["naive"],
    }


def _raw_copy(sent: list[Message]) -> float:
    """COPY of rows encoded beforehand, a transaction every ten thousand frames."""
    groups = catalogue.default().groups
    with database() as dsn, connect(dsn) as connection:
        batches = _encoded(sent)
        if server(connection).timescaledb is None:
            days = {datetime.now(tz=UTC).date() - timedelta(days=back) for back in range(3)}
            ensure_days(connection, groups, days)
        began = perf_counter()
        for batch in batches:
            with connection.transaction(), connection.cursor() as cursor:
                for table, encoded in batch.parts:
                    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(
                        sql.Identifier(table),
                        sql.SQL(", ").join(map(sql.Identifier, encoded.columns)),
                    )
                    with cursor.copy(statement) as copy:
                        copy.write(binary_copy.HEADER)
                        data = encoded.data.data
                        for start in range(0, len(data), 1 << 20):
                            copy.write(data[start : start + (1 << 20)])
                        copy.write(binary_copy.TRAILER)
        seconds = perf_counter() - began
    return sum(message.frame_count for message in sent) / seconds


def _encoded(sent: list[Message]) -> list[EncodedBatch]:
    """The rows that ingest writes, encoded."""
    signals = catalogue.default()
    settings = IngestSettings()
    numbers: dict[str, int] = {}
    assembler = Assembler(
        signals,
        lambda vin: numbers.setdefault(vin, len(numbers) + 1),
        retention=timedelta(days=90),
        future_tolerance=timedelta(minutes=10),
        report_interval_s=60,
    )
    batches = []
    for place, message in enumerate(sent, start=1):
        assembler.add(
            Record(
                topic="bench",
                partition=0,
                offset=place,
                key=None,
                value=encode_protobuf(message),
                content_type=ContentType.PROTOBUF,
            )
        )
        if assembler.frames >= settings.batch_frames or place == len(sent):
            batch = assembler.build(datetime.now(tz=UTC), ()).batch
            parts = tuple(
                (table_name(rows.group), binary_copy.encode(rows, signals.groups[rows.group]))
                for rows in batch.groups
            )
            batches.append(EncodedBatch(parts=parts))
    return batches


def _ingest(settings: IngestSettings, bootstrap: str, frames: int) -> tuple[float, float]:
    """A worker process drains the topic; frames/s and its peak memory in megabytes."""
    with database() as dsn:
        with connect(dsn) as connection:
            for message in full_messages(vehicles=VEHICLES, messages=VEHICLES):
                registers.register_vehicle(connection, message.vin)
        answer = subprocess.run(
            [sys.executable, "-m", "benchmarks.ingest_worker"],
            input=json.dumps(
                {
                    "dsn": dsn.get_secret_value(),
                    "bootstrap": bootstrap,
                    "topic": settings.topic,
                    "group": f"bench.{uuid4().hex[:8]}",
                    "frames": frames,
                }
            ),
            capture_output=True,
            text=True,
            check=True,
        )
    measured = json.loads(answer.stdout)
    return frames / measured["seconds"], measured["peak_mb"]


def _naive(sent: list[Message]) -> float:
    """JSON, a dictionary a frame, one executemany a table and message, a commit a message."""
    signals = catalogue.default()
    payloads = [(message.vin, encode_json(message, signals)) for message in sent]
    columns = {
        group.name: [signal.name for signal in group.signals] for group in signals.groups.values()
    }
    statements = {
        group: f"INSERT INTO {table_name(group)} (vehicle_id, time, {', '.join(names)})"
        f" VALUES (%s, %s, {', '.join(['%s'] * len(names))})"
        for group, names in columns.items()
    }
    booleans = {signal.name for signal in signals.signals if signal.type == "boolean"}
    with database() as dsn, connect(dsn) as connection:
        if server(connection).timescaledb is None:
            days = {datetime.now(tz=UTC).date() - timedelta(days=back) for back in range(3)}
            ensure_days(connection, signals.groups, days)
        began = perf_counter()
        for vehicle_id, (_, payload) in enumerate(payloads, start=1):
            message = json.loads(payload)
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
                        rows.append([vehicle_id, frame["time"], *cells])
                    cursor.executemany(statements[group], rows)
        seconds = perf_counter() - began
    return sum(message.frame_count for message in sent) / seconds
