"""The three processes beside the one that measures: the API, the writer and the clients."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, kw_only=True)
class Process:
    """A process that is told and answers lines of JSON."""

    running: subprocess.Popen[str]
    log: IO[str] | None
    """Where its standard error goes; None: to ours."""

    @property
    def peak_mb(self) -> float:
        """The most memory it has held [MB]. [proc_pid_status(5): VmHWM]."""
        status = Path(f"/proc/{self.running.pid}/status").read_text(encoding="ascii")
        (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024 / 1e6

    def tell(self, what: object) -> None:
        """Tell it something."""
        stream = self.running.stdin
        assert stream is not None
        stream.write(json.dumps(what, default=str) + "\n")
        stream.flush()

    def hear(self) -> str:
        """Its next line."""
        stream = self.running.stdout
        assert stream is not None
        line = stream.readline()
        if not line:
            raise RuntimeError(
                f"{self.running.args!r} ended without an answer: {self._last_words()}"
            )
        return line

    def _last_words(self) -> str:
        if self.log is None:
            return "see above"
        self.log.seek(0)
        return self.log.read()[-3000:]

    def ask(self, what: object) -> dict[str, Any]:
        """Tell it something and read its answer."""
        self.tell(what)
        answer: dict[str, Any] = json.loads(self.hear())
        return answer


@contextmanager
def process(module: str, log: IO[str] | None = None) -> Iterator[Process]:
    """A module of this package as a process, ended with the block."""
    with subprocess.Popen(
        [sys.executable, "-m", f"benchmarks.api_load.{module}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
    ) as running:
        try:
            yield Process(running=running, log=log)
        finally:
            running.terminate()
