"""Rows of a day become binary COPY in the order asked for, from columns, a stretch at a time.

The columnstore cuts its batches as rows come, so rows that lack other columns than their neighbours
must not be moved away from these (`storage.binary_copy` puts the same kinds together). History's
columns lie one after the other in memory: each type's values are turned into big-endian bytes at
once, then transposed into records.
[PostgreSQL documentation, COPY, Binary Format]
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from psycopg import sql

from schemas.catalogue import ValueType
from storage.binary_copy import HEADER, POSTGRES_EPOCH_US, TRAILER, layout

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from schemas.catalogue import Group
    from storage.batch import GroupRows
    from storage.connection import Connection

STRETCH_BYTES = 1 << 18
"""About how much is laid out at a time [bytes]; it stays in a core's cache until it is sent."""

ROWS_A_RUN = 8
"""Where rows lack the same columns as the one before them for fewer than so many in the mean, all
get room for all columns, and the bytes of the absent values are dropped."""

_WIRE: dict[ValueType, str] = {
    ValueType.DOUBLE: ">f8",
    ValueType.BIGINT: ">i8",
    ValueType.INTEGER: ">i4",
    ValueType.REAL: ">f4",
    ValueType.SMALLINT: ">i2",
    ValueType.BOOLEAN: "u1",
}

_PREFIX = 2 + 2 * (4 + 8)
"""A record's bytes before its values: field count, vehicle and time."""


@dataclass(frozen=True, slots=True, eq=False)
class _Section:
    """Columns of one type that are absent from the same rows."""

    names: tuple[str, ...]
    values: NDArray[Any]
    """(k, n) big-endian, as unsigned integers: numpy moves these without a look at their order."""
    absent: NDArray[np.bool_] | None
    """(n,); None where all rows have them."""

    @property
    def width(self) -> int:
        """Of a cell [bytes]: its length and its value."""
        return 4 + int(self.values.itemsize)


@dataclass(frozen=True, slots=True, eq=False)
class _Plan:
    """How rows that lack the same columns are laid out."""

    cells: bytes
    """All cells of a row, without values."""
    moves: tuple[tuple[_Section, int], ...]
    """Columns that are there, and the byte of a record where their first value goes."""


