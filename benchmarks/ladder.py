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
from schemas.wire import encode_protobuf
from storage.connection import connect
from storage.prepared import prepare
from storage.signal_tables import stored_table
from storage.steps import read_steps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.streaming import Filled
    from schemas.wire import Message

ROUNDS = 3
VEHICLES = 1000
MESSAGES = 2000

WORKER_THREAD = ("fetch", "gather", "wait")
"""Stages of the worker's thread: gather decodes, wait is idle."""

WRITING_THREADS = ("build", "prepare", "begin", "copy", "state", "commit", "publish")
"""Stages of the writing threads, of all of them together: build checks, prepare encodes."""


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
    """Each step by itself [s]; batch by batch, as a worker does: memory is used again."""
    payloads = [encode_protobuf(message) for message in sent]
    signals = catalogue.default()
    seconds = defaultdict(float, fetch=_fetch(full))
    assembler, last = frame_assembler(), len(payloads) - 1
    batch_frames = IngestSettings().batch_frames
    with database() as dsn, connect(dsn) as connection:
        ensure_partitions(connection)
        steps = read_steps(connection)
        clock = _Clock(seconds)
        for offset, payload in enumerate(payloads):
            assembler.add(record_of(offset, payload))
            clock.tick("decode")
            if assembler.weight < batch_frames and offset < last:
                continue
            batch = assembler.build(datetime.now(tz=UTC), ()).batch
            clock.tick("check")
            prepared = prepare(batch, signals, steps)
            clock.tick("encode")
            with connection.transaction():
                parts = [
                    (stored_table(group.rows.group, steps), group.encoded)
                    for group in prepared.groups
                ]
                copy_batch(connection, parts)
                clock.tick("copy")
            clock.tick("commit")
    return dict(seconds)


class _Clock:
    """Adds the time since its last tick to a step [s]."""

    def __init__(self, seconds: defaultdict[str, float]) -> None:
        self._seconds, self._last = seconds, perf_counter()

    def tick(self, step: str) -> None:
        """The step has ended."""
        now = perf_counter()
        self._seconds[step] += now - self._last
        self._last = now


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
