"""The OpenAPI document: what FastAPI derives, with our problems in place of its errors."""

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from pydantic import BaseModel

from api.codes import STATUS, TITLES, Code
from api.deprecation import NOTICE
from api.problems import MEDIA_TYPE, RETRY_AFTER_S, Problem

if TYPE_CHECKING:
    from collections.abc import Callable

_DATABASE = (
    Code.DATABASE_UNREACHABLE,
    Code.BUSY,
    Code.TOO_SLOW,
    Code.NOT_READY,
    Code.UNAUTHENTICATED,
    Code.MISSING_SCOPE,
    Code.TOO_MANY_TRIES,
    Code.PROVIDER_UNREACHABLE,
)
"""What may go wrong with every address that reads the database, for one asks who asks."""

_SECURITY_SCHEMES = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "An access token from /oauth/token, or of your identity provider.",
    },
    "api_key": {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "A machine's key, from `telemetry identity keys create`.",
    },
}

_PURPOSE = {
    "name": "X-Purpose",
    "in": "header",
    "required": False,
    "description": "What the data are read for, in up to 200 characters (percent-encoded UTF-8 "
    "where it is not ASCII); it is written down with who reads what.",
    "schema": {"type": "string", "maxLength": 1800, "examples": ["warranty claim 4711"]},
}

_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "A text of your own for this one write, such as a UUID. Sent again with it "
    "within 24 hours the write is not done again but answered as it was, with "
    "`Idempotent-Replayed: true`.",
    "schema": {
        "type": "string",
        "minLength": 1,
        "maxLength": 255,
        "examples": ["5f0c7a9e-8d43-4a52-9d0f-2f1f0c6f1f6b"],
    },
}

WRITING = (
    Code.IDEMPOTENCY_KEY_REUSED,
    Code.WRITE_UNDER_WAY,
    Code.ANSWER_NOT_KEPT,
    Code.TOO_LARGE,
    Code.UNSUPPORTED_MEDIA_TYPE,
)
"""What may go wrong with every write."""

_EVENT_STREAM = "text/event-stream"

DESCRIPTION = f"""
What trucks tell, for those who may know it.

Times are RFC 3339 and UTC in answers; in questions they carry their time zone. Units stand in the
answers and are those of the signal catalogue. Listings come in pages: follow `next` until it is
null. What goes wrong is `{MEDIA_TYPE}` with a code and a way out.

Within /v1 addresses, parameters, fields, codes and units stay what they are; new ones may come, so
pass over fields you do not know. What goes is marked `deprecated` here, and its answers carry
`Deprecation`, `Sunset` and a `Link` to what takes its place for at least {NOTICE.days} days before.
"""


def problems(*codes: Code, database: bool = True) -> dict[int | str, dict[str, Any]]:
    """The `responses` of an endpoint that may answer with these problems.

    Args:
        codes: the problems of its own.
        database: whether it reads the database, with what may go wrong there.
    """
    found: dict[int | str, dict[str, Any]] = {}
    for code in (*codes, *(_DATABASE if database else ())):
        status = STATUS[code]
        entry = found.setdefault(status, _entry(status))
        entry["description"] += (
            f"{'' if entry['description'] == '' else '; '}{code}: {TITLES[code]}"
        )
    return found


def _entry(status: int) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "description": "",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    if status == HTTPStatus.UNAUTHORIZED:
        entry["headers"] = {
            "WWW-Authenticate": {
                "description": "How to sign in.",
                "schema": {"type": "string", "examples": ['Bearer realm="telemetry"']},
            }
        }
    if status in {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS}:
        entry["headers"] = {
            "Retry-After": {
                "description": "When to ask again [s].",
                "schema": {"type": "integer", "examples": [RETRY_AFTER_S]},
            }
        }
    return entry


def _forget_framework_errors(document: dict[str, Any]) -> None:
    """Take out what FastAPI says of validation where an endpoint has no problem of its own."""
    for path in document["paths"].values():
        for operation in path.values():
            invalid = operation["responses"].get("422", {}).get("content", {})
            told = invalid.get("application/json", {}).get("schema", {}).get("$ref", "")
            if told.endswith("/HTTPValidationError"):
                del operation["responses"]["422"]
    for name in ("HTTPValidationError", "ValidationError"):
        document["components"]["schemas"].pop(name, None)


def _tell_problems_by_their_type(document: dict[str, Any]) -> None:
    """Say of problems with more in them, which have a model of their own, what they are sent as."""
    for path, operations in document["paths"].items():
        for operation in operations.values():
            for status, answer in operation["responses"].items():
                content = answer.get("content", {})
                if status >= "400" and path.startswith("/v1/") and "application/json" in content:
                    content[MEDIA_TYPE] = content.pop("application/json")


def _describe_sign_in(document: dict[str, Any]) -> None:
    """Say how one signs in, and which addresses ask for it: those that may answer 401 so."""
    document["components"]["securitySchemes"] = _SECURITY_SCHEMES
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if "401" in operation["responses"] and path.startswith("/v1/"):
                operation["security"] = [{name: []} for name in _SECURITY_SCHEMES]
                more = [_PURPOSE] if method == "get" else [_IDEMPOTENCY_KEY, _PURPOSE]
                operation["parameters"] = [*operation.get("parameters", []), *more]


def events(model: str) -> dict[int | str, dict[str, Any]]:
    """The `responses` entry of a stream whose events carry objects of that model."""
    reference = {"$ref": f"#/components/schemas/{model}"}
    return {
        200: {
            "description": "Events `state`, each with an object as its data, until one side ends.",
            "content": {_EVENT_STREAM: {"schema": reference}},
        }
    }


def _say_what_events_hold(document: dict[str, Any]) -> None:
    """Take out that a stream is text, where it is known what its events hold."""
    for path in document["paths"].values():
        for operation in path.values():
            stream = operation["responses"].get("200", {}).get("content", {}).get(_EVENT_STREAM, {})
            if "$ref" in stream.get("schema", {}):
                stream["schema"].pop("type", None)


def install(app: FastAPI, *errors: type[BaseModel]) -> None:
    """Let the app describe itself with the schemas of its problems and of other errors."""
    derived: Callable[[], dict[str, Any]] = app.openapi

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = derived()
            schemas = document["components"]["schemas"]
            problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas.update(problem.pop("$defs"))
            schemas["Problem"] = problem
            schemas.update({error.__name__: error.model_json_schema() for error in errors})
            _forget_framework_errors(document)
            _tell_problems_by_their_type(document)
            _describe_sign_in(document)
            _say_what_events_hold(document)
            document["components"]["schemas"] = dict(sorted(schemas.items()))
        return app.openapi_schema or {}

    app.openapi = described  # type: ignore[method-assign]  # the way FastAPI documents
