"""`telemetry serve`: the API and its pages."""

from typing import Annotated

import typer
from rich.console import Console

from api.server import serve as run
from cli import context, logs


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(epilog="Example: telemetry serve --port 8080")(serve)


def serve(
    host: Annotated[
        str | None,
        typer.Option(help="Address to listen on; TELEMETRY_API_HOST, else 127.0.0.1."),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            min=0, max=65535, help="Port, 0 for a free one; TELEMETRY_API_PORT, else 8000."
        ),
    ] = None,
) -> None:
    """Answer over HTTP: JSON under /v1, pages at /, /openapi.json says how to ask.

    Where nobody signs in (TELEMETRY_API_SIGN_IN=off), whoever reaches it reads as one party: so it
    listens on this machine alone. With `required`, tokens and API keys (telemetry identity) say who
    asks, on any address. It goes on until Ctrl-C or SIGTERM, and through a restart of the
    database. A line of JSON a request goes to standard error, without VINs.
    """
    settings = context.webhook_settings()
    named = {"api_host": host, "api_port": port}
    settings = settings.model_copy(update={key: to for key, to in named.items() if to is not None})
    if settings.api_token_keys is None and settings.api_token_keys_file is None:
        file = context.signing_keys_file()
        settings = settings.model_copy(update={"api_token_keys_file": file})
    console = Console()
    logs.tell("telemetry.access", context.load(logs.LogSettings))

    def listening(address: str) -> None:
        console.print(f"Serving on {address} — Ctrl-C stops it.", highlight=False)

    run(settings, context.database_dsn(), listening)
