"""A lane's process: a worker whose records come from the reader's process, not from Kafka itself.

It works as any worker does, by the offsets that the database has; so it may die anywhere, and what
the reader hands over twice, or too late, does no harm. Where the reader goes, it ends.
"""

from __future__ import annotations

import pickle
import signal
import sys
from collections import deque
from multiprocessing.connection import Connection
from threading import Condition, Event, Lock, Thread
from time import monotonic
from typing import TYPE_CHECKING

from ingest.errors import IngestError
from ingest.lanes.channel import (
    Assigned,
    Begin,
    Ended,
    Figures,
    Moving,
    Ready,
    Records,
    Spans,
    Stop,
    Taken,
    Task,
    Written,
    size_of,
    unpacked,
)
from ingest.worker import Worker
from schemas.catalogue import Catalogue
from schemas.errors import TelemetryError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from ingest.lanes.channel import Packed
    from ingest.metrics import Metrics
    from ingest.record import Record
    from ingest.settings import IngestSettings

FIGURES_S = 1.0
"""How often a lane tells its figures [s]: so it is seen, too, that it lives."""

POLL_RECORDS = 100
"""Messages that one poll gives at the most: a stop is noticed between polls."""


STOPPING = (signal.SIGINT, signal.SIGTERM)
"""Signals that come to all processes of a terminal, or of a service: a lane begins with them held
back, until it can take them."""


class Channel:
    """The lane's end: whichever thread speaks, what it says is not torn apart."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe, self._lock = pipe, Lock()

    def say(self, what: object) -> None:
        """Tell the reader; where that has gone, nobody need know."""
        try:
            with self._lock:
                self._pipe.send(what)
        except OSError:
            return

    def hear(self, wait_s: float | None = None) -> object | None:
        """What the reader says next; None where it says nothing for so long.

        Raises:
            EOFError, OSError: it has gone.
        """
        return self._pipe.recv() if self._pipe.poll(wait_s) else None


class PipedSource:
    """Stands where a worker has Kafka: records and partitions come from the reader.

    Args:
        settings: the topic.
        channel: to the reader.

    Attributes:
        topic, cluster_id, topic_id: as of `FrameSource`; the ids are those of the last assignment.
    """

    cluster_id: str
    topic_id: UUID

    def __init__(self, settings: IngestSettings, channel: Channel) -> None:
        self.topic = settings.topic
        self._channel = channel
        self._news = Condition()
        self._changed, self._moving, self._paused = False, True, False
        self._assigned: Assigned | None = None
        self._generation = 0
        self._waiting: deque[Packed] = deque()

    def take(self, said: Moving | Assigned | Records) -> None:
        """Note what the reader says, on the thread that hears it."""
        with self._news:
            match said:
                case Moving():
                    self._changed = self._moving = True
                case Assigned():
                    self._assigned = said
                    self._changed, self._moving = True, False
                case Records() if said.generation == self._generation:
                    self._waiting.extend(said.records)
            self._news.notify()

    def poll(self, timeout_s: float) -> list[Record]:
        """Wait for records; ask `assignment_changed` before using them."""
        with self._news:
            # While partitions move there is nothing either: what asks again at once would spin.
            if self._paused or (self._moving if self._changed else not self._waiting):
                self._news.wait(timeout_s)
            if self._changed or self._paused:
                return []
            fields = [self._waiting.popleft() for _ in range(min(POLL_RECORDS, len(self._waiting)))]
            generation = self._generation
        if fields:
            self._channel.say(Taken(generation=generation, size=sum(map(size_of, fields))))
        return [unpacked(self.topic, one) for one in fields]

    def assignment_changed(self) -> bool:
        """Whether partitions came or went since `assignment`; what was polled is then void."""
        return self._changed

    def assignment_complete(self) -> bool:
        """Whether the reader has shared out the partitions; until then, only `poll`."""
        return not self._moving

    def assignment(self) -> frozenset[int]:
        """The partitions this lane has now; clears `assignment_changed`."""
        with self._news:
            self._changed = False
            self._waiting.clear()
            return frozenset() if self._assigned is None else self._assigned.partitions

    def identify(self) -> None:
        """Take the ids that came with the assignment: the reader looks them up."""
        if self._assigned is not None:
            self.cluster_id, self.topic_id = self._assigned.cluster_id, self._assigned.topic_id

    def start_at(self, offsets: Mapping[int, int | None]) -> None:
        """Have the reader read each partition from there (None: from its beginning) and give it.

        A pause ends with it: who was interrupted in one does not end it himself.
        """
        with self._news:
            self._waiting.clear()
            self._paused = False
            self._generation += 1
            if self._assigned is None:
                return
            number = self._assigned.number
        self._channel.say(
            Begin(number=number, generation=self._generation, positions=dict(offsets))
        )

    def pause(self) -> None:
        """Give no records until `resume`; the reader keeps the group's membership."""
        self._paused = True

    def resume(self) -> None:
        """Give records again."""
        self._paused = False

    def mirror(self, offsets: Mapping[int, int]) -> None:
        """Tell the reader how far the database is."""
        self._channel.say(Written(dict(offsets)))

    def close(self) -> None:
        """Nothing: the reader leaves the group."""


