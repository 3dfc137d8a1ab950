"""`telemetry simulate`: a physics fleet sends what its trucks would send."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from time import time
from typing import Annotated

import typer
from rich.console import Console

from cli import context, moments
from cli.progress import bar
from ingest.kafka import Publisher, ensure_topics
from ingest.settings import IngestSettings
from schemas.wire import ContentType, Message, encode_protobuf
from servers.settings import ServersSettings
from simulator.config import (
    CHUNK_S,
    SECONDS_PER_DAY,
    SimulationConfig,
    SimulationError,
    require_days,
)
from simulator.fleet import Vehicle
from simulator.messages import messages
from simulator.mixed import mixed_fleet
from simulator.parquet import FrameFiles
from simulator.simulation import simulate as run
from simulator.truth import TruthWriter
from simulator.truth_run import write_causes, write_severities

Fleet = tuple[Vehicle, ...]

LIVE_SPAN_DAYS = 36_500.0
"""How long a live simulation goes on [days]: until it is stopped."""


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(epilog="Example: telemetry simulate --vehicles 10 --days 1 --seed 7")(simulate)


def simulate(
    vehicles: Annotated[int, typer.Option(min=1, help="How many trucks.")] = 10,
    days: Annotated[float, typer.Option(help="How long, in days.")] = 1.0,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same fleet, roads and values.")] = 1,
    start: Annotated[
        datetime | None,
        typer.Option(
            parser=moments.time,
            metavar=moments.TIME,
            help="First instant, on a whole ten minutes, with a time zone. Without it the "
            "simulation ends now.",
        ),
    ] = None,
    upload_s: Annotated[
        int, typer.Option(min=1, max=600, help="Seconds of frames that a message holds.")
    ] = 60,
    live: Annotated[
        bool,
        typer.Option(
            "--live", help="After the days that lie behind us, go on at the clock's pace."
        ),
    ] = False,
    parquet: Annotated[
        Path | None,
        typer.Option(
            help="Write frames (no events) to this folder, for `telemetry load` and notebooks, "
            "in place of sending them to Kafka."
        ),
    ] = None,
    mixed: Annotated[
        bool,
        typer.Option(
            "--mixed",
            help="Drivers who mix several weaknesses to a degree of their own, trucks that differ "
            "within their type, fuel thefts; in place of drivers of one known weakness each.",
        ),
    ] = False,
    counterfactual: Annotated[
        bool,
        typer.Option(
            "--counterfactual",
            help="With --mixed: simulate every vehicle again without each of its weaknesses, and "
            "write what each cost in litres (causes.parquet). Takes several times as long.",
        ),
    ] = False,
    truth: Annotated[
        Path | None,
        typer.Option(
            help="Folder for what is true of the fleet (trips, events, drivers), as Parquet. "
            "Default: TELEMETRY_HOME/truth/SEED."
        ),
    ] = None,
) -> None:
    """Send a simulated fleet's messages to Kafka, and keep the truth about it beside them.

    Trucks of several types, on roads with gradients, with loads, shifts and drivers who differ in
    known ways: speeding, idling, braking hard, low gears, little coasting, low tyre pressure; with
    --mixed in several of them at once, each to a degree of its own. All signals of the catalogue,
    coherent with each other; the same seed gives the same data.
    """
    begin = start or days_ago(days)
    config = SimulationConfig(
        vehicles=vehicles, days=LIVE_SPAN_DAYS if live else days, seed=seed, start=begin
    )
    if counterfactual and not mixed:
        raise SimulationError(
            "--counterfactual needs weaknesses that can be told apart: add --mixed"
        )
    if live and (counterfactual or parquet is not None):
        raise SimulationError("--live never ends: leave it away with --parquet or --counterfactual")
    # Faults begin in the middle of the days asked for, also where the simulation goes on.
    fleet = mixed_fleet(replace(config, days=days)) if mixed else None
    folder = truth or context.load(ServersSettings).home / "truth" / str(seed)
    if parquet is not None:
        _write(config, parquet, truth=folder, fleet=fleet)
        _about_causes(config, fleet, folder, counterfactual=counterfactual)
        return
    settings, bootstrap = context.load(IngestSettings), context.kafka_bootstrap()
    ensure_topics(settings, bootstrap)
    with bar(f"{vehicles} trucks", total=None if live else days, unit="days") as at:
        sent = send(
            config,
            Publisher(settings, bootstrap),
            upload_s=upload_s,
            truth=folder,
            fleet=fleet,
            progress=lambda sent: at(sent.days),
        )
    _about_causes(config, fleet, folder, counterfactual=counterfactual)
    if not sent.frames:
        _warn_of_night()
    Console().print(
        f"{sent.frames:,} frames of {vehicles} vehicles sent to {settings.topic} in "
        f"{sent.messages:,} messages, from {begin:%Y-%m-%d %H:%M} UTC; the truth about them is in "
        f"{folder}.",
        highlight=False,
    )


def _about_causes(
    config: SimulationConfig, fleet: Fleet | None, folder: Path, *, counterfactual: bool
) -> None:
    """Write how bad each cause of a mixed fleet is and, where asked, what it costs."""
    if fleet is None or not folder.exists():
        return
    write_severities(config, fleet, folder)
    if counterfactual:
        with bar("without each weakness", total=100, unit="%") as at:
            write_causes(config, fleet, folder, progress=lambda part: at(round(100 * part, 1)))


def _write(
    config: SimulationConfig, folder: Path, *, truth: Path, fleet: Fleet | None = None
) -> None:
    """Write the simulation's frames as Parquet, and the truth beside them."""
    rows = 0
    writer: TruthWriter | None = None
    with (
        FrameFiles(folder) as files,
        bar(f"{config.vehicles} trucks", total=config.days, unit="days") as at,
    ):
        try:
            for chunk in run(config, fleet=fleet):
                writer = writer or TruthWriter(truth, chunk.fleet)
                rows += files.write(chunk)
                writer.write(chunk.truth)
                at((chunk.start_us / 1e6 + CHUNK_S - config.start_s) / SECONDS_PER_DAY)
        finally:
            if writer is not None:
                writer.close()
    if not rows:
        _warn_of_night()
    Console().print(
        f"{rows:,} frames of {config.vehicles} vehicles written to {folder}, from "
        f"{config.start:%Y-%m-%d %H:%M} UTC; the truth about them is in {truth}.",
        highlight=False,
    )


