"""What analysis finds out about a vehicle's days, stored in one go: trips, parts, events, counters.

A span of time is replaced as a whole, so that a run that was killed and is repeated, or that late
data cause, ends with the same rows. In the same transaction stands what has to follow from it: the
weeks whose scores (`storage.score_tables`) and fuel (`storage.fuel`), and the drivers whose hours
(`storage.duties`) are no longer up to date.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from storage import table_frames
from storage.analysis import mark_analysed
from storage.errors import StorageError, refusal_of
from storage.queries import query

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime

    from numpy.typing import NDArray

    from storage.analysis import ChangedDay
    from storage.connection import Connection

    Span = tuple[datetime, datetime]

DEFAULT_TIME_ZONE = "Asia/Shanghai"
"""That of a vehicle which belongs to no fleet: the one a fleet has unless it says otherwise."""

REDONE_AT_ONCE = 10_000
"""Days that wait again in one transaction: ingest waits for them for a fraction of a second."""

_TABLES = ("trip", "trip_part", "driving_event", "drive_span")


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgedAs:
    """By what a vehicle is judged."""

    vehicle_class: str
    """heavy_truck, medium_truck, light_truck, bus or car."""
    time_zone: str
    """IANA name, by which its days, nights and weeks are told."""


def judged_as(connection: Connection, vehicle_id: int) -> JudgedAs:
    """The class of a vehicle and the time zone of its fleet.

    Raises:
        StorageError: there is no such vehicle.
    """
    row = connection.execute(
        query("judged_as"), {"vehicle_id": vehicle_id, "otherwise": DEFAULT_TIME_ZONE}
    ).fetchone()
    if row is None:
        raise StorageError(f"There is no vehicle {vehicle_id} in the register.")
    return JudgedAs(vehicle_class=row[0], time_zone=row[1])


def driver_changes(
    connection: Connection, vehicle_id: int, start: datetime, stop: datetime
) -> list[tuple[datetime, str | None]]:
    """Who sat in the driver's seat: the tachograph cards that came into slot 1, by time.

    Returns:
        The last change at `start` or before it, where there is one, and all before `stop`. A card
        that is None was taken out.
    """
    rows = connection.execute(
        query("driver_changes"), {"vehicle_id": vehicle_id, "start": start, "stop": stop}
    )
    return [(time, card) for time, card in rows]


def redo_older(connection: Connection, method_version: int, first: date) -> int:
    """Let the days wait again that an older method analysed.

    Args:
        connection: an autocommit connection.
        method_version: the present method's.
        first: the oldest day whose raw rows are all there; what is known of earlier ones could not
            be found again.

    Returns:
        How many vehicle-days.
    """
    wanted = {"method_version": method_version, "first": first, "at_once": REDONE_AT_ONCE}
    redone = from_vehicle = 0
    while from_vehicle is not None:
        ((some, from_vehicle),) = connection.execute(
            query("redo_older"), wanted | {"from_vehicle": from_vehicle}
        )
        redone += some
    return redone


def last_stored(connection: Connection, vehicle_id: int) -> int:
    """What changes whenever results of a vehicle's days are stored; 0 where none ever were."""
    row = connection.execute(query("last_stored"), {"vehicle_id": vehicle_id}).fetchone()
    return int(row[0]) if row else 0


def store_behaviour(
    connection: Connection,
    vehicle_id: int,
    span: Span,
    *,
    trips: pd.DataFrame,
    parts: pd.DataFrame,
    events: pd.DataFrame,
    spans: pd.DataFrame,
    time_zone: str,
    days: Sequence[tuple[date, NDArray[np.float64], bool]],
    layout_version: int,
    method_version: int,
    seen: Sequence[ChangedDay],
    stored_before: int | None = None,
) -> bool:
    """Replace what is known of a vehicle's driving in a span, and mark its days as analysed.

    Columns are found by their names; a column `driver` holds the tachograph card (None: nobody
    known), of which the driver's number is made. Fatigue is left as it is.

    Args:
        connection: an autocommit connection.
        vehicle_id: whose driving it is.
        span: from (including) and to (not including) which starts are replaced.
        trips: as `analytics.trips.COLUMNS`, and driver: who drove most of it.
        parts: trip_start, part_start, end_time, driver, and sums; they go with their trip's start.
        events: as `analytics.events.table.EVENT_COLUMNS`, driver and trip_start (NaT: in none).
        spans: at the wheel: start_time, end_time, driving_s, driver.
        time_zone: by which weeks are cut, from `judged_as`.
        days: the counters' increments of UTC days: day, (cells,), and whether all rows of the day
            are still there; if not, an increment only rises.
        layout_version: of the increments.
        method_version: of the methods that found all this.
        seen: the changes that the analysis has seen.
        stored_before: what `last_stored` said before anything was read; None: whatever it said.

    Returns:
        False where another run has stored what came of newer changes, or anything since
        `stored_before`, of which this may know nothing: nothing was written.

    Raises:
        ValueError: a row starts outside of the span.
        StorageError: the database refuses a row; everything is as it was.
    """
    for frame, start in (
        (trips, "start_time"),
        (parts, "trip_start"),
        (events, "start_time"),
        (spans, "start_time"),
    ):
        _require_within(frame, start, span)
    where: dict[str, Any] = {"vehicle_id": vehicle_id, "start": span[0], "stop": span[1]}
    with (
        refusal_of(f"the driving of vehicle {vehicle_id} from {span[0]} to {span[1]}"),
        connection.transaction(),
    ):
        connection.execute(query("lock_vehicle"), where)
        if stored_before not in (None, last_stored(connection, vehicle_id)):
            return False
        if _overtaken(connection, vehicle_id, seen):
            return False
        weeks, driven = _delete(connection, where)
        numbers = _driver_ids(connection, (trips, parts, events, spans), span[0])
        trips, parts, events, spans = (
            _with_driver_ids(frame, numbers) for frame in (trips, parts, as_stored(events), spans)
        )
        parts["time_zone"] = time_zone
        columns = table_frames.columns_of(connection, *_TABLES)
        for table, frame in zip(_TABLES, (trips, parts, events, spans), strict=True):
            table_frames.insert(
                connection,
                table,
                columns[table],
                frame,
                vehicle_id=vehicle_id,
                method_version=method_version,
            )
        _count(connection, vehicle_id, days, layout_version, method_version)
        driven += zip(spans["driver_id"], spans["start_time"], spans["end_time"], strict=True)
        _touch(connection, where, weeks, driven)
        mark_analysed(connection, seen, method_version)
    return True


