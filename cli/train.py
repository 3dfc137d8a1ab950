"""`telemetry train`: learn from a fleet what its fuel depends on; show models, go back to one."""

from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Console

from analytics.fuel.model import HELD_OUT
from analytics.runner.training import Trained, roll_back, train
from cli import database
from storage import fuel_models
from storage.fuel_models import FuelModel, TrainingData

app = typer.Typer(
    help="Learn models from what analysis has found: fuel.",
    no_args_is_help=True,
    epilog="Example: telemetry train fuel --from 2026-10-01 --note 'first winter'",
)

HELD_OUT_RANGE = (0.05, 0.5)
"""The least and the greatest share of vehicles that may be left out."""


@app.command(epilog="Example: telemetry train fuel --roll-back 3")
def fuel(
    from_: Annotated[
        datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], help="Learn from this day on."),
    ] = None,
    to: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Learn up to this day.")
    ] = None,
    vehicles_held_out: Annotated[
        float,
        typer.Option(
            min=HELD_OUT_RANGE[0],
            max=HELD_OUT_RANGE[1],
            help="Share of the vehicles that is left out at a time, to measure errors on.",
        ),
    ] = HELD_OUT,
    note: Annotated[str | None, typer.Option(help="What to remember of this model.")] = None,
    list_: Annotated[
        bool, typer.Option("--list", help="Show the models there are instead of training.")
    ] = False,
    roll_back_: Annotated[
        int | None,
        typer.Option("--roll-back", metavar="MODEL", help="Use this model instead of training."),
    ] = None,
) -> None:
    """Learn what road, load and weather cost, and how good drivers drive; used from then on.

    Learns from what `telemetry analyse` has found in the days that are kept. The fuel of the last
    four weeks is then worked up again by the next analysis. Errors are those of vehicles that were
    left out of training.
    """
    if list_ and roll_back_ is not None:
        raise typer.BadParameter("--list shows models and --roll-back changes which is used")
    if from_ is not None and to is not None and from_ > to:
        raise typer.BadParameter(f"--from {from_.date()} lies after --to {to.date()}: swap them")
    data = TrainingData(first=from_.date() if from_ else None, last=to.date() if to else None)
    console = Console(soft_wrap=True)
    with database.opened() as connection:
        if list_:
            for line in table(fuel_models.models(connection)):
                console.print(line, highlight=False)
        elif roll_back_ is not None:
            roll_back(connection, roll_back_)
            console.print(
                f"Model {roll_back_} is used from now on: the next analysis works the last weeks "
                "up again.",
                highlight=False,
            )
        else:
            for line in told(train(connection, data, held_out=vehicles_held_out, note=note)):
                console.print(line, highlight=False)


def told(trained: Trained) -> list[str]:
    """What a training came to, for people."""
    days = f" of {trained.data[0]} to {trained.data[1]}" if trained.data else ""
    peers = ", ".join(f"{name} {count:,}" for name, count in trained.peers.items())
    first = (
        f"Model {trained.model_id} learnt from {trained.segments:,} segments{days} of "
        f"{trained.vehicles:,} vehicles, and is used from now on: the next analysis works the last "
        "weeks up again."
    )
    return [
        first,
        *(f"  {name}: {_errors(metrics)}" for name, metrics in trained.metrics.items()),
        f"Good driving was learnt from: {peers}."
        if peers
        else "Too few vehicles tell what good driving is: published figures are used.",
    ]


def _errors(metrics: dict[str, Any]) -> str:
    """A level's errors; vehicles that were left out may have had no trips."""
    if metrics.get("trip_mape") is None:
        return "too few vehicles to leave some out: nothing is known of its errors"
    return (
        f"{metrics['trip_mape']:.1f} % off on {metrics['trips']:,} trips of "
        f"{metrics['vehicles']:,} vehicles left out (bias {metrics['trip_bias']:+.1f} %; physics "
        f"alone {metrics['physics_trip_mape']:.1f} %)"
    )


def table(models: list[FuelModel]) -> list[str]:
    """Models, for people, the newest first."""
    if not models:
        return ["There are no models: `telemetry train fuel` makes one. Physics alone is used."]
    return [_row(model) for model in models]


def _row(model: FuelModel) -> str:
    levels = model.metrics.get("metrics")
    errors = [
        f"{name} {metrics['trip_mape']:.1f} %"
        for name, metrics in (levels if isinstance(levels, dict) else {}).items()
        if metrics.get("trip_mape") is not None
    ]
    days = f"{model.data_from} to {model.data_to}" if model.data_from else "of no days"
    return "  ".join(
        [
            "*" if model.active else " ",
            f"{model.model_id:>4}",
            f"{model.created_at:%Y-%m-%d %H:%M} UTC",
            days,
            f"{model.metrics.get('vehicles', 0):,} vehicles",
            f"off on trips: {', '.join(errors) or 'not known'}",
            f"code {model.code_version}",
            f"sha256 {model.checksum[:12]}",
            model.note or "",
        ]
    ).rstrip()
