"""Commands of ours that run beside this one, as processes of their own, and are looked after.

What ends by itself is started again where it had worked for a while: every command goes on where it
was. What ends at once would do so again, and is told.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from schemas.errors import TelemetryError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rich.console import Console

PROGRAM = (sys.executable, "-m", "cli")

STOPPING_TAKES_S = 20.0
"""How long each of them has to end [s]."""

AT_ONCE_S = 30.0
"""What ends so soon after its start would end again [s]."""


@dataclass(kw_only=True, slots=True)
class Child:
    """A command that runs."""

    arguments: tuple[str, ...]
    log: Path
    process: subprocess.Popen[bytes]
    began: float

    @property
    def ended(self) -> str | None:
        """How it has ended; None: it runs."""
        code = self.process.poll()
        if code is None:
            return None
        return f"was killed by signal {-code}" if code < 0 else f"has ended with code {code}"


class Children:
    """The commands that run.

    Args:
        folder: where their logs are.
        console: what happens to them is said there.
    """

    def __init__(self, folder: Path, console: Console) -> None:
        self._folder = folder
        self._console = console
        self._running: list[Child] = []

    def start(self, *arguments: str) -> Child:
        """Run a command from now on, with a new log."""
        log = self._folder / f"{arguments[0]}.log"
        log.write_bytes(b"")
        child = Child(arguments=arguments, log=log, process=_run(arguments, log), began=monotonic())
        self._running.append(child)
        return child

    def look_after(self) -> None:
        """Say which have ended, and start them again.

        Raises:
            TelemetryError: one has ended as soon as it was started.
        """
        for child in self._running:
            how = child.ended
            if how is None:
                continue
            told = f"`telemetry {' '.join(child.arguments)}` {how}"
            if monotonic() - child.began < AT_ONCE_S:
                raise TelemetryError(f"{told} as soon as it was started; its log is {child.log}.")
            self._console.print(
                f"{told} and is started again, where it was; its log is {child.log}.",
                highlight=False,
                markup=False,
                soft_wrap=True,
            )
            child.process, child.began = _run(child.arguments, child.log), monotonic()

    def stop(self) -> None:
        """End all of them."""
        for child in self._running:
            child.process.send_signal(signal.SIGTERM)
        for child in self._running:
            try:
                child.process.wait(timeout=STOPPING_TAKES_S)
            except subprocess.TimeoutExpired:
                child.process.kill()


@contextmanager
def children(folder: Path, console: Console) -> Iterator[Children]:
    """Commands that end with this one."""
    started = Children(folder, console)
    try:
        yield started
    finally:
        started.stop()


def _run(arguments: tuple[str, ...], log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return subprocess.Popen(
            [*PROGRAM, *arguments],
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
