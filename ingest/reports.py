"""Which moments of a vehicle become reports in the sense of rFMS: a timer, and its own triggers."""

from __future__ import annotations

from itertools import compress
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ingest.clock import as_microseconds, as_time
from ingest.derived_triggers import WATCHED, derived_triggers
from ingest.known_values import KnownValues
from schemas.wire import TriggerType
from storage.batch import ReportRow
from storage.latest_values import NEVER_US
from storage.report_writer import REPORT_SIGNALS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
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

_POSITION = [TRACKED.index(name) for name in POSITION]

_IS_REPORTED = np.array([name in REPORTED and name not in POSITION for name in TRACKED])
"""Whose values are told as long as they hold; of a position that is another matter."""

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
    known = KnownValues(groups, catalogue, memory)
    found = [
        *(
            _Moment(
                trigger.vehicle_id,
                as_microseconds(trigger.time),
                {"trigger_type": trigger.trigger_type, "detail": trigger.detail},
            )
            for trigger in triggers
        ),
        *(
            _Moment(
                vehicle_id,
                time_us,
                {"trigger_type": TriggerType.TIMER.value, "only_one_in": timer.span(interval)},
            )
            for (vehicle_id, interval), time_us in sorted(_first_times(groups, timer).items())
            if timer.due(vehicle_id, interval)
        ),
        *(
            _Moment(
                seen.vehicle_id,
                seen.time_us,
                {
                    "trigger_type": seen.trigger_type.value,
                    "detail": seen.detail,
                    "derived": True,
                    "only_one_in": (as_time(seen.since_us + 1), as_time(seen.time_us + SECOND_US)),
                },
            )
            for seen in derived_triggers(known)
        ),
    ]
    told = _told(known, catalogue, found) if found else []
    known.remember()
    yield from told


class _Moment(NamedTuple):
    """What is to be reported."""

    vehicle_id: int
    time_us: int
    why: dict[str, Any]
    """The report's trigger, as ReportRow takes it."""


def _told(known: KnownValues, catalogue: Catalogue, moments: Sequence[_Moment]) -> list[ReportRow]:
    """The reports of these moments."""
    times = np.array([moment.time_us for moment in moments], dtype=np.int64)
    values, since = known.at(np.array([moment.vehicle_id for moment in moments]), times)
    signals = [catalogue.by_name.get(name) for name in TRACKED]
    holds = np.array([0 if signal is None else holds_us(signal) for signal in signals])
    tells = _IS_REPORTED & (since >= times[:, np.newaxis] - holds)
    # One that is not told is not older than the report either.
    oldest = np.where(tells, since, times[:, np.newaxis]).min(axis=1)
    latitude, longitude = since[:, _POSITION].T
    whole = (latitude == longitude) & (latitude > NEVER_US)
    # Half a position is told at its own moment only.
    tells[:, _POSITION] = whole[:, np.newaxis] | (since[:, _POSITION] == times[:, np.newaxis])
    return [
        ReportRow(
            vehicle_id=moment.vehicle_id,
            created_time=as_time(moment.time_us),
            values=dict(zip(compress(TRACKED, told), present, strict=True)),
            position_time=as_time(position_us) if has_position else None,
            values_from=as_time(oldest_us) if oldest_us < moment.time_us else None,
            **moment.why,
        )
        for moment, told, present, position_us, has_position, oldest_us in zip(
            moments,
            tells.tolist(),
            (row[told].tolist() for row, told in zip(values, tells, strict=True)),
            latitude.tolist(),
            whole.tolist(),
            oldest.tolist(),
            strict=True,
        )
    ]


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
