"""What a worker tells about itself: figures for Prometheus, and whether it is still at work.

One object a worker, in a registry of its own. The worker's thread and the writing threads tell it
what they do, once a batch and at each step between; whoever scrapes reads it from another thread.
Signals are the only large label (the catalogue bounds them); a vehicle never is one.
"""

from __future__ import annotations

from threading import Lock
from time import monotonic, perf_counter, time
from typing import TYPE_CHECKING

import numpy as np
import psycopg
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)

from ingest.errors import KafkaUnreachableError
from ingest.record import Reason
from schemas.wire import Refusal
from storage.errors import OffsetConflictError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ingest.assemble import Assembled
    from ingest.settings import IngestSettings
    from schemas.catalogue import Catalogue

STAGES = (
    "fetch", "gather", "wait", "hold",
    "build", "prepare", "bury", "begin", "copy", "state", "commit", "publish",
)  # fmt: skip
"""Where the time goes: of the worker's thread, then of the writing threads."""

CAUSES = ("database", "deadlock", "read_only", "kafka", "offset_conflict")
"""Why a batch, or what it needs, was tried again."""

DATABASE, KAFKA = "database", "kafka"

OTHER = "other"
"""The label of what has no name of its own."""

BATCH_FRAMES = (1, 10, 100, 500, 1000, 2500, 5000, 10_000, 20_000, 50_000)
"""Buckets of a batch's size [frames]; 16,000 is the usual limit."""

WRITE_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
"""Buckets of the time a batch takes to be written [s]."""


class Stages:
    """Where one thread's time goes: each mark ends the stage before it and begins its own."""

    def __init__(self, seconds: Counter) -> None:
        self._seconds = {stage: seconds.labels(stage) for stage in STAGES}
        self._stage: str | None = None
        self._since = 0.0

    def mark(self, stage: str | None) -> str | None:
        """Begin a stage, None for none; returns the one that ends."""
        now, before = perf_counter(), self._stage
        if before is not None:
            self._seconds[before].inc(now - self._since)
        self._stage, self._since = stage, now
        return before


