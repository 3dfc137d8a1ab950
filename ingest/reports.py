"""Which moments of a vehicle become reports in the sense of rFMS: a timer, and its own triggers."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from ingest.clock import as_microseconds, as_time
from schemas.wire import TriggerType
from storage.batch import ReportRow
from storage.frame_writer import REPORT_SIGNALS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import datetime

    from schemas.catalogue import Catalogue
    from storage.batch import GroupRows, TriggerRow

INTERVALS_REMEMBERED = 4
"""Of a vehicle: the newest, and those of a backlog that comes between live frames."""

Moment: TypeAlias = tuple[int, int]
"""A vehicle's number and a time in microseconds since 1970."""


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
) -> Iterator[ReportRow]:
    """The reports that a batch holds.

    A report carries what the vehicle sent for that very moment; what it did not send is absent.
    """
    moments: list[tuple[Moment, str, tuple[datetime, datetime] | None]] = [
        ((trigger.vehicle_id, as_microseconds(trigger.time)), trigger.trigger_type, None)
        for trigger in triggers
    ]
    moments += [
        ((vehicle_id, time_us), TriggerType.TIMER.value, timer.span(interval))
        for (vehicle_id, interval), time_us in sorted(_first_times(groups, timer).items())
        if timer.due(vehicle_id, interval)
    ]
    values = _values(groups, catalogue, {moment for moment, _, _ in moments})
    for moment, trigger_type, only_one_in in moments:
        vehicle_id, time_us = moment
        yield ReportRow(
            vehicle_id=vehicle_id,
            created_time=as_time(time_us),
            trigger_type=trigger_type,
            values=values[moment],
            only_one_in=only_one_in,
        )


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


def _values(
    groups: Sequence[GroupRows], catalogue: Catalogue, moments: Collection[Moment]
) -> dict[Moment, dict[str, float]]:
    """What the batch holds for these moments, by name; later rows win, unless they fill gaps."""
    found: dict[Moment, dict[str, float]] = {moment: {} for moment in moments}
    times = np.array([time_us for _, time_us in moments], dtype=np.int64)
    for rows in groups:
        signals = catalogue.groups[rows.group].signals
        at_these_times = np.flatnonzero(np.isin(rows.times_us, times))
        for wide, matrix in ((False, rows.narrow), (True, rows.wide)):
            names = [signal.name for signal in signals if signal.wide is wide]
            wanted = [(name, place) for place, name in enumerate(names) if name in REPORT_SIGNALS]
            if not wanted:
                continue
            places = np.array([place for _, place in wanted], dtype=np.intp)
            cells = matrix[np.ix_(at_these_times, places)]
            for vehicle_id, time_us, values in zip(
                rows.vehicle_ids[at_these_times].tolist(),
                rows.times_us[at_these_times].tolist(),
                cells.tolist(),
                strict=True,
            ):
                report = found.get((vehicle_id, time_us))
                if report is not None:
                    present = {
                        name: value
                        for (name, _), value in zip(wanted, values, strict=True)
                        if value == value  # NaN, which is absent, is not equal to itself
                    }
                    report.update(present | report if rows.fills_gaps else present)
    return found
