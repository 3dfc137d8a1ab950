"""What a model is trained on: frames of rows one after another, and a manifest that names them.

A dataset is a database (`analytics.runner.training`) or a folder of Parquet files, partitioned or
not. The manifest's checksum is that of the values in the order they come, so that two people know
whether they trained on the same.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd

from analytics.training.exported import CLASS, exported, source_of
from analytics.training.recipe import IDENTITY, TrainingError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date
    from pathlib import Path

    from numpy.typing import NDArray

    from analytics.training.exported import Export

BATCH_ROWS = 100_000

REGION = "region"


class Dataset(Protocol):
    """Rows of vehicles."""

    @property
    def source(self) -> dict[str, Any]:
        """What it is, for the manifest: JSON."""
        ...

    def vehicles(self) -> pd.DataFrame:
        """Who is in it: vehicle (sorted), vehicle_class, region (None: not known), rows."""
        ...

    def frames(self, columns: Sequence[str]) -> Iterator[pd.DataFrame]:
        """All rows with IDENTITY and these columns, always in the same order.

        Raises:
            TrainingError: columns are missing.
        """
        ...


@dataclass(kw_only=True, slots=True)
class Manifest:
    """Names what went through it.

    Attributes:
        source: of the dataset.
        columns: that were read.
        rows: how many.
        first, last: when the first and the last began (UTC).
        day: the last local day there is something of.
    """

    source: dict[str, Any]
    columns: Sequence[str]
    rows: int = 0
    first: pd.Timestamp | None = None
    last: pd.Timestamp | None = None
    day: date | None = None
    _vehicles: set[object] = field(default_factory=set)
    _digests: dict[str, Any] = field(default_factory=dict)  # of hashlib

    def through(self, frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        """The frames, as they come, once they are written down."""
        for frame in frames:
            if not len(frame):
                continue
            self.rows += len(frame)
            self._vehicles.update(frame["vehicle"].unique())
            began = frame["start_time"]
            first, last = began.min(), began.max()
            self.first = first if self.first is None else min(self.first, first)
            self.last = last if self.last is None else max(self.last, last)
            # Where the local day is not told: no zone is more than 14 hours ahead.
            day = frame["day"].max() if "day" in frame else last + pd.Timedelta(hours=14)
            self.day = day.date() if self.day is None else max(self.day, day.date())
            times = pd.DatetimeIndex(began).as_unit("us").asi8
            self._digest("start_time", times)
            for name in ("vehicle", *self.columns):
                self._digest(name, frame[name].to_numpy())
            yield frame

    def _digest(self, name: str, values: NDArray[Any]) -> None:
        """Each column by itself, so that it does not matter where frames end."""
        digest = self._digests.setdefault(name, hashlib.sha256(name.encode()))
        digest.update(pd.util.hash_array(values).astype("<u8").tobytes())

    @property
    def span(self) -> tuple[date, date] | None:
        """First and last day."""
        return None if self.first is None or self.day is None else (self.first.date(), self.day)

    def to_dict(self) -> dict[str, Any]:
        """As it is kept and told."""
        return {
            **self.source,
            "rows": self.rows,
            "vehicles": len(self._vehicles),
            "first": None if self.first is None else self.first.isoformat(),
            "last": None if self.last is None else self.last.isoformat(),
            "columns": list(self.columns),
            "sha256": hashlib.sha256(
                b"".join(digest.digest() for _, digest in sorted(self._digests.items()))
            ).hexdigest(),
        }


@dataclass(kw_only=True, slots=True)
class ParquetFolder:
    """A folder of Parquet files with a row a segment (or whatever a model learns from).

    Folders `name=value` are columns. Needed are vehicle, start_time, vehicle_class and what the
    model reads; the region is told by `region`, if at all. What `telemetry export` has written is
    read as it lies there (`analytics.training.exported`).

    Attributes:
        folder: where they are: an export, which means its segments, the folder of another of its
            tables, or one of one's own.
    """

    folder: Path
    _export: Export | None = field(default=None, init=False)
    _found: Any = field(default=None, init=False)  # of pyarrow, which has no types

    def __post_init__(self) -> None:
        """Look for an export there."""
        self._export = exported(self.folder)

    @property
    def source(self) -> dict[str, Any]:
        """The folder's name, and what the manifest says that an export left there."""
        told: dict[str, Any] = {"source": "parquet", "name": self.folder.name}
        if self._export is None:
            return told | source_of(self.folder)
        return told | {"table": self._export.table} | source_of(self._export.folder)

    def vehicles(self) -> pd.DataFrame:
        """Who is in it; see `Dataset`."""
        counted = [
            frame.groupby("vehicle", sort=False).agg(
                vehicle_class=("vehicle_class", "first"),
                region=(REGION, "first"),
                rows=("start_time", "size"),
            )
            for frame in self.frames(())
        ]
        if not counted:
            return pd.DataFrame(columns=["vehicle", "vehicle_class", REGION, "rows"])
        grouped = pd.concat(counted).groupby(level=0, sort=True)
        first = grouped[["vehicle_class", REGION]].first()
        return first.assign(rows=grouped["rows"].sum()).reset_index()

    def frames(self, columns: Sequence[str]) -> Iterator[pd.DataFrame]:
        """Rows by file and place in it; see `Dataset`."""
        there = self._dataset()
        wanted = list(dict.fromkeys((*IDENTITY, *columns)))
        elsewhere = {REGION} if self._export is None else {REGION, CLASS}
        absent = [name for name in wanted if name not in there.schema.names]
        if missing := [name for name in absent if name not in elsewhere]:
            raise TrainingError(
                f"The Parquet files in {self.folder} have no column {', '.join(missing)}. They have"
                f" {', '.join(there.schema.names)}; docs/training.md says what a dataset must hold."
            )
        read = [name for name in wanted if name in there.schema.names]
        read += ["day"] if "day" in there.schema.names and "day" not in read else []
        for batch in there.to_batches(
            columns=read, batch_size=BATCH_ROWS, fragment_readahead=1, batch_readahead=1
        ):
            if batch.num_rows:
                frame = batch.to_pandas()
                if CLASS in absent and self._export is not None:
                    frame[CLASS] = frame["vehicle"].map(self._export.classes)
                yield _frame(frame, columns)

    def _dataset(self) -> Any:
        if self._found is None:
            import pyarrow.dataset  # noqa: PLC0415  # takes a moment

            files = (
                sorted(self.folder.rglob("*.parquet"))
                if self._export is None
                else self._export.files()
            )
            if not files:
                raise TrainingError(
                    f"There are no Parquet files in {self.folder}: name the folder they are in."
                )
            self._found = pyarrow.dataset.dataset(
                [str(file) for file in files],
                format="parquet",
                partitioning="hive",
                partition_base_dir=str(self.folder),
            )
        return self._found


def _frame(read: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Numbers as the database gives them, times in UTC, a region where there is none."""
    for name in columns:
        read[name] = read[name].astype(np.float32)
    read["start_time"] = pd.DatetimeIndex(pd.to_datetime(read["start_time"], utc=True)).as_unit(
        "us"
    )
    for name in ("vehicle", "vehicle_class"):
        read[name] = read[name].astype(object)
    if "day" in read:
        read["day"] = pd.to_datetime(read["day"])
    if REGION not in read:
        read[REGION] = None
    read[REGION] = read[REGION].astype(object)
    return read