class Columns:
    """A group's rows, ready to be copied from the last to the first.

    Args:
        rows: in the order of vehicle and time; values within their column types.
        group: theirs.

    Attributes:
        names: the columns of the COPY; one that all rows lack is left out.
    """

    def __init__(self, rows: GroupRows, group: Group) -> None:
        self._count = len(rows)
        # Vehicle and time; time runs backwards, as in the columnstore.
        self._keys = np.empty((2, self._count), dtype=">i8")
        self._keys[0] = rows.vehicle_ids[::-1]
        self._keys[1] = rows.times_us[::-1] - POSTGRES_EPOCH_US
        self._sections = _sections(rows, group)
        names = (name for section in self._sections for name in section.names)
        self.names = ("vehicle_id", "time", *names)
        self._width = _PREFIX + sum(
            len(section.names) * section.width for section in self._sections
        )
        mixed = [section.absent for section in self._sections if section.absent is not None]
        self._absent = np.packbits(np.array(mixed, dtype=np.bool_).reshape(-1, self._count), axis=0)
        """(b, n) bits: which sections a row lacks."""
        self._plans: dict[bytes, _Plan] = {}

    def stretches(self) -> Iterator[NDArray[np.uint8]]:
        """The rows' bytes, without COPY's header and trailer."""
        changes = (self._absent[:, 1:] != self._absent[:, :-1]).any(axis=0)
        runs = np.flatnonzero(np.r_[True, changes]).tolist()
        alike = len(runs) * ROWS_A_RUN <= self._count
        step = max(1, STRETCH_BYTES // self._width)
        bounds = [*runs, self._count] if alike else [0, self._count]
        for first, last in pairwise(bounds):
            for begin in range(first, last, step):
                end = min(begin + step, last)
                yield self._alike(begin, end) if alike else self._ragged(begin, end)

    def _alike(self, begin: int, end: int) -> NDArray[np.uint8]:
        """Rows that lack the same columns."""
        kind = self._absent[:, begin].tobytes()
        plan = self._plans.get(kind)
        if plan is None:
            plan = self._plans[kind] = _plan(self._sections, begin)
        buffer = self._records(begin, end, plan.cells)
        for section, place in plan.moves:
            _put(buffer, place, section, begin, end)
        return buffer.reshape(-1)

    def _ragged(self, begin: int, end: int) -> NDArray[np.uint8]:
        """Rows of which nearly each lacks other columns."""
        buffer = self._records(begin, end, b"".join(_cells(each) for each in self._sections))
        kept = np.ones(buffer.shape, dtype=np.bool_)
        place = _PREFIX
        for section in self._sections:
            _put(buffer, place + 4, section, begin, end)
            stop = place + len(section.names) * section.width
            if section.absent is not None:
                absent = section.absent[begin:end]
                cells = (end - begin, len(section.names), section.width)
                buffer[absent, place:stop] = 0xFF
                there = kept[:, place:stop].reshape(cells)
                there[:, :, 4:] = ~absent[:, None, None]
                kept[:, place:stop] = there.reshape(end - begin, -1)
            place = stop
        return buffer[kept]

    def _records(self, begin: int, end: int, cells: bytes) -> NDArray[np.uint8]:
        """(end - begin, width) records with their keys and all lengths, and no values yet."""
        key = (8).to_bytes(4, "big") + bytes(8)
        record = len(self.names).to_bytes(2, "big") + 2 * key + cells
        buffer = np.empty((end - begin, len(record)), dtype=np.uint8)
        buffer[:] = np.frombuffer(record, dtype=np.uint8)
        keys = _view(buffer, 2 + 4, 2, self._keys.dtype, len(key))
        keys[...] = self._keys[:, begin:end].T
        return buffer


def copy_columns(connection: Connection, table: sql.Identifier, columns: Columns) -> None:
    """Copy rows into a table that has their columns."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(
        table, sql.SQL(", ").join(map(sql.Identifier, columns.names))
    )
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(HEADER)
        for stretch in columns.stretches():
            copy.write(stretch.data)
        copy.write(TRAILER)


def _sections(rows: GroupRows, group: Group) -> list[_Section]:
    matrices = [np.ascontiguousarray(matrix[::-1].T) for matrix in (rows.narrow, rows.wide)]
    found = []
    for columns in layout(group):
        values = matrices[columns.wide][columns.places]
        absent = np.isnan(values)
        kinds: dict[bytes, list[int]] = {}
        for number, bits in enumerate(np.packbits(absent, axis=1)):
            kinds.setdefault(bits.tobytes(), []).append(number)
        wire = np.dtype(_WIRE[columns.type])
        with np.errstate(invalid="ignore"):  # absent ones become integers too, and are left out
            encoded = _cast(values, columns.type).astype(wire).view(f"u{wire.itemsize}")
        for members in kinds.values():
            lacking = absent[members[0]]
            if not lacking.all():
                found.append(
                    _Section(
                        names=tuple(columns.names[member] for member in members),
                        values=encoded[members],
                        absent=lacking if lacking.any() else None,
                    )
                )
    return found


def _cast(values: NDArray[Any], type_: ValueType) -> NDArray[Any]:
    if type_ is ValueType.BOOLEAN:
        return np.asarray(values != 0)
    return values if type_ in (ValueType.REAL, ValueType.DOUBLE) else np.rint(values)


def _plan(sections: Sequence[_Section], row: int) -> _Plan:
    cells, moves, place = [], [], _PREFIX
    for section in sections:
        if section.absent is not None and section.absent[row]:
            cells.append(b"\xff" * (4 * len(section.names)))
        else:
            cells.append(_cells(section))
            moves.append((section, place + 4))
        place += len(cells[-1])
    return _Plan(b"".join(cells), tuple(moves))


def _cells(section: _Section) -> bytes:
    """A section's cells with their lengths, and no values yet."""
    size = section.width - 4
    return len(section.names) * (size.to_bytes(4, "big") + bytes(size))


def _put(buffer: NDArray[np.uint8], place: int, section: _Section, begin: int, end: int) -> None:
    """Write rows of a section, its first value at byte `place` of each record."""
    fields, dtype = len(section.names), section.values.dtype
    _view(buffer, place, fields, dtype, section.width)[...] = section.values[:, begin:end].T


def _view(
    buffer: NDArray[Any], offset: int, fields: int, dtype: np.dtype[Any], width: int
) -> NDArray[Any]:
    """(n, fields) of `dtype`, one every `width` bytes from byte `offset` of each record on."""
    return np.ndarray(
        (len(buffer), fields),
        dtype=dtype,
        buffer=buffer.data,
        offset=offset,
        strides=(buffer.shape[1], width),
    )
