"""Spark reads an export without help, as plain Parquet and as a Delta table, to the value.

It runs where an interpreter has PySpark: this one, or that which TELEMETRY_TEST_SPARK names (a
virtual environment of its own, say: PySpark takes 450 MB, and Java). Delta's jars lie in the folder
that TELEMETRY_TEST_SPARK_JARS names.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from tests.worlds.export_world import FIRST, VINS, exported_world

if TYPE_CHECKING:
    from tests.servers.database_fixture import Migrated

SPARK = os.environ.get("TELEMETRY_TEST_SPARK") or (
    sys.executable if importlib.util.find_spec("pyspark") else None
)
JARS = sorted(Path(os.environ.get("TELEMETRY_TEST_SPARK_JARS", "/nowhere")).glob("*.jar"))
pytestmark = pytest.mark.skipif(
    SPARK is None, reason="there is no PySpark; TELEMETRY_TEST_SPARK names a Python that has it"
)
NEEDS_DELTA = pytest.mark.skipif(
    not JARS, reason="TELEMETRY_TEST_SPARK_JARS names no folder with delta-spark's jars"
)

READING = Path(__file__).parents[1] / "asking" / "spark_reading.py"
TYPES = {
    "wheel_speed": "float",
    "odometer": "double",
    "gear_current": "smallint",
    "brake_applications": "int",
    "active_regenerations": "bigint",
    "brake_switch": "boolean",
}
"""A signal of each type of the catalogue, as Spark calls it."""

COUNTED = {"brake_applications": 2_000_000_011, "active_regenerations": 2**40 + 1}
"""Beyond what a float holds."""

TABLES = (
    "parquet=raw/signals",
    "parquet=raw/trips",
    "parquet=raw/events",
    "parquet=raw/vehicles.parquet",
    "parquet=steps/signals",
    "parquet=steps/trips",
)
SNAPSHOTS = ("delta=snapshots/signals", "delta@0=snapshots/signals")


@pytest.fixture(scope="module")
def folder(migrated: Migrated, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Exports: each row with its VIN, steps under pseudonyms, and one with two snapshots."""
    place = tmp_path_factory.mktemp("spark")
    world = exported_world(migrated, days=2, seconds=450)
    later = FIRST + timedelta(hours=3)
    for vin in VINS:
        index = pd.DatetimeIndex(later + pd.to_timedelta(np.arange(3) * 61.000001, unit="s"))
        counts = {name: first + np.arange(3.0) for name, first in COUNTED.items()}
        world.write(vin, pd.DataFrame(counts, index=index))
    raw = {"purpose": None, "resolution_s": 0, "signals": tuple(TYPES)}
    world.export(place / "raw", buckets=2, **raw)
    world.export(place / "steps", buckets=2)
    changed = {"snapshots": True, "trips": False, "events": False}
    world.export(place / "snapshots", **changed)
    world.write(VINS[0], pd.DataFrame({"wheel_speed": [17.5]}, index=pd.DatetimeIndex([later])))
    world.export(place / "snapshots", **changed)
    return place


@pytest.fixture(scope="module")
def told(folder: Path) -> dict[str, Any]:
    """What Spark makes of all of them, in one process: it takes a while to begin."""
    assert SPARK is not None
    tables = (*TABLES, *SNAPSHOTS) if JARS else TABLES
    done = subprocess.run(
        [SPARK, str(READING), "told.json", *tables],
        env=os.environ
        | {
            "PYTHONPATH": "",
            "PYSPARK_PYTHON": SPARK,
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_JARS": ",".join(map(str, JARS)),
        },
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(json.loads((folder / "told.json").read_text(encoding="utf-8")))


def same(found: dict[str, Any], expected: pd.DataFrame) -> None:
    """Spark's rows are these, in whatever order, to the value."""
    by_spark = pd.DataFrame(found["rows"], columns=list(found["types"]), dtype=object)
    assert sorted(by_spark.columns) == sorted(expected.columns)
    plain = expected.copy()
    for name in expected.columns:
        if isinstance(expected[name].dtype, pd.DatetimeTZDtype):
            plain[name] = expected[name].dt.as_unit("us").astype("int64")
        elif name == "day":
            plain[name] = expected[name].astype(str)
        plain[name] = plain[name].astype(object).where(expected[name].notna(), None)
    keys = [name for name in ("vehicle", "time", "start_time", "kind") if name in plain]
    rows = [
        table[plain.columns].sort_values(keys, ignore_index=True).to_dict("split")["data"]
        for table in (by_spark, plain)
    ]
    assert rows[0] == rows[1]
    assert rows[0]


@pytest.mark.parametrize("table", TABLES)
def test_spark_reads_what_pandas_reads(told: dict[str, Any], folder: Path, table: str) -> None:
    same(told[table], pd.read_parquet(folder / table.removeprefix("parquet=")))


def test_types_are_those_of_the_catalogue(told: dict[str, Any], folder: Path) -> None:
    found = told["parquet=raw/signals"]
    keys = {"vehicle": "string", "time": "timestamp", "day": "date", "bucket": "int"}
    assert found["types"] == TYPES | keys
    rows = pd.DataFrame(found["rows"], columns=list(found["types"]), dtype=object)
    for name, first in COUNTED.items():
        assert set(rows[name].dropna()) == {first, first + 1, first + 2}
    assert rows["brake_applications"].isna().any()
    # No microsecond is lost on the way.
    assert any(time % 1_000_000 == 1 for time in rows["time"])
    days = pd.read_parquet(folder / "raw" / "signals")["day"].astype(str)
    assert set(rows["day"]) == set(days) == {"2026-10-01", "2026-10-02"}


@NEEDS_DELTA
def test_spark_reads_snapshots_as_of_their_versions(told: dict[str, Any], folder: Path) -> None:
    deltalake = pytest.importorskip("deltalake")
    table = deltalake.DeltaTable(str(folder / "snapshots" / "signals"))
    same(told["delta=snapshots/signals"], table.to_pandas())
    table.load_as_version(0)
    before = table.to_pandas()
    same(told["delta@0=snapshots/signals"], before)
    assert len(told["delta=snapshots/signals"]["rows"]) == len(before) + 1
