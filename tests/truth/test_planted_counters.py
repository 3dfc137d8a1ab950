"""The counters of simulated trucks agree with what the simulator knows and with their own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import pytest

from analytics.accumulated import increments, select
from analytics.accumulated.layout import PLACES
from analytics.samples import SIGNALS, prepare
from simulator import SimulationConfig
from tests.worlds.simulated_fleet import simulated_fleet

if TYPE_CHECKING:
    import pandas as pd

    from analytics.accumulated import Vector
    from simulator.truth import DayTruth

CONFIG = SimulationConfig(vehicles=3, days=0.75, seed=7, start=datetime(2026, 11, 2, tzinfo=UTC))
TRUCK_COUNTERS = (
    "driving_seconds",
    "standing_seconds",
    "driving_fuel",
    "cruise_distance",
    "cruise_fuel",
    "brake_distance",
    "brake_applications",
    "retarder_seconds",
)


@dataclass(frozen=True, kw_only=True)
class Day:
    """One truck's day: its signals, what they count, and what is true."""

    signals: pd.DataFrame
    counters: Vector
    truth: DayTruth

    def count(self, field: str, unit: str) -> float:
        """What all classes of a field count."""
        return float(select(self.counters, field, unit).sum())

    def grown(self, name: str) -> float:
        """By how much the truck's own counter grew; NaN where it has none."""
        values = self.signals[name].dropna()
        return float(values.iloc[-1] - values.iloc[0]) if len(values) else float("nan")


@pytest.fixture(scope="module")
def days() -> list[Day]:
    """Three trucks' days: long haul, regional and dump truck; the last tips by its PTO."""
    fleet = simulated_fleet(CONFIG, names=(*SIGNALS, *TRUCK_COUNTERS))
    truths = {day.vin: day for day in fleet.days}
    return [
        Day(
            signals=signals,
            counters=increments(prepare(signals[list(SIGNALS)]), 0, 2**62),
            truth=truths[vin],
        )
        for vin, signals in fleet.signals.items()
    ]


def test_the_fleet_does_what_is_asked_of_the_counters(days: list[Day]) -> None:
    assert len(days) == 3
    for attribute in ("moving_s", "idle_s", "fuel_l", "cruise_s", "brake_s"):
        assert all(getattr(day.truth, attribute) > 0 for day in days), attribute
    assert any(day.truth.pto_s > 0 for day in days)
    assert any(day.grown("retarder_seconds") > 0 for day in days)


def test_time_under_way_standing_and_with_the_power_take_off_is_the_simulators(
    days: list[Day],
) -> None:
    for day in days:
        moving = day.count("durationWheelbasedSpeedOverZero", "seconds")
        standing = day.count("durationWheelbasedSpeedZero", "seconds")
        pto = float(select(day.counters, "ptoActiveClass", "seconds")[0])
        # Below 1 km/h the truth moves and the wheel sensor stands: some stops have such a second.
        assert moving == pytest.approx(day.truth.moving_s, abs=15)
        assert standing + pto == pytest.approx(day.truth.idle_s, abs=15)
        assert pto == day.truth.pto_s
        assert day.counters[PLACES["all/engine"]] == day.truth.engine_s


def test_distance_is_the_simulators_and_the_odometers(days: list[Day]) -> None:
    for day in days:
        metres = day.count("vehicleSpeedClass", "meters")
        # Speed has noise of 1/256 km/h, the odometer steps of 5 m.
        assert metres == pytest.approx(day.truth.distance_m, rel=1e-4)
        assert metres == pytest.approx(1000 * day.grown("odometer"), rel=1e-4)


def test_fuel_is_the_simulators_and_the_fuel_counters(days: list[Day]) -> None:
    for day in days:
        driving_ml = day.count("fuelWheelbasedSpeedOverZero", "milliLitres")
        standing_ml = day.count("fuelWheelbasedSpeedZero", "milliLitres")
        standing_ml += float(select(day.counters, "ptoActiveClass", "milliLitres")[0])
        whole_ml = float(day.counters[PLACES["all/fuel"]])
        idle_l = day.truth.idle_fuel_l
        # The rate has noise of 0.05 L/h, and the seconds below 1 km/h stand.
        assert driving_ml == pytest.approx(1000 * (day.truth.fuel_l - idle_l), rel=5e-4)
        assert standing_ml == pytest.approx(1000 * idle_l, rel=5e-3)
        assert whole_ml == pytest.approx(1000 * day.grown("fuel_used_total"), rel=5e-4)
        assert driving_ml + standing_ml == whole_ml
        assert day.count("engineSpeedClass", "milliLitres") == whole_ml


def test_cruise_control_is_the_simulators_and_the_trucks_own(days: list[Day]) -> None:
    for day in days:
        seconds = day.count("durationCruiseControlActive", "seconds")
        metres = day.count("distanceCruiseControlActive", "meters")
        millilitres = day.count("fuelConsumptionDuringCruiseActive", "milliLitres")
        assert seconds == day.truth.cruise_s
        # A row has the speed at its second's end: half a second's change at either end.
        assert metres == pytest.approx(1000 * day.grown("cruise_distance"), rel=2e-3)
        assert millilitres == pytest.approx(1000 * day.grown("cruise_fuel"), rel=5e-4)


def test_braking_is_the_simulators_and_the_trucks_own(days: list[Day]) -> None:
    for day in days:
        seconds = day.count("accelerationDuringBrakeClass", "seconds")
        assert seconds == pytest.approx(day.truth.brake_s, abs=3)  # seconds below 1 km/h
        presses = day.count("brakePedalCounterSpeedOverZero", "count")
        assert presses == day.grown("brake_applications")
        metres = day.count("distanceBrakePedalActiveSpeedOverZero", "meters")
        # The truth's metres of a second begin where it was faster; a row has its end's speed:
        # at 1 m/s² and the 6 m/s of a stop that is 8 %.
        assert metres == pytest.approx(1000 * day.grown("brake_distance"), rel=0.1)


def test_the_trucks_own_driving_and_retarder_counters_agree(days: list[Day]) -> None:
    for day in days:
        seconds = day.count("durationWheelbasedSpeedOverZero", "seconds")
        assert seconds == pytest.approx(day.grown("driving_seconds"), abs=15)
        millilitres = day.count("fuelWheelbasedSpeedOverZero", "milliLitres")
        assert millilitres == pytest.approx(1000 * day.grown("driving_fuel"), rel=5e-4)
        standing = day.count("durationWheelbasedSpeedZero", "seconds")
        standing += float(select(day.counters, "ptoActiveClass", "seconds")[0])
        # The truck's own counters come once a minute: one may be missing at their beginning.
        assert standing == pytest.approx(day.grown("standing_seconds"), abs=15 + 60)
        own_s, retarder_s = (
            day.grown("retarder_seconds"),
            day.count("retarderTorqueClass", "seconds"),
        )
        assert retarder_s == (0 if np.isnan(own_s) else own_s)


def test_classes_of_signals_that_are_always_there_sum_to_the_engines_time(
    days: list[Day],
) -> None:
    for day in days:
        engine_s = float(day.counters[PLACES["all/engine"]])
        for field in ("vehicleSpeedClass", "engineSpeedClass", "engineTorqueClass"):
            assert day.count(field, "seconds") == engine_s
