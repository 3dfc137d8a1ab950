"""Checks that several commands make of their options."""

import math
from pathlib import Path
from typing import Annotated

import typer

from analytics.thresholds import CLASSES
from schemas.errors import TelemetryError

Scheduler = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="Let the workers of Dask's scheduler there do the work (tcp://host:port), each with "
        "the database that its own TELEMETRY_DATABASE_DSN names; otherwise what "
        "TELEMETRY_SCHEDULER names, or this process.",
    ),
]
"""Who does the work: for `context.scheduler`."""

MAX_NUMBER = 2**63 - 1
"""Of anything that the database numbers."""

LEAST_S = 0.1
"""A wait shorter than this is a busy loop [s]."""


def lines_of(file: Path) -> list[str]:
    """The lines of a text file, without blanks around them and without empty ones.

    Raises:
        TelemetryError: it cannot be read, or is no text.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise TelemetryError(f"{file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise TelemetryError(f"{file} is no text: write a VIN a line, as UTF-8.") from error
    return [line.strip() for line in text.splitlines() if line.strip()]


def seconds(value: float | None) -> float | None:
    """Refuse what is no time to wait.

    Raises:
        typer.BadParameter: it is not finite, or shorter than LEAST_S.
    """
    if value is not None and not (math.isfinite(value) and value >= LEAST_S):
        raise typer.BadParameter(f"{value} is no time to wait: give at least {LEAST_S} seconds")
    return value


def vehicle_class(value: str | None) -> str | None:
    """Refuse what is no class of vehicle.

    Raises:
        typer.BadParameter: names those there are.
    """
    if value is not None and value not in CLASSES:
        raise typer.BadParameter(f"{value!r} is no class: use one of {', '.join(CLASSES)}")
    return value
