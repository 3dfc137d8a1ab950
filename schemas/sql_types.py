"""How PostgreSQL stores a signal."""

from collections.abc import Mapping
from types import MappingProxyType

from schemas.signal import Signal, ValueType

SQL_TYPES: Mapping[ValueType, str] = MappingProxyType(
    {
        ValueType.REAL: "real",
        ValueType.DOUBLE: "double precision",
        ValueType.SMALLINT: "smallint",
        ValueType.INTEGER: "integer",
        ValueType.BIGINT: "bigint",
        ValueType.BOOLEAN: "boolean",
    }
)
"""PostgreSQL's type by value type, as DDL and the system catalogue's format_type spell it."""


def sql_type(signal: Signal) -> str:
    """Name the type of the signal's column, which is always nullable: absent is NULL."""
    return SQL_TYPES[signal.type]
