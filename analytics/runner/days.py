"""Changed vehicle-days: read, worked up, and stored with the changes that were seen.

A vehicle's changed days that follow each other are worked up together. Rows within an edge and just
beyond it decide on each other: these are judged again, too, and where there are such, the counters
of the day they lie in are counted again. Whatever reaches over an edge is found again as a whole:
the span is widened to what is stored there and to what was found there, until nothing reaches over
it any more.

While one vehicle is worked up, the next one is read over a second connection. What fails because of
a vehicle's data fails for that vehicle alone.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from analytics.accumulated import CONTEXT_S, LAYOUT_VERSION, increments
from analytics.behaviour import METHOD_VERSION, behaviour
from analytics.fatigue.driving_spans import LONGEST_GAP_S, STOP_S
from analytics.samples import SIGNALS
from analytics.thresholds import of_class
from analytics.trips import TripRules
from storage import analysis
from storage.behaviour import driver_changes, judged_as, last_stored, store_behaviour
from storage.registers import vin_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from concurrent.futures import Future
    from datetime import date

    import pandas as pd

    from analytics.accumulated import Vector
    from analytics.behaviour import Behaviour
    from analytics.runner.failures import Failures
    from schemas.catalogue import Catalogue
    from storage.analysis import ChangedDay
    from storage.behaviour import JudgedAs
    from storage.connection import Connection

    Drivers = list[tuple[datetime, str | None]]
    Span = tuple[datetime, datetime]

LONGEST_SPAN = timedelta(days=3)
"""More days are worked up one span after the other, so that memory does not grow with them."""

LONGEST_REACH = timedelta(days=7)
"""No trip is followed further over a span's edges: one that never ends (an engine speed that is
stuck) would be read as a whole with every change, until there is no memory left."""

CONTEXT = timedelta(seconds=CONTEXT_S)
"""Rows beyond a span's edges that are read with it."""

REST = timedelta(seconds=max(TripRules().rest_s, STOP_S))
"""What is no further apart than this may be one trip, or one span at the wheel."""

LONGEST_GAP = timedelta(seconds=max(TripRules().longest_gap_s, LONGEST_GAP_S))
"""Nor what has no rows between, up to this ..."""

