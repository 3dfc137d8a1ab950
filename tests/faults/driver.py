"""A worker in a process of its own that stops at a phase of its work when it is told to.

It is `telemetry ingest` with two handles. `arm PHASE` on standard input lets it say `at PHASE` the
next time it comes there, and wait for `go`: whoever reads that can kill it at this very point.
`clock SECONDS` sets its wall clock so far ahead (or behind) of the machine's.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any, Self

from pydantic import SecretStr

from ingest.kafka import Publisher
from ingest.settings import IngestSettings
from ingest.worker import Worker
from schemas import catalogue
from storage import frame_writer
from storage.frame_writer import FrameWriter
from storage.row_writer import RowWriter
from storage.settings import StorageSettings

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

PHASES = ("buried", "begun", "copied", "committed")
"""Letters are safe; the offsets are taken, no row is there; all is written; it is committed, and
nobody has been told."""

DSN = "TELEMETRY_FAULTS_DSN"
"""Environment variable with the database, which is no argument because it has a password."""


class Stage:
    """Where the worker may be held."""

    def __init__(self) -> None:
        self._armed: str | None = None
        self._go = threading.Event()

    def arm(self, phase: str) -> None:
        """Hold the worker when it comes to that phase next."""
        self._go.clear()
        self._armed = phase

    def release(self) -> None:
        """Let it go on."""
        self._armed = None
        self._go.set()

    def reached(self, phase: str) -> None:
        """Called by the worker's threads."""
        if phase == self._armed:
            self._armed = None
            say(f"at {phase}")
            self._go.wait()

    def set_up(self) -> None:
        """Have the worker come by here at each phase."""
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


def say(line: str) -> None:
    """Tell the parent; a line is written whole, whichever thread speaks."""
    os.write(sys.stdout.fileno(), f"{line}\n".encode())


def listen(stage: Stage, stop: threading.Event) -> None:
    """Do what the parent says; where it has gone, end."""
    for line in sys.stdin:
        word, _, rest = line.strip().partition(" ")
        if word == "arm":
            stage.arm(rest)
            say(f"armed {rest}")
        elif word == "go":
            stage.release()
        elif word == "clock":
            ShiftedClock.ahead = timedelta(seconds=float(rest))
            say(f"clock {rest}")
    stop.set()
    stage.release()


def main() -> None:
    """Work until SIGTERM."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("ingest").setLevel(logging.INFO)
    bootstrap, settings, ahead_s = sys.argv[1:]
    stage, stop = Stage(), threading.Event()
    stage.set_up()
    shift_clock()
    ShiftedClock.ahead = timedelta(seconds=float(ahead_s))
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    threading.Thread(target=listen, args=(stage, stop), daemon=True).start()
    worker = Worker(
        IngestSettings.model_validate_json(settings),
        StorageSettings(),
        bootstrap=bootstrap,
        dsn=SecretStr(os.environ[DSN]),
        catalogue=catalogue.default(),
    )
    say(f"ready {datetime.now(tz=UTC):%H:%M:%S}")
    worker.run(stop, progress=lambda done: say(f"done {done.batches}"))


if __name__ == "__main__":
    main()
