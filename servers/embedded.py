"""A server that we start as a daemon: the steps that Kafka and PostgreSQL share."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from servers import processes
from servers.errors import ServerError, StartError
from servers.ports import LOOPBACK
from servers.server import ServerStatus, State

if TYPE_CHECKING:
    from pathlib import Path
    from threading import Event

    from servers.home import Home
    from servers.server import Progress
    from servers.settings import ServersSettings
    from servers.state import Entry, StateFile

ASKING_AGAIN_S = 0.1
"""Pause between two questions to a server that is starting [s]."""


class NotAnsweringError(Exception):
    """The server's process runs, yet it does not serve (any more, or not yet)."""


class EmbeddedServer(ABC):
    """Starts, recognises and stops one daemon; a subclass knows its program."""

    name: ClassVar[str]
    title: ClassVar[str]
    stopping: ClassVar[processes.Stopping]

    def __init__(self, settings: ServersSettings, home: Home, state: StateFile) -> None:
        self.settings = settings
        self.home = home
        self.state = state

    @property
    @abstractmethod
    def log(self) -> Path:
        """The server's log file."""

    @abstractmethod
    def launch(self, remembered: Entry | None, progress: Progress, cancelled: Event) -> Entry:
        """Start the program, after whatever it needs first; the entry has its process."""

    @abstractmethod
    def check(self, entry: Entry) -> None:
        """See that the server serves.

        Raises:
            NotAnsweringError: it does not.
        """

    @abstractmethod
    def prepare(self, entry: Entry) -> str:
        """Do what is left to do in a server that serves; gives its version."""

    @abstractmethod
    def url(self) -> str:
        """What clients connect to."""

    def said(self, lines: int) -> str:
        """The last lines the server wrote."""
        return processes.last_lines(self.log, lines)

    def explain(self, lines: str) -> str | None:
        """What a person can do about what the log's last lines say; None where nothing is known."""
        if "No space left on device" in lines:
            return "the disk is full. Free some space, then run `telemetry up` again."
        return None

    def start(self, progress: Progress, cancelled: Event) -> bool:
        """Make the server answer.

        Returns:
            Whether it had to be started.

        Raises:
            ServerError: it cannot be had; the message says why and what to do.
        """
        entry = self.state.read(self.name)
        runs = entry is not None and processes.is_alive(entry.process)
        if entry is None or not runs:
            self.home.require_space()
            entry = self.launch(entry, progress, cancelled)
            self.state.write(self.name, entry)
        self._wait(entry, cancelled)
        version = self.prepare(entry)
        self.state.write(self.name, replace(entry, version=version))
        progress(self.name, f"{self.title} {version} at {LOOPBACK}:{entry.port}")
        return not runs

    def stop(self, progress: Progress) -> bool:
        """Stop the process that `start` recorded, and nothing else.

        Returns:
            Whether it ran.

        Raises:
            ServerError: it does not end.
        """
        entry = self.state.read(self.name)
        if entry is None or entry.stopped:
            return False
        progress(self.name, "stopping")
        ran = processes.stop(entry.process, self.stopping)
        if processes.is_alive(entry.process):
            raise ServerError(
                f"{self.title} (process {entry.process.pid}) does not end, not even when killed: "
                "its disk may hang. Look at it with `ps`, then run `telemetry down` again."
            )
        self.state.write(self.name, replace(entry, stopped=True))
        progress(self.name, "stopped" if ran else "had ended by itself")
        return ran

    def status(self, *, ask: bool) -> ServerStatus:
        """How the server is; with `ask` it must answer to be called running."""
        entry = self.state.read(self.name)
        if entry is None:
            return ServerStatus(name=self.name, external=False, state=State.STOPPED)
        state, detail = self._state(entry, ask=ask)
        return ServerStatus(
            name=self.name,
            external=False,
            state=state,
            address=f"{LOOPBACK}:{entry.port}",
            version=entry.version or None,
            pid=entry.process.pid if state in (State.RUNNING, State.UNREACHABLE) else None,
            log=self.log,
            detail=detail,
        )

    def _state(self, entry: Entry, *, ask: bool) -> tuple[State, str]:
        if entry.stopped:
            return State.STOPPED, ""
        if not processes.is_alive(entry.process):
            return (
                State.DEAD,
                f"It ended by itself; `telemetry up` starts it again.\n{self.said(5)}",
            )
        if ask:
            try:
                self.check(entry)
            except NotAnsweringError as error:
                return State.UNREACHABLE, str(error)
        return State.RUNNING, ""

    def _wait(self, entry: Entry, cancelled: Event) -> None:
        patience_s = self.settings.server_start_timeout_s
        deadline = time.monotonic() + patience_s
        while True:
            try:
                self.check(entry)
            except NotAnsweringError as error:
                if not processes.is_alive(entry.process):
                    raise self.failed("it ended while it was starting.") from error
                if cancelled.is_set():
                    raise ServerError(f"{self.title} was not needed any more.") from error
                if time.monotonic() >= deadline:
                    raise self.failed(
                        f"it does not answer after {patience_s:.0f} s ({error}). Run `telemetry "
                        "up` again; if the machine is slow, raise "
                        "TELEMETRY_SERVER_START_TIMEOUT_S."
                    ) from error
            else:
                return
            cancelled.wait(ASKING_AGAIN_S)

    def failed(self, reason: str) -> StartError:
        """The error of a server that did not start, with what its log says last."""
        lines = self.said(12)
        return StartError(self.title, self.explain(lines) or reason, self.log, lines)
