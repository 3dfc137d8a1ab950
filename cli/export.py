"""`telemetry export`: vehicles' signals, trips and events into Parquet files."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cli import context, database
from cli.cluster import cluster
from cli.options import MAX_NUMBER, Scheduler
from cli.progress import bar
from research.export import Exporter
from research.places import Place
from research.request import Request
from schemas import catalogue
from schemas.catalogue import Catalogue
from schemas.errors import TelemetryError
from storage import export_members
from storage.export_members import Asked
from storage.policies import oldest_day
from storage.settings import StorageSettings

_DAY = ["%Y-%m-%d"]


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(
        epilog="Example: telemetry export --signals wheel_speed,odometer --from 2026-10-01 "
        "--to 2026-10-30 --resolution 60 --trips --purpose 'a model of brake wear' exports/wear"
    )(export)


def export(
    where: Annotated[
        str, typer.Argument(metavar="DIR|s3://…", help="A folder, or a bucket and prefix.")
    ],
    from_: Annotated[datetime, typer.Option("--from", formats=_DAY, help="The first day (UTC).")],
    to: Annotated[datetime, typer.Option(formats=_DAY, help="The last day (UTC).")],
    signals: Annotated[
        str,
        typer.Option(help="Signals by name or VSS path, comma separated, or: all."),
    ] = "",
    vehicles: Annotated[
        str | None,
        typer.Option(help="VINs, comma separated, or @FILE with a VIN a line. Default: all."),
    ] = None,
    fleet_id: Annotated[
        int | None, typer.Option(min=1, max=MAX_NUMBER, help="Or those of a fleet.")
    ] = None,
    resolution: Annotated[
        int, typer.Option(min=0, max=86_400, help="Steps [s], a divisor of a day; 0: every row.")
    ] = 60,
    *,
    trips: Annotated[bool, typer.Option("--trips", help="Trips, too.")] = False,
    events: Annotated[bool, typer.Option("--events", help="Driving events, too.")] = False,
    features: Annotated[
        bool,
        typer.Option("--features", help="What load_features reads, too; with --identified."),
    ] = False,
    purpose: Annotated[
        str | None,
        typer.Option(help="What it is for: vehicles get pseudonyms that are this purpose's alone."),
    ] = None,
    identified: Annotated[
        bool,
        typer.Option("--identified", help="Instead, VINs, and values and positions as they are."),
    ] = False,
    party: Annotated[
        str | None,
        typer.Option(help="Whose vehicles: an owner, or the maker. Default: the only maker."),
    ] = None,
    buckets: Annotated[
        int | None,
        typer.Option(min=1, max=4096, help="Files a day and table. Default: one a 100 vehicles."),
    ] = None,
    snapshots: Annotated[
        bool,
        typer.Option(
            "--snapshots",
            help="Keep what a later run replaces, in a Delta table: the export as of a date.",
        ),
    ] = False,
    jobs: Annotated[
        int, typer.Option(min=1, max=64, help="Files made at a time, where no cluster makes them.")
    ] = 2,
    scheduler: Scheduler = None,
) -> None:
    """Write vehicles' data into Parquet files that pandas, Polars, DuckDB and Spark read.

    A file a day and bucket of vehicles, with units in its schema, and a manifest with checksums.
    Run it again to go on after it was broken off, and to bring it up to date: only what the
    database has of newer is written. On a cluster its workers write the files, into the folder or
    store that they see under the same name. docs/export.md says more.
    """
    if (purpose is None) != identified:
        raise TelemetryError("Say either --purpose, what it is for, or --identified.")
    if vehicles is not None and fleet_id is not None:
        raise TelemetryError("Say which vehicles: --vehicles or --fleet-id, one of them.")
    if to < from_:
        raise TelemetryError(f"--to {to:%Y-%m-%d} lies before --from {from_:%Y-%m-%d}.")
    if resolution and 86_400 % resolution:
        raise TelemetryError(f"--resolution {resolution} does not divide a day.")
    known, storage, dsn = catalogue.default(), context.load(StorageSettings), context.database_dsn()
    hot_from = oldest_day(storage)
    with database.opened() as connection:
        whose = party or export_members.only_maker(connection)
    request = Request(
        asked=Asked(
            party=whose,
            purpose=None if purpose is None else purpose.strip(),
            vins=None if vehicles is None else _vins(vehicles),
            fleet_id=fleet_id,
            start=from_.replace(tzinfo=UTC),
            stop=to.replace(tzinfo=UTC) + timedelta(days=1),
        ),
        first=from_.date(),
        last=to.date(),
        signals=_names(known, signals),
        resolution_s=resolution,
        trips=trips,
        events=events,
        features=features,
        buckets=buckets,
        snapshots=snapshots,
    )
    if not request.tables:
        raise TelemetryError("Say what is to be written: --signals, --trips, --events, --features.")
    place, address = Place(where), context.scheduler(scheduler)
    with cluster(address) as who, bar(where, total=None, unit="files") as at:
        exporter = Exporter(dsn, known, place, hot_from=hot_from, jobs=jobs, workers=who)
        manifest, done = exporter.run(request, lambda now: at(now.done, now.total))
    notes = Console(stderr=True, soft_wrap=True)
    if request.first < hot_from:
        notes.print(
            f"The database keeps rows from {hot_from} on (TELEMETRY_RETENTION_DAYS): of earlier "
            "days nothing was read, and what was exported of them before is as it was.",
            style="yellow",
            highlight=False,
        )
    Console(soft_wrap=True).print(
        f"{manifest.vehicles:,} vehicles; {done.written:,} of {done.total:,} partitions written, "
        f"{done.rows:,} rows with {done.values:,} values; {where} is whole.",
        highlight=False,
        markup=False,
    )


def _vins(told: str) -> tuple[str, ...]:
    if told.startswith("@"):
        return tuple(Path(told[1:]).read_text(encoding="utf-8").split())
    return tuple(vin.strip() for vin in told.split(",") if vin.strip())


def _names(known: Catalogue, told: str) -> tuple[str, ...]:
    if told.strip() == "all":
        return tuple(signal.name for signal in known.signals)
    named = (name.strip() for name in told.split(","))
    return tuple(dict.fromkeys(known.resolve(name).name for name in named if name))
