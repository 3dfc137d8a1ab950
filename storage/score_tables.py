"""Weeks whose scores are not up to date, the parts of trips they are made from, and the scores.

A week's scores are replaced as a whole: a late trip of one driver moves the peers all others are
compared with. Which changes a week's scores have seen stands in the transaction that stores them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd
from psycopg import sql

from storage import table_frames
from storage.errors import refusal_of
from storage.queries import query

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime

    from storage.connection import Connection

CLASSES = ("heavy_truck", "medium_truck", "light_truck", "bus", "car")
KINDS = ("drive", "idle", "tow", "ferry")
"""What the columns vehicle.vehicle_class and trip.kind may hold."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangedWeek:
    """A week of which parts of trips changed since it was scored."""

    week: date
    """Its Monday."""
    touches: Mapping[int, int]
    """By vehicle that changed: the change that was seen."""

    @property
    def vehicle_ids(self) -> list[int]:
        """The vehicles that changed."""
        return list(self.touches)


def changed_weeks(connection: Connection, *, method_version: int) -> list[ChangedWeek]:
    """Weeks that wait for their scores, or that an older method scored, the oldest first."""
    return [
        ChangedWeek(week=week, touches=dict(zip(vehicle_ids, touches, strict=True)))
        for week, vehicle_ids, touches in connection.execute(
            query("changed_weeks"), {"method_version": method_version}
        )
    ]


def vehicles_of_weeks(connection: Connection, first: date, last: date) -> list[int]:
    """The vehicles that have trips in weeks from `first` to `last` (Mondays), by number."""
    rows = connection.execute(query("vehicles_of_weeks"), {"first": first, "last": last})
    return [vehicle_id for (vehicle_id,) in rows]


def week_parts(
    connection: Connection,
    first: date,
    last: date | None = None,
    *,
    vehicle_ids: Sequence[int] | None = None,
    driver_ids: Sequence[int] | None = None,
) -> pd.DataFrame:
    """Parts of the trips of some weeks.

    Args:
        connection: an autocommit connection.
        first: the first week's Monday.
        last: the last one's; None: only that week.
        vehicle_ids: only of these vehicles.
        driver_ids: only of these drivers.

    Returns:
        A row a part by vehicle and time: vehicle_id, driver_id (0: not known), week (its Monday),
        trip_start, part_start, end_time (UTC), vehicle_class, time_zone, kind (of its trip), and
        every sum.
    """
    weeks = {"first": first, "last": last or first}
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        (zones,) = connection.execute(query("time_zones_of_parts"), weeks).fetchone() or ([],)
        columns = table_frames.columns_of(connection, "trip_part")["trip_part"]
        sums = [name for name, type_ in columns.items() if type_ == "float8"]
        parts = table_frames.read(
            connection,
            sql.SQL(query("week_parts")).format(
                sums=sql.SQL(", ").join(sql.Identifier("part", name) for name in sums)
            ),
            {
                **weeks,
                "vehicle_ids": _ids(vehicle_ids),
                "driver_ids": _ids(driver_ids),
                "classes": list(CLASSES),
                "zones": zones,
                "kinds": list(KINDS),
            },
            {
                "vehicle_id": "int8",
                "driver_id": "int8",
                "week": "date",
                "trip_start": "timestamptz",
                "part_start": "timestamptz",
                "end_time": "timestamptz",
                "vehicle_class": "int4",
                "time_zone": "int4",
                "kind": "int4",
                **dict.fromkeys(sums, "float8"),
            },
        )
    for name, texts in (("vehicle_class", CLASSES), ("time_zone", zones), ("kind", KINDS)):
        # PostgreSQL counts from 1.
        parts[name] = pd.array(list(texts), dtype="str").take(parts[name].to_numpy() - 1)
    return parts


def _ids(numbers: Sequence[int] | None) -> list[int] | None:
    return None if numbers is None else [int(number) for number in numbers]


