"""One run of the analysis: days, then hours, then weeks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from analytics.behaviour import METHOD_VERSION
from analytics.runner.days import DayWork, work_up_days
from analytics.runner.duties import judge_hours
from analytics.runner.settings import AnalysisSettings
from analytics.runner.weeks import score_weeks
from storage import analysis, behaviour, policies, rollups

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from schemas.catalogue import Catalogue
    from storage.connection import Connection, Server
    from storage.settings import StorageSettings


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What a run of the analysis did."""

    vehicle_days: int
    trips: int
    events: int
    duties: int
    """Drivers, or vehicles nobody is known of, whose hours at the wheel were judged."""
    scored_weeks: int
    rolled_up: int
    dropped: tuple[str, ...]

    @property
    def anything(self) -> bool:
        """Whether anything had changed."""
        return bool(self.vehicle_days or self.duties or self.scored_weeks or self.rolled_up)


def analyse(
    connection: Connection,
    server: Server,
    catalogue: Catalogue,
    storage: StorageSettings,
    settings: AnalysisSettings | None = None,
    *,
    reading: Connection | None = None,
    vin: str | None = None,
    first: date | None = None,
    last: date | None = None,
    scores: bool = True,
    roll_up: bool = True,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
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
        vin: only this vehicle; None: all. Where vehicle or days are named, no rollup is touched.
        first: only from this day on (UTC).
        last: only up to this day (UTC).
        scores: whether weeks are scored.
        roll_up: whether rollups are brought up to date, too.
        progress: called with vehicle-days done and all.
    """
    settings = settings or AnalysisSettings()
    oldest = (datetime.now(tz=UTC) - timedelta(days=storage.retention_days)).date()
    # The oldest day that is kept loses its rows hour by hour.
    complete_from = oldest + timedelta(days=1)
    behaviour.redo_older(connection, METHOD_VERSION, complete_from)
    changed = analysis.changed_days(connection, vin=vin, first=first, last=last)
    done = trips = events = 0
    work = DayWork(
        connection=connection,
        reading=reading,
        catalogue=catalogue,
        complete_from=complete_from,
    )
    for found in work_up_days(work, changed):
        trips, events = trips + found.trips, events + found.events
        done += found.days
        progress(done, len(changed))
    named = not (vin is None and first is None and last is None)
    return Outcome(
        vehicle_days=len(changed),
        trips=trips,
        events=events,
        duties=judge_hours(connection, settings),
        scored_weeks=score_weeks(connection, settings) if scores else 0,
        rolled_up=rollups.refresh(connection, server, catalogue) if roll_up and not named else 0,
        dropped=tuple(policies.expire(connection, server, catalogue, storage)),
    )
