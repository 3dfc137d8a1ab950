"""`telemetry demo`: servers, a small fleet, ingest, analysis and pages, one after the other.

It does nothing that the other commands do not do; it calls them.
"""

import os
import signal
import sys
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from threading import Event, Thread
from time import monotonic, sleep, time
from typing import Annotated, Self
from urllib.error import URLError
from urllib.request import urlopen

import typer
from rich.console import Console

from analytics.runner import training
from analytics.runner.settings import AnalysisSettings
from analytics.training.recipe import TrainingError
from api.settings import ApiSettings
from cli import analyse, context, migrate, moments, servers, simulate, train
from cli.children import Child, Children, children
from cli.progress import bar
from ingest.kafka import Publisher, ensure_topics
from ingest.settings import IngestSettings
from schemas.errors import TelemetryError
from servers.settings import ServersSettings
from simulator import build_fleet
from simulator.config import CHUNK_S, SimulationConfig
from simulator.mixed import mixed_fleet
from storage import overview, registers
from storage.connection import connect
from storage.fuel_models import TrainingData

ANALYSE_EVERY_S = 60.0
"""How often the running demo looks for changed days [s]."""

FLEET = "Demo trucks"
"""The fleet that the demo's trucks belong to."""

UPLOAD_S = 60
"""Seconds of frames that a simulated message holds."""

LOOKED_AFTER_EVERY_S = 5.0
"""How often the running demo looks whether all that it has started still runs [s]."""

STOPPING_TAKES_S = 20.0
"""How long the trucks have to end [s]."""

PATIENCE_S = 120.0
"""How long ingest may take without a step forward before the demo gives up [s]."""


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(epilog="Example: telemetry demo --once --vehicles 5")(demo)


def demo(
    once: Annotated[
        bool, typer.Option("--once", help="Stop when all is done instead of staying.")
    ] = False,
    vehicles: Annotated[int, typer.Option(min=1, help="How many trucks.")] = 10,
    days: Annotated[float, typer.Option(help="How much of their past, in days.")] = 1.0,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Which fleet; without it each demo has its own.")
    ] = None,
    start: Annotated[
        datetime | None,
        typer.Option(
            parser=moments.time,
            metavar=moments.TIME,
            help="When their past begins, on a whole ten minutes, with a time zone. Without it the "
            "past ends now.",
        ),
    ] = None,
) -> None:
    """See everything work: a fleet's day from its signals to a page in your browser.

    Starts the servers that settings do not name, simulates a fleet's last day, ingests and analyses
    it, learns from it what good driving is, and serves the pages; then the trucks drive on in real
    time until Ctrl-C, which stops everything this command has started. Data stays in
    TELEMETRY_HOME.
    """
    console = Console()
    began = monotonic()
    home = context.load(ServersSettings).home
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    with _servers(console, once=once), children(home, console) as beside:
        report = migrate.bring_up()
        console.print(f"Database: {report.server}.", highlight=False)
        settings, bootstrap = context.load(IngestSettings), context.kafka_bootstrap()
        ensure_topics(settings, bootstrap)
        before = _messages_written()
        ingest = beside.start("ingest")
        fleet_seed = seed if seed is not None else int(time()) // CHUNK_S
        config = SimulationConfig(
            vehicles=vehicles,
            days=days if once else simulate.LIVE_SPAN_DAYS,
            seed=fleet_seed,
            start=start or simulate.days_ago(days),
        )
        _register(config)
        with _Fleet(settings, bootstrap, config, past_days=days) as fleet:
            sent = fleet.catch_up()
            _wait_until_written(before + sent.messages, ingest)
            ingested_s = monotonic() - fleet.began
            console.print(
                f"{sent.frames:,} frames of {vehicles} trucks in {sent.messages:,} messages went "
                f"through Kafka into the database in {ingested_s:.0f} s: "
                f"{sent.frames / ingested_s:,.0f} frames/s, simulating them included.",
                highlight=False,
            )
            console.print(analyse.line(analyse.work_up()), highlight=False)
            _learn(console)
            url = _serve(beside)
            console.print(f"Ready after {monotonic() - began:.0f} s. Look at [bold]{url}[/bold]")
            if once:
                return
            beside.start("webhooks", "run")
            console.print("The trucks drive on in real time. Ctrl-C ends the demo.")
            if sys.stdout.isatty() and (os.environ.get("DISPLAY") or sys.platform != "linux"):
                webbrowser.open(url)
            burnt, every_s = monotonic(), context.load(AnalysisSettings).fuel_every_s
            try:
                while True:
                    _watch(beside, fleet, ANALYSE_EVERY_S)
                    fuel = monotonic() - burnt >= every_s
                    analyse.work_up(fuel=fuel)
                    burnt = monotonic() if fuel else burnt
            except KeyboardInterrupt:
                console.print("Stopping.")


