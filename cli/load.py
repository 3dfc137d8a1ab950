"""`telemetry load`: history from Parquet files into the signal tables, without Kafka."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cli import context
from cli.progress import bar
from ingest.history import JOBS, HistoryLoader, Loaded
from ingest.settings import IngestSettings
from schemas import catalogue
from storage.connection import connect, server
from storage.migrate import require_current
from storage.settings import StorageSettings

ADVICE = {
    "unknown_vehicle": "register them (telemetry register), or set TELEMETRY_UNKNOWN_VIN=register",
    "too_old": "older than TELEMETRY_RETENTION_DAYS ({retention_days}): the database would drop "
    "them at once. Raise it, run `telemetry migrate`",
    "too_far_ahead": "ahead of our clock: correct the times",
    "bad_vin": "no VIN: correct them",
    "bad_time": "no time: correct them",
}
"""By reason, what to do before loading again."""


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(epilog="Example: telemetry load history/2026-10")(load)


def load(
    paths: Annotated[list[Path], typer.Argument(help="Parquet files, and folders of them.")],
    jobs: Annotated[
        int, typer.Option(min=1, max=7, help="Connections that write; each has groups of its own.")
    ] = JOBS,
    ignore_unknown: Annotated[
        bool,
        typer.Option(
            "--ignore-unknown", help="Leave out columns that the catalogue does not know."
        ),
    ] = False,
) -> None:
    """Load history from Parquet files, straight into the tables and compressed.

    A row has vin, time and signals by their catalogue names; docs/load.md says more. Rows are
    checked as ingest checks frames, and only fill gaps: what is stored holds. Loading the same
    files again changes nothing, so a load that was broken off is simply run again.
    """
    settings, storage = context.load(IngestSettings), context.load(StorageSettings)
    dsn, signals = context.database_dsn(), catalogue.default()
    loader = HistoryLoader(settings, storage, dsn=dsn, catalogue=signals, jobs=jobs)
    files = loader.inspect(paths, ignore_unknown=ignore_unknown)
    with connect(dsn) as connection:
        require_current(connection, signals)
        timescaledb = server(connection).timescaledb is not None
    notes = Console(stderr=True, soft_wrap=True)
    ignored = sorted({name for file in files for name in file.ignored})
    if ignored:
        notes.print(f"Left out, not in the catalogue: {', '.join(ignored)}.", style="yellow")
    rows = sum(file.rows for file in files)
    title = files[0].path.name if len(files) == 1 else f"{len(files)} files"
    with bar(title, total=rows, unit="rows") as at:
        done = loader.load(files, progress=lambda done: at(done.rows))
    for reason, count in done.refused.most_common():
        advice = ADVICE[reason].format(retention_days=storage.retention_days)
        notes.print(
            f"{count:,} rows refused, {reason}: {advice}, and load again. The first: "
            f"{done.examples[reason]}.",
            style="yellow",
            highlight=False,
        )
    Console(soft_wrap=True).print(_line(done, timescaledb=timescaledb), highlight=False)


def _line(done: Loaded, *, timescaledb: bool) -> str:
    """All of it in a line."""
    taken = done.rows - done.refused.total()
    parts = [
        f"{taken:,} rows with {done.values:,} values loaded",
        f"{done.refused.total():,} rows refused",
        f"{done.out_of_limits:,} values out of limits",
        f"{done.seconds:,.1f} s, {done.rows / done.seconds:,.0f} rows/s",
    ]
    if not done.values:
        parts.append("nothing to store")
    elif not done.new and not done.filled:
        parts.append("nothing new: all of it was stored already")
    elif not timescaledb:
        parts.append("not compressed: this database has no TimescaleDB")
    elif not done.columnstore:
        parts.append("the newest days are compressed later, by the policy")
    elif not done.filled and not done.repeated and done.values:
        parts.append(f"{done.grown_bytes / done.values:.2f} bytes a value, compressed")
    else:
        parts.append("compressed")
    return "; ".join(parts) + "."
