"""One member of the consumer group that reads for several lanes, each a process of its own.

Python runs one thread at a time, and decoding, laying out and writing want more than that: lanes
are processes, so that two cores are two cores. The reader polls Kafka, hands each lane the messages
of its partitions, and keeps the membership. That nothing is lost or doubled is the part of lanes:
they ask the database where their partitions stand, and have the reader begin there.

A lane that does not keep up has its partitions paused, the others go on. A lane that dies ends the
worker: whoever starts it again goes on where the database stands.
"""

from __future__ import annotations

import logging
from contextlib import ExitStack, suppress
from queue import Empty, SimpleQueue
from threading import Event
from time import monotonic
from typing import TYPE_CHECKING

from ingest.errors import IngestError, KafkaUnreachableError
from ingest.kafka import FrameSource
from ingest.lanes.channel import (
    Assigned,
    Begin,
    Ended,
    Figures,
    Ready,
    Spans,
    Stop,
    Taken,
    Task,
    Written,
)
from ingest.lanes.figures import LaneFigures
from ingest.lanes.lane import Lane
from ingest.progress import Progress
from ingest.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic import SecretStr

    from ingest.record import Record
    from ingest.settings import IngestSettings
    from schemas.catalogue import Catalogue
    from storage.settings import StorageSettings

POLL_S = 0.1
"""How long one poll of Kafka waits [s]: also how soon a stop is noticed."""

BRIEF_POLL_S = 0.01
"""Likewise while a lane is about to want something [s]."""

START_S = 60.0
"""How long a lane may take to come up [s]."""

IDENTIFY_AGAIN_S = 1.0
"""Wait before Kafka is asked again which topic this is [s]."""

logger = logging.getLogger(__name__)


def open_worker(
    settings: IngestSettings,
    storage: StorageSettings,
    *,
    bootstrap: str,
    dsn: SecretStr,
    catalogue: Catalogue,
    prepare: Callable[[], None] | None = None,
) -> Worker | Reader:
    """A worker with as many lanes as settings say; one of one lane needs no process beside its own.

    Arguments and errors are those of `Reader`.
    """
    if settings.lanes == 1:
        return Worker(settings, storage, bootstrap=bootstrap, dsn=dsn, catalogue=catalogue)
    return Reader(
        settings, storage, bootstrap=bootstrap, dsn=dsn, catalogue=catalogue, prepare=prepare
    )


