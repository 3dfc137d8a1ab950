"""A fleet's own clock: days, ISO weeks and hours of the day in its IANA time zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from schemas.time_zones import zone

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from numpy.typing import NDArray

QUARTER_US = 15 * 60 * 1_000_000
"""Clocks change, and zones differ from UTC, by whole quarters of an hour [µs]."""


def local_hours(time_us: NDArray[np.int64], time_zone: str) -> NDArray[np.float64]:
    """(n,) local hour of the day, 0 to 24, of sorted times in microseconds since 1970."""
    local_us = time_us + offsets_us(time_us, time_zone)
    return np.asarray((local_us % 86_400_000_000) / 3_600_000_000)


def offsets_us(time_us: NDArray[np.int64], time_zone: str) -> NDArray[np.int64]:
    """(n,) how far local time is ahead of UTC at sorted times, microseconds."""
    if not len(time_us):
        return np.empty(0, dtype=np.int64)
    where = zone(time_zone)
    quarters = time_us // QUARTER_US
    starts = np.flatnonzero(np.diff(quarters, prepend=quarters[0] - 1))
    offsets = [
        _offset(datetime.fromtimestamp(quarter * QUARTER_US / 1e6, UTC), where)
        for quarter in quarters[starts].tolist()
    ]
    lengths = np.diff(np.append(starts, len(time_us)))
    return np.repeat(np.array(offsets, dtype=np.int64), lengths)


def _offset(at: datetime, where: ZoneInfo) -> int:
    ahead = at.astimezone(where).utcoffset() or timedelta(0)
    return round(ahead.total_seconds() * 1e6)


def local_days(times: pd.Series[pd.Timestamp], time_zone: str) -> pd.DataFrame:
    """The local day and ISO week that times lie in.

    Args:
        times: UTC.
        time_zone: IANA.

    Returns:
        By the same index: day and week (its Monday), local dates as midnights without a zone.

    Raises:
        TimeZoneError: there is no such zone.
    """
    day = times.dt.tz_convert(zone(time_zone)).dt.tz_localize(None).dt.normalize()
    return pd.DataFrame({"day": day, "week": day - pd.to_timedelta(day.dt.day_of_week, unit="D")})


def week_bounds(monday: date, time_zone: str) -> tuple[datetime, datetime]:
    """When the local week of a Monday begins and the next one does, UTC.

    Raises:
        TimeZoneError: there is no such zone.
    """
    where = zone(time_zone)
    begins, ends = (
        datetime.combine(day, time(), tzinfo=where).astimezone(UTC)
        for day in (monday, monday + timedelta(weeks=1))
    )
    return begins, ends
