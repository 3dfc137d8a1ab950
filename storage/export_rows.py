"""The rows of an export: signals of a vehicle, trips and events of some, as Arrow tables.

One SELECT each. Signals of several groups meet on their time; steps are summed up and values
coarsened by the same functions that answer over HTTP.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
from psycopg import sql

from schemas.arrow import KEY_FIELDS, facts, value_type
from schemas.signal import Kind, ValueType
from storage.signal_tables import table_name

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from schemas.catalogue import Catalogue, Signal
    from storage.arrow_reads import ArrowReader
    from storage.export_members import Member, Members

    Span = tuple[datetime, datetime]

VEHICLE = pa.field("vehicle", pa.string(), nullable=False)
TIME = KEY_FIELDS[1]

TRIPS, EVENTS = "trips", "events"

_UTC = TIME.type
_NUMBER = pa.float64()


def _of(name: str, type_: pa.DataType, description: str, unit: str = "") -> pa.Field:
    return pa.field(name, type_, metadata={"unit": unit, "description": description})


_PLACES = (
    ("start_latitude", "Where it began."),
    ("start_longitude", "Where it began."),
    ("end_latitude", "Where it ended."),
    ("end_longitude", "Where it ended."),
)

DRIVEN: dict[str, pa.Schema] = {
    TRIPS: pa.schema(
        [
            VEHICLE,
            _of("start_time", _UTC, "When it began."),
            _of("end_time", _UTC, "When it ended."),
            _of("kind", pa.string(), "drive, idle, tow or ferry."),
            _of("distance_km", _NUMBER, "The way.", "km"),
            _of("duration_s", _NUMBER, "How long it took.", "s"),
            _of("driving_s", _NUMBER, "How long it moved.", "s"),
            _of("idle_s", _NUMBER, "How long it stood with the engine running.", "s"),
            _of("stop_count", pa.int32(), "How often it stopped."),
            _of("fuel_l", _NUMBER, "What was burnt.", "L"),
            _of("idle_fuel_l", _NUMBER, "What was burnt standing.", "L"),
            _of("max_speed_kmh", _NUMBER, "The highest speed.", "km/h"),
            *(_of(name, _NUMBER, description, "degrees") for name, description in _PLACES),
        ]
    ),
    EVENTS: pa.schema(
        [
            VEHICLE,
            _of("kind", pa.string(), "What happened (docs/behaviour.md)."),
            _of("start_time", _UTC, "When it began."),
            _of("trip_start", _UTC, "When the trip began in which it happened."),
            _of("duration_s", _NUMBER, "How long it lasted.", "s"),
            _of("severity", pa.int16(), "1 low, 2 medium, 3 high."),
            _of("peak", _NUMBER, "The worst of it, in the unit of its kind (docs/behaviour.md)."),
            _of("limit_value", _NUMBER, "What was crossed, in the unit of the peak."),
            _of("speed_km_h", _NUMBER, "The speed with which it began.", "km/h"),
            _of("distance_km", _NUMBER, "The way it took.", "km"),
            _of("fuel_l", _NUMBER, "What was burnt in it.", "L"),
            _of("latitude", _NUMBER, "Where it began.", "degrees"),
            _of("longitude", _NUMBER, "Where it began.", "degrees"),
        ]
    ),
}
"""Trips and events as they are exported, by table."""


def signals_schema(catalogue: Catalogue, names: Sequence[str], resolution_s: int) -> pa.Schema:
    """Vehicle, time and the signals in the order they are asked for, each with what it is."""
    fields = [
        pa.field(name, _type(catalogue.by_name[name], resolution_s), metadata=facts(signal))
        for name, signal in ((name, catalogue.by_name[name]) for name in names)
    ]
    return pa.schema([VEHICLE, TIME, *fields])


def _type(signal: Signal, resolution_s: int) -> pa.DataType:
    """A mean of whole numbers, and the share of time a switch was on, have decimals."""
    if resolution_s and (signal.kind is Kind.SAMPLE or signal.type is ValueType.BOOLEAN):
        return pa.float64() if signal.type is ValueType.DOUBLE else pa.float32()
    return value_type(signal)


def read_signals(
    reader: ArrowReader,
    catalogue: Catalogue,
    members: Members,
    member: Member,
    names: Sequence[str],
    span: Span,
) -> pa.Table:
    """A vehicle's signals in a span, by time; times at which none of them was told are left out."""
    schema = signals_schema(catalogue, names, members.resolution_s)
    tables = []
    for piece in member.pieces(*span, members.resolution_s):
        found = reader.table(_signals(catalogue, members, member, names, piece))
        vehicle = pa.repeat(pa.scalar(member.label), len(found))
        tables.append(found.add_column(0, VEHICLE, vehicle).cast(schema))
    return pa.concat_tables(tables) if tables else schema.empty_table()


