"""DataFrames into tables and tables into DataFrames, by binary COPY, a column by its name.

What a frame has and the table has not is left out, and the other way round: analysis may know of
more than is kept. What is absent in a frame (NaN, NaT, None) is NULL in the table.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from psycopg import ClientCursor, sql

from storage.binary_copy import HEADER, POSTGRES_EPOCH_US, TRAILER
from storage.queries import query

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from storage.connection import Connection

Columns = dict[str, str]
"""PostgreSQL's type (float8, timestamptz, …) of each column of a table."""

_POSTGRES_EPOCH_DAY = np.datetime64("2000-01-01", "D")

_WIRE: dict[str, np.dtype[Any]] = {
    "int8": np.dtype(">i8"),
    "int4": np.dtype(">i4"),
    "int2": np.dtype(">i2"),
    "float8": np.dtype(">f8"),
    "float4": np.dtype(">f4"),
    "timestamptz": np.dtype(">i8"),
    "date": np.dtype(">i4"),
}
"""How types of fixed length travel; [PostgreSQL documentation, COPY, Binary Format]."""

_OIDS = {"_float8": 701, "_text": 25}
"""What arrays are of: numbers of float8 and text, the same in every PostgreSQL [pg_type.dat]."""


def columns_of(connection: Connection, *tables: str) -> dict[str, Columns]:
    """The columns of our tables."""
    found: dict[str, Columns] = {table: {} for table in tables}
    for table, column, type_ in connection.execute(
        query("columns_of_tables"), {"tables": list(tables)}
    ):
        found[table][column] = type_
    return found


def insert(
    connection: Connection, table: str, columns: Columns, frame: pd.DataFrame, **constant: object
) -> None:
    """Copy a frame's rows into a table, within the caller's transaction.

    Args:
        connection: where to.
        table: its name.
        columns: its columns.
        frame: the rows; times carry their zone.
        constant: what every row has in a column.

    Raises:
        ValueError: a time lacks its zone.
    """
    if frame.empty:
        return
    names = [name for name in map(str, frame.columns) if name in columns and name not in constant]
    cells = [_cells(frame[name], columns[name]) for name in names]
    cells += [_cells(pd.Series([value]), columns[name]) for name, value in constant.items()]
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, [*names, *constant]))
    )
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(HEADER + _encode(len(frame), cells) + TRAILER)


@dataclass(frozen=True, slots=True, eq=False)
class _Cells:
    """A column as it travels: (n,), or (1,) where all rows have the same."""

    values: NDArray[Any]
    """Numbers in wire order, or texts and arrays as bytes of the longest one's length."""
    lengths: NDArray[np.int32]
    """Bytes of each value, -1 where it is absent."""


def _cells(column: pd.Series[Any], type_: str) -> _Cells:
    if type_ == "text":
        return _texts(column)
    if type_ in _OIDS:
        return _arrays(column, type_)
    absent: NDArray[np.bool_]
    values: NDArray[Any]
    if type_ == "timestamptz":
        times = pd.DatetimeIndex(column)
        absent = np.asarray(times.isna())
        if times.tz is None and not absent.all():
            raise ValueError(f"the times of {column.name} lack their time zone")
        values = times.as_unit("us").asi8 - POSTGRES_EPOCH_US
    elif type_ == "date":
        days = pd.DatetimeIndex(column)
        absent = np.asarray(days.isna())
        values = (days.to_numpy().astype("datetime64[D]") - _POSTGRES_EPOCH_DAY).astype(np.int64)
    elif column.dtype.kind in "iu":  # not by way of a float, which holds no more than 53 bits
        absent = column.isna().to_numpy()
        values = column.fillna(0).to_numpy(dtype=np.int64)
    else:
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        absent = np.isnan(values)
        if type_ not in ("float4", "float8"):
            values = np.where(absent, 0, values)
    wire = _WIRE[type_]
    return _Cells(values.astype(wire), np.where(absent, -1, wire.itemsize).astype(np.int32))


def _texts(column: pd.Series[Any]) -> _Cells:
    absent = column.isna().to_numpy()
    return _of_bytes(
        None if missing else str(text).encode()
        for text, missing in zip(column, absent.tolist(), strict=True)
    )