def as_stored(events: pd.DataFrame) -> pd.DataFrame:
    """Events with the names of the table's columns: LIMIT is a word of SQL."""
    return events.rename(columns={"limit": "limit_value"})


def _require_within(frame: pd.DataFrame, start: str, span: Span) -> None:
    outside = frame[(frame[start] < span[0]) | (frame[start] >= span[1])] if len(frame) else frame
    if len(outside):
        raise ValueError(
            f"a row with {start} {outside[start].iloc[0]} does not start within {span[0]} to "
            f"{span[1]}: it would be stored again by whoever works up its own span"
        )


def _overtaken(connection: Connection, vehicle_id: int, seen: Sequence[ChangedDay]) -> bool:
    newer = connection.execute(
        query("overtaken"),
        {
            "vehicle_id": vehicle_id,
            "days": [day.day for day in seen],
            "touches": [day.touched for day in seen],
        },
    ).fetchone()
    return newer is not None


def _delete(
    connection: Connection, where: Mapping[str, Any]
) -> tuple[list[date], list[tuple[float | None, datetime, datetime]]]:
    """Delete what starts in the span; returns the weeks it counted in and who drove when."""
    for name in (
        "delete_trips",
        "delete_driving_events",
        "delete_trip_score_parts",
        "delete_trip_scores",
    ):
        connection.execute(query(name), where)
    weeks = [week for (week,) in connection.execute(query("delete_trip_parts"), where)]
    driven = connection.execute(query("delete_drive_spans"), where).fetchall()
    return weeks, [(driver_id, start, end) for driver_id, start, end in driven]


def _driver_ids(
    connection: Connection, frames: Iterable[pd.DataFrame], first_seen: datetime
) -> dict[str, int]:
    """The numbers of all drivers that frames name by their cards; an unknown card gets one."""
    cards = sorted(
        {card for frame in frames if "driver" in frame for card in frame["driver"].dropna()}
    )
    if not cards:
        return {}
    numbers: dict[str, int] = dict(
        connection.execute(query("find_drivers"), {"cards": cards}).fetchall()
    )
    missing = [card for card in cards if card not in numbers]
    if missing:
        with connection.cursor() as cursor:
            cursor.executemany(
                query("insert_driver"),
                [{"card_id": card, "time": first_seen} for card in missing],
            )
        numbers |= connection.execute(query("find_drivers"), {"cards": missing}).fetchall()
    return numbers


def _with_driver_ids(frame: pd.DataFrame, numbers: Mapping[str, int]) -> pd.DataFrame:
    found = frame["driver"].map(numbers) if "driver" in frame else None
    return frame.assign(driver_id=found)


def _count(
    connection: Connection,
    vehicle_id: int,
    days: Sequence[tuple[date, NDArray[np.float64], bool]],
    layout_version: int,
    method_version: int,
) -> None:
    """Replace days' increments and bring the vehicle's counters up to them.

    Of a day whose rows are no longer all there each cell keeps the greater: nobody could tell what
    was lost from what was corrected.
    """
    if not days:
        return
    stored = {
        day: np.array(increments)
        for day, increments in connection.execute(
            query("read_increments"), {"vehicle_id": vehicle_id, "days": [day[0] for day in days]}
        )
    }
    changes = np.zeros(len(days[0][1]))
    records = []
    for day, increments, complete in days:
        before = stored.get(day)
        now = increments
        if before is not None:
            now = increments if complete else np.maximum(before, increments)
        changes += now if before is None else now - before
        records.append(
            {
                "vehicle_id": vehicle_id,
                "day": day,
                "increments": now.tolist(),
                "method_version": method_version,
            }
        )
    with connection.cursor() as cursor:
        cursor.executemany(query("store_increments"), records)
    connection.execute(
        query("change_counters"),
        {
            "vehicle_id": vehicle_id,
            "layout_version": layout_version,
            "changes": changes.tolist(),
            "newest_day": max(day for day, _, _ in days),
        },
    )


def _touch(
    connection: Connection,
    where: Mapping[str, Any],
    weeks: list[date],
    driven: Sequence[tuple[float | None, datetime, datetime]],
) -> None:
    """Mark what is no longer up to date: scores and fuel of weeks, and hours of drivers."""
    connection.execute(query("touch_weeks"), {**where, "weeks": weeks})
    connection.execute(
        query("touch_duties"),
        {
            **where,
            "driver_ids": [None if pd.isna(number) else int(number) for number, _, _ in driven],
            "starts": [start for _, start, _ in driven],
            "ends": [end for _, _, end in driven],
        },
    )