def _watch(beside: Children, fleet: "_Fleet", for_s: float) -> None:
    """Look after all that runs for a while.

    Raises:
        TelemetryError: the trucks, a server or a command has ended and does not go on.
    """
    until = monotonic() + for_s
    while monotonic() < until:
        sleep(LOOKED_AFTER_EVERY_S)
        context.database_dsn()  # tells which server is gone
        fleet.check()
        beside.look_after()


def _learn(console: Console) -> None:
    """Let the fleet tell what good driving is, and compare everybody with it."""
    with connect(context.database_dsn()) as connection:
        try:
            trained = training.train(connection, TrainingData())
        except TrainingError:
            return  # no truck has driven: it was night
    for line in train.told(trained):
        console.print(line, highlight=False)
    console.print(analyse.line(analyse.work_up()), highlight=False)


def _register(config: SimulationConfig) -> None:
    """Make the trucks known: what they are, and one fleet of them, whose days are China's."""
    trucks = build_fleet(config)
    with connect(context.database_dsn()) as connection:
        party_id = registers.find_party(connection, registers.DEMO_PARTY)
        fleet_id = registers.ensure_fleet(connection, party_id=party_id, name=FLEET)
        for truck in trucks:
            registers.register_vehicle(connection, truck.vin, model=truck.model.title)
            registers.set_vehicle_class(connection, truck.vin, truck.model.vehicle_class)
            registers.add_to_fleet(connection, fleet_id=fleet_id, vin=truck.vin, member=_EVER)


_EVER = (datetime(1970, 1, 1, tzinfo=UTC), None)
"""A fleet's trucks were its own in their simulated past, too."""


class _Fleet:
    """The simulated trucks: their past as fast as it goes, then on at the clock's pace."""

    def __init__(
        self,
        settings: IngestSettings,
        bootstrap: str,
        config: SimulationConfig,
        *,
        past_days: float,
    ) -> None:
        self._stop = Event()
        self.began = monotonic()
        self._config, self._past_days = config, past_days
        self._caught_up = Event()
        self._sent = simulate.Sent(frames=0, messages=0, days=0.0)
        self._failure: BaseException | None = None
        self._publisher = Publisher(settings, bootstrap)
        self._driving = Thread(target=self._drive, name="fleet", daemon=True)

    def __enter__(self) -> Self:
        self._driving.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._driving.join(STOPPING_TAKES_S)

    def catch_up(self) -> simulate.Sent:
        """Wait until the past is sent."""
        with bar(f"{self._config.vehicles} trucks drive", total=self._past_days, unit="days") as at:
            while not self._caught_up.wait(0.2):
                at(self._sent.days)
            at(self._sent.days)
        self.check()
        return self._sent

    def check(self) -> None:
        """Raise what the trucks have ended by, if they have."""
        if self._failure is not None:
            raise self._failure

    def _drive(self) -> None:
        try:
            self._note(
                simulate.send(
                    self._config,
                    self._publisher,
                    upload_s=UPLOAD_S,
                    truth=context.load(ServersSettings).home / "truth" / str(self._config.seed),
                    # What fails in a truck fails within the past that is looked at.
                    fleet=mixed_fleet(replace(self._config, days=self._past_days)),
                    progress=self._note,
                    stop=self._stop,
                )
            )
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
            self._failure = error
        finally:
            self._caught_up.set()

    def _note(self, sent: simulate.Sent) -> None:
        if not self._caught_up.is_set():
            self._sent = sent
        if sent.days >= self._past_days - CHUNK_S / 86_400 / 2:
            self._caught_up.set()


@contextmanager
def _servers(console: Console, *, once: bool) -> Iterator[None]:
    """Servers for the demo; what it started it stops."""
    started = servers.start(console)
    try:
        yield
    finally:
        if started:
            if not once:
                console.print("Stopping the servers; their data stays.")
            servers.down()


def _messages_written() -> int:
    with connect(context.database_dsn()) as connection:
        return overview.read(connection).counts.get(("messages", ""), 0)


def _wait_until_written(messages: int, ingest: Child) -> None:
    written, moved = 0, monotonic()
    while (now := _messages_written()) < messages:
        if now > written:
            written, moved = now, monotonic()
        if ingest.ended is not None or monotonic() - moved > PATIENCE_S:
            raise TelemetryError(
                f"Ingest stands at {now:,} of {messages:,} messages; its log is {ingest.log}."
            )
        sleep(0.2)


def _serve(beside: Children) -> str:
    settings = context.load(ApiSettings)
    url = f"http://{settings.api_host}:{settings.api_port}/"
    child = beside.start("serve")
    until = monotonic() + 30
    while monotonic() < until and child.ended is None:
        try:
            with urlopen(f"{url}readyz", timeout=5) as answer:  # noqa: S310 - our own loopback address
                if answer.status == 200:
                    return url
        except (URLError, OSError):
            sleep(0.2)
    raise TelemetryError(
        f"The pages did not come up at {url}; the log is {child.log}. Is the port taken? "
        "TELEMETRY_API_PORT names another."
    )
