"""`python -m benchmarks.table_formats`: an export's files as a Delta and as an Iceberg table.

The same Parquet files, laid out as an export lays them, are named by each format's log, and a day
is read back. PyIceberg is no dependency of ours: `pip install 'pyiceberg[sql-sqlite,pyarrow]'`.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from datetime import date, timedelta
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable, Schema
from deltalake.transaction import AddAction, create_table_with_add_actions

FIRST = date(2026, 10, 1)
DAYS, BUCKETS, ROWS, SIGNALS = 30, 4, 10_000, 20
ASKED = FIRST + timedelta(days=2)
PARTITIONS = [pa.field("day", pa.date32()), pa.field("bucket", pa.int32())]


def written(folder: Path) -> list[Path]:
    """The files of an export: DAYS by BUCKETS, day and bucket in their folders' names alone."""
    rng = np.random.default_rng(1)
    files = []
    for number in range(DAYS):
        for bucket in range(BUCKETS):
            day = FIRST + timedelta(days=number)
            place = folder / f"day={day}" / f"bucket={bucket}"
            place.mkdir(parents=True)
            start = pa.scalar(day).cast(pa.timestamp("us")).cast(pa.int64()).as_py()
            times = start + np.sort(rng.integers(0, 86_400_000_000, ROWS))
            rows = {
                "vehicle": pa.array([f"v{one:03}" for one in rng.integers(0, 50, ROWS)]),
                "time": pa.array(times, pa.timestamp("us", "UTC")),
            } | {f"signal_{one}": rng.random(ROWS, dtype=np.float32) for one in range(SIGNALS)}
            files.append(place / "part-0.parquet")
            pq.write_table(pa.table(rows), files[-1], compression="zstd")
    return files


def by_delta(folder: Path, files: list[Path]) -> tuple[float, int, int]:
    """Seconds to name the files, files of the log, and rows that the day that is asked for has."""
    schema = pa.schema([*pq.read_schema(files[0]), *PARTITIONS])
    began = time.perf_counter()
    actions = [
        AddAction(
            path=str(file.relative_to(folder)),
            size=file.stat().st_size,
            partition_values=dict(part.split("=") for part in file.parts[-3:-1]),
            modification_time=0,
            data_change=True,
            stats=json.dumps({"numRecords": ROWS}),
        )
        for file in files
    ]
    create_table_with_add_actions(
        str(folder),
        Schema.from_arrow(schema),
        actions,
        mode="error",
        partition_by=["day", "bucket"],
    )
    took = time.perf_counter() - began
    found = DeltaTable(folder).to_pyarrow_table(partitions=[("day", "=", str(ASKED))])
    return took, len(list((folder / "_delta_log").iterdir())), len(found)


def by_iceberg(folder: Path, files: list[Path]) -> tuple[float, int, int]:
    """The same of an Iceberg table, whose catalogue is a SQLite file of its own."""
    try:
        from pyiceberg.catalog.sql import SqlCatalog  # noqa: PLC0415  # no dependency of ours
    except ImportError:
        sys.exit("PyIceberg is missing: pip install 'pyiceberg[sql-sqlite,pyarrow]'")
    there = folder / "catalogue"
    there.mkdir()
    catalogue = SqlCatalog("a", uri=f"sqlite:///{there}/tables.db", warehouse=there.as_uri())
    catalogue.create_namespace("export")
    schema = pa.schema([*pq.read_schema(files[0]), *PARTITIONS])
    table = catalogue.create_table("export.signals", schema=schema)
    with table.update_spec() as spec:
        spec.add_identity("day")
        spec.add_identity("bucket")
    began = time.perf_counter()
    table.add_files([str(file) for file in files])
    took = time.perf_counter() - began
    found = table.scan(row_filter=f"day = '{ASKED}'").to_arrow()
    return took, sum(one.is_file() for one in there.rglob("*")), len(found)


def main() -> None:
    """Print what each took and found."""
    print(f"{DAYS * BUCKETS} files, {DAYS * BUCKETS * ROWS:,} rows, {BUCKETS * ROWS:,} a day")
    for name, library, measure in (
        ("Delta", "deltalake", by_delta),
        ("Iceberg", "pyiceberg", by_iceberg),
    ):
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            took, log, found = measure(folder, written(folder))
        print(
            f"{name:8} ({library} {version(library)}): named in {1000 * took:,.0f} ms, {log} files"
            f" beside the data, {found:,} rows of {ASKED}"
        )


if __name__ == "__main__":
    main()
