"""The one folder that holds everything the embedded servers own, and the lock on it."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from servers.errors import DiskFullError, HomeError, LockedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SPACE_NEEDED_BYTES = 1_000_000_000
"""Free disk below which nothing is started [bytes]: jars, an empty database and its first WAL."""

LOCK_WAIT_S = 120.0
"""How long a second `up` waits for the first one [s]; the first one may be downloading."""

_FULL = (errno.ENOSPC, errno.EDQUOT)
_REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS)


@dataclass(frozen=True, slots=True)
class Home:
    """The layout of the data folder; `root` is absolute."""

    root: Path

    @property
    def kafka(self) -> Path:
        """Kafka's jars, configuration, data and logs."""
        return self.root / "kafka"

    @property
    def postgres(self) -> Path:
        """PostgreSQL's data, password and log."""
        return self.root / "postgres"

    @property
    def state_file(self) -> Path:
        """Which processes are ours."""
        return self.root / "state.json"

    @property
    def lock_file(self) -> Path:
        """Held by whoever starts or stops servers; names its process."""
        return self.root / "lock"

    def prepare(self) -> None:
        """Make the folders.

        Raises:
            HomeError: they cannot be made or written.
        """
        with self.explained():
            for folder in (self.root, self.kafka, self.postgres):
                folder.mkdir(parents=True, exist_ok=True)
            if not os.access(self.root, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, "not writable", str(self.root))
            ignore = self.root / ".gitignore"
            if not ignore.exists():
                # Data and a password: never in somebody's commit by accident.
                ignore.write_text("*\n", encoding="utf-8")

    def require_space(self) -> None:
        """See that there is room to start a server.

        Raises:
            DiskFullError: less than 1 GB is free.
        """
        free = shutil.disk_usage(self.root).free
        if free < SPACE_NEEDED_BYTES:
            raise DiskFullError(self.root, free, SPACE_NEEDED_BYTES)

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turn the operating system's refusals inside the block into errors that say what to do."""
        try:
            yield
        except OSError as error:
            if error.errno in _FULL:
                free = shutil.disk_usage(self.root).free if self.root.exists() else 0
                raise DiskFullError(self.root, free, SPACE_NEEDED_BYTES) from error
            if error.errno in _REFUSED or isinstance(error, FileExistsError | NotADirectoryError):
                raise HomeError(
                    f"{error.filename or self.root} cannot be used ({error.strerror}), and the "
                    "servers keep their data there. Let TELEMETRY_HOME name a folder that you may "
                    "write, or start as the user who owns it."
                ) from error
            raise

    @contextmanager
    def locked(self, wait_s: float = LOCK_WAIT_S) -> Iterator[None]:
        """Be the only one who starts or stops servers here.

        The kernel drops the lock with the process that held it, so a crash leaves none behind.

        Args:
            wait_s: how long to wait for another holder [s].

        Raises:
            LockedError: somebody else held it all that time.
        """
        with self.explained():
            handle = os.open(self.lock_file, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _acquire(handle, self.lock_file, wait_s)
            os.ftruncate(handle, 0)
            os.pwrite(handle, str(os.getpid()).encode(), 0)
            yield
        finally:
            os.close(handle)


def _acquire(handle: int, path: Path, wait_s: float) -> None:
    deadline = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                holder = os.pread(handle, 20, 0).decode(errors="replace").strip() or "unknown"
                raise LockedError(
                    f"Another `telemetry up` or `down` (process {holder}) has held {path} for "
                    f"{wait_s:.0f} s. Wait until it is done; if it hangs, end process {holder} and "
                    "try again."
                ) from None
            time.sleep(0.1)
        else:
            return
