"""Writes: read whole, and under an idempotency key done once, however often they are sent.

The key is a row of the database. It is made, the write done and its answer put down in one
transaction, so that no write is ever without its answer, whatever dies in between; a twin that
comes meanwhile waits: in this process at `api.twins`, in another one at the row. Keys are each
caller's own, and hold for a day.

Of a request and its key there are only hashes in that row. The hash of the request is keyed with
the key and leaves passwords out, for these could be guessed back. Answers that hold a secret are
not kept: whoever asks again is told that it was done, and how to get another one.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from http import HTTPStatus
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from fastapi import Depends, Request, Response
from fastapi.routing import APIRoute

from api import principal, problem_answers
from api.codes import Code
from api.problems import ProblemError, invalid
from api.services import services_of
from api.sizes import MAX_BODY
from storage.served_writes import WriteKeeper

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from starlette.types import Message

    from api.identity import Caller
    from storage.served_writes import BegunWrite

KEY_HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotent-Replayed"

IN_MEMORY = 1024 * 1024
"""Bytes of a body that are kept in memory; what is longer waits in a file without a name."""

KEPT_LENGTH = 256 * 1024
"""Bytes of an answer that are kept."""

KEPT_HEADERS = ("content-type", "content-language", "etag", "location", "cache-control")

_KEY = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)

_WRITING = frozenset({"POST", "PUT", "PATCH", "DELETE"})

_PIECE = 64 * 1024


class WriteRoute(APIRoute):
    """The route of an address that writes; reads under it go on as always."""

    media_type: ClassVar[str] = "application/json"
    """What a body is; browsers let no page send it to another place unasked."""
    keeps_answers: ClassVar[bool] = True

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """What answers a request."""
        handle = super().get_route_handler()

        async def written(request: Request) -> Response:
            if request.method not in _WRITING:
                return await handle(request)
            services = services_of(request)
            # Strangers are told so before they may send much.
            caller = await principal.caller(request, services)
            key = _key(request)
            self._require_media_type(request)
            with SpooledTemporaryFile(max_size=IN_MEMORY) as body:
                digest = await _receive(request, body)
                request.state.body = body
                again = Request(request.scope, _replaying(request, body))
                if key is None:
                    return await handle(again)
                key_hash = _key_hash(caller, key)
                keeper = WriteKeeper(services.reader)
                async with services.twins.alone(key_hash), services.reader.together():
                    begun = await keeper.begin(key_hash, _request_hash(request, key, digest))
                    if not begun.is_first:
                        return _replay(begun)
                    answer = await _answer(handle, again)
                    body_kept = _kept_body(answer) if self._may_keep(answer) else None
                    await keeper.keep(key_hash, answer.status_code, _headers(answer), body_kept)
                return answer

        return written

    def _require_media_type(self, request: Request) -> None:
        sent = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        has_body = request.method == "POST" or "content-length" in request.headers
        if request.method != "DELETE" and has_body and sent != self.media_type:
            raise ProblemError(
                code=Code.UNSUPPORTED_MEDIA_TYPE,
                detail="The Content-Type is not what this address takes.",
                way_out=f"Send {self.media_type}, and say so in Content-Type, also of a POST "
                "without a body.",
                headers={"Accept-Post": self.media_type} if request.method == "POST" else {},
            )

    def _may_keep(self, answer: Response) -> bool:
        return self.keeps_answers or answer.status_code >= HTTPStatus.BAD_REQUEST


class SecretRoute(WriteRoute):
    """The route of a write whose answer holds a secret: it is told once and never kept."""

    keeps_answers = False


def body_file(request: Request) -> SpooledTemporaryFile[bytes]:
    """The body of a write, from its beginning."""
    file: SpooledTemporaryFile[bytes] = request.state.body
    file.seek(0)
    return file


BodyFile = Annotated[Any, Depends(body_file)]
"""An endpoint's parameter that is the body as a file of bytes."""


