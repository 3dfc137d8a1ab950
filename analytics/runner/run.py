"""One run of the analysis: days, then hours, then fuel and advice, then scores of weeks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from analytics.behaviour import METHOD_VERSION
from analytics.runner.days import DayWork, work_up_days
from analytics.runner.duties import judge_hours
from analytics.runner.failures import Failures
from analytics.runner.fuel import FuelFound, FuelWork, work_up_fuel
from analytics.runner.settings import AnalysisSettings
from analytics.runner.vehicle_tasks import Job, spread_days, spread_fuel
from analytics.runner.watching import watch
from analytics.runner.weeks import score_weeks
from storage import analysis, behaviour, policies, rollups
from storage.connection import identity

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from analytics.runner.spread import Workers
    from schemas.catalogue import Catalogue
    from storage.connection import Connection, Server
    from storage.settings import StorageSettings


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What a run of the analysis did.

    What a worker of a cluster had stored when it was killed, and not yet told, is not counted.
    """

    vehicle_days: int
    trips: int
    events: int
    duties: int
    """Drivers, or vehicles nobody is known of, whose hours at the wheel were judged."""
    fuel_weeks: int
    """Vehicle-weeks whose fuel was worked up."""
    advice: int
    """Pieces of advice that were given, anew or again."""
    scored_weeks: int
    failed: int
    """Days and weeks of vehicles, drivers and weeks that could not be worked up: see the log."""
    rolled_up: int
    dropped: tuple[str, ...]

    @property
    def anything(self) -> bool:
        """Whether anything had changed."""
        done = self.vehicle_days or self.duties or self.fuel_weeks or self.scored_weeks
        return bool(done or self.advice or self.rolled_up or self.failed)


def analyse(
    connection: Connection,
    server: Server,
    catalogue: Catalogue,
    storage: StorageSettings,
    settings: AnalysisSettings | None = None,
    *,
    reading: Connection | None = None,
    workers: Workers | None = None,
    vin: str | None = None,
    first: date | None = None,
    last: date | None = None,
    fuel: bool = True,
    scores: bool = True,
    roll_up: bool = True,
    failures: Failures | None = None,
    stopping: Callable[[], bool] = lambda: False,
    progress: Callable[[int], None] = lambda _done: None,
) -> Outcome:
    """Work up every vehicle-day that changed since it was last analysed, and what follows from it.

    Args:
        connection: an autocommit connection.
        server: what stands at its other end.
        catalogue: the catalogue the database was migrated to.
        storage: how long history is kept.
        settings: how driving is judged.
        reading: a second connection, over which the next vehicle is read while one is worked up;
            None: one after the other.
        workers: who works up days and fuel, with connections of their own; None: this process, one
            after the other. Hours and scores, which vehicles have in common, are judged here.
        vin: only this vehicle; None: all. Where vehicle or days are named, no rollup is touched.
        first: only from this day on (UTC).
        last: only up to this day (UTC).
        fuel: whether fuel of weeks is worked up and advice given; of all their days, whatever
            days are named.
        scores: whether weeks are scored.
        roll_up: whether rollups are brought up to date, too.
        failures: what failed in runs before, and is not tried again until it changes.
        stopping: asked after every vehicle whether to leave the rest to the next run.
        progress: called with the vehicle-days that are done.

    Raises:
        StorageError: the database is not as it must be.
        psycopg.OperationalError: it went away. What was stored stays; run again.
        SchedulerError: the workers did. Likewise.
    """
    settings = settings or AnalysisSettings()
    oldest = (datetime.now(tz=UTC) - timedelta(days=storage.retention_days)).date()
    # The oldest day that is kept loses its rows hour by hour.
    complete_from = oldest + timedelta(days=1)
    behaviour.redo_older(connection, METHOD_VERSION, complete_from)
    changed = analysis.each_changed_day(connection, vin=vin, first=first, last=last)
    failures = failures or Failures()
    failed_before = failures.count
    days = trips = events = 0
    job = Job(database=identity(connection), complete_from=complete_from, settings=settings)
    if workers is None:
        work = DayWork(
            connection=connection,
            reading=reading,
            catalogue=catalogue,
            complete_from=complete_from,
            failures=failures,
        )
        worked_up = work_up_days(work, changed)
    else:
        worked_up = spread_days(workers, job, changed, failures, connection, stopping)
    stopped = False
    for found in worked_up:
        days, trips, events = days + found.days, trips + found.trips, events + found.events
        progress(days)
        if workers is None and (stopped := stopping()):
            break
    # Workers end what they have begun, and it counts.
    stopped = stopped or (workers is not None and stopping())
    named = not (vin is None and first is None and last is None)
    duties = 0 if stopped else judge_hours(connection, settings, failures)
    burnt = FuelFound(weeks=0, advice=0)
    if fuel and not stopped:
        weeks = FuelWork(
            connection=connection,
            reading=reading,
            catalogue=catalogue,
            complete_from=complete_from,
            settings=settings,
            failures=failures,
        )
        if workers is None:
            burnt = work_up_fuel(weeks, vin=vin, stopping=stopping)
        else:
            burnt = spread_fuel(workers, job, weeks, vin, stopping)
        if burnt.weeks:
            watch(connection, stopping=stopping)
        stopped = stopping()
    scores, roll_up = scores and not stopped, roll_up and not stopped and not named
    return Outcome(
        vehicle_days=days,
        trips=trips,
        events=events,
        duties=duties,
        fuel_weeks=burnt.weeks,
        advice=burnt.advice,
        scored_weeks=score_weeks(connection, settings, failures) if scores else 0,
        rolled_up=rollups.refresh(connection, server, catalogue) if roll_up else 0,
        failed=failures.count - failed_before,
        dropped=tuple(policies.expire(connection, server, catalogue, storage)),
    )
