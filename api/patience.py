"""Clients that are slow, too many, or gone, and how little they hold up.

A request's head, and then its body, must have come within a time; who is later is hung up on, and
so is a client that says nothing. Beyond a number of connections new ones are told to come back.
None of it costs a connection to the database: it is not asked before a request is complete. And
where a client leaves before it is answered, what was begun for it ends, down to the query.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import h11  # uvicorn's own: it has no other parser here
from uvicorn.protocols.http.h11_impl import H11Protocol

from api.codes import Code
from api.problems import MEDIA_TYPE, RETRY_AFTER_S, ProblemError
from api.sizes import MAX_HEAD

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Receive, Scope, Send

    from api.settings import ApiSettings


def protocol(settings: ApiSettings) -> Callable[..., asyncio.Protocol]:
    """What makes the server's side of a connection; for uvicorn's setting `http`."""

    def made(*args: Any, **kwargs: Any) -> asyncio.Protocol:
        return Patient(
            *args, wait_s=settings.api_request_wait_s, most=settings.api_clients, **kwargs
        )

    return made


class Patient(H11Protocol):
    """A connection that is closed where its client takes too long to say what it wants.

    Args:
        args: as uvicorn gives them.
        wait_s: how long a head may take, and a body [s].
        most: connections at most.
        kwargs: likewise.
    """

    def __init__(self, *args: Any, wait_s: float, most: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._wait_s = wait_s
        self._most = most
        self._served = self.app
        self.app = self._answer
        self._answering: asyncio.Task[None] | None = None
        self._owed: object = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the head of a request."""
        super().connection_made(transport)
        if len(self.connections) > self._most:
            self._refuse(_too_many())
        else:
            self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more, and end what was begun for who is gone: psycopg cancels its query."""
        self._stop()
        if self._answering is not None:
            self._answering.cancel()
        super().connection_lost(exc)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        # What changes something is done to the end: half of it would be worse than all.
        if scope.get("method") in {"GET", "HEAD"}:
            self._answering = asyncio.current_task()
        try:
            await self._served(scope, receive, send)
        except asyncio.CancelledError:
            if not self.transport.is_closing():  # it is the server that ends
                raise
        finally:
            self._answering = None

    def data_received(self, data: bytes) -> None:
        """Take a piece of a request."""
        if self.transport.is_closing():
            return
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        """Begin to wait for the next request."""
        super().on_response_complete()
        self._look()

    def _look(self) -> None:
        """Wait for what the client owes: a head, a body, or nothing."""
        waiting = self.conn.their_state in {h11.IDLE, h11.SEND_BODY}
        owed = (self.conn.their_state, self.cycle) if waiting else None
        if self.transport.is_closing():
            owed = None
        if owed == self._owed:  # the time that was given for it goes on
            return
        self._stop()
        self._owed = owed
        if owed is not None:
            self._timer = self.loop.call_later(self._wait_s, self._too_late)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_late(self) -> None:
        self._timer = None
        if self.transport.is_closing():
            return
        began = self.conn.their_state is h11.IDLE and self.conn.trailing_data[0] != b""
        if began and self.conn.our_state is h11.IDLE:
            self._refuse(_late())
        else:
            self.transport.close()

    def _refuse(self, problem: ProblemError) -> None:
        body = problem.problem().model_dump_json().encode()
        headers = {
            "Content-Type": MEDIA_TYPE,
            "Content-Length": str(len(body)),
            "Cache-Control": "no-store",
            "Connection": "close",
            **problem.headers,
        }
        status = HTTPStatus(problem.status)
        head = [f"HTTP/1.1 {status} {status.phrase}", *(f"{n}: {v}" for n, v in headers.items())]
        self.transport.write("\r\n".join([*head, "", ""]).encode() + body)
        self.transport.close()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's words
        """Say what is not HTTP so, where nothing was said yet."""
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE, h11.ERROR}:
            self._refuse(_malformed())
        else:
            self.transport.close()


def _too_many() -> ProblemError:
    return ProblemError(
        code=Code.BUSY,
        detail="More clients are connected than can be served.",
        way_out="Come back shortly, and close connections that are not needed.",
        headers={"Retry-After": str(RETRY_AFTER_S)},
    )


def _late() -> ProblemError:
    return ProblemError(
        code=Code.TOO_LATE,
        detail="The request did not come in time.",
        way_out="Send it again, at once.",
    )


def _malformed() -> ProblemError:
    return ProblemError(
        code=Code.NOT_HTTP,
        detail="This is not HTTP, or its head is too long.",
        way_out=f"Send HTTP/1.1 (RFC 9112), with a head of less than {MAX_HEAD // 1024} kB.",
    )
