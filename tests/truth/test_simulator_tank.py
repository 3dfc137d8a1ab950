"""What is found of a simulated fleet's tanks and litres, against what the simulator wrote down."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from analytics.fuel.consumption import consumption
from analytics.fuel.signals import FUEL_SIGNALS, fuel_samples
from analytics.fuel.tank import tank_events
from analytics.trips import trips_of
from simulator import SimulationConfig
from simulator.mixed import mixed_fleet
from simulator.signal_files import read_signals, write_signals

if TYPE_CHECKING:
    from pathlib import Path

    from analytics.samples import Samples
    from simulator.truth import TankTruth, TripTruth, Truth

CONFIG = SimulationConfig(vehicles=6, days=2, seed=5, start=datetime(2026, 3, 2, tzinfo=UTC))
THEFTS_A_NIGHT = 0.8
"""Far more than in any yard: two nights of six trucks must tell something."""


@dataclass(kw_only=True)
class Fleet:
    samples: dict[str, Samples] = field(default_factory=dict)
    tanks: list[TankTruth] = field(default_factory=list)
    trips: list[TripTruth] = field(default_factory=list)


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    folder: Path = tmp_path_factory.mktemp("tanks")
    found = Fleet()

    def watch(truth: Truth) -> None:
        found.tanks += truth.tank
        found.trips += truth.trips

    robbed = [
        replace(vehicle, individual=replace(vehicle.individual, thefts_a_night=THEFTS_A_NIGHT))
        for vehicle in mixed_fleet(CONFIG)
        if vehicle.individual is not None
    ]
    for vin, path in write_signals(CONFIG, robbed, FUEL_SIGNALS, folder, watch=watch).items():
        found.samples[vin] = fuel_samples(read_signals(path))
    return found


def utc(microseconds: int) -> pd.Timestamp:
    return pd.Timestamp(microseconds, unit="us", tz="UTC")


def test_refuellings_and_thefts_are_found_with_their_litres_and_nothing_else(fleet: Fleet) -> None:
    found = {vin: tank_events(samples) for vin, samples in fleet.samples.items()}
    last = {vin: utc(int(samples.time_us[-1])) for vin, samples in fleet.samples.items()}
    # What happened when nothing came any more cannot be known.
    happened = [truth for truth in fleet.tanks if utc(truth.end_us) < last[truth.vin]]
    assert {truth.kind for truth in happened} == {"refuelling", "theft"}
    told = 0
    for truth in happened:
        events = found[truth.vin]
        over = (events["start_time"] <= utc(truth.end_us)) & (
            events["end_time"] >= utc(truth.start_us)
        )
        for event in events[over & (events["kind"] == truth.kind)].to_dict("records"):
            told += 1
            assert event["low_l"] <= truth.litres <= event["high_l"]
            # A tenth of a theft, and what the level's noise and the night's cold leave.
            assert event["litres"] == pytest.approx(truth.litres, rel=0.1, abs=8.0)
    assert told == sum(len(events) for events in found.values())  # nothing that did not happen
    assert told >= 0.85 * len(happened)


def test_trips_litres_are_the_truth_by_every_source(fleet: Fleet) -> None:
    compared = 0
    for vin, samples in fleet.samples.items():
        trips = trips_of(samples)
        parts = trips[["start_time", "start_time", "end_time"]]
        parts = parts.set_axis(["trip_start", "part_start", "end_time"], axis=1)
        table = consumption(samples, parts.assign(driver_id=None))
        for truth in fleet.trips:
            if truth.vin != vin or not truth.complete:
                continue
            same = table[
                ((table["part_start"] - utc(truth.start_us)).abs() < pd.Timedelta(minutes=3))
                & ((table["end_time"] - utc(truth.end_us)).abs() < pd.Timedelta(minutes=3))
            ]
            for part in same.to_dict("records"):
                compared += 1
                # The vehicles' counters and rates err by up to 2 % of their own.
                assert part["fuel_l"] == pytest.approx(truth.fuel_l, rel=0.025, abs=0.05)
                assert part["rate_l"] == pytest.approx(truth.fuel_l, rel=0.04, abs=0.05)
        told = table["tank_l"].notna()
        tank_l = table["tank_l"][told]
        counter_l = table["counter_l"][told]
        assert ((tank_l / counter_l - 1).abs() < 0.25).all()
    assert compared >= 20
