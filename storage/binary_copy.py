"""Rows in numpy arrays become PostgreSQL's binary COPY format without a Python loop over values.

A binary COPY row is a count of fields, then for each field its length and its big-endian bytes; an
absent one has length -1 and no bytes. Rows that lack the same columns are an array of equal
records, filled a type at a time. Where nearly every row lacks others, all get room for all values,
and one boolean index drops the bytes of the absent ones.
[PostgreSQL documentation, COPY, Binary Format]
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from schemas.catalogue import ValueType
from storage.absence import patterns
from storage.latest_values import NEVER_US
from storage.steps import as_stored

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from schemas.catalogue import Group
    from storage.absence import Pattern
    from storage.batch import GroupRows
    from storage.latest_values import Latest
    from storage.steps import Column

HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
"""Signature, no flags, no header extension."""

TRAILER = b"\xff\xff"
"""A field count of -1 ends the data."""

POSTGRES_EPOCH_US = 946_684_800_000_000
"""2000-01-01 00:00 UTC, where PostgreSQL's timestamps begin [µs since 1970]."""

WIRE: dict[ValueType, np.dtype[Any]] = {
    ValueType.DOUBLE: np.dtype(">f8"),
    ValueType.BIGINT: np.dtype(">i8"),
    ValueType.INTEGER: np.dtype(">i4"),
    ValueType.REAL: np.dtype(">f4"),
    ValueType.SMALLINT: np.dtype(">i2"),
    ValueType.BOOLEAN: np.dtype("u1"),
}
"""How each column type travels; the order is that of the columns in the COPY."""

AS_THEY_ARE: Mapping[str, float] = MappingProxyType({})
"""Of a table that keeps no signal in steps."""

LAYOUTS_KEPT = 256
"""Sets of columns that are remembered: each set of signals with values between steps is another."""

PREFIX = 2 + 2 * (4 + 8)
"""A record's bytes before its values: field count, vehicle and time."""


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Columns of one type: their names, and their places in the narrow or the wide matrix."""

    type: ValueType
    wide: bool
    names: tuple[str, ...]
    places: NDArray[np.intp]


@dataclass(frozen=True, kw_only=True, slots=True)
class Encoded:
    """Rows ready for `COPY table (columns) FROM STDIN (FORMAT binary)`."""

    columns: tuple[str, ...]
    data: NDArray[np.uint8]
    """The rows' bytes, without HEADER and TRAILER."""
    rows: int


@lru_cache(maxsize=LAYOUTS_KEPT)
def layout(columns: tuple[Column, ...]) -> tuple[Columns, ...]:
    """A table's columns by type."""
    found = []
    for type_, wide in product(WIRE, (True, False)):
        pool = [column for column in columns if column.wide is wide]
        members = [place for place, column in enumerate(pool) if column.type is type_]
        if members:
            names = tuple(pool[place].name for place in members)
            found.append(Columns(type_, wide, names, np.array(members, dtype=np.intp)))
    return tuple(found)


def encode(rows: GroupRows, group: Group, steps: Mapping[str, float] = AS_THEY_ARE) -> Encoded:
    """Encode a group's rows; a column absent from all of them is left out of the COPY.

    Rows that lack the same columns stand together in the result. Values must lie within their
    column type (the limits check has seen to it).

    Args:
        rows: what to encode.
        group: theirs.
        steps: what a step is of signals that the table keeps in steps (see `storage.steps`).
    """
    stored, columns = as_stored(rows, group, steps)
    kinds, by_type = patterns(stored), layout(columns)
    return _encode_patterns(stored, by_type, kinds) if kinds else _encode_ragged(stored, by_type)


@dataclass(frozen=True, slots=True, eq=False)
class _Section:
    """Columns of one type that are absent from the same kinds of rows."""

    columns: Columns
    places: NDArray[np.intp]
    names: list[str]
    present: tuple[bool, ...]
    """By kind of row."""


def _encode_patterns(
    rows: GroupRows, by_type: Sequence[Columns], kinds: Sequence[Pattern]
) -> Encoded:
    sections = [found for columns in by_type for found in _sections(columns, kinds)]
    names = ["vehicle_id", "time", *(name for section in sections for name in section.names)]
    widths = [
        PREFIX
        + sum(
            len(section.places) * (4 + WIRE[section.columns.type].itemsize * section.present[kind])
            for section in sections
        )
        for kind in range(len(kinds))
    ]
    counts = [pattern.count for pattern in kinds]
    data = np.empty(sum(n * width for n, width in zip(counts, widths, strict=True)), dtype=np.uint8)
    begin = 0
    for kind, (pattern, width) in enumerate(zip(kinds, widths, strict=True)):
        end = begin + pattern.count * width
        buffer = data[begin:end].reshape(pattern.count, width)
        begin = end
        # Lengths are the same in all these records: they are written once and copied with the rest.
        buffer[:] = _lengths(sections, kind, width, len(names))
        keys = _view(buffer, 2, 2, _cell(np.dtype(">i8")))["value"]
        keys[:, 0] = rows.vehicle_ids[pattern.rows]
        keys[:, 1] = rows.times_us[pattern.rows] - POSTGRES_EPOCH_US
        narrow, wide = rows.narrow[pattern.rows], rows.wide[pattern.rows]
        offset = PREFIX
        for section in sections:
            fields = len(section.places)
            if section.present[kind]:
                wire = WIRE[section.columns.type]
                values = _picked(wide if section.columns.wide else narrow, section.places)
                cells = _view(buffer, offset, fields, _cell(wire))
                cells["value"] = _cast(values, section.columns.type)
                offset += fields * (4 + wire.itemsize)
            else:
                offset += fields * 4
    return Encoded(columns=tuple(names), data=data, rows=len(rows))


