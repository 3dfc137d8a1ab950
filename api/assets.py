"""Our own files: an address names its file's content, so that who has it never asks again."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

PATH = "/static"

VERSION = "v"
"""The parameter with the content's hash."""

FOR_EVER = "public, max-age=31536000, immutable"

PROGRAMS = ("/v1/", "/rfms", "/oauth/")
"""Addresses whose answers are as they are: some are streamed, and all have tags of their own."""

REFUSED = 400

_AS_IT_IS = (b"content-encoding", b"identity")
"""What has an encoding is not given another one; nobody else sees this mark."""

_FOLDER = Path(str(files("api") / "static"))


@cache
def _hash(name: str) -> str:
    return hashlib.sha256((_FOLDER / name).read_bytes()).hexdigest()[:16]


def address(name: str) -> str:
    """The address of a file of ours that will never have another content.

    Args:
        name: its path in api/static.
    """
    return f"{PATH}/{name}?{VERSION}={_hash(name)}"


class Assets(StaticFiles):
    """Serves them: what is asked for by its content is kept, all else is asked for again."""

    def __init__(self) -> None:
        super().__init__(directory=_FOLDER)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file; 404 where there is none."""
        found = await super().get_response(path, scope)
        asked = parse_qs(scope["query_string"].decode("latin-1")).get(VERSION)
        if found.status_code < REFUSED and asked == [_hash(path)]:
            found.headers["Cache-Control"] = FOR_EVER
        return found


class Compressed:
    """ASGI middleware: pages and their files are compressed on the way.

    A secret in a page that is compressed together with what somebody else chose could be guessed by
    its size. The only one is the token of forms, which looks different in every page
    (`api.signing_in.sessions.token`). Refusals are as they are: their size must not tell what they
    refuse.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._compressing = GZipMiddleware(self._marking, minimum_size=700, compresslevel=6)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"].startswith(PROGRAMS):
            await self._app(scope, receive, send)
            return

        async def unmarked(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [one for one in message["headers"] if one != _AS_IT_IS]
            await send(message)

        await self._compressing(scope, receive, unmarked)

    async def _marking(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] >= REFUSED:
                message["headers"] = [*message.get("headers", ()), _AS_IT_IS]
            await send(message)

        await self._app(scope, receive, marked)
