"""`telemetry datasets`: what data scientists may read: define it, see it, end it."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import psycopg
import typer
from rich.console import Console
from rich.table import Table

from api.datasets.defining import names_of, refusal_of
from api.problems import ProblemError
from cli import database, moments
from cli.options import MAX_NUMBER, lines_of
from schemas import catalogue
from schemas.errors import TelemetryError
from storage import datasets, registers
from storage.served_datasets import Definition

app = typer.Typer(
    help="What data scientists may read, under pseudonyms: define, list and end datasets.",
    no_args_is_help=True,
    epilog="Example: telemetry datasets list",
)


@app.command(
    "create",
    epilog="Example: telemetry datasets create --party North --for Institute --name Brakes "
    "--purpose 'a model of brake wear' --until 2027-05-01 --data-from 2026-09-01 "
    "--data-until 2026-11-01 --fleet-id 3 --signals wheel_speed,brake_switch --resolution 60",
)
def create(
    party: Annotated[str, typer.Option(help="Whose vehicles: an owner, or the maker.")],
    research: Annotated[str, typer.Option("--for", help="The research party it is for.")],
    name: Annotated[str, typer.Option(help="What it is called.")],
    purpose: Annotated[str, typer.Option(help="What it may be used for.")],
    until: Annotated[
        datetime,
        typer.Option(
            parser=moments.day, metavar=moments.DAY, help="It may be read until then (UTC)."
        ),
    ],
    data_from: Annotated[
        datetime,
        typer.Option(parser=moments.day, metavar=moments.DAY, help="The data begin (UTC)."),
    ],
    data_until: Annotated[
        datetime, typer.Option(parser=moments.day, metavar=moments.DAY, help="The data end (UTC).")
    ],
    signals: Annotated[str, typer.Option(help="Signals by name or VSS path, comma separated.")],
    resolution: Annotated[int, typer.Option(min=1, max=86_400, help="The finest step [s].")],
    vins: Annotated[Path | None, typer.Option(help="A text file with a VIN a line.")] = None,
    fleet_id: Annotated[
        int | None, typer.Option(min=1, max=MAX_NUMBER, help="Or the vehicles of a fleet.")
    ] = None,
    grid: Annotated[
        float | None, typer.Option(min=1e-4, max=10, help="Grid of positions [degrees].")
    ] = None,
    *,
    trips: Annotated[bool, typer.Option("--trips", help="Have trips in it.")] = False,
    events: Annotated[bool, typer.Option("--events", help="Have driving events in it.")] = False,
) -> None:
    """Let a research party read vehicles' data under pseudonyms, for a purpose and a time."""
    if (vins is None) == (fleet_id is None):
        raise TelemetryError("Say which vehicles: --vins FILE or --fleet-id, one of them.")
    try:
        named = names_of(catalogue.default(), signals.split(","))
        with database.opened() as connection:
            made = datasets.define(
                connection,
                registers.find_party(connection, party),
                Definition(
                    name=name,
                    purpose=purpose,
                    party=research,
                    valid_from=None,
                    valid_until=until,
                    data_from=data_from,
                    data_until=data_until,
                    vins=None if vins is None else lines_of(vins),
                    fleet_id=fleet_id,
                    signals=named,
                    resolution_s=resolution,
                    grid_deg=grid,
                    with_trips=trips,
                    with_events=events,
                ),
            )
        if made.dataset_id is None:
            raise refusal_of(made)
    except ProblemError as problem:
        raise TelemetryError(f"{problem.detail} {problem.way_out}") from problem
    except psycopg.errors.NoDataFound as error:
        raise TelemetryError(f"{party} has no fleet {fleet_id}.") from error
    except (psycopg.errors.CheckViolation, psycopg.DataError) as error:
        raise TelemetryError(
            "This makes no dataset: name and purpose are one line, spans end after they begin, and "
            "the resolution divides a day."
        ) from error
    _say(f"Dataset {made.dataset_id} {name} for {research}.")


@app.command("list", epilog="Example: telemetry datasets list")
def list_datasets() -> None:
    """Show all datasets, whoever defined them."""
    table = Table(
        "Number", "Name", "Purpose", "Of", "For", "Vehicles", "Data", "Until (UTC)", "", box=None
    )
    with database.opened() as connection:
        for one in datasets.every(connection):
            table.add_row(
                str(one.dataset_id),
                one.name,
                one.purpose,
                one.defined_by,
                one.for_party,
                str(one.vehicles),
                f"{one.data_from:%Y-%m-%d} to {one.data_until:%Y-%m-%d}",
                f"{one.valid_until:%Y-%m-%d %H:%M}",
                "withheld" if one.holds and one.is_withheld else "" if one.holds else "not open",
            )
    Console().print(table)


@app.command("end", epilog="Example: telemetry datasets end 12")
def end(number: Annotated[int, typer.Argument(min=1, max=MAX_NUMBER, help="Which.")]) -> None:
    """End a dataset at once and for good, whoever defined it."""
    with database.opened() as connection:
        name = datasets.end(connection, number)
    _say(f"Dataset {number} {name} has ended.")


def _say(text: str) -> None:
    Console(soft_wrap=True).print(text, highlight=False, markup=False)
