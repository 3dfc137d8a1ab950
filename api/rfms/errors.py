"""What goes wrong under /rfms is told as rFMS tells it: error, error_description, error_uri."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from api.codes import Code
from api.problems import RETRY_AFTER_S, ProblemError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

PREFIX = "/rfms"

ERROR_URI = "urn:telemetry:problem:"


class ErrorObject(BaseModel):
    """ErrorObject of rFMS 4.0."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "error": "InvalidParameter",
                    "error_description": "Neither starttime nor latestOnly=true is given. Give one "
                    "of them.",
                    "error_uri": "urn:telemetry:problem:invalid_parameter",
                }
            ]
        }
    )

    error: str = Field(description="What kind of error it is, for programs.")
    error_description: str = Field(description="What happened, and what to do now.")
    error_uri: str = Field(description="The kind as a URN; docs/rfms.md lists them.")


def error_response(request: Request, problem: ProblemError) -> Response | None:
    """A problem as rFMS tells it; None where something else than rFMS was asked for."""
    path = request.url.path
    if path != PREFIX and not path.startswith(f"{PREFIX}/"):
        return None
    # 422 is not known to rFMS: what cannot be used is a bad request.
    status = 400 if problem.status == HTTPStatus.UNPROCESSABLE_ENTITY else problem.status
    described = [f"{problem.detail} {problem.way_out}"] + [
        f"{fault.reason} {fault.way_out}" for fault in problem.faults if len(problem.faults) > 1
    ]
    body = ErrorObject(
        error="".join(word.capitalize() for word in problem.code.split("_")),
        error_description=" ".join(described),
        error_uri=f"{ERROR_URI}{problem.code}",
    )
    return Response(
        body.model_dump_json(),
        status_code=status,
        headers={**getattr(request.state, "rfms_headers", {}), **problem.headers},
        media_type="application/json",
    )


HEADERS: Mapping[str, Any] = {
    "X-Correlation-Id": {
        "description": "That of the request; where it had none, one of ours.",
        "schema": {"type": "string", "examples": ["caac4197-5ffa-46e8-95db-42cb97d817aa"]},
    },
    "X-Rate-Limit-Limit": {
        "description": "Requests a minute that the client may make of this resource.",
        "schema": {"type": "integer", "examples": [120]},
    },
    "X-Rate-Limit-Remaining": {
        "description": "How many of them are left.",
        "schema": {"type": "integer", "examples": [119]},
    },
    "X-Rate-Limit-Reset": {
        "description": "When the minute ends [s since 1970, UTC].",
        "schema": {"type": "integer", "examples": [1_793_520_060]},
    },
}
"""Of every answer, by name."""

_WRONG: Mapping[int, str] = {
    400: "A parameter cannot be used, or not together with another.",
    401: "Nobody signed in.",
    403: "Who signed in may not read this.",
    404: "There is no such vehicle, or none that the client may see.",
    406: "No media type of the Accept header is one that is served.",
    429: "Too many requests a minute of this resource.",
    503: "The database does not answer or is too busy; ask again.",
}


def responses() -> dict[int | str, dict[str, Any]]:
    """The `responses` of an endpoint of rFMS."""
    found: dict[int | str, dict[str, Any]] = {200: {"headers": dict(HEADERS)}}
    for status, description in _WRONG.items():
        headers = dict(HEADERS)
        if status in (429, 503):
            headers["Retry-After"] = {
                "description": "When to ask again [s].",
                "schema": {"type": "integer", "examples": [RETRY_AFTER_S]},
            }
        found[status] = {
            "description": description,
            "content": {
                "application/json": {"schema": {"$ref": "#/components/schemas/ErrorObject"}}
            },
            "headers": headers,
        }
    return found


def bad_request(reason: str, way_out: str) -> ProblemError:
    """Parameters that cannot be used, or not together."""
    return ProblemError(
        status=HTTPStatus.BAD_REQUEST,
        code=Code.INVALID_PARAMETER,
        detail=reason,
        way_out=way_out,
    )
