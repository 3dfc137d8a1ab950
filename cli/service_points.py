"""`telemetry service-points`: places of dealers and service providers, from a list."""

from __future__ import annotations

import csv
import math
import re
from collections import Counter
from pathlib import Path  # noqa: TC003 - Typer reads it
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from cli import context
from schemas import catalogue
from schemas.errors import TelemetryError
from storage import service
from storage.connection import connect
from storage.migrate import require_compatible
from storage.service import ServicePoint

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from storage.connection import Connection

NEEDED = ("code", "party", "kind", "name", "latitude", "longitude")
OPTIONAL = ("address", "phone", "opening_hours", "services")
KINDS = ("dealer", "service_provider")
MOST_TEXT = 300
"""Characters of a field."""

_SERVICE = re.compile(r"[a-z0-9_-]{1,40}", re.ASCII)

app = typer.Typer(
    help="Places of dealers and service providers, which the API tells the nearest of.",
    no_args_is_help=True,
    epilog="Example: telemetry service-points import places.csv --dry-run",
)


@app.callback()
def _several() -> None:
    """Places of dealers and service providers, which the API tells the nearest of."""


@app.command("import", epilog="Example: telemetry service-points import places.csv --dry-run")
def import_(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="CSV, UTF-8, with a header line.")
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")
    ] = False,
) -> None:
    """Read places from a CSV file: all of them, or none where a line cannot be used.

    Columns: code (by which the list knows the place), party, kind (dealer or service_provider),
    name, latitude, longitude (degrees WGS 84), and address, phone, opening_hours, services (words
    with blanks between them) if there are such. A place whose code is known is replaced; a party
    that is not registered is registered. Exit code 1 where a line cannot be used.
    """
    console = Console(soft_wrap=True)
    with connect(context.database_dsn()) as connection:
        require_compatible(connection, catalogue.default())
        lines = list(_lines(file))
        found, faults = _checked(connection, lines)
        known = service.known_points(connection, [point.code for _, point in found])
        verdicts = Counter[str]()
        for line, point in found:
            before = known.get(point.code)
            verdict = "new" if before is None else "same" if before == point else "changed"
            verdicts[verdict] += 1
            if verdict != "same":
                console.print(
                    f"line {line}: {verdict}: {point.code} {point.name}",
                    highlight=False,
                    markup=False,
                )
        for line, fault in faults:
            console.print(f"line {line}: refused: {fault}", style="red", markup=False)
        told = ", ".join(
            f"{count:,} {verdict}"
            for verdict, count in (
                *((name, verdicts[name]) for name in ("new", "changed", "same")),
                ("refused", len(faults)),
            )
        )
        if faults or dry_run:
            console.print(f"{told}; nothing was written", highlight=False)
        else:
            service.put_points(
                connection, [point for _, point in found if known.get(point.code) != point]
            )
            console.print(f"{told}", highlight=False)
    if faults:
        raise typer.Exit(1)


def _lines(file: Path) -> Iterator[tuple[int, Mapping[str | None, object]]]:
    """The rows of the file, each with the number of its last line."""
    try:
        # The mark that some programs put before UTF-8 is no part of the first name.
        with file.open(encoding="utf-8-sig", newline="") as opened:
            reader = csv.DictReader(opened, strict=True)
            names = reader.fieldnames or ()
            _check_header(file, names)
            for row in reader:
                yield reader.line_num, row
    except (UnicodeDecodeError, csv.Error) as error:
        raise TelemetryError(f"{file} cannot be read as CSV in UTF-8: {error}.") from error


def _check_header(file: Path, names: object) -> None:
    given = list(names) if isinstance(names, list | tuple) else []
    missing = [name for name in NEEDED if name not in given]
    unknown = [name for name in given if name not in (*NEEDED, *OPTIONAL)]
    twice = [name for name, times in Counter(given).items() if times > 1]
    if missing or unknown or twice:
        faults = [
            f"{what} {', '.join(map(str, which))}"
            for what, which in (("lacks", missing), ("does not know", unknown), ("repeats", twice))
            if which
        ]
        raise TelemetryError(
            f"The header of {file} {'; '.join(faults)}. Columns are {', '.join(NEEDED)} and, if "
            f"there are such, {', '.join(OPTIONAL)}."
        )


def _checked(
    connection: Connection, lines: list[tuple[int, Mapping[str | None, object]]]
) -> tuple[list[tuple[int, ServicePoint]], list[tuple[int, str]]]:
    """The places that can be used and what is wrong with the others, each with its line."""
    found: list[tuple[int, ServicePoint]] = []
    faults: list[tuple[int, str]] = []
    for line, row in lines:
        try:
            found.append((line, _point(row)))
        except ValueError as error:
            faults.append((line, str(error)))
    kinds = service.party_kinds(connection, {point.party for _, point in found})
    codes: dict[str, int] = {}
    good: list[tuple[int, ServicePoint]] = []
    for line, point in found:
        kind = kinds.setdefault(point.party, point.kind)
        if point.code in codes:
            faults.append((line, f"code {point.code} is on line {codes[point.code]} already"))
        elif kind != point.kind:
            faults.append((line, f"party {point.party} is a {kind}, not a {point.kind}"))
        else:
            codes[point.code] = line
            good.append((line, point))
    return good, sorted(faults)


def _point(row: Mapping[str | None, object]) -> ServicePoint:
    """The place of a line.

    Raises:
        ValueError: says what is wrong with it.
    """
    if None in row:
        raise ValueError("it has more fields than the header")
    fields = {name: str(row.get(name) or "").strip() for name in (*NEEDED, *OPTIONAL)}
    for name, text in fields.items():
        if not text and name in NEEDED:
            raise ValueError(f"{name} is missing")
        if len(text) > MOST_TEXT or not text.isprintable():
            raise ValueError(f"{name} is not one line of up to {MOST_TEXT} characters")
    if fields["kind"] not in KINDS:
        raise ValueError(f"kind {fields['kind']!r} is none of {', '.join(KINDS)}")
    services = tuple(dict.fromkeys(fields["services"].split()))
    for name in services:
        if _SERVICE.fullmatch(name) is None:
            raise ValueError(f"service {name!r} is not of lower-case letters, digits, _ and -")
    return ServicePoint(
        code=fields["code"],
        party=fields["party"],
        kind=fields["kind"],
        name=fields["name"],
        latitude=_degrees(fields["latitude"], "latitude", 90),
        longitude=_degrees(fields["longitude"], "longitude", 180),
        address=fields["address"] or None,
        phone=fields["phone"] or None,
        opening_hours=fields["opening_hours"] or None,
        services=services,
    )


def _degrees(text: str, name: str, most: float) -> float:
    try:
        degrees = float(text)
    except ValueError:
        degrees = math.nan
    if not -most <= degrees <= most:
        raise ValueError(f"{name} {text!r} is not between -{most} and {most} degrees")
    return degrees
