"""Litres by cause against the simulator's truth: a small mixed fleet, driven again cause by cause.

The full measurement, on a hundred vehicles, is `python -m benchmarks.fuel_truth` (docs/fuel.md).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from benchmarks.fuel_truth import WORTH, litres_and_truth
from simulator import SimulationConfig
from simulator.mixed import mixed_fleet
from simulator.truth_run import write_truth

if TYPE_CHECKING:
    import pandas as pd

SEED = 3
VEHICLES = 9
"""Of one model: enough for a yardstick."""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    config = SimulationConfig(
        vehicles=6 * VEHICLES, days=1.0, seed=SEED, start=datetime(2026, 3, 1, 16, tzinfo=UTC)
    )
    fleet = [v for v in mixed_fleet(config) if v.model.key == "long_haul"][:VEHICLES]
    folder = tmp_path_factory.mktemp("truth")
    write_truth(config, fleet, folder)
    litres = litres_and_truth(folder)
    # One day has no weeks before it, which faults are told from.
    return litres[litres["cause"] != "fault"]


def test_what_a_cause_costs_is_found(found: pd.DataFrame) -> None:
    worth = found[found["true_l"] > WORTH * found["fuel_l"]]
    error = (worth["litres"] - worth["true_l"]).abs() / worth["true_l"]

    assert len(worth) >= VEHICLES
    # A hundred vehicles over three days: 7 %. Nine over one are less sure of the peers.
    assert error.median() <= 0.2


def test_who_loses_most_is_found_to_lose_most(found: pd.DataFrame) -> None:
    worth = found[found["true_l"] > WORTH * found["fuel_l"]]

    ranks = (worth["litres"] / worth["fuel_l"]).corr(worth["true_l"] / worth["fuel_l"], "spearman")

    assert ranks >= 0.85


def test_the_truth_lies_in_the_interval(found: pd.DataFrame) -> None:
    held = (found["low_l"] <= found["true_l"]) & (found["true_l"] <= found["high_l"])

    assert held.mean() >= 0.8


def test_where_a_cause_is_absent_nothing_is_sure_of_it(found: pd.DataFrame) -> None:
    absent = found[found["severity"] == 0]

    assert (absent["low_l"] > WORTH * absent["fuel_l"]).mean() <= 0.02
