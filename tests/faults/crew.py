"""The workers: kept at work as a supervisor would, and seen to leave nothing behind."""

from __future__ import annotations

import signal
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING

from tests.asking.patience import wait_until
from tests.faults.member import Member

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from ingest.settings import IngestSettings
    from tests.faults.grounds import Grounds

ANSWER_S = 45.0
"""How long a worker may take to start or to say something on a busy machine [s]."""

OUTLIVE_S = 30.0
"""How long lanes may outlive their reader: they may have a batch to write, be held at a phase, and
the database may be away for a while [s]."""


class Crew:
    """Keeps so many workers at work, as a supervisor would: who ends is replaced.

    Args:
        grounds: where they work.
        settings: the topic and group.
        lanes: how many lanes each of them has.
        logs: a folder for what they say.
        log: told when a worker ended by itself.
    """

    def __init__(
        self,
        grounds: Grounds,
        settings: IngestSettings,
        lanes: Sequence[int],
        logs: Path,
        log: Callable[[str], None],
    ) -> None:
        self._grounds, self._settings, self._logs, self._log = grounds, settings, logs, log
        self._lanes = Counter(lanes)
        self.ahead_s = 0.0
        """What new workers' clocks are ahead [s]."""
        self.deserters: list[str] = []
        """Workers that were at work and ended by themselves, which no fault may bring about."""
        self.started = 0
        self._lock = threading.Lock()
        self._members: list[Member] = []
        self._leaving: list[tuple[Member, float]] = []
        """Workers that have ended, and until when their lanes must have."""
        self._closed = threading.Event()
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        self._keeper.start()

    def __iter__(self) -> Iterator[Member]:
        """The members of the group that are at work."""
        with self._lock:
            return iter([each for each in self._members if not each.ended])

    def hire(self, lanes: int, settings: IngestSettings | None = None) -> Member:
        """One worker more, which the caller sees to."""
        with self._lock:
            self.started += 1
            return Member(
                self._grounds,
                (settings or self._settings).model_copy(update={"lanes": lanes}),
                f"worker-{self.started}",
                self._logs,
                self.ahead_s,
            )

    def pick(self, choose: Callable[[int], int], *, with_lanes: bool = False) -> Member:
        """A member that is at work and that no other fault has in hand; waits for one.

        Args:
            choose: one of so many.
            with_lanes: whether it must have lanes that are processes.
        """
        wait_until(lambda: bool(self._idle(with_lanes)), "a worker at work", ANSWER_S)
        idle = self._idle(with_lanes)
        return idle[choose(len(idle))]

    def _idle(self, with_lanes: bool) -> list[Member]:
        return [
            each
            for each in self
            if each.was_ready and not each.held and (each.settings.lanes > 1 or not with_lanes)
        ]

    def heard(self, words: str) -> int:
        """How often workers have logged these words."""
        logs = (log.read_text(encoding="utf-8", errors="replace") for log in self._logs.iterdir())
        return sum(text.count(words) for text in logs)

    def set_clock(self, ahead_s: float) -> None:
        """Set every member's clock, and that of those to come."""
        self.ahead_s = ahead_s
        for member in self:
            member.set_clock(ahead_s)

    def renew(self) -> None:
        """Let all leave and others take their places: none has anything in hand then."""
        for member in self:
            if member.leave() is None:
                member.kill()
        wait_until(
            lambda: len([each for each in self if each.was_ready]) == self._lanes.total(),
            "all workers renewed",
            ANSWER_S,
        )

    def note_end(self, member: Member) -> None:
        """Let a member go, and remember it where it should have stayed."""
        if member.was_ready and not member.expected_to_end:
            self.deserters.append(f"{member.name} ended by itself: {member.last_words()}")
            self._log(self.deserters[-1])
        if not member.ended:
            member.kill()
        with self._lock:
            self._leaving.append((member, time.monotonic() + OUTLIVE_S))

    def _see_out(self) -> bool:
        """Lanes of workers that have gone must go, too; says whether all have."""
        with self._lock:
            leaving, self._leaving = self._leaving, []
        for member, until in leaving:
            lanes = member.lanes
            if lanes and time.monotonic() < until:
                with self._lock:
                    self._leaving.append((member, until))
                continue
            if lanes:
                self.deserters.append(f"{len(lanes)} lanes of {member.name} outlived it for long")
                self._log(self.deserters[-1])
            member.close()
        return not self._leaving

    def dismiss(self) -> list[str]:
        """End all with SIGTERM; returns complaints about those that did not leave cleanly."""
        self._closed.set()
        self._keeper.join()
        complaints = []
        for member in self._members:
            # One that was started a moment ago has no handler yet: it dies of the signal.
            clean = {0} if member.was_ready else {0, -signal.SIGTERM}
            if not member.ended and (code := member.leave()) not in clean:
                complaints.append(f"{member.name} left with code {code}: {member.last_words()}")
            self.note_end(member)
        self._members.clear()
        while not self._see_out():
            time.sleep(0.1)
        return complaints

    def close(self) -> None:
        """End all at once."""
        self._closed.set()
        self._keeper.join()
        for member in [*self._members, *(member for member, _ in self._leaving)]:
            member.close()

    def _keep(self) -> None:
        while not self._closed.wait(0.3):
            with self._lock:
                ended = [each for each in self._members if each.ended]
                for member in ended:
                    self._members.remove(member)
            for member in ended:
                self.note_end(member)
            self._see_out()
            missing = self._lanes - Counter(each.settings.lanes for each in self._members)
            if ended and missing and not any(each.expected_to_end for each in ended):
                self._closed.wait(1.0)  # it could not start: no need to try ten times a second
            for lanes in missing.elements():
                member = self.hire(lanes)
                with self._lock:
                    self._members.append(member)
