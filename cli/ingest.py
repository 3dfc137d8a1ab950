"""`telemetry ingest`: one worker of the group that carries frames from Kafka into the database."""

import logging
import signal
import threading
from dataclasses import asdict
from functools import partial
from typing import Annotated

import typer
from rich.console import Console

from cli import context, logs
from cli.options import seconds
from ingest.kafka import ensure_topics
from ingest.lanes.reader import open_worker
from ingest.monitor import watching
from ingest.progress import Progress
from ingest.settings import IngestSettings
from schemas import catalogue
from storage.settings import StorageSettings


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(epilog="Example: telemetry ingest --until-idle 5")(ingest)


def ingest(
    until_idle: Annotated[
        float | None,
        typer.Option(
            callback=seconds,
            help="Stop when nothing has come for so many seconds; else run for ever.",
        ),
    ] = None,
    metrics_port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65535,
            help="Serve /metrics and /healthz there; TELEMETRY_METRICS_PORT, else 0: nowhere.",
        ),
    ] = None,
) -> None:
    """Write what vehicles send into the database; start more of them to share the work.

    A frame is checked against the catalogue's limits; what cannot be stored goes to the dead-letter
    topic with its reason. Offsets move with the rows: a worker may be killed at any moment, and the
    next one goes on where the database stands. SIGTERM finishes the batch in hand.
    """
    log = context.load(logs.LogSettings)
    logs.tell("ingest", log)
    settings, bootstrap = context.load(IngestSettings), context.kafka_bootstrap()
    if metrics_port is not None:
        settings = settings.model_copy(update={"metrics_port": metrics_port})
    ensure_topics(settings, bootstrap)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    worker = open_worker(
        settings,
        context.load(StorageSettings),
        bootstrap=bootstrap,
        dsn=context.database_dsn(),
        catalogue=catalogue.default(),
        prepare=partial(logs.tell, "ingest", log),
    )
    show = _logged if log.log_format is logs.LogFormat.JSON else _printed
    with watching(worker.metrics, settings, bootstrap):
        done = worker.run(stop, until_idle_s=until_idle, progress=show)
    show(done, "Stopped. ")


def _printed(done: Progress, before: str = "") -> None:
    Console(stderr=True).print(f"{before}{line(done)}", highlight=False)


def _logged(done: Progress, before: str = "") -> None:
    logging.getLogger("ingest").info("%s%s", before, line(done), extra=asdict(done))


def line(done: Progress) -> str:
    """What a worker has done, for people."""
    return (
        f"{done.frames:,} frames in {done.messages:,} messages written, {done.refused:,} refused, "
        f"{done.batches:,} {'batch' if done.batches == 1 else 'batches'}"
    )
