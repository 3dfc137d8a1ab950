"""`telemetry catalogue`: look signals up, export them, and check a catalogue file."""

import csv
import json
import sys
from collections.abc import Sequence
from dataclasses import astuple
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from schemas.catalogue import COLUMNS, GROUP_NAMES, Catalogue, CatalogueError, Signal, default, load
from schemas.docs import signals_markdown
from schemas.search import matches
from schemas.signal import ValueType, as_row, number_text

PIPED_WIDTH = 200  # columns; without a terminal rich assumes 80 and would fold the names

app = typer.Typer(
    help="The signals a truck may send: list, search, export, check.",
    epilog="Example: telemetry catalogue --group motion --search brake",
)


class Format(StrEnum):
    """How signals are printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


def _known_group(group: str | None) -> str | None:
    if group is not None and group not in GROUP_NAMES:
        raise typer.BadParameter(f"no group {group!r}: use one of {', '.join(GROUP_NAMES)}")
    return group


@app.callback(invoke_without_command=True)
def list_signals(
    context: typer.Context,
    group: Annotated[
        str | None,
        typer.Option(
            callback=_known_group,
            autocompletion=lambda: list(GROUP_NAMES),
            help=f"Only this group: {', '.join(GROUP_NAMES)}.",
        ),
    ] = None,
    search: Annotated[
        str | None,
        typer.Option(help="Only signals with all these words in name, path, descriptions or SPN."),
    ] = None,
    output: Annotated[
        Format, typer.Option("--format", help="The CSV has the catalogue file's own columns.")
    ] = Format.TABLE,
) -> None:
    """List the signals of the catalogue, all or those that match."""
    if context.invoked_subcommand is not None:
        return
    catalogue = _or_exit(None)
    signals = [
        signal
        for signal in catalogue.signals
        if (group is None or signal.group == group) and (search is None or matches(signal, search))
    ]
    if not signals:
        typer.echo("no signal matches: try fewer words or another group", err=True)
    match output:
        case Format.TABLE:
            _print_table(signals)
        case Format.CSV:
            writer = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(as_row(signal) for signal in signals)
        case Format.JSON:
            rows = [dict(zip(COLUMNS, astuple(signal), strict=True)) for signal in signals]
            typer.echo(json.dumps(rows, ensure_ascii=False, indent=2))


@app.command(epilog="Example: telemetry catalogue check my-catalogue.csv")
def check(
    file: Annotated[
        Path | None, typer.Argument(help="A catalogue file; without it, the one that ships.")
    ] = None,
) -> None:
    """Check a catalogue file; print each problem with its line and reason, and exit 1."""
    catalogue = _or_exit(file)
    typer.echo(
        f"{file or 'the catalogue'} is right: version {catalogue.version}, "
        f"{len(catalogue.signals)} signals in {len(catalogue.groups)} groups"
    )


@app.command(epilog="Example: telemetry catalogue docs --output docs/signals.md")
def docs(
    output: Annotated[
        Path | None, typer.Option(help="Write the page here; without it, to standard output.")
    ] = None,
) -> None:
    """Render the catalogue as a Markdown page in English and Chinese."""
    page = signals_markdown(_or_exit(None))
    if output is None:
        typer.echo(page, nl=False)
    else:
        output.write_text(page, encoding="utf-8")


def _or_exit(file: Path | None) -> Catalogue:
    """Load a catalogue; where it is wrong, say why and exit 1."""
    try:
        return default() if file is None else load(file)
    except CatalogueError as error:
        if error.problems:
            typer.echo("\n".join(str(problem) for problem in error.problems))
        else:
            typer.echo(str(error), err=True)
        raise typer.Exit(1) from error


def _print_table(signals: Sequence[Signal]) -> None:
    console = Console()
    if not console.is_terminal:
        console.width = PIPED_WIDTH
    for group in GROUP_NAMES:
        members = [signal for signal in signals if signal.group == group]
        if members:
            console.print(_table(group, members))


def _table(group: str, signals: Sequence[Signal]) -> Table:
    title = f"{group}: {len(signals)} {'signal' if len(signals) == 1 else 'signals'}"
    table = Table(title=title, title_justify="left")
    table.add_column("id", justify="right", no_wrap=True)
    table.add_column("name", overflow="fold")
    table.add_column("kind", no_wrap=True)
    table.add_column("unit", no_wrap=True)
    table.add_column("limits", justify="right")
    table.add_column("every", justify="right", no_wrap=True)
    table.add_column("SPN", justify="right", no_wrap=True)
    table.add_column("description", overflow="fold")
    for signal in signals:
        limits = f"{number_text(signal.minimum)} … {number_text(signal.maximum)}"
        table.add_row(
            str(signal.id),
            signal.name,
            signal.kind,
            signal.unit,
            "off, on" if signal.type is ValueType.BOOLEAN else limits,
            f"{number_text(signal.period_s)} s",
            "" if signal.spn is None else str(signal.spn),
            f"{signal.description_en} · {signal.description_zh}",
        )
    return table
