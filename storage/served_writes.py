"""Writes under an idempotency key: begun once, and answered as they were before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from psycopg.types.json import Jsonb

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from storage.served import Reader

KEPT = timedelta(days=1)
"""How long an answer is kept."""

WAIT = timedelta(seconds=5)
"""How long a write waits for its twin."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BegunWrite:
    """What is known of a write under its key."""

    is_first: bool
    """It is to be done now; the rest speaks of the one that was first."""
    is_same: bool
    """Whether that was the same request."""
    begun_at: datetime
    status: int | None
    headers: Mapping[str, str] | None
    body: bytes | None
    """None: the answer is not kept."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Kept:
    kept: bool


class WriteKeeper:
    """Keeps answers to writes, in the transaction of the write itself (`Reader.together`)."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def begin(self, key_hash: bytes, request_hash: bytes) -> BegunWrite:
        """Begin a write under a key, or find what was answered to it; waits for a twin.

        Raises:
            WriteUnderWayError: the twin takes longer than one waits.
        """
        (found,) = await self._reader.change(
            BegunWrite,
            "served_begin_write",
            key_hash=key_hash,
            request_hash=request_hash,
            kept_for=KEPT,
            wait=WAIT,
        )
        return found

    async def keep(
        self, key_hash: bytes, status: int, headers: Mapping[str, str], body: bytes | None
    ) -> None:
        """Put down what was answered; a body of None says that it is not kept."""
        await self._reader.change(
            _Kept,
            "served_keep_answer",
            key_hash=key_hash,
            status=status,
            headers=Jsonb(dict(headers)),
            body=body,
        )
