"""Errors as problems: what a client is told of each, and how an app answers with it."""

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match

from api.codes import Code
from api.problems import (
    MEDIA_TYPE,
    Fault,
    ProblemError,
    invalid,
    logger,
    not_in_dataset,
    not_ready,
    refused,
    unavailable,
    unknown,
)
from api.signing_in.identity_provider import ProviderUnreachableError
from schemas.errors import TelemetryError
from storage.errors import DatabaseUnreachableError, SchemaError
from storage.refusals import RefusedError, WriteUnderWayError
from storage.served_errors import (
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
            return unavailable(
                Code.BUSY,
                "Every connection to the database is in use.",
                "Ask again shortly, fewer requests at a time.",
            )
        case QueryTimeoutError():
            return unavailable(
                Code.TOO_SLOW,
                "The database took too long to answer this.",
                "Ask for a shorter span, fewer signals or a larger step.",
            )
        case DatabaseUnreachableError():
            return unavailable(
                Code.DATABASE_UNREACHABLE,
                "The database does not answer at the moment.",
                "Ask again shortly; /readyz says when it is back.",
            )
        case ProviderUnreachableError():
            return unavailable(
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
