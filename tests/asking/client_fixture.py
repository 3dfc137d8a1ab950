"""The Python client in both its kinds, so that one test asks by each of them."""

from __future__ import annotations

import asyncio
import inspect
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import anyio
import httpx2
import pytest

from telemetry_client import AsyncClient, Client, asynchronous, blocking, wire

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable, Iterator

KINDS = ("blocking", "asynchronous")
EVERY_KIND = pytest.mark.parametrize("kind", KINDS)


class Awaited:
    """An asynchronous client that is asked as a blocking one is."""

    def __init__(self, client: AsyncClient, runner: asyncio.Runner) -> None:
        self.client, self.runner = client, runner

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.client, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            made = found(*args, **kwargs)
            if inspect.isasyncgen(made):
                return self._iterated(made)
            return self.runner.run(made)

        return call

    def __repr__(self) -> str:
        return repr(self.client)

    def _iterated(self, made: AsyncIterator[Any]) -> Iterator[Any]:
        try:
            while True:
                try:
                    yield self.runner.run(_next(made))
                except StopAsyncIteration:
                    return
        finally:
            self.runner.run(made.aclose())  # type: ignore[attr-defined]


async def _next(made: AsyncIterator[Any]) -> Any:
    return await anext(made)


@contextmanager
def opened(kind: str, url: str, **options: Any) -> Iterator[Client]:
    """A client of that kind, asked as a blocking one is."""
    if kind == "blocking":
        with Client(url, **options) as client:
            yield client
        return
    with asyncio.Runner() as runner:
        made = AsyncClient(url, **options)
        try:
            yield cast("Client", Awaited(made, runner))
        finally:
            runner.run(made.aclose())


def at_once(client: Client, *asks: Callable[[Any], Any]) -> list[Any]:
    """What several questions are answered with that a client asks at once.

    Args:
        client: one of `opened`.
        asks: each calls a method of a client, and returns what that does.
    """
    if isinstance(client, Client):
        with ThreadPoolExecutor(len(asks)) as pool:
            return list(pool.map(lambda ask: ask(client), asks))
    waiting: Awaited = client

    async def all_of_them() -> list[Any]:
        return list(await asyncio.gather(*(ask(waiting.client) for ask in asks)))

    return waiting.runner.run(all_of_them())


@contextmanager
def answered(
    kind: str,
    handler: Callable[[httpx2.Request], httpx2.Response],
    url: str = "http://127.0.0.1",
    **options: Any,
) -> Iterator[Client]:
    """A client whose requests are answered by a function."""
    transport = httpx2.MockTransport(handler)

    def without_network(url: str, timeout_s: float, tls: ssl.SSLContext | None) -> dict[str, Any]:
        return {**wire.options(url, timeout_s, tls), "transport": transport}

    with pytest.MonkeyPatch.context() as patched:
        for module in (blocking, asynchronous):
            patched.setattr(module, "options", without_network)
        with opened(kind, url, **options) as client:
            yield client


def waits_of_clients(
    monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], None] = lambda: None
) -> list[float]:
    """Clients wait no more; the list has how long they would have.

    Args:
        monkeypatch: takes it back.
        meanwhile: what happens while one waits.
    """
    waits: list[float] = []

    def pass_by(seconds: float) -> None:
        waits.append(seconds)
        meanwhile()

    async def wait(seconds: float) -> None:
        pass_by(seconds)

    monkeypatch.setattr(blocking, "time", SimpleNamespace(sleep=pass_by))
    monkeypatch.setattr(asynchronous, "anyio", SimpleNamespace(sleep=wait, Lock=anyio.Lock))
    return waits
