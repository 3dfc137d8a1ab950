"""The sender: takes what is due from the outbox and brings it to receivers.

For each webhook one task at a time sends one message after the other, for some seconds; then others
have their turn. Receivers that were slow the last time share half of the room, so that any number
of them leaves the other half to the rest. Nothing is held in memory but what is being sent: a
sender may be killed anywhere, and any number of them work side by side.
"""

from __future__ import annotations

import asyncio
import logging
import random
import ssl
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from api.webhooks import signing
from api.webhooks.addresses import Rules, look_up
from api.webhooks.kinds import TEST_SOURCE
from api.webhooks.line import Line
from api.webhooks.messages import Teller
from api.webhooks.metrics import Metrics
from api.webhooks.retries import Policy
from api.webhooks.vault import SealedError, vault
from schemas.errors import SettingsError
from storage.errors import StorageError
from storage.served import Reader
from storage.webhooks import Outbox, Told

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import SecretStr

    from api.settings import ApiSettings
    from api.webhooks.messages import Ready
    from storage.webhooks import Outgoing

TURN_S = 10.0
"""How long one sends for a webhook before others have their turn [s]."""

SLOW_S = 2.0
"""A receiver that takes longer to answer is slow [s]."""

LEASE_MARGIN_S = 30.0
"""How much longer a lease holds than an answer may take [s]."""

UNSEALED_REST = timedelta(minutes=1)
"""How long a webhook rests whose secret cannot be read here."""

AFTER_ERROR_S = 5.0
"""How long one waits when the database is away [s]."""

HOUSEKEEPING_S = 15.0
"""How often it is counted what waits, and old messages are deleted [s]."""

TIMED_OUT = 504
"""What the log of reads has where nobody answered: it may have been read."""

BREATH_S = 0.02
"""Between two looks at what is due, however fast receivers answer [s]."""

READERS = 4
"""Connections that read what messages say."""

logger = logging.getLogger("telemetry.webhooks")


