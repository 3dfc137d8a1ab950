"""Snapshots: each run of an export is a version of a Delta table over the same files.

Delta's log names which files were a table's rows at a time; nothing is copied. An export that has
snapshots never replaces a file (its name is its content's), so that a version stays readable until
somebody vacuums the table.
"""

from __future__ import annotations

import json
import os
import time
from datetime import date
from typing import TYPE_CHECKING

import pyarrow as pa
from deltalake import DeltaTable, Schema
from deltalake.exceptions import DeltaError, TableNotFoundError
from deltalake.transaction import AddAction, RemoveAction, create_table_with_add_actions

from research.errors import ExportError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from research.manifest import Manifest, Partition
    from research.places import Place

_BY = ["day", "bucket"]
_PARTITIONS = [pa.field("day", pa.date32()), pa.field("bucket", pa.int32())]


def commit(place: Place, manifest: Manifest, schemas: Mapping[str, pa.Schema]) -> dict[str, int]:
    """Let the present files be the newest version of each table, where that is news.

    Args:
        place: where the export lies.
        manifest: of the export, complete.
        schemas: of its tables.

    Returns:
        The versions by table.

    Raises:
        ExportError: the table's log cannot be written.
    """
    return {
        table: _commit(place, table, {str(one.file): one for one in manifest.files(table)}, schema)
        for table, schema in schemas.items()
    }


def _commit(place: Place, table: str, files: Mapping[str, Partition], schema: pa.Schema) -> int:
    uri = place.address(table)
    whole = Schema.from_arrow(pa.schema([*schema, *_PARTITIONS]))
    try:
        there = DeltaTable(uri, storage_options=_options(place))
    except TableNotFoundError:
        create_table_with_add_actions(
            uri,
            whole,
            [_add(one, table) for one in files.values()],
            mode="error",
            partition_by=_BY,
            name=table,
            storage_options=_options(place),
        )
        return 0
    except DeltaError as error:
        raise ExportError(f"The snapshots of {uri} cannot be read: {error}") from error
    old = _named(there, table)
    actions: list[AddAction | RemoveAction] = [
        _add(one, table) for name, one in files.items() if name not in old
    ]
    actions += [_remove(name, old[name], table) for name in old if name not in files]
    if actions:
        there.create_write_transaction(actions, "append", whole, partition_by=_BY)
        there.update_incremental()
    return int(there.version())


def named_as_of(place: Place, table: str, as_of: datetime) -> list[tuple[str, date, int]]:
    """The files that were a table's rows at a time, with day and bucket, in their order.

    Raises:
        ExportError: there was no snapshot by then, or there are none at all.
    """
    uri = place.address(table)
    try:
        there = DeltaTable(uri, storage_options=_options(place))
        # By what each commit says of itself: an object store tells its files' times in whole
        # seconds, and asked for by time alone a version of the same second counts as older.
        moment_ms = as_of.timestamp() * 1000
        versions = [one["version"] for one in there.history() if one["timestamp"] <= moment_ms]
        if not versions:
            raise ExportError(f"{uri} has no snapshot by {as_of}: its first one is later.")
        there.load_as_version(max(versions))
    except TableNotFoundError as error:
        raise ExportError(
            f"{uri} has no snapshots: `telemetry export --snapshots` makes one each run."
        ) from error
    except DeltaError as error:
        raise ExportError(f"The snapshots of {uri} cannot be read: {error}") from error
    found = [(name, *_partition(name)) for name in _named(there, table)]
    return sorted(found, key=lambda one: one[1:])


def _named(there: DeltaTable, table: str) -> dict[str, int]:
    """The files of a version within the export, and their sizes."""
    actions = pa.table(there.get_add_actions(flatten=True))
    return {
        f"{table}/{path}": size
        for path, size in zip(
            actions["path"].to_pylist(), actions["size_bytes"].to_pylist(), strict=True
        )
    }


def _partition(name: str) -> tuple[date, int]:
    _, day, bucket, _ = name.split("/")
    return date.fromisoformat(day.removeprefix("day=")), int(bucket.removeprefix("bucket="))


def _add(one: Partition, table: str) -> AddAction:
    return AddAction(
        path=str(one.file).removeprefix(f"{table}/"),
        size=one.bytes,
        partition_values={"day": one.day.isoformat(), "bucket": str(one.bucket)},
        modification_time=int(time.time() * 1000),
        data_change=True,
        stats=json.dumps({"numRecords": one.rows}),
    )


def _remove(name: str, size: int, table: str) -> RemoveAction:
    day, bucket = _partition(name)
    return RemoveAction(
        path=name.removeprefix(f"{table}/"),
        deletion_timestamp=int(time.time() * 1000),
        data_change=True,
        partition_values={"day": day.isoformat(), "bucket": str(bucket)},
        size=size,
    )


def _options(place: Place) -> dict[str, str] | None:
    """What delta-rs does not read from the environment by itself."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL", "")
    return {"allow_http": "true"} if place.is_remote and endpoint.startswith("http://") else None
