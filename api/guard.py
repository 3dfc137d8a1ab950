"""Around every request: who may address us, what browsers may do with the answer, one log line."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request

from api import deprecation
from api.codes import Code
from api.problem_answers import response
from api.problems import ProblemError, logger

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from api.problem_answers import Answer

STATIC = "/static/"

CLIENT_GONE = 499
"""What the log has for a request whose client left before it was complete; nobody is told."""

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'{pictures}; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Only our own files, nothing inline, in nobody's frame; pictures of one other origin at most."""

HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY.format(pictures=""),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

access_log = logging.getLogger("telemetry.access")


class Guard:
    """ASGI middleware: checks length and Host header, sets the security headers, logs the request.

    It also answers what no handler foresaw, so that these answers have the headers too.

    The Host header is checked where nobody signs in: a page elsewhere whose name is made to point
    at this machine (DNS rebinding) would otherwise read everything through its visitor's browser.

    Where maps have a ground, `tiles` is the origin of its pictures.

    The log has the route and not the address: no VIN, no position, no query.
    """

    def __init__(
        self,
        app: ASGIApp,
        allowed_hosts: frozenset[str] | None,
        answer: Answer,
        tiles: str | None = None,
    ) -> None:
        self._app = app
        self._headers = dict(HEADERS)
        if tiles is not None:
            self._headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY.format(
                pictures=f" {tiles}"
            )
            # Servers of maps want to know which site asks; which page, and so which vehicle, not.
            self._headers["Referrer-Policy"] = "strict-origin"
        self._allowed_hosts = allowed_hosts
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 0

        async def guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers[name] = value
                # What a vehicle did is nobody else's to keep; our own files are asked for again.
                kept = "no-cache" if scope["path"].startswith(STATIC) else "no-store"
                headers.setdefault("Cache-Control", kept)
                for name, value in deprecation.headers_of(scope):
                    headers.append(name, value)
            await send(message)

        try:
            headers = Headers(scope=scope)
            if "content-length" in headers and "transfer-encoding" in headers:
                await response(_two_lengths())(scope, receive, guarded)
            elif self._is_addressed(headers.get("host", "")):
                await self._app(scope, receive, guarded)
            else:
                await response(_wrong_host())(scope, receive, guarded)
        except ClientDisconnect:  # amid its body; there is nobody left to answer
            status = status or CLIENT_GONE
        except asyncio.CancelledError:
            status = status or CLIENT_GONE
            raise
        except Exception as error:
            if status:  # the answer has begun: all that is left is to break it off
                raise
            logger.exception("A request failed in a way nobody foresaw")
            answer = await self._answer(Request(scope), error)
            await answer(scope, receive, guarded)
        finally:
            _log(scope, status, time.perf_counter() - began)

    def _is_addressed(self, host: str) -> bool:
        if self._allowed_hosts is None:
            return True
        name, colon, port = host.lower().rpartition(":")
        return (name if colon and port.isdigit() else host.lower()) in self._allowed_hosts


def _two_lengths() -> ProblemError:
    """RFC 9112, 6.1: a proxy may have counted by the other one; nothing more of it is believed."""
    return ProblemError(
        code=Code.NOT_HTTP,
        detail="The request has both Content-Length and Transfer-Encoding.",
        way_out="Send one of them.",
        headers={"Connection": "close"},
    )


def _wrong_host() -> ProblemError:
    return ProblemError(
        code=Code.WRONG_HOST,
        detail="The Host header does not name this machine.",
        way_out="Ask http://127.0.0.1 or http://localhost, or name the host in "
        "TELEMETRY_API_HOSTNAMES.",
    )


def _log(scope: Scope, status: int, seconds: float) -> None:
    route = getattr(scope.get("route"), "path", None)
    fields = {
        "method": scope["method"],
        "route": route or ("static" if scope["path"].startswith(STATIC) else "unknown"),
        "status": status,
        "ms": round(1000 * seconds, 1),
    }
    access_log.info("%s", json.dumps(fields), extra=fields)
