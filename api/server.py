"""Serving the application: a socket of our own, a graceful end."""

from __future__ import annotations

import contextlib
import signal
import socket
from typing import TYPE_CHECKING, Any

import uvicorn

from api import patience, sizes
from api.app import create_app
from schemas.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import FastAPI
    from pydantic import SecretStr

    from api.settings import ApiSettings

GRACE_S = 10
"""How long requests under way may take to finish after a signal to stop [s]."""

BACKLOG = 512
"""Connections that may wait to be accepted."""


def serve(settings: ApiSettings, dsn: SecretStr, listening: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM; requests under way are finished first. Main thread only.

    Args:
        settings: where to listen, and the rest.
        dsn: the database to read.
        listening: called with the address once connections are taken.

    Raises:
        SettingsError: the address is not a loopback one where nobody signs in, or is taken.
    """
    settings.require_safe()
    with _listen(settings.api_host, settings.api_port) as listener:
        listener.listen(BACKLOG)
        port = listener.getsockname()[1]
        shown = f"[{settings.api_host}]" if ":" in settings.api_host else settings.api_host
        listening(f"http://{shown}:{port}")
        app = create_app(settings, dsn)
        config = configured(app, settings, timeout_graceful_shutdown=GRACE_S)
        # Uvicorn raises a signal again once it has shut down; to us that is a good end.
        before = signal.signal(signal.SIGTERM, lambda *_: None)
        try:
            with contextlib.suppress(KeyboardInterrupt):
                _Server(config, app.state.services.watch.end).run(sockets=[listener])
        finally:
            signal.signal(signal.SIGTERM, before)


def configured(app: FastAPI, settings: ApiSettings, **more: Any) -> uvicorn.Config:
    """How the application is served, here and in tests.

    Args:
        app: the application.
        settings: how many clients, and how long they may take.
        more: uvicorn's own settings.
    """
    return uvicorn.Config(
        app,
        http=patience.protocol(settings),  # type: ignore[arg-type]  # it is called, and makes one
        ws="none",
        h11_max_incomplete_event_size=sizes.MAX_HEAD,
        log_config=None,
        access_log=False,
        server_header=False,
        **more,
    )


class _Server(uvicorn.Server):
    """A server that ends what would never end by itself before it waits for what is under way."""

    def __init__(self, config: uvicorn.Config, end_streams: Callable[[], None]) -> None:
        super().__init__(config)
        self._end_streams = end_streams

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._end_streams()
        await super().shutdown(sockets)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio sets TCP_NODELAY on what it accepts; without, small answers
    # wait 40 ms for the acknowledgement of their head.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise SettingsError(
            f"The API cannot listen on {host}:{port}: {error.strerror}. Stop what holds the port, "
            "or choose another with --port or TELEMETRY_API_PORT; 0 takes a free one."
        ) from error
    return listener
