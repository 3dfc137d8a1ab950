"""`telemetry analyse`: work up every vehicle-day that changed since the last time."""

import logging
import math
import signal
import threading
from collections.abc import Callable
from datetime import datetime
from time import monotonic
from typing import Annotated

import typer
from rich.console import Console

from analytics.runner.failures import Failures
from analytics.runner.run import Outcome
from analytics.runner.run import analyse as run
from analytics.runner.settings import AnalysisSettings
from analytics.runner.spread import SchedulerError
from cli import context, moments
from cli.cluster import cluster
from cli.options import Scheduler, seconds
from cli.progress import bar
from schemas import catalogue
from storage import registers
from storage.connection import connect, server
from storage.errors import PASSING, DatabaseUnreachableError, StorageError
from storage.migrate import require_current
from storage.settings import StorageSettings

logger = logging.getLogger(__name__)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(epilog="Example: telemetry analyse --from 2026-11-01 --to 2026-11-07")(analyse)


def analyse(
    vehicle: Annotated[str | None, typer.Option(help="Only this VIN.")] = None,
    from_: Annotated[
        datetime | None,
        typer.Option(
            "--from", parser=moments.day, metavar=moments.DAY, help="Only from this day on (UTC)."
        ),
    ] = None,
    to: Annotated[
        datetime | None,
        typer.Option(parser=moments.day, metavar=moments.DAY, help="Only up to this day (UTC)."),
    ] = None,
    all_changed: Annotated[
        bool,
        typer.Option(
            "--all-changed",
            help="All that changed, of every vehicle: what happens where nothing is named.",
        ),
    ] = False,
    watch: Annotated[
        float | None,
        typer.Option(
            callback=seconds, help="Go on for ever, looking for changes every so many seconds."
        ),
    ] = None,
    scheduler: Scheduler = None,
) -> None:
    """Find out how vehicles were driven, what they burnt and why, and what would save fuel.

    Only vehicle-days that changed since they were last worked up are read, late data included, and
    what follows from them is brought up to date: the counters since registration, the hours of
    their drivers, the fuel of their weeks with its causes and advice, the scores of these weeks. It
    may be killed and repeated. Rollups are brought up to date where neither vehicle nor days are
    named. On a cluster, vehicle-days and fuel are worked up by its workers; one that is killed
    loses nothing, and the tables end the same.
    """
    if all_changed and not (vehicle is None and from_ is None and to is None):
        raise typer.BadParameter(
            "--all-changed means every vehicle and day: leave out --vehicle, --from and --to"
        )
    moments.require_order(from_, to)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    console = Console()
    address = context.scheduler(scheduler)
    if watch is None:
        try:
            outcome = work_up(vehicle, from_, to, scheduler=address, stopping=stop.is_set)
        except PASSING as error:
            raise StorageError(
                f"The database went away ({_first_line(error)}). What was done is stored: run the "
                "same again."
            ) from error
        console.print(line(outcome), highlight=False)
        if outcome.failed:
            raise typer.Exit(1)
        return
    settings = context.load(AnalysisSettings)
    failures, burnt, scored, told = Failures(), -math.inf, -math.inf, logging.INFO
    while not stop.is_set():
        fuel = monotonic() - burnt >= settings.fuel_every_s
        scores = monotonic() - scored >= settings.score_every_s
        try:
            outcome = work_up(
                vehicle,
                from_,
                to,
                fuel=fuel,
                scores=scores,
                failures=failures,
                scheduler=address,
                told=told,
                stopping=stop.is_set,
            )
        except (DatabaseUnreachableError, *PASSING) as error:
            logger.warning("the database is away, the analysis waits: %s", _first_line(error))
        except SchedulerError as error:
            logger.warning("the cluster is away, the analysis waits: %s", _first_line(error))
        else:
            told = logging.DEBUG
            burnt = monotonic() if fuel else burnt
            scored = monotonic() if scores else scored
            if outcome.anything:
                console.print(line(outcome), highlight=False)
        stop.wait(watch)


def work_up(
    vehicle: str | None = None,
    first: datetime | None = None,
    last: datetime | None = None,
    *,
    fuel: bool = True,
    scores: bool = True,
    failures: Failures | None = None,
    scheduler: str | None = None,
    told: int = logging.INFO,
    stopping: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Analyse on the database that settings or `up` name, with a progress bar.

    Args:
        vehicle: only this VIN; None: all.
        first: only from this day on.
        last: only up to this day.
        fuel: whether fuel is worked up.
        scores: whether weeks are scored.
        failures: what failed before.
        scheduler: whose workers do it; None: this process.
        told: at which level it is logged who they are.
        stopping: asked whether to leave the rest to the next run.
    """
    signals = catalogue.default()
    with (
        connect(context.database_dsn()) as connection,
        connect(context.database_dsn()) as reading,
        cluster(scheduler, told) as who,
        bar("Analysing", total=None, unit="vehicle-days") as at,
    ):
        require_current(connection, signals)
        if vehicle is not None and registers.find_vehicle(connection, vehicle) is None:
            raise StorageError(f"No vehicle {vehicle} is registered: look at `telemetry status`.")
        return run(
            connection,
            server(connection),
            signals,
            context.load(StorageSettings),
            context.load(AnalysisSettings),
            reading=reading,
            workers=who,
            vin=vehicle,
            first=first.date() if first else None,
            last=last.date() if last else None,
            fuel=fuel,
            scores=scores,
            failures=failures,
            stopping=stopping,
            progress=at,
        )


def line(outcome: Outcome) -> str:
    """What an analysis did, for people."""
    dropped = f", {len(outcome.dropped)} expired partitions dropped" if outcome.dropped else ""
    failed = f" {outcome.failed:,} could not be worked up: see the log." if outcome.failed else ""
    return (
        f"{_counted(outcome.vehicle_days, 'vehicle-day')} worked up, "
        f"{_counted(outcome.trips, 'trip')} and {_counted(outcome.events, 'event')} found, "
        f"fuel of {_counted(outcome.fuel_weeks, 'vehicle-week')} and "
        f"{_counted(outcome.advice, 'piece')} of advice, "
        f"{_counted(outcome.scored_weeks, 'week')} scored, "
        f"{_counted(outcome.rolled_up, 'vehicle-day')} rolled up{dropped}.{failed}"
    )


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"
