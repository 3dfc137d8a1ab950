"""The truth about causes: the same legs driven again, and only the cause's difference left."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from schemas.catalogue import CatalogueError
from simulator import SimulationConfig
from simulator.counterfactual import DRAWS, Counterfactual, counterfactual
from simulator.fleet import Vehicle
from simulator.mixed import mixed_fleet, with_severities
from simulator.signal_files import signals_of, write_signals

START = datetime(2026, 3, 1, 22, tzinfo=UTC)  # 06:00 in China
CONFIG = SimulationConfig(vehicles=8, days=0.3, seed=5, start=START, noise=False)
CAUSES = {"gears": 0.5, "speed": 0.6, "auxiliary": 0.5}


def driven() -> tuple[Vehicle, ...]:
    """A perfect dump truck, one with causes, and one hardly different from perfect."""
    fleet = [v for v in mixed_fleet(CONFIG) if v.model.key in {"dump", "regional"}]
    return (
        with_severities(fleet[0], {}),
        with_severities(fleet[1], CAUSES),
        with_severities(fleet[2], dict.fromkeys(("speed", "coasting", "tyres"), 1e-3)),
    )


@pytest.fixture(scope="module")
def fleet() -> tuple[Vehicle, ...]:
    return driven()


@pytest.fixture(scope="module")
def truth(fleet: tuple[Vehicle, ...]) -> Counterfactual:
    return counterfactual(CONFIG, fleet)


def saving_percent(truth: Counterfactual, vehicle: Vehicle) -> "pd.Series[float]":
    rows = truth.causes[truth.causes["vin"] == vehicle.vin].set_index("cause")
    return 100.0 * rows["saving_l"] / rows["fuel_l"]


def test_a_perfect_truck_saves_nothing(truth: Counterfactual, fleet: tuple[Vehicle, ...]) -> None:
    assert saving_percent(truth, fleet[0]).to_dict() == {"all": 0.0}


def test_every_cause_that_is_there_has_a_row_and_costs_fuel(
    truth: Counterfactual, fleet: tuple[Vehicle, ...]
) -> None:
    saving = saving_percent(truth, fleet[1])
    assert set(saving.index) == {*CAUSES, "all"}
    assert (saving > 1.0).all()
    assert saving["all"] > saving.drop("all").max()


def test_next_to_nothing_costs_next_to_nothing(
    truth: Counterfactual, fleet: tuple[Vehicle, ...]
) -> None:
    """What is left where all that differs is luck is the truth's noise."""
    assert saving_percent(truth, fleet[2]).abs().max() < 0.5


def test_the_saving_is_the_mean_over_draws_of_chance(truth: Counterfactual) -> None:
    draws = truth.draws.groupby(["vin", "cause"])["saving_l"]
    told = truth.causes.set_index(["vin", "cause"])["saving_l"]
    pd.testing.assert_series_equal(draws.mean().sort_index(), told.sort_index())
    assert (draws.nunique() == DRAWS).any()
    first = truth.draws[truth.draws["draw"] == 0].set_index(["vin", "cause"])["fuel_l"]
    as_it_was = truth.causes.set_index(["vin", "cause"])["fuel_l"]
    pd.testing.assert_series_equal(first.sort_index(), as_it_was.sort_index())


def test_legs_add_up_and_follow_each_other(truth: Counterfactual) -> None:
    for name in ("fuel_l", "without_l", "saving_l", "distance_km"):
        sums = truth.legs.groupby(["vin", "cause"])[name].sum()
        told = truth.causes.set_index(["vin", "cause"])[name]
        pd.testing.assert_series_equal(sums.sort_index(), told.sort_index())
    assert np.allclose(truth.causes["saving_l"], truth.causes["fuel_l"] - truth.causes["without_l"])
    for _, legs in truth.legs.groupby(["vin", "cause"]):
        assert legs["leg"].tolist() == list(range(len(legs)))
        assert (legs["end_us"] > legs["start_us"]).all()
        assert (legs["start_us"].to_numpy()[1:] >= legs["end_us"].to_numpy()[:-1]).all()
        assert (legs["distance_km"].to_numpy()[1:] > 0.1).all()


def test_a_truck_does_the_same_alone_and_in_company(
    truth: Counterfactual, fleet: tuple[Vehicle, ...]
) -> None:
    alone = counterfactual(replace(CONFIG, days=0.15), fleet[1:2]).legs
    keys = ["vin", "cause", "leg"]
    both = alone.merge(truth.legs, on=keys, suffixes=("", "_in_company"))
    assert len(both) == len(alone) > 0
    assert both["fuel_l"].tolist() == both["fuel_l_in_company"].tolist()
    assert both["without_l"].tolist() == both["without_l_in_company"].tolist()


def test_signals_tell_of_the_same_drive(truth: Counterfactual, fleet: tuple[Vehicle, ...]) -> None:
    exact = tuple(
        replace(v, individual=replace(v.individual, gains={}))
        for v in fleet
        if v.individual is not None
    )
    names = ("fuel_rate", "wheel_speed", "aftertreatment_fuel_rate", "tyre_pressure_axle1_left")
    seen = dict(signals_of(replace(CONFIG, days=0.15), exact, names))
    assert [v.vin for v in seen] == [v.vin for v in fleet]
    for vehicle, rows in seen.items():
        assert set(rows.columns) == set(names)
        assert isinstance(rows.index, pd.DatetimeIndex)
        assert str(rows.index.tz) == "UTC"
        legs = truth.legs[(truth.legs["vin"] == vehicle.vin) & (truth.legs["cause"] == "all")]
        first = legs.iloc[1]
        at = rows.index.as_unit("us").asi8
        leg = rows[(at >= first["start_us"]) & (at < first["end_us"])]
        assert leg["fuel_rate"].sum() / 3600 == pytest.approx(first["fuel_l"], rel=0.01)
        assert leg["wheel_speed"].sum() / 3600 == pytest.approx(first["distance_km"], rel=0.01)


def test_only_signals_of_the_catalogue_can_be_asked_for(
    fleet: tuple[Vehicle, ...], tmp_path: Path
) -> None:
    with pytest.raises(CatalogueError, match="no signal is called 'wheel_sped'"):
        write_signals(CONFIG, fleet, ["wheel_sped"], tmp_path)
