"""Threads that write history, each over a connection of its own and certain groups alone.

So no two of them ever want the same chunk, and a group's rows are written in the order they come.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from queue import Empty, Full, Queue
from typing import TYPE_CHECKING, Self

import psycopg

from ingest.errors import HistoryError
from ingest.writing import one_line
from storage.connection import connect, server
from storage.history_writer import Finished, HistoryRows, HistoryWriter

if TYPE_CHECKING:
    from types import TracebackType

    from pydantic import SecretStr

    from schemas.catalogue import Catalogue
    from storage.settings import StorageSettings

WAITING_PARTS = 7
"""Parts that wait for all threads together: about a piece of a file, one of each group."""

ATTEMPTS = 5
"""How often a part is written that PostgreSQL undid because of a deadlock with another writer."""

LOOK_EVERY_S = 0.2
"""How long a queue is waited for before looking whether all is well [s]."""


@dataclass(slots=True)
class Tally:
    """What a thread has written."""

    new: int = 0
    filled: int = 0
    repeated: int = 0
    grown_bytes: int = 0
    columnstore: bool = True


class WritingThreads:
    """Writes parts, and at the end compresses what is left as rows.

    Args:
        dsn: the database.
        catalogue: the catalogue it was migrated to.
        storage: when chunks are compressed.
        jobs: how many threads, at most one a group.
        direct: whether rows may go straight into the columnstore.
    """

    def __init__(
        self,
        dsn: SecretStr,
        catalogue: Catalogue,
        storage: StorageSettings,
        *,
        jobs: int,
        direct: bool,
    ) -> None:
        self._dsn, self._catalogue, self._storage = dsn, catalogue, storage
        self._direct = direct
        jobs = min(jobs, len(catalogue.groups))
        self._owners = _share_out(catalogue, jobs)
        waiting = max(1, WAITING_PARTS // jobs)
        self._queues: list[Queue[HistoryRows | None]] = [Queue(waiting) for _ in range(jobs)]
        self._tallies = [Tally() for _ in range(jobs)]
        self._stop = threading.Event()
        self._error: BaseException | None = None
        self._threads = [
            threading.Thread(target=self._run, args=(number,), name=f"history-{number}")
            for number in range(jobs)
        ]

    def __enter__(self) -> Self:
        """Start."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop after the parts in hand; what was committed stays."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def write(self, part: HistoryRows) -> None:
        """Hand a part over; waits while others wait already.

        Raises:
            HistoryError: the database went away.
            StorageError: the database refused an earlier part.
        """
        self._put(self._owners[part.rows.group], part)

    def finish(self) -> list[Tally]:
        """Wait until all is written and compressed; raises as `write`."""
        for number in range(len(self._queues)):
            self._put(number, None)
        for thread in self._threads:
            thread.join()
        self._raise()
        return self._tallies

    def _put(self, number: int, part: HistoryRows | None) -> None:
        while True:
            self._raise()
            try:
                self._queues[number].put(part, timeout=LOOK_EVERY_S)
            except Full:
                continue
            return

    def _raise(self) -> None:
        if isinstance(self._error, psycopg.OperationalError):
            raise HistoryError(
                f"The database went away, or gave up: {one_line(self._error)}. What was committed "
                "stays: load the same files again, and only what is missing will be written."
            ) from self._error
        if self._error is not None:
            raise self._error

    def _run(self, number: int) -> None:
        try:
            with connect(self._dsn) as connection:
                writer = HistoryWriter(
                    connection,
                    server(connection),
                    self._catalogue,
                    self._storage,
                    number=number,
                    direct=self._direct,
                )
                if self._write_all(writer, number):
                    finished: Finished = writer.finish()
                    self._tallies[number].grown_bytes = finished.grown_bytes
                    self._tallies[number].columnstore = finished.columnstore
        except BaseException as error:  # noqa: BLE001 - raised in the thread that hands parts over
            self._error = self._error or error
            self._stop.set()

    def _write_all(self, writer: HistoryWriter, number: int) -> bool:
        """Write until the end is handed over; False where it was broken off before."""
        tally = self._tallies[number]
        while not self._stop.is_set():
            try:
                part = self._queues[number].get(timeout=LOOK_EVERY_S)
            except Empty:
                continue
            if part is None:
                return True
            written = _write(writer, part)
            tally.new += written.new
            tally.filled += written.filled
            tally.repeated += written.repeated
        return False


def _write(writer: HistoryWriter, part: HistoryRows) -> Tally:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            written = writer.write_history(part)
        except psycopg.errors.DeadlockDetected:
            if attempt == ATTEMPTS:
                raise
        else:
            return Tally(new=written.new, filled=written.filled, repeated=written.repeated)
    raise AssertionError  # pragma: no cover - the last attempt returns or raises


def _share_out(catalogue: Catalogue, jobs: int) -> dict[str, int]:
    """Which thread writes a group: the widest first, each to whoever has the fewest columns."""
    columns = [0] * jobs
    owners: dict[str, int] = {}
    for group in sorted(catalogue.groups.values(), key=lambda group: -len(group.signals)):
        owner = columns.index(min(columns))
        owners[group.name] = owner
        columns[owner] += len(group.signals)
    return owners
