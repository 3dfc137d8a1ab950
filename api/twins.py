"""Requests that are twins: one goes on, the others wait for it, without a connection each.

Of those that come to one process; across processes the database lets them wait.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from storage import served_writes
from storage.refusals import WriteUnderWayError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Twins:
    """Who is being worked at, by the hash of its key."""

    def __init__(self) -> None:
        self._ends: dict[bytes, asyncio.Event] = {}

    @asynccontextmanager
    async def alone(self, key_hash: bytes) -> AsyncIterator[None]:
        """Be the only one of this key within the block.

        Raises:
            WriteUnderWayError: another one has taken longer than one waits.
        """
        try:
            async with asyncio.timeout(served_writes.WAIT.total_seconds()):
                while (end := self._ends.get(key_hash)) is not None:
                    await end.wait()
        except TimeoutError:
            raise WriteUnderWayError("The same is being written at this moment.") from None
        end = self._ends[key_hash] = asyncio.Event()
        try:
            yield
        finally:
            del self._ends[key_hash]
            end.set()
