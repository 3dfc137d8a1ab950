"""What a process that decodes and writes is held by: it stops at a phase of its work when told to.

Each such process (a worker of one lane, or each lane of a reader) connects to the socket that its
environment names and says its number. `arm PHASE` lets it say `at PHASE` the next time it comes
there, and wait for `go`: whoever reads that can kill it at this very point. `clock SECONDS` sets
its wall clock so far ahead (or behind) of the machine's. Where the other end goes, it is let go.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
import threading
from datetime import datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any, Self

from ingest.kafka import Publisher
from storage import frame_writer
from storage.frame_writer import FrameWriter
from storage.row_writer import RowWriter

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

PHASES = ("buried", "begun", "copied", "committed")
"""Letters are safe; the offsets are taken, no row is there; all is written; it is committed, and
nobody has been told."""

SOCKET = "TELEMETRY_FAULTS_SOCKET"
"""Environment variable with the path of the socket to connect to."""


class Stage:
    """Where the process may be held.

    Args:
        say: tells whoever holds it.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._armed: str | None = None
        self._go = threading.Event()

    def arm(self, phase: str) -> None:
        """Hold the process when it comes to that phase next."""
        self._go.clear()
        self._armed = phase

    def release(self) -> None:
        """Let it go on."""
        self._armed = None
        self._go.set()

    def reached(self, phase: str) -> None:
        """Called by the process's threads."""
        if phase == self._armed:
            self._armed = None
            self._say(f"at {phase}")
            self._go.wait()

    def set_up(self) -> None:
        """Have the process come by here at each phase."""
        _around(Publisher, "bury", after=lambda: self.reached("buried"))
        _around(RowWriter, "write", before=lambda: self.reached("begun"))
        _around(frame_writer, "raise_counts", after=lambda: self.reached("copied"))
        _around(FrameWriter, "write_prepared", after=lambda: self.reached("committed"))


def _around(
    owner: type | ModuleType,
    name: str,
    *,
    before: Callable[[], None] = lambda: None,
    after: Callable[[], None] = lambda: None,
) -> None:
    real = getattr(owner, name)

    def wrapped(*arguments: Any, **named: Any) -> Any:
        before()
        answer = real(*arguments, **named)
        after()
        return answer

    setattr(owner, name, wrapped)


class ShiftedClock(datetime):
    """The wall clock as ingest sees it."""

    ahead = timedelta(0)

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        """The machine's time, and what the fault adds."""
        return super().now(tz) + cls.ahead


def shift_clock() -> None:
    """Give every module of ingest that reads the wall clock the shifted one."""
    found = [
        module
        for name, module in list(sys.modules.items())
        if name.startswith("ingest.") and getattr(module, "datetime", None) is datetime
    ]
    if not found:
        raise AssertionError("nothing in ingest reads datetime.now any more: find who does")
    for module in found:
        vars(module)["datetime"] = ShiftedClock


def log() -> None:
    """Have what ingest does told on standard error."""
    logging.basicConfig(format="%(asctime)s %(process)d %(levelname)s %(name)s %(message)s")
    logging.getLogger("ingest").setLevel(logging.INFO)


def prepare() -> None:
    """What a lane's process calls first."""
    log()
    take_up()


def take_up() -> None:
    """Take the handles up in this process, once all that it runs is imported."""
    ours = socket.socket(socket.AF_UNIX)
    ours.connect(os.environ[SOCKET])

    def say(line: str) -> None:
        ours.sendall(f"{line}\n".encode())

    stage = Stage(say)
    stage.set_up()
    shift_clock()
    say(f"process {os.getpid()}")
    lines = ours.makefile(encoding="utf-8")
    _obey(lines.readline(), stage, say)  # what the clock is from the beginning

    def listen() -> None:
        for line in lines:
            _obey(line, stage, say)
        stage.release()

    threading.Thread(target=listen, daemon=True).start()


def _obey(line: str, stage: Stage, say: Callable[[str], None]) -> None:
    word, _, rest = line.strip().partition(" ")
    if word == "arm":
        stage.arm(rest)
        say(f"armed {rest}")
    elif word == "go":
        stage.release()
    elif word == "clock":
        ShiftedClock.ahead = timedelta(seconds=float(rest))
        say(f"clock {rest}")
