"""The Arrow schema of a signal group, for Parquet files and DataFrames."""

import pyarrow as pa

from schemas.catalogue import Catalogue, CatalogueError
from schemas.signal import Signal, ValueType

_TYPES: dict[ValueType, pa.DataType] = {
    ValueType.REAL: pa.float32(),
    ValueType.DOUBLE: pa.float64(),
    ValueType.SMALLINT: pa.int16(),
    ValueType.INTEGER: pa.int32(),
    ValueType.BIGINT: pa.int64(),
    ValueType.BOOLEAN: pa.bool_(),
}

KEY_FIELDS = (
    pa.field("vehicle_id", pa.int64(), nullable=False),
    pa.field("time", pa.timestamp("us", tz="UTC"), nullable=False),
)
"""What every group's schema begins with: whose row, and when by the vehicle's clock."""


def arrow_schema(catalogue: Catalogue, group: str) -> pa.Schema:
    """Build a group's schema: the key fields, then its signals by id, each nullable.

    A signal's field metadata holds `id`, `path`, `unit`, `kind` and `description` (English); the
    schema's holds `group` and `catalogue_version`.

    Raises:
        CatalogueError: the catalogue has no such group.
    """
    if group not in catalogue.groups:
        known = ", ".join(catalogue.groups)
        raise CatalogueError(f"no group is called {group!r}: use one of {known}")
    signals = catalogue.groups[group].signals
    return pa.schema(
        [
            *KEY_FIELDS,
            *(
                pa.field(signal.name, value_type(signal), metadata=facts(signal))
                for signal in signals
            ),
        ],
        metadata={"group": group, "catalogue_version": str(catalogue.version)},
    )


def value_type(signal: Signal) -> pa.DataType:
    """The type of a signal's values."""
    return _TYPES[signal.type]


def facts(signal: Signal) -> dict[str, str]:
    """What a signal's field says of it: `id`, `path`, `unit`, `kind`, `description` (English)."""
    return {
        "id": str(signal.id),
        "path": signal.path,
        "unit": signal.unit,
        "kind": signal.kind,
        "description": signal.description_en,
    }