def _key(request: Request) -> str | None:
    given = request.headers.getlist(KEY_HEADER)
    if not given:
        return None
    if len(given) > 1 or _KEY.fullmatch(given[0]) is None:
        raise invalid(
            KEY_HEADER,
            f"{KEY_HEADER} is not one text of 1 to 255 visible ASCII characters.",
            "Send one, such as a UUID that you make anew for each write.",
        )
    return given[0]


async def _receive(request: Request, body: SpooledTemporaryFile[bytes]) -> bytes:
    """Read the body, which `api.sizes` bounds, into a file; its hash, without a password."""
    digest = hashlib.sha256()
    size = 0
    async for piece in request.stream():
        size += len(piece)
        digest.update(piece)
        body.write(piece)
    body.seek(0)
    if size <= MAX_BODY:  # what is longer is a list, without passwords
        text = body.read()
        body.seek(0)
        return hashlib.sha256(_without_password(text)).digest()
    return digest.digest()


def _without_password(text: bytes) -> bytes:
    """A body of JSON as it is compared: what people have chosen to be secret is not in it."""
    if b"password" not in text:
        return text
    try:
        told = json.loads(text)
    except ValueError:
        return b""  # refused anyway
    if isinstance(told, dict):
        told.pop("password", None)
    return json.dumps(told, sort_keys=True).encode()


def _replaying(
    request: Request, body: SpooledTemporaryFile[bytes]
) -> Callable[[], Coroutine[Any, Any, Message]]:
    """What a request is received by whose body was read already."""
    ended = False

    async def receive() -> Message:
        nonlocal ended
        if ended:
            return await request.receive()
        piece = body.read(_PIECE)
        ended = len(piece) < _PIECE
        return {"type": "http.request", "body": piece, "more_body": not ended}

    return receive


def _key_hash(caller: Caller, key: str) -> bytes:
    text = json.dumps([caller.party_id, caller.subject, key])
    return hashlib.sha256(text.encode()).digest()


def _request_hash(request: Request, key: str, body: bytes) -> bytes:
    said = [
        request.method,
        request.url.path,
        request.url.query,
        request.headers.get("content-type", ""),
        request.headers.get("if-match", ""),
        body.hex(),
    ]
    return hmac.digest(key.encode(), json.dumps(said).encode(), "sha256")


async def _answer(
    handle: Callable[[Request], Coroutine[Any, Any, Response]], request: Request
) -> Response:
    """The answer, also where it is a refusal; what may go another time is raised and not kept."""
    try:
        return await handle(request)
    except Exception as error:
        problem = problem_answers.of_error(error)
        if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise
        return problem_answers.response(problem)


def _headers(answer: Response) -> dict[str, str]:
    return {name: answer.headers[name] for name in KEPT_HEADERS if name in answer.headers}


def _kept_body(answer: Response) -> bytes | None:
    body = getattr(answer, "body", None)  # a streamed answer has none
    return bytes(body) if body is not None and len(body) <= KEPT_LENGTH else None


def _replay(begun: BegunWrite) -> Response:
    if not begun.is_same:
        raise invalid(
            KEY_HEADER,
            "This key was used for another request.",
            "Make a new key for each write; the same one only to send the same write again.",
            code=Code.IDEMPOTENCY_KEY_REUSED,
        )
    if begun.status is None or begun.body is None:
        raise ProblemError(
            code=Code.ANSWER_NOT_KEPT,
            detail=f"This was done at {begun.begun_at:%Y-%m-%dT%H:%M:%SZ}. Its answer held a "
            "secret, or was long, and is not kept.",
            way_out="Look at what is there now with GET; where the secret did not reach you, "
            "rotate or revoke it, with a new key.",
        )
    headers = {**(begun.headers or {}), REPLAYED_HEADER: "true"}
    return Response(begun.body, status_code=begun.status, headers=headers)
