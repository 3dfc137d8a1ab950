"""What analysis reads: changed vehicle-days, signals as DataFrames, how far trips reach."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pandas as pd
from psycopg import sql

from schemas.catalogue import ValueType
from storage import binary_copy
from storage.queries import query
from storage.signal_tables import table_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from schemas.catalogue import Catalogue, Signal
    from storage.connection import Connection


CHANGED_AT_ONCE = 5000
"""Changed days fetched at a time."""


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
    vehicle_id: int | None = None,
    first: date | None = None,
    last: date | None = None,
) -> list[ChangedDay]:
    """Days that wait for analysis, by vehicle and day; None: of all vehicles, of all days."""
    wanted = {"vin": vin, "vehicle_id": vehicle_id, "first": first, "last": last}
    return [_changed_day(*row) for row in connection.execute(query("changed_days"), wanted)]


def each_changed_day(
    connection: Connection,
    *,
    vin: str | None = None,
    first: date | None = None,
    last: date | None = None,
) -> Iterator[ChangedDay]:
    """The same, a few at a time: a million of them would take a quarter of a gigabyte.

    The connection may be used meanwhile; what changes meanwhile is not among them.
    """
    wanted = {"vin": vin, "vehicle_id": None, "first": first, "last": last}
    with connection.cursor("changed_days", withhold=True) as cursor:
        cursor.itersize = CHANGED_AT_ONCE
        for row in cursor.execute(query("changed_days"), wanted):
            yield _changed_day(*row)


def _changed_day(vehicle_id: int, day: date, touched: int) -> ChangedDay:
    return ChangedDay(vehicle_id=vehicle_id, day=day, touched=touched)


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
    """A span, widened to the stored trips and spans at the wheel that reach into it.

    Those that end up to `rest` before it, or begin up to `rest` after it, reach into it, too.
    """
    row = connection.execute(
        query("trips_around"),
        {"vehicle_id": vehicle_id, "start": start, "stop": stop, "rest": rest},
    ).fetchone()
    first, last = row or (None, None)
    return min(start, first or start), max(stop, last or stop)


def driven_before_rows(
    connection: Connection, vehicle_id: int, start: datetime, first_row: datetime
) -> datetime | None:
    """The last end of what is stored of driving that starts from `start` on, before a first row.

    None: there is no such trip or span at the wheel. Where there is one, its rows are gone.
    """
    row = connection.execute(
        query("driven_before_rows"),
        {"vehicle_id": vehicle_id, "start": start, "first_row": first_row},
    ).fetchone()
    return row[0] if row else None


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
