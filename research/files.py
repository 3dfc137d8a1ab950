"""An export as a source: rows of its Parquet files, of no more of them than a question needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.dataset as ds

from research import manifest as manifests
from research import partitions, snapshots
from research.errors import ExportError
from research.places import Place
from research.steps import into_steps
from research.tables import DRIVEN, SIGNALS, VEHICLES, VEHICLES_FILE
from schemas import catalogue as catalogues

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from schemas.catalogue import Catalogue
    from storage.export_rows import Driven

    Span = tuple[datetime, datetime]


class Files:
    """What was exported to a place.

    Args:
        where: a folder, or the address of a bucket and prefix.
        as_of: read what it was then, by its snapshots; None: what it is.
        catalogue: of the signals; None: ours.

    Raises:
        ExportError: no export lies there.
    """

    def __init__(
        self,
        where: str | Path,
        *,
        as_of: datetime | None = None,
        catalogue: Catalogue | None = None,
    ) -> None:
        self._as_of = as_of
        self._place = Place(where)
        self._catalogue = catalogue or catalogues.default()
        found = manifests.read(self._place)
        if found is None:
            raise ExportError(f"{where} holds no export: `telemetry export` writes one.")
        self.manifest = found

    @property
    def resolution_s(self) -> int:
        """In what steps signals were exported [s]; 0: each row."""
        return self.manifest.query.resolution_s

    @property
    def blurred_s(self) -> int:
        """By how much a time of trips and events may lie before the true one [s]."""
        return 0 if self.manifest.query.is_identified else self.resolution_s

    def vehicles(self) -> pa.Table:
        """The vehicles of the export: columns of `research.tables.VEHICLES`."""
        path = self._place.path(VEHICLES_FILE)
        file = ds.dataset(path, format="parquet", filesystem=self._place.files)
        return file.to_table(columns=VEHICLES.names).cast(VEHICLES)

    def signals(
        self, names: Sequence[str], span: Span, vehicles: Sequence[str] | None, resolution_s: int
    ) -> Iterator[pa.Table]:
        """Signals in a span, some vehicles of a day at a time.

        Raises:
            ExportError: these signals, or such steps, were not exported.
        """
        query = self.manifest.query
        if missing := [name for name in names if name not in query.signals]:
            raise ExportError(f"{self._place.name} was exported without {', '.join(missing)}.")
        if query.resolution_s not in (0, resolution_s):
            raise ExportError(
                f"{self._place.name} was exported in steps of {query.resolution_s} s, not "
                f"{resolution_s} s."
            )
        for table in self._rows(SIGNALS, ["time", *names], "time", span, vehicles):
            if resolution_s == query.resolution_s:
                yield table
            else:
                yield into_steps(table, self._catalogue, names, resolution_s)

    def driven(
        self, table: Driven, span: Span, vehicles: Sequence[str] | None
    ) -> Iterator[pa.Table]:
        """Trips, events, ... that begin in a span.

        Raises:
            ExportError: these were not exported.
        """
        if table.name not in self.manifest.query.tables:
            raise ExportError(f"{self._place.name} was exported without {table.name}.")
        names = [name for name in DRIVEN[table.name].schema.names if name != "vehicle"]
        for found in self._rows(table.name, names, "start_time", span, vehicles):
            yield found.cast(table.schema)

    def _rows(
        self,
        table: str,
        names: Sequence[str],
        time: str,
        span: Span,
        vehicles: Sequence[str] | None,
    ) -> Iterator[pa.Table]:
        """A row group at a time: all rows of a vehicle and day are in one."""
        wanted = (ds.field(time) >= pa.scalar(span[0])) & (ds.field(time) < pa.scalar(span[1]))
        if vehicles is not None:
            wanted &= ds.field("vehicle").isin([*vehicles])
        for name in self._files(table, span, vehicles):
            path = self._place.path(name)
            file = ds.dataset(path, format="parquet", filesystem=self._place.files)
            for fragment in file.get_fragments():
                for part in fragment.split_by_row_group(wanted, schema=file.schema):
                    found = part.to_table(
                        columns=["vehicle", *names], filter=wanted, schema=file.schema
                    )
                    if len(found):
                        yield found

    def _files(self, table: str, span: Span, vehicles: Sequence[str] | None) -> Iterator[str]:
        buckets = self.manifest.query.buckets
        in_buckets = (
            None
            if vehicles is None
            else {partitions.bucket_of(vehicle, buckets) for vehicle in vehicles}
        )
        if self._as_of is None:
            there = [(str(one.file), one.day, one.bucket) for one in self.manifest.files(table)]
        else:
            there = snapshots.named_as_of(self._place, table, self._as_of)
        for name, day, bucket in there:
            is_in_span = span[0].date() <= day <= span[1].date()
            if is_in_span and (in_buckets is None or bucket in in_buckets):
                yield name