def store_trip_scores(
    connection: Connection,
    week: date,
    vehicle_ids: Sequence[int],
    scores: pd.DataFrame,
    parts: pd.DataFrame,
    *,
    method_version: int,
) -> None:
    """Replace the scores of all trips of some vehicles in a week.

    Args:
        connection: an autocommit connection.
        week: its Monday.
        vehicle_ids: whose trips are replaced.
        scores: vehicle_id, start_time and end_time (the trip's), time_zone, and columns of `score`.
        parts: vehicle_id, start_time, and columns of `score_part`, a row a metric.
        method_version: of the method that scored.

    Raises:
        StorageError: the database refuses a score; the old ones are still there.
    """
    names = {"vehicle_id": "subject_id"}
    with refusal_of(f"scores of trips of the week of {week}"), connection.transaction():
        _replace(
            connection,
            week,
            vehicle_ids,
            scores.rename(columns=names).assign(subject_kind="trip"),
            parts.rename(columns=names).assign(subject_kind="trip"),
            method_version,
        )


def store_week_scores(
    connection: Connection,
    week: ChangedWeek,
    scores: pd.DataFrame,
    parts: pd.DataFrame,
    references: pd.DataFrame,
    *,
    method_version: int,
) -> None:
    """Replace a week's scores of vehicles and drivers, and mark it as scored, in one go.

    Args:
        connection: an autocommit connection.
        week: the week, with the changes that the scores have seen.
        scores: subject_kind (vehicle or driver), subject_id, time_zone, and columns of `score`.
        parts: subject_kind, subject_id, and columns of `score_part`, a row a metric.
        references: vehicle_class, band, metric, worst, best, source, peers: what was compared with.
        method_version: of the method that scored.

    Raises:
        StorageError: the database refuses a row; everything is as it was.
    """
    with refusal_of(f"scores of the week of {week.week}"), connection.transaction():
        spans = _week_spans(connection, week.week, scores["time_zone"])
        scores = scores.assign(
            start_time=_times(spans[zone][0] for zone in scores["time_zone"]),
            end_time=_times(spans[zone][1] for zone in scores["time_zone"]),
        )
        subjects = zip(scores["subject_kind"], scores["subject_id"], strict=True)
        starts = dict(zip(subjects, scores["start_time"], strict=True))
        of_parts = zip(parts["subject_kind"], parts["subject_id"], strict=True)
        parts = parts.assign(start_time=_times(starts[subject] for subject in of_parts))
        _replace(connection, week.week, None, scores, parts, method_version)
        connection.execute(query("delete_week_references"), {"week": week.week})
        columns = table_frames.columns_of(connection, "score_reference")
        table_frames.insert(
            connection,
            "score_reference",
            columns["score_reference"],
            references,
            week=week.week,
            method_version=method_version,
        )
        connection.execute(
            query("week_scored"),
            {
                "week": week.week,
                "vehicle_ids": list(week.touches),
                "touches": list(week.touches.values()),
                "method_version": method_version,
            },
        )


def _week_spans(
    connection: Connection, week: date, zones: Iterable[str]
) -> dict[str, tuple[datetime, datetime]]:
    """Start and end of a week in each of the time zones."""
    rows = connection.execute(query("week_spans"), {"week": week, "zones": sorted(set(zones))})
    return {zone: (start, end) for zone, start, end in rows}


def _times(times: Iterable[datetime]) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(list(times), dtype="datetime64[us, UTC]")


def _replace(
    connection: Connection,
    week: date,
    vehicle_ids: Sequence[int] | None,
    scores: pd.DataFrame,
    parts: pd.DataFrame,
    method_version: int,
) -> None:
    """Replace the scores of a week: those of these vehicles' trips, or (None) all the others."""
    where = {"week": week, "vehicle_ids": _ids(vehicle_ids)}
    connection.execute(query("lock_week"), where)
    connection.execute(query("delete_week_score_parts"), where)
    connection.execute(query("delete_week_scores"), where)
    columns = table_frames.columns_of(connection, "score", "score_part")
    table_frames.insert(
        connection, "score", columns["score"], scores, week=week, method_version=method_version
    )
    table_frames.insert(connection, "score_part", columns["score_part"], parts)
