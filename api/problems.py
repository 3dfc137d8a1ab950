"""Problems: every refusal is RFC 9457 problem+json with a code, the field, and the way out."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match

from api.codes import STATUS, TITLES, Code
from api.identity_provider import ProviderUnreachableError
from schemas.errors import TelemetryError
from storage.errors import DatabaseUnreachableError, SchemaError
from storage.refusals import RefusedError, WriteUnderWayError
from storage.served import (
    DatabaseBusyError,
    DatasetWithheldError,
    QueryTimeoutError,
    UnaskableError,
    UnknownAdviceError,
    UnknownDatasetError,
    UnknownDatasetVehicleError,
    UnknownDeliveryError,
    UnknownDriverError,
    UnknownEntryError,
    UnknownFleetError,
    UnknownModelError,
    UnknownVehicleError,
    UnknownWebhookError,
)

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


def _of_refusal(error: RefusedError) -> ProblemError:
    detail = str(error)
    named = Fault(field=error.field, reason=detail, way_out=error.way_out)
    return ProblemError(
        status=error.status,
        code=Code(error.reason),
        detail=detail,
        way_out=error.way_out,
        faults=(named,) if error.field else (),
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
    return _unavailable(
        Code.NOT_READY,
        detail,
        "Ask again once the operator has run `telemetry migrate`; /readyz says when.",
    )


def _unavailable(code: Code, detail: str, way_out: str) -> ProblemError:
    return ProblemError(
        code=code,
        detail=detail,
        way_out=way_out,
        headers={"Retry-After": str(RETRY_AFTER_S)},
    )


def of_error(error: Exception) -> ProblemError:
    """What a client is told of an error; never where our database is."""
    match error:
        case ProblemError():
            return error
        case UnknownVehicleError():
            return unknown(Code.UNKNOWN_VEHICLE)
        case UnknownDriverError():
            return unknown(Code.UNKNOWN_DRIVER)
        case UnknownFleetError():
            return unknown(Code.UNKNOWN_FLEET)
        case UnknownAdviceError():
            return unknown(Code.UNKNOWN_ADVICE)
        case UnknownWebhookError():
            return unknown(Code.UNKNOWN_WEBHOOK)
        case UnknownDeliveryError():
            return unknown(Code.UNKNOWN_DELIVERY)
        case UnknownModelError():
            return unknown(Code.UNKNOWN_MODEL)
        case UnknownDatasetError():
            return unknown(Code.UNKNOWN_DATASET)
        case UnknownDatasetVehicleError():
            return not_in_dataset(
                "A vehicle of this pseudonym is",
                "/v1/datasets/{dataset_id}/vehicles lists them; each dataset has its own.",
            )
        case DatasetWithheldError():
            return ProblemError(
                code=Code.WITHHELD,
                detail="So few vehicles are left in this dataset that one would be recognised.",
                way_out="Let whoever defined it define one over more vehicles.",
            )
        case UnknownEntryError():
            return unknown(Code.UNKNOWN_ENTRY)
        case RefusedError():
            return _of_refusal(error)
        case WriteUnderWayError():
            return ProblemError(
                code=Code.WRITE_UNDER_WAY,
                detail="A request with this idempotency key is being worked at.",
                way_out="Send it again shortly: then it is answered as that one was.",
                headers={"Retry-After": "1"},
            )
        case UnaskableError():
            return ProblemError(
                code=Code.INVALID_PARAMETER,
                detail=str(error),
                way_out="Leave the NUL out.",
            )
        case DatabaseBusyError():
            return _unavailable(
                Code.BUSY,
                "Every connection to the database is in use.",
                "Ask again shortly, fewer requests at a time.",
            )
        case QueryTimeoutError():
            return _unavailable(
                Code.TOO_SLOW,
                "The database took too long to answer this.",
                "Ask for a shorter span, fewer signals or a larger step.",
            )
        case DatabaseUnreachableError():
            return _unavailable(
                Code.DATABASE_UNREACHABLE,
                "The database does not answer at the moment.",
                "Ask again shortly; /readyz says when it is back.",
            )
        case ProviderUnreachableError():
            return _unavailable(
                Code.PROVIDER_UNREACHABLE,
                "The identity provider does not answer: its signing keys are not known.",
                "Ask again shortly.",
            )
        case SchemaError():
            return not_ready("The database does not have what this version of the API reads.")
        case RequestValidationError():
            return refused([_fault(fault) for fault in error.errors()])
        case HTTPException():
            return _of_http(error)
        case _:
            return ProblemError(
                code=Code.INTERNAL,
                detail="The request could not be answered; the error was logged.",
                way_out="Ask again; if it stays, tell the operator the time of this answer.",
            )


def _of_http(error: HTTPException) -> ProblemError:
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        return ProblemError(
            code=Code.METHOD_NOT_ALLOWED,
            detail="This address does not take this method.",
            way_out="Use one that the header Allow names; nearly all is read with GET. "
            "/openapi.json describes every address.",
            headers=error.headers or {},
        )
    if error.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return ProblemError(
            code=Code.TOO_LARGE,
            detail="The body is longer than it may be.",
            way_out="Send less at a time.",
            headers={"Connection": "close"},
        )
    if error.status_code == HTTPStatus.BAD_REQUEST:  # what the framework says of such bodies
        return invalid("body", "The body cannot be read: it is no JSON in UTF-8.", _JSON)
    return ProblemError(
        code=Code.NOT_FOUND,
        detail="There is nothing at this address.",
        way_out="/openapi.json describes every address; the pages begin at /.",
    )


_REASONS: Mapping[str, str] = {
    "missing": "{name} is missing.",
    "extra_forbidden": "There is no parameter {name}.",
    "timezone_aware": "The time {name} lacks its time zone.",
}

_RFC_3339 = (
    "Write RFC 3339 with a time zone: 2026-11-01T08:00:00Z. A + in an address is written %2B."
)

_JSON = "Send JSON, with Content-Type: application/json; /openapi.json has an example."

_WAYS_OUT: Mapping[str, str] = {
    "json_invalid": _JSON,
    "model_attributes_type": _JSON,
    "missing": "Add it; /openapi.json has an example.",
    "extra_forbidden": "Leave it out, or correct its spelling; /openapi.json lists the parameters.",
    "timezone_aware": "Add the time zone: 2026-11-01T08:00:00Z or, with + written as %2B, "
    "2026-11-01T16:00:00%2B08:00.",
    "datetime_parsing": _RFC_3339,
    "datetime_from_date_parsing": _RFC_3339,
}


def _fault(fault: Mapping[str, object]) -> Fault:
    """One of pydantic's errors, for people; never the value itself, which may be anything."""
    location = fault["loc"]
    kind = str(fault["type"])
    name = ".".join(map(str, location[1:])) if isinstance(location, tuple) else ""
    if kind == "json_invalid" or name == "":
        name = "body"  # the whole of it
    said = str(fault["msg"]).removeprefix("Value error, ")
    return Fault(
        field=name,
        reason=_REASONS[kind].format(name=name) if kind in _REASONS else f"{name}: {said}.",
        way_out=_WAYS_OUT.get(kind, "Use a value that /openapi.json allows."),
    )


