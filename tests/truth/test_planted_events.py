"""Events the simulator planted are found, and none are found that it did not plant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from analytics.events import find_events
from analytics.thresholds import of_class
from simulator import SimulationConfig
from tests.worlds.simulated_fleet import SimulatedFleet, simulated_fleet

if TYPE_CHECKING:
    from numpy.typing import NDArray

CLASSES = {
    "long_haul": "heavy_truck",
    "regional": "heavy_truck",
    "single_unit": "medium_truck",
    "dump": "heavy_truck",
}
"""The class of each type in simulator/models.toml."""

TRUTH_OF = {"harsh_braking": "harsh_braking", "overspeed_road": "overspeed", "idling": "idling"}
"""Kinds of events that the simulator plants, and its names for them."""

HARSH = ("harsh_braking", "harsh_acceleration", "harsh_cornering")

CALM = ("calm", "speeding", "idling", "low_gears", "low_tyres")
"""Profiles that brake, accelerate and corner as the calm one does: simulator/drivers.toml."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """What was found in a fleet's signals, and what was there.

    Attributes:
        events: as a table of events, with the vin and the driver's profile.
        truth: the same of what was planted: vin, kind, start_time, end_time, peak.
        km: driven, by profile.
    """

    events: pd.DataFrame
    truth: pd.DataFrame
    km: pd.Series[float]


def find(fleet: SimulatedFleet) -> Found:
    """All events of a fleet, but those the simulation's end cut off: of these no truth is kept."""
    tables = []
    for vin, signals in fleet.signals.items():
        vehicle_class = CLASSES[fleet.vehicles[vin].model.key]
        found = find_events(signals, of_class(vehicle_class))
        complete = found["end_time"] <= signals.index[-1]
        tables.append(found[complete].assign(vin=vin, profile=fleet.profile(vin)))
    truth = pd.DataFrame([(e.vin, e.kind, e.start_us, e.end_us, e.peak) for e in fleet.events])
    truth.columns = pd.Index(["vin", "kind", "start_time", "end_time", "peak"])
    for column in ("start_time", "end_time"):
        truth[column] = pd.to_datetime(truth[column], unit="us", utc=True)
    days = pd.DataFrame([(day.profile, day.distance_m / 1000) for day in fleet.days])
    return Found(
        events=pd.concat(tables, ignore_index=True), truth=truth, km=days.groupby(0)[1].sum()
    )


@pytest.fixture(scope="module")
def fleet() -> SimulatedFleet:
    """Each truck type with each driver's profile, half a day from 08:00 local time, with noise."""
    start = datetime(2026, 3, 2, tzinfo=UTC)
    return simulated_fleet(SimulationConfig(vehicles=56, days=0.5, seed=5, start=start))


@pytest.fixture(scope="module")
def found(fleet: SimulatedFleet) -> Found:
    return find(fleet)


def overlaps(events: pd.DataFrame, others: pd.DataFrame) -> NDArray[np.bool_]:
    """For each of the events, whether one of the others of its vehicle overlaps it."""
    rows = events.reset_index(names="row").merge(others, on="vin", suffixes=("", "_other"))
    together = (rows["start_time"] < rows["end_time_other"]) & (
        rows["start_time_other"] < rows["end_time"]
    )
    return np.asarray(events.index.isin(rows.loc[together, "row"]))