def _signals(
    catalogue: Catalogue, members: Members, member: Member, names: Sequence[str], piece: Span
) -> sql.Composed:
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(catalogue.by_name[name].group, []).append(name)
    sources = [_group(members, member, group, wanted, piece) for group, wanted in groups.items()]
    joined = sources[0]
    for source in sources[1:]:
        joined += sql.SQL(" FULL JOIN {} USING (time)").format(source)
    told = sql.SQL(", ").join(_told(members, member, name) for name in names)
    return sql.SQL("SELECT time, {} FROM {} ORDER BY time").format(told, joined)


def _group(
    members: Members, member: Member, group: str, names: Sequence[str], piece: Span
) -> sql.Composed:
    columns = sql.SQL(", ").join(map(sql.Identifier, names))
    time: sql.Composable = sql.Identifier("time")
    values: sql.Composable = columns
    grouped: sql.Composable = sql.SQL("")
    if members.resolution_s:
        step = sql.Literal(f"{members.resolution_s} seconds")
        time = sql.SQL("date_bin({}, time, timestamptz 'epoch') AS time").format(step)
        values = sql.SQL(", ").join(
            # The expression is the database's own (bucket_expressions), of a catalogue's name.
            sql.SQL("{} AS {}").format(sql.SQL(members.signals[name].step), sql.Identifier(name))
            for name in names
        )
        grouped = sql.SQL(" GROUP BY 1")
    return sql.SQL(
        "(SELECT {}, {} FROM {} WHERE vehicle_id = {} AND time >= {} AND time < {}"
        " AND num_nonnulls({}) > 0{}) AS {}"
    ).format(
        time,
        values,
        sql.Identifier(table_name(group)),
        sql.Literal(member.vehicle_id),
        sql.Literal(piece[0]),
        sql.Literal(piece[1]),
        columns,
        grouped,
        sql.Identifier(group),
    )


def _told(members: Members, member: Member, name: str) -> sql.Composed:
    """A value as its rule lets it be told, under its name."""
    column = sql.Identifier(name)
    told: sql.Composable = column
    match members.signals[name].rule:
        case "grid":
            told = sql.SQL("cell_middle({}, {}::double precision)").format(
                column, sql.Literal(members.grid_deg)
            )
        case "tens":
            told = sql.SQL("round({} / 10) * 10").format(column)
        case "shifted":
            told = sql.SQL("{}::double precision + {}::double precision").format(
                column, sql.Literal(member.shifts[name])
            )
    return sql.SQL("{} AS {}").format(told, column)


def read_driven(
    reader: ArrowReader, members: Members, some: Sequence[Member], table: str, span: Span
) -> pa.Table:
    """Trips or events of some vehicles that begin in a span, by vehicle and beginning.

    One that reaches out of what may be told of its vehicle is left out.
    """
    schema = DRIVEN[table]
    if not some:
        return schema.empty_table()
    opened = [
        (member.vehicle_id, member.label, first, last)
        for member in some
        for first, last in member.opened
    ]
    numbers, labels, first, last = (list(column) for column in zip(*opened, strict=True))
    stored = {TRIPS: "trip", EVENTS: "driving_event"}[table]
    told = {TRIPS: "told_trip", EVENTS: "told_event"}[table]
    names = [name for name in schema.names if name != VEHICLE.name]
    if members.is_identified:
        source = sql.SQL("CROSS JOIN LATERAL (SELECT one.*{}) AS told").format(
            sql.SQL(
                ", extract(epoch FROM one.end_time - one.start_time)::double precision"
                " AS duration_s"
                if table == EVENTS
                else ""
            )
        )
    else:
        source = sql.SQL("CROSS JOIN LATERAL {}(one, {}, {}::double precision) AS told").format(
            sql.Identifier(told), sql.Literal(members.resolution_s), sql.Literal(members.grid_deg)
        )
    statement = sql.SQL(
        "SELECT member.label AS vehicle, {names}"
        " FROM unnest({numbers}::bigint[], {labels}::text[], {first}::timestamptz[],"
        " {last}::timestamptz[]) AS member (vehicle_id, label, first, last)"
        " JOIN {stored} AS one USING (vehicle_id) {source}"
        " WHERE one.start_time >= {start} AND one.start_time < {stop}"
        " AND one.start_time >= member.first AND one.end_time < member.last"
        ' ORDER BY member.label COLLATE "C", told.start_time, one.start_time{kind}'
    ).format(
        names=sql.SQL(", ").join(sql.Identifier("told", name) for name in names),
        numbers=sql.Literal(numbers),
        labels=sql.Literal(labels),
        first=sql.Literal([time.isoformat() for time in first]),
        last=sql.Literal([time.isoformat() for time in last]),
        stored=sql.Identifier(stored),
        source=source,
        start=sql.Literal(span[0]),
        stop=sql.Literal(span[1]),
        kind=sql.SQL(", one.kind" if table == EVENTS else ""),
    )
    return reader.table(statement).cast(schema)