LONGEST_AWAKE = timedelta(seconds=TripRules().longest_awake_s) + REST
"""... nor what stands with its ignition on before or after that, up to this."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DayWork:
    """What days are worked up with.

    Attributes:
        connection: results are written over it.
        reading: the next vehicle is read over it; None: over `connection`, in turn.
        catalogue: the catalogue the database was migrated to.
        complete_from: the first day whose raw rows are all kept.
        failures: what could not be worked up.
    """

    connection: Connection
    reading: Connection | None
    catalogue: Catalogue
    complete_from: date
    failures: Failures


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
    stored_before: int
    """Which results were stored before anything was read."""
    span: Span
    """From and to which results are replaced."""
    window: Span
    """From and to which rows were read."""
    counted: Sequence[date]
    """Days whose counters are counted again."""
    signals: pd.DataFrame
    drivers: Drivers
    judged_as: JudgedAs


def work_up_days(work: DayWork, changed: Iterable[ChangedDay]) -> Iterator[Found]:
    """Work up changed days, by vehicle and time; those that failed before are left out."""
    spans = spans_of(day for day in changed if day not in work.failures)
    threads = ThreadPoolExecutor(1) if work.reading is not None else nullcontext()
    with threads as thread:
        waiting: Future[_Read] | None = None
        following = next(spans, None)
        while (days := following) is not None:
            following = next(spans, None)
            ahead, waiting = waiting, None
            found = Found(days=0, trips=0, events=0)
            with work.failures.left_out(days, partial(_concerns, work, days)):
                read = ahead.result() if ahead is not None else _read(work, work.connection, days)
                # A vehicle's next days depend on what is stored of these.
                if (
                    thread is not None
                    and work.reading is not None
                    and following is not None
                    and following[0].vehicle_id != days[0].vehicle_id
                ):
                    waiting = thread.submit(_read, work, work.reading, following)
                found = _work_up(work, read)
            yield found


def _concerns(work: DayWork, days: Sequence[ChangedDay]) -> dict[str, str]:
    return {
        "vin": vin_of(work.connection, days[0].vehicle_id),
        "days": " ".join(str(day.day) for day in days),
    }


def spans_of(changed: Iterable[ChangedDay]) -> Iterator[list[ChangedDay]]:
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


def _read(
    work: DayWork,
    connection: Connection,
    days: Sequence[ChangedDay],
    least: Span | None = None,
    beyond: timedelta = CONTEXT,
) -> _Read:
    """Read what judging some days needs, and at `least` a span, with rows so far beyond it."""
    vehicle_id = days[0].vehicle_id
    stored_before = last_stored(connection, vehicle_id)
    start, stop = days[0].start, days[-1].stop
    before, after = analysis.rows_beside(connection, vehicle_id, start, stop, CONTEXT)
    counted = [day.day for day in days]
    if before is not None:
        counted.insert(0, before.date())
        start -= CONTEXT
    if after is not None:
        counted.append(after.date())
        stop += CONTEXT
    if least is not None:
        start, stop = min(start, least[0]), max(stop, least[1])
    start, stop = _widened(connection, days, (start, stop))
    # Whole days: what turns out to reach over the span's edges is mostly there already.
    first_day = min(start.date(), counted[0])
    last_day = max((stop - timedelta(microseconds=1)).date(), counted[-1])
    first, last = _midnight(first_day) - beyond, _midnight(last_day) + timedelta(days=1) + beyond
    first, last = _within_reach(days, (first, last), CONTEXT)
    return _Read(
        days=days,
        stored_before=stored_before,
        span=(start, stop),
        window=(first, last),
        counted=counted,
        signals=analysis.read_signals(connection, work.catalogue, vehicle_id, SIGNALS, first, last),
        drivers=driver_changes(connection, vehicle_id, first, last),
        judged_as=judged_as(connection, vehicle_id),
    )


def _widened(connection: Connection, days: Sequence[ChangedDay], span: Span) -> Span:
    """A span with all that is stored that it may be one with, and what that may be one with."""
    vehicle_id = days[0].vehicle_id
    start, stop = _within_reach(days, span)
    while True:
        wider = analysis.trips_around(connection, vehicle_id, start, stop, REST)
        if wider == (start, stop):
            before, after = analysis.rows_beside(connection, vehicle_id, start, stop, LONGEST_GAP)
            # No rows up to the next trip, which therefore may be the same one.
            reach_back = start - before if before is not None else REST
            reach_on = after - stop if after is not None else REST
            reach = max(reach_back, reach_on)
            if reach > REST:
                reach += LONGEST_AWAKE
                wider = analysis.trips_around(connection, vehicle_id, start, stop, reach)
        wider = _within_reach(days, wider)
        if wider == (start, stop):
            return wider
        start, stop = wider


def _within_reach(days: Sequence[ChangedDay], span: Span, more: timedelta = timedelta(0)) -> Span:
    reach = LONGEST_REACH + more
    return max(span[0], days[0].start - reach), min(span[1], days[-1].stop + reach)


def _work_up(work: DayWork, read: _Read) -> Found:
    """Judge what was read and store it; again where something else was stored meanwhile."""
    while True:
        read, found = _judged(work, read)
        results = _store(work, read, found)
        if results is not None:
            trips, events = len(results.trips), len(results.events)
            return Found(days=len(read.days), trips=trips, events=events)
        days = analysis.changed_days(
            work.connection,
            vehicle_id=read.days[0].vehicle_id,
            first=read.days[0].day,
            last=read.days[-1].day,
        )
        if not days:
            return Found(days=0, trips=0, events=0)
        read = _read(work, work.connection, days)


def _judged(work: DayWork, read: _Read) -> tuple[_Read, Behaviour]:
    """Find out how it was driven in a span that nothing found, or stored, reaches out of."""
    beyond = CONTEXT
    while True:
        found = behaviour(
            read.signals,
            of_class(read.judged_as.vehicle_class),
            drivers=read.drivers,
            time_zone=read.judged_as.time_zone,
        )
        span = read.span
        while (reached := _within_reach(read.days, found.reach(*span))) != span:
            span = _widened(work.connection, read.days, reached)
        if read.window[0] <= span[0] - CONTEXT and span[1] + CONTEXT <= read.window[1]:
            return replace(read, span=span), found
        # A trip that goes on for days is not followed day by day.
        beyond = max(2 * beyond, timedelta(days=2))
        read = _read(work, work.connection, read.days, span, beyond)


def _store(work: DayWork, read: _Read, found: Behaviour) -> Behaviour | None:
    """Store what starts in the span; None where others have stored something meanwhile."""
    vehicle_id, (start, stop) = read.days[0].vehicle_id, read.span
    complete_from = work.complete_from
    rows = found.samples.time_us
    first_row = datetime.fromtimestamp(int(rows[0]) / 1e6, UTC) if len(rows) else stop
    if first_row > start:
        gone = analysis.driven_before_rows(work.connection, vehicle_id, start, first_row)
        if gone is not None:
            # Its rows are past retention: it cannot be found again, and stays.
            start = min(gone, stop)
            complete_from = max(complete_from, first_row.date() + timedelta(days=1))
    results = found.starting_in(start, stop)
    stored = store_behaviour(
        work.connection,
        vehicle_id,
        (start, stop),
        trips=results.trips,
        parts=results.parts,
        events=results.events,
        spans=results.spans,
        time_zone=read.judged_as.time_zone,
        days=[(day, _increments(found, day), day >= complete_from) for day in read.counted],
        layout_version=LAYOUT_VERSION,
        method_version=METHOD_VERSION,
        seen=read.days,
        stored_before=read.stored_before,
    )
    return results if stored else None


def _increments(found: Behaviour, day: date) -> Vector:
    start_us = int(_midnight(day).timestamp()) * 1_000_000
    return increments(found.samples, start_us, start_us + 86_400_000_000)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
