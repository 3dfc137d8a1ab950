"""Whose hours at the wheel wait to be counted, and the fatigue that was found in them.

Hours belong to the driver, whatever vehicles he drove; where nobody is known they are a vehicle's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg import sql

from storage import table_frames
from storage.behaviour import as_stored
from storage.errors import refusal_of
from storage.queries import query

if TYPE_CHECKING:
    from datetime import datetime

    import pandas as pd

    from storage.connection import Connection


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangedDuty:
    """A driver, or a vehicle nobody is known of, whose spans at the wheel changed."""

    driver_id: int | None
    vehicle_id: int | None
    """None where the driver is known."""
    start: datetime
    """The earliest start of a span that changed, came or went."""
    stop: datetime
    """The latest end of one."""
    touched: int
    """The change that was seen."""

    def __str__(self) -> str:
        """Whose duty it is."""
        if self.driver_id is not None:
            return f"driver {self.driver_id}"
        return f"vehicle {self.vehicle_id} (no driver known)"


def changed_duties(connection: Connection) -> list[ChangedDuty]:
    """Those who wait for their hours to be counted."""
    return [
        ChangedDuty(
            driver_id=driver_id, vehicle_id=vehicle_id, start=start, stop=stop, touched=touched
        )
        for driver_id, vehicle_id, start, stop, touched in connection.execute(
            query("changed_duties")
        )
    ]


def drive_spans(
    connection: Connection, duty: ChangedDuty, start: datetime, stop: datetime
) -> pd.DataFrame:
    """Spans at the wheel that overlap a span of time: a driver's, over all vehicles.

    Returns:
        vehicle_id, start_time, end_time (UTC), driving_s; by time.
    """
    return table_frames.read(
        connection,
        sql.SQL(query("drive_spans")),
        {
            "driver_id": duty.driver_id,
            "vehicle_id": duty.vehicle_id,
            "start": start,
            "stop": stop,
        },
        {
            "vehicle_id": "int8",
            "start_time": "timestamptz",
            "end_time": "timestamptz",
            "driving_s": "float8",
        },
    )


def replace_fatigue(
    connection: Connection,
    duty: ChangedDuty,
    span: tuple[datetime, datetime],
    events: pd.DataFrame,
    method_version: int,
) -> None:
    """Replace the fatigue of a driver that starts in a span, and take the duty off the list.

    A duty that changed since it was read stays on it.

    Args:
        connection: an autocommit connection.
        duty: whose fatigue it is.
        span: from (including) and to (not including) which starts are replaced.
        events: as `analytics.events.table.EVENT_COLUMNS`, of kinds `fatigue_…`, and vehicle_id.
        method_version: of the method that found them.

    Raises:
        ValueError: an event is of another kind.
        StorageError: the database refuses an event; everything is as it was.
    """
    kinds = [str(kind) for kind in events["kind"]]
    if not all(kind.startswith("fatigue_") for kind in kinds):
        raise ValueError(f"not all of these are kinds of fatigue: {', '.join(sorted(set(kinds)))}")
    where: dict[str, Any] = {
        "driver_id": duty.driver_id,
        "vehicle_id": duty.vehicle_id,
        "start": span[0],
        "stop": span[1],
        "touched": duty.touched,
    }
    with (
        refusal_of(f"the fatigue of {duty} from {span[0]} to {span[1]}"),
        connection.transaction(),
    ):
        connection.execute(query("delete_fatigue"), where)
        connection.execute(
            query("delete_events"),
            {
                "vehicle_ids": [int(number) for number in events["vehicle_id"]],
                "starts": list(events["start_time"]),
                "kinds": kinds,
            },
        )
        columns = table_frames.columns_of(connection, "driving_event")
        table_frames.insert(
            connection,
            "driving_event",
            columns["driving_event"],
            as_stored(events),
            driver_id=duty.driver_id,
            method_version=method_version,
        )
        connection.execute(query("duty_done"), where)
