"""What shows that a piece of advice is right: the parts of trips that cost most, and a chart."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHOWN = 3
"""So many parts are named."""

KEYS = {"l": "litres", "km": "km", "h": "hours"}
"""What the figure of a part is called, by its unit."""

UNITS = {"l": "L", "km": "km", "h": "h", "days": "h"}
"""What a chart counts, by the unit of the saving: days that stood are seen from hours driven."""


def shown(
    parts: pd.DataFrame, values: NDArray[np.float64], *, unit: str, week: date
) -> dict[str, Any]:
    """The evidence of a piece of advice, as JSON has it.

    Args:
        parts: n parts of trips: day (date), trip_start, part_start (UTC), distance_km.
        values: (n,) what each of them cost or could have spared, in the unit; NaN unknown.
        unit: l, km, h or days (then the values are hours).
        week: the Monday of the week.

    Returns:
        parts: up to three that cost most, each with trip_start, part_start (ISO 8601, UTC),
        distance_km (null where unknown) and litres, km or hours; none for days. chart: unit (L, km
        or h), days (the week's seven, ISO) and values (a sum a day, not below 0: what a day spared
        is not shown).
    """
    values = np.nan_to_num(values)
    days = [week + timedelta(days=n) for n in range(7)]
    sums = dict.fromkeys(days, 0.0)
    for day, value in zip(parts["day"], values.tolist(), strict=True):
        if day in sums:
            sums[day] += value
    chart = {
        "unit": UNITS[unit],
        "days": [day.isoformat() for day in days],
        "values": [round(max(value, 0.0), 2) for value in sums.values()],
    }
    return {"parts": _most(parts, values, KEYS[unit]) if unit in KEYS else [], "chart": chart}


def _most(parts: pd.DataFrame, values: NDArray[np.float64], key: str) -> list[dict[str, Any]]:
    # The earlier of two that cost the same: the order of rows shall not matter.
    starts = parts["part_start"].to_numpy(dtype="datetime64[us]").astype(np.int64)
    order = np.lexsort((starts, -values))[:SHOWN]
    found = []
    for row in order[values[order] > 0]:
        part = parts.iloc[int(row)]
        km = float(part["distance_km"]) if pd.notna(part["distance_km"]) else None
        found.append(
            {
                "trip_start": _iso(part["trip_start"]),
                "part_start": _iso(part["part_start"]),
                "distance_km": None if km is None else round(km, 1),
                key: round(float(values[row]), 2),
            }
        )
    return found


def _iso(time: pd.Timestamp) -> str:
    return time.tz_convert("UTC").isoformat().replace("+00:00", "Z")
