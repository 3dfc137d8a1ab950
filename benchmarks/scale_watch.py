"""Who worked how long, of our own processes alone, and what the database logged meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.connection import Connection


@dataclass(frozen=True, kw_only=True, slots=True)
class Used:
    """What some work took: processor time [s] and bytes."""

    worker_s: float
    database_s: float
    wal_bytes: float


class Watch:
    """Notes from its making on what workers and the database use.

    Args:
        connection: to a database on this machine.
        workers: processes that work and do not end meanwhile.
    """

    def __init__(self, connection: Connection, workers: Sequence[psutil.Process]) -> None:
        self._connection, self._workers = connection, workers
        backend = psutil.Process(connection.info.backend_pid)
        self._server = backend.parent() or backend
        self._before = self._now()

    def stop(self) -> Used:
        """What was used since."""
        before, now = self._before, self._now()
        return Used(
            worker_s=now.worker_s - before.worker_s,
            database_s=now.database_s - before.database_s,
            wal_bytes=now.wal_bytes - before.wal_bytes,
        )

    def _now(self) -> Used:
        own = self._server.cpu_times()
        # Of backends that have ended the server's process knows.
        database_s = own.user + own.system + own.children_user + own.children_system
        (logged,) = self._connection.execute(
            "SELECT pg_current_wal_lsn() - '0/0'::pg_lsn"
        ).fetchone() or (0,)
        return Used(
            worker_s=sum(_seconds(worker) for worker in self._workers),
            database_s=database_s + sum(_seconds(child) for child in self._server.children()),
            wal_bytes=float(logged),
        )


def _seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return times.user + times.system
