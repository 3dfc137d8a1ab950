"""The manifest of an export: what was asked, and each partition with rows, checksum and versions.

It is rewritten as a whole while the export goes on, so that one which was killed goes on from
there. There is no time in it: the same data make the same manifest.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from datetime import date
from typing import TYPE_CHECKING, Any

from research.errors import ExportError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from research.places import Place

NAME = "manifest.json"
FORMAT = 1
"""Raised where a reader of today could not read it any more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Query:
    """What an export is of, for good: one folder holds one such thing.

    Attributes:
        party: whose vehicles.
        purpose: what for; None: vehicles are told by their VINs and values as they are.
        signals: by name, in the order of the columns.
        resolution_s: steps [s]; 0: each row.
        tables: signals, trips, events: those that are written.
        buckets: into how many parts the vehicles of a day are shared out, by their names.
        grid_deg: the grid of positions [degrees]; None: as they are.
        min_vehicles: fewer share no class or model that is told; None: all is told.
        snapshots: files are never replaced, so that a snapshot's are still there.
    """

    party: str
    purpose: str | None
    signals: tuple[str, ...]
    resolution_s: int
    tables: tuple[str, ...]
    buckets: int
    grid_deg: float | None
    min_vehicles: int | None
    snapshots: bool

    @property
    def is_identified(self) -> bool:
        """Whether vehicles are told by their VINs."""
        return self.purpose is None


@dataclass(frozen=True, kw_only=True, slots=True)
class Partition:
    """The rows of a table of a day and a bucket of vehicles.

    Attributes:
        table, day, bucket: which.
        file: its path within the export; None: there are no rows.
        rows, values: how many, and how many values that are not absent.
        bytes, sha256: of the file.
        source: changes whenever the database has something else of it.
        catalogue_version, code_version: of the catalogue and the code that wrote it.
    """

    table: str
    day: date
    bucket: int
    file: str | None
    rows: int
    values: int
    bytes: int
    sha256: str | None
    source: str
    catalogue_version: int
    code_version: str

    @property
    def key(self) -> tuple[str, date, int]:
        """Which it is."""
        return self.table, self.day, self.bucket


@dataclass(kw_only=True)
class Manifest:
    """All that is known of an export.

    Attributes:
        query: what it is of.
        first, last: the days that were asked for, of all runs together.
        complete: whether the last run has ended.
        vehicles: how many vehicles there are in it.
        vehicles_sha256: checksum of `vehicles.parquet`.
    """

    query: Query
    first: date
    last: date
    complete: bool = False
    vehicles: int = 0
    vehicles_sha256: str | None = None
    partitions: dict[tuple[str, date, int], Partition] = field(default_factory=dict)

    def files(self, table: str) -> Iterator[Partition]:
        """The partitions of a table that have rows, by day and bucket."""
        for key in sorted(self.partitions):
            if key[0] == table and self.partitions[key].file is not None:
                yield self.partitions[key]

    def to_json(self) -> bytes:
        """As it is written."""
        told = {
            "format": FORMAT,
            "query": asdict(self.query),
            "first_day": self.first.isoformat(),
            "last_day": self.last.isoformat(),
            "complete": self.complete,
            "vehicles": self.vehicles,
            "vehicles_sha256": self.vehicles_sha256,
            "rows": {
                table: sum(one.rows for one in self.partitions.values() if one.table == table)
                for table in self.query.tables
            },
            "partitions": [
                asdict(self.partitions[key]) | {"day": key[1].isoformat()}
                for key in sorted(self.partitions)
            ],
        }
        return json.dumps(told, indent=1, ensure_ascii=False).encode() + b"\n"


def read(place: Place) -> Manifest | None:
    """The manifest of a place; None: nothing was exported to it yet.

    Raises:
        ExportError: it cannot be read.
    """
    content = place.read(NAME)
    if content is None:
        return None
    try:
        return _parsed(json.loads(content))
    except (ValueError, KeyError, TypeError) as error:
        raise ExportError(
            f"{place.name}/{NAME} is no manifest that this version can read ({error}): was it "
            "edited, or written by a newer version?"
        ) from error


def _parsed(told: dict[str, Any]) -> Manifest:
    if told["format"] != FORMAT:
        raise ValueError(f"format {told['format']}, not {FORMAT}")
    asked = {one.name: told["query"][one.name] for one in fields(Query)}
    asked |= {name: tuple(asked[name]) for name in ("signals", "tables")}
    manifest = Manifest(
        query=Query(**asked),
        first=date.fromisoformat(told["first_day"]),
        last=date.fromisoformat(told["last_day"]),
        complete=told["complete"],
        vehicles=told["vehicles"],
        vehicles_sha256=told["vehicles_sha256"],
    )
    for row in told["partitions"]:
        one = Partition(**row | {"day": date.fromisoformat(row["day"])})
        manifest.partitions[one.key] = one
    return manifest