class Reader:
    """A worker whose lanes are processes; made, used and read as `ingest.worker.Worker` is.

    Args:
        prepare: called first in each lane's process, to set up logging; can be pickled.
    """

    def __init__(
        self,
        settings: IngestSettings,
        storage: StorageSettings,
        *,
        bootstrap: str,
        dsn: SecretStr,
        catalogue: Catalogue,
        prepare: Callable[[], None] | None = None,
    ) -> None:
        self.metrics = LaneFigures(self._tell_spans)
        self._settings = settings
        self._said: SimpleQueue[tuple[int, object]] = SimpleQueue()
        self._assignments, self._moving = 0, True
        self._unreadable = False
        """Whether Kafka gave an error: then it must not be polled again."""
        self._last_record = monotonic()
        self._progress: Callable[[Progress], None] = lambda _: None
        self._lanes: list[Lane] = []
        task = Task(
            settings=settings.model_copy(update={"lanes": 1}),
            storage=storage,
            bootstrap=bootstrap,
            dsn=dsn,
            catalogue_version=catalogue.version,
            signals=catalogue.signals,
            prepare=prepare,
        )
        with ExitStack() as opened:
            # Closed in the opposite order: the group is left last, when all is written.
            self._source = FrameSource(settings, bootstrap)
            opened.callback(self._source.close)
            for number in range(settings.lanes):
                lane = Lane(number, task, self._said)
                opened.callback(lane.close)
                self._lanes.append(lane)
            self._wait_until_ready()
            self._opened = opened.pop_all()

    def run(
        self,
        stop: Event,
        *,
        until_idle_s: float | None = None,
        progress: Callable[[Progress], None] = lambda _: None,
    ) -> Progress:
        """Work until told to stop; a reader runs once. As `Worker.run`.

        Raises:
            OffsetOutOfRangeError: the log does not reach back to where the database stands.
            TelemetryError: what a lane has ended by.
            IngestError: a lane died, or Kafka refuses, or holds what cannot be read.
        """
        self._progress = progress
        self._last_record = monotonic()
        with self._opened:
            try:
                while not (stop.is_set() or self._idle(until_idle_s) or self._lane_ended()):
                    self._turn()
            finally:
                self._finish()
        return self._done()

    def _turn(self) -> None:
        self.metrics.turned()
        waiting = [not lane.begun or lane.full for lane in self._lanes]
        # Where none can be handed anything, what they say next is what there is to wait for.
        self._hear(POLL_S if all(waiting) and not self._moving else 0.0)
        records = self._poll(BRIEF_POLL_S if any(waiting) else POLL_S)
        if self._source.assignment_changed():
            self._share_out()
            return
        if records:
            self._last_record = monotonic()
        handed: dict[int, list[Record]] = {}
        for record in records:
            handed.setdefault(record.partition, []).append(record)
        for lane in self._lanes:
            lane.hand([one for partition in lane.partitions for one in handed.get(partition, ())])
            if lane.full and not lane.paused:
                self._source.hold(lane.partitions)
                lane.paused = True

    def _poll(self, timeout_s: float) -> list[Record]:
        try:
            return self._source.poll(timeout_s)
        except BaseException:
            self._unreadable = True
            raise

    def _share_out(self) -> None:
        """Partitions came or went, or are another's: lanes drop what they have and begin anew."""
        if not self._moving:
            self._moving = True
            for lane in self._lanes:
                lane.void()
        if not self._source.assignment_complete():
            return
        partitions = sorted(self._source.assignment())
        try:
            self._source.identify()
        except KafkaUnreachableError as error:
            logger.warning("%s It is asked again.", error)
            self._source.assign_again()
            Event().wait(IDENTIFY_AGAIN_S)
            return
        self._assignments += 1
        self._moving = False
        for place, lane in enumerate(self._lanes):
            lane.assign(
                Assigned(
                    number=self._assignments,
                    partitions=frozenset(partitions[place :: len(self._lanes)]),
                    cluster_id=self._source.cluster_id,
                    topic_id=self._source.topic_id,
                )
            )

    def _hear(self, wait_s: float) -> None:
        """Take in all that lanes have said, and wait for it so long where they have not."""
        with suppress(Empty):
            while True:
                number, said = self._said.get(wait_s > 0, wait_s or None)
                self._take_in(self._lanes[number], said)
                wait_s = 0.0

    def _take_in(self, lane: Lane, said: object) -> None:
        lane.heard = monotonic()
        match said:
            case Begin() if said.number == self._assignments and not self._moving:
                lane.begin(said)
                self._source.start_at(said.positions)
                self._last_record = monotonic()  # from here on something can come
            case Taken() if said.generation == lane.generation:
                lane.held -= said.size
                if lane.paused and not lane.full:
                    lane.paused = False
                    self._source.release(lane.partitions)
            case Written():
                lane.written |= said.offsets
                self._source.mirror(said.offsets)
            case Progress():
                lane.done = said
                self._progress(self._done())
            case Figures():
                self.metrics.told(lane.number, said.families, said.fault)
            case Ready():
                lane.ready = True
            case Ended():
                lane.ended, lane.error = True, said.error

    def _idle(self, until_idle_s: float | None) -> bool:
        if until_idle_s is None or self._moving or not all(lane.begun for lane in self._lanes):
            return False
        if not any(lane.partitions for lane in self._lanes):  # more workers than partitions
            until_idle_s = max(until_idle_s, self._settings.session_timeout_s)
        settled = all(lane.settled for lane in self._lanes)
        return settled and monotonic() - self._last_record > until_idle_s

    def _lane_ended(self) -> bool:
        return any(lane.ended for lane in self._lanes)

    def _finish(self) -> None:
        """Have the lanes write what they have in hand and end; then say why, if they failed.

        The membership is kept alive meanwhile, so that no other worker waits for this one's share
        in a rebalance. A lane that hangs is killed: what it has not committed is read again.
        """
        for lane in self._lanes:
            lane.say(Stop())
        with suppress(IngestError):  # what the lanes have is written all the same
            self._source.pause()
        began = monotonic()
        while not all(lane.ended for lane in self._lanes):
            self.metrics.turned()
            self._hear(POLL_S)
            if not self._unreadable:
                with suppress(IngestError):
                    self._poll(BRIEF_POLL_S)
            for lane in self._lanes:
                if monotonic() - max(began, lane.heard) > self._settings.hung_after_s:
                    lane.kill()
        for lane in self._lanes:
            if lane.error is not None:
                raise lane.error

    def _wait_until_ready(self) -> None:
        until = monotonic() + START_S
        while not all(lane.ready or lane.ended for lane in self._lanes):
            try:
                number, said = self._said.get(timeout=max(0.0, until - monotonic()))
            except Empty:
                raise IngestError(f"A lane did not come up within {START_S:.0f} s.") from None
            lane = self._lanes[number]
            self._take_in(lane, said)
            if lane.error is not None:
                raise lane.error

    def _done(self) -> Progress:
        """What all lanes together have done."""
        return Progress(
            frames=sum(lane.done.frames for lane in self._lanes),
            messages=sum(lane.done.messages for lane in self._lanes),
            refused=sum(lane.done.refused for lane in self._lanes),
            batches=sum(lane.done.batches for lane in self._lanes),
        )

    def _tell_spans(self, spans: Mapping[int, tuple[int, int]] | None) -> None:
        for lane in self._lanes:
            lane.say(Spans(spans))
