"""The tank's level in steps of twenty seconds: what is left of a day's rows to judge a tank by.

A trace is short (a row for twenty seconds in which data came), and traces of consecutive days are
put one behind the other by `pandas.concat`: a night between two days is then a gap as any other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analytics.samples import SampleRules

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analytics.samples import Samples

    Floats = NDArray[np.float64]
    Places = NDArray[np.intp]

STEP_S = 20.0
"""A row of a trace [s]: every second reading of a level that comes every ten seconds."""

GAP_S = SampleRules().longest_step_s
"""Steps further apart than this have a gap between them [s], as rows have."""

TRACE_COLUMNS = (
    "start_time",
    "end_time",
    "volume_l",
    "level_percent",
    "counter_l",
    "rate_l",
    "still",
    "odometer_km",
    "latitude",
    "longitude",
)
"""The columns of a trace."""

TANKS = 2
"""Tanks the catalogue has signals of."""


def tank_trace(samples: Samples) -> pd.DataFrame:
    """Sum one vehicle's rows up for its tank.

    Args:
        samples: rows as `fuel_samples` gives them. For traces that are to be put one behind the
            other, those of spans that do not overlap.

    Returns:
        A row for each STEP_S in which data came, by time: start_time and end_time (UTC: of its
        rows); volume_l, litres in all tanks; level_percent, the mean of the tanks' levels;
        counter_l, the fuel counter; odometer_km, latitude and longitude, of each the last known;
        rate_l, litres by the fuel rate; still, the vehicle did not move. NaN unknown.
    """
    if not len(samples):
        return _table(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), {})
    step = samples.time_us // round(STEP_S * 1e6)
    first = np.flatnonzero(np.append(True, step[1:] != step[:-1]) | samples.gap)
    stop = np.append(first[1:], len(samples))
    rate = samples["fuel_rate"]
    told = np.isnan(rate) & samples.running
    return _table(
        samples.time_us[first],
        samples.end_us[stop - 1],
        {
            "volume_l": _last(_volume_l(samples), first, stop),
            "level_percent": _last(_level_percent(samples), first, stop),
            "counter_l": _last(samples["fuel_used_total"], first, stop),
            "rate_l": np.where(
                np.logical_or.reduceat(told, first),
                np.nan,
                np.add.reduceat(np.nan_to_num(rate) * samples.step_s / 3600, first),
            ),
            "still": ~np.logical_or.reduceat(samples.moving, first),
            "odometer_km": _last(samples["odometer"], first, stop),
            "latitude": _last(samples["latitude"], first, stop),
            "longitude": _last(samples["longitude"], first, stop),
        },
    )


def _table(
    start_us: NDArray[np.int64], end_us: NDArray[np.int64], columns: dict[str, Floats]
) -> pd.DataFrame:
    times = {
        name: pd.DatetimeIndex(us.view("datetime64[us]"), tz="UTC")
        for name, us in (("start_time", start_us), ("end_time", end_us))
    }
    absent = np.full(len(start_us), np.nan)
    told = {name: columns.get(name, absent) for name in TRACE_COLUMNS if name not in times}
    return pd.DataFrame(times | told).astype({"still": np.bool_})


def _volume_l(samples: Samples) -> Floats:
    """(n,) litres in all tanks that ever tell; NaN where one of them does not."""
    return _over_tanks(samples, "fuel_volume", np.inf, np.add)


def _level_percent(samples: Samples) -> Floats:
    """(n,) the mean of the tanks' levels [%]; NaN where one of those that ever tell does not."""
    levels = [f"fuel_level_{tank + 1}" for tank in range(TANKS)]
    told = sum(not np.isnan(_signal(samples, name)).all() for name in levels)
    return _over_tanks(samples, "fuel_level", 100.0, np.add) / max(told, 1)


def _over_tanks(samples: Samples, name: str, most: float, join: np.ufunc) -> Floats:
    """(n,) the tanks' values joined.

    Zero is what an open circuit reads, and an engine does not run on: it is no reading.
    """
    found: Floats | None = None
    for tank in range(TANKS):
        values = _signal(samples, f"{name}_{tank + 1}")
        believed = np.where((values > 0) & (values <= most), values, np.nan)
        if not np.isnan(believed).all():
            found = believed if found is None else join(found, believed)
    return np.full(len(samples), np.nan) if found is None else found


def _signal(samples: Samples, name: str) -> Floats:
    """A signal; one that was not asked for is absent throughout."""
    values = samples.signals.get(name)
    return np.full(len(samples), np.nan) if values is None else values


def _last(values: Floats, first: Places, stop: Places) -> Floats:
    """(k,) each step's last known value."""
    known = np.flatnonzero(~np.isnan(values))
    place = np.searchsorted(known, stop) - 1
    there = place >= 0
    row = known[np.maximum(place, 0)] if len(known) else np.zeros(len(first), dtype=np.intp)
    there &= row >= first
    return np.where(there, values[row], np.nan)
