"""The rows of an export: what columns they have, and trips and events of some vehicles as a table.

One SELECT each; values are coarsened by the same functions that answer over HTTP.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, LiteralString

import pyarrow as pa
from psycopg import sql

from schemas.arrow import KEY_FIELDS, facts, value_type
from schemas.signal import Kind, ValueType
from storage.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from schemas.catalogue import Catalogue, Signal
    from storage.arrow_reads import ArrowReader
    from storage.export_members import Member, Members

    Span = tuple[datetime, datetime]

VEHICLE = pa.field("vehicle", pa.string(), nullable=False)
TIME = KEY_FIELDS[1]

_UTC = TIME.type
_NUMBER = pa.float64()


def described(name: str, type_: pa.DataType, description: str, unit: str = "") -> pa.Field:
    """A column, with what it is."""
    return pa.field(name, type_, metadata={"unit": unit, "description": description})


@dataclass(frozen=True, kw_only=True, slots=True)
class Driven:
    """What analysis has found of vehicles' driving, as rows with a beginning and an end.

    Attributes:
        name: what it is called in an export.
        stored: the table it lies in.
        schema: vehicle, and the columns.
        told: the function that tells a row under a pseudonym; None: none does, and it is not told.
        exact: by column that the table does not have under its name, SQL that makes it.
        start, end: SQL for when a row begins and ends.
        where: further SQL that rows have to fulfil.
    """

    name: str
    stored: str
    schema: pa.Schema
    told: LiteralString | None = None
    exact: Mapping[str, str] = field(default_factory=dict)
    start: LiteralString = "one.start_time"
    end: LiteralString = "one.end_time"
    where: LiteralString = "true"


TRIPS = Driven(
    name="trips",
    stored="trip",
    told="told_trip",
    schema=pa.schema(
        [
            VEHICLE,
            described("start_time", _UTC, "When it began."),
            described("end_time", _UTC, "When it ended."),
            described("kind", pa.string(), "drive, idle, tow or ferry."),
            described("distance_km", _NUMBER, "The way.", "km"),
            described("duration_s", _NUMBER, "How long it took.", "s"),
            described("driving_s", _NUMBER, "How long it moved.", "s"),
            described("idle_s", _NUMBER, "How long it stood with the engine running.", "s"),
            described("stop_count", pa.int32(), "How often it stopped."),
            described("fuel_l", _NUMBER, "What was burnt.", "L"),
            described("idle_fuel_l", _NUMBER, "What was burnt standing.", "L"),
            described("max_speed_kmh", _NUMBER, "The highest speed.", "km/h"),
            described("start_latitude", _NUMBER, "Where it began.", "degrees"),
            described("start_longitude", _NUMBER, "Where it began.", "degrees"),
            described("end_latitude", _NUMBER, "Where it ended.", "degrees"),
            described("end_longitude", _NUMBER, "Where it ended.", "degrees"),
        ]
    ),
)

EVENTS = Driven(
    name="events",
    stored="driving_event",
    told="told_event",
    schema=pa.schema(
        [
            VEHICLE,
            described("kind", pa.string(), "What happened (docs/behaviour.md)."),
            described("start_time", _UTC, "When it began."),
            described("trip_start", _UTC, "When the trip began in which it happened."),
            described("duration_s", _NUMBER, "How long it lasted.", "s"),
            described("severity", pa.int16(), "1 low, 2 medium, 3 high."),
            described("peak", _NUMBER, "The worst of it, in the unit of its kind."),
            described("limit_value", _NUMBER, "What was crossed, in the unit of the peak."),
            described("speed_km_h", _NUMBER, "The speed with which it began.", "km/h"),
            described("distance_km", _NUMBER, "The way it took.", "km"),
            described("fuel_l", _NUMBER, "What was burnt in it.", "L"),
            described("latitude", _NUMBER, "Where it began.", "degrees"),
            described("longitude", _NUMBER, "Where it began.", "degrees"),
        ]
    ),
    exact={"duration_s": "extract(epoch FROM one.end_time - one.start_time)::double precision"},
)


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


def read_driven(
    reader: ArrowReader, members: Members, some: Sequence[Member], table: Driven, span: Span
) -> pa.Table:
    """Trips, events, ... of some vehicles that begin in a span, by vehicle and beginning.

    One that reaches out of what may be told of its vehicle is left out.

    Raises:
        StorageError: these are told of no vehicle that has a pseudonym.
    """
    if not some:
        return table.schema.empty_table()
    opened = [
        (member.vehicle_id, member.label, first.isoformat(), last.isoformat())
        for member in some
        for first, last in member.opened
    ]
    numbers, labels, first, last = (list(column) for column in zip(*opened, strict=True))
    names = [name for name in table.schema.names if name != VEHICLE.name]
    statement = sql.SQL(
        "SELECT member.label AS vehicle, {names}"
        " FROM unnest({numbers}::bigint[], {labels}::text[], {first}::timestamptz[],"
        " {last}::timestamptz[]) AS member (vehicle_id, label, first, last)"
        " JOIN {stored} AS one USING (vehicle_id) CROSS JOIN LATERAL {told} AS told"
        " WHERE {begins} >= {start} AND {begins} < {stop}"
        " AND {begins} >= member.first AND {ends} < member.last AND {where}"
        ' ORDER BY member.label COLLATE "C", {begins}, told'
    ).format(
        names=sql.SQL(", ").join(sql.Identifier("told", name) for name in names),
        numbers=sql.Literal(numbers),
        labels=sql.Literal(labels),
        first=sql.Literal(first),
        last=sql.Literal(last),
        stored=sql.Identifier(table.stored),
        told=_row_told(members, table, names),
        begins=sql.SQL(table.start),
        ends=sql.SQL(table.end),
        where=sql.SQL(table.where),
        start=sql.Literal(span[0]),
        stop=sql.Literal(span[1]),
    )
    return reader.table(statement).cast(table.schema)


def _row_told(members: Members, table: Driven, names: Sequence[str]) -> sql.Composed:
    """A row as it is, or as it is told under a pseudonym."""
    if members.is_identified:
        columns = sql.SQL(", ").join(
            # What is made is said in our own code, as the names are.
            sql.SQL("{} AS {}").format(
                sql.SQL(table.exact[name]) if name in table.exact else sql.Identifier("one", name),
                sql.Identifier(name),
            )
            for name in names
        )
        return sql.SQL("(SELECT {})").format(columns)
    if table.told is None:
        raise StorageError(f"{table.name} are told only of vehicles that may be known: by VIN.")
    return sql.SQL("{}(one, {}, {}::double precision)").format(
        sql.Identifier(table.told), sql.Literal(members.resolution_s), sql.Literal(members.grid_deg)
    )
