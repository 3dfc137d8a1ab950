"""A mapping says which column of a foreign file is which signal: a data file, checked on load.

description = "What this maps"

[time]
column = "t_s"
kind = "elapsed_s"           # seconds since a start; or "timestamp" (UTC where it has no zone)
restarts_with = ["segment"]  # columns that change where the clock starts again
pause_s = 900                # how long the vehicle rests between two such stretches

[[signal]]
column = "speed_kmh"
unit = "km/h"                # the source's unit; see ingest/gateways/conversions.py
name = "wheel_speed"         # a signal of the catalogue, by name or VSS path
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ingest.errors import ReplayError
from ingest.gateways.conversions import conversion
from schemas.catalogue import CatalogueError

if TYPE_CHECKING:
    from ingest.gateways.conversions import Conversion
    from schemas.catalogue import Catalogue, Signal


class TimeColumn(BaseModel):
    """Where a row's time comes from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str
    kind: Literal["elapsed_s", "timestamp"]
    restarts_with: tuple[str, ...] = ()
    pause_s: float = Field(default=900.0, ge=0)


class _SignalColumn(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str
    unit: str
    name: str


class _MappingFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    description: str
    time: TimeColumn
    signal: tuple[_SignalColumn, ...] = Field(min_length=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class MappedColumn:
    """One column of the source, the signal it is, and the way between their units."""

    column: str
    signal: Signal
    conversion: Conversion


@dataclass(frozen=True, kw_only=True, slots=True)
class Mapping:
    """A checked mapping."""

    name: str
    description: str
    time: TimeColumn
    columns: tuple[MappedColumn, ...]


def packaged() -> dict[str, str]:
    """The names of the mappings that come with the platform, and what each is for."""
    found = {}
    for file in sorted(files("ingest.gateways").joinpath("mappings").iterdir(), key=str):
        if file.name.endswith(".toml"):
            name = file.name.removesuffix(".toml")
            found[name] = str(tomllib.loads(file.read_text(encoding="utf-8"))["description"])
    return found


def load(name: str, catalogue: Catalogue) -> Mapping:
    """Read a mapping: a packaged one by its name, any other by its path.

    Raises:
        ReplayError: there is none, or it breaks a rule; the message says which and where.
    """
    packaged_file = files("ingest.gateways").joinpath("mappings", f"{name}.toml")
    file = packaged_file if packaged_file.is_file() else Path(name)
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ReplayError(
            f"No mapping {name}: it is neither a file that can be read ({error}) nor one of "
            f"{', '.join(packaged())}."
        ) from error
    try:
        parsed = _MappingFile.model_validate(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise ReplayError(f"Mapping {name} is not as it should be: {error}") from error
    columns = [_column(name, column, catalogue) for column in parsed.signal]
    twice = {c.signal.name for c in columns if [d.signal for d in columns].count(c.signal) > 1}
    if twice:
        raise ReplayError(f"Mapping {name} gives {', '.join(sorted(twice))} twice.")
    return Mapping(
        name=name, description=parsed.description, time=parsed.time, columns=tuple(columns)
    )


def _column(name: str, column: _SignalColumn, catalogue: Catalogue) -> MappedColumn:
    try:
        signal = catalogue.resolve(column.name)
    except CatalogueError as error:
        raise ReplayError(f"Mapping {name}, column {column.column}: {error}") from error
    way = conversion(column.unit, signal.unit)
    if way is None:
        raise ReplayError(
            f"Mapping {name}, column {column.column}: no way from {column.unit!r} to "
            f"{signal.unit!r}, the unit of {signal.name}."
        )
    return MappedColumn(column=column.column, signal=signal, conversion=way)