def main() -> None:
    """Work until the reader says stop, or has gone; the socket's number is the only argument."""
    channel = Channel(Connection(int(sys.argv[1])))
    try:
        task = channel.hear()
    except (EOFError, OSError):
        return  # the reader has gone before it began
    if not isinstance(task, Task):
        sys.exit("a lane is started by `telemetry ingest`, not by hand")
    stop = Event()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # meant for the reader, which tells its lanes
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
    if task.prepare is not None:
        task.prepare()
    source = PipedSource(task.settings, channel)
    error: TelemetryError | None = None
    try:
        worker = Worker(
            task.settings,
            task.storage,
            bootstrap=task.bootstrap,
            dsn=task.dsn,
            catalogue=Catalogue(version=task.catalogue_version, signals=task.signals),
            source=source,
        )
        tell = _Teller(channel, worker.metrics, task.settings)
        listening = Thread(
            target=_listen, args=(channel, source, worker.metrics, stop, tell), daemon=True
        )
        listening.start()
        channel.say(Ready())
        worker.run(stop, progress=channel.say)
        tell.figures()
    except (TelemetryError, OSError) as raised:
        error = _plain(raised)
    channel.say(Ended(error))


class _Teller:
    """Tells the reader this lane's figures, now and then."""

    def __init__(self, channel: Channel, metrics: Metrics, settings: IngestSettings) -> None:
        self._channel, self._metrics, self._settings = channel, metrics, settings
        self._told = 0.0

    def now_and_then(self) -> None:
        """Tell the figures unless that was just done."""
        if monotonic() - self._told >= FIGURES_S:
            self.figures()

    def figures(self) -> None:
        """Tell the figures."""
        self._told = monotonic()
        self._channel.say(
            Figures(
                families=list(self._metrics.registry.collect()),
                fault=self._metrics.fault(self._settings),
            )
        )


def _listen(
    channel: Channel, source: PipedSource, metrics: Metrics, stop: Event, tell: _Teller
) -> None:
    """Hear the reader out, until it has gone."""
    while True:
        tell.now_and_then()
        try:
            said = channel.hear(FIGURES_S)
        except (EOFError, OSError):
            stop.set()
            source.take(Moving())
            return
        match said:
            case Stop():
                stop.set()
            case Spans():
                if said.spans is None:
                    metrics.unanswered()
                else:
                    metrics.looked(said.spans)
            case Moving() | Assigned() | Records():
                source.take(said)


def _plain(error: TelemetryError | OSError) -> TelemetryError:
    """The error itself where it can be handed over, else what it says."""
    if isinstance(error, OSError):
        return IngestError(str(error))
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - made here
    except Exception:  # noqa: BLE001 - whatever a class's own making needs
        return IngestError(str(error))
    return error


if __name__ == "__main__":
    main()
