"""What a vehicle-day costs on its way in, sent as trucks send it: ten seconds a message."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import TYPE_CHECKING

import numpy as np
import psutil
from zstandard import ZstdCompressor

from benchmarks.scale_watch import Watch
from benchmarks.streaming import filled, registered, working
from schemas.wire import encode_protobuf
from simulator import SimulationConfig, messages, simulate
from storage.connection import connect

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pydantic import SecretStr

    from schemas.wire import Message

UPLOAD_S = 10
TOGETHER = 100
"""Messages that a producer compresses together."""
SEED = 1
DAYS_BACK = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Ingested:
    """Of one frame: processor time [s], bytes, and the rate of a worker."""

    frames_per_s: float
    worker_s: float
    database_s: float
    wal_bytes: float


def uploads(vehicles: int) -> list[Message]:
    """All that a fleet uploads in a day of UTC."""
    today = datetime.now(tz=UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    config = SimulationConfig(
        vehicles=vehicles, days=1, seed=SEED, start=today - timedelta(days=DAYS_BACK)
    )
    return [message for chunk in simulate(config) for message in messages(chunk, upload_s=UPLOAD_S)]


def values(sent: Sequence[Message]) -> int:
    """Values in messages that are not absent."""
    return sum(
        int(np.count_nonzero(~np.isnan(block.values)))
        + int(np.count_nonzero(~np.isnan(block.wide_values)))
        for message in sent
        for block in message.blocks
    )


def wire_bytes(sent: Sequence[Message]) -> int:
    """What messages take in Kafka, compressed some together as a producer does."""
    packer, payloads = ZstdCompressor(), [encode_protobuf(message) for message in sent]
    return sum(
        len(packer.compress(b"".join(payloads[first : first + TOGETHER])))
        for first in range(0, len(payloads), TOGETHER)
    )


@contextmanager
def ingested(bootstrap: str, sent: Sequence[Message]) -> Iterator[tuple[SecretStr, Ingested]]:
    """A database into which one worker has written all of it, and what that cost."""
    with filled(bootstrap, sent) as full, registered(full.vins) as dsn, connect(dsn) as connection:
        with working(full.topic, bootstrap, dsn) as processes:
            worker = next(
                child
                for child in psutil.Process().children()
                if "benchmarks.ingest_worker" in child.cmdline()
            )
            lanes = worker.children()
            watch, began = Watch(connection, [worker, *lanes]), monotonic()
            ended = processes.wait_for(full.frames)
            used = watch.stop()
        yield (
            dsn,
            Ingested(
                frames_per_s=full.frames / (ended - began),
                worker_s=used.worker_s / full.frames,
                database_s=used.database_s / full.frames,
                wal_bytes=used.wal_bytes / full.frames,
            ),
        )
