"""A week's rows, day by day: read, made ready, and read again where the week is long.

A day is what the trips that began on it needed, up to their ends. Memory holds two days, and as
many more as CACHED_ROWS allows: what a week's causes are is only known once the whole week has told
what the vehicle is.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from analytics.fuel.signals import FUEL_SIGNALS, fuel_samples
from analytics.samples import SampleRules
from storage.analysis import read_signals

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from analytics.samples import Samples
    from schemas.catalogue import Catalogue
    from storage.connection import Connection

CONTEXT = timedelta(seconds=2 * SampleRules().reach_s)
"""Rows beyond a day's trips that are read with them: nothing further away decides on theirs."""

CACHED_ROWS = 250_000
"""Rows of a week that are kept until its causes are found: 70 hours of driving, 170 MB. The days
beyond are read again."""


@dataclass(kw_only=True, slots=True)
class FuelDays:
    """A vehicle's days, each with what its trips were.

    Attributes:
        connection: rows are read over it.
        catalogue: the catalogue the database was migrated to.
        vehicle_id: whose days.
        parts: of `storage.fuel.parts_of_week`.
    """

    connection: Connection
    catalogue: Catalogue
    vehicle_id: int
    parts: pd.DataFrame
    _kept: dict[date, Samples] = field(default_factory=dict)

    def each(self) -> Iterator[tuple[date, Samples, pd.DataFrame]]:
        """Every day by time: its rows from its first trip's start to its last one's end, its parts.

        The next day is read while one is worked up, where the connection is not used meanwhile.
        """
        days: list[tuple[date, pd.DataFrame]] = [
            (day, self.parts[self.parts["day"] == day]) for day in self.parts["day"].unique()
        ]
        rows_kept = sum(len(samples) for samples in self._kept.values())
        with ThreadPoolExecutor(1) as thread:
            ahead = thread.submit(self._read, *days[0]) if days else None
            for place, (day, parts) in enumerate(days):
                samples = ahead.result() if ahead is not None else self._read(day, parts)
                following = days[place + 1] if place + 1 < len(days) else None
                ahead = thread.submit(self._read, *following) if following is not None else None
                if day not in self._kept and rows_kept + len(samples) <= CACHED_ROWS:
                    self._kept[day] = samples
                    rows_kept += len(samples)
                yield day, samples, parts

    def read(self, start: datetime, stop: datetime) -> Samples:
        """The rows of a span, made ready."""
        return fuel_samples(
            read_signals(
                self.connection, self.catalogue, self.vehicle_id, FUEL_SIGNALS, start, stop
            )
        )

    def _read(self, day: date, parts: pd.DataFrame) -> Samples:
        if day in self._kept:
            return self._kept[day]
        start, stop = parts["trip_start"].min(), parts["end_time"].max()
        return clipped(self.read(start - CONTEXT, stop + CONTEXT), start, stop)


def clipped(samples: Samples, start: datetime, stop: datetime) -> Samples:
    """The rows from `start` to `stop`, both included, as they stand among the others."""
    start_us, stop_us = (round(time.timestamp() * 1e6) for time in (start, stop))
    first = int(samples.time_us.searchsorted(start_us, side="left"))
    last = int(samples.time_us.searchsorted(stop_us, side="right"))
    rows = slice(first, last)
    gap = samples.gap[rows].copy()
    gap[:1] = True
    return replace(
        samples,
        time_us=samples.time_us[rows],
        step_s=samples.step_s[rows],
        gap=gap,
        speed_km_h=samples.speed_km_h[rows],
        speed_source=samples.speed_source[rows],
        acceleration_m_s2=samples.acceleration_m_s2[rows],
        moving=samples.moving[rows],
        running=samples.running[rows],
        signals={name: values[rows] for name, values in samples.signals.items()},
    )
