"""A training gives the same model again, and tells how good it is on vehicles it has not seen."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from analytics.sealed_models import ModelFileError, seal, versions
from analytics.training import card
from analytics.training.dataset import ParquetFolder
from analytics.training.evaluation import evaluated
from analytics.training.fuel import FuelRecipe
from analytics.training.own import MAGIC, OwnRecipe
from analytics.training.plots import plots
from analytics.training.recipe import OwnModel, TrainingError
from analytics.training.trainer import Training, trained
from tests.samples.fuel_segments import segments

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray


@dataclass(kw_only=True)
class Line:
    """Twice the one and thrice the other."""

    name: str = "line"
    purpose: str = "A line, to be sure."
    limits: Sequence[str] = ("Knows nothing of curves.",)
    unit: str = "L"
    features: Sequence[str] = ("one", "other")
    target: str = "both"
    seen: list[set[str]] = field(default_factory=list)

    def fit(self, rows: pd.DataFrame, seed: int) -> Any:
        assert seed == 5
        return LinearRegression().fit(rows[list(self.features)], rows[self.target])

    def predict(self, fitted: Any, rows: pd.DataFrame) -> NDArray[Any]:
        self.seen.append(set(rows.columns))
        return np.asarray(fitted.predict(rows[list(self.features)]))


@dataclass
class Rows:
    """A dataset in memory."""

    frame: pd.DataFrame
    source: dict[str, Any] = field(default_factory=lambda: {"source": "parquet", "name": "rows"})

    def vehicles(self) -> pd.DataFrame:
        grouped = self.frame.groupby("vehicle", sort=True)
        first = grouped[["vehicle_class", "region"]].first()
        return first.assign(rows=grouped.size()).reset_index()

    def frames(self, columns: Sequence[str]) -> Iterator[pd.DataFrame]:
        assert set(columns) <= set(self.frame.columns)
        yield self.frame.iloc[: len(self.frame) // 2]
        yield self.frame.iloc[len(self.frame) // 2 :]


def rows(vehicles: int = 20, each: int = 30) -> pd.DataFrame:
    """Half of the vehicles are of one region; noise of 0.5."""
    rng = np.random.default_rng(1)
    vehicle = np.repeat(np.arange(vehicles), each)
    one, other = rng.uniform(5, 10, (2, len(vehicle)))
    return pd.DataFrame(
        {
            "vehicle": vehicle,
            "vehicle_class": np.where(vehicle < 3, "car", "heavy_truck"),
            "region": ["CN-31" if number % 2 == 0 else None for number in vehicle],
            "start_time": pd.date_range("2026-10-01", periods=len(vehicle), freq="h", tz="UTC"),
            "one": one,
            "other": other,
            "both": 2 * one + 3 * other + rng.normal(0, 0.5, len(vehicle)),
        }
    )


@pytest.fixture(scope="module")
def training() -> Training:
    return trained(OwnRecipe(Line()), Rows(rows()))


def test_every_vehicle_was_left_out_once_and_errors_are_those_of_the_noise(
    training: Training,
) -> None:
    of_all = training.evaluation["all"]
    assert (of_all["vehicles"], of_all["rows"]) == (20, 600)
    assert of_all["rmse"] == pytest.approx(0.5, rel=0.1)
    # The mean of |N(0, 0.5)| over a mean of 37.5.
    assert of_all["error_percent"] == pytest.approx(100 * 0.5 * 0.8 / 37.5, rel=0.1)
    assert of_all["error_low"] < of_all["error_percent"] < of_all["error_high"]
    assert of_all["coverage_percent"] == pytest.approx(90, abs=3)
    assert set(training.evaluation["by_vehicle_class"]) == {"car", "heavy_truck"}
    assert {name: told["vehicles"] for name, told in training.evaluation["by_region"].items()} == {
        "CN-31": 10,
        "unknown": 10,
    }
    parts = training.evaluation["calibration"]
    assert [part["actual"] for part in parts] == pytest.approx(
        [part["expected"] for part in parts], abs=0.3
    )


def test_the_same_data_give_the_same_model_and_other_data_or_seeds_another(
    training: Training,
) -> None:
    again = trained(OwnRecipe(Line()), Rows(rows()))
    assert again.fingerprint == training.fingerprint
    assert again.dataset == training.dataset
    assert again.evaluation == training.evaluation
    changed = rows()
    changed["both"] += np.where(changed.index == 7, 1e-6, 0.0)
    other = trained(OwnRecipe(Line()), Rows(changed))
    assert other.dataset["sha256"] != training.dataset["sha256"]
    assert other.fingerprint != training.fingerprint


def test_a_model_of_ones_own_is_not_shown_what_it_is_to_tell() -> None:
    line = Line()
    assert isinstance(line, OwnModel)
    trained(OwnRecipe(line), Rows(rows()))
    assert line.seen
    assert all("both" not in columns for columns in line.seen)


def test_the_model_of_fuel_is_the_same_again_and_its_intervals_hold() -> None:
    data = Rows(segments(12, 80).assign(region=None))
    first, second = (trained(FuelRecipe(), data, held_out=0.34) for _ in range(2))
    assert first.fingerprint == second.fingerprint
    assert first.evaluation == second.evaluation
    of_all = first.evaluation["all"]
    assert of_all["vehicles"] == 12
    assert of_all["error_percent"] < 6  # 3 % of vehicles and 2 % of noise
    assert of_all["coverage_percent"] > 75  # of eight vehicles each


def test_where_nothing_can_be_learnt_it_is_said() -> None:
    with pytest.raises(TrainingError, match="analyse some days first"):
        trained(OwnRecipe(Line()), Rows(rows().iloc[:0]))
    with pytest.raises(TrainingError, match="only 0 rows have a both"):
        trained(OwnRecipe(Line()), Rows(rows().assign(both=np.nan)))


# Files


def test_a_model_of_ones_own_comes_back_and_a_changed_one_does_not(training: Training) -> None:
    recipe = OwnRecipe(Line())
    checksum = hashlib.sha256(training.body).hexdigest()
    again = recipe.from_bytes(training.body, checksum)
    asked = rows(3)
    pd.testing.assert_frame_equal(
        recipe.predict(again, asked), recipe.predict(training.model, asked)
    )
    with pytest.raises(ModelFileError, match="not the one that was stored"):
        recipe.from_bytes(training.body, "0" * 64)
    with pytest.raises(ModelFileError, match="changed or cut short"):
        recipe.from_bytes(training.body[:-1] + bytes([training.body[-1] ^ 1]))
    with pytest.raises(ModelFileError, match="with features"):
        OwnRecipe(Line(features=("one",))).from_bytes(training.body)


def test_a_file_with_code_in_it_is_not_loaded() -> None:
    told = {"name": "line", "version": 1, "features": ["one", "other"], "target": "both"}
    told |= versions() | {"low": 0.0, "high": 0.0, "rows": 1}
    kept = seal(MAGIC, told, {"fit": _never})
    with pytest.raises(ModelFileError, match="find out who stored it"):
        OwnRecipe(Line()).from_bytes(kept)


def _never() -> None:
    raise AssertionError("it was run")


# What is told of it


def test_the_card_says_what_for_on_what_how_good_and_what_not(training: Training) -> None:
    told = card.written(OwnRecipe(Line()), training, note="first try")
    assert told.startswith("# Model card: line\n\nA line, to be sure.\n\nNote: first try\n")
    assert "| days | 2026-10-01 to 2026-10-26 |" in told
    assert training.dataset["sha256"] in told
    assert training.fingerprint in told
    assert "| region CN-31 | 10 | 300 |" in told
    # Of three vehicles the figures would be their own.
    assert "| class car | 3 | 90 | — | — | — |" in told
    assert "- Too few vehicles tell of class car." in told
    assert "- Knows nothing of curves." in told
    assert f"held {training.evaluation['all']['coverage_percent']:.1f} %" in told


def test_pictures_are_drawn_of_what_was_left_out(training: Training) -> None:
    drawn = plots(training.evaluation, training.held, unit="L")
    assert set(drawn) == {"calibration.png", "errors.png", "errors_by_group.png"}
    assert all(body.startswith(b"\x89PNG") for body in drawn.values())
    assert plots({}, training.held.iloc[:0], unit="L") == {}


def test_of_nothing_to_predict_no_error_is_told() -> None:
    held = rows(6).assign(actual=0.0, expected=1.0, low=0.0, high=2.0)
    assert evaluated(held)["all"]["error_percent"] is None


# Folders of Parquet files


def test_a_folder_is_the_same_dataset_however_it_is_partitioned(tmp_path: Path) -> None:
    frame = rows()
    (tmp_path / "whole").mkdir()
    frame.to_parquet(tmp_path / "whole" / "0.parquet")
    for number, part in enumerate((frame.iloc[:300], frame.iloc[300:])):
        folder = tmp_path / "parts" / f"bucket={number}"
        folder.mkdir(parents=True)
        part.to_parquet(folder / "0.parquet")
    (tmp_path / "parts" / "manifest.json").write_text('{"query": {"signals": ["one"]}}')
    whole, parts = (
        trained(OwnRecipe(Line()), ParquetFolder(folder=tmp_path / name))
        for name in ("whole", "parts")
    )
    assert whole.dataset["sha256"] == parts.dataset["sha256"]
    assert whole.fingerprint == parts.fingerprint
    assert parts.dataset["query"] == {"signals": ["one"]}
    assert "exported" not in whole.dataset


def test_a_folder_without_what_the_model_reads_says_what_is_missing(tmp_path: Path) -> None:
    rows().drop(columns=["other", "region"]).to_parquet(tmp_path / "0.parquet")
    with pytest.raises(TrainingError, match="no column other"):
        trained(OwnRecipe(Line()), ParquetFolder(folder=tmp_path))
