"""What advice is made from, the advice, and whether it helped.

Advice is read, accepted or dismissed: made anew for the same vehicle, driver, week and cause it is
the same piece, with its number and status. What is no longer given goes, unless somebody has
decided on it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from psycopg.types.json import Jsonb

from storage.errors import refusal_of
from storage.queries import query

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date
    from typing import LiteralString

    from storage.connection import Connection
    from storage.fuel import FuelWeek

_TIMES = ("trip_start", "part_start", "end_time", "status_at")
_OTHERS = ("week", "day", "time_zone", "corridor", "expected_by", "missing", "cause", "facts")


def parts(connection: Connection, vehicle_id: int, first: date, last: date) -> pd.DataFrame:
    """Fuel of parts of a vehicle's trips, of weeks from `first` to `last` (Mondays).

    Returns:
        A row a part by time, the columns of fuel_part that advice is made from, and week and day
        (dates): times UTC, driver_id Int64, numbers float64 (NaN: not known).
    """
    return _read(connection, "advice_parts", vehicle_id, first, last)


def causes(connection: Connection, vehicle_id: int, first: date, last: date) -> pd.DataFrame:
    """The causes of these parts: week, part_start, cause, litres, low_l, high_l."""
    return _read(connection, "advice_causes", vehicle_id, first, last)


def behaviour(connection: Connection, vehicle_id: int, first: date, last: date) -> pd.DataFrame:
    """How these parts were driven: part_start, and sums of trip_part."""
    return _read(connection, "advice_behaviour", vehicle_id, first, last)


def given(connection: Connection, vehicle_id: int, first: date, last: date) -> pd.DataFrame:
    """Advice of these weeks: advice_id, driver_id, week, cause, what it said, status, status_at."""
    return _read(connection, "advice_given", vehicle_id, first, last)


def days_over(connection: Connection, week: FuelWeek, time_zone: str) -> tuple[int, int]:
    """How many days of a week are over, and on how many of them the vehicle was in a fleet."""
    row = connection.execute(
        query("advice_days"),
        {"vehicle_id": week.vehicle_id, "week": week.week, "time_zone": time_zone},
    ).fetchone()
    over, member = row or (0, 0)
    return over, member


def store_advice(connection: Connection, week: FuelWeek, advice: pd.DataFrame) -> None:
    """Replace the advice of a vehicle-week; what was given before keeps its number and status.

    Args:
        connection: an autocommit connection.
        week: whose.
        advice: a row a piece, columns of table `advice`; facts and evidence as JSON has it.

    Raises:
        StorageError: the database refuses a piece; everything is as it was.
    """
    rows = [
        {str(name): _cell(value) for name, value in row.items()}
        | {name: Jsonb(row[name]) for name in ("facts", "evidence")}
        for row in advice.to_dict("records")
    ]
    where = {
        "vehicle_id": week.vehicle_id,
        "week": week.week,
        "driver_ids": [row["driver_id"] for row in rows],
        "causes": [row["cause"] for row in rows],
    }
    with (
        refusal_of(f"advice on vehicle {week.vehicle_id} for the week of {week.week}"),
        connection.transaction(),
        connection.cursor() as cursor,
    ):
        cursor.execute(query("take_advice_back"), where)
        cursor.executemany(
            query("give_advice"), [row | {"vehicle_id": week.vehicle_id} for row in rows]
        )


def store_results(
    connection: Connection,
    week: FuelWeek,
    measured: Iterable[int],
    results: Iterable[Mapping[str, Any]],
    *,
    days: int,
) -> None:
    """Replace the results of some advice, and mark a vehicle-week as advised.

    Args:
        connection: an autocommit connection.
        week: whose advice is stored, with the change that was seen.
        measured: numbers of the advice that was measured.
        results: columns of advice_result, for each of these that has a result.
        days: how many days of the week are over.

    Raises:
        StorageError: the database refuses a result; everything is as it was.
    """
    rows = [{name: _cell(value) for name, value in row.items()} for row in results]
    with (
        refusal_of(f"what came of advice on vehicle {week.vehicle_id}"),
        connection.transaction(),
        connection.cursor() as cursor,
    ):
        cursor.execute(query("delete_advice_results"), {"advice_ids": list(measured)})
        cursor.executemany(query("store_advice_result"), rows)
        cursor.execute(
            query("week_advised"),
            {
                "vehicle_id": week.vehicle_id,
                "week": week.week,
                "touched": week.touched,
                "days": days,
            },
        )


def _cell(value: Any) -> Any:
    """A value as psycopg takes it: numpy's as Python's, what is absent as None."""
    if value is None or value is pd.NA or value is pd.NaT or value != value:
        return None
    return value.item() if isinstance(value, np.generic) else value


def _read(
    connection: Connection, name: LiteralString, vehicle_id: int, first: date, last: date
) -> pd.DataFrame:
    """A vehicle's rows of some weeks, a type a column whether there are rows or not."""
    cursor = connection.execute(
        query(name), {"vehicle_id": vehicle_id, "first": first, "last": last}
    )
    names = [column.name for column in cursor.description or ()]
    frame = pd.DataFrame(cursor.fetchall(), columns=names, dtype=object)
    for column in names:
        if column in _TIMES:
            frame[column] = pd.DatetimeIndex(frame[column], dtype="datetime64[us, UTC]")
        elif column == "driver_id":
            frame[column] = frame[column].astype("Int64")
        elif column not in (*_OTHERS, "status", "advice_id"):
            frame[column] = frame[column].astype("float64")
    return frame
