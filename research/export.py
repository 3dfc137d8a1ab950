"""An export: what the database has of some vehicles and days, as Parquet files with a manifest.

A partition (a table's rows of a day and a bucket of vehicles) is read and written as a whole, and
depends on nothing but what the database has of it: in whatever order, and however often a run is
killed, the files end the same. A later run writes those partitions anew of which the database has
something else, and leaves the others alone.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from importlib.metadata import version
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from research import manifest as manifests
from research import partitions, snapshots
from research.errors import ExportError
from research.manifest import Manifest, Partition, Query
from research.places import UNFINISHED, Place
from research.request import Progress, Request
from research.tables import DRIVEN, SIGNALS, VEHICLES, VEHICLES_FILE
from research.work import Work, content
from storage import export_members, export_rows
from storage.arrow_reads import ArrowReader
from storage.connection import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pydantic import SecretStr

    from schemas.catalogue import Catalogue
    from storage.connection import Connection
    from storage.export_members import Member, Members

_VEHICLES = VEHICLES.append(pa.field("bucket", pa.int32(), nullable=False))

WRITTEN_EVERY_S = 2.0
"""How often the manifest is written while an export goes on: what a kill can cost [s]."""


class Exporter:
    """Writes an export to a place.

    Args:
        dsn: of the database.
        catalogue: of the signals.
        place: where to.
        hot_from: the first day of which the database still has its rows: what was exported of
            earlier days stays as it is.
        jobs: partitions that are read and written at a time, each over a connection of its own.
    """

    def __init__(
        self,
        dsn: SecretStr,
        catalogue: Catalogue,
        place: Place,
        *,
        hot_from: date,
        jobs: int = 2,
    ) -> None:
        self._dsn = dsn
        self._catalogue = catalogue
        self._place = place
        self._hot_from = hot_from
        self._jobs = jobs
        self._lock = threading.Lock()
        self._local = threading.local()
        self._readers: list[ArrowReader] = []
        self._next_write = 0.0

    def run(
        self, request: Request, progress: Callable[[Progress], None] = lambda _: None
    ) -> tuple[Manifest, Progress]:
        """Export; what is there already and still true is left alone.

        Raises:
            ExportError: the place holds an export of something else, or this is told of no vehicle
                that has a pseudonym.
            StorageError: the party may not have this, or the database refused.
        """
        with self._place.locked(), connect(self._dsn) as connection:
            members = export_members.find_members(
                connection, request.asked, request.signals, request.resolution_s
            )
            manifest = self._manifest(request, members)
            export_members.note_read(connection, members, request.asked.purpose)
            self._write_vehicles(manifest, members)
            work = list(self._work(connection, request, manifest, members))
            at = Progress(total=len(work))
            try:
                self._do(work, manifest, members, at, progress)
            finally:
                for reader in self._readers:
                    reader.close()
                self._readers.clear()
                if at.done < at.total:
                    self._place.write(manifests.NAME, manifest.to_json())
            manifest.complete = True
            self._place.write(manifests.NAME, manifest.to_json())
            self._tidy(manifest)
            if manifest.query.snapshots:
                snapshots.commit(self._place, manifest, self._schemas(manifest.query))
        return manifest, at

    def _manifest(self, request: Request, members: Members) -> Manifest:
        untold = [name for name, table in DRIVEN.items() if table.told is None]
        if not members.is_identified and (asked := set(untold) & set(request.tables)):
            raise ExportError(
                f"{', '.join(sorted(asked))} are told only of vehicles that may be known: export "
                "these with --identified."
            )
        there = manifests.read(self._place)
        count = len(members.members)
        new = Query(
            party=request.asked.party,
            purpose=request.asked.purpose,
            signals=request.signals,
            resolution_s=request.resolution_s,
            tables=request.tables,
            buckets=request.buckets or -(-count // partitions.VEHICLES_PER_BUCKET) or 1,
            grid_deg=None if members.is_identified else members.grid_deg,
            min_vehicles=None if members.is_identified else members.min_vehicles,
            snapshots=request.snapshots,
        )
        if there is None:
            return Manifest(query=new, first=request.first, last=request.last)
        if request.buckets is None:
            new = replace(new, buckets=there.query.buckets)
        if other := [
            name for name in Query.__slots__ if getattr(new, name) != getattr(there.query, name)
        ]:
            raise ExportError(
                f"{self._place.name} holds an export with another {', '.join(other)}: name another "
                "place, or ask as its manifest.json says."
            )
        there.first, there.last = min(there.first, request.first), max(there.last, request.last)
        there.complete = False
        return there

    def _write_vehicles(self, manifest: Manifest, members: Members) -> None:
        told = [
            (one.label, one.vehicle_class, one.model, self._bucket(manifest, one))
            for one in members.members
        ]
        columns = [list(column) for column in zip(*told, strict=True)] or [[] for _ in _VEHICLES]
        table = pa.table(columns, schema=_VEHICLES)
        with self._place.drafted(VEHICLES_FILE) as draft:
            pq.write_table(table, draft.path)
            manifest.vehicles_sha256 = partitions.checksum(draft.path)
            draft.keep(VEHICLES_FILE)
        manifest.vehicles = len(table)

    def _bucket(self, manifest: Manifest, member: Member) -> int:
        return partitions.bucket_of(member.label, manifest.query.buckets)

    def _work(
        self, connection: Connection, request: Request, manifest: Manifest, members: Members
    ) -> Iterator[Work]:
        """The partitions of all days, each with the vehicles that have told something of it."""
        by_bucket: list[list[Member]] = [[] for _ in range(manifest.query.buckets)]
        for member in members.members:
            by_bucket[self._bucket(manifest, member)].append(member)
        for number in range((request.last - request.first).days + 1):
            day = request.first + timedelta(days=number)
            if day < self._hot_from:
                continue
            touched = export_members.touched_on(connection, day, members.members)
            for bucket, some in enumerate(by_bucket):
                for table in request.tables:
                    yield Work(table, day, bucket, some, touched)

    def _do(
        self,
        work: Sequence[Work],
        manifest: Manifest,
        members: Members,
        at: Progress,
        progress: Callable[[Progress], None],
    ) -> None:
        there = {name for table in manifest.query.tables for name in self._place.sizes(table)}
        self._next_write = time.monotonic() + WRITTEN_EVERY_S

        def one(item: Work) -> None:
            before = manifest.partitions.get((item.table, item.day, item.bucket))
            if before is not None and before.file is not None and before.file not in there:
                before = None
            after = self._partition(item, before, manifest.query, members)
            with self._lock:
                at.done += 1
                manifest.partitions[after.key] = after
                if after is not before:
                    at.written += 1
                    at.rows += after.rows
                    at.values += after.values
                    self._sometimes(manifest)
                progress(at)

        pool = ThreadPoolExecutor(self._jobs, thread_name_prefix="export")
        try:
            for _ in pool.map(one, work):
                pass
        finally:
            pool.shutdown(cancel_futures=True)

    def _sometimes(self, manifest: Manifest) -> None:
        """Write the manifest now and then; where that takes long, less often."""
        began = time.monotonic()
        if began < self._next_write:
            return
        self._place.write(manifests.NAME, manifest.to_json())
        ended = time.monotonic()
        self._next_write = ended + max(WRITTEN_EVERY_S, 20 * (ended - began))

    def _partition(
        self, item: Work, before: Partition | None, query: Query, members: Members
    ) -> Partition:
        """A partition as it is now: the one before, or written anew."""
        if item.table == SIGNALS:
            source = item.source(members.resolution_s)
            if before is not None and before.source == source:
                return before
            telling = [one for one in item.members if one.vehicle_id in item.touched]
            found: Iterator[pa.Table] = (
                export_rows.read_signals(
                    self._reader(), self._catalogue, members, one, query.signals, item.span
                )
                for one in telling
            )
        else:
            table = export_rows.read_driven(
                self._reader(), members, item.members, DRIVEN[item.table], item.span
            )
            # There are few of them: they are read to know whether they are still the same.
            source = content(table)
            if before is not None and before.source == source:
                return before
            found = iter([table])
        return self._write(item, query, self._schemas(query)[item.table], found, source)

    def _write(
        self,
        item: Work,
        query: Query,
        schema: pa.Schema,
        tables: Iterator[pa.Table],
        source: str,
    ) -> Partition:
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
            catalogue_version=self._catalogue.version,
            code_version=version("vehicle-telemetry"),
        )
        with self._place.drafted(name) as draft:
            rows, values = partitions.write(draft.path, schema, (t.cast(schema) for t in tables))
            if not rows:
                return made
            sha256 = partitions.checksum(draft.path)
            size = draft.path.stat().st_size
            if query.snapshots:
                name = f"{folder}/part-{sha256[:16]}.parquet"
            draft.keep(name)
        return replace(made, file=name, rows=rows, values=values, bytes=size, sha256=sha256)

    def _schemas(self, query: Query) -> dict[str, pa.Schema]:
        """By table, what says of which catalogue it is and in what steps."""
        about = {
            "catalogue_version": str(self._catalogue.version),
            "resolution_s": str(query.resolution_s),
        }
        signals = export_rows.signals_schema(self._catalogue, query.signals, query.resolution_s)
        schemas = {SIGNALS: signals} | {name: one.schema for name, one in DRIVEN.items()}
        return {table: schemas[table].with_metadata(about) for table in query.tables}

    def _reader(self) -> ArrowReader:
        """This thread's connection."""
        reader: ArrowReader | None = getattr(self._local, "reader", None)
        if reader is None:
            reader = self._local.reader = ArrowReader(self._dsn)
            with self._lock:
                self._readers.append(reader)
        return reader

    def _tidy(self, manifest: Manifest) -> None:
        """Remove what a killed run has left, and what has no rows any more."""
        named = {one.file for one in manifest.partitions.values()}
        for table in manifest.query.tables:
            for name in self._place.sizes(table):
                of_a_kill = name.endswith(UNFINISHED)
                is_old = name.endswith(".parquet") and not manifest.query.snapshots
                if name not in named and (of_a_kill or is_old):
                    self._place.delete(name)
