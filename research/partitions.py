"""A partition as a file: which vehicles it holds, where it lies, and how it is written."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date
    from pathlib import Path

ROW_GROUP = 131_072  # rows; some 10 MB, the most that is held of a file while it is written

VEHICLES_PER_BUCKET = 100
"""How many vehicles a file of a day holds, about, where nobody says into how many buckets."""


def bucket_of(vehicle: str, buckets: int) -> int:
    """The bucket of a vehicle by what it is called: it stays there, whoever else comes."""
    return int.from_bytes(hashlib.sha256(vehicle.encode()).digest()[:8]) % buckets


def folder_of(table: str, day: date, bucket: int) -> str:
    """Where a partition lies; such names are columns to pandas, Polars, DuckDB and Spark."""
    return f"{table}/day={day.isoformat()}/bucket={bucket}"


def write(file: Path, schema: pa.Schema, tables: Iterable[pa.Table]) -> tuple[int, int]:
    """Write tables that come one after another into a Parquet file, little of them at a time.

    Returns:
        Rows, and values that are not absent (without vehicle and time); no rows, no file.
    """
    rows = values = waiting = 0
    held: list[pa.Table] = []
    writer: pq.ParquetWriter | None = None
    try:
        for table in tables:
            if not len(table):
                continue
            rows += len(table)
            values += sum(len(table) - column.null_count for column in table.columns[2:])
            held.append(table)
            waiting += len(table)
            if waiting >= ROW_GROUP:
                writer = writer or _writer(file, schema)
                writer.write_table(pa.concat_tables(held), row_group_size=waiting)
                held, waiting = [], 0
        if held:
            writer = writer or _writer(file, schema)
            writer.write_table(pa.concat_tables(held), row_group_size=waiting)
    finally:
        if writer is not None:
            writer.close()
    return rows, values


def _writer(file: Path, schema: pa.Schema) -> pq.ParquetWriter:
    return pq.ParquetWriter(file, schema, compression="zstd", use_dictionary=["vehicle", "kind"])


def checksum(file: Path) -> str:
    """SHA-256 of a file."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
