"""What analysis might have found of a vehicle's driving: small tables, easy to foresee."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from storage.behaviour import store_behaviour

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from storage.analysis import ChangedDay
    from storage.connection import Connection
    from tests.servers.database_fixture import Migrated

Drive = tuple[datetime, int, "str | None"]
"""Start, minutes, and the driver's card."""

CELLS = 3
"""Counters of a vehicle, where their meaning does not matter."""

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)

MONDAY = datetime(2026, 10, 26, tzinfo=UTC)
"""Also in Shanghai, eight hours before."""
NOON = MONDAY + 12 * HOUR
WEEK = MONDAY.date()


def trips(*drives: Drive, **others: Any) -> pd.DataFrame:
    """Trips of a kilometre a minute."""
    return frame(
        [
            {
                "start_time": start,
                "end_time": start + timedelta(minutes=minutes),
                "distance_km": float(minutes),
                "duration_s": minutes * 60.0,
                "idle_s": 60.0,
                "fuel_l": 3.0,
                "max_speed_kmh": 80.0,
                "distance_source": "odometer",
                "kind": "drive",
                "driving_s": minutes * 60.0 - 60,
                "stop_count": 2,
                "driver": driver,
                **others,
            }
            for start, minutes, driver in drives
        ]
    )


def parts(*drives: Drive, **others: Any) -> pd.DataFrame:
    """A part for each trip."""
    return frame(
        [
            {
                "trip_start": start,
                "part_start": start,
                "end_time": start + timedelta(minutes=minutes),
                "driver": driver,
                "distance_km": float(minutes),
                "driving_s": minutes * 60.0 - 60,
                "idle_s": 60.0,
                "fuel_l": 3.0,
                "fuel_known_km": float(minutes),
                "stops": 2.0,
                **others,
            }
            for start, minutes, driver in drives
        ]
    )


def harsh_brakings(*found: tuple[datetime, str | None], **others: Any) -> pd.DataFrame:
    """Harsh brakings of three seconds, each by its start and its driver's card."""
    return frame(
        [
            {
                "kind": "harsh_braking",
                "start_time": start,
                "end_time": start + timedelta(seconds=3),
                "peak": 4.1,
                "peak_time": start + timedelta(seconds=1),
                "limit": 3.0,
                "severity": 2,
                "speed_km_h": 63.0,
                "distance_km": 0.04,
                "fuel_l": np.nan,
                "latitude": 31.25,
                "longitude": 121.5,
                "window_start": start - timedelta(seconds=10),
                "window_end": start + timedelta(seconds=13),
                "driver": driver,
                "trip_start": start,
                **others,
            }
            for start, driver in found
        ]
    )


def spans(*drives: Drive) -> pd.DataFrame:
    """A span at the wheel for each trip."""
    return frame(
        [
            {
                "start_time": start,
                "end_time": start + timedelta(minutes=minutes),
                "driving_s": minutes * 60.0,
                "driver": driver,
            }
            for start, minutes, driver in drives
        ]
    )


def frame(records: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """Records as a table whose times are in microseconds, as analysis has them."""
    table = pd.DataFrame(list(records))
    for name, column in table.items():
        if isinstance(column.dtype, pd.DatetimeTZDtype):
            table[name] = column.dt.as_unit("us")
    return table


def store(
    connection: Connection,
    vehicle_id: int,
    span: tuple[datetime, datetime],
    *drives: Drive,
    braked: Sequence[tuple[datetime, str | None]] = (),
    days: Sequence[tuple[date, Sequence[float], bool]] = (),
    of_trips: Mapping[str, Any] | None = None,
    seen: Sequence[ChangedDay] = (),
    time_zone: str = "Asia/Shanghai",
    method_version: int = 3,
    layout_version: int = 1,
) -> bool:
    """Store drives, each a trip of one part and one span at the wheel, and harsh brakings.

    What all trips have beside, or instead of, what is usual here is in `of_trips`.
    """
    found = (
        table if rows else table.iloc[:0]
        for rows, table in (
            (drives, trips(*(drives or [(span[0], 1, None)]), **(of_trips or {}))),
            (drives, parts(*(drives or [(span[0], 1, None)]))),
            (braked, harsh_brakings(*(braked or [(span[0], None)]))),
            (drives, spans(*(drives or [(span[0], 1, None)]))),
        )
    )
    some_trips, some_parts, some_events, some_spans = found
    return store_behaviour(
        connection,
        vehicle_id,
        span,
        trips=some_trips,
        parts=some_parts,
        events=some_events,
        spans=some_spans,
        time_zone=time_zone,
        days=[(day, np.array(increments, dtype=float), whole) for day, increments, whole in days],
        layout_version=layout_version,
        method_version=method_version,
        seen=seen,
    )


def score_row(score: float | None = 70.0, **others: Any) -> dict[str, Any]:
    """A score with what stands beside it."""
    return {
        "time_zone": "Asia/Shanghai",
        "vehicle_class": "heavy_truck",
        "band": "all",
        "score": score,
        "low": None if score is None else score - 5,
        "high": None if score is None else score + 5,
        "grade": None if score is None else "B",
        "reason": "distance" if score is None else None,
        "missing": "retarder, harsh",
        "difficulty": 40.0,
        "difficulty_missing": "",
        "reference": "peers",
        "distance_km": 900.0,
        "n_trips": 12,
        **others,
    }


def score_part(metric: str, points: float, lost: float, **others: Any) -> dict[str, Any]:
    """What a metric gave to a score."""
    return {
        "metric": metric,
        "value": 14.0,
        "value_low": 12.0,
        "value_high": 17.0,
        "worst": 25.0,
        "best": 3.0,
        "reference": "band",
        "peers": 40,
        "metric_score": 100 * points / (points + lost),
        "weight": (points + lost) / 100,
        "points": points,
        "points_lost": lost,
        **others,
    }


def rows(database: Migrated, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
    """What a query answers."""
    return database.connection.execute(statement.encode(), parameters).fetchall()


def starts(database: Migrated, table: str, number: int, column: str = "start_time") -> list[Any]:
    """A column of a vehicle's rows, ascending."""
    found = rows(database, f"SELECT {column} FROM {table} WHERE vehicle_id = %s ORDER BY 1", number)
    return [start for (start,) in found]


def driver_id(database: Migrated, card: str) -> int:
    """The number of a driver's card."""
    ((number,),) = rows(database, "SELECT driver_id FROM driver WHERE card_id = %s", card)
    return int(number)


def counted(database: Migrated, number: int) -> tuple[Any, ...] | None:
    """A vehicle's total, served, corrections, corrected and newest_day; None: it has none."""
    found = rows(
        database,
        "SELECT total, served, corrections, corrected, newest_day FROM accumulated"
        " WHERE vehicle_id = %s",
        number,
    )
    return found[0] if found else None
