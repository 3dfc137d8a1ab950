"""What is asked and told of webhooks."""

from enum import StrEnum
from typing import Annotated

from fastapi import Depends, Path
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from api.codes import Code
from api.driving.events import Severity
from api.parameters import EXAMPLE_VIN, Paged, number
from api.webhooks.kinds import SOURCES

PATH = "/v1/webhooks"
ONE = f"{PATH}/{{webhook_id}}"

MAX_WEBHOOKS = 50
"""Of a party."""

MAX_VINS = 200
MAX_KINDS = 50


def _webhook_id(
    webhook_id: Annotated[
        str,
        Path(
            description="The webhook's number, from /v1/webhooks. One that does not exist, or is "
            "another party's, is answered with the same 404.",
            examples=["12"],
        ),
    ],
) -> int:
    return number(webhook_id, Code.UNKNOWN_WEBHOOK)


WebhookId = Annotated[int, Depends(_webhook_id)]
"""A path's webhook, of the right form."""


class TextLanguage(StrEnum):
    """A language of texts."""

    ENGLISH = "en"
    CHINESE = "zh"


class DisabledBy(StrEnum):
    """Why a webhook is not told anything."""

    PARTY = "party"
    GONE = "gone"
    FAILING = "failing"


_KINDS = (
    "What it is told of: `source.kind`, or `source.*` for all of a source. "
    + "; ".join(f"{source}: {', '.join(kinds)}" for source, kinds in SOURCES.items())
    + ". Trouble codes go by the lamp they light."
)
_SEVERITY = "Driving events at least this severe; the other sources have no severity."
_FLEET = "Only vehicles that were in this fleet then; null: whatever the fleet."
_VINS = "Only these vehicles; null: whatever the vehicle."
_LANGUAGE = "Of the texts of advice."
_URL = (
    "Where to: an https address of a public host, without user, password or fragment. Of the "
    "operator's own networks only those that TELEMETRY_WEBHOOK_PRIVATE_NETWORKS names; http to "
    "this machine alone."
)
_NAME = "What you call it; each of yours has a name of its own."

EXAMPLE: JsonDict = {
    "webhook_id": 12,
    "name": "Dispatch",
    "url": "https://dispatch.example.com/hooks/telemetry",
    "kinds": ["driving_event.harsh_braking", "tank_event.theft", "advice.*"],
    "severity": "medium",
    "fleet_id": 3,
    "vins": [EXAMPLE_VIN],
    "language": "en",
    "enabled": False,
    "disabled_by": "failing",
    "disabled_at": "2026-11-26T08:00:00Z",
    "failures": 61,
    "failing_since": "2026-11-23T08:00:00Z",
    "last_error": "There was no answer within 15 s.",
    "last_success_at": "2026-11-23T07:55:00Z",
    "waiting": 4,
    "created_at": "2026-11-20T08:00:00Z",
    "old_secret_until": "2026-11-27T08:00:00Z",
}
_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oDsGNW0hGJYR0="  # noqa: S105 - made up


class WebhookSummary(BaseModel):
    """A webhook, without its secret, and how it does."""

    webhook_id: int = Field(description="Its number.", examples=[12])
    name: str = Field(description=_NAME, examples=["Dispatch"])
    url: str = Field(description=_URL, examples=["https://dispatch.example.com/hooks/telemetry"])
    kinds: list[str] = Field(description=_KINDS, examples=[["tank_event.theft", "advice.*"]])
    severity: Severity = Field(description=_SEVERITY, examples=["medium"])
    fleet_id: int | None = Field(description=_FLEET, examples=[3])
    vins: list[str] | None = Field(description=_VINS, examples=[[EXAMPLE_VIN]])
    language: TextLanguage = Field(description=_LANGUAGE, examples=["en"])
    enabled: bool = Field(description="Whether it is told anything.", examples=[True])
    disabled_by: DisabledBy | None = Field(
        description="party: somebody of yours did so. gone: the receiver answered 410. failing: it "
        "failed for days. null: it is enabled.",
        examples=["failing"],
    )
    disabled_at: AwareDatetime | None = Field(
        description="Since when, UTC.", examples=["2026-11-26T08:00:00Z"]
    )
    failures: int = Field(description="Attempts in a row that failed.", examples=[0])
    failing_since: AwareDatetime | None = Field(
        description="When the first of these was, UTC.", examples=["2026-11-26T07:00:00Z"]
    )
    last_error: str | None = Field(
        description="Why the last one failed; null: it did not.",
        examples=["There was no answer within 15 s."],
    )
    last_success_at: AwareDatetime | None = Field(
        description="When a message last arrived, UTC.", examples=["2026-11-26T08:00:00Z"]
    )
    waiting: int = Field(description="Messages that wait.", examples=[0])
    created_at: AwareDatetime = Field(
        description="When it was made, UTC; what ended before is not told.",
        examples=["2026-11-20T08:00:00Z"],
    )
    old_secret_until: AwareDatetime | None = Field(
        description="Until when messages are signed with the secret before, too, UTC.",
        examples=["2026-11-27T08:00:00Z"],
    )


