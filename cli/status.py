"""`telemetry status`: the servers, and what is in the database."""

import typer
from rich.console import Console
from rich.table import Table

from cli import context, servers
from schemas import catalogue
from servers import launcher
from servers.server import State
from servers.settings import ServersSettings
from storage import overview
from storage.connection import connect, describe, server
from storage.errors import StorageError
from storage.migrate import require_compatible


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(epilog="Example: telemetry status")(status)


def status() -> None:
    """Show which servers run, of which version, and what has come in so far.

    Exit code 1 where a server does not answer or the database is not up to this code: a health
    check can ask for it.
    """
    console = Console()
    found = launcher.status(context.load(ServersSettings))
    console.print(servers.table(found.kafka, found.postgres))
    if any(each.state is not State.RUNNING for each in (found.kafka, found.postgres)):
        raise typer.Exit(1)
    dsn = context.database_dsn()
    with connect(dsn) as connection:
        console.print(f"{server(connection)}: {describe(dsn)}", highlight=False)
        try:
            newer = require_compatible(connection, catalogue.default())
        except StorageError as error:
            console.print(str(error), style="yellow", highlight=False)
            raise typer.Exit(1) from error
        if newer is not None:
            console.print(newer, style="yellow", highlight=False)
        facts = overview.read(connection)
    table = Table("What", "How much", title="Ingest")
    table.add_row("vehicles", f"{facts.vehicles:,}")
    table.add_row(
        "last frame", f"{facts.last_frame:%Y-%m-%d %H:%M:%S} UTC" if facts.last_frame else "none"
    )
    table.add_row("trips", f"{facts.trips:,}")
    table.add_row("vehicle-days waiting for analysis", f"{facts.days_to_analyse:,}")
    for (measure, key), count in facts.counts.items():
        table.add_row(f"{measure.replace('_', ' ')} {key}".strip(), f"{count:,}")
    console.print(table)
