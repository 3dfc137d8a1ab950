"""Conditional requests (RFC 9110, 13): a client that holds an answer is told when it still holds.

The ETag is weak: it stands for what is known, not for the moment at which it was told, so ages and
the time of the answer do not count. Access is decided before: who may no longer see gets 404.
"""

from __future__ import annotations

from hashlib import blake2b
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import orjson
from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import BaseModel
    from starlette.requests import Request

MOVING = frozenset({"answered_at", "age_s"})
"""Fields that change by themselves, while nothing new is known."""

NOT_MODIFIED: dict[int | str, dict[str, Any]] = {
    304: {"description": "What If-None-Match names is still so; there is no body."}
}
"""For the `responses` of an endpoint that takes conditions."""


def answered(
    request: Request, response: Response, told: BaseModel, tag: str | None = None
) -> Response:
    """The answer with its ETag, or 304 where the client holds it already.

    Args:
        request: what If-None-Match may come with.
        response: the headers that dependencies have set.
        told: what is answered.
        tag: its ETag, where it has a strong one.
    """
    return answered_as(request, response, tag or etag(told), told.model_dump_json)


def answered_as(
    request: Request, response: Response, tag: str, body: Callable[[], str | bytes]
) -> Response:
    """The answer under a tag, or 304 where the client holds it already; then nothing is written.

    Args:
        request: what If-None-Match may come with.
        response: the headers that dependencies have set.
        tag: what the answer is known by.
        body: writes it, as JSON.
    """
    headers = dict(response.headers.items())
    headers.pop("content-length", None)
    # Whose cache it is may keep it, but asks each time: it may be out of date, or no longer theirs.
    headers |= {"ETag": tag, "Cache-Control": "private, no-cache"}
    if _holds(request.headers.getlist("if-none-match"), tag):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(body(), media_type="application/json", headers=headers)


def etag(told: BaseModel) -> str:
    """The weak tag of what is told."""
    return tag_of(orjson.dumps(_still(told.model_dump(mode="json"))))


def tag_of(*parts: bytes) -> str:
    """The weak tag of what these bytes stand for."""
    hashed = blake2b(digest_size=12)
    for part in parts:
        hashed.update(part)
    return f'W/"{hashed.hexdigest()}"'


def _still(told: object) -> object:
    if isinstance(told, dict):
        return {name: _still(value) for name, value in told.items() if name not in MOVING}
    if isinstance(told, list):
        return [_still(value) for value in told]
    return told


def _holds(conditions: list[str], tag: str) -> bool:
    held = [text.strip() for line in conditions for text in line.split(",")]
    # Weak comparison: whether a tag is written weak or strong makes no difference.
    return "*" in held or tag.removeprefix("W/") in {text.removeprefix("W/") for text in held}
