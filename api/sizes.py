"""How long a request may be: what is longer is refused before anything reads it into memory."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request

from api.codes import Code
from api.problems import ProblemError
from api.registers import vehicle_list

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from api.problem_answers import Answer

MAX_HEAD = 32 * 1024
"""Address and headers [bytes]; a token has 8 kB at most, an address with 20 VINs less than one."""

MAX_BODY = 64 * 1024
"""A body [bytes], where the address has no longer ones."""

LONGER: Mapping[str, int] = {"/v1/registers/vehicles/import": vehicle_list.MAX_BYTES}
"""Bodies of addresses that take longer ones [bytes], by path."""


class Sizes:
    """ASGI middleware: refuses a head or body that is too long.

    A body whose length is told is refused by what is told; one that comes in chunks, as soon as it
    is longer than it may be.

    Args:
        app: what answers.
        answer: what tells of a refusal.
    """

    def __init__(self, app: ASGIApp, answer: Answer) -> None:
        self._app = app
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = LONGER.get(scope["path"], MAX_BODY)
        told = Headers(scope=scope).get("content-length", "0")
        refusal: Exception | None = None
        if _head(scope) > MAX_HEAD:
            refusal = _long_head()
        elif not told.isdecimal() or int(told) > most:
            refusal = HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        if refusal is not None:
            answer = await self._answer(Request(scope), refusal)
            await answer(scope, receive, send)
            return
        came = 0

        async def counted() -> Message:
            nonlocal came
            message = await receive()
            came += len(message.get("body", b""))
            if came > most:  # whoever reads a body lets such an error pass
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return message

        await self._app(scope, counted, send)


def _head(scope: Scope) -> int:
    address = len(scope.get("raw_path") or b"") + len(scope["query_string"])
    return address + sum(len(name) + len(value) + 4 for name, value in scope["headers"])


def _long_head() -> ProblemError:
    return ProblemError(
        status=HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
        code=Code.TOO_LARGE,
        detail=f"Address and headers are longer than {MAX_HEAD} bytes together.",
        way_out="Ask for fewer things at a time, with fewer headers.",
        headers={"Connection": "close"},
    )