def _warn_of_night() -> None:
    Console(stderr=True, soft_wrap=True).print(
        "No truck was switched on in that time (it may be night in China): simulate a whole "
        "day, --days 1, or give a --start in the morning.",
        style="yellow",
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """What a simulation has sent so far."""

    frames: int
    """Seconds of vehicles that were switched on."""
    messages: int
    days: float
    """Time that was simulated."""


def send(
    config: SimulationConfig,
    publisher: Publisher,
    *,
    upload_s: int,
    truth: Path,
    fleet: Fleet | None = None,
    progress: Callable[[Sent], None] = lambda _: None,
    stop: Event | None = None,
) -> Sent:
    """Simulate and send; a message leaves when its last frame is behind us, and not before.

    Args:
        config: the fleet and its span of time.
        publisher: to Kafka; it is closed at the end.
        upload_s: seconds of frames that a message holds.
        truth: folder for the truth.
        fleet: vehicles in place of those of `config`.
        progress: told what was sent so far, after each ten minutes.
        stop: set it to end between two messages.

    Returns:
        What was sent in all.
    """
    stop = stop or Event()
    sent = Sent(frames=0, messages=0, days=0.0)
    writer: TruthWriter | None = None
    try:
        for chunk in run(config, fleet=fleet):
            writer = writer or TruthWriter(truth, chunk.fleet)
            count = 0
            for message in messages(chunk, upload_s=upload_s):
                stop.wait(max(0.0, _end_s(message) - time()))
                if stop.is_set():
                    return sent
                publisher.send(message.vin, encode_protobuf(message), ContentType.PROTOBUF)
                count += 1
            writer.write(chunk.truth)
            sent = Sent(
                frames=sent.frames + chunk.frames,
                messages=sent.messages + count,
                days=(chunk.start_us / 1e6 + CHUNK_S - config.start_s) / SECONDS_PER_DAY,
            )
            progress(sent)
        publisher.flush()
        return sent
    finally:
        if writer is not None:
            writer.close()
        publisher.close()


def _end_s(message: Message) -> float:
    times = [int(message.frame_times_us[-1])] if message.blocks else []
    return max([*times, *(event.time_us for event in message.events)]) / 1e6


def days_ago(days: float) -> datetime:
    """The ten minutes that began so many days before now.

    Raises:
        SimulationError: that is no span to simulate.
    """
    require_days(days)
    begin = datetime.now(tz=UTC) - timedelta(days=days)
    return datetime.fromtimestamp(begin.timestamp() // CHUNK_S * CHUNK_S, tz=UTC)
