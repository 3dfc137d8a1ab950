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
from storage.binary_copy import (
    AS_THEY_ARE,
    HEADER,
    POSTGRES_EPOCH_US,
    PREFIX,
    TRAILER,
    WIRE,
    layout,
)
from storage.steps import as_stored

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from schemas.catalogue import Group
    from storage.batch import GroupRows
    from storage.binary_copy import Columns as _OfType
    from storage.connection import Connection

STRETCH_ROWS = 1000
"""Rows that are laid out at a time: some hundred kilobytes, which stay in a core's cache."""

ROWS_A_RUN = 8
"""Where rows lack the same columns as the one before them for fewer than so many in the mean, all
get room for all columns, and the bytes of the absent values are dropped."""


@dataclass(frozen=True, slots=True, eq=False)
class _Section:
    """Columns of one type that are absent from the same rows."""

    columns: _OfType
    places: NDArray[np.intp]
    """Which of the narrow or wide columns they are."""
    names: tuple[str, ...]
    absent: NDArray[np.bool_] | None
    """(n,); None where all rows have them."""

    @property
    def width(self) -> int:
        """Of a cell [bytes]: its length and its value."""
        return 4 + WIRE[self.columns.type].itemsize


class Columns:
    """A group's rows, ready to be copied from the last to the first.

    Args:
        rows: in the order of vehicle and time; values within their column types.
        group: theirs.
        steps: what a step is of signals that the table keeps in steps (see `storage.steps`).

    Attributes:
        names: the columns of the COPY; one that all rows lack is left out.
    """

    def __init__(
        self, rows: GroupRows, group: Group, steps: Mapping[str, float] = AS_THEY_ARE
    ) -> None:
        stored, columns = as_stored(rows, group, steps)
        # Time runs backwards, as in the columnstore.
        self._rows, self._count = stored.backwards(), len(rows)
        self._sections = _sections(self._rows, layout(columns))
        names = (name for section in self._sections for name in section.names)
        self.names = ("vehicle_id", "time", *names)
        mixed = [section.absent for section in self._sections if section.absent is not None]
        self._absent = np.packbits(np.array(mixed, dtype=np.bool_).reshape(-1, self._count), axis=0)
        """(b, n) bits: which sections a row lacks."""
        self._by_type = _by_type(self._sections)
        self._moves: dict[bytes, list[_Move]] = {}
        key = (8).to_bytes(4, "big") + bytes(8)
        cells = b"".join(
            len(section.names) * ((section.width - 4).to_bytes(4, "big") + bytes(section.width - 4))
            for section in self._sections
        )
        self._record = np.frombuffer(
            len(self.names).to_bytes(2, "big") + 2 * key + cells, dtype=np.uint8
        )
        """A row that has all columns, with its lengths, and no values yet."""

    def stretches(self) -> Iterator[NDArray[np.uint8]]:
        """The rows' bytes, without COPY's header and trailer."""
        changes = np.flatnonzero((self._absent[:, 1:] != self._absent[:, :-1]).any(axis=0)) + 1
        alike = (len(changes) + 1) * ROWS_A_RUN <= self._count
        for begin in range(0, self._count, STRETCH_ROWS):
            end = min(begin + STRETCH_ROWS, self._count)
            records = self._records(begin, end)
            if alike:
                inside = changes[(changes > begin) & (changes < end)].tolist()
                yield self._by_runs(begin, [begin, *inside, end], records)
            else:
                yield self._ragged(begin, end, records)

    def _records(self, begin: int, end: int) -> NDArray[np.uint8]:
        """(m, width) rows as if they had all columns."""
        records = np.empty((end - begin, len(self._record)), dtype=np.uint8)
        records[:] = self._record
        keys = _view(records, 2 + 4, 2, np.dtype(">i8"), 4 + 8)
        keys[:, 0] = self._rows.vehicle_ids[begin:end]
        keys[:, 1] = self._rows.times_us[begin:end] - POSTGRES_EPOCH_US
        # Values are encoded as they lie in memory, and turned round on their way into records.
        tables = (self._rows.narrow[begin:end][::-1].T, self._rows.wide[begin:end][::-1].T)
        for columns, sections in self._by_type:
            places = np.concatenate([section.places for section, _ in sections])
            values = _encode(tables[columns.wide][places], columns.type)[:, ::-1].T
            done = 0
            for section, place in sections:
                fields = len(section.names)
                to = _view(records, place + 4, fields, values.dtype, section.width)
                to[...] = values[:, done : done + fields]
                done += fields
        return records

    def _by_runs(
        self, begin: int, bounds: Sequence[int], records: NDArray[np.uint8]
    ) -> NDArray[np.uint8]:
        """Records of rows that lack the same columns from one of the bounds to the next."""
        runs = [(first, last, self._moves_of(first)) for first, last in pairwise(bounds)]
        sizes = [(last - first) * sum(move.bytes for move in moves) for first, last, moves in runs]
        if sum(sizes) == records.size:
            return records.reshape(-1)
        data, at = np.empty(sum(sizes), dtype=np.uint8), 0
        for (first, last, moves), size in zip(runs, sizes, strict=True):
            full = records[first - begin : last - begin]
            shorter = data[at : at + size].reshape(len(full), -1)
            at, to = at + size, 0
            for move in moves:
                until = to + move.bytes
                if move.place is None:
                    shorter[:, to:until] = 0xFF
                else:
                    shorter[:, to:until] = full[:, move.place : move.place + move.bytes]
                to = until
        return data

    def _moves_of(self, row: int) -> list[_Move]:
        kind = self._absent[:, row].tobytes()
        moves = self._moves.get(kind)
        if moves is None:
            moves = self._moves[kind] = _moves(self._sections, row)
        return moves

    def _ragged(self, begin: int, end: int, records: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Records of rows of which nearly each lacks other columns."""
        kept = np.ones(records.shape, dtype=np.bool_)
        place = PREFIX
        for section in self._sections:
            stop = place + len(section.names) * section.width
            if section.absent is not None:
                absent = section.absent[begin:end]
                records[absent, place:stop] = 0xFF
                for value in range(place + 4, stop, section.width):
                    kept[absent, value : value + section.width - 4] = False
            place = stop
        return records[kept]


@dataclass(frozen=True, slots=True)
class _Move:
    """Bytes of a record that go on together."""

    bytes: int
    place: int | None
    """Where they are in a record with all columns; None: they say that cells are absent."""


def _moves(sections: Sequence[_Section], row: int) -> list[_Move]:
    """What becomes of the records of rows that lack the same columns as `row` does."""
    moves, place, begin = [], PREFIX, 0
    for section in sections:
        fields, width = len(section.names), section.width
        if section.absent is not None and section.absent[row]:
            if place > begin:
                moves.append(_Move(place - begin, begin))
            moves.append(_Move(4 * fields, None))
            begin = place + fields * width
        place += fields * width
    if place > begin:
        moves.append(_Move(place - begin, begin))
    return moves


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


def _sections(rows: GroupRows, by_type: Sequence[_OfType]) -> list[_Section]:
    lacking = (np.isnan(rows.narrow.T), np.isnan(rows.wide.T))
    found = []
    for columns in by_type:
        kinds: dict[bytes, list[int]] = {}
        for number, bits in enumerate(np.packbits(lacking[columns.wide][columns.places], axis=1)):
            kinds.setdefault(bits.tobytes(), []).append(number)
        for members in kinds.values():
            places = columns.places[members]
            absent = lacking[columns.wide][places[0]]
            if not absent.all():
                names = tuple(columns.names[member] for member in members)
                found.append(_Section(columns, places, names, absent if absent.any() else None))
    return sorted(found, key=lambda section: section.absent is not None)


def _by_type(sections: Sequence[_Section]) -> list[tuple[_OfType, list[tuple[_Section, int]]]]:
    """Sections of each type, with the byte of a record with all columns where each begins."""
    found: dict[tuple[ValueType, bool], tuple[_OfType, list[tuple[_Section, int]]]] = {}
    place = PREFIX
    for section in sections:
        columns = section.columns
        _, members = found.setdefault((columns.type, columns.wide), (columns, []))
        members.append((section, place))
        place += len(section.names) * section.width
    return list(found.values())


def _encode(values: NDArray[Any], type_: ValueType) -> NDArray[Any]:
    """Values as they travel; as unsigned integers, which NumPy moves whatever their bytes are."""
    wire = WIRE[type_]
    if type_ is ValueType.BOOLEAN:
        values = values != 0
    elif type_ not in (ValueType.REAL, ValueType.DOUBLE):
        values = np.rint(values)
    with np.errstate(invalid="ignore"):  # absent ones become integers too, and are left out
        encoded: NDArray[Any] = values.astype(wire).view(f"u{wire.itemsize}")
    return encoded


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
