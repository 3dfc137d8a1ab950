"""Partitions as tasks, which any worker does that reaches the database and the place.

A task names days, a bucket and vehicles by number. It holds no password, no key of pseudonyms and
no pseudonym: a worker reads the database that its own TELEMETRY_DATABASE_DSN names, and asks it
what the vehicles are called. It writes the file itself, into the folder or store that it sees under
the export's name, and makes sure that the export lies there. Names in a folder are given by the
command alone: a worker that was taken for dead, or is at work for a command that has ended, leaves
a hidden file that the next one clears away.
"""

from __future__ import annotations

import socket
import threading
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

from analytics.runner.spread import SchedulerError
from analytics.runner.workplace import connection_here, reader_here
from research.errors import ExportError
from research.making import CODE_VERSION, Made, Maker
from research.places import Place
from research.work import Work
from schemas import catalogue
from storage.export_members import find_members

if TYPE_CHECKING:
    from datetime import date

    from research.manifest import Partition, Query
    from storage.export_members import Asked


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """What all tasks of an export have in common.

    Attributes:
        database: `storage.connection.identity` of the one it is about.
        place: `Place.whole_name`.
        witness: a file of the export and its checksum: whoever sees it sees the place.
        asked: for whom and what for; the vehicles are named by the tasks.
        query: what the export is of.
        code_version: what worker and command must have in common.
        run: tells the run from others.
    """

    database: str
    place: str
    witness: tuple[str, str]
    asked: Asked
    query: Query
    code_version: str = CODE_VERSION
    run: str = field(default_factory=lambda: uuid4().hex)


@dataclass(frozen=True, kw_only=True, slots=True)
class PartitionTask:
    """A partition to be made.

    Attributes:
        job: what it belongs to.
        table, day, bucket: which.
        vehicles: the numbers of all of its bucket.
        touched: of those that have told something of the day, what changes whenever they tell more.
        before: as it was made last; None: never.
    """

    job: Job
    table: str
    day: date
    bucket: int
    vehicles: tuple[int, ...]
    touched: tuple[tuple[int, int], ...]
    before: Partition | None


def task_of(job: Job, item: Work, before: Partition | None) -> PartitionTask:
    """A partition of the command's as a task."""
    numbers = tuple(member.vehicle_id for member in item.members)
    touched = ((number, item.touched[number]) for number in numbers if number in item.touched)
    return PartitionTask(
        job=job,
        table=item.table,
        day=item.day,
        bucket=item.bucket,
        vehicles=numbers,
        touched=tuple(touched),
        before=before,
    )


def make_partition_task(task: PartitionTask) -> Made:
    """Make a partition, where a worker is.

    Raises:
        SchedulerError: this worker is not one for this run.
        ExportError: the place is another one where it is.
        StorageError: the database is not there, or not as it must be.
    """
    job = task.job
    if job.code_version != CODE_VERSION:
        raise SchedulerError(
            f"A worker's version is {CODE_VERSION}, this export's {job.code_version}: let workers "
            "and whoever gives them work be of the same version."
        )
    connection = connection_here(job.database, job.run)
    query = job.query
    members = find_members(
        connection, job.asked, query.signals, query.resolution_s, some=task.vehicles
    )
    item = Work(task.table, task.day, task.bucket, members.members, dict(task.touched))
    try:
        maker = Maker(
            catalogue=catalogue.default(),
            place=_place(job),
            query=query,
            reader=partial(reader_here, job.database, job.run),
        )
        return maker.make(item, members, task.before)
    except OSError as error:
        raise ExportError(
            f"A worker on {socket.gethostname()} cannot work in {job.place}: {error}."
        ) from error


class _Seen(threading.local):
    """The place of a worker's thread, kept from one task of a run to the next."""

    run: str | None = None
    place: Place | None = None


_seen = _Seen()


def _place(job: Job) -> Place:
    if _seen.place is None or _seen.run != job.run:
        place = Place(job.place)
        file, sha256 = job.witness
        if not place.is_same(file, sha256):
            raise ExportError(
                f"A worker on {socket.gethostname()} does not see this export in {job.place}: let "
                "workers see the same folder under the same name (a volume that all share), or "
                "export to an object store that is the same to all by their environment."
            )
        _seen.place, _seen.run = place, job.run
    return _seen.place
