"""Rules broken, as rows of the table of driving events."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analytics.events.table import EVENT_COLUMNS, empty
from analytics.fatigue import china, eu
from analytics.fatigue.driving import Driving
from schemas.errors import TelemetryError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from analytics.fatigue.driving import Breach

KINDS = china.KINDS | eu.KINDS
"""The kinds of fatigue event; their unit is hours."""

RULES = ("china", "eu", "none")
"""The rules to choose from."""

SEVERITY = (1.10, 1.25)
"""How far beyond a limit, as a part of it, is medium and high; ours."""


class FatigueError(TelemetryError):
    """Fatigue cannot be judged as asked; the message names the rules there are."""


def fatigue_events(
    spans: pd.DataFrame, rules: str, *, passenger: bool = False, time_zone: str = "UTC"
) -> pd.DataFrame:
    """Find where one driver broke the rules on hours at the wheel.

    Args:
        spans: the driver's driving across vehicles, in any order: start_time, end_time (UTC),
            driving_s, vehicle. To judge a week give two weeks before it, too.
        rules: one of RULES.
        passenger: China's rules for passenger transport besides (class bus).
        time_zone: IANA, for China's night.

    Returns:
        The table of events with EVENT_COLUMNS and vehicle, by start_time then kind, of a kind one
        at a time. An event starts
        when the limit was crossed and ends with the driving (for a daily rest: from when it came
        too late until the 24 h were over); its peak and limit are hours (driven, or of rest), its
        vehicle is the one driven when it starts, and its window begins with the driving that
        counts. Speed, distance, fuel and place are NaN.

    Raises:
        FatigueError: there are no such rules.
        TimeZoneError: there is no such zone.
    """
    if rules not in RULES:
        raise FatigueError(f"No rules {rules!r} on hours at the wheel: give {', '.join(RULES)}.")
    driving = Driving.of(spans)
    found: list[Breach] = []
    if rules == "china":
        found = china.breaches(driving, passenger=passenger, time_zone=time_zone)
    elif rules == "eu":
        found = eu.breaches(driving)
    if not found:
        return empty().assign(vehicle=pd.Series(dtype=object))
    found.sort(key=lambda breach: (breach.at_s, breach.kind))
    peak = np.array([breach.peak for breach in found])
    limit = np.array([breach.limit for breach in found])
    until = _utc(breach.until_s for breach in found)
    table = pd.DataFrame(
        {
            "kind": [breach.kind for breach in found],
            "start_time": _utc(breach.at_s for breach in found),
            "end_time": until,
            "peak": peak,
            "peak_time": until,
            "limit": limit,
            "severity": _severity(peak, limit),
            "window_start": _utc(breach.since_s for breach in found),
            "window_end": until,
        }
    ).reindex(columns=list(EVENT_COLUMNS))
    unknown = ["speed_km_h", "distance_km", "fuel_l", "latitude", "longitude"]
    table[unknown] = table[unknown].astype(float)
    table["vehicle"] = _vehicles(spans, table["start_time"])
    # More than a fortnight's hours in one week cross the limit of both its fortnights at once.
    return table.drop_duplicates(["kind", "start_time"], keep="last", ignore_index=True)


def _severity(peak: NDArray[np.float64], limit: NDArray[np.float64]) -> NDArray[np.int64]:
    # Too little rest is as bad as so much too much driving.
    beyond = np.maximum(peak / limit, 2.0 - peak / limit)
    return np.asarray(1 + (beyond >= SEVERITY[0]) + (beyond >= SEVERITY[1]), dtype=np.int64)


def _vehicles(spans: pd.DataFrame, at: pd.Series[pd.Timestamp]) -> NDArray[np.object_]:
    """The vehicle of the span that each of these times lies in or comes after."""
    ordered = spans.sort_values("start_time", kind="stable")
    starts = ordered["start_time"].to_numpy(dtype="datetime64[us]")
    row = np.searchsorted(starts, at.to_numpy(dtype="datetime64[us]"), side="right") - 1
    return np.asarray(ordered["vehicle"].to_numpy(dtype=object)[np.maximum(row, 0)])


def _utc(seconds: Iterable[float]) -> pd.DatetimeIndex:
    whole = np.rint(np.fromiter(seconds, dtype=np.float64) * 1e6).astype(np.int64)
    return pd.DatetimeIndex(whole.view("datetime64[us]"), tz="UTC")
