"""Where each microsecond of a frame goes: every step alone, and all together in a worker.

Alone: the same messages, each step by itself on one thread, nothing overlapping: fetch, decode,
check (and lay out), encode (sort, merge, newest values, binary COPY format), COPY, commit.
Together: how long the threads of one worker on a filled topic were at each stage; the worker's
thread and the writing threads overlap, so these add up to more than a frame takes. Three rounds;
medians.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from datetime import UTC, datetime
from time import perf_counter
from typing import TYPE_CHECKING

from benchmarks.copying import copy_batch, ensure_partitions, frame_assembler, record_of
from benchmarks.databases import database, servers
from benchmarks.frames import full_messages
from benchmarks.streaming import drain, filled
from ingest.kafka import FrameSource
from ingest.settings import IngestSettings
from schemas import catalogue
from schemas.wire import ContentType, decode, encode_protobuf
from storage.connection import connect
from storage.prepared import prepare

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.streaming import Filled
    from schemas.wire import Message
    from storage.batch import Batch
    from storage.prepared import Prepared

ROUNDS = 3
VEHICLES = 1000
MESSAGES = 2000

WORKER_THREAD = ("fetch", "gather", "build", "prepare", "wait")
"""Stages of the worker's thread: gather decodes, build checks, prepare encodes, wait is idle."""

WRITING_THREADS = ("begin", "copy", "state", "commit", "publish")
"""Stages of the writing threads, of all of them together."""


def run() -> dict[str, float]:
    """Measure; microseconds a frame."""
    sent = list(full_messages(vehicles=VEHICLES, messages=MESSAGES))
    alone: defaultdict[str, list[float]] = defaultdict(list)
    worker: defaultdict[str, list[float]] = defaultdict(list)
    with servers() as bootstrap, filled(bootstrap, sent) as full:
        for number in range(1, ROUNDS + 1):
            for step, seconds in _alone(full, sent).items():
                alone[step].append(1e6 * seconds / full.frames)
            drained = drain(full)
            worker["frame"].append(1e6 / drained.frames_per_s)
            for stage in (*WORKER_THREAD, *WRITING_THREADS):
                worker[stage].append(1e6 * drained.stage_s[stage] / full.frames)
            print(
                f"round {number}: {sum(values[-1] for values in alone.values()):.1f} µs a frame one"
                f" step after the other, {worker['frame'][-1]:.1f} µs in a worker",
                flush=True,
            )
    return {
        **{f"alone_{step}_us": statistics.median(values) for step, values in alone.items()},
        "alone_sum_us": statistics.median(map(sum, zip(*alone.values(), strict=True))),
        **{f"worker_{stage}_us": statistics.median(values) for stage, values in worker.items()},
    }


def _alone(full: Filled, sent: Sequence[Message]) -> dict[str, float]:
    """Each step by itself [s]."""
    payloads = [encode_protobuf(message) for message in sent]
    signals = catalogue.default()
    seconds = {"fetch": _fetch(full)}

    began = perf_counter()
    for payload in payloads:
        decode(ContentType.PROTOBUF, payload, signals)
    seconds["decode"] = perf_counter() - began

    began = perf_counter()
    batches = _assembled(payloads)
    seconds["check"] = perf_counter() - began - seconds["decode"]

    began = perf_counter()
    prepared = [prepare(batch, signals) for batch in batches]
    seconds["encode"] = perf_counter() - began
    return seconds | _copy_and_commit(prepared)


def _fetch(full: Filled) -> float:
    """All records through the consumer, nothing done with them [s]."""
    source = FrameSource(
        IngestSettings(topic=full.topic, group=f"{full.topic}.ladder"), full.bootstrap
    )
    try:
        while not source.assignment_changed() or not source.assignment_complete():
            source.poll(0.1)
        source.start_at(dict.fromkeys(source.assignment()))
        left = full.messages
        began = perf_counter()
        while left > 0:
            left -= len(source.poll(0.1))
        return perf_counter() - began
    finally:
        source.close()


def _assembled(payloads: Sequence[bytes]) -> list[Batch]:
    """Decoded, checked and laid out in batches of a worker's size."""
    assembler = frame_assembler()
    batches = []
    for offset, payload in enumerate(payloads):
        assembler.add(record_of(offset, payload))
        if assembler.weight >= IngestSettings().batch_frames:
            batches.append(assembler.build(datetime.now(tz=UTC), ()).batch)
    if not assembler.empty:
        batches.append(assembler.build(datetime.now(tz=UTC), ()).batch)
    return batches


def _copy_and_commit(prepared: Sequence[Prepared]) -> dict[str, float]:
    """COPY of rows that are ready, and their commits, over one connection [s]."""
    copying = 0.0
    with database() as dsn, connect(dsn) as connection:
        ensure_partitions(connection)
        began = perf_counter()
        for batch in prepared:
            with connection.transaction():
                before = perf_counter()
                copy_batch(
                    connection, [(group.rows.group, group.encoded) for group in batch.groups]
                )
                copying += perf_counter() - before
        return {"copy": copying, "commit": perf_counter() - began - copying}
