"""Questions about webhooks: where a party is told of what happens, and what became of that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias, Unpack

from telemetry_client.messages import get
from telemetry_client.questions import JsonListing, Single
from telemetry_client.registered import Delivery, MadeWebhook, NewSecret, Webhook
from telemetry_client.writing import Done, change, removal

if TYPE_CHECKING:
    from telemetry_client.bodies import NewWebhook, WebhookChange

DeliveryState: TypeAlias = Literal["waiting", "sending", "delivered", "failed", "withheld"]


def webhooks(*, limit: int | None = None) -> JsonListing:
    """One's webhooks, by number."""
    return JsonListing(
        address="/v1/webhooks",
        index="webhook_id",
        most=200,
        rows="webhooks",
        of=Webhook,
        limit=limit,
    )


def webhook(webhook_id: int) -> Single[Webhook]:
    """One webhook, and how well it does."""
    return Single(request=get(_ONE, webhook_id=webhook_id), of=Webhook)


def create_webhook(**definition: Unpack[NewWebhook]) -> Single[MadeWebhook]:
    """Make a webhook; its `secret` is told this once. `telemetry_client.bodies` has its keys."""
    return change("POST", "/v1/webhooks", MadeWebhook, definition)


def change_webhook(webhook_id: int, **changes: Unpack[WebhookChange]) -> Single[Webhook]:
    """Change a webhook, or switch it off or on by `enabled`."""
    return change("PATCH", _ONE, Webhook, changes, webhook_id=webhook_id)


def delete_webhook(webhook_id: int) -> Done:
    """Delete a webhook with all its deliveries."""
    return removal(_ONE, webhook_id=webhook_id)


def new_webhook_secret(webhook_id: int) -> Single[NewSecret]:
    """Give a webhook a new secret, which is told this once; the old one signs on for a while."""
    return change("POST", f"{_ONE}/secret", NewSecret, webhook_id=webhook_id)


def test_webhook(webhook_id: int) -> Single[Delivery]:
    """Send a webhook a message that says it is a test."""
    return change("POST", f"{_ONE}/test", Delivery, webhook_id=webhook_id)


def webhook_deliveries(
    webhook_id: int, *, state: DeliveryState | None = None, limit: int | None = None
) -> JsonListing:
    """A webhook's messages, the newest first, and what became of each."""
    return JsonListing(
        address=f"{_ONE}/deliveries",
        index="delivery_id",
        most=1000,
        rows="deliveries",
        of=Delivery,
        of_path={"webhook_id": webhook_id},
        params={"state": state},
        limit=limit,
    )


def redeliver(webhook_id: int, delivery_id: int) -> Single[Delivery]:
    """Send a message of a webhook once more."""
    address = f"{_ONE}/deliveries/{{delivery_id}}/redeliver"
    return change("POST", address, Delivery, webhook_id=webhook_id, delivery_id=delivery_id)


_ONE = "/v1/webhooks/{webhook_id}"
