"""Changed vehicle-days: read, worked up, and stored with the changes that were seen.

A vehicle's changed days that follow each other are worked up together. Whatever reaches over their
edges is found again as a whole: the span is widened to the stored trips it touches. What the rows
just beyond an edge are like decides on the rows within it, so these are read with it; and where
there are such rows, the counters of the day they lie in are counted again, too.

While one vehicle is worked up, the next one is read over a second connection.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from analytics.accumulated import CONTEXT_S, LAYOUT_VERSION, increments
from analytics.behaviour import METHOD_VERSION, behaviour
from analytics.fatigue.driving_spans import STOP_S
from analytics.samples import SIGNALS
from analytics.thresholds import of_class
from analytics.trips import TripRules
from storage import analysis
from storage.behaviour import driver_changes, judged_as, store_behaviour

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from concurrent.futures import Future
    from datetime import date

    import pandas as pd

    from analytics.accumulated import Vector
    from analytics.behaviour import Behaviour
    from schemas.catalogue import Catalogue
    from storage.analysis import ChangedDay
    from storage.behaviour import JudgedAs
    from storage.connection import Connection

    Drivers = list[tuple[datetime, str | None]]

LONGEST_SPAN = timedelta(days=3)
"""More days are worked up one span after the other, so that memory does not grow with them."""

CONTEXT = timedelta(seconds=CONTEXT_S)
"""Rows beyond a span's edges that are read with it."""

REST = timedelta(seconds=max(TripRules().rest_s, STOP_S))
"""What is no further apart than this may be one trip, or one span at the wheel."""

LONGEST_GAP = timedelta(seconds=TripRules().longest_gap_s)
"""Nor what has no rows between, up to this."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DayWork:
    """What days are worked up with.

    Attributes:
        connection: results are written over it.
        reading: the next vehicle is read over it; None: over `connection`, in turn.
        catalogue: the catalogue the database was migrated to.
        complete_from: the first day whose raw rows are all kept.
    """

    connection: Connection
    reading: Connection | None
    catalogue: Catalogue
    complete_from: date


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What working up some days of a vehicle came to."""

    days: int
    trips: int
    events: int


@dataclass(frozen=True, kw_only=True, slots=True)
class _Read:
    """Some days of a vehicle, and all that judging them needs."""

    days: Sequence[ChangedDay]
    span: tuple[datetime, datetime]
    """From and to which results are replaced."""
    counted: Sequence[date]
    """Days whose counters are counted again."""
    signals: pd.DataFrame
    drivers: Drivers
    judged_as: JudgedAs


def work_up_days(work: DayWork, changed: Iterable[ChangedDay]) -> Iterator[Found]:
    """Work up changed days, by vehicle and time."""
    spans = list(_spans(changed))
    threads = ThreadPoolExecutor(1) if work.reading is not None else nullcontext()
    with threads as thread:
        waiting: Future[_Read] | None = None
        for number, days in enumerate(spans):
            read = waiting.result() if waiting is not None else _read(work, work.connection, days)
            waiting = None
            following = spans[number + 1] if number + 1 < len(spans) else None
            # A vehicle's next days depend on what is stored of these.
            if (
                thread is not None
                and work.reading is not None
                and following is not None
                and following[0].vehicle_id != days[0].vehicle_id
            ):
                waiting = thread.submit(_read, work, work.reading, following)
            yield _work_up(work, read)


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


def _read(work: DayWork, connection: Connection, days: Sequence[ChangedDay]) -> _Read:
    vehicle_id = days[0].vehicle_id
    start, stop = _widened(connection, vehicle_id, days[0].start, days[-1].stop)
    before, after = analysis.rows_beside(
        connection, vehicle_id, days[0].start, days[-1].stop, CONTEXT
    )
    counted = [day.day for day in days]
    if before is not None:
        counted.insert(0, before.date())
    if after is not None:
        counted.append(after.date())
    first = min(start, _midnight(counted[0])) - CONTEXT
    last = max(stop, _midnight(counted[-1]) + timedelta(days=1)) + CONTEXT
    return _Read(
        days=days,
        span=(start, stop),
        counted=counted,
        signals=analysis.read_signals(connection, work.catalogue, vehicle_id, SIGNALS, first, last),
        drivers=driver_changes(connection, vehicle_id, first, last),
        judged_as=judged_as(connection, vehicle_id),
    )


def _widened(
    connection: Connection, vehicle_id: int, start: datetime, stop: datetime
) -> tuple[datetime, datetime]:
    """A span with all stored trips that it may be one with, and those they may be one with."""
    while True:
        wider = analysis.trips_around(connection, vehicle_id, start, stop, REST)
        if wider == (start, stop):
            before, after = analysis.rows_beside(connection, vehicle_id, start, stop, LONGEST_GAP)
            # No rows up to the next trip, which therefore may be the same one.
            reach_back = start - before if before is not None else REST
            reach_on = after - stop if after is not None else REST
            reach = max(reach_back, reach_on)
            if reach > REST:
                wider = analysis.trips_around(connection, vehicle_id, start, stop, reach + REST)
        if wider == (start, stop):
            return wider
        start, stop = wider


def _work_up(work: DayWork, read: _Read) -> Found:
    found = behaviour(
        read.signals,
        of_class(read.judged_as.vehicle_class),
        drivers=read.drivers,
        time_zone=read.judged_as.time_zone,
    )
    start, stop = read.span
    results = found.starting_in(start, stop)
    store_behaviour(
        work.connection,
        read.days[0].vehicle_id,
        read.span,
        trips=results.trips,
        parts=results.parts,
        events=results.events,
        spans=results.spans,
        time_zone=read.judged_as.time_zone,
        days=[(day, _increments(found, day), day >= work.complete_from) for day in read.counted],
        layout_version=LAYOUT_VERSION,
        method_version=METHOD_VERSION,
        seen=read.days,
    )
    return Found(days=len(read.days), trips=len(results.trips), events=len(results.events))


def _increments(found: Behaviour, day: date) -> Vector:
    start_us = int(_midnight(day).timestamp()) * 1_000_000
    return increments(found.samples, start_us, start_us + 86_400_000_000)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
