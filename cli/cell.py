"""`telemetry cell`: which regions this database holds, and which cell holds the others."""

from typing import Annotated

import typer
from rich.console import Console

from cli import context, database
from schemas.errors import TelemetryError
from storage import cells
from storage.cells import Cell
from storage.settings import StorageSettings

app = typer.Typer(
    help="Which regions' vehicles this database keeps, and who keeps the others.",
    epilog="Example: telemetry cell set --regions CN-31,CN-32 --other 2=DE,FR",
)


@app.callback(invoke_without_command=True)
def show(command: typer.Context) -> None:
    """Which regions' vehicles this database keeps, and who keeps the others."""
    if command.invoked_subcommand is not None:
        return
    with database.opened() as connection:
        _print(cells.directory(connection))


@app.command("set", epilog="Example: telemetry cell set --regions CN-31,CN-32 --other 2=DE,FR")
def set_(
    regions: Annotated[
        str, typer.Option(help="What this cell holds, ISO 3166-2, comma separated; empty: all.")
    ] = "",
    other: Annotated[
        list[str] | None, typer.Option(help="Another cell: its number = its regions.")
    ] = None,
) -> None:
    """Say which regions this cell (TELEMETRY_CELL) and the others hold.

    From then on the database refuses vehicles of other regions, and names their cell.
    """
    here = context.load(StorageSettings).cell
    known = [Cell(cell=here, regions=_regions(regions), is_here=True)]
    for text in other or ():
        number, _, held = text.partition("=")
        if not number.isdecimal() or int(number) == here:
            raise TelemetryError(f"{text!r} is no other cell: write number=regions, as 2=DE,FR.")
        known.append(Cell(cell=int(number), regions=_regions(held), is_here=False))
    with database.opened() as connection:
        cells.set_directory(connection, known)
        _print(cells.directory(connection))


@app.command(epilog="Example: telemetry cell elsewhere 2 LSGAA11112A000001")
def elsewhere(
    cell: Annotated[int, typer.Argument(help="The cell that keeps them.")],
    vins: Annotated[list[str], typer.Argument(help="VINs.")],
) -> None:
    """Say that vehicles are kept in another cell: their frames become dead letters here."""
    with database.opened() as connection:
        cells.put_elsewhere(connection, vins, cell)
    _say(f"{len(vins)} vehicles are kept in cell {cell}.")


def _print(known: list[Cell]) -> None:
    for cell in known:
        where = "here" if cell.is_here else "elsewhere"
        regions = ", ".join(cell.regions) or (
            "every region" if cell.is_here else "vehicles that are named alone"
        )
        _say(f"cell {cell.cell} ({where}): {regions}")
    if not known:
        _say("One cell for everything: no directory is set.")


def _say(text: str) -> None:
    Console(soft_wrap=True).print(text, highlight=False, markup=False)


def _regions(text: str) -> tuple[str, ...]:
    return tuple(region.strip() for region in text.split(",") if region.strip())
