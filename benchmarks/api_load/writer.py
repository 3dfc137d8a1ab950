"""Ingest beside the API: uploads as trucks send them, by ingest's own writer at a steady rate.

An upload is ten seconds of one truck: ten rows of the fast groups, one of the others, its state,
and once a minute a report. What is left out is Kafka and decoding: the database
sees nothing of these.
"""

from __future__ import annotations

import json
import select
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from typing import TYPE_CHECKING

import numpy as np
from pydantic import SecretStr

from benchmarks.copying import record_of
from benchmarks.frames import messages_by_period
from ingest.assemble import Assembler
from schemas import catalogue
from schemas.wire import encode_protobuf
from storage.connection import connect, server
from storage.frame_writer import FrameWriter

if TYPE_CHECKING:
    from schemas.wire import Message

POOL = 120
"""Minutes of trucks that are sent again and again, at new times."""

UPLOAD_ROWS = 10


def main() -> None:
    """Write until standard input closes; tells when the first of all vehicles is written."""
    task = json.loads(sys.stdin.readline())
    dsn = SecretStr(task["dsn"])
    with connect(dsn) as connection:
        numbers: dict[str, int] = dict(
            connection.execute("SELECT vin, vehicle_id FROM load.vehicle ORDER BY n").fetchall()
        )
    writer = FrameWriter(
        connect(dsn), server(connect(dsn)), catalogue.default(), refused_values_kept=1000
    )
    assembler = Assembler(
        catalogue.default(),
        numbers.get,
        retention=timedelta(days=90),
        future_tolerance=timedelta(minutes=10),
        report_interval_s=60,
    )
    pool = list(islice(messages_by_period(vehicles=POOL, messages=POOL), POOL))
    vins, shapes = cycle(numbers), cycle(pool)

    def write(uploads: int, now: datetime) -> None:
        for _ in range(uploads):
            message = _upload(next(shapes), next(vins), now)
            assembler.add(record_of(0, encode_protobuf(message)))
        batch = assembler.build(datetime.now(tz=UTC), ()).batch
        writer.write(replace(batch, offsets=(), counts={}))
        writer.publish_reports()

    for start in range(0, len(numbers), 200):
        write(min(200, len(numbers) - start), datetime.now(tz=UTC))
    print("ready", flush=True)
    due, written = time.monotonic(), 0
    behind = 0.0
    while not _ended():
        write(task["uploads_per_s"], datetime.now(tz=UTC))
        written += task["uploads_per_s"]
        due += 1
        behind = max(behind, time.monotonic() - due)
        time.sleep(max(0.0, due - time.monotonic()))
    print(json.dumps({"uploads": written, "behind_s": behind}), flush=True)


def _ended() -> bool:
    return bool(select.select([sys.stdin], [], [], 0)[0])


def _upload(shape: Message, vin: str, now: datetime) -> Message:
    """Ten seconds of that truck that end now."""
    end_us = int(now.timestamp()) * 1_000_000
    blocks = []
    for block in shape.blocks:
        rows = min(UPLOAD_ROWS, len(block.times_us)) if len(block.times_us) > UPLOAD_ROWS else 1
        step_us = 1_000_000 if rows > 1 else 10_000_000
        times_us = end_us - np.arange(rows, dtype=np.int64)[::-1] * step_us
        blocks.append(
            replace(
                block,
                times_us=times_us,
                values=block.values[:rows],
                wide_values=block.wide_values[:rows],
            )
        )
    return replace(shape, vin=vin, blocks=tuple(blocks))


if __name__ == "__main__":
    main()
