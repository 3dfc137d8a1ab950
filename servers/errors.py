"""What can keep an embedded server from running, and what to do about each.

ServerError
├── MissingProgramError   Java, Maven or PostgreSQL is not on this machine, or too old
├── HomeError             the data folder cannot be used by whom it must be used
├── DiskFullError         there is no room for the servers' files
├── PortTakenError        somebody else listens where a setting wants a server
├── LockedError           another `up` or `down` is at work in the same folder
└── StartError            a server was started and does not answer
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.errors import TelemetryError

if TYPE_CHECKING:
    from pathlib import Path


class ServerError(TelemetryError):
    """An embedded server cannot be had; the message says why and what to do."""


class MissingProgramError(ServerError):
    """A program the servers need is not on this machine; the message says how to install it."""


class HomeError(ServerError):
    """The folder of TELEMETRY_HOME, or something in it, cannot be used."""


class DiskFullError(ServerError):
    """There is no room left for the servers' files.

    Attributes:
        path: the folder that is full.
        free_bytes: what is free there.
    """

    def __init__(self, path: Path, free_bytes: int, needed_bytes: int) -> None:
        self.path = path
        self.free_bytes = free_bytes
        super().__init__(
            f"The disk of {path} has {free_bytes / 1e6:,.0f} MB free; the servers need "
            f"{needed_bytes / 1e6:,.0f} MB to start. Free some space, or let TELEMETRY_HOME name a "
            "folder on another disk."
        )


class PortTakenError(ServerError):
    """Another process listens on the port that a setting asks for.

    Attributes:
        port: the port.
        setting: the environment variable that names it.
        holder: who listens there, as far as the system tells.
    """

    def __init__(self, port: int, setting: str, holder: str | None) -> None:
        self.port = port
        self.setting = setting
        self.holder = holder
        by = f"by {holder}" if holder else "by another process"
        super().__init__(
            f"Port {port} ({setting}) is taken {by}. Stop that process, or unset {setting} to let "
            "a free port be picked."
        )


class LockedError(ServerError):
    """Another `telemetry up` or `telemetry down` holds the folder's lock."""


class StartError(ServerError):
    """A server was started and does not answer; the message ends with its last log lines.

    Attributes:
        server: which one.
        log: its log file.
    """

    def __init__(self, server: str, reason: str, log: Path, last_lines: str = "") -> None:
        self.server = server
        self.log = log
        said = f" Last lines of {log}:\n{last_lines}" if last_lines else f" Its log is {log}."
        super().__init__(f"{server}: {reason}{said}")
