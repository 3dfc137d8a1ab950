"""What `telemetry export` has written, as something to learn from: which files, and who is in them.

An export has a folder a table, a manifest that names the files that count (with snapshots, older
ones lie beside them), and tells the class of a vehicle once, in `vehicles.parquet`.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from analytics.training.recipe import TrainingError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MANIFEST = "manifest.json"
"""What an export calls its own."""

VEHICLES = "vehicles.parquet"
"""Where it tells who is in it."""

CLASS = "vehicle_class"

SEGMENTS = "segments"
"""The table that is learnt from where none is named."""

UNTOLD = "untold"
"""The class of a vehicle whose own would give it away under its pseudonym."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Export:
    """A table of an export.

    Attributes:
        folder: of the export.
        table: its name there.
        manifest: as it was written.
    """

    folder: Path
    table: str
    manifest: Mapping[str, Any]

    def files(self) -> list[Path]:
        """Those of the table that count, by day and bucket of vehicles.

        Raises:
            TrainingError: the table is not there, or not whole.
        """
        there = self.manifest["query"]["tables"]
        if self.table not in there:
            others = " or ".join(str(self.folder / name) for name in there if name != "signals")
            raise TrainingError(
                f"{self.folder} was exported without {self.table}: export it with --features "
                f"--identified, or name a table{f' as {others}' if others else ''}."
            )
        if not self.manifest["complete"]:
            raise TrainingError(
                f"The export {self.folder} was broken off: run its command again, which goes on."
            )
        parts = [part for part in self.manifest["partitions"] if part["table"] == self.table]
        parts.sort(key=lambda part: (part["day"], part["bucket"]))
        return [self.folder / part["file"] for part in parts if part["file"] is not None]

    @property
    def classes(self) -> dict[str, str]:
        """The class of each vehicle, by what it is called there."""
        import pyarrow.parquet  # noqa: PLC0415  # takes a moment

        told = pyarrow.parquet.read_table(self.folder / VEHICLES, columns=["vehicle", CLASS])
        return {
            vehicle: UNTOLD if name is None else name
            for vehicle, name in zip(*(column.to_pylist() for column in told), strict=True)
        }


def exported(folder: Path) -> Export | None:
    """The export that a folder is, or is a table of; None: it is neither.

    Raises:
        TrainingError: a manifest cannot be read.
    """
    for home, table in ((folder, SEGMENTS), (folder.parent, folder.name)):
        manifest = _manifest(home)
        tables = manifest["query"].get("tables", ())
        if tables and (home == folder or table in tables):
            return Export(folder=home, table=table, manifest=manifest)
    return None


def source_of(folder: Path) -> dict[str, Any]:
    """Of the manifest in a folder: its checksum (`exported`), and what was asked (`query`)."""
    manifest = _manifest(folder)
    if not manifest["query"]:
        return {}
    checksum = hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()
    return {"exported": checksum, "query": manifest["query"]}


def _manifest(folder: Path) -> dict[str, Any]:
    """As it was written; where there is none, one of a query for nothing."""
    file = folder / MANIFEST
    if not file.is_file():
        return {"query": {}}
    try:
        found: dict[str, Any] = json.loads(file.read_text("utf-8"))
        found["query"].get("tables")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise TrainingError(f"{file} is no manifest of an export: {error!r}.") from error
    return found