class Sender:
    """Sends for webhooks until it is stopped.

    Args:
        settings: how one sends, and how advice is told.
        dsn: the database.
        metrics: told what happens.
        resolve: looks up a host's name.

    Raises:
        SettingsError: there are no keys that open secrets, or certificates cannot be read.
    """

    def __init__(
        self,
        settings: ApiSettings,
        dsn: SecretStr,
        metrics: Metrics | None = None,
        *,
        resolve: Callable[[str, int], list[str]] = look_up,
    ) -> None:
        self.metrics = metrics or Metrics()
        opened = vault(settings)
        if opened is None:
            raise SettingsError(
                "Set TELEMETRY_WEBHOOK_KEYS or TELEMETRY_WEBHOOK_KEYS_FILE to the keys that the "
                "API seals webhooks' secrets with."
            )
        self._vault = opened
        self._settings = settings
        self._id = uuid.uuid4()
        lease_s = settings.webhook_timeout_s + LEASE_MARGIN_S
        self._outbox = Outbox(dsn, self._id, timedelta(seconds=lease_s))
        self._reader = Reader(
            dsn,
            connections=READERS,
            wait_s=settings.api_connection_wait_s,
            statement_timeout_s=settings.api_statement_timeout_s,
        )
        self._teller = Teller(self._reader, settings)
        self._policy = Policy(
            first_s=settings.webhook_retry_first_s,
            give_up=timedelta(seconds=settings.webhook_give_up_s),
            random=random.random,
        )
        self._rules = Rules(settings.private_networks)
        self._context = _context(settings)
        self._resolve = resolve
        # Names may take long to look up: as many threads as there are tasks.
        self._threads = ThreadPoolExecutor(settings.webhook_at_once, "resolve")
        self._running: dict[asyncio.Task[None], bool] = {}
        self._kept_house_at = 0.0

    async def run(self, stop: asyncio.Event, *, once: bool = False) -> None:
        """Send until `stop`, finishing what is under way; with `once`, until nothing is due.

        Raises:
            StorageError: the database does not answer, where one does not wait for it (`once`).
        """
        await self._outbox.open()
        await self._reader.open()
        stopping = asyncio.create_task(stop.wait())
        idle = 0
        try:
            while not stop.is_set():
                try:
                    claimed = await self._claim()
                    await self._keep_house()
                except StorageError as error:
                    if once:
                        raise
                    logger.warning("the database is away, webhooks wait: %s", error)
                    claimed, pause_s = False, AFTER_ERROR_S
                else:
                    pause_s = self._settings.webhook_poll_s
                # A webhook whose row is locked at this moment (it is given back, say) is not found.
                idle = 0 if claimed or self._running else idle + 1
                if once and idle > 1:
                    break
                await asyncio.sleep(BREATH_S)
                await asyncio.wait(
                    {stopping, *self._running},
                    timeout=pause_s,
                    return_when=asyncio.FIRST_COMPLETED,
                )
        finally:
            stopping.cancel()
            if self._running:
                await asyncio.wait(self._running)
            self._threads.shutdown(wait=False, cancel_futures=True)
            await self._reader.close()
            await self._outbox.close()

    async def _claim(self) -> bool:
        """Begin to send for webhooks that have something due; whether there were any."""
        most = self._settings.webhook_at_once
        began = False
        for slow in (False, True):
            room = most - len(self._running)
            if slow:
                room = min(room, most // 2 - sum(self._running.values()))
            if room <= 0:
                continue
            for webhook_id in await self._outbox.claim(room, slow=slow, slow_s=SLOW_S):
                task = asyncio.create_task(self._turn(webhook_id))
                self._running[task] = slow
                task.add_done_callback(self._running.pop)
                began = True
        return began

    async def _turn(self, webhook_id: int) -> None:
        """Send a webhook's messages, for as long as its turn lasts and none fails."""
        until = time.monotonic() + TURN_S
        try:
            async with Line(
                self._rules,
                self._context,
                timeout_s=self._settings.webhook_timeout_s,
                threads=self._threads,
                resolve=self._resolve,
            ) as line:
                while time.monotonic() < until:
                    message = await self._outbox.next(webhook_id)
                    if message is None or not await self._send(line, message):
                        break
        except StorageError as error:
            logger.warning("webhook %d waits: %s", webhook_id, error)
        except Exception:
            logger.exception("webhook %d: an error of ours", webhook_id)
            with suppress(StorageError):
                await self._outbox.postpone(webhook_id, UNSEALED_REST)
        finally:
            # What cannot be given back runs out by itself.
            with suppress(StorageError):
                await self._outbox.release(webhook_id)

    async def _send(self, line: Line, message: Outgoing) -> bool:
        """Send one message; whether the next one may follow at once."""
        ready = await self._teller.tell(message)
        if ready is None:
            await self._outbox.withhold(message)
            self._count(message, "withheld")
            return True
        try:
            sealed = [message.secret, message.old_secret]
            secrets = [self._vault.open(one) for one in sealed if one is not None]
        except SealedError as error:
            logger.error("webhook %d waits: %s", message.webhook_id, error)  # noqa: TRY400 - no bug
            await self._outbox.postpone(message.webhook_id, UNSEALED_REST)
            self._count(message, "unsealed")
            return False
        outcome = await line.post(message.url, _headers(message, ready, secrets), ready.body)
        how = self._policy.ended(message, outcome)
        told = None
        if outcome.left:
            told = Told(
                vins=ready.vins,
                driver_ids=ready.driver_ids,
                status=outcome.status or TIMED_OUT,
            )
        self._count(message, outcome.result)
        self.metrics.took.observe(outcome.took_s)
        if not await self._outbox.ended(message, how, told):
            return False
        if how.disabled_by is not None:
            self.metrics.disabled.labels(how.disabled_by).inc()
            logger.warning("webhook %d is disabled: %s", message.webhook_id, how.disabled_by)
        if how.state == "failed" and message.source != TEST_SOURCE:
            self.metrics.given_up.inc()
        return outcome.ok

    def _count(self, message: Outgoing, result: str) -> None:
        self.metrics.attempts.labels(message.source, result).inc()

    async def _keep_house(self) -> None:
        if time.monotonic() - self._kept_house_at < HOUSEKEEPING_S:
            return
        self._kept_house_at = time.monotonic()
        due, oldest_s = await self._outbox.waiting()
        self.metrics.due.set(due)
        self.metrics.oldest.set(oldest_s)
        await self._outbox.forget()


def _headers(message: Outgoing, ready: Ready, secrets: list[str]) -> dict[str, str]:
    timestamp = int(time.time())
    return {
        "Content-Type": "application/json",
        "User-Agent": "vehicle-telemetry-webhooks/1",
        "webhook-id": message.message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signing.signature(secrets, message.message_id, timestamp, ready.body),
    }


def _context(settings: ApiSettings) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if settings.webhook_ca_file is not None:
        try:
            context.load_verify_locations(settings.webhook_ca_file)
        except OSError as error:
            raise SettingsError(
                f"TELEMETRY_WEBHOOK_CA_FILE {settings.webhook_ca_file} cannot be read: {error}."
            ) from error
    return context
