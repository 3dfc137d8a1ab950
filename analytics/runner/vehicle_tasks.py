"""Vehicle-days and vehicle-weeks of fuel as tasks, which any worker does that reaches the database.

A task names what changed and holds no data and no secret: a worker reads the database that its own
TELEMETRY_DATABASE_DSN names, and makes sure that it is the one the task is from. It works up what
still waits of its task, by the same code as a run without workers, in a transaction for each piece
that also marks it as done. So a task may be done twice, by a worker that died after it had
committed and by the one that took over: the second finds nothing that waits, or stores the same
again. A vehicle's days are done in their order, for what is stored of one decides on the next; no
other vehicle has a say in them. The tables therefore end the same, to the bit, as those of one
process.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import uuid4

from analytics.behaviour import METHOD_VERSION
from analytics.runner.days import DayWork, Found, spans_of, work_up_days
from analytics.runner.failures import Failed, Failures
from analytics.runner.fuel import METHOD_VERSION as FUEL_VERSION
from analytics.runner.fuel import FuelFound, FuelWork, prepare_fuel, work_up_vehicle
from analytics.runner.knowledge import known
from analytics.runner.spread import SchedulerError
from analytics.runner.workplace import connection_here
from schemas import catalogue
from storage import analysis
from storage.fuel import FuelWeek, waiting_weeks
from storage.registers import vin_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import date

    from analytics.runner.knowledge import Knowledge
    from analytics.runner.settings import AnalysisSettings
    from analytics.runner.spread import Workers
    from storage.analysis import ChangedDay
    from storage.connection import Connection

METHODS = (METHOD_VERSION, FUEL_VERSION)
"""What worker and run must have in common."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """What all tasks of a run have in common.

    Attributes:
        database: `storage.connection.identity` of the one it is about.
        complete_from: the first day (UTC) whose raw rows are all kept.
        settings: what a fleet may decide: the run's, whatever a worker's environment says.
        run: tells the run from others: workers look anew at the database, and at the fuel model
            that is active, with each.
        methods: METHODS of the run.
    """

    database: str
    complete_from: date
    settings: AnalysisSettings
    methods: tuple[int, int] = METHODS
    run: str = field(default_factory=lambda: uuid4().hex)


@dataclass(frozen=True, kw_only=True, slots=True)
class DaysTask:
    """Changed days of a vehicle that follow each other."""

    job: Job
    days: tuple[ChangedDay, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class FuelTask:
    """A vehicle's weeks of fuel, but for those that failed before."""

    job: Job
    vehicle_id: int
    left: frozenset[FuelWeek]


