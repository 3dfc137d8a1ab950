"""`telemetry migrate`: bring the database up to this code and its catalogue."""

import typer
from rich.console import Console

from cli import context
from schemas import catalogue
from storage import registers
from storage.connection import connect
from storage.migrate import Report
from storage.migrate import migrate as run
from storage.settings import StorageSettings


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(epilog="Example: TELEMETRY_RETENTION_DAYS=365 telemetry migrate")(migrate)


def migrate() -> None:
    """Make or upgrade the tables; running it again changes nothing.

    Adds a column for each signal that is new in the catalogue, on a live database too, and sets
    retention and compression to what TELEMETRY_RETENTION_DAYS, TELEMETRY_COMPRESS_AFTER_DAYS and
    TELEMETRY_ROLLUP_RETENTION_DAYS say. A database that is newer than this code is refused.
    """
    console = Console()
    report = bring_up()
    for line in report.done:
        console.print(f"+ {line}", highlight=False)
    state = "up to date" if not report.done else "brought up to date"
    console.print(
        f"{report.server}: {state}, at migration {report.version} and catalogue "
        f"{catalogue.default().version}.",
        highlight=False,
    )


def bring_up() -> Report:
    """Migrate the database that settings or `up` name, and make the demo's party."""
    with connect(context.database_dsn()) as connection:
        report = run(connection, catalogue.default(), context.load(StorageSettings))
        registers.ensure_party(connection, registers.DEMO_PARTY, "maker")
    return report
