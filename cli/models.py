"""`telemetry models`: which there are and which is used; compare, promote, go back, watch drift."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from prometheus_client import CollectorRegistry, Gauge, start_http_server
from rich.console import Console
from rich.table import Table

from analytics.runner import challenge, watching
from cli import database
from cli.options import MAX_NUMBER, seconds
from schemas.errors import SettingsError
from storage import model_errors, models
from storage.connection import Connection
from storage.model_errors import Drift
from storage.models import FUEL, Model, Stage

app = typer.Typer(
    help="Models: which there are, which is used, how candidates do beside it, what drifts.",
    no_args_is_help=True,
    epilog="Example: telemetry models list",
)

Number = Annotated[int, typer.Argument(metavar="MODEL", min=1, max=MAX_NUMBER, help="Its number.")]
Kind = Annotated[str, typer.Option(help="Of which kind: fuel, or the name of a model.")]
Module = Annotated[
    str | None,
    typer.Option("--model-module", metavar="MODULE", help="As with `telemetry train`."),
]

WEEKS = 8
"""So many are shown unless told otherwise."""


@app.command("list", epilog="Example: telemetry models list --kind fuel")
def list_(
    kind: Annotated[str | None, typer.Option(help="Only of this kind.")] = None,
) -> None:
    """Show the models there are, the newest first."""
    with database.opened() as connection:
        found = models.models(connection, kind)
    if not found:
        _say("There are no models: `telemetry train fuel` makes one. Physics alone is used.")
        return
    columns = ("model", "kind", "stage", "trained (UTC)", "days", "vehicles", "error")
    shown = Table(*columns, "sha256", "note", box=None, pad_edge=False)
    for model in found:
        shown.add_row(*_row(model))
    Console(soft_wrap=True).print(shown)


@app.command(epilog="Example: telemetry models card 3 > card.md")
def card(model: Number) -> None:
    """Write a model's card, Markdown: what it is for, what it saw, how good it is, its limits."""
    with database.opened() as connection:
        told = models.card_of(connection, model)
    typer.echo(told or f"Model {model} was trained before there were cards.")


@app.command(epilog="Example: telemetry models compare 4")
def compare(model: Number, module: Module = None) -> None:
    """Tell how a candidate does beside the champion, on days that neither was trained on.

    Candidates predict what `telemetry analyse` works up; so does this command with what they have
    not predicted yet.
    """
    with database.opened() as connection:
        watching.watch(connection, module=module)
        found = challenge.compare(connection, model)
        one = models.one(connection, model)
    if found is None:
        _say(f"Model {model} is itself the champion of {one.kind}, or there is none yet.")
        return
    _say(f"Model {model}: {challenge.line(found)}.")


@app.command(epilog="Example: telemetry models promote 4")
def promote(
    model: Number,
    module: Module = None,
    *,
    force: Annotated[
        bool, typer.Option("--force", help="Though it is worse, or too little is known of it.")
    ] = False,
) -> None:
    """Let a model take the champion's place, unless it is worse beyond chance.

    A model that is not as it was stored is never used, not even with --force.
    """
    with database.opened() as connection:
        found = challenge.promote(connection, model, force=force, module=module)
    how = "" if found is None else f" Beside the one before: {challenge.line(found)}."
    _say(f"Model {model} is used from now on.{how}")


@app.command(epilog="Example: telemetry models rollback")
def rollback(
    model: Annotated[
        int | None,
        typer.Argument(
            metavar="[MODEL]",
            min=1,
            max=MAX_NUMBER,
            help="Its number; else the champion before this one.",
        ),
    ] = None,
    kind: Kind = FUEL,
    module: Module = None,
) -> None:
    """Go back to a model that was used before."""
    with database.opened() as connection:
        used = challenge.roll_back(connection, model, kind, module)
    _say(f"Model {used} is used from now on.")


@app.command(epilog="Example: telemetry models archive 4")
def archive(model: Number) -> None:
    """Let a candidate predict no more."""
    with database.opened() as connection:
        models.archive(connection, model)
    _say(f"Model {model} is archived.")