def _picked(matrix: NDArray[np.floating], places: NDArray[np.intp]) -> NDArray[np.floating]:
    """Some columns; where they stand side by side, without a copy."""
    first = int(places[0])
    if np.array_equal(places, np.arange(first, first + len(places))):
        return matrix[:, first : first + len(places)]
    return matrix[:, places]


def _lengths(sections: Sequence[_Section], kind: int, width: int, names: int) -> NDArray[np.uint8]:
    """A record of one kind with its field count and all lengths, and no values yet."""
    record = np.zeros((1, width), dtype=np.uint8)
    _fill_keys(record, names, np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64))
    offset = PREFIX
    for section in sections:
        fields, wire = len(section.places), WIRE[section.columns.type]
        if section.present[kind]:
            _view(record, offset, fields, _cell(wire))["length"] = wire.itemsize
            offset += fields * (4 + wire.itemsize)
        else:
            _view(record, offset, fields, np.dtype(">i4"))[...] = -1
            offset += fields * 4
    return record


def _sections(columns: Columns, kinds: Sequence[Pattern]) -> list[_Section]:
    """A type's columns by the kinds of rows that have them; those that none has are left out."""
    absent = np.array(
        [(kind.wide if columns.wide else kind.narrow)[columns.places] for kind in kinds]
    )
    found: dict[bytes, list[int]] = {}
    for number in np.flatnonzero(~absent.all(axis=0)).tolist():
        found.setdefault(absent[:, number].tobytes(), []).append(number)
    return [
        _Section(
            columns=columns,
            places=columns.places[members],
            names=[columns.names[member] for member in members],
            present=tuple((~absent[:, members[0]]).tolist()),
        )
        for members in found.values()
    ]


def _fill_keys(
    buffer: NDArray[np.uint8],
    fields: int,
    vehicle_ids: NDArray[np.int64],
    times_us: NDArray[np.int64],
) -> None:
    """Field count, vehicle and time at the beginning of each record."""
    _view(buffer, 0, 1, np.dtype(">i2"))[...] = fields
    keys = _view(buffer, 2, 2, _cell(np.dtype(">i8")))
    keys["length"] = 8
    keys["value"][:, 0] = vehicle_ids
    keys["value"][:, 1] = times_us - POSTGRES_EPOCH_US


def _encode_ragged(rows: GroupRows, by_type: Sequence[Columns]) -> Encoded:
    count = len(rows)
    sections = [
        section
        for section in (_values(rows, columns) for columns in by_type)
        if section is not None
    ]
    widths = [len(names) * (4 + wire.itemsize) for names, wire, _, _ in sections]
    record = PREFIX + sum(widths)
    buffer = np.empty((count, record), dtype=np.uint8)
    names = ["vehicle_id", "time", *(name for section in sections for name in section[0])]
    _fill_keys(buffer, len(names), rows.vehicle_ids, rows.times_us)
    kept: NDArray[np.bool_] | None = None
    offset = PREFIX
    for (section_names, wire, values, absent), width in zip(sections, widths, strict=True):
        view = _view(buffer, offset, len(section_names), _cell(wire))
        view["length"] = wire.itemsize
        view["value"] = values
        if absent is not None:
            view["length"][absent] = -1
            if kept is None:
                kept = np.ones((count, record), dtype=np.bool_)
            _bytes(kept, offset, len(section_names), wire.itemsize)[...] = ~absent[:, :, None]
        offset += width
    data = buffer.reshape(-1) if kept is None else buffer[kept]
    return Encoded(columns=tuple(names), data=data, rows=count)


def _values(
    rows: GroupRows, columns: Columns
) -> tuple[Sequence[str], np.dtype[Any], NDArray[Any], NDArray[np.bool_] | None] | None:
    """Names, wire type, values (n, k) and, where some are absent, the mask of these."""
    matrix = rows.wide if columns.wide else rows.narrow
    values = matrix[:, columns.places]
    absent = np.isnan(values)
    per_column = absent.sum(axis=0)
    if not per_column.any():
        return columns.names, WIRE[columns.type], _cast(values, columns.type), None
    present = np.flatnonzero(per_column < len(rows))
    if not len(present):
        return None
    names = [columns.names[place] for place in present]
    values, absent = values[:, present], absent[:, present]
    if not per_column[present].any():
        return names, WIRE[columns.type], _cast(values, columns.type), None
    if columns.type not in (ValueType.REAL, ValueType.DOUBLE):
        values[absent] = 0
    return names, WIRE[columns.type], _cast(values, columns.type), absent


