"""The reader's end of a lane: its process, what it was handed, and threads that speak and hear."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from queue import SimpleQueue
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING

from ingest.errors import IngestError
from ingest.lanes.channel import Ended, Moving, Records, packed, size_of
from ingest.lanes.process import STOPPING
from ingest.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ingest.lanes.channel import Assigned, Begin, Packed, Task
    from ingest.record import Record

HANDED_BYTES = 6 << 20
"""What a lane may be handed before it has taken it up [bytes]; then its partitions are paused. One
poll, which is on its way by then, comes on top."""

PIECE_BYTES = 512 << 10
"""What goes to a lane at a time [bytes]: of a larger piece, Python asks the socket for all that is
left of it, again and again, and makes room for that each time."""

CLOSE_S = 30.0
"""How long a lane may take to end once nobody speaks to it any more [s]."""


class Lane:
    """A lane as its reader has it: a process that is started here, spoken to and heard.

    Args:
        number: its place among the lanes.
        task: what it is started with.
        said: where what it says is put, with its number.
    """

    def __init__(self, number: int, task: Task, said: SimpleQueue[tuple[int, object]]) -> None:
        self.number = number
        self.ready = self.ended = self.paused = False
        self.error: Exception | None = None
        self.partitions: frozenset[int] = frozenset()
        self.generation = 0
        self.begun = False
        self.heard = monotonic()
        """When it said something last."""
        self.held = 0
        """Bytes handed over that it has not taken up, as `size_of` counts them."""
        self.handed: dict[int, int] = {}
        """By partition: the offset after the last record handed over."""
        self.written: dict[int, int] = {}
        self.done = Progress(frames=0, messages=0, refused=0, batches=0)
        ours, its = socket.socketpair()
        with its, _held_back():
            # It imports from where this process does, and nothing from the folder it runs in.
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "ingest.lanes.process", str(its.fileno())],
                pass_fds=[its.fileno()],
                stdin=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            )
        self._socket, self._pipe = ours, Connection(os.dup(ours.fileno()))
        self._to_say: SimpleQueue[memoryview | None] = SimpleQueue()
        # A pipe that is full would stop the reader, so that Kafka took it for dead.
        self._threads = [
            Thread(target=self._speak, name=f"to lane {number}", daemon=True),
            Thread(target=self._listen, args=(said,), name=f"from lane {number}", daemon=True),
        ]
        for thread in self._threads:
            thread.start()
        self.say(task)

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    @property
    def full(self) -> bool:
        """Whether it has been handed so much that it should be handed no more."""
        return self.held >= HANDED_BYTES

    @property
    def settled(self) -> bool:
        """Whether the database has all that was handed over."""
        return all(self.written.get(part, -1) >= offset for part, offset in self.handed.items())

    def say(self, what: object) -> None:
        """Tell it something, as soon as it listens."""
        self._to_say.put(ForkingPickler.dumps(what))

    def void(self) -> None:
        """What it has is void; it waits for partitions."""
        self._reset()
        self.say(Moving())

    def assign(self, assigned: Assigned) -> None:
        """These partitions are its now."""
        self._reset()
        self.partitions = assigned.partitions
        self.say(assigned)

    def begin(self, begin: Begin) -> None:
        """It begins anew; all that was handed over before is dropped by it."""
        self._reset()
        self.generation, self.begun = begin.generation, True

    def hand(self, records: Sequence[Record]) -> None:
        """Hand over records of its partitions, in the order read."""
        if not records or not self.begun:
            return
        self.handed |= {record.partition: record.offset + 1 for record in records}
        piece: list[Packed] = []
        size = 0
        for record in records:
            fields = packed(record)
            piece.append(fields)
            size += size_of(fields)
            if size >= PIECE_BYTES:
                self._hand(piece, size)
                piece, size = [], 0
        if piece:
            self._hand(piece, size)

    def _hand(self, piece: Sequence[Packed], size: int) -> None:
        self.held += size
        self.say(Records(generation=self.generation, records=piece))

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

    def close(self) -> None:
        """Have it end, if it has not."""
        self._to_say.put(None)
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        try:
            self._process.wait(CLOSE_S)
        except subprocess.TimeoutExpired:
            self.kill()
            self._process.wait()
        for thread in self._threads:
            thread.join()
        self._pipe.close()
        self._socket.close()

    def _reset(self) -> None:
        self.begun = self.paused = False
        self.held = 0
        self.handed.clear()
        self.written.clear()

    def _speak(self) -> None:
        with suppress(OSError):
            while (what := self._to_say.get()) is not None:
                self._pipe.send_bytes(what)

    def _listen(self, said: SimpleQueue[tuple[int, object]]) -> None:
        ended = False
        with suppress(EOFError, OSError):
            while not ended:
                heard = self._pipe.recv()
                ended = isinstance(heard, Ended)
                said.put((self.number, heard))
        if not ended:
            error = IngestError(
                f"Lane {self.number} of this worker is gone (process {self._process.pid}, exit "
                f"status {self._process.wait()}). Nothing is lost: start the worker again, it goes "
                "on where the database stands."
            )
            said.put((self.number, Ended(error)))


@contextmanager
def _held_back() -> Iterator[None]:
    """Start a lane with the signals held back that it cannot take yet."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
