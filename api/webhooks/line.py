"""The way to one receiver: posts bodies and says how they were answered.

A connection goes to an address that was checked (`addresses`), lasts as long as the line, knows no
proxy and follows no redirect. However long and much a receiver says, it is listened to for so long
and to so much.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import httpcore2

from api.webhooks.addresses import AddressError, look_up

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from concurrent.futures import Executor

    from api.webhooks.addresses import Address, Rules

MAX_ANSWER_BYTES = 16 * 1024
"""So much of an answer's body is read, for the connection's sake alone; nobody looks at it."""

DRAIN_S = 2.0
"""For so long [s]."""

MAX_RETRY_AFTER_S = 3600.0
"""A receiver may ask for so much rest at the most [s]."""

OK, GONE = 200, 410


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How a body was answered."""

    result: str
    """delivered, answered (with anything but success), timeout, refused (our own rules),
    unreachable or broken: what is counted."""
    status: int | None
    error: str | None
    """Why it was no success, for whoever made the webhook."""
    left: bool
    """Whether something of the body may have left this machine."""
    took_s: float
    retry_after_s: float | None = None

    @property
    def ok(self) -> bool:
        """Whether the receiver has it."""
        return self.result == "delivered"


class Line:
    """Connections to one receiver, one at a time.

    Args:
        rules: which addresses may be reached.
        context: how receivers prove who they are.
        timeout_s: how long an answer may take, from looking up the name on [s].
        threads: where names are looked up, which may take long.
        resolve: looks up a name.
    """

    def __init__(
        self,
        rules: Rules,
        context: ssl.SSLContext,
        *,
        timeout_s: float,
        threads: Executor,
        resolve: Callable[[str, int], list[str]] = look_up,
    ) -> None:
        self._backend = _Backend(rules, threads, resolve)
        self._timeout_s = timeout_s
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=context, max_connections=1, network_backend=self._backend
        )

    async def __aenter__(self) -> Self:
        """Nothing is connected before something is posted."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connection."""
        await self._pool.aclose()

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Outcome:
        """Post a body; whatever goes wrong is an outcome."""
        began = time.monotonic()

        def failed(result: str, error: str, *, left: bool) -> Outcome:
            took_s = time.monotonic() - began
            return Outcome(result=result, status=None, error=error, left=left, took_s=took_s)

        try:
            async with asyncio.timeout(self._timeout_s) as limit:
                return await self._post(url, headers, body, began, limit)
        except AddressError as error:
            return failed("refused", str(error), left=False)
        except TimeoutError:
            text = f"There was no answer within {self._timeout_s:g} s."
            return failed("timeout", text, left=self._backend.connected)
        except httpcore2.ConnectError as error:
            return failed("unreachable", _why(error), left=False)
        except (
            httpcore2.NetworkError,
            httpcore2.ProtocolError,
            httpcore2.UnsupportedProtocol,
            OSError,
        ):
            text = "The connection broke off, or what came was no HTTP."
            return failed("broken", text, left=self._backend.connected)

    async def _post(
        self,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        began: float,
        limit: asyncio.Timeout,
    ) -> Outcome:
        fields = [(name.encode(), value.encode()) for name, value in headers.items()]
        async with self._pool.stream("POST", url, headers=fields, content=body) as response:
            took_s = time.monotonic() - began
            status = response.status
            limit.reschedule(None)  # it was answered in time
            await _drain(response)
        if OK <= status < OK + 100:
            return Outcome(result="delivered", status=status, error=None, left=True, took_s=took_s)
        return Outcome(
            result="answered",
            status=status,
            error=f"The receiver answered with status {status}, which is not a success (2xx).",
            left=True,
            took_s=took_s,
            retry_after_s=_retry_after_s(response),
        )


async def _drain(response: httpcore2.Response) -> None:
    """Read the body, so that the connection can go on; a long or broken one ends it."""
    read = 0
    try:
        async with asyncio.timeout(DRAIN_S):
            async for piece in response.aiter_stream():
                read += len(piece)
                if read > MAX_ANSWER_BYTES:
                    return
    except (httpcore2.NetworkError, httpcore2.ProtocolError, TimeoutError):
        return  # the status is there, and that is the answer


def _retry_after_s(response: httpcore2.Response) -> float | None:
    for name, value in response.headers:
        if name.lower() == b"retry-after" and value.isdigit():
            return min(float(value[:9]), MAX_RETRY_AFTER_S)
    return None


def _why(error: Exception) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"The receiver's certificate is not taken: {cause.verify_message}."
        if isinstance(cause, ssl.SSLError):
            return "No encrypted connection could be made: is it an https address?"
        cause = cause.__cause__ or cause.__context__
    return "No connection could be made: nobody listens there, or something is in the way."


class _Backend(httpcore2.AsyncNetworkBackend):
    """Connects to addresses that were checked."""

    def __init__(
        self, rules: Rules, threads: Executor, resolve: Callable[[str, int], list[str]]
    ) -> None:
        self._rules, self._threads, self._resolve = rules, threads, resolve
        self._inner = httpcore2.AnyIOBackend()
        self.connected = False
        """Whether there ever was a connection, over which something may have gone."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._threads, self._resolve, host, port)
        addresses = self._rules.require(found)
        for address in addresses[:-1]:
            try:
                return await self._connect(address, port, timeout, local_address, socket_options)
            except httpcore2.ConnectError:
                continue
        return await self._connect(addresses[-1], port, timeout, local_address, socket_options)

    async def _connect(
        self, address: Address, port: int, *more: Any
    ) -> httpcore2.AsyncNetworkStream:
        stream = await self._inner.connect_tcp(str(address), port, *more)
        self.connected = True
        return stream

    async def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore2.AsyncNetworkStream:
        raise AddressError("Webhooks go over the network.")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
