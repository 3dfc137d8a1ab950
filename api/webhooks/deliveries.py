"""`/v1/webhooks/{webhook_id}/deliveries`: what became of messages; trying, and once more."""

from enum import StrEnum
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from api import cursors, paging
from api.codes import Code
from api.openapi import WRITING, problems
from api.parameters import Paged, no_parameters, number
from api.principal import Principal
from api.services import App
from api.webhooks.models import ONE, PATH, WebhookId
from api.written import WriteRoute
from storage.served_webhooks import StoredDelivery

router = APIRouter(tags=["webhooks"], route_class=WriteRoute)


def _delivery_id(
    delivery_id: Annotated[
        str, Path(description="The message's number, from the listing.", examples=["90210"])
    ],
) -> int:
    return number(delivery_id, Code.UNKNOWN_DELIVERY)


DeliveryId = Annotated[int, Depends(_delivery_id)]
"""A path's message, of the right form."""


class DeliveryState(StrEnum):
    """How a message stands."""

    WAITING = "waiting"
    SENDING = "sending"
    DELIVERED = "delivered"
    FAILED = "failed"
    WITHHELD = "withheld"


EXAMPLE_DELIVERY: JsonDict = {
    "delivery_id": 90210,
    "message_id": "msg_5f0c1d8e7a9b4c3d2e1f0a9b8c7d6e5f",
    "type": "tank_event.theft",
    "state": "waiting",
    "attempts": 3,
    "queued_at": "2026-11-26T08:00:00Z",
    "due_at": "2026-11-26T08:03:40Z",
    "attempted_at": "2026-11-26T08:00:36Z",
    "delivered_at": "2026-11-25T16:20:00Z",
    "last_status": 500,
    "last_error": "The receiver answered with status 500, which is not a success (2xx).",
}


class DeliverySummary(BaseModel):
    """A message to a webhook; what it says is read when it is sent, and not kept."""

    delivery_id: int = Field(description="Its number.", examples=[90210])
    message_id: str = Field(
        description="The header webhook-id: the same in every attempt.",
        examples=["msg_5f0c1d8e7a9b4c3d2e1f0a9b8c7d6e5f"],
    )
    type: str = Field(description="Its kind; test.ping of a test.", examples=["tank_event.theft"])
    state: DeliveryState = Field(
        description="waiting (for its first or next attempt), sending, delivered, failed (given "
        "up) or withheld (to be sent once more, when you might not see it any more).",
        examples=["waiting"],
    )
    attempts: int = Field(description="How often it was sent.", examples=[2])
    queued_at: AwareDatetime = Field(
        description="Since when it waits, or waited, UTC.", examples=["2026-11-26T08:00:00Z"]
    )
    due_at: AwareDatetime | None = Field(
        description="When it is tried next, at the earliest, UTC.",
        examples=["2026-11-26T08:03:40Z"],
    )
    attempted_at: AwareDatetime | None = Field(
        description="When it was tried last, UTC.", examples=["2026-11-26T08:00:36Z"]
    )
    delivered_at: AwareDatetime | None = Field(
        description="When it arrived last, UTC.", examples=["2026-11-26T08:00:36Z"]
    )
    last_status: int | None = Field(
        description="The HTTP status of the last attempt; null: there was no answer.",
        examples=[500],
    )
    last_error: str | None = Field(
        description="Why the last attempt failed; null: it did not.",
        examples=["There was no answer within 15 s."],
    )


class Delivery(DeliverySummary):
    """One message to a webhook."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE_DELIVERY]})


class Deliveries(BaseModel):
    """A page of a webhook's messages, the newest first."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "webhook_id": 12,
                    "deliveries": [EXAMPLE_DELIVERY],
                    "next": f"{PATH}/12/deliveries?limit=1&cursor=bjkwMjEw",
                }
            ]
        }
    )

    webhook_id: int = Field(description="The webhook.", examples=[12])
    deliveries: list[DeliverySummary] = Field(description="At most `limit`.")
    next: str | None = Field(description="Address of the next page; null: this was the last.")


class DeliveriesQuery(Paged):
    """What is asked of the listing."""

    state: DeliveryState | None = Field(
        default=None, description="Only those that stand so.", examples=["failed"]
    )
    limit: int = Field(default=100, ge=1, le=1000, description="Messages a page.", examples=[100])


@router.post(
    f"{ONE}/test",
    operation_id="test_webhook",
    summary="Send a test",
    status_code=HTTPStatus.ACCEPTED,
    responses=problems(*WRITING, Code.UNKNOWN_WEBHOOK, Code.INVALID_PARAMETER),
    dependencies=[Depends(no_parameters)],
)
async def send_webhook_test(webhook_id: WebhookId, services: App, party: Principal) -> Delivery:
    """Send a message of type test.ping, before all that waits, also where it is disabled.

    It is sent once, and its answer changes nothing but what the listing of messages says of it.
    Where one waits already, that is the one.
    """
    return _delivery(await services.webhooks.test(party, webhook_id))


@router.get(
    f"{ONE}/deliveries",
    operation_id="list_webhook_deliveries",
    summary="Messages of a webhook, and what became of them",
    responses=problems(Code.UNKNOWN_WEBHOOK, Code.INVALID_PARAMETER),
)
async def list_webhook_deliveries(
    webhook_id: WebhookId,
    query: Annotated[DeliveriesQuery, Query()],
    services: App,
    party: Principal,
) -> Deliveries:
    """List the messages of the last weeks, the newest first, each with its last error."""
    found = await services.webhooks.deliveries(
        party,
        webhook_id,
        state=query.state,
        before_id=paging.number_before(query),
        limit=query.limit + 1,
    )
    return Deliveries(
        webhook_id=webhook_id,
        deliveries=[_delivery_summary(one) for one in found[: query.limit]],
        next=paging.link_if_more(
            f"{PATH}/{webhook_id}/deliveries",
            query,
            found,
            query.limit,
            lambda shown: cursors.after_number(shown[-1].delivery_id),
        ),
    )


@router.post(
    f"{ONE}/deliveries/{{delivery_id}}/redeliver",
    operation_id="redeliver_webhook_delivery",
    summary="Send a message once more",
    status_code=HTTPStatus.ACCEPTED,
    responses=problems(
        *WRITING, Code.UNKNOWN_WEBHOOK, Code.UNKNOWN_DELIVERY, Code.INVALID_PARAMETER
    ),
    dependencies=[Depends(no_parameters)],
)
async def redeliver_webhook_delivery(
    webhook_id: WebhookId, delivery_id: DeliveryId, services: App, party: Principal
) -> Delivery:
    """Send a message again under its id, with what is known now, if you may see it now.

    One that waits is due at once.
    """
    return _delivery(await services.webhooks.redeliver(party, webhook_id, delivery_id))


def _delivery(stored: StoredDelivery) -> Delivery:
    return Delivery(**dict(_delivery_summary(stored)))


def _delivery_summary(stored: StoredDelivery) -> DeliverySummary:
    return DeliverySummary(
        delivery_id=stored.delivery_id,
        message_id=stored.message_id,
        type=f"{stored.source}.{stored.kind}",
        state=DeliveryState(stored.state),
        attempts=stored.attempts,
        queued_at=stored.queued_at,
        due_at=stored.due_at,
        attempted_at=stored.attempted_at,
        delivered_at=stored.delivered_at,
        last_status=stored.last_status,
        last_error=stored.last_error,
    )
