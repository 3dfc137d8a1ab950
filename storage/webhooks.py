"""The outbox of webhooks, as senders work it off: any number of them, side by side.

A sender leases a webhook for a while and sends its messages one after the other, so that they come
in order and a slow receiver delays nobody else's. What a lease has run out of, because its sender
was killed, say, the next one sends again, under the same id. What is written down at the end of an
attempt is written only by whoever still has the lease.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.rows import class_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from storage.connection import describe, options
from storage.errors import DatabaseUnreachableError
from storage.queries import query

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from datetime import datetime, timedelta
    from uuid import UUID

    from pydantic import SecretStr

CONNECTIONS = 4
"""Of a sender; a step takes milliseconds."""

WAIT_S = 30.0
"""How long a step waits for one of them [s]."""

FORGOTTEN_AT_ONCE = 10_000
"""Old messages that are deleted in one statement."""


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Outgoing:
    """A message that is to be sent now, without what it says."""

    delivery_id: int
    webhook_id: int
    message_id: str
    source: str
    """driving_event, tank_event, trouble_code, advice or test."""
    kind: str
    at: datetime
    number: int | None
    tries: int
    """How often it was tried since it was queued."""
    age: timedelta
    """How long ago that was."""
    vin: str | None
    party_id: int
    party_kind: str
    name: str
    """The webhook's."""
    url: str
    language: str
    secret: bytes
    """Sealed."""
    old_secret: bytes | None
    """The one before, while it holds; sealed."""
    failures: int
    """Of the webhook, in a row."""
    failing_for: timedelta | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """How an attempt ended."""

    state: str
    """delivered, waiting (for the next one) or failed."""
    delay: timedelta
    """When the next one is due."""
    status: int | None
    error: str | None
    took_s: float
    rest: timedelta | None = None
    """How long the webhook rests; None: nothing is held against it."""
    disabled_by: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """Of whom a message told, for the log of reads."""

    vins: Sequence[str]
    driver_ids: Sequence[int]
    status: int
    """How it was answered."""


class Outbox:
    """A sender's way to the outbox.

    Args:
        dsn: the database.
        sender: whose leases these are.
        lease: how long one holds from each message on.

    Every method raises DatabaseUnreachableError where the database does not answer.
    """

    def __init__(self, dsn: SecretStr, sender: UUID, lease: timedelta) -> None:
        self._dsn = dsn
        self._mine = {"sender": sender, "lease": lease}
        parameters: dict[str, Any] = {**options(), "autocommit": True}
        self._pool = AsyncConnectionPool(
            dsn.get_secret_value(),
            kwargs=parameters,
            min_size=1,
            max_size=CONNECTIONS,
            timeout=WAIT_S,
            check=AsyncConnectionPool.check_connection,
            open=False,
        )

    async def open(self) -> None:
        """Begin to connect."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        """Close every connection."""
        await self._pool.close()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[psycopg.AsyncConnection[tuple[Any, ...]]]:
        try:
            async with self._pool.connection() as connection:
                yield connection
        except (psycopg.OperationalError, PoolTimeout) as error:
            raise DatabaseUnreachableError(
                f"The {describe(self._dsn)} does not answer: {str(error).strip()}"
            ) from error

    async def claim(self, most: int, *, slow: bool, slow_s: float) -> list[int]:
        """Lease webhooks that have something due.

        Args:
            most: how many at most.
            slow: those whose receiver took longer than `slow_s` the last time, or the others.
            slow_s: what is slow [s].
        """
        wanted = self._mine | {"max_rows": most, "slow": slow, "slow_s": slow_s}
        async with self._connection() as connection:
            rows = await connection.execute(query("claim_webhooks"), wanted)
            return [webhook_id for (webhook_id,) in await rows.fetchall()]

    async def next(self, webhook_id: int) -> Outgoing | None:
        """The next message of a webhook one has; None: nothing is due, or one has it no longer."""
        async with (
            self._connection() as connection,
            connection.cursor(row_factory=class_row(Outgoing)) as cursor,
        ):
            await cursor.execute(
                query("next_webhook_delivery"), self._mine | {"webhook_id": webhook_id}
            )
            return await cursor.fetchone()

    async def ended(self, sent: Outgoing, how: Ended, told: Told | None) -> bool:
        """Write down how an attempt ended.

        Args:
            sent: what was sent.
            how: how it ended.
            told: of whom it told; None where nothing left this machine.

        Returns:
            False where somebody else has the webhook by now: what was told is logged all the same,
            the rest is theirs to say.
        """
        async with self._connection() as connection, connection.transaction():
            if told is not None:
                await connection.execute(
                    query("log_webhook_read"),
                    {
                        "party_id": sent.party_id,
                        "subject": f"webhook:{sent.webhook_id}",
                        "role": sent.party_kind,
                        "vins": list(told.vins),
                        "driver_ids": list(told.driver_ids),
                        "purpose": sent.name,
                        "status": told.status,
                    },
                )
            held = await connection.execute(
                query("hold_webhook"), self._mine | {"webhook_id": sent.webhook_id}
            )
            if await held.fetchone() is None:
                return False
            await connection.execute(
                query("webhook_attempted"),
                {
                    "delivery_id": sent.delivery_id,
                    "state": how.state,
                    "delay": how.delay,
                    "status": how.status,
                    "error": how.error,
                },
            )
            of_webhook = {
                "webhook_id": sent.webhook_id,
                "error": how.error,
                "took_s": how.took_s,
                "rest": how.rest,
                "disabled_by": how.disabled_by,
            }
            if how.state == "delivered":
                await connection.execute(query("webhook_succeeded"), of_webhook)
            elif how.rest is not None:
                await connection.execute(query("webhook_failed"), of_webhook)
            return True

    async def withhold(self, sent: Outgoing) -> None:
        """Send this not: the party may not see it now."""
        async with self._connection() as connection:
            await connection.execute(query("webhook_withheld"), {"delivery_id": sent.delivery_id})

    async def postpone(self, webhook_id: int, rest: timedelta) -> None:
        """Let a webhook rest for a reason that is not its own."""
        async with self._connection() as connection:
            await connection.execute(
                query("postpone_webhook"),
                self._mine | {"webhook_id": webhook_id, "rest": rest},
            )

    async def release(self, webhook_id: int) -> None:
        """Give a webhook back."""
        async with self._connection() as connection:
            await connection.execute(
                query("release_webhook"), self._mine | {"webhook_id": webhook_id}
            )

    async def forget(self) -> None:
        """Delete some of the messages that nobody asks for any more."""
        async with self._connection() as connection:
            await connection.execute(
                query("forget_webhook_deliveries"), {"max_rows": FORGOTTEN_AT_ONCE}
            )

    async def waiting(self) -> tuple[int, float]:
        """How many messages are due, and for how long the first of them [s]."""
        async with self._connection() as connection:
            rows = await connection.execute(query("webhooks_waiting"))
            ((due, oldest_s),) = await rows.fetchall()
            return due, oldest_s
