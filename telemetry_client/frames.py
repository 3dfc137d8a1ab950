"""Answers as DataFrames: Arrow as it comes, JSON rows by the class that describes them.

Times are UTC (of signals: in the zone that was asked for), in microseconds. Whole numbers and
switches are pandas' types that know of absence (`Int64`, `boolean`), whether something is absent or
not. A field that is an object becomes a column for each of its fields (`start_position_latitude`);
a list stays a list. `attrs["units"]` has the units of columns.
"""

from __future__ import annotations

import json
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import is_dataclass
from datetime import date, datetime
from typing import Any, Union, get_args, get_origin, get_type_hints

import pandas as pd
import pyarrow as pa
from pyarrow import ipc

from telemetry_client.entries import told
from telemetry_client.errors import UnexpectedAnswerError
from telemetry_client.units import unit_of

TIME = "datetime64[us, UTC]"

_DTYPES: Mapping[object, str] = {
    bool: "boolean",
    int: "Int64",
    float: "float64",
    str: "str",
    datetime: TIME,
    date: "datetime64[us]",
}

_END_OF_STREAM = b"\xff\xff\xff\xff\0\0\0\0"

_OF_ARROW = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}


def of_arrow(content: bytes, index: str, lists: Sequence[str] = ()) -> pd.DataFrame:
    """A table from an Arrow IPC stream.

    Args:
        content: the stream.
        index: the column that becomes the index.
        lists: columns that have lists as JSON text.

    Raises:
        UnexpectedAnswerError: it is none, or not all of it.
    """
    try:
        table = ipc.open_stream(content).read_all()
    except (pa.ArrowException, OSError) as error:
        raise UnexpectedAnswerError("The answer is no Arrow stream.") from error
    if not content.endswith(_END_OF_STREAM):  # where it is cut between batches Arrow takes the rest
        raise UnexpectedAnswerError("The answer is not the whole of an Arrow stream.")
    missing = {index, *lists}.difference(table.column_names)
    if missing:
        raise UnexpectedAnswerError(f"The table lacks {', '.join(sorted(missing))}.")
    frame = table.to_pandas(types_mapper=_OF_ARROW.get)
    for name in lists:
        frame[name] = pd.Series(
            [None if text is None else json.loads(text) for text in table[name].to_pylist()],
            index=frame.index,
            dtype=object,
        )
    units = {
        field.name: field.metadata[b"unit"].decode()
        for field in table.schema
        if field.metadata and b"unit" in field.metadata
    }
    return indexed(frame, index, units)


def of_rows(rows: Sequence[Mapping[str, Any]], of: type, index: str | None) -> pd.DataFrame:
    """A table from objects of JSON.

    Args:
        rows: the objects.
        of: the dataclass that describes them.
        index: the column that becomes the index; None: rows are numbered.

    Raises:
        UnexpectedAnswerError: they are no such objects.
    """
    try:
        columns = {
            name: pd.Series([value(row) for row in rows], dtype=object).pipe(_typed, dtype)
            for name, dtype, value in _columns(of)
        }
    except (AttributeError, TypeError, ValueError):
        # From None: the error's own text quotes the answer.
        raise UnexpectedAnswerError(f"The answer's rows are not of {of.__name__}.") from None
    return indexed(pd.DataFrame(columns), index, {})


def indexed(frame: pd.DataFrame, index: str | None, units: Mapping[str, str]) -> pd.DataFrame:
    """The table by its index, with the units of its columns.

    Args:
        frame: the table.
        index: the column that becomes the index.
        units: what is known of units; the others' are in their names, or in columns beside them.
    """
    known = {}
    for name in map(str, frame.columns):
        unit = units.get(name) or unit_of(name) or _beside(frame, name)
        if unit is not None:
            known[name] = unit
    made = frame if index is None else frame.set_index(index)
    made.attrs["units"] = known
    return made


def _beside(frame: pd.DataFrame, name: str) -> str | None:
    """The unit of `speed_value` is in `speed_unit`, if it is the same in all rows."""
    beside = f"{name.removesuffix('_value')}_unit"
    if not name.endswith("_value") or beside not in frame.columns:
        return None
    found = frame[beside].dropna().unique()
    return str(found[0]) if len(found) == 1 else None


def joined(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Tables one below the other; there is at least one, and its attrs are those of all."""
    first = frames[0]
    # Of empty ones pandas would ask which types they have.
    filled = [frame for frame in frames if len(frame)] or [first]
    made = filled[0] if len(filled) == 1 else pd.concat(filled)
    made.attrs = first.attrs
    return made


def as_times(texts: pd.Series[Any]) -> pd.Series[pd.Timestamp]:
    """Times as JSON has them, in UTC."""
    return pd.to_datetime(texts, utc=True, format="ISO8601").dt.as_unit("us")


def _typed(column: pd.Series[Any], dtype: str | None) -> pd.Series[Any]:
    match dtype:
        case None:
            return column
        case "datetime64[us, UTC]":
            return as_times(column)
        case _:
            return column.astype(dtype)  # type: ignore[call-overload,no-any-return]


Value = Callable[[Mapping[str, Any]], object]


def _columns(of: type, prefix: str = "", path: tuple[str, ...] = ()) -> Iterator[Column]:
    hints = get_type_hints(of)
    for field in told(of):
        kind = _kind(hints[field.name])
        way = (*path, field.name)
        if is_dataclass(kind):
            assert isinstance(kind, type)  # noqa: S101 - a hint is a class, not an object
            yield from _columns(kind, f"{prefix}{field.name}_", way)
        else:
            yield prefix + field.name, _DTYPES.get(kind), _value(way)


Column = tuple[str, "str | None", Value]
"""Name, type (None: lists), and the way to the value."""


def _kind(hint: object) -> object:
    """What a hint says beside None."""
    if get_origin(hint) in {Union, types.UnionType}:
        return next(kind for kind in get_args(hint) if kind is not type(None))
    return hint


def _value(path: tuple[str, ...]) -> Value:
    def value(row: Mapping[str, Any]) -> object:
        found: Any = row
        for step in path:
            if found is None:
                return None
            found = found.get(step)
        return found

    return value