@app.command(epilog="Example: telemetry models drift --watch 3600 --metrics-port 9466")
def drift(
    kind: Kind = FUEL,
    weeks: Annotated[int, typer.Option(min=1, help="So many weeks back.")] = WEEKS,
    watch: Annotated[
        float | None,
        typer.Option(callback=seconds, help="Go on for ever, looking every so many seconds."),
    ] = None,
    metrics_port: Annotated[
        int,
        typer.Option(
            min=0,
            max=65535,
            help="With --watch, serve /metrics there, on this machine; 0: nowhere.",
        ),
    ] = 0,
    module: Module = None,
) -> None:
    """Tell what has drifted since the champion was trained: its inputs and its errors, by week."""
    if metrics_port and watch is None:
        raise typer.BadParameter("--metrics-port serves nothing that ends at once: add --watch")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    metrics = Metrics()
    with _served(metrics, metrics_port):
        while True:
            with database.opened() as connection:
                watching.watch(connection, module=module, stopping=stop.is_set)
                found = _drift_of(connection, kind, weeks)
                for champion in models.in_stage(connection, Stage.CHAMPION):
                    metrics.tell(champion, _drift_of(connection, champion.kind, weeks))
            if watch is None or stop.is_set():
                break
            stop.wait(watch)
    if watch is None:
        _show(found, kind)


class Metrics:
    """What has drifted, for Prometheus: of the last week that is known."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels = ["kind", "name"]
        self.inputs = Gauge(
            "telemetry_model_input_stability",
            "Population stability index of an input of the champion, in the last week.",
            labels,
            registry=self.registry,
        )
        self.errors = Gauge(
            "telemetry_model_error_percent",
            "Size (error) and bias of the champion's errors, in the last week.",
            labels,
            registry=self.registry,
        )
        self.drifted = Gauge(
            "telemetry_model_drifted",
            "How many inputs and measures of error of the champion have drifted, in the last week.",
            ["kind"],
            registry=self.registry,
        )

    def tell(self, champion: Model, found: list[Drift]) -> None:
        """Tell of a champion; nothing where nothing is known."""
        last = [one for one in found if one.week == found[0].week]
        for one in last:
            gauge = self.inputs if one.of_what == "input" else self.errors
            gauge.labels(champion.kind, one.name).set(one.value)
        self.drifted.labels(champion.kind).set(sum(one.drifted is True for one in last))


@contextmanager
def _served(metrics: Metrics, port: int) -> Iterator[None]:
    if not port:
        yield
        return
    try:
        server, thread = start_http_server(port, "127.0.0.1", metrics.registry)
    except OSError as error:
        raise SettingsError(
            f"Metrics cannot be served on port {port}: {error.strerror}."
        ) from error
    try:
        yield
    finally:
        server.shutdown()
        thread.join()


def _drift_of(connection: Connection, kind: str, weeks: int) -> list[Drift]:
    champion = models.champion(connection, kind)
    if champion is None:
        return []
    first = (datetime.now(tz=UTC) - timedelta(weeks=weeks)).date()
    return model_errors.drift(connection, champion.model_id, first)


def _show(found: list[Drift], kind: str) -> None:
    if not found:
        _say(
            f"Nothing is known of drift: no champion of {kind} has predicted days after those it "
            "was trained on; `telemetry analyse` works them up."
        )
        return
    shown = Table("week", "of", "name", "value", "limit", "", "vehicles", box=None, pad_edge=False)
    for one in found:
        shown.add_row(
            str(one.week), one.of_what, one.name, *_values(one), _verdict(one), f"{one.vehicles:,}"
        )
    Console(soft_wrap=True).print(shown)


def _values(one: Drift) -> tuple[str, str]:
    if one.of_what == "input":
        return f"{one.value:.3f}", f"{one.limit:.2f}"
    interval = "" if one.low is None else f" ({one.low:+.1f} to {one.high:+.1f})"
    then = "" if one.reference is None else f", {one.reference:+.1f} % at training"
    return f"{one.value:+.1f} %{interval}{then}", f"{one.limit:.1f} %"


def _verdict(one: Drift) -> str:
    if one.drifted is None:
        return "too few vehicles"
    return "drifted" if one.drifted else "as before"


def _row(model: Model) -> tuple[str, ...]:
    told = model.evaluation.get("all", {})
    error = told.get("error_percent")
    days = f"{model.data_from} to {model.data_to}" if model.data_from else "of no days"
    return (
        str(model.model_id),
        model.kind,
        model.stage,
        f"{model.created_at.astimezone(UTC):%Y-%m-%d %H:%M}",
        days,
        f"{model.dataset.get('vehicles', model.metrics.get('vehicles', 0)):,}",
        "not known" if error is None else f"{error:.1f} %",
        model.checksum[:12],
        model.note or "",
    )


def _say(text: str) -> None:
    Console(soft_wrap=True).print(text, highlight=False, markup=False)
