"""An export: what the database has of some vehicles and days, as Parquet files with a manifest.

A partition (a table's rows of a day and a bucket of vehicles) is read and written as a whole, and
depends on nothing but what the database has of it: in whatever order, and however often a run is
killed, the files end the same. A later run writes those partitions anew of which the database has
something else, and leaves the others alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from analytics.runner.spread import workers
from research import manifest as manifests
from research import partitions, snapshots
from research.errors import ExportError
from research.export_tasks import Job, make_partition_task, task_of
from research.making import Made, Maker, schemas
from research.manifest import Manifest, Partition, Query
from research.places import UNFINISHED, Place
from research.readers import readers
from research.request import Progress, Request
from research.tables import DRIVEN, SIGNALS, VEHICLES, VEHICLES_FILE
from research.work import Work
from storage import export_members
from storage.connection import connect, identity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import SecretStr

    from analytics.runner.spread import Workers
    from schemas.catalogue import Catalogue
    from storage.connection import Connection
    from storage.export_members import Member, Members

_VEHICLES = VEHICLES.append(pa.field("bucket", pa.int32(), nullable=False))

WRITTEN_EVERY_S = 2.0
"""How often the manifest is written while an export goes on: what a kill can cost [s]."""

Due = tuple[Work, Partition | None]
"""A partition to be made, and as it was made last."""

Making = Callable[[Iterator[Due]], Generator[Made]]
"""Makes what is due, in any order."""


class Exporter:
    """Writes an export to a place.

    Args:
        dsn: of the database.
        catalogue: of the signals.
        place: where to.
        hot_from: the first day of which the database still has its rows: what was exported of
            earlier days stays as it is.
        jobs: partitions that are read and written at a time, each over a connection of its own.
        workers: a cluster's, who do it instead; None: threads of this process.
    """

    def __init__(
        self,
        dsn: SecretStr,
        catalogue: Catalogue,
        place: Place,
        *,
        hot_from: date,
        jobs: int = 2,
        workers: Workers | None = None,
    ) -> None:
        self._dsn = dsn
        self._catalogue = catalogue
        self._place = place
        self._hot_from = hot_from
        self._jobs = jobs
        self._workers = workers
        self._next_write = 0.0

    def run(
        self, request: Request, progress: Callable[[Progress], None] = lambda _: None
    ) -> tuple[Manifest, Progress]:
        """Export; what is there already and still true is left alone.

        Raises:
            ExportError: the place holds an export of something else, or this is told of no vehicle
                that has a pseudonym, or workers write somewhere else.
            StorageError: the party may not have this, or the database refused.
            SchedulerError: workers are not ones for this, or went away.
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
                making = self._making(connection, request, manifest, members)
                self._do(making, work, manifest, at, progress)
            finally:
                if at.done < at.total:
                    self._place.write(manifests.NAME, manifest.to_json())
            manifest.complete = True
            self._place.write(manifests.NAME, manifest.to_json())
            self._tidy(manifest)
            if manifest.query.snapshots:
                snapshots.commit(self._place, manifest, schemas(self._catalogue, manifest.query))
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

    def _making(
        self, connection: Connection, request: Request, manifest: Manifest, members: Members
    ) -> Making:
        """Who makes partitions: a cluster's workers, else threads of this process."""
        if (who := self._workers) is None:
            return lambda due: self._by_threads(due, manifest.query, members)
        job = Job(
            database=identity(connection),
            place=self._place.whole_name,
            witness=(VEHICLES_FILE, str(manifest.vehicles_sha256)),
            asked=replace(request.asked, vins=None, fleet_id=None),
            query=manifest.query,
        )
        return lambda due: who.run((task_of(job, *one) for one in due), make_partition_task)

    def _by_threads(self, due: Iterator[Due], query: Query, members: Members) -> Generator[Made]:
        with readers(self._dsn) as reader, workers(None, threads=self._jobs) as threads:
            maker = Maker(catalogue=self._catalogue, place=self._place, query=query, reader=reader)
            yield from threads.run(due, lambda one: maker.make(one[0], members, one[1]))

    def _do(
        self,
        making: Making,
        work: Sequence[Work],
        manifest: Manifest,
        at: Progress,
        progress: Callable[[Progress], None],
    ) -> None:
        there: dict[str, int] = {}
        for table in manifest.query.tables:
            there |= self._place.sizes(table)
        self._next_write = time.monotonic() + WRITTEN_EVERY_S

        def due() -> Iterator[Due]:
            """What has to be made, or looked at; signals tell beforehand whether they changed."""
            for item in work:
                before = manifest.partitions.get((item.table, item.day, item.bucket))
                if before and before.file and there.get(before.file) != before.bytes:
                    before = None
                if (
                    before is not None
                    and item.table == SIGNALS
                    and before.source == item.source(manifest.query.resolution_s)
                ):
                    at.done += 1
                    progress(at)
                else:
                    yield item, before

        with closing(making(due())) as each:
            for made in each:
                self._take(made)
                manifest.partitions[made.partition.key] = made.partition
                at.done += 1
                if made.is_new:
                    at.written += 1
                    at.rows += made.partition.rows
                    at.values += made.partition.values
                    self._sometimes(manifest)
                progress(at)

    def _take(self, made: Made) -> None:
        """Let a partition's file have its name, once it is sure that it lies here."""
        one = made.partition
        if not made.is_new or one.file is None:
            return
        if self._workers is not None and not self._place.holds(
            made.hidden or one.file, one.bytes, str(one.sha256)
        ):
            raise ExportError(
                f"A worker has written {one.file}, and {self._place.name} does not hold it as it "
                "was written: where the worker is, that names another place. Let all see the same "
                "folder under the same name, or the same object store by their environment."
            )
        if made.hidden is not None:
            self._place.take(made.hidden, one.file)

    def _sometimes(self, manifest: Manifest) -> None:
        """Write the manifest now and then; where that takes long, less often."""
        began = time.monotonic()
        if began < self._next_write:
            return
        self._place.write(manifests.NAME, manifest.to_json())
        ended = time.monotonic()
        self._next_write = ended + max(WRITTEN_EVERY_S, 20 * (ended - began))

    def _tidy(self, manifest: Manifest) -> None:
        """Remove what a killed run has left, and what has no rows any more."""
        named = {one.file for one in manifest.partitions.values()}
        for table in manifest.query.tables:
            for name in self._place.sizes(table):
                of_a_kill = name.endswith(UNFINISHED)
                is_old = name.endswith(".parquet") and not manifest.query.snapshots
                if name not in named and (of_a_kill or is_old):
                    self._place.delete(name)
