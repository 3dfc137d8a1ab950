"""What `up` leaves for the next command: each server's port, version and process, in one JSON."""

from __future__ import annotations

import json
import threading
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from servers.errors import HomeError
from servers.processes import ProcessIdentity

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """What is known of one server.

    Attributes:
        port: where it listens, or listened last.
        version: as a person reads it, such as `18.6 with TimescaleDB 2.29.2`.
        process: whom `up` started last.
        stopped: `down` has stopped it.
    """

    port: int
    version: str
    process: ProcessIdentity
    stopped: bool = False


class StateFile:
    """The state file; every write replaces it whole, so a reader never sees half of one.

    Threads may share one object; processes take the home's lock before they write.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._writing = threading.Lock()

    def read(self, server: str) -> Entry | None:
        """What is known of a server; None before its first start.

        Raises:
            HomeError: the file is no state file.
        """
        return self._read().get(server)

    def write(self, server: str, entry: Entry) -> None:
        """Replace what is known of a server."""
        with self._writing:
            entries = self._read() | {server: entry}
            content = {name: asdict(each) for name, each in sorted(entries.items())}
            new = self.path.with_suffix(".new")
            new.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
            new.replace(self.path)

    def _read(self) -> dict[str, Entry]:
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise HomeError(
                f"The servers' state {self.path} cannot be read ({error.strerror}). Run this as "
                "the user who started them."
            ) from error
        try:
            return {name: _entry(fields) for name, fields in json.loads(text).items()}
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise HomeError(
                f"{self.path} is not a state file of ours ({error}). Stop servers that still run "
                "from this folder, then delete the file; the data beside it stays."
            ) from error


def _entry(fields: dict[str, Any]) -> Entry:
    process = fields["process"]
    return Entry(
        port=int(fields["port"]),
        version=str(fields["version"]),
        process=ProcessIdentity(pid=int(process["pid"]), started_s=float(process["started_s"])),
        stopped=bool(fields["stopped"]),
    )
