"""Daemons: start one that outlives us, know it again later, stop exactly it.

A process id alone is no identity: the system gives it to somebody else once its holder is gone.
Id and start time together are. The start time is counted from the machine's boot, because the
wall clock may be set while a server runs.
"""

from __future__ import annotations

import os
import signal
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

START_TOLERANCE_S = 1.5
"""Two readings of one start time differ by at most the boot time's granularity of 1 s [s]."""

LOOKING_AGAIN_S = 0.02
"""Pause between two looks at a process that is ending [s]."""

Stopping = tuple[tuple[signal.Signals, float], ...]
"""Signals to send one after the other, each with how long to wait for the end after it [s]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ProcessIdentity:
    """One process, for as long as the machine runs.

    Attributes:
        pid: the process id.
        started_s: its start, counted from the machine's boot [s].
    """

    pid: int
    started_s: float


def identify(pid: int) -> ProcessIdentity | None:
    """Who has this process id now; None where nobody does."""
    try:
        started_s = psutil.Process(pid).create_time() - psutil.boot_time()
    except psutil.NoSuchProcess:
        return None
    return ProcessIdentity(pid=pid, started_s=round(started_s, 2))


def is_alive(identity: ProcessIdentity) -> bool:
    """Whether exactly this process still runs; one that ended and was not reaped does not."""
    return _find(identity) is not None


def works_in(pid: int, folder: Path) -> bool:
    """Whether the process with this id was started with the folder as an argument."""
    try:
        return str(folder) in psutil.Process(pid).cmdline()
    except psutil.Error:
        return False


def spawn(argv: list[str], *, environment: Mapping[str, str], log: Path) -> ProcessIdentity:
    """Start a program in a session of its own; what it prints is appended to `log`.

    It has no owner in this process (no `Popen`), because it is meant to outlive it.
    """
    appending = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    pid = os.posix_spawn(
        argv[0],
        argv,
        environment,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), appending, 0o644),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )
    # A program that ended before we could look keeps its id until somebody waits for it: us.
    identity = identify(pid)
    return identity if identity is not None else ProcessIdentity(pid=pid, started_s=-1.0)


def stop(identity: ProcessIdentity, stopping: Stopping) -> bool:
    """Stop this process and wait for its end; somebody else with its id is left alone.

    Returns:
        Whether it was running.
    """
    was_running = is_alive(identity)
    for number, patience_s in stopping:
        process = _find(identity)
        if process is None:
            break
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)
        deadline = time.monotonic() + patience_s
        while is_alive(identity) and time.monotonic() < deadline:
            time.sleep(LOOKING_AGAIN_S)
    with suppress(ChildProcessError):
        # Ours to reap where this very process started it.
        os.waitpid(identity.pid, os.WNOHANG)
    return was_running


def last_lines(log: Path, count: int) -> str:
    """The end of a log file; empty where there is none."""
    try:
        with log.open(encoding="utf-8", errors="replace") as lines:
            return "".join(deque(lines, maxlen=count)).rstrip()
    except OSError:
        return ""


def _find(identity: ProcessIdentity) -> psutil.Process | None:
    now = identify(identity.pid)
    if now is None or abs(now.started_s - identity.started_s) > START_TOLERANCE_S:
        return None
    try:
        process = psutil.Process(identity.pid)
        # Ended, and nobody has asked for its exit code yet. A program of many threads can look so
        # a moment before the last of them has let go of files and ports.
        if process.status() == psutil.STATUS_ZOMBIE and process.num_threads() <= 1:
            return None
    except psutil.NoSuchProcess:
        return None
    return process
