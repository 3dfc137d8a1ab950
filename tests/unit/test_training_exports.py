"""What `telemetry export` writes is learnt from as it lies there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from analytics.training.dataset import ParquetFolder
from analytics.training.recipe import TrainingError

if TYPE_CHECKING:
    from pathlib import Path


def export(folder: Path, **others: object) -> Path:
    """Two days of two vehicles; beside segments a table that has other columns."""
    query = {"tables": ["trips", "segments"]}
    parts = []
    for table, column in (("trips", "fuel_l"), ("segments", "mass_t")):
        for day in (2, 1):
            began = pd.Timestamp(f"2026-10-0{day}T08:00:00Z")
            rows = pd.DataFrame({"vehicle": ["B", "A"], "start_time": began, column: [2.0, 1.0]})
            name = f"{table}/day=2026-10-0{day}/bucket=0/part-0.parquet"
            (folder / name).parent.mkdir(parents=True)
            rows.to_parquet(folder / name)
            parts.append({"table": table, "day": f"2026-10-0{day}", "bucket": 0, "file": name})
        parts.append({"table": table, "day": "2026-10-03", "bucket": 0, "file": None})
    who = pd.DataFrame({"vehicle": ["A", "B"], "vehicle_class": ["bus", None]})
    who.to_parquet(folder / "vehicles.parquet")
    told = {"query": query, "complete": True, "partitions": parts} | others
    (folder / "manifest.json").write_text(json.dumps(told))
    return folder


def test_an_export_means_its_segments_with_the_classes_that_it_tells_once(tmp_path: Path) -> None:
    dataset = ParquetFolder(folder=export(tmp_path / "october"))
    first, second = dataset.frames(["mass_t"])
    assert first["start_time"].dt.day.tolist() == [1, 1]
    assert second["day"].dt.day.tolist() == [2, 2]
    assert first["vehicle_class"].tolist() == ["untold", "bus"]
    assert first["region"].tolist() == [None, None]
    assert dataset.vehicles()["rows"].tolist() == [2, 2]
    assert dataset.source["table"] == "segments"
    assert dataset.source["query"] == {"tables": ["trips", "segments"]}


def test_another_table_of_it_is_named_by_its_folder(tmp_path: Path) -> None:
    dataset = ParquetFolder(folder=export(tmp_path / "october") / "trips")
    assert [frame["fuel_l"].sum() for frame in dataset.frames(["fuel_l"])] == [3.0, 3.0]
    assert dataset.vehicles()["vehicle_class"].tolist() == ["bus", "untold"]
    assert dataset.source["table"] == "trips"


def test_files_that_its_manifest_does_not_name_are_of_another_time(tmp_path: Path) -> None:
    folder = export(tmp_path)
    old = folder / "segments" / "day=2026-10-01" / "bucket=0" / "part-old.parquet"
    pd.DataFrame({"vehicle": ["C"]}).to_parquet(old)
    assert ParquetFolder(folder=folder).vehicles()["vehicle"].tolist() == ["A", "B"]


@pytest.mark.parametrize(
    ("others", "says"),
    [
        ({"query": {"tables": ["signals", "trips"]}}, "with --features --identified, or name a"),
        ({"query": {"tables": ["signals"]}}, "with --features --identified, or name a table.$"),
        ({"complete": False}, "was broken off"),
        ({"query": []}, "is no manifest of an export"),
    ],
)
def test_an_export_that_cannot_be_learnt_from_says_why(
    tmp_path: Path, others: dict[str, object], says: str
) -> None:
    export(tmp_path, **others)
    with pytest.raises(TrainingError, match=says):
        ParquetFolder(folder=tmp_path).vehicles()


def test_what_a_table_lacks_is_named_beside_what_it_has(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"no column speed\. They have vehicle, start_time, ma"):
        next(ParquetFolder(folder=export(tmp_path)).frames(["speed"]))
