"""Topics that are filled, and worker processes that drain them: what a stream's figures rest on."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Thread
from time import monotonic, sleep
from typing import IO, TYPE_CHECKING
from uuid import uuid4

import kafka

from benchmarks.cpu import Usage, Watch
from benchmarks.databases import database
from ingest.kafka import Publisher, ensure_topics
from ingest.settings import IngestSettings
from schemas import catalogue
from schemas.errors import TelemetryError
from schemas.wire import ContentType, encode_json, encode_protobuf
from storage import registers
from storage.connection import connect

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pydantic import SecretStr

    from schemas.wire import Message


class BenchmarkError(TelemetryError):
    """A benchmark that came to no figure."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Filled:
    """A topic that holds messages."""

    topic: str
    bootstrap: str
    messages: int
    frames: int
    vins: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Drained:
    """How workers did it."""

    frames: int
    frames_per_s: float
    peak_mb: float
    """Resident memory of the largest worker [MB]."""
    stage_s: dict[str, float]
    """Seconds that the threads of all workers were at each stage."""
    cpu: Usage
    """Who the cores worked for meanwhile."""


@contextmanager
def topic(bootstrap: str) -> Iterator[IngestSettings]:
    """A topic of its own, deleted afterwards."""
    settings = IngestSettings(topic=f"bench.{uuid4().hex[:8]}")
    ensure_topics(settings, bootstrap)
    try:
        yield settings
    finally:
        admin = kafka.KafkaAdminClient(bootstrap_servers=bootstrap.split(","))
        admin.delete_topics([settings.topic, settings.dead_topic])
        admin.close()


@contextmanager
def filled(
    bootstrap: str, messages: Iterable[Message], *, json_format: bool = False
) -> Iterator[Filled]:
    """A topic that holds these messages."""
    with topic(bootstrap) as settings:
        publisher = Publisher(settings, bootstrap)
        count, frames, vins = 0, 0, dict[str, None]()
        for message in messages:
            if json_format:
                payload = encode_json(message, catalogue.default())
                publisher.send(message.vin, payload, ContentType.JSON)
            else:
                publisher.send(message.vin, encode_protobuf(message), ContentType.PROTOBUF)
            count += 1
            frames += message.frame_count
            vins[message.vin] = None
        publisher.close()
        yield Filled(
            topic=settings.topic,
            bootstrap=bootstrap,
            messages=count,
            frames=frames,
            vins=tuple(vins),
        )


def drain(source: Filled, *, workers: int = 1, lanes: int | None = None) -> Drained:
    """Worker processes of one group drain the topic into a database of their own.

    Each writes over so many lanes (connections); None: as many as it does by default.

    Time runs from when all are ready to join the group to the commit of the last frame.
    """
    with (
        registered(source.vins) as dsn,
        working(source.topic, source.bootstrap, dsn, workers=workers, lanes=lanes) as processes,
    ):
        began, watch = monotonic(), Watch()
        ended = processes.wait_for(source.frames)
        cpu = watch.stop()
        processes.stop()
    stages: defaultdict[str, float] = defaultdict(float)
    for spent in processes.stage_s:
        for stage, seconds in spent.items():
            stages[stage] += seconds
    return Drained(
        frames=source.frames,
        frames_per_s=source.frames / (ended - began),
        peak_mb=max(sample.resident_mb for said in processes.samples for sample in said),
        stage_s=dict(stages),
        cpu=cpu,
    )


@contextmanager
def registered(vins: Iterable[str]) -> Iterator[SecretStr]:
    """A database that knows these vehicles: to register a fleet is not to ingest its frames."""
    with database() as dsn:
        with connect(dsn) as connection:
            for vin in vins:
                registers.register_vehicle(connection, vin)
        yield dsn


@contextmanager
def working(
    topic: str, bootstrap: str, dsn: SecretStr, *, workers: int = 1, lanes: int | None = None
) -> Iterator[WorkerProcesses]:
    """Workers of one group, told to go; stopped at the end."""
    task = {
        "topic": topic,
        "bootstrap": bootstrap,
        "dsn": dsn.get_secret_value(),
        "group": f"bench.{uuid4().hex[:8]}",
        "lanes": lanes or IngestSettings().lanes,
    }
    processes = WorkerProcesses(task, workers)
    try:
        processes.go()
        yield processes
    finally:
        processes.stop()


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """What a worker said after a batch."""

    at: float
    """When, by the clock that all processes share [s]."""
    frames: int
    """Frames it has written so far."""
    resident_mb: float
    """Its memory, lanes' processes included [MB]."""


class WorkerProcesses:
    """Processes of `benchmarks.ingest_worker`, and what they have said so far.

    Attributes:
        samples: by worker, what it said after each batch.
        stage_s: of each worker that has ended, the seconds its threads were at each stage.
    """

    def __init__(self, task: dict[str, object], workers: int) -> None:
        self.stage_s: list[dict[str, float]] = []
        self.samples: list[list[Sample]] = [[] for _ in range(workers)]
        self._processes = [
            subprocess.Popen(
                [sys.executable, "-m", "benchmarks.ingest_worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(workers)
        ]
        for process in self._processes:
            _tell(process, json.dumps(task))
        for process in self._processes:
            if _output(process).readline() != "ready\n":
                raise BenchmarkError("a worker did not come up; what it said stands above")
        self._listening = [
            Thread(target=self._listen, args=(number,), daemon=True) for number in range(workers)
        ]

    def go(self) -> None:
        """Let all begin."""
        for process, thread in zip(self._processes, self._listening, strict=True):
            _tell(process, "go")
            thread.start()

    def wait_for(self, frames: int) -> float:
        """Wait until all together have written so many frames; when that was [s]."""
        while sum(said[-1].frames for said in self.samples if said) < frames:
            if any(process.poll() is not None for process in self._processes):
                raise BenchmarkError("a worker ended early; what it said stands above")
            sleep(0.02)
        return max(said[-1].at for said in self.samples if said)

    def stop(self) -> list[Sample]:
        """End them; the last that each said."""
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.wait(timeout=60)
        for thread in self._listening:
            if thread.ident is not None:
                thread.join(timeout=60)
        return [said[-1] for said in self.samples if said]

    def _listen(self, number: int) -> None:
        for line in _output(self._processes[number]):
            said = json.loads(line)
            if "stage_s" in said:
                self.stage_s.append(said["stage_s"])
            else:
                self.samples[number].append(Sample(**said))


def _tell(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()


def _output(process: subprocess.Popen[str]) -> IO[str]:
    assert process.stdout is not None
    return process.stdout