class Metrics:
    """The figures of one worker.

    Args:
        catalogue: its signals may be named in a label.

    Attributes:
        registry: what a scrape reads.
        working: the stages of the worker's thread.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        # A second series a counter with its birthday: Prometheus has no use for it in this format.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the library left it out
        self._signals = frozenset(signal.name for signal in catalogue.signals)
        self.registry = made = CollectorRegistry()
        ProcessCollector(registry=made)
        self._frames = Counter(
            "telemetry_ingest_frames_total", "Frames of messages that could be read.", registry=made
        )
        self._values = Counter(
            "telemetry_ingest_values_total", "Signal values written.", registry=made
        )
        self._messages = Counter(
            "telemetry_ingest_messages_total",
            "Messages read whose fate is settled: written, refused, or both.",
            registry=made,
        )
        self._refused = Counter(
            "telemetry_ingest_refused_total",
            "Frames refused, by reason; a message refused whole counts as one.",
            ["reason"],
            registry=made,
        )
        self._letters = Counter(
            "telemetry_ingest_dead_letters_total", "Dead letters buried.", registry=made
        )
        self._out_of_limits = Counter(
            "telemetry_ingest_out_of_limits_total",
            "Values out of their signal's limits, stored as absent.",
            ["signal"],
            registry=made,
        )
        self._unknown_signals = Counter(
            "telemetry_ingest_unknown_signals_total",
            "Times a message held a signal the catalogue does not know.",
            registry=made,
        )
        self._batch_frames = Histogram(
            "telemetry_ingest_batch_frames",
            "Frames of a batch that was written.",
            buckets=BATCH_FRAMES,
            registry=made,
        )
        self.write_seconds = Histogram(
            "telemetry_ingest_write_seconds",
            "Time a writing thread took for a batch, letters and reports included.",
            buckets=WRITE_SECONDS,
            registry=made,
        )
        self._seconds = Counter(
            "telemetry_ingest_stage_seconds_total",
            "Seconds by stage, of all writing threads together; stages of a thread do not overlap.",
            ["stage"],
            registry=made,
        )
        self.working = self.stages()
        self._lag = Gauge(
            "telemetry_ingest_lag_messages",
            "Messages of a partition of this worker that are not written yet.",
            ["partition"],
            registry=made,
        )
        self._partitions = Gauge(
            "telemetry_ingest_partitions", "Partitions this worker has.", registry=made
        )
        self._rebalances = Counter(
            "telemetry_ingest_rebalances_total",
            "Times this worker got its partitions anew.",
            registry=made,
        )
        self._retries = Counter(
            "telemetry_ingest_retries_total",
            "Failures after which the same is tried again, by cause.",
            ["cause"],
            registry=made,
        )
        self._up = Gauge(
            "telemetry_ingest_server_up",
            "1 while the server answered when it was last spoken to, else 0.",
            ["server"],
            registry=made,
        )
        self._last_turn = Gauge(
            "telemetry_ingest_last_turn_timestamp_seconds",
            "When the worker's loop turned last [s since 1970].",
            registry=made,
        )
        self._last_commit = Gauge(
            "telemetry_ingest_last_commit_timestamp_seconds",
            "When a batch was committed last, 0 before the first one [s since 1970].",
            registry=made,
        )
        self._newest_frame = Gauge(
            "telemetry_ingest_newest_frame_timestamp_seconds",
            "Time of the newest frame written, by its vehicle's clock [s since 1970].",
            registry=made,
        )
        # A series that begins at 0 shows its first rise.
        for reason in (*Refusal, *Reason):
            self._refused.labels(str(reason))
        for cause in CAUSES:
            self._retries.labels(cause)
        for server in (DATABASE, KAFKA):
            self._up.labels(server).set(1)
        self._lock = Lock()
        self._written: dict[int, int | None] = {}
        """By partition of this worker: the offset after the last message written."""
        self._spans: Mapping[int, tuple[int, int]] = {}
        """By partition: where the log began and ended when it was looked at last."""
        self._newest_us = 0
        self._turned = self._moved = monotonic()
        """When the loop turned last; when something was committed, or there was no lag."""

    def stage_seconds(self) -> dict[str, float]:
        """Seconds that all threads together were at each stage so far."""
        return stage_seconds(self.registry)

    def stages(self) -> Stages:
        """The stages of one more thread; those of the writing threads are added up."""
        return Stages(self._seconds)

    def turned(self) -> None:
        """The worker's loop is alive."""
        self._turned = monotonic()
        self._last_turn.set_to_current_time()

    def assigned(self, positions: Mapping[int, int | None]) -> None:
        """The worker has these partitions now and reads them from there (None: the beginning)."""
        self._rebalances.inc()
        self._partitions.set(len(positions))
        self._answered(DATABASE, KAFKA)
        with self._lock:
            self._written = dict(positions)
            self._moved = monotonic()
            self._lag.clear()
            self._tell_lag()

    def committed(self, assembled: Assembled, offsets: Mapping[int, int]) -> None:
        """A batch is in the database, up to these offsets."""
        for key, count in assembled.batch.counts.items():
            match key.measure:
                case "messages":
                    self._messages.inc(count)
                case "values":
                    self._values.inc(count)
                case "refused":
                    self._refused.labels(key.key).inc(count)
                case "out_of_limits":
                    self._out_of_limits.labels(self._signal(key.key)).inc(count)
                case "unknown_signal":
                    self._unknown_signals.inc(count)
        self._frames.inc(assembled.frames)
        self._batch_frames.observe(assembled.frames)
        self._letters.inc(len(assembled.dead))
        newest = [int(np.max(rows.times_us)) for rows in assembled.batch.groups if len(rows)]
        self._newest_us = max(self._newest_us, *newest, 0)
        if newest:
            self._newest_frame.set(self._newest_us / 1e6)
        self._last_commit.set(time())
        self._answered(DATABASE, KAFKA)
        with self._lock:
            self._written |= offsets
            self._moved = monotonic()
            self._tell_lag()

    def failed(self, error: Exception) -> None:
        """Something is to be tried again because of this error."""
        cause = cause_of(error)
        self._retries.labels(cause).inc()
        if cause in (DATABASE, KAFKA):
            self._up.labels(cause).set(0)

    def looked(self, spans: Mapping[int, tuple[int, int]]) -> None:
        """Kafka was asked: by partition, where the log begins and ends."""
        self._answered(KAFKA)
        with self._lock:
            self._spans = spans
            self._tell_lag()

    def unanswered(self) -> None:
        """Kafka was asked and did not answer."""
        self._up.labels(KAFKA).set(0)

    def fault(self, settings: IngestSettings) -> str | None:
        """Why this worker is not well, for people; None where it is."""
        now = monotonic()
        with self._lock:
            lag, still_s = sum(self._lags().values()), now - self._moved
        if now - self._turned > settings.hung_after_s:
            return f"the worker's loop has not turned for {now - self._turned:.0f} s"
        if lag and still_s > settings.stuck_after_s:
            return f"nothing was committed for {still_s:.0f} s, and {lag:,} messages wait"
        return None

    def _answered(self, *servers: str) -> None:
        for server in servers:
            self._up.labels(server).set(1)

    def _signal(self, name: str) -> str:
        return name if name in self._signals else OTHER

    def _lags(self) -> dict[int, int]:
        """By partition that was looked at: messages that are not written yet."""
        found = {}
        for partition, written in self._written.items():
            if partition in self._spans:
                first, end = self._spans[partition]
                found[partition] = max(0, end - (first if written is None else written))
        return found

    def _tell_lag(self) -> None:
        lags = self._lags()
        for partition, lag in lags.items():
            self._lag.labels(str(partition)).set(lag)
        if not any(lags.values()):
            self._moved = monotonic()


def stage_seconds(registry: CollectorRegistry) -> dict[str, float]:
    """Seconds at each stage, as a worker's registry has them."""
    name = "telemetry_ingest_stage_seconds_total"
    return {stage: registry.get_sample_value(name, {"stage": stage}) or 0.0 for stage in STAGES}


def cause_of(error: Exception) -> str:
    """One of CAUSES."""
    kinds: Sequence[tuple[type[Exception], str]] = (
        (KafkaUnreachableError, KAFKA),
        (OffsetConflictError, "offset_conflict"),
        (psycopg.errors.ReadOnlySqlTransaction, "read_only"),
        (psycopg.errors.DeadlockDetected, "deadlock"),
    )
    return next((cause for kind, cause in kinds if isinstance(error, kind)), DATABASE)
