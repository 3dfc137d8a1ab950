"""What each of the two servers can be asked, whether we start it or a setting names it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path
    from threading import Event


TITLES = {"kafka": "Kafka", "postgres": "PostgreSQL"}
"""What people call the servers, by their names here."""


class Progress(Protocol):
    """Told what a server does now; both servers start at once, so from two threads."""

    def __call__(self, server: str, doing: str, /) -> None:
        """`server` is the server's name, `doing` a few words for a person who waits."""


class State(StrEnum):
    """How a server is."""

    RUNNING = "running"
    STOPPED = "stopped"
    """Not started yet, or stopped by `down`."""
    DEAD = "dead"
    """`up` started it and nobody stopped it, yet its process is gone."""
    UNREACHABLE = "unreachable"
    """It should be there and does not answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerStatus:
    """One server as it is now.

    Attributes:
        name: `kafka` or `postgres`.
        external: a setting names it; we neither start nor stop it.
        state: how it is.
        address: `host:port`, without secrets; None where it is not known yet.
        version: such as `18.6 with TimescaleDB 2.29.2`; None where it does not tell.
        pid: its process, where we started it.
        log: its log file, where we started it.
        detail: what a person should know besides; may have several lines.
    """

    name: str
    external: bool
    state: State
    address: str | None = None
    version: str | None = None
    pid: int | None = None
    log: Path | None = None
    detail: str = ""


class Server(Protocol):
    """A server that the launcher looks after."""

    @property
    def name(self) -> str:
        """`kafka` or `postgres`."""

    def start(self, progress: Progress, cancelled: Event) -> bool:
        """Make it answer, and say whether it had to be started; `cancelled` ends the wait."""

    def stop(self, progress: Progress) -> bool:
        """Stop it where we started it, and say whether it ran."""

    def status(self, *, ask: bool) -> ServerStatus:
        """How it is; without `ask` nobody is connected to, only its process is looked at."""

    def url(self) -> str:
        """What clients connect to: a bootstrap list or a connection string with its password."""