def of_kind(found: Found, kind: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The events of a kind that were found, and those that were there."""
    events = found.events[found.events["kind"] == kind]
    return events, found.truth[found.truth["kind"] == TRUTH_OF[kind]]


@pytest.mark.parametrize("kind", TRUTH_OF)
def test_what_was_planted_is_found(found: Found, kind: str) -> None:
    events, truth = of_kind(found, kind)
    if kind == "idling":  # shorter stops are none
        least_s = of_class("heavy_truck").idling.least_s
        truth = truth[(truth["end_time"] - truth["start_time"]).dt.total_seconds() >= least_s]
    assert len(truth) >= 40  # fewer would leave 0.95 to one or two events
    recall = overlaps(truth, events).mean()
    assert recall >= 0.95


@pytest.mark.parametrize("kind", TRUTH_OF)
def test_what_is_found_was_planted(found: Found, kind: str) -> None:
    events, truth = of_kind(found, kind)
    assert len(events) >= 40
    precision = overlaps(events, truth).mean()
    assert precision >= 0.95


def pairs_of(events: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """Each pair of an event found and one that was there which overlap, and for how long."""
    pairs = events.merge(truth, on="vin", suffixes=("", "_truth"))
    end = pairs[["end_time", "end_time_truth"]].min(axis=1)
    start = pairs[["start_time", "start_time_truth"]].max(axis=1)
    pairs["together_s"] = (end - start).dt.total_seconds()
    return pairs[pairs["together_s"] > 0]


@pytest.mark.parametrize("kind", ["harsh_braking", "overspeed_road"])
def test_the_seconds_are_those_of_the_truth_too(found: Found, kind: str) -> None:
    # Overspeed that dips below 5 % for a moment is one event here and several in the truth: by
    # overlap alone, one event over a whole day would be right.
    events, truth = of_kind(found, kind)
    together_s = pairs_of(events, truth)["together_s"].sum()
    assert together_s / (truth["end_time"] - truth["start_time"]).dt.total_seconds().sum() >= 0.95
    assert together_s / (events["end_time"] - events["start_time"]).dt.total_seconds().sum() >= 0.95


def test_peaks_are_those_of_the_truth(found: Found) -> None:
    pairs = pairs_of(*of_kind(found, "harsh_braking"))
    # 0.004 km/h of noise on two speeds are 0.002 m/s²; the step is the same second.
    assert pairs["peak"].to_numpy() == pytest.approx(pairs["peak_truth"].to_numpy(), abs=0.02)


def false_per_1000_km(found: Found, profiles: tuple[str, ...]) -> float:
    """Harsh events that were not planted, of drivers with these profiles."""
    events = found.events[found.events["kind"].isin(HARSH) & found.events["profile"].isin(profiles)]
    planted = found.truth[found.truth["kind"] == "harsh_braking"]
    km = found.km[list(profiles)].sum()
    assert km > 3000  # no event in 3,000 km excludes one in 1,000 km with 95 % certainty
    return float(1000 * (~overlaps(events, planted)).sum() / km)


def test_calm_drivers_have_less_than_one_false_harsh_event_in_1000_km(found: Found) -> None:
    assert false_per_1000_km(found, ("calm",)) < 1.0
    assert false_per_1000_km(found, CALM) < 1.0


def with_faults(signals: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The signals as a worn sensor gives them, without the inertial sensor that would tell.

    Every two minutes, one of: a spike of a second, a dropout to 0 of up to five seconds, seconds
    without a value, a speed that sticks for up to ten seconds. Noise of 0.3 km/h on all of it.
    """
    rng = np.random.default_rng(seed)
    worn = signals.copy()
    worn["longitudinal_acceleration"] = np.nan
    speed = worn["wheel_speed"].to_numpy(copy=True)
    moving = speed > 0
    speed[moving] = np.maximum(speed[moving] + rng.normal(0.0, 0.3, moving.sum()), 0.0)
    for row in range(100, len(speed) - 120, 120):
        at = row + int(rng.integers(0, 90))
        length = int(rng.integers(1, 6))
        fault = rng.integers(0, 4)
        if fault == 0:
            speed[at] = max(speed[at] + rng.choice([-1, 1]) * rng.uniform(15, 80), 0.0)
        elif fault == 1:
            speed[at : at + length] = 0.0
        elif fault == 2:
            speed[at : at + length] = np.nan
        else:
            speed[at : at + 2 * length] = speed[at]
    worn["wheel_speed"] = speed
    return worn


def test_nor_have_they_with_a_worn_speed_sensor(fleet: SimulatedFleet) -> None:
    worn = SimulatedFleet(
        vehicles=fleet.vehicles,
        signals={
            vin: with_faults(signals, seed)
            for seed, (vin, signals) in enumerate(fleet.signals.items())
            if fleet.profile(vin) in CALM
        },
        events=fleet.events,
        days=fleet.days,
    )
    assert false_per_1000_km(find(worn), CALM) < 1.0


def test_planted_brakings_are_found_through_a_worn_speed_sensor(fleet: SimulatedFleet) -> None:
    harsh = {vin: rows for vin, rows in fleet.signals.items() if fleet.profile(vin) == "harsh"}
    worn = SimulatedFleet(
        vehicles=fleet.vehicles,
        signals={vin: with_faults(rows, seed) for seed, (vin, rows) in enumerate(harsh.items())},
        events=[event for event in fleet.events if event.vin in harsh],
        days=fleet.days,
    )
    events, truth = of_kind(find(worn), "harsh_braking")
    assert overlaps(truth, events).mean() >= 0.95
    assert overlaps(events, truth).mean() >= 0.95
