"""What is told as JSON objects, as columns of a table: derived from the same models.

A field is a column of its name; a field that is an object becomes a column for each of its fields
(`start_position_latitude`); a list, which no flat table has, is its JSON text.
"""

from __future__ import annotations

import types
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import Enum
from typing import TYPE_CHECKING, Union, get_args, get_origin

import orjson
import pyarrow as pa
from pydantic import AwareDatetime, BaseModel

from api.zones import UTC_NAME, column_type

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TIME = column_type(UTC_NAME)

_TYPES = {
    bool: pa.bool_(),
    int: pa.int64(),
    float: pa.float64(),
    date: pa.date32(),
    datetime: TIME,
    AwareDatetime: TIME,
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column and the way to its value in an object."""

    name: str
    type: pa.DataType
    path: tuple[str, ...]
    description: str

    def value(self, row: BaseModel) -> object:
        """Its value in an object, as Arrow takes it."""
        found: object = row
        for step in self.path:
            found = getattr(found, step)
            if found is None:
                return None
        if isinstance(found, Enum):
            return found.value
        if self.type == pa.float64():
            return float(found)  # type: ignore[arg-type]  # a number, by the column's type
        if isinstance(found, BaseModel | list | dict):
            return orjson.dumps(found, default=lambda part: part.model_dump(mode="json")).decode()
        return found


def columns_of(
    model: type[BaseModel], path: tuple[str, ...] = (), prefix: str = ""
) -> list[Column]:
    """The columns of a model's objects, in the order of its fields."""
    found: list[Column] = []
    for name, field in model.model_fields.items():
        kinds = _kinds(field.annotation)
        way = (*path, name)
        if len(kinds) == 1 and isinstance(kinds[0], type) and issubclass(kinds[0], BaseModel):
            found += columns_of(kinds[0], way, f"{prefix}{name}_")
            continue
        column = Column(prefix + name, _type(kinds), way, field.description or "")
        found.append(column)
    return found


def in_zone(columns: Sequence[Column], zone: str) -> list[Column]:
    """The same columns, their times told by a zone's clocks."""
    of_times = column_type(zone)
    return [replace(column, type=of_times) if column.type == TIME else column for column in columns]


def _kinds(annotation: object) -> tuple[object, ...]:
    if get_origin(annotation) in {Union, types.UnionType}:
        return tuple(kind for kind in get_args(annotation) if kind is not type(None))
    return (annotation,)


def _type(kinds: tuple[object, ...]) -> pa.DataType:
    if set(kinds) <= {bool, int, float} and len(kinds) > 1:
        return pa.float64()  # a signal's value: switches are 0 and 1
    kind = kinds[0]
    return _TYPES.get(kind, pa.string()) if isinstance(kind, type) else pa.string()


def schema_of(columns: Sequence[Column], constants: Mapping[str, str | int]) -> pa.Schema:
    """The table's schema: what is the same in all rows, then the columns."""
    return pa.schema(
        [
            *(
                pa.field(name, pa.int64() if isinstance(value, int) else pa.string())
                for name, value in constants.items()
            ),
            *(
                pa.field(column.name, column.type, metadata={"description": column.description})
                for column in columns
            ),
        ]
    )


def batch_of(
    schema: pa.Schema,
    columns: Sequence[Column],
    constants: Mapping[str, str | int],
    rows: Sequence[BaseModel],
) -> pa.RecordBatch:
    """Objects as rows of a table."""
    arrays = [
        pa.array([value] * len(rows), schema.field(name).type) for name, value in constants.items()
    ]
    arrays += [pa.array(map(column.value, rows), column.type) for column in columns]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