def _arrays(column: pd.Series[Any], type_: str) -> _Cells:
    """Arrays of one dimension without absent elements; [PostgreSQL, array_send]."""
    return _of_bytes(None if cells is None else _array(cells, type_) for cells in column)


def _array(cells: Any, type_: str) -> bytes:
    head = struct.pack(">iiI", 1 if len(cells) else 0, 0, _OIDS[type_])
    if not len(cells):
        return head
    head += struct.pack(">ii", len(cells), 1)
    if type_ == "_float8":
        records = np.empty(len(cells), dtype=[("length", ">i4"), ("value", ">f8")])
        records["length"], records["value"] = 8, cells
        return head + records.tobytes()
    texts = [str(cell).encode() for cell in cells]
    return head + b"".join(struct.pack(">i", len(text)) + text for text in texts)


def _of_bytes(values: Iterable[bytes | None]) -> _Cells:
    """Values of any length; numpy takes zeros at their end for padding, their lengths tell."""
    known = list(values)
    lengths = np.array([-1 if value is None else len(value) for value in known], dtype=np.int32)
    # At least a byte: numpy knows no bytes of none.
    width = max(1, int(lengths.max()))
    return _Cells(np.array([value or b"" for value in known], dtype=f"S{width}"), lengths)


def _encode(rows: int, columns: list[_Cells]) -> bytes:
    """Rows of binary COPY: all get room for their longest values, then what is not there is cut."""
    widths = [4 + cells.values.dtype.itemsize for cells in columns]
    buffer = np.empty((rows, 2 + sum(widths)), dtype=np.uint8)
    kept = np.ones(buffer.shape, dtype=np.bool_)
    buffer[:, :2] = np.array([len(columns)], dtype=">i2").view(np.uint8)
    offset = 2
    for cells, width in zip(columns, widths, strict=True):
        end = offset + width
        lengths, values = cells.lengths.astype(">i4"), np.ascontiguousarray(cells.values)
        buffer[:, offset : offset + 4] = lengths.view(np.uint8).reshape(-1, 4)
        buffer[:, offset + 4 : end] = values.view(np.uint8).reshape(len(values), -1)
        if (cells.lengths < width - 4).any():
            kept[:, offset + 4 : end] = np.arange(width - 4) < cells.lengths[:, None]
        offset = end
    return buffer[kept].tobytes()


def read(
    connection: Connection,
    statement: sql.Composable,
    parameters: Mapping[str, object],
    columns: Mapping[str, str],
) -> pd.DataFrame:
    """What a SELECT gives, without an absent value, as a frame.

    Every record is as long as the next then, so numpy reads them all at once.

    Args:
        connection: an autocommit connection.
        statement: the SELECT.
        parameters: of the statement.
        columns: the type of each of its columns; none is text.

    Returns:
        Integers, float64, UTC times and days (datetime64[s]) by these names.
    """
    record = np.dtype(
        [("fields", ">i2")]
        + [
            field
            for name, type_ in columns.items()
            for field in ((f"{name} length", ">i4"), (name, _WIRE[type_]))
        ]
    )
    copy_out = sql.SQL("COPY ({}) TO STDOUT (FORMAT binary)").format(statement)
    # COPY takes no parameters: they are written into it here.
    with ClientCursor(connection) as cursor, cursor.copy(copy_out, parameters) as copy:
        data = b"".join(copy)
    records = np.frombuffer(data[len(HEADER) : -len(TRAILER)], dtype=record)
    return pd.DataFrame({name: _column(records[name], type_) for name, type_ in columns.items()})


def _column(values: NDArray[Any], type_: str) -> NDArray[Any] | pd.DatetimeIndex:
    native = values.astype(values.dtype.newbyteorder("="))
    if type_ == "timestamptz":
        return pd.DatetimeIndex((native + POSTGRES_EPOCH_US).view("datetime64[us]"), tz="UTC")
    if type_ == "date":
        return np.asarray((_POSTGRES_EPOCH_DAY + native).astype("datetime64[s]"))
    return native
