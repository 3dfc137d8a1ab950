"""A party's webhooks, as the API reads and changes them through `storage.served.Reader`.

Secrets come sealed and never go back; who sends what is in `storage.webhooks`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from storage.served import Reader


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredWebhook:
    """A webhook, without what it signs with."""

    webhook_id: int
    name: str
    url: str
    kinds: list[str]
    least_severity: int
    """Of driving events: 1 low, 2 medium, 3 high."""
    fleet_id: int | None
    vins: list[str] | None
    language: str
    created_at: datetime
    disabled_at: datetime | None
    disabled_by: str | None
    """party, gone (the receiver said 410) or failing."""
    failures: int
    """In a row."""
    failing_since: datetime | None
    last_error: str | None
    last_success_at: datetime | None
    old_secret_until: datetime | None
    """Until when messages are signed with the secret before, too."""
    waiting: int
    """Messages that wait."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredDelivery:
    """A message to a webhook, without what it says."""

    delivery_id: int
    message_id: str
    source: str
    kind: str
    state: str
    attempts: int
    queued_at: datetime
    due_at: datetime | None
    """When it is tried next."""
    attempted_at: datetime | None
    delivered_at: datetime | None
    last_status: int | None
    last_error: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """The webhook that was made or changed, or why not."""

    webhook_id: int | None
    refusal: str | None
    """name_taken or too_many."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rotated:
    """A webhook that has a new secret."""

    webhook_id: int
    old_secret_until: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class _Number:
    webhook_id: int


class WebhookReader:
    """A method for each question about a party's webhooks.

    Every method that names one raises `storage.served_errors.UnknownWebhookError` where it is not
    the principal's, and the like for a fleet or vehicle that the principal may not see.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def all(self, principal: int, after_id: int, limit: int) -> list[StoredWebhook]:
        """A party's webhooks by their numbers."""
        return await self._reader.records(
            StoredWebhook,
            "served_webhooks",
            principal=principal,
            after_id=after_id,
            max_rows=limit,
        )

    async def one(self, principal: int, webhook_id: int) -> StoredWebhook:
        """One of them."""
        (found,) = await self._reader.records(
            StoredWebhook, "served_webhook", principal=principal, webhook_id=webhook_id
        )
        return found

    async def create(
        self,
        principal: int,
        *,
        name: str,
        url: str,
        kinds: Sequence[str],
        least_severity: int,
        fleet_id: int | None,
        vins: Sequence[str] | None,
        language: str,
        secret: bytes,
        most: int,
    ) -> Written:
        """Make a webhook, whose sealed secret this is, where the party has fewer than `most`."""
        (written,) = await self._reader.change(
            Written,
            "served_create_webhook",
            principal=principal,
            webhook_name=name,
            url=url,
            kinds=list(kinds),
            least_severity=least_severity,
            fleet_id=fleet_id,
            vins=None if vins is None else list(vins),
            language=language,
            secret=secret,
            most=most,
        )
        return written

    async def change(
        self,
        principal: int,
        webhook_id: int,
        *,
        name: str | None,
        url: str | None,
        kinds: Sequence[str] | None,
        least_severity: int | None,
        fleet_given: bool,
        fleet_id: int | None,
        vins_given: bool,
        vins: Sequence[str] | None,
        language: str | None,
        enabled: bool | None,
    ) -> Written:
        """Change what is not None, and the filters that are given."""
        (written,) = await self._reader.change(
            Written,
            "served_change_webhook",
            principal=principal,
            webhook_id=webhook_id,
            webhook_name=name,
            url=url,
            kinds=None if kinds is None else list(kinds),
            least_severity=least_severity,
            fleet_given=fleet_given,
            fleet_id=fleet_id,
            vins_given=vins_given,
            vins=None if vins is None else list(vins),
            language=language,
            enabled=enabled,
        )
        return written

    async def delete(self, principal: int, webhook_id: int) -> None:
        """Delete it and what waits for it."""
        await self._reader.change(
            _Number, "served_delete_webhook", principal=principal, webhook_id=webhook_id
        )

    async def rotate(
        self, principal: int, webhook_id: int, secret: bytes, overlap: timedelta
    ) -> Rotated:
        """Sign with a new sealed secret, and for a while with the one before, too."""
        (rotated,) = await self._reader.change(
            Rotated,
            "served_rotate_webhook_secret",
            principal=principal,
            webhook_id=webhook_id,
            secret=secret,
            overlap=overlap,
        )
        return rotated

    async def test(self, principal: int, webhook_id: int) -> StoredDelivery:
        """Let a test be sent; the one that waits, where one does."""
        (queued,) = await self._reader.change(
            StoredDelivery, "served_test_webhook", principal=principal, webhook_id=webhook_id
        )
        return queued

    async def deliveries(
        self, principal: int, webhook_id: int, *, state: str | None, before_id: int, limit: int
    ) -> list[StoredDelivery]:
        """Deliveries before a number, the newest first; state None: in any."""
        return await self._reader.records(
            StoredDelivery,
            "served_webhook_deliveries",
            principal=principal,
            webhook_id=webhook_id,
            state=state,
            before_id=before_id,
            max_rows=limit,
        )

    async def redeliver(self, principal: int, webhook_id: int, delivery_id: int) -> StoredDelivery:
        """Let a message be sent once more, with the id it has.

        Raises:
            UnknownDeliveryError: the webhook has no such message.
        """
        (queued,) = await self._reader.change(
            StoredDelivery,
            "served_redeliver_webhook",
            principal=principal,
            webhook_id=webhook_id,
            delivery_id=delivery_id,
        )
        return queued
