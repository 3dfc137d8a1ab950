"""A partition is made: read from the database and written as a file, by whoever works at an export.

What comes of it is the same to the byte, wherever that is. In a folder the file has a hidden name
until the export takes it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import TYPE_CHECKING

from research import partitions
from research.manifest import Partition
from research.tables import DRIVEN, SIGNALS
from research.work import content
from storage import export_rows
from storage.export_signals import SignalReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import pyarrow as pa

    from research.manifest import Query
    from research.places import Place
    from research.work import Work
    from schemas.catalogue import Catalogue
    from storage.arrow_reads import ArrowReader
    from storage.export_members import Members

CODE_VERSION = version("vehicle-telemetry")


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """What came of a partition.

    Attributes:
        partition: as it is now.
        is_new: it was written anew.
        hidden: under which name its file lies; None: under its own, or there is none.
    """

    partition: Partition
    is_new: bool
    hidden: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Maker:
    """Makes partitions.

    Attributes:
        catalogue: of the signals.
        place: where to.
        query: what the export is of.
        reader: gives a connection to the thread that asks.
    """

    catalogue: Catalogue
    place: Place
    query: Query
    reader: Callable[[], ArrowReader]

    def make(self, item: Work, members: Members, before: Partition | None) -> Made:
        """A partition as it is now: of trips, events, ... the one before, where it is still true.

        Args:
            item: which, and whose.
            members: how all of them are told.
            before: as it was made last, whose file is there; None: never.

        Raises:
            StorageError: the database refused, or was lost on the way.
        """
        reader = self.reader()
        if item.table == SIGNALS:
            source = item.source(members.resolution_s)
            signals = SignalReader(reader, self.catalogue, members, self.query.signals)
            telling = (one for one in item.members if one.vehicle_id in item.touched)
            found: Iterator[pa.Table] = (signals.read(one, item.span) for one in telling)
        else:
            table = export_rows.read_driven(
                reader, members, item.members, DRIVEN[item.table], item.span
            )
            # There are few of them: they are read to know whether they are still the same.
            source = content(table)
            if before is not None and before.source == source:
                return Made(partition=before, is_new=False)
            found = iter([table])
        return self._write(item, found, source)

    def _write(self, item: Work, tables: Iterator[pa.Table], source: str) -> Made:
        schema = schemas(self.catalogue, self.query)[item.table]
        folder = partitions.folder_of(item.table, item.day, item.bucket)
        name = f"{folder}/part-0.parquet"
        made = Partition(
            table=item.table,
            day=item.day,
            bucket=item.bucket,
            file=None,
            rows=0,
            values=0,
            bytes=0,
            sha256=None,
            source=source,
            catalogue_version=self.catalogue.version,
            code_version=CODE_VERSION,
        )
        with self.place.drafted(name, by_many=True) as draft:
            rows, values = partitions.write(draft.path, schema, (t.cast(schema) for t in tables))
            if not rows:
                return Made(partition=made, is_new=True)
            sha256 = partitions.checksum(draft.path)
            size = draft.path.stat().st_size
            if self.query.snapshots:
                name = f"{folder}/part-{sha256[:16]}.parquet"
            hidden = draft.hand_over(name)
        made = replace(made, file=name, rows=rows, values=values, bytes=size, sha256=sha256)
        return Made(partition=made, is_new=True, hidden=hidden)


def schemas(catalogue: Catalogue, query: Query) -> Mapping[str, pa.Schema]:
    """Of an export's tables, each with what says of which catalogue it is and in what steps."""
    about = {
        "catalogue_version": str(catalogue.version),
        "resolution_s": str(query.resolution_s),
    }
    signals = export_rows.signals_schema(catalogue, query.signals, query.resolution_s)
    known = {SIGNALS: signals} | {name: one.schema for name, one in DRIVEN.items()}
    return {table: known[table].with_metadata(about) for table in query.tables}