def response(error: ProblemError) -> Response:
    """The problem as problem+json."""
    return Response(
        error.problem().model_dump_json(),
        status_code=error.status,
        headers=error.headers,
        media_type=MEDIA_TYPE,
    )


AsPage = Callable[[Request, ProblemError], Response | None]
"""What a person sees instead of problem+json; None where a program asked."""

Answer = Callable[[Request, Exception], Awaitable[Response]]
"""What answers a request that raised."""


def answering(as_page: AsPage) -> Answer:
    """What answers errors: for people with a page, for programs with problem+json."""

    async def answer(request: Request, error: Exception) -> Response:
        problem = of_error(error)
        if "Allow" in problem.headers:
            problem.headers = {"Allow": ", ".join(_methods(request))}
        if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            logger.warning("%s: %s", problem.code, error)
        return as_page(request, problem) or response(problem)

    return answer


def _methods(request: Request) -> list[str]:
    """What methods an address takes; the framework names those of one of its endpoints alone."""
    return [
        method
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
        if any(
            route.matches({**request.scope, "method": method})[0] is Match.FULL
            for route in request.app.routes
        )
    ]


def install(app: FastAPI, answer: Answer) -> None:
    """Let an app answer the errors it knows of; what it does not, `api.guard` catches."""
    for kind in (TelemetryError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, answer)
