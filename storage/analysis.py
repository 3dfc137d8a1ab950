"""What analysis reads and writes: changed vehicle-days, signals as DataFrames, trips."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pandas as pd
from psycopg import sql

from schemas.catalogue import ValueType
from storage import binary_copy
from storage.errors import refusal_of
from storage.queries import query
from storage.signal_tables import table_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from schemas.catalogue import Catalogue, Signal
    from storage.connection import Connection


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangedDay:
    """A day of a vehicle that changed since it was analysed, and the change that was seen."""

    vehicle_id: int
    day: date
    touched: int

    @property
    def start(self) -> datetime:
        """Midnight UTC."""
        return datetime(self.day.year, self.day.month, self.day.day, tzinfo=UTC)

    @property
    def stop(self) -> datetime:
        """The next midnight UTC."""
        return self.start + timedelta(days=1)


def changed_days(
    connection: Connection,
    *,
    vin: str | None = None,
    first: date | None = None,
    last: date | None = None,
) -> list[ChangedDay]:
    """Days that wait for analysis, by vehicle and day; None: of all vehicles, of all days."""
    rows = connection.execute(query("changed_days"), {"vin": vin, "first": first, "last": last})
    return [ChangedDay(vehicle_id=row[0], day=row[1], touched=row[2]) for row in rows]


def read_signals(
    connection: Connection,
    catalogue: Catalogue,
    vehicle_id: int,
    names: Sequence[str],
    start: datetime,
    stop: datetime,
) -> pd.DataFrame:
    """One vehicle's signals with start <= time < stop.

    Returns:
        A float64 column a signal in the catalogue's units, NaN absent, by time (a sorted UTC
        DatetimeIndex); signals of several groups meet on their time.
    """
    signals = [catalogue.by_name[name] for name in names]
    frames = [
        _read_group(
            connection,
            group,
            [signal for signal in signals if signal.group == group],
            vehicle_id,
            start,
            stop,
        )
        for group in dict.fromkeys(signal.group for signal in signals)
    ]
    return pd.concat(frames, axis=1, join="outer", sort=True)[list(names)]


def _read_group(
    connection: Connection,
    group: str,
    signals: Sequence[Signal],
    vehicle_id: int,
    start: datetime,
    stop: datetime,
) -> pd.DataFrame:
    """Binary COPY with absent as NaN: every record is as long as the next, so numpy reads it."""
    columns = sql.SQL(", ").join(
        sql.SQL("coalesce({}, 'NaN')").format(_as_double(signal)) for signal in signals
    )
    statement = sql.SQL(
        "COPY (SELECT time, {} FROM {} WHERE vehicle_id = {} AND time >= {} AND time < {}"
        " ORDER BY time) TO STDOUT (FORMAT binary)"
    ).format(
        columns,
        sql.Identifier(table_name(group)),
        sql.Literal(vehicle_id),
        sql.Literal(start),
        sql.Literal(stop),
    )
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        data = b"".join(copy)
    times_us, values = binary_copy.decode_doubles(data, len(signals))
    index = pd.DatetimeIndex(times_us.view("datetime64[us]"), tz=UTC, name="time")
    return pd.DataFrame(values, index=index, columns=[signal.name for signal in signals])


def _as_double(signal: Signal) -> sql.Composed:
    through = "::integer" if signal.type is ValueType.BOOLEAN else ""
    return sql.SQL("{}" + through + "::double precision").format(sql.Identifier(signal.name))


def trips_around(
    connection: Connection, vehicle_id: int, start: datetime, stop: datetime, rest: timedelta
) -> tuple[datetime, datetime]:
    """A span, widened to the stored trips that reach into it or end shortly before it."""
    row = connection.execute(
        query("trips_around"),
        {"vehicle_id": vehicle_id, "start": start, "stop": stop, "rest": rest},
    ).fetchone()
    first, last = row or (None, None)
    return min(start, first or start), max(stop, last or stop)


def rows_beside(
    connection: Connection, vehicle_id: int, start: datetime, stop: datetime, reach: timedelta
) -> tuple[datetime | None, datetime | None]:
    """The last row before a span and the first one after it, of what trips are found in.

    None: there is none within `reach`.
    """
    row = connection.execute(
        query("rows_beside"),
        {"vehicle_id": vehicle_id, "start": start, "stop": stop, "reach": reach},
    ).fetchone()
    before, after = row or (None, None)
    return before, after


def store_trips(
    connection: Connection,
    vehicle_id: int,
    span: tuple[datetime, datetime],
    trips: pd.DataFrame,
    method_version: int,
    seen: Iterable[ChangedDay],
) -> None:
    """Replace the trips that start within a span, and mark the days as analysed, in one go.

    Args:
        connection: an autocommit connection.
        vehicle_id: whose trips they are.
        span: from (including) and to (not including) which starts are replaced.
        trips: as `analytics.trips.find_trips` gives them.
        method_version: of the method that found them.
        seen: the changes that the analysis has seen.

    Raises:
        StorageError: the database refuses a trip; the old ones are still there.
    """
    records = trips.astype(object).where(trips.notna(), None).to_dict("records")
    with (
        refusal_of(f"trips of vehicle {vehicle_id} from {span[0]} to {span[1]}"),
        connection.transaction(),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            query("delete_trips"), {"vehicle_id": vehicle_id, "start": span[0], "stop": span[1]}
        )
        if records:
            cursor.executemany(
                query("insert_trip"),
                [
                    {
                        "vehicle_id": vehicle_id,
                        "method_version": method_version,
                        **{str(name): value for name, value in record.items()},
                    }
                    for record in records
                ],
            )
        mark_analysed(connection, seen, method_version)


def mark_analysed(connection: Connection, seen: Iterable[ChangedDay], method_version: int) -> None:
    """Write down, in the caller's transaction, that days are analysed as far as was seen."""
    with connection.cursor() as cursor:
        cursor.executemany(
            query("mark_analysed"),
            [
                {
                    "vehicle_id": day.vehicle_id,
                    "day": day.day,
                    "seen": day.touched,
                    "method_version": method_version,
                }
                for day in seen
            ],
        )
