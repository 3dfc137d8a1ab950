"""A small catalogue with every type and kind, and rows of it: quick to migrate, easy to foresee."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from psycopg import sql

from schemas.catalogue import Catalogue, Kind, Origin, Signal, ValueType
from storage.batch import GroupRows
from storage.signal_tables import stored_table, table_name
from storage.steps import read_steps, steps_column, value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from storage.connection import Connection

Values = dict[str, float]
Key = tuple[int, int]
"""Vehicle and microseconds since 1970."""

SECOND_US = 1_000_000
HOUR_US = 3_600_000_000
DAY_US = 86_400_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

TODAY_US = int((datetime.now(tz=UTC) - EPOCH) / timedelta(days=1)) * DAY_US
"""The last midnight."""


def signal(
    number: int,
    name: str,
    group: str,
    kind: Kind = Kind.SAMPLE,
    type_: ValueType = ValueType.REAL,
) -> Signal:
    """A signal that no truck has."""
    return Signal(
        id=number,
        name=name,
        path=f"Vehicle.Test.S{number}",
        origin=Origin.OVERLAY,
        group=group,
        kind=kind,
        type=type_,
        unit="",
        minimum=0,
        maximum=1,
        resolution=1,
        period_s=1 if group == "motion" else 60,
        pgn=None,
        spn=None,
        since=1,
        description_en=name,
        description_zh=name,
    )


SMALL = Catalogue(
    version=1,
    signals=(
        signal(1, "speed", "motion"),
        signal(2, "brake", "motion", Kind.STATE, ValueType.BOOLEAN),
        signal(3, "gear", "motion", Kind.STATE, ValueType.SMALLINT),
        signal(4, "odometer", "motion", Kind.COUNTER, ValueType.DOUBLE),
        signal(5, "level", "motion", Kind.SAMPLE, ValueType.DOUBLE),
        signal(11, "warmth", "counters"),
        signal(12, "starts", "counters", Kind.COUNTER, ValueType.INTEGER),
        signal(13, "pulses", "counters", Kind.COUNTER, ValueType.BIGINT),
        signal(14, "hours", "counters", Kind.COUNTER, ValueType.DOUBLE),
        signal(15, "lamp", "counters", Kind.STATE, ValueType.BOOLEAN),
        signal(16, "mode", "counters", Kind.STATE, ValueType.SMALLINT),
        signal(17, "steps", "counters", Kind.SAMPLE, ValueType.SMALLINT),
        signal(18, "target", "counters", Kind.STATE, ValueType.DOUBLE),
    ),
)
"""Group motion comes every second, group counters every minute."""


def grown(*signals: Signal) -> Catalogue:
    """The small catalogue's second version, with more signals."""
    added = tuple(replace(added, since=2) for added in signals)
    return Catalogue(version=2, signals=SMALL.signals + added)


def group_rows(
    group: str,
    records: Sequence[tuple[int, int, Mapping[str, float]]],
    catalogue: Catalogue = SMALL,
) -> GroupRows:
    """Rows of (vehicle, microseconds since 1970, values by name)."""
    members = catalogue.groups[group].signals
    narrow = [member.name for member in members if not member.wide]
    wide = [member.name for member in members if member.wide]

    def matrix(names: Sequence[str], dtype: type[np.floating[Any]]) -> np.ndarray[Any, Any]:
        cells = [[values.get(name, np.nan) for name in names] for _, _, values in records]
        return np.array(cells, dtype=dtype).reshape(len(records), len(names))

    return GroupRows(
        group=group,
        vehicle_ids=np.array([vehicle_id for vehicle_id, _, _ in records], dtype=np.int64),
        times_us=np.array([time_us for _, time_us, _ in records], dtype=np.int64),
        narrow=matrix(narrow, np.float32),
        wide=matrix(wide, np.float64),
    )


def stored(connection: Connection, group: str, vehicle_id: int | None = None) -> dict[Key, Values]:
    """The rows of a group (of a vehicle), without their absent values; a boolean is 0 or 1."""
    with connection.cursor(binary=True) as cursor:
        cursor.execute(
            f"SELECT * FROM {table_name(group)}"
            " WHERE vehicle_id = coalesce(%s, vehicle_id)".encode(),
            (vehicle_id,),
        )
        names = [column.name for column in cursor.description or ()]
        found = {}
        for row in cursor:
            values = dict(zip(names, row, strict=True))
            key = (values.pop("vehicle_id"), microseconds(values.pop("time")))
            found[key] = {name: float(value) for name, value in values.items() if value is not None}
        return found


def rows_table(connection: Connection, group: str) -> str:
    """The table that holds a group's rows on this server."""
    return stored_table(group, read_steps(connection))


def change(connection: Connection, group: str, signal: str, expression: str, where: str) -> int:
    """Change a signal's values behind everybody's back; says of how many rows.

    Args:
        connection: to a migrated database.
        group: the signal's.
        signal: which.
        expression: the new value, `{}` the one that is there.
        where: of which rows, `{}` likewise.
    """
    steps = read_steps(connection).get(group, {})
    old: sql.Composable = sql.Identifier(signal)
    if signal in steps:
        old = value(signal, steps[signal])
    text, blank = old.as_string(connection), ""
    if signal in steps:
        blank = f", {steps_column(signal)} = NULL"
    return connection.execute(
        f"UPDATE {rows_table(connection, group)}"
        f" SET {signal} = {expression.format(text)}{blank} WHERE {where.format(text)}".encode()
    ).rowcount


def compress(connection: Connection, group: str) -> None:
    """Turn every chunk of a group's hypertable into columnstore."""
    table = rows_table(connection, group)
    chunks = connection.execute("SELECT show_chunks(%s::regclass)", (table,)).fetchall()
    for (chunk,) in chunks:
        connection.execute("CALL convert_to_columnstore(%s)", (chunk,))


def microseconds(time: datetime) -> int:
    """Since 1970."""
    return (time - EPOCH) // timedelta(microseconds=1)


def moment(time_us: int) -> datetime:
    """UTC."""
    return EPOCH + timedelta(microseconds=time_us)
