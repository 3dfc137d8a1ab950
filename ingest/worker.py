"""The consumer loop: poll, gather, write, and only then move on.

One thread polls Kafka and gathers messages. A second one lays out, buries what was refused and
writes, one batch at a time, so that decoding goes on while the database works. What comes when a
batch is full waits until the last one is written. Offsets move in the batch's own transaction, by
compare-and-set
against where the database was when the worker began to read. So a worker may die anywhere: the next
one asks the database. And where another worker has taken a partition over, the batch of the first
rolls back.

Database or broker away, or slow: fetching stops, the batch is kept and tried again with growing
waits, and the group membership stays alive, for the worker never stops polling. A batch whose
commit was lost on the way back is recognised by the offsets it left. Whoever waits is interrupted
when partitions move or the worker is to stop: then what was gathered is void, and whoever owns the
partitions reads it again.
"""

from __future__ import annotations

import logging
from concurrent.futures import FIRST_COMPLETED, wait
from contextlib import ExitStack, suppress
from datetime import timedelta
from functools import partial
from threading import Event
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

from ingest.assemble import Assembler
from ingest.isolation import Isolation
from ingest.kafka import FrameSource
from ingest.metrics import Metrics
from ingest.pipeline import Pipeline
from ingest.progress import Progress
from ingest.reports import TRACKED
from ingest.vehicles import VehicleNumbers
from ingest.writing import AWAY, WritingThread, one_line
from storage.connection import connect
from storage.errors import BatchRefusedError, OffsetConflictError
from storage.last_known import last_known
from storage.migrate import require_compatible
from storage.offsets import read_offsets

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from concurrent.futures import Future
    from datetime import datetime

    from pydantic import SecretStr

    from ingest.assemble import Assembled
    from ingest.lanes.process import PipedSource
    from ingest.record import Record
    from ingest.settings import IngestSettings
    from ingest.writing import Flight
    from schemas.catalogue import Catalogue
    from storage.connection import Connection
    from storage.settings import StorageSettings

T = TypeVar("T")

FIRST_WAIT_S = 0.5
"""Wait before the first new try after the database went away [s]."""

LONGEST_WAIT_S = 30.0
"""Waits double up to this [s]."""

POLL_S = 0.1
"""How long one poll of Kafka waits [s]: also how soon a stop is noticed."""

PATIENCE_S = 1.0
"""How long the worker waits for a write before it polls Kafka meanwhile [s]."""

logger = logging.getLogger(__name__)


class _Interrupted(Exception):  # noqa: N818 - a signal within this module, no error
    """The worker is to stop, or its partitions have moved: what it waits for is void."""


