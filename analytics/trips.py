"""Trips: from the engine's start to its stop, with distance, idling and fuel.

A trip is a run of rows in which the engine runs or the vehicle moves, held together over rests
shorter than `TripRules.rest_s`. Rows count for the time until the next one; a gap in the data is
not time the vehicle spent in any state, though counters carry over it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from numpy.typing import NDArray

METHOD_VERSION = 1
"""Raised when the same signals would give other trips."""

INPUT_SIGNALS = (
    "wheel_speed",
    "engine_speed",
    "engine_running",
    "fuel_rate",
    "odometer",
    "fuel_used_total",
    "latitude",
    "longitude",
)
"""The catalogue signals that `find_trips` reads; any may be absent."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TripRules:
    """Where a trip begins and ends."""

    rest_s: float = 300.0
    """A rest this long ends a trip [s]; Samsara's trips end after 5 min [kb.samsara.com]."""
    running_rpm: float = 300.0
    """An engine turning this fast runs [rpm]; a starter turns it at less than 300."""
    moving_km_h: float = 1.0
    """Below this the vehicle stands [km/h]: wheel speed sensors do not see less."""
    longest_step_s: float = 60.0
    """Rows further apart than this have a gap between them, which is nobody's time [s]."""
    least_km: float = 0.1
    """What moved less and lasted less than `least_s` is no trip but a manoeuvre [km]."""
    least_s: float = 60.0
    """See `least_km` [s]."""
    least_fuel_coverage: float = 0.95
    """Fuel is integrated where the rate is there for this share of the engine's time."""


def find_trips(signals: pd.DataFrame, rules: TripRules | None = None) -> pd.DataFrame:
    """Cut one vehicle's signals into trips.

    Args:
        signals: one vehicle's rows by time (a sorted UTC DatetimeIndex), any of the columns
            INPUT_SIGNALS in the catalogue's units (km/h, rpm, L/h, km, L, degrees), NaN absent.
            An absent column is one that is NaN throughout.
        rules: where trips begin and end.

    Returns:
        A row a trip by time: start_time, end_time (UTC); distance_km; duration_s; idle_s (engine
        running, vehicle standing); fuel_l, idle_fuel_l and l_per_100km (NaN where there was
        neither counter nor rate, or no distance); max_speed_kmh; start_latitude, start_longitude,
        end_latitude, end_longitude; distance_source (odometer or wheel_speed) and fuel_source
        (fuel_used_total, fuel_rate, or None).
    """
    rules = rules or TripRules()
    rows = signals.reindex(columns=list(INPUT_SIGNALS)).astype(float)
    if rows.empty:
        return _table([])
    rows["step_s"] = _steps(rows.index, rules.longest_step_s)
    moving = rows["wheel_speed"] >= rules.moving_km_h
    running = (rows["engine_speed"] >= rules.running_rpm) | (rows["engine_running"] == 1)
    rows["idle"] = running & ~moving
    rows["running"] = running
    active = rows[running | moving]
    if active.empty:
        return _table([])
    rest = pd.Series(active.index, index=active.index).diff() > pd.Timedelta(seconds=rules.rest_s)
    trips: list[dict[str, Any]] = [
        _trip(part, rules) for _, part in active.groupby(np.cumsum(rest.to_numpy()), sort=True)
    ]
    return _table(
        [
            trip
            for trip in trips
            if trip["distance_km"] >= rules.least_km or trip["duration_s"] >= rules.least_s
        ]
    )


COLUMNS = (
    "start_time",
    "end_time",
    "distance_km",
    "duration_s",
    "idle_s",
    "fuel_l",
    "idle_fuel_l",
    "l_per_100km",
    "max_speed_kmh",
    "start_latitude",
    "start_longitude",
    "end_latitude",
    "end_longitude",
    "distance_source",
    "fuel_source",
)
"""The columns of a table of trips."""


def _table(trips: list[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame(trips, columns=list(COLUMNS))


def _steps(times: pd.Index[pd.Timestamp], longest_s: float) -> NDArray[np.float64]:
    """Seconds each row stands for: until the next, or the usual step where a gap follows."""
    microseconds = times.to_numpy(dtype="datetime64[us]").astype(np.int64)
    steps = np.diff(microseconds).astype(np.float64) / 1e6
    regular = steps <= longest_s
    usual = float(np.median(steps[regular])) if regular.any() else 0.0
    return np.append(np.where(regular, steps, usual), usual)


def _trip(rows: pd.DataFrame, rules: TripRules) -> dict[str, Any]:
    """Sum up the active rows of one trip."""
    step_s = rows["step_s"]
    distance_km, distance_source = _distance(rows)
    fuel_l, fuel_source = _fuel(rows, rules)
    idle = rows[rows["idle"]]
    idle_rate_known = fuel_source is not None and rows["fuel_rate"].notna().any()
    latitude, longitude = rows["latitude"].dropna(), rows["longitude"].dropna()
    start, end = rows.index[0], rows.index[-1] + pd.Timedelta(seconds=float(step_s.iloc[-1]))
    return {
        "start_time": start,
        "end_time": end,
        "distance_km": distance_km,
        "duration_s": (end - start).total_seconds(),
        "idle_s": float(idle["step_s"].sum()),
        "fuel_l": fuel_l,
        "idle_fuel_l": (
            float((idle["fuel_rate"] * idle["step_s"]).sum() / 3600) if idle_rate_known else np.nan
        ),
        "l_per_100km": 100 * fuel_l / distance_km if distance_km >= rules.least_km else np.nan,
        "max_speed_kmh": float(rows["wheel_speed"].max()),
        "start_latitude": float(latitude.iloc[0]) if len(latitude) else np.nan,
        "start_longitude": float(longitude.iloc[0]) if len(longitude) else np.nan,
        "end_latitude": float(latitude.iloc[-1]) if len(latitude) else np.nan,
        "end_longitude": float(longitude.iloc[-1]) if len(longitude) else np.nan,
        "distance_source": distance_source,
        "fuel_source": fuel_source,
    }


def _distance(rows: pd.DataFrame) -> tuple[float, str]:
    """Kilometres by the odometer, which also counts while no data came; else by the speed."""
    odometer = rows["odometer"].dropna()
    if len(odometer) > 1:
        return float(odometer.iloc[-1] - odometer.iloc[0]), "odometer"
    return float((rows["wheel_speed"] * rows["step_s"]).sum() / 3600), "wheel_speed"


def _fuel(rows: pd.DataFrame, rules: TripRules) -> tuple[float, str | None]:
    """Litres by the engine's counter, else by its rate where that is there nearly all the time."""
    counter = rows["fuel_used_total"].dropna()
    if len(counter) > 1:
        return float(counter.iloc[-1] - counter.iloc[0]), "fuel_used_total"
    running = rows[rows["running"]]
    rate = running["fuel_rate"]
    covered, all_ = running["step_s"][rate.notna()].sum(), running["step_s"].sum()
    if all_ > 0 and covered >= rules.least_fuel_coverage * all_:
        return float((rate * running["step_s"]).sum() / 3600), "fuel_rate"
    return np.nan, None
