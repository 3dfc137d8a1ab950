"""The workers: real processes that are held, killed, put to sleep, and replaced when they end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tests.faults.driver import DSN
from tests.servers.ingest_fixture import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ingest.settings import IngestSettings
    from tests.faults.grounds import Grounds

ROOT = Path(__file__).parents[2]

ANSWER_S = 45.0
"""How long a worker may take to start or to say something on a busy machine [s]."""

LEAVE_S = 45.0
"""How long a worker may take to finish its batch and leave, with all servers up [s]."""


class Member:
    """One worker process."""

    def __init__(
        self, grounds: Grounds, settings: IngestSettings, name: str, logs: Path, ahead_s: float
    ) -> None:
        self.name, self.settings = name, settings
        self.expected_to_end = False
        """Whether a fault has it end, so that its end is no news."""
        self.held = False
        """Whether a fault is at work on it, so that no other one picks it."""
        self._said: list[str] = []
        self.log = logs / f"{name}.log"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "tests.faults.driver",
                    grounds.workers_bootstrap,
                    settings.model_dump_json(),
                    str(ahead_s),
                ],
                cwd=ROOT,
                env={**os.environ, DSN: grounds.workers_dsn.get_secret_value()},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._said.append(line.strip())

    @property
    def ended(self) -> bool:
        """Whether the process has gone."""
        return self._process.poll() is not None

    @property
    def was_ready(self) -> bool:
        """Whether it began to work."""
        return any(line.startswith("ready") for line in self._said)

    @property
    def batches(self) -> int:
        """How many it has written, as far as it has told."""
        return sum(line.startswith("done") for line in self._said)

    def tell(self, line: str) -> None:
        """Say something to it; one that has ended, or was let go already, does not hear it."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError, ValueError):
            self._process.stdin.write(f"{line}\n")
            self._process.stdin.flush()

    def tell_and_hear(self, line: str, answer: str) -> None:
        """Say something and wait until it has understood."""
        before = self._said.count(answer)
        self.tell(line)
        wait_until(
            lambda: self.ended or self._said.count(answer) > before, f"{self.name}: {answer}", 20
        )

    def hold_at(self, phase: str, within_s: float = 20.0) -> bool:
        """Have it stop at a phase; says whether it came there."""
        before = self._said.count(f"at {phase}")
        self.tell_and_hear(f"arm {phase}", f"armed {phase}")
        until = time.monotonic() + within_s
        while time.monotonic() < until and not self.ended:
            if self._said.count(f"at {phase}") > before:
                return True
            time.sleep(0.01)
        self.tell("go")
        return False

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        with suppress(ProcessLookupError):
            self._process.send_signal(number)

    def kill(self) -> None:
        """kill -9."""
        self.expected_to_end = True
        self.send(signal.SIGKILL)
        self._process.wait()

    def leave(self) -> int | None:
        """SIGTERM; returns its exit code, None where it did not end in time."""
        self.expected_to_end = True
        self.send(signal.SIGTERM)
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
        self._listener.join(timeout=5)
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with suppress(BrokenPipeError):
                pipe.close()


class Crew:
    """Keeps so many workers at work, as a supervisor would: who ends is replaced.

    Args:
        grounds: where they work.
        settings: the topic and group.
        size: how many.
        logs: a folder for what they say.
        log: told when a worker ended by itself.
    """

    def __init__(
        self,
        grounds: Grounds,
        settings: IngestSettings,
        size: int,
        logs: Path,
        log: Callable[[str], None],
    ) -> None:
        self._grounds, self._settings, self._logs, self._log = grounds, settings, logs, log
        self.size = size
        self.ahead_s = 0.0
        """What new workers' clocks are ahead [s]."""
        self.deserters: list[str] = []
        """Workers that were at work and ended by themselves, which no fault may bring about."""
        self.started = 0
        self._lock = threading.Lock()
        self._members: list[Member] = []
        self._closed = threading.Event()
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        self._keeper.start()

    def __iter__(self) -> Iterator[Member]:
        """The members of the group that are at work."""
        with self._lock:
            return iter([each for each in self._members if not each.ended])

    def hire(self, settings: IngestSettings | None = None) -> Member:
        """One worker more, which the caller sees to."""
        with self._lock:
            self.started += 1
            return Member(
                self._grounds,
                settings or self._settings,
                f"worker-{self.started}",
                self._logs,
                self.ahead_s,
            )

    def pick(self, choose: Callable[[int], int]) -> Member:
        """A member that is at work and that no other fault has in hand; waits for one."""
        wait_until(lambda: bool(self._idle()), "a worker at work", ANSWER_S)
        idle = self._idle()
        return idle[choose(len(idle))]

    def _idle(self) -> list[Member]:
        return [each for each in self if each.was_ready and not each.held]

    def heard(self, words: str) -> int:
        """How often workers have logged these words."""
        logs = (log.read_text(encoding="utf-8", errors="replace") for log in self._logs.iterdir())
        return sum(text.count(words) for text in logs)

    def set_clock(self, ahead_s: float) -> None:
        """Set every member's clock, and that of those to come."""
        self.ahead_s = ahead_s
        for member in self:
            member.tell_and_hear(f"clock {ahead_s}", f"clock {ahead_s}")

    def note_end(self, member: Member) -> None:
        """Let a member go, and remember it where it should have stayed."""
        if member.was_ready and not member.expected_to_end:
            self.deserters.append(f"{member.name} ended by itself: {member.last_words()}")
            self._log(self.deserters[-1])
        member.close()

    def dismiss(self) -> list[str]:
        """End all with SIGTERM; returns complaints about those that did not leave cleanly."""
        self._closed.set()
        self._keeper.join()
        complaints = []
        for member in self._members:
            if not member.ended and (code := member.leave()) != 0:
                complaints.append(f"{member.name} left with code {code}: {member.last_words()}")
            self.note_end(member)
        return complaints

    def close(self) -> None:
        """End all at once."""
        self._closed.set()
        self._keeper.join()
        for member in self._members:
            member.close()

    def _keep(self) -> None:
        while not self._closed.wait(0.3):
            ended = [each for each in self._members if each.ended]
            for member in ended:
                with self._lock:
                    self._members.remove(member)
                self.note_end(member)
            missing = self.size - len(self._members)
            if ended and missing and not any(each.expected_to_end for each in ended):
                self._closed.wait(1.0)  # it could not start: no need to try ten times a second
            for _ in range(missing):
                member = self.hire()
                with self._lock:
                    self._members.append(member)
