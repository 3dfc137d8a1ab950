"""`telemetry webhooks`: bring what waits in the outbox to those who want to be told."""

import asyncio
import logging
import signal
from contextlib import ExitStack
from typing import Annotated

import typer
from prometheus_client import start_http_server

from api.webhooks.sender import Sender
from cli import context, logs
from schemas import catalogue
from schemas.errors import SettingsError
from storage.connection import connect
from storage.migrate import require_current

app = typer.Typer(
    help="Tell parties of events and advice at addresses of theirs.",
    no_args_is_help=True,
    epilog="Example: telemetry webhooks run",
)

LIBRARY = "httpcore2"
"""A logger that would say where messages go."""


def register(parent: typer.Typer) -> None:
    """Add the commands to the command line."""
    parent.add_typer(app, name="webhooks")


@app.command(epilog="Example: telemetry webhooks run --metrics-port 9465")
def run(
    once: Annotated[
        bool, typer.Option("--once", help="Stop when nothing is due; else run for ever.")
    ] = False,
    metrics_port: Annotated[
        int,
        typer.Option(
            min=0, max=65535, help="Serve /metrics there, on this machine alone; 0: nowhere."
        ),
    ] = 0,
) -> None:
    """Send what waits for webhooks; start more of them to share the work.

    A message is sent until it is answered with success, for some days, and what it says is read
    when it is sent, as its party may see it then. A sender may be killed at any moment: what was
    under way is sent again, under the same id. SIGTERM finishes what is under way.
    """
    logs.tell("telemetry.webhooks", context.load(logs.LogSettings))
    logging.getLogger(LIBRARY).setLevel(logging.WARNING)
    settings, dsn = context.webhook_settings(), context.database_dsn()
    with connect(dsn) as connection:
        require_current(connection, catalogue.default())
    sender = Sender(settings, dsn)
    with ExitStack() as stack:
        if metrics_port:
            try:
                server, thread = start_http_server(
                    metrics_port, "127.0.0.1", sender.metrics.registry
                )
            except OSError as error:
                raise SettingsError(
                    f"Metrics cannot be served on port {metrics_port}: {error.strerror}. Senders "
                    "on one machine need a port each."
                ) from error
            stack.callback(thread.join)
            stack.callback(server.shutdown)
        asyncio.run(_run(sender, once=once))


async def _run(sender: Sender, *, once: bool) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await sender.run(stop, once=once)
