"""Forms that are sent to us: read once, bounded, each field once, and in text."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from starlette.requests import Request

MAX_BODY = 16_384
"""Bytes of a form; a token and its scopes have some 2,000."""

MAX_FIELDS = 50


@dataclass(eq=False)
class FormError(Exception):
    """What was sent is no form."""

    status: int
    detail: str


async def read(request: Request) -> dict[str, str]:
    """The form that was sent; a second call of the same request gives the same.

    Raises:
        FormError: it is none.
    """
    known: dict[str, str] | None = getattr(request.state, "form", None)
    if known is not None:
        return known
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise FormError(400, "Send application/x-www-form-urlencoded.")
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_BODY:
            raise FormError(413, f"The form is longer than {MAX_BODY} bytes.")
    request.state.form = form = _fields(bytes(body))
    return form


def _fields(body: bytes) -> dict[str, str]:
    try:
        fields = parse_qsl(
            body.decode("utf-8"), keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict"
        )
    except ValueError as error:
        raise FormError(400, "The form cannot be read.") from error
    if any("\0" in text for pair in fields for text in pair):
        raise FormError(400, "The form cannot be read.")
    if any(times > 1 for times in Counter(name for name, _ in fields).values()):
        raise FormError(400, "A field is given more than once.")
    return dict(fields)