class Webhook(WebhookSummary):
    """One webhook."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})


class MadeWebhook(WebhookSummary):
    """A webhook that was just made, with its secret."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**EXAMPLE, "secret": _SECRET}]})

    secret: str = Field(
        description="What its messages are signed with: `whsec_` and base64. It is told here and "
        "never again.",
        examples=[_SECRET],
    )


class Webhooks(BaseModel):
    """A page of a party's webhooks by their numbers."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"webhooks": [EXAMPLE], "next": f"{PATH}?limit=1&cursor=bjEy"}]
        }
    )

    webhooks: list[WebhookSummary] = Field(description="At most `limit`.")
    next: str | None = Field(description="Address of the next page; null: this was the last.")


class WebhooksQuery(Paged):
    """What is asked of the listing."""

    limit: int = Field(default=50, ge=1, le=200, description="Webhooks a page.", examples=[50])


def _a_line(text: str) -> str:
    if not text.isprintable() or not text.strip():
        raise ValueError("a name is a line of printable text")
    return text


_Name = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_a_line)]
_Kinds = Annotated[list[str], Field(min_length=1, max_length=MAX_KINDS)]
_Vins = Annotated[list[str], Field(min_length=1, max_length=MAX_VINS)]
_Fleet = Annotated[int, Field(ge=1, lt=2**63)]
_Url = Annotated[str, Field(min_length=1, max_length=2000)]


class NewWebhook(BaseModel):
    """A webhook to make."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "name": "Dispatch",
                    "url": "https://dispatch.example.com/hooks/telemetry",
                    "kinds": ["driving_event.*", "tank_event.theft", "advice.*"],
                    "severity": "medium",
                    "fleet_id": 3,
                }
            ]
        },
    )

    name: _Name = Field(description=_NAME, examples=["Dispatch"])
    url: _Url = Field(description=_URL, examples=["https://dispatch.example.com/hooks/telemetry"])
    kinds: _Kinds = Field(description=_KINDS, examples=[["tank_event.theft", "advice.*"]])
    severity: Severity = Field(default=Severity.LOW, description=_SEVERITY, examples=["medium"])
    fleet_id: _Fleet | None = Field(default=None, description=_FLEET, examples=[3])
    vins: _Vins | None = Field(default=None, description=_VINS, examples=[[EXAMPLE_VIN]])
    language: TextLanguage = Field(
        default=TextLanguage.ENGLISH, description=_LANGUAGE, examples=["en"]
    )


class ChangedWebhook(BaseModel):
    """What to change of a webhook; what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"enabled": True}]})

    name: _Name | None = Field(default=None, description=_NAME, examples=["Dispatch"])
    url: _Url | None = Field(
        default=None,
        description=_URL,
        examples=["https://dispatch.example.com/hooks/telemetry"],
    )
    kinds: _Kinds | None = Field(default=None, description=_KINDS, examples=[["advice.*"]])
    severity: Severity | None = Field(default=None, description=_SEVERITY, examples=["high"])
    fleet_id: _Fleet | None = Field(
        default=None, description=f"{_FLEET} To send null takes the filter away.", examples=[3]
    )
    vins: _Vins | None = Field(
        default=None,
        description=f"{_VINS} To send null takes the filter away.",
        examples=[[EXAMPLE_VIN]],
    )
    language: TextLanguage | None = Field(default=None, description=_LANGUAGE, examples=["zh"])
    enabled: bool | None = Field(
        default=None,
        description="false: tell it nothing, and queue nothing. true: begin again, with what "
        "waited when it was disabled.",
        examples=[True],
    )


class NewSecret(BaseModel):
    """A webhook's new secret."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"secret": _SECRET, "old_secret_until": "2026-11-27T08:00:00Z"}]
        }
    )

    secret: str = Field(
        description="What its messages are signed with from now on; never told again.",
        examples=[_SECRET],
    )
    old_secret_until: AwareDatetime = Field(
        description="Until when they are signed with the one before, too, UTC.",
        examples=["2026-11-27T08:00:00Z"],
    )
