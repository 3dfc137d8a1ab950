"""Which moments of a vehicle become reports in the sense of rFMS: a timer, and its own triggers."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from ingest.clock import as_microseconds, as_time
from ingest.derived_triggers import WATCHED, derived_triggers
from ingest.known_values import KnownValues
from schemas.wire import TriggerType
from storage.batch import ReportRow
from storage.frame_writer import REPORT_SIGNALS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from ingest.known_values import Memory
    from schemas.catalogue import Catalogue
    from schemas.signal import Signal
    from storage.batch import GroupRows, TriggerRow

INTERVALS_REMEMBERED = 4
"""Of a vehicle: the newest, and those of a backlog that comes between live frames."""

POSITION = ("latitude", "longitude")
"""A report tells its own time for these, so that it may be the last one there is: a parked vehicle
is where it was."""

REPORTED = frozenset(REPORT_SIGNALS)

TRACKED = tuple(sorted(REPORTED | WATCHED))
"""The signals that are reported, or trigger a report."""

SECOND_US = 1_000_000


class ReportTimer:
    """Remembers the intervals of each vehicle that had their TIMER report lately.

    It saves the database work; that an interval has no second one, the database sees to.

    Args:
        interval_s: a vehicle's first frame of each such interval is reported [s].
    """

    def __init__(self, interval_s: int) -> None:
        self.interval_us = interval_s * 1_000_000
        self._reported: dict[int, tuple[int, ...]] = {}

    def due(self, vehicle_id: int, interval: int) -> bool:
        """Whether this interval of the vehicle has no report yet; from now on it has."""
        reported = self._reported.get(vehicle_id, ())
        if interval in reported:
            return False
        self._reported[vehicle_id] = (interval, *reported[: INTERVALS_REMEMBERED - 1])
        return True

    def span(self, interval: int) -> tuple[datetime, datetime]:
        """From when and before when an interval is."""
        start_us = interval * self.interval_us
        return as_time(start_us), as_time(start_us + self.interval_us)

    def forget(self) -> None:
        """Begin anew: reports may have been rolled back."""
        self._reported.clear()


def reports(
    groups: Sequence[GroupRows],
    triggers: Sequence[TriggerRow],
    catalogue: Catalogue,
    timer: ReportTimer,
    memory: Memory,
) -> Iterator[ReportRow]:
    """The reports that a batch holds.

    A report carries what was known of the vehicle at that moment: what it sent for it, and newest
    values from before, as far as they still hold. The vehicle's own triggers come first: they tell
    more than what is seen in the signals, which is not reported beside them.
    """
    known = KnownValues(groups, catalogue, TRACKED, memory)
    found = [
        *(
            _report(known, catalogue, trigger.vehicle_id, as_microseconds(trigger.time))(
                trigger_type=trigger.trigger_type, detail=trigger.detail
            )
            for trigger in triggers
        ),
        *(
            _report(known, catalogue, vehicle_id, time_us)(
                trigger_type=TriggerType.TIMER.value, only_one_in=timer.span(interval)
            )
            for (vehicle_id, interval), time_us in sorted(_first_times(groups, timer).items())
            if timer.due(vehicle_id, interval)
        ),
        *(
            _report(known, catalogue, seen.vehicle_id, seen.time_us)(
                trigger_type=seen.trigger_type.value,
                detail=seen.detail,
                derived=True,
                only_one_in=(as_time(seen.since_us + 1), as_time(seen.time_us + SECOND_US)),
            )
            for seen in derived_triggers(known)
        ),
    ]
    known.remember()
    yield from found


def _report(
    known: KnownValues, catalogue: Catalogue, vehicle_id: int, time_us: int
) -> Callable[..., ReportRow]:
    """A report of that moment, without its trigger."""
    at = known.at(vehicle_id, time_us)
    position = {name: at.pop(name) for name in POSITION if name in at}
    values = {
        name: value
        for name, (value, since_us) in at.items()
        if name in REPORTED and time_us - since_us <= holds_us(catalogue.by_name[name])
    }
    times = {since_us for _, since_us in position.values()}
    position_us = min(times) if len(position) == len(POSITION) and len(times) == 1 else None
    values |= {
        name: value
        for name, (value, since_us) in position.items()
        if since_us in (position_us, time_us)  # half a position is told at its own moment only
    }
    oldest_us = min((at[name][1] for name in values if name in at), default=time_us)
    return partial(
        ReportRow,
        vehicle_id=vehicle_id,
        created_time=as_time(time_us),
        values=values,
        position_time=None if position_us is None else as_time(position_us),
        values_from=as_time(oldest_us) if oldest_us < time_us else None,
    )


def holds_us(signal: Signal) -> int:
    """How long a value may stand for its signal [µs]: ten of its periods, a minute at least."""
    return int(max(60.0, 10 * signal.period_s) * SECOND_US)


def _first_times(groups: Sequence[GroupRows], timer: ReportTimer) -> dict[tuple[int, int], int]:
    """By vehicle and interval: the time of the first row [µs]."""
    found: dict[tuple[int, int], int] = {}
    for rows in groups:
        if not len(rows):
            continue
        intervals = rows.times_us // timer.interval_us
        # A vehicle's rows stand together as they were sent: few runs, whatever their order within.
        starts = np.ones(len(rows), dtype=np.bool_)
        starts[1:] = (np.diff(rows.vehicle_ids) != 0) | (np.diff(intervals) != 0)
        runs = np.flatnonzero(starts)
        for vehicle_id, interval, time_us in zip(
            rows.vehicle_ids[runs].tolist(),
            intervals[runs].tolist(),
            np.minimum.reduceat(rows.times_us, runs).tolist(),
            strict=True,
        ):
            key = (vehicle_id, interval)
            found[key] = min(found.get(key, time_us), time_us)
    return found
