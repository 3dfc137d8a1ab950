"""What analysis finds of a vehicle-week's fuel, stored in one go, and which weeks wait for it.

A week has what the trips that began in it needed. It is replaced as a whole, so that a run that was
killed and is repeated ends with the same rows; what stands in the same transaction is which change
of the week was seen. Later weeks are calibrated with the sums of earlier ones: where these change,
later ones wait again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from storage import table_frames
from storage.errors import refusal_of
from storage.queries import query

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from storage.connection import Connection

    Span = tuple[datetime, datetime]

WEEK = timedelta(days=7)


@dataclass(frozen=True, kw_only=True, slots=True)
class FuelWeek:
    """A week of a vehicle that waits, and the change that was seen."""

    vehicle_id: int
    week: date
    """Its Monday."""
    touched: int
    to_work_up: bool
    """Whether fuel and causes wait; where they do not, advice does."""

    @property
    def sunday(self) -> date:
        """Its last day."""
        return self.week + WEEK - timedelta(days=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class FuelOfWeek:
    """What was found of a week, as it is stored."""

    parts: pd.DataFrame
    """trip_start, part_start, end_time, driver_id, time_zone and columns of fuel_part, a row a
    part."""
    causes: pd.DataFrame
    """part_start, cause, litres, low_l, high_l."""
    tank_events: pd.DataFrame
    """Columns of tank_event; each ends in `span`."""
    stats: Mapping[date, NDArray[np.float64]]
    """Sums, (cells,), by the local day on which trips began."""
    segments: pd.DataFrame
    """day, start_time, and `cells`: a list of numbers a row."""


def redo_older(connection: Connection, *, method_version: int, kept_from: date) -> int:
    """Let the weeks wait again that an older method worked up, where raw rows are left of them.

    Args:
        connection: an autocommit connection.
        method_version: the present method's.
        kept_from: the first local day whose raw rows are all kept.

    Returns:
        How many vehicle-weeks.
    """
    wanted = {"method_version": method_version, "first": _first_week(kept_from)}
    return connection.execute(query("redo_older_fuel"), wanted).rowcount


def waiting_vehicles(
    connection: Connection, *, kept_from: date, vin: str | None = None
) -> list[int]:
    """Vehicles with weeks that wait, by number; only the one of that VIN, where one is given."""
    wanted = _waiting(kept_from) | {"vin": vin}
    return [vehicle_id for (vehicle_id,) in connection.execute(query("fuel_vehicles"), wanted)]


def waiting_weeks(connection: Connection, vehicle_id: int, *, kept_from: date) -> list[FuelWeek]:
    """A vehicle's weeks that wait, the oldest first; none of those whose raw rows are all gone.

    A week waits that changed, and one that is over since advice was given on it.
    """
    wanted = _waiting(kept_from) | {"vehicle_id": vehicle_id}
    return [
        FuelWeek(vehicle_id=vehicle_id, week=week, touched=touched, to_work_up=to_work_up)
        for week, touched, to_work_up in connection.execute(query("fuel_weeks"), wanted)
    ]


def _waiting(kept_from: date) -> dict[str, Any]:
    # A week that ended with the day before yesterday is over wherever the vehicle is.
    over = datetime.now(tz=UTC).date() - timedelta(days=1) - WEEK
    return {"first": _first_week(kept_from), "over": over}


def _first_week(kept_from: date) -> date:
    """The first Monday of a week of which a day is kept."""
    return kept_from - timedelta(days=kept_from.weekday())


def parts_of_week(connection: Connection, vehicle_id: int, week: date) -> pd.DataFrame:
    """What was driven of the trips that began in a week, without what was towed or ferried.

    Returns:
        A row a part by time: trip_start, part_start, end_time (UTC), driver_id (Int64, NA: nobody
        known), time_zone, and day: the local one on which the trip began.
    """
    rows = connection.execute(
        query("fuel_week_parts"), {"vehicle_id": vehicle_id, "week": week}
    ).fetchall()
    names = ("trip_start", "part_start", "end_time", "driver_id", "time_zone", "day")
    parts = pd.DataFrame(rows, columns=list(names), dtype=object)
    for name in names[:3]:
        parts[name] = pd.DatetimeIndex(parts[name], dtype="datetime64[us, UTC]")
    return parts.astype({"driver_id": "Int64", "time_zone": "str"})


def masses(
    connection: Connection, vehicle_id: int, first: date, last: date
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What a vehicle weighed over parts of trips [kg], and how far it drove so [km].

    Args:
        connection: an autocommit connection.
        vehicle_id: which vehicle.
        first: the first week's Monday.
        last: the last one's.
    """
    rows = connection.execute(
        query("fuel_masses"), {"vehicle_id": vehicle_id, "first": first, "last": last}
    ).fetchall()
    table = np.array(rows, dtype=np.float64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def part_before(connection: Connection, vehicle_id: int, before: datetime) -> Span | None:
    """Start and end of the last part of a vehicle's trips that began before a time."""
    return connection.execute(
        query("part_before"), {"vehicle_id": vehicle_id, "before": before}
    ).fetchone()


def read_stats(
    connection: Connection, vehicle_id: int, first: date, last: date, *, stats_version: int
) -> dict[date, NDArray[np.float64]]:
    """Sums of a vehicle's days by day, (cells,) each, those of other versions left out."""
    wanted = {
        "vehicle_id": vehicle_id,
        "first": first,
        "last": last,
        "stats_version": stats_version,
    }
    return {
        day: np.array(stats, dtype=np.float64)
        for day, stats in connection.execute(query("read_fuel_stats"), wanted, binary=True)
    }


def store_week(
    connection: Connection,
    week: FuelWeek,
    found: FuelOfWeek,
    *,
    span: Span,
    kept_from: date,
    reaches: int,
    model_id: int | None,
    method_version: int,
    stats_version: int,
    layout_version: int,
) -> bool:
    """Replace what is known of a week's fuel, and mark the week as worked up.

    Args:
        connection: an autocommit connection.
        week: which one, with the change that was seen.
        found: what was found.
        span: from (including) and to (not including) which ends of tank events are replaced.
        kept_from: the first local day whose raw rows are all kept; earlier ones stay as they are.
        reaches: how many weeks later the sums of a week are still used.
        model_id: of the model that was used; None: built-in values.
        method_version: of the methods that found this.
        stats_version: of the sums.
        layout_version: of the segments' cells.

    Returns:
        False where another run has worked up newer changes: nothing was written.

    Raises:
        StorageError: the database refuses a row; everything is as it was.
    """
    vehicle_id = week.vehicle_id
    where: dict[str, Any] = {
        "vehicle_id": vehicle_id,
        "week": week.week,
        "touched": week.touched,
        "first": max(week.week, kept_from),
        "last": week.sunday,
        "kept_from": kept_from,
        "reach": week.week + reaches * WEEK,
        "method_version": method_version,
    }
    with (
        refusal_of(f"the fuel of vehicle {vehicle_id} in the week of {week.week}"),
        connection.transaction(),
    ):
        connection.execute(query("lock_fuel"), where)
        if connection.execute(query("fuel_overtaken"), where).fetchone() is not None:
            return False
        before = read_stats(
            connection, vehicle_id, where["first"], week.sunday, stats_version=stats_version
        )
        for name in (
            "delete_fuel_causes",
            "delete_fuel_parts",
            "delete_fuel_stats",
            "delete_fuel_segments",
        ):
            connection.execute(query(name), where)
        connection.execute(
            query("delete_moved_fuel_parts"), where | {"starts": list(found.parts["part_start"])}
        )
        connection.execute(
            query("delete_tank_events"),
            where
            | {
                "start": span[0],
                "stop": span[1],
                "starts": list(found.tank_events["start_time"]),
            },
        )
        _insert(
            connection,
            vehicle_id,
            {
                "fuel_part": found.parts.assign(model_id=model_id, method_version=method_version),
                "fuel_cause": found.causes,
                "tank_event": found.tank_events.assign(method_version=method_version),
                "fuel_stats": pd.DataFrame(
                    {"day": list(found.stats), "stats": list(found.stats.values())}
                ).assign(stats_version=stats_version),
                "fuel_segment": found.segments.assign(layout_version=layout_version),
            },
        )
        if not _same(before, found.stats):
            connection.execute(query("touch_later_fuel_weeks"), where)
        connection.execute(query("fuel_worked"), where)
    return True


def touch_weeks(connection: Connection, first: date) -> int:
    """Let the weeks of all vehicles wait again from a Monday on; how many there are."""
    return connection.execute(query("touch_fuel_weeks"), {"first": first}).rowcount


def _insert(connection: Connection, vehicle_id: int, frames: Mapping[str, pd.DataFrame]) -> None:
    columns = table_frames.columns_of(connection, *frames)
    for table, frame in frames.items():
        # What the table derives by itself is not written.
        writable = {
            name: type_
            for name, type_ in columns[table].items()
            if (table, name) not in (("fuel_part", "day"), ("fuel_part", "week"))
        }
        table_frames.insert(connection, table, writable, frame, vehicle_id=vehicle_id)


def _same(
    before: Mapping[date, NDArray[np.float64]], now: Mapping[date, NDArray[np.float64]]
) -> bool:
    return before.keys() == now.keys() and all(np.array_equal(before[day], now[day]) for day in now)
