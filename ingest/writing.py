"""The writing thread: lays a batch out, then letters, the batch, reports; one batch at a time.

Laying out, sorting and encoding are numpy's work, most of it without the interpreter's lock: here
they go on while the worker's thread gathers the next batch.
"""

from __future__ import annotations

import logging
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

from ingest.errors import KafkaUnreachableError
from ingest.kafka import Publisher
from storage.connection import connect, server
from storage.errors import PASSING, BatchRefusedError, DatabaseUnreachableError
from storage.frame_writer import FrameWriter
from storage.prepared import prepare
from storage.steps import NO_STEPS

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import SecretStr

    from ingest.assemble import Assembled
    from ingest.metrics import Metrics
    from ingest.record import DeadLetter
    from ingest.settings import IngestSettings
    from schemas.catalogue import Catalogue
    from storage.prepared import Prepared
    from storage.settings import StorageSettings

AWAY = (
    *PASSING,
    DatabaseUnreachableError,
    KafkaUnreachableError,
)
"""What is raised while a server cannot be spoken to, or cannot do its part for now."""

LETTERS_LOGGED = 10
"""Letters of one batch that are logged one by one; all are in the dead-letter topic."""

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Flight:
    """A batch on its way into the database."""

    lay_out: Callable[[], Assembled] | None
    """Gives the batch; None once the writing thread has asked it, for it holds all messages."""
    offsets: dict[int, int]
    """By partition: where the database stands once it is written."""
    result: Future[None]
    batch: Assembled | None = None
    prepared: Prepared | None = None
    """Ready for the database, with every try the same."""
    buried: bool = False
    """Whether its letters are safe; they are not sent again with every try."""

    @property
    def assembled(self) -> Assembled:
        """The batch, once a try to write it has ended."""
        if self.batch is None:
            raise RuntimeError("a batch was asked for before it was laid out")
        return self.batch


class WritingThread:
    """Writes batches over a connection of its own, which it opens again after each failure.

    Args:
        settings: the dead-letter topic.
        storage: how many refused values are kept.
        bootstrap: host:port,... of the brokers.
        dsn: the database.
        catalogue: the signal catalogue.
        metrics: told what the thread does.

    Raises:
        KafkaUnreachableError: no broker answers.
    """

    def __init__(
        self,
        settings: IngestSettings,
        storage: StorageSettings,
        *,
        bootstrap: str,
        dsn: SecretStr,
        catalogue: Catalogue,
        metrics: Metrics,
    ) -> None:
        self._dsn, self._catalogue, self._metrics = dsn, catalogue, metrics
        self._stages = metrics.stages()
        self._refused_values_kept = storage.refused_values_kept
        self._writer: FrameWriter | None = None
        self._steps = NO_STEPS
        self._publisher = Publisher(settings, bootstrap)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="writer")

    def write(
        self,
        lay_out: Callable[[], Assembled],
        offsets: dict[int, int],
        *,
        buried: bool = False,
    ) -> Flight:
        """Begin to lay out a batch and write it; its result raises what writer or broker did."""
        flight = Flight(lay_out=lay_out, offsets=offsets, result=Future(), buried=buried)
        self.write_again(flight)
        return flight

    def write_again(self, flight: Flight) -> None:
        """Begin once more, after a failure."""
        flight.result = self._thread.submit(self._timed, flight)

    def publish_reports(self) -> None:
        """Have committed reports get their received time, also those of a worker that died."""
        self._thread.submit(self._publish)

    def close(self) -> None:
        """Finish what is being written and close."""
        self._thread.shutdown()
        self._close_writer()
        try:
            self._publisher.close()
        except KafkaUnreachableError as error:
            logger.warning("%s Its offset has not moved: it will be read again.", one_line(error))

    def _timed(self, flight: Flight) -> None:
        began = perf_counter()
        try:
            self._write(flight)
            self._metrics.write_seconds.observe(perf_counter() - began)
        finally:
            self._stages.mark(None)

    def _write(self, flight: Flight) -> None:
        mark = self._stages.mark
        prepared = self._make_ready(flight)
        mark("bury")
        is_part = flight.buried
        if not is_part:
            # Before the offsets move: none of them ever passes a message that is nowhere.
            self._publisher.bury(flight.assembled.dead)
            flight.buried = True
        mark("begin")
        writer = self._open_writer()
        try:
            writer.write_prepared(prepared)
        except BaseException as error:
            # What a writer remembers may be why the whole was refused; of its parts, it is not.
            if not (is_part and isinstance(error, BatchRefusedError)):
                self._close_writer()
            raise
        mark("publish")
        self._publish()

    def _make_ready(self, flight: Flight) -> Prepared:
        if flight.lay_out is not None:
            self._stages.mark("build")
            flight.batch = flight.lay_out()
            flight.lay_out = None
            if not flight.buried:
                _log_letters(flight.batch.dead)
        if flight.prepared is None:
            self._stages.mark("prepare")
            flight.prepared = prepare(flight.assembled.batch, self._catalogue, self._steps)
        return flight.prepared

    def _publish(self) -> None:
        try:
            self._open_writer().publish_reports()
        except AWAY as error:
            self._close_writer()
            logger.warning("reports are not published yet: %s", one_line(error))

    def _open_writer(self) -> FrameWriter:
        if self._writer is None:
            connection = connect(self._dsn)
            try:
                self._writer = FrameWriter(
                    connection,
                    server(connection),
                    self._catalogue,
                    refused_values_kept=self._refused_values_kept,
                    mark=self._stages.mark,
                )
                self._steps = self._writer.steps
            except BaseException:
                connection.close()
                raise
        return self._writer

    def _close_writer(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def one_line(error: BaseException) -> str:
    """An error as one line; PostgreSQL's go on with hints and context."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _log_letters(letters: tuple[DeadLetter, ...]) -> None:
    """Say of a batch's letters why they were refused."""
    for letter in letters[:LETTERS_LOGGED]:
        record = letter.record
        logger.warning(
            "refused %s[%d] offset %d (%s): %s",
            record.topic,
            record.partition,
            record.offset,
            letter.reason,
            letter.detail,
            extra={
                "topic": record.topic,
                "partition": record.partition,
                "offset": record.offset,
                "vin": letter.vin,
                "reason": str(letter.reason),
            },
        )
    if len(letters) > LETTERS_LOGGED:
        logger.warning("refused %d messages more", len(letters) - LETTERS_LOGGED)
