"""A worker as its supervisor has it: a reader with lanes or a single process, held and struck."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from tests.asking.patience import wait_until
from tests.faults.driver import DSN
from tests.faults.handles import SOCKET

if TYPE_CHECKING:
    from ingest.settings import IngestSettings
    from tests.faults.grounds import Grounds

ROOT = Path(__file__).parents[2]

LEAVE_S = 45.0
"""How long a worker may take to finish its batch and leave, with all servers up [s]."""


class Hand:
    """The other end of one process's handles.

    Args:
        ours: the socket it has connected to.
        ahead_s: what its clock is ahead [s].

    Raises:
        psutil.NoSuchProcess, ValueError: it has ended already.
    """

    def __init__(self, ours: socket.socket, ahead_s: float) -> None:
        self._socket, self._lines = ours, ours.makefile(encoding="utf-8")
        self._said: list[str] = []
        self._process = psutil.Process(int(self._lines.readline().removeprefix("process ")))
        self.tell(f"clock {ahead_s}")
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        with suppress(OSError):
            for line in self._lines:
                self._said.append(line.strip())

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether the process has gone."""
        try:
            return self._process.status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True

    def times(self, line: str) -> int:
        """How often it has said this."""
        return self._said.count(line)

    def tell(self, line: str) -> None:
        """Say something to it; where it has ended, nobody hears it."""
        with suppress(OSError):
            self._socket.sendall(f"{line}\n".encode())

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        with suppress(psutil.NoSuchProcess):
            self._process.send_signal(number)

    def close(self) -> None:
        """Let the socket go, once the process has ended."""
        self._listener.join(timeout=5)
        self._lines.close()
        self._socket.close()


class Member:
    """One worker: its process, and those of its lanes.

    Attributes:
        expected_to_end: whether a fault has it end, so that its end is no news.
        held: whether a fault is at work on it, so that no other one picks it.
        standing: which of its processes `hold_at` has brought to a phase.
    """

    def __init__(
        self, grounds: Grounds, settings: IngestSettings, name: str, logs: Path, ahead_s: float
    ) -> None:
        self.name, self.settings = name, settings
        self.expected_to_end = self.held = False
        self.standing: Hand | None = None
        self._ahead_s = ahead_s
        self._said: list[str] = []
        self._hands: list[Hand] = []
        self._lock = threading.Lock()
        self._folder = Path(tempfile.mkdtemp(prefix="faults-"))
        self._door = socket.socket(socket.AF_UNIX)
        self._door.bind(str(self._folder / "door"))
        self._door.listen()
        self.log = logs / f"{name}.log"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "tests.faults.driver",
                    settings.model_dump_json(),
                    grounds.workers_bootstrap,
                ],
                cwd=ROOT,
                env={
                    **os.environ,
                    DSN: grounds.workers_dsn.get_secret_value(),
                    SOCKET: str(self._folder / "door"),
                },
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self._listeners = [
            threading.Thread(target=self._listen, daemon=True),
            threading.Thread(target=self._answer_the_door, daemon=True),
        ]
        for listener in self._listeners:
            listener.start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._said.append(line.strip())

    def _answer_the_door(self) -> None:
        with suppress(OSError):
            while True:
                ours, _ = self._door.accept()
                with self._lock, suppress(psutil.NoSuchProcess, ValueError):
                    self._hands.append(Hand(ours, self._ahead_s))

    @property
    def ended(self) -> bool:
        """Whether the worker has gone; its lanes may be there for a moment yet."""
        return self._process.poll() is not None

    @property
    def was_ready(self) -> bool:
        """Whether it began to work."""
        return any(line.startswith("ready") for line in self._said)

    @property
    def batches(self) -> int:
        """How many it has written, as far as it has told."""
        return sum(line.startswith("done") for line in self._said)

    @property
    def hands(self) -> list[Hand]:
        """Those of its processes that decode and write and have not ended."""
        with self._lock:
            return [hand for hand in self._hands if not hand.ended]

    @property
    def lanes(self) -> list[Hand]:
        """Those that are processes of their own."""
        return [hand for hand in self.hands if hand.pid != self._process.pid]

    def tell(self, line: str) -> None:
        """Say something to all of it."""
        for hand in self.hands:
            hand.tell(line)

    def tell_and_hear(self, line: str, answer: str) -> None:
        """Say something and wait until all of it has understood."""
        before = {hand: hand.times(answer) for hand in self.hands}
        for hand in before:
            hand.tell(line)
        wait_until(
            lambda: all(hand.ended or hand.times(answer) > count for hand, count in before.items()),
            f"{self.name}: {answer}",
        )

    def set_clock(self, ahead_s: float) -> None:
        """Set its clock, and that of lanes which are on their way."""
        with self._lock:
            self._ahead_s = ahead_s
        self.tell_and_hear(f"clock {ahead_s}", f"clock {ahead_s}")

    def hold_at(self, phase: str, within_s: float = 20.0) -> bool:
        """Have one of its processes stop at a phase; says whether one came there."""
        said = f"at {phase}"
        before = {hand: hand.times(said) for hand in self.hands}
        self.standing = None
        self.tell_and_hear(f"arm {phase}", f"armed {phase}")
        until = time.monotonic() + within_s
        while time.monotonic() < until and not self.ended:
            there = [hand for hand, count in before.items() if hand.times(said) > count]
            if there:
                self.standing = there[0]
                for hand in before.keys() - {self.standing}:
                    hand.tell("go")
                return True
            time.sleep(0.01)
        self.tell("go")
        return False

    def send(self, number: signal.Signals) -> None:
        """Send all its processes a signal, as to a container or a service."""
        hands = self.hands
        self.send_reader(number)
        for hand in hands:
            if hand.pid != self._process.pid:
                hand.send(number)

    def send_reader(self, number: signal.Signals) -> None:
        """Send the worker's own process a signal, and none to its lanes."""
        with suppress(ProcessLookupError):
            self._process.send_signal(number)

    def kill(self) -> None:
        """kill -9 of all of it."""
        self.expected_to_end = True
        self.send(signal.SIGKILL)
        self._process.wait()

    def leave(self) -> int | None:
        """SIGTERM; returns its exit code, None where it did not end in time."""
        self.expected_to_end = True
        self.send_reader(signal.SIGTERM)
        self.tell("go")
        try:
            return self._process.wait(timeout=LEAVE_S)
        except subprocess.TimeoutExpired:
            return None

    def last_words(self) -> str:
        """The last line it logged."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else "nothing"

    def close(self) -> None:
        """End it whatever it does, and let its pipes go."""
        self.kill()
        with suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        for listener in self._listeners:
            listener.join(timeout=5)
        # One that came to the door last has its end here, too, and is killed with the others.
        self.send(signal.SIGKILL)
        for hand in self._hands:
            hand.close()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with suppress(BrokenPipeError):
                pipe.close()
        shutil.rmtree(self._folder)
