"""Problems: every refusal is RFC 9457 problem+json with a code, the field, and the way out."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict, Field

from api.codes import STATUS, TITLES, Code
from schemas.errors import TelemetryError

MEDIA_TYPE = "application/problem+json"

RETRY_AFTER_S = 5
"""When to ask again while the database is away or busy [s]: about what a restart of it takes."""

logger = logging.getLogger("telemetry.api")

UNKNOWN: Mapping[Code, tuple[str, str]] = {
    Code.UNKNOWN_VEHICLE: (
        "There is no vehicle of this VIN that you may see.",
        "/v1/vehicles lists the vehicles you may see. A VIN has 17 characters, upper case.",
    ),
    Code.UNKNOWN_DRIVER: (
        "There is no driver of this number that you may know.",
        "/v1/drivers lists the drivers you may know.",
    ),
    Code.UNKNOWN_FLEET: (
        "There is no fleet of this number that you may see.",
        "/v1/fleets lists the fleets you may see.",
    ),
    Code.UNKNOWN_ADVICE: (
        "There is no advice of this number that you may see.",
        "/v1/vehicles/{vin}/advice and /v1/fleets/{fleet_id}/advice list what you may see.",
    ),
    Code.UNKNOWN_WEBHOOK: (
        "You have no webhook of this number.",
        "/v1/webhooks lists yours.",
    ),
    Code.UNKNOWN_DELIVERY: (
        "This webhook has no message of this number.",
        "/v1/webhooks/{webhook_id}/deliveries lists those of the last weeks.",
    ),
    Code.UNKNOWN_DATASET: (
        "There is no dataset of this number that you may read now.",
        "/v1/datasets lists yours. One that has ended is defined anew by whoever may.",
    ),
    Code.UNKNOWN_MODEL: (
        "There is no model of this number that you may know.",
        "/v1/models lists those you may know.",
    ),
    Code.UNKNOWN_ENTRY: (
        "There is no such entry that you may see.",
        "The listing of this register, one address up, has those you may see.",
    ),
}
"""What is told of what does not exist, and the way out; the same of what is another party's."""


class Fault(BaseModel):
    """One parameter that cannot be used."""

    field: str = Field(description="The parameter's name.", examples=["names"])
    reason: str = Field(
        description="What is wrong with it.", examples=["No signal is called 'wheel_sped'."]
    )
    way_out: str = Field(description="What would work.", examples=["Did you mean wheel_speed?"])


class Problem(BaseModel):
    """A refusal (RFC 9457) with a code to branch on and a way out to read."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:telemetry:problem:unknown_signal",
                    "title": "No signal has this name",
                    "status": 422,
                    "code": "unknown_signal",
                    "detail": "No signal is called 'wheel_sped'.",
                    "way_out": "Did you mean wheel_speed? /v1/catalogue lists them all.",
                    "faults": [
                        {
                            "field": "names",
                            "reason": "No signal is called 'wheel_sped'.",
                            "way_out": "Did you mean wheel_speed? /v1/catalogue lists them all.",
                        }
                    ],
                }
            ]
        }
    )

    type: str = Field(description="The code as a URN.")
    title: str = Field(description="What kind of problem it is, for people.")
    status: int = Field(description="The HTTP status.", ge=400, le=599)
    code: Code = Field(description="What kind of problem it is, for programs.")
    detail: str = Field(description="What happened here.")
    way_out: str = Field(description="What to do now.")
    faults: list[Fault] = Field(description="The parameters that cannot be used; may be empty.")


@dataclass(kw_only=True, eq=False)  # not frozen: raising writes the traceback into it
class ProblemError(TelemetryError):
    """A refusal on its way to the client."""

    code: Code
    detail: str
    way_out: str
    status: int = 0
    """The HTTP status; left out: the code's."""
    faults: tuple[Fault, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Have the status of its code, where it is not given another one."""
        self.status = self.status or STATUS[self.code]

    def __str__(self) -> str:
        """The code and what happened."""
        return f"{self.code}: {self.detail}"

    def problem(self) -> Problem:
        """The body."""
        return Problem(
            type=f"urn:telemetry:problem:{self.code}",
            title=TITLES[self.code],
            status=self.status,
            code=self.code,
            detail=self.detail,
            way_out=self.way_out,
            faults=list(self.faults),
        )


def invalid(
    name: str, reason: str, way_out: str, *, code: Code = Code.INVALID_PARAMETER
) -> ProblemError:
    """A parameter that cannot be used."""
    return refused([Fault(field=name, reason=reason, way_out=way_out)], code=code)


def refused(faults: Sequence[Fault], *, code: Code = Code.INVALID_PARAMETER) -> ProblemError:
    """Parameters that cannot be used; there is at least one."""
    first, *others = faults
    return ProblemError(
        code=code,
        detail=first.reason if not others else f"{len(faults)} parameters cannot be used.",
        way_out=first.way_out if not others else "Correct what `faults` lists.",
        faults=tuple(faults),
    )


def unknown(code: Code) -> ProblemError:
    """The one answer for what does not exist and for what is not the principal's to know.

    Args:
        code: one of `UNKNOWN`.
    """
    detail, way_out = UNKNOWN[code]
    return ProblemError(code=code, detail=detail, way_out=way_out)


def not_in_dataset(what: str, way_out: str) -> ProblemError:
    """The answer to whoever asks a dataset for what it does not hold.

    Args:
        what: that, as the beginning of a sentence.
        way_out: what it does hold.
    """
    return ProblemError(
        code=Code.NOT_IN_DATASET,
        detail=f"{what} not in this dataset.",
        way_out=way_out,
    )


def missing_sign_in(detail: str, *, wrong: bool) -> ProblemError:
    """The answer to whom we do not know (RFC 6750).

    Args:
        detail: what is the matter; nothing of the credential itself.
        wrong: whether there was a credential.
    """
    said = ', error="invalid_token"' if wrong else ""
    return ProblemError(
        code=Code.UNAUTHENTICATED,
        detail=detail,
        way_out="Send `Authorization: Bearer` with an access token from /oauth/token (or your "
        "identity provider), or an API key in X-API-Key.",
        headers={"WWW-Authenticate": f'Bearer realm="telemetry"{said}'},
    )


def missing_scope(scope: str) -> ProblemError:
    """The answer to whom we know and who may not do this (RFC 6750).

    Args:
        scope: what would be needed.
    """
    return ProblemError(
        code=Code.MISSING_SCOPE,
        detail=f"This needs the scope {scope}, which you do not have here.",
        way_out="Ask for a token with that scope; whether your role may have it, docs/security.md "
        "says.",
        headers={
            "WWW-Authenticate": f'Bearer realm="telemetry", error="insufficient_scope", '
            f'scope="{scope}"'
        },
    )


def not_ready(detail: str) -> ProblemError:
    """The database is there but not what this code needs."""
    return unavailable(
        Code.NOT_READY,
        detail,
        "Ask again once the operator has run `telemetry migrate`; /readyz says when.",
    )


def unavailable(code: Code, detail: str, way_out: str) -> ProblemError:
    """503: for now it cannot be answered, and when to ask again."""
    return ProblemError(
        code=code,
        detail=detail,
        way_out=way_out,
        headers={"Retry-After": str(RETRY_AFTER_S)},
    )
