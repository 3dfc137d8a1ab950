"""`telemetry replay`: a recorded file goes through Kafka as a vehicle's messages."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import Annotated

import typer
from rich.console import Console

from cli import context, moments
from cli.progress import bar
from ingest.gateways import mapping as mappings
from ingest.gateways.replay import Recording, messages, read
from ingest.kafka import Publisher, ensure_topics
from ingest.settings import IngestSettings
from schemas import catalogue
from schemas.vin import check_vin
from schemas.wire import ContentType, encode_protobuf
from storage.settings import StorageSettings


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(
        epilog="Example: telemetry replay hd_truck_1hz.parquet --mapping vt_heavy_truck "
        "--vin LVBV3ABB5PE000001"
    )(replay)


def replay(
    file: Annotated[Path, typer.Argument(help="A CSV (.csv, .csv.gz) or Parquet file.")],
    mapping: Annotated[
        str, typer.Option(help="A packaged mapping by name, or the path of one's own.")
    ],
    vin: Annotated[str, typer.Option(help="The vehicle that sends it.")],
    start: Annotated[
        datetime | None,
        typer.Option(
            parser=moments.time,
            metavar=moments.TIME,
            help="When the recording begins, with a time zone (2026-11-01T08:00:00+08:00). "
            "Without it the recording ends now.",
        ),
    ] = None,
    real_time: Annotated[
        bool, typer.Option("--real-time", help="Send at the pace of the recording.")
    ] = False,
    frames_per_message: Annotated[
        int, typer.Option(min=1, max=600, help="Frames a message holds.")
    ] = 60,
) -> None:
    """Send a recorded file through Kafka as frames of one vehicle.

    A mapping is a small file that says which column, in which unit, is which signal. Packaged:
    vt_heavy_truck, kit_diesel_car, carobd_flex_fuel_car; docs/replay.md says how to write one.
    """
    console = Console()
    signals = catalogue.default()
    check_vin(vin)
    recording = read(file, mappings.load(mapping, signals), start)
    settings, bootstrap = context.load(IngestSettings), context.kafka_bootstrap()
    _warn_of_refusals(recording, settings)
    ensure_topics(settings, bootstrap)
    publisher = Publisher(settings, bootstrap)
    try:
        with bar(f"{file.name} as {vin}", total=len(recording.times_us), unit="frames") as at:
            began, sent = monotonic(), 0
            for message in messages(recording, vin, signals, frames_per_message):
                times = message.frame_times_us
                if real_time:
                    _wait_for(times[-1] - recording.times_us[0], began)
                publisher.send(vin, encode_protobuf(message), ContentType.PROTOBUF)
                sent += len(times)
                at(sent)
            publisher.flush()
    finally:
        publisher.close()
    console.print(_summary(recording, vin, settings.topic), highlight=False)


def _warn_of_refusals(recording: Recording, settings: IngestSettings) -> None:
    """Say beforehand what ingest will not take, by the settings it would have here."""
    now, retention = datetime.now(tz=UTC), context.load(StorageSettings).retention_days
    ahead = timedelta(seconds=settings.future_tolerance_s)
    if recording.start < now - timedelta(days=retention):
        why = f"frames older than TELEMETRY_RETENTION_DAYS ({retention})"
    elif recording.start + recording.duration > now + ahead:
        why = "frames ahead of our clock"
    else:
        return
    Console(stderr=True, soft_wrap=True).print(
        f"Ingest will refuse {why} and keep them as dead letters; --start sets another time.",
        style="yellow",
    )


def _wait_for(offset_us: int, began: float) -> None:
    sleep(max(0.0, began + offset_us / 1e6 - monotonic()))


def _summary(recording: Recording, vin: str, topic: str) -> str:
    return (
        f"{len(recording.times_us):,} frames of {vin} sent to {topic}, from "
        f"{recording.start:%Y-%m-%d %H:%M:%S} UTC over {recording.duration}; "
        f"{recording.skipped:,} rows left out, {recording.unreadable:,} cells that were no number."
    )