def _cast(values: NDArray[np.floating], type_: ValueType) -> NDArray[Any]:
    if type_ is ValueType.BOOLEAN:
        return np.asarray(values != 0)
    if type_ in (ValueType.REAL, ValueType.DOUBLE):
        return values
    return np.asarray(np.rint(values))


def _view(
    buffer: NDArray[np.uint8], offset: int, fields: int, dtype: np.dtype[Any]
) -> NDArray[Any]:
    """(n, fields) of `dtype`, beginning at byte `offset` of each record of the buffer."""
    return np.ndarray(
        (len(buffer), fields),
        dtype=dtype,
        buffer=buffer.data,
        offset=offset,
        strides=(buffer.shape[1], dtype.itemsize),
    )


def _cell(wire: np.dtype[Any]) -> np.dtype[Any]:
    """A field: its length and its value."""
    return np.dtype([("length", ">i4"), ("value", wire)])


def _bytes(kept: NDArray[np.bool_], offset: int, fields: int, width: int) -> NDArray[np.bool_]:
    """(n, fields, width): the places of the value bytes, the length before each passed over."""
    return np.ndarray(
        (len(kept), fields, width),
        dtype=np.bool_,
        buffer=kept.data,
        offset=offset + 4,
        strides=(kept.shape[1], 4 + width, 1),
    )


def encode_state(part: Latest) -> memoryview:
    """Rows of (vehicle_id, signal_group, time, values double precision[], times timestamptz[]).

    [PostgreSQL source, array_recv: dimensions, flags, element type, then length and lower bound of
    each dimension, then the elements as in a row]
    """
    count, signals = part.values.shape
    name = np.frombuffer(part.group.encode(), dtype=np.uint8)
    array = [("length", ">i4"), ("head", ">i4", 5), ("cells", _CELL, signals)]
    record = np.empty(
        count,
        dtype=np.dtype(
            [
                ("fields", ">i2"),
                ("id_length", ">i4"),
                ("id", ">i8"),
                ("name_length", ">i4"),
                ("name", "u1", len(name)),
                ("time_length", ">i4"),
                ("time", ">i8"),
                ("values", array),
                ("times", array),
            ]
        ),
    )
    record["fields"] = 5
    record["id_length"] = record["time_length"] = 8
    record["id"] = part.vehicle_ids
    record["name_length"] = len(name)
    record["name"] = name
    record["time"] = part.newest_us - POSTGRES_EPOCH_US
    for field, type_oid in (("values", _FLOAT8_OID), ("times", _TIMESTAMPTZ_OID)):
        record[field]["length"] = 20 + signals * _CELL.itemsize
        record[field]["head"] = (1, 0, type_oid, signals, 1)
        record[field]["cells"]["length"] = 8
    record["values"]["cells"]["value"] = part.values.view(np.int64)
    never = part.times_us == NEVER_US
    record["times"]["cells"]["value"] = np.where(never, NEVER_US, part.times_us - POSTGRES_EPOCH_US)
    return record.view(np.uint8).reshape(-1).data


_CELL = np.dtype([("length", ">i4"), ("value", ">i8")])
_INT8_OID = 20
_FLOAT8_OID = 701
_TIMESTAMPTZ_OID = 1184


def encode_array(
    array: NDArray[np.float64] | NDArray[np.int64], *, timestamps: bool = False
) -> bytes:
    """An array, of any dimensions, as double precision[], bigint[] or timestamptz[].

    As `encode_state` has its arrays; timestamps are microseconds since 2000, NEVER_US -infinity.
    """
    cells = np.empty(array.shape, dtype=_CELL)
    cells["length"] = 8
    cells["value"] = array.view(np.int64)
    integers = _TIMESTAMPTZ_OID if timestamps else _INT8_OID
    type_oid = _FLOAT8_OID if array.dtype == np.float64 else integers
    sizes = [number for size in array.shape for number in (size, 1)]
    return np.array([array.ndim, 0, type_oid, *sizes], dtype=">i4").tobytes() + cells.tobytes()


def decode_doubles(data: bytes, columns: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Read a binary COPY of (timestamptz, double precision × columns) without an absent value.

    Returns:
        (n,) microseconds since 1970-01-01 UTC and (n, columns) values.
    """
    body = data[len(HEADER) : -len(TRAILER)]
    records = np.frombuffer(
        body,
        dtype=[
            ("fields", ">i2"),
            ("time_length", ">i4"),
            ("time", ">i8"),
            ("cells", [("length", ">i4"), ("value", ">f8")], (columns,)),
        ],
    )
    times = records["time"].astype(np.int64) + POSTGRES_EPOCH_US
    return times, records["cells"]["value"].astype(np.float64)
