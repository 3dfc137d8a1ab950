"""`telemetry train`: learn a model from a fleet, the product's or one's own."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from analytics.runner.own_models import allowed_modules
from analytics.runner.tracking import MISSING, TrainingSettings, place_of
from analytics.runner.training import Tracking, Trained
from analytics.runner.training import train as run
from analytics.training import known
from analytics.training.dataset import ParquetFolder
from analytics.training.fuel import FuelRecipe
from analytics.training.trainer import HELD_OUT, SEED
from cli import context, database, moments
from cli.cluster import cluster
from cli.options import Scheduler
from cli.progress import bar
from storage.fuel_models import TrainingData
from storage.models import FUEL, Stage

HELD_OUT_RANGE = (0.05, 0.5)
"""The least and the greatest share of vehicles that may be left out."""

DATABASE = "database"


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(
        epilog="Example: telemetry train fuel --from 2026-10-01 --note 'first winter'. Example: "
        "telemetry train cruise --model-module my_pkg.my_model --dataset exports/october"
    )(train)


def train(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="fuel, or the name of a model of your own.")
    ],
    dataset: Annotated[
        str,
        typer.Option(
            help="What is learnt from: a folder of Parquet files, or the database: what analysis "
            "has found in the days that are kept.",
        ),
    ] = DATABASE,
    model_module: Annotated[
        str | None,
        typer.Option(
            metavar="MODULE",
            help="Where a model of your own is, my_pkg.my_model, unless an entry point says so.",
        ),
    ] = None,
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
    seed: Annotated[int, typer.Option(min=0, help="Fixes all that is drawn.")] = SEED,
    note: Annotated[str | None, typer.Option(help="What to remember of this model.")] = None,
    *,
    track: Annotated[
        bool, typer.Option(help="Tell MLflow: TELEMETRY_MLFLOW_TRACKING_URI, else a file here.")
    ] = True,
    scheduler: Scheduler = None,
) -> None:
    """Learn a model, and find out how good it is on vehicles that it has not seen.

    The first of its kind is used from then on; a later one is a candidate, which predicts beside
    the champion until `telemetry models promote`. The model of fuel says what road, load and
    weather cost, and how good drivers drive. What a model of your own needs is in docs/training.md.

    It learns in rounds, which leave a share of the vehicles out, but for the last; on a cluster its
    workers do them.
    """
    moments.require_order(from_, to)
    if dataset != DATABASE and not (from_ is None and to is None):
        raise typer.BadParameter("--from and --to choose days of the database, not of a folder")
    if model == FUEL and model_module is not None:
        raise typer.BadParameter(f"{FUEL} is the product's model: name yours, or no --model-module")
    recipe = (
        FuelRecipe(held_out=vehicles_held_out)
        if model == FUEL
        else known.recipe(model, model_module, allowed=allowed_modules())
    )
    uri = context.load(TrainingSettings).mlflow_tracking_uri
    console = Console(soft_wrap=True)
    with (
        database.opened() as connection,
        cluster(context.scheduler(scheduler)) as who,
        bar("Training", total=None, unit="rounds") as at,
    ):
        trained = run(
            connection,
            TrainingData(first=from_.date() if from_ else None, last=to.date() if to else None),
            recipe=recipe,
            dataset=None if dataset == DATABASE else ParquetFolder(folder=Path(dataset)),
            held_out=vehicles_held_out,
            seed=seed,
            note=note,
            tracking=Tracking(uri=uri, folder=context.mlflow_folder()) if track else None,
            workers=who,
            progress=at,
        )
    for line in told(trained):
        console.print(line, highlight=False)
    if trained.untold is not None:
        raise trained.untold
    if track:
        console.print(
            f"Not tracked: {MISSING}."
            if trained.run_id is None
            else f"Run {trained.run_id} in {place_of(uri, context.mlflow_folder())}.",
            highlight=False,
            markup=False,
        )


def told(trained: Trained) -> list[str]:
    """What a training came to, for people."""
    days = f" of {trained.data[0]} to {trained.data[1]}" if trained.data else ""
    from_what = f"{trained.rows:,} rows{days} of {trained.vehicles:,} vehicles"
    lines = [
        f"Model {trained.model_id} ({trained.kind}) learnt from {from_what}, {_used(trained)}",
        f"  {_errors(trained.evaluation['all'])}",
    ]
    if trained.kind != FUEL:
        return lines
    peers = ", ".join(f"{name} {count:,}" for name, count in trained.peers.items())
    return [
        *lines,
        f"Good driving was learnt from: {peers}."
        if peers
        else "Too few vehicles tell what good driving is: published figures are used.",
    ]


def _used(trained: Trained) -> str:
    if trained.stage is not Stage.CHAMPION:
        return (
            "and is a candidate: it predicts beside the champion. `telemetry models compare "
            f"{trained.model_id}` tells how it does."
        )
    if trained.kind != FUEL:
        return "and is the champion."
    return "and is used from now on: the next analysis works the last weeks up again."


def _errors(figures: dict[str, Any]) -> str:
    """How far off it is; vehicles that were left out may have had nothing to tell."""
    if figures.get("error_percent") is None:
        return "too few vehicles to leave some out: nothing is known of its errors"
    return (
        f"{figures['error_percent']:.1f} % off on {figures['rows']:,} rows of "
        f"{figures['vehicles']:,} vehicles left out (bias {figures['bias_percent']:+.1f} %; its "
        f"intervals of 90 % hold {figures['coverage_percent']:.0f} %)"
    )
