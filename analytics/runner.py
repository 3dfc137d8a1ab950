"""The only part of analytics that knows the database: it reads what changed, calls, and writes.

A vehicle's changed days that follow each other are worked up together. A trip may reach over
midnight, so the span is widened to the stored trips it touches; these are found again with it. What
was seen is written down in the transaction that writes the results: killed and repeated, or
overtaken by late data, it ends with the same rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from analytics.trips import INPUT_SIGNALS, METHOD_VERSION, TripRules, find_trips
from storage import analysis, policies, rollups

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import date

    from schemas.catalogue import Catalogue
    from storage.analysis import ChangedDay
    from storage.connection import Connection, Server
    from storage.settings import StorageSettings

LONGEST_SPAN = timedelta(days=7)
"""More days are worked up one span after the other, so that memory does not grow with them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What a run of the analysis did."""

    vehicle_days: int
    trips: int
    rolled_up: int
    dropped: tuple[str, ...]


def analyse(
    connection: Connection,
    server: Server,
    catalogue: Catalogue,
    settings: StorageSettings,
    *,
    vin: str | None = None,
    first: date | None = None,
    last: date | None = None,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Outcome:
    """Work up every vehicle-day that changed since it was last analysed.

    Args:
        connection: an autocommit connection.
        server: what stands at its other end.
        catalogue: the catalogue the database was migrated to.
        settings: how long history is kept.
        vin: only this vehicle; None: all. Where vehicle or days are named, no rollup is touched.
        first: only from this day on (UTC).
        last: only up to this day (UTC).
        progress: called with vehicle-days done and all.
    """
    named = not (vin is None and first is None and last is None)
    changed = analysis.changed_days(connection, vin=vin, first=first, last=last)
    done = trips = 0
    for days in _spans(changed):
        trips += _trips(connection, catalogue, days)
        done += len(days)
        progress(done, len(changed))
    return Outcome(
        vehicle_days=len(changed),
        trips=trips,
        rolled_up=0 if named else rollups.refresh(connection, server, catalogue),
        dropped=tuple(policies.expire(connection, server, catalogue, settings)),
    )


def _spans(changed: Iterable[ChangedDay]) -> Iterator[list[ChangedDay]]:
    """Days of one vehicle that follow each other, at most LONGEST_SPAN of them."""
    span: list[ChangedDay] = []
    for day in changed:
        follows = (
            span
            and day.vehicle_id == span[-1].vehicle_id
            and day.start == span[-1].stop
            and day.stop - span[0].start <= LONGEST_SPAN
        )
        if span and not follows:
            yield span
            span = []
        span.append(day)
    if span:
        yield span


def _trips(connection: Connection, catalogue: Catalogue, days: list[ChangedDay]) -> int:
    vehicle_id, rules = days[0].vehicle_id, TripRules()
    rest = timedelta(seconds=rules.rest_s)
    start, stop = analysis.trips_around(connection, vehicle_id, days[0].start, days[-1].stop, rest)
    signals = analysis.read_signals(connection, catalogue, vehicle_id, INPUT_SIGNALS, start, stop)
    found = find_trips(signals, rules)
    analysis.store_trips(connection, vehicle_id, (start, stop), found, METHOD_VERSION, seen=days)
    return len(found)
