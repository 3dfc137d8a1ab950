"""The log of reads: written behind the answers, in batches; what is lost is counted."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from schemas.errors import TelemetryError

if TYPE_CHECKING:
    from api.accesses import Access
    from storage.served_identity import IdentityReader

logger = logging.getLogger("telemetry.api")

WAITING = 10_000
"""Reads that may wait to be written; some megabytes."""

BATCH = 500
"""Reads that are written at once."""

EVERY_S = 1.0
"""How often [s]; reads of one such span that are alike are one entry."""

MAX_PAUSE_S = 10.0
"""How long after a failure the next try is made, at the latest [s]."""

LAST_S = 5.0
"""How long the end of the process waits for the last of them [s]."""


class AccessLog:
    """Writes down reads, behind the answers.

    Args:
        reader: writes them; should have a connection that nobody else waits for.
    """

    def __init__(self, reader: IdentityReader) -> None:
        self._reader = reader
        self._waiting: deque[dict[str, Any]] = deque()
        self._lost = 0
        self._lost_since: datetime | None = None
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def lost(self) -> int:
        """Reads that found no room and are not told of in the log yet."""
        return self._lost

    def add(self, access: Access, status: int) -> None:
        """Note a read; never waits."""
        if len(self._waiting) >= WAITING:
            if self._lost == 0:
                logger.error("The log of reads is behind: reads are counted but not named")
            self._lose(1, datetime.now(tz=UTC))
            return
        self._waiting.append(
            {
                "at": time.time(),
                "party_id": access.caller.party_id,
                "subject": access.caller.subject,
                "role": access.caller.role,
                "method": access.method,
                "route": access.route,
                "vins": list(access.vins),
                "driver_ids": list(access.driver_ids),
                "fleet_id": access.fleet_id,
                "dataset_id": access.dataset_id,
                "purpose": access.purpose,
                "address": access.address,
                "status": status,
            }
        )

    def start(self) -> None:
        """Begin to write; within a running loop."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Write what is left, within some seconds."""
        self._stopping.set()
        if self._task is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._task, LAST_S)
        if self._waiting or self._lost:
            logger.error(
                "%d reads of personal data could not be written down before the end",
                len(self._waiting) + self._lost,
            )

    async def _run(self) -> None:
        pause, stopping = EVERY_S, False
        while not stopping:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)
            stopping = self._stopping.is_set()
            written = True
            while written and (self._waiting or self._lost):
                written = await self._write()
                if not stopping and len(self._waiting) < BATCH:
                    break  # what came meanwhile is for the next time: busy hours have large batches
            pause = EVERY_S if written else min(2 * pause, MAX_PAUSE_S)

    async def _write(self) -> bool:
        """Write some of what waits; False: it could not be and still waits."""
        batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
        lost, since = self._lost, self._lost_since
        self._lost = 0
        try:
            await self._reader.log_accesses(_alike(batch), lost=lost, lost_since=since)
        except TelemetryError as error:  # the database is away: it comes back
            self._waiting.extendleft(reversed(batch))
            self._lose(lost, since)
            logger.warning("The log of reads waits: %s", error)
            return False
        except Exception:
            # Something in these cannot be written, ever: the others must not wait for it.
            self._lose(lost, since)
            self._lose(len(batch), datetime.now(tz=UTC))
            logger.exception("Reads of personal data could not be written down")
            return True
        if lost:
            logger.error("%d reads of personal data since %s are not in the log", lost, since)
        return True

    def _lose(self, reads: int, since: datetime | None) -> None:
        if reads:
            self._lost_since = since if self._lost == 0 else self._lost_since
            self._lost += reads


def _alike(batch: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Entries of one batch, those that differ in their time alone as one."""
    found: dict[str, dict[str, Any]] = {}
    for entry in batch:
        key = repr([value for name, value in entry.items() if name != "at"])
        if key in found:
            found[key]["reads"] += 1
        else:
            at = datetime.fromtimestamp(entry["at"], tz=UTC).isoformat()
            found[key] = {**entry, "at": at, "reads": 1}
    return list(found.values())
