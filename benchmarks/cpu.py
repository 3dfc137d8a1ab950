"""Who the cores worked for: processor time by kind of process, which says what bounds a rate."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from time import monotonic

import psutil

KINDS = {"postgres": "database", "java": "kafka", "python": "python"}
"""Processes by the beginning of their name; all others are `other`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """Processor time of a stretch of work.

    Attributes:
        busy: share of all cores' time in which they worked for anybody.
        seconds: processor time by kind of process [s]; what ended meanwhile is not in it.
    """

    busy: float
    seconds: dict[str, float]


class Watch:
    """Notes the processor time of every process from its making on."""

    def __init__(self) -> None:
        self._began = monotonic()
        self._idle_s, self._before = psutil.cpu_times().idle, _by_process()

    def stop(self) -> Usage:
        """What was used since."""
        elapsed_s = monotonic() - self._began
        idle_s = psutil.cpu_times().idle - self._idle_s
        seconds: defaultdict[str, float] = defaultdict(float)
        for process, (kind, used_s) in _by_process().items():
            seconds[kind] += used_s - self._before.get(process, (kind, 0.0))[1]
        return Usage(
            busy=1 - idle_s / (elapsed_s * (psutil.cpu_count() or 1)), seconds=dict(seconds)
        )


def _by_process() -> dict[tuple[int, float], tuple[str, float]]:
    """Kind and processor time [s] of every process, by its number and when it began."""
    found = {}
    for process in psutil.process_iter(["pid", "name", "create_time", "cpu_times"]):
        name, times = process.info["name"] or "", process.info["cpu_times"]
        if times is not None:
            kind = next((kind for begin, kind in KINDS.items() if name.startswith(begin)), "other")
            key = (process.info["pid"], process.info["create_time"])
            found[key] = (kind, times.user + times.system)
    return found