@dataclass(frozen=True, kw_only=True, slots=True)
class DaysDone:
    """What came of days."""

    found: Found
    failed: tuple[Failed, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class FuelDone:
    """What came of a vehicle's weeks."""

    found: FuelFound
    failed: tuple[Failed, ...] = ()


def spread_days(
    workers: Workers,
    job: Job,
    changed: Iterable[ChangedDay],
    failures: Failures,
    connection: Connection,
    stopping: Callable[[], bool],
) -> Iterator[Found]:
    """Let workers work up changed days; those that failed before are left out.

    Args:
        workers: who does it.
        job: what is common to all of it.
        changed: by vehicle and day.
        failures: what failed before; what fails is added.
        connection: for the VINs of those that fail.
        stopping: asked whether to leave the rest to the next run.
    """

    def lost(task: DaysTask, why: str) -> DaysDone:
        days = " ".join(str(day.day) for day in task.days)
        concerns = {"vin": vin_of(connection, task.days[0].vehicle_id), "days": days}
        failed = Failed(work=frozenset(task.days), concerns=concerns, reason=why)
        return DaysDone(found=Found(days=0, trips=0, events=0), failed=(failed,))

    spans = spans_of(day for day in changed if day not in failures)
    tasks = (DaysTask(job=job, days=tuple(days)) for days in spans)
    for done in workers.run(
        tasks, work_up_days_task, follows=_vehicle, lost=lost, stopping=stopping
    ):
        for failed in done.failed:
            failures.note(failed)
        yield done.found


def _vehicle(task: DaysTask) -> int:
    return task.days[0].vehicle_id


def spread_fuel(
    workers: Workers, job: Job, work: FuelWork, vin: str | None, stopping: Callable[[], bool]
) -> FuelFound:
    """Let workers work up the fuel of every vehicle that waits, as `work_up_fuel` does.

    Args:
        workers: who does it.
        job: what is common to all of it.
        work: what a run without workers would do it with.
        vin: only of this vehicle; None: of all.
        stopping: asked whether to leave the rest to the next run.
    """

    def lost(task: FuelTask, why: str) -> FuelDone:
        weeks = frozenset(_waiting(work, task.vehicle_id))
        concerns = {
            "vin": vin_of(work.connection, task.vehicle_id),
            "fuel of week": " ".join(sorted(str(week.week) for week in weeks)),
        }
        failed = Failed(work=weeks, concerns=concerns, reason=why)
        return FuelDone(found=FuelFound(weeks=0, advice=0), failed=(failed,))

    tasks = (
        FuelTask(job=job, vehicle_id=vehicle_id, left=_left(work.failures, vehicle_id))
        for vehicle_id in prepare_fuel(work, vin=vin)
    )
    weeks = advice = 0
    for done in workers.run(tasks, work_up_fuel_task, lost=lost, stopping=stopping):
        for failed in done.failed:
            work.failures.note(failed)
        weeks, advice = weeks + done.found.weeks, advice + done.found.advice
    return FuelFound(weeks=weeks, advice=advice)


def work_up_days_task(task: DaysTask) -> DaysDone:
    """Work up what still waits of some days, where a worker is.

    Raises:
        SchedulerError: this worker is not one for this run.
        StorageError, psycopg.Error: the database is not there, or not as it must be.
    """
    connection = _connection(task.job)
    failures = Failures()
    waiting = analysis.changed_days(
        connection,
        vehicle_id=task.days[0].vehicle_id,
        first=task.days[0].day,
        last=task.days[-1].day,
    )
    work = DayWork(
        connection=connection,
        reading=None,
        catalogue=catalogue.default(),
        complete_from=task.job.complete_from,
        failures=failures,
    )
    found = list(work_up_days(work, waiting))
    return DaysDone(
        found=Found(
            days=sum(each.days for each in found),
            trips=sum(each.trips for each in found),
            events=sum(each.events for each in found),
        ),
        failed=tuple(failures.noted),
    )


def work_up_fuel_task(task: FuelTask) -> FuelDone:
    """Work up a vehicle's weeks of fuel that still wait, where a worker is.

    Raises:
        SchedulerError: this worker is not one for this run.
        StorageError, psycopg.Error: the database is not there, or not as it must be.
    """
    connection = _connection(task.job)
    failures = Failures(task.left)
    work = FuelWork(
        connection=connection,
        reading=None,
        catalogue=catalogue.default(),
        complete_from=task.job.complete_from,
        settings=task.job.settings,
        failures=failures,
    )
    found = work_up_vehicle(work, task.vehicle_id, _knowledge(task.job, connection))
    return FuelDone(found=found, failed=tuple(failures.noted))


class _Model(threading.local):
    """The fuel model of a worker's thread, kept from one task of a run to the next."""

    run: str | None = None
    knowledge: Knowledge | None = None


_model = _Model()


def _knowledge(job: Job, connection: Connection) -> Knowledge:
    """What the active model knows: where another one was activated in mid-run, maybe that one's.

    What it makes is stored with its number, and last weeks wait again by that as ever.
    """
    if _model.knowledge is None or _model.run != job.run:
        _model.knowledge, _model.run = known(connection), job.run
    return _model.knowledge


def _connection(job: Job) -> Connection:
    if job.methods != METHODS:
        raise SchedulerError(
            f"A worker has other methods ({METHODS}) than this run ({job.methods}): let workers "
            "and whoever gives them work be of the same version."
        )
    return connection_here(job.database, job.run)


def _left(failures: Failures, vehicle_id: int) -> frozenset[FuelWeek]:
    return frozenset(
        week for week in failures if isinstance(week, FuelWeek) and week.vehicle_id == vehicle_id
    )


def _waiting(work: FuelWork, vehicle_id: int) -> list[FuelWeek]:
    return waiting_weeks(work.connection, vehicle_id, kept_from=work.kept_from)