class Worker:
    """Reads partitions and writes what they hold, over one connection.

    Args:
        settings: topic, group and how to gather.
        storage: how long history is kept.
        bootstrap: host:port,... of the brokers.
        dsn: the database.
        catalogue: the signal catalogue; the database must be migrated to it, or to a later one.
        source: gives its records; None: it is a member of the group itself.

    Attributes:
        metrics: what it has done and how it is, for another thread to read.

    Raises:
        KafkaUnreachableError, DatabaseUnreachableError, SchemaError: it cannot start.
    """

    def __init__(
        self,
        settings: IngestSettings,
        storage: StorageSettings,
        *,
        bootstrap: str,
        dsn: SecretStr,
        catalogue: Catalogue,
        source: FrameSource | PipedSource | None = None,
    ) -> None:
        self._settings, self._dsn = settings, dsn
        self.metrics = Metrics(catalogue)
        self._has_stock = False
        self._last_record = monotonic()
        self._done = Progress(frames=0, messages=0, refused=0, batches=0)
        self._stop = Event()
        self._progress: Callable[[Progress], None] = lambda _: None
        self._numbers = numbers = VehicleNumbers(self._alive, settings.unknown_vin)

        def assembler(
            number: Callable[[str], int | None],
            known: Callable[[Collection[int]], Mapping[int, Mapping[str, tuple[float, datetime]]]],
        ) -> Assembler:
            return Assembler(
                catalogue,
                number,
                retention=timedelta(days=storage.retention_days),
                future_tolerance=timedelta(seconds=settings.future_tolerance_s),
                report_interval_s=settings.report_interval_s,
                last_known=known,
                elsewhere=numbers.elsewhere,
                message_bytes=settings.message_bytes,
            )

        patient = assembler(
            lambda vin: self._patiently(partial(numbers.number, vin)),
            lambda vehicle_ids: self._patiently(partial(self._last_known, vehicle_ids)),
        )
        self._isolation = Isolation(patient, catalogue)
        with ExitStack() as opened:
            # Closed in the opposite order: the group is left last, when all is written.
            self._connection = connect(dsn)
            opened.callback(self._close_connection)
            if newer := require_compatible(self._connection, catalogue):
                logger.warning("%s", newer)
            self._source = FrameSource(settings, bootstrap) if source is None else source
            opened.callback(self._source.close)
            writing = WritingThread(
                settings,
                storage,
                bootstrap=bootstrap,
                dsn=dsn,
                catalogue=catalogue,
                metrics=self.metrics,
            )
            opened.callback(writing.close)
            self._pipeline = Pipeline(assembler(numbers.number, self._last_known), writing)
            self._opened = opened.pop_all()

    def run(
        self,
        stop: Event,
        *,
        until_idle_s: float | None = None,
        progress: Callable[[Progress], None] = lambda _: None,
    ) -> Progress:
        """Work until told to stop; a worker runs once.

        Args:
            stop: set it to finish the batch in hand, write it and leave the group.
            until_idle_s: also stop when nothing has come for so long [s].
            progress: called after each batch.

        Raises:
            OffsetOutOfRangeError: the log does not reach back to where the database stands.
            StorageError: the database answers, but its tables are not ours.
            EverythingRefusedError: it refuses all that comes.
            IngestError: Kafka refuses, or holds what cannot be read.
        """
        self._stop, self._progress = stop, progress
        self._last_record = monotonic()
        with self._opened:
            while not stop.is_set() and not self._idle(until_idle_s):
                with suppress(_Interrupted):
                    self._turn()
            with suppress(_Interrupted):
                self._finish()
        return self._done

    def _turn(self) -> None:
        records: list[Record] = []
        pipeline = self._pipeline
        if pipeline.crowded and pipeline.flight and not self._source.assignment_changed():
            self._wait_for(pipeline.flight.result)
        else:
            self.metrics.working.mark("fetch")
            records = self._poll()
        self.metrics.working.mark("gather")
        if self._source.assignment_changed():
            self._has_stock = False
            if self._source.assignment_complete():
                self._take_stock()
            return
        if records:
            keys = {record.key for record in records}
            numbers = self._patiently(lambda: self._numbers.look_up(keys))
            for record in records:
                if record.partition in pipeline.partitions:
                    self._last_record = monotonic()
                    pipeline.put(record)
            self._patiently(partial(pipeline.meet, numbers))
        self._gather()

    def _finish(self) -> None:
        """Write the batches in hand, unless their partitions have gone."""
        self._send_off()
        self._land()

    def _idle(self, until_idle_s: float | None) -> bool:
        if until_idle_s is None or not self._has_stock:
            return False
        if not self._pipeline.partitions:  # more workers than partitions, or not shared out again
            until_idle_s = max(until_idle_s, self._settings.session_timeout_s)
        return self._pipeline.settled and monotonic() - self._last_record > until_idle_s

    def _take_stock(self) -> None:
        """Partitions came or went, or are another's: begin anew where the database stands."""
        self._settle()
        self._pipeline.begin({})
        partitions = self._source.assignment()
        self._patiently(self._source.identify)
        stored = self._patiently(self._stored_offsets)
        positions = {partition: stored.get(partition) for partition in sorted(partitions)}
        self._pipeline.begin(positions)
        self._source.start_at(positions)
        self.metrics.assigned(positions)
        self._source.mirror(stored)
        self._pipeline.writing.publish_reports()
        self._has_stock = True
        self._last_record = monotonic()
        logger.info(
            "%s: reading partitions %s",
            self._source.topic,
            ", ".join(
                f"{partition} from {'its beginning' if offset is None else offset}"
                for partition, offset in positions.items()
            ),
            extra={"topic": self._source.topic},
        )

    def _settle(self) -> None:
        """Wait until the batch in flight has come to its end, whichever: the database knows it."""
        flight, self._pipeline.flight = self._pipeline.flight, None
        if flight is None:
            return
        self._wait_for(flight.result)
        try:
            flight.result.result()
        except (OffsetConflictError, BatchRefusedError, *AWAY) as error:
            logger.info(
                "a batch of %d frames was not written: %s", flight.assembled.frames, one_line(error)
            )
        else:
            self._account_for(flight)

    def _gather(self) -> None:
        """Take up what waits, until there is a batch and the last one is still on its way."""
        pipeline = self._pipeline
        while not self._stop.is_set():
            on_its_way = pipeline.flight is not None and not pipeline.flight.result.done()
            if on_its_way:
                if pipeline.full(self._settings.batch_frames):
                    return  # what has only waited long enough may grow meanwhile
            elif self._due():
                self._send_off()
                self.metrics.working.mark("gather")
            elif pipeline.flight is not None:
                self._land()
                self.metrics.working.mark("gather")
            if not pipeline.gather(self._patiently):
                return

    def _due(self) -> bool:
        settings = self._settings
        return self._pipeline.due(frames=settings.batch_frames, seconds=settings.batch_seconds)

    def _send_off(self) -> None:
        """Hand what was gathered to the writing thread, as soon as that has written the last batch.

        Where the partitions turn out to have gone it is dropped: whoever has them now reads it
        again.
        """
        self._land()
        source, pipeline = self._source, self._pipeline
        if not pipeline.empty and not source.assignment_changed():
            pipeline.send_off(
                cluster_id=source.cluster_id, topic_id=source.topic_id, topic=source.topic
            )

    def _land(self) -> None:
        """Wait for the batch in flight until it is written, whole or without what is refused."""
        flight = self._pipeline.flight
        if flight is None:
            return
        try:
            self._see_through(flight)
        except BatchRefusedError as refusal:
            self._isolation.write(flight.assembled, refusal, self._write_part)
        if self._source.assignment_changed():
            raise _Interrupted

    def _write_part(self, part: Assembled, *, buried: bool) -> None:
        if self._source.assignment_changed():
            raise _Interrupted
        offsets = {advance.partition: advance.next_offset for advance in part.batch.offsets}
        flight = self._pipeline.writing.write(lambda: part, offsets, buried=buried)
        self._pipeline.flight = flight
        self._see_through(flight)

    def _see_through(self, flight: Flight) -> None:
        """Wait for a batch, with new tries while database or broker are away."""
        for wait_s in _waits():
            self._wait_for(flight.result)
            try:
                flight.result.result()
                break
            except OffsetConflictError as conflict:
                self.metrics.failed(conflict)
                logger.warning(
                    "%s",
                    conflict,
                    extra={
                        "topic": conflict.topic,
                        "partition": conflict.partition,
                        "offset": conflict.expected,
                    },
                )
                self._pipeline.flight = None
                self._take_stock()
                raise _Interrupted from conflict
            except BatchRefusedError:
                self._pipeline.flight = None
                raise
            except AWAY as error:
                self._log_away(error, wait_s)
            self._hold(wait_s)
            if self._written_after_all(flight):
                break
            self._pipeline.writing.write_again(flight)
        self._pipeline.flight = None
        self._account_for(flight)

    def _account_for(self, flight: Flight) -> None:
        """A batch was written: tell Kafka, and whoever watches."""
        self._source.mirror(flight.offsets)
        self._isolation.note_written(flight.assembled)
        self.metrics.committed(flight.assembled, flight.offsets)
        counts = flight.assembled.batch.counts
        self._done = Progress(
            frames=self._done.frames + flight.assembled.frames,
            messages=self._done.messages
            + sum(count for key, count in counts.items() if key.measure == "messages"),
            refused=self._done.refused + len(flight.assembled.dead),
            batches=self._done.batches + 1,
        )
        self._progress(self._done)

    def _written_after_all(self, flight: Flight) -> bool:
        """Whether the batch was committed and only the answer was lost."""
        try:
            stored = self._stored_offsets()
        except AWAY:
            return False
        return all(stored.get(number) == offset for number, offset in flight.offsets.items())

    def _patiently(self, action: Callable[[], T]) -> T:
        """Do what needs database or broker, however long it takes them to come back."""
        for wait_s in _waits():
            try:
                return action()
            except AWAY as error:
                self._log_away(error, wait_s)
            self._hold(wait_s)
        raise AssertionError  # _waits never ends

    def _log_away(self, error: Exception, wait_s: float) -> None:
        self.metrics.failed(error)
        logger.warning("%s; fetching waits, next try in %.1f s", one_line(error), wait_s)

    def _wait_for(self, *results: Future[None]) -> None:
        """Wait for the first of these writes however long it takes, alive in the group."""
        self.metrics.working.mark("wait")
        if not results or wait(results, PATIENCE_S, FIRST_COMPLETED).done:
            return
        self._source.pause()
        while not any(result.done() for result in results):
            self._poll()
        self._source.resume()

    def _hold(self, wait_s: float) -> None:
        """Wait without fetching, alive in the group."""
        stage = self.metrics.working.mark("hold")
        self._source.pause()
        until = monotonic() + wait_s
        while monotonic() < until:
            self._poll()
            if self._stop.is_set() or self._source.assignment_changed():
                raise _Interrupted
        self._source.resume()
        self.metrics.working.mark(stage)

    def _poll(self) -> list[Record]:
        self.metrics.turned()
        return self._source.poll(POLL_S)

    def _stored_offsets(self) -> dict[int, int]:
        return read_offsets(self._alive(), self._source.cluster_id, self._source.topic_id)

    def _alive(self) -> Connection:
        """The worker's own connection, opened again where it broke."""
        if self._connection.closed:
            self._connection = connect(self._dsn)
        return self._connection

    def _last_known(
        self, vehicle_ids: Collection[int]
    ) -> Mapping[int, Mapping[str, tuple[float, datetime]]]:
        return last_known(self._alive(), vehicle_ids, TRACKED)

    def _close_connection(self) -> None:
        self._connection.close()


def _waits() -> Iterator[float]:
    """Growing waits without end [s]."""
    wait_s = FIRST_WAIT_S
    while True:
        yield wait_s
        wait_s = min(2 * wait_s, LONGEST_WAIT_S)
