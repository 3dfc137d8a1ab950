"""The simulator's planted weaknesses show in conditions and events, and sums agree with the truth.

Vehicles are compared with others of their type only: a tipper on a building site drives otherwise
than a tractor on a motorway, whoever sits in it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from analytics import conditions
from analytics.events.braking import late_braking, service_braking
from analytics.events.coasting import neutral_coasting
from analytics.events.engine import idling
from analytics.events.safety import red_tell_tale
from analytics.samples import Samples, prepare
from analytics.thresholds import Thresholds, of_class
from simulator import SimulationConfig
from tests.worlds.simulated_fleet import SimulatedFleet, simulated_fleet

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.truth import DayTruth, EventTruth

CLASSES = {
    "long_haul": "heavy_truck",
    "regional": "heavy_truck",
    "dump": "heavy_truck",
    "single_unit": "medium_truck",
}
"""The class of each of the simulator's truck types; the box truck weighs 12 t at most."""

LEAST_KM = 50.0
"""A vehicle that drove less in the simulated half day says little about its driver."""


@dataclass(kw_only=True, eq=False)
class Driven:
    """A simulated vehicle, its rows, and what is true of it."""

    vin: str
    model: str
    profile: str
    samples: Samples
    thresholds: Thresholds
    day: DayTruth
    events: list[EventTruth] = field(default_factory=list)

    def seconds(self, holds: conditions.Mask) -> float:
        return float(self.samples.step_s[holds].sum())


@pytest.fixture(scope="module")
def fleet() -> list[Driven]:
    """Half a day, 8:00 to 20:00 in China: every truck type, every profile at least three times."""
    made: SimulatedFleet = simulated_fleet(
        SimulationConfig(vehicles=28, days=0.5, seed=7, start=datetime(2026, 3, 2, tzinfo=UTC))
    )
    days = {day.vin: day for day in made.days}
    driven = {
        vin: Driven(
            vin=vin,
            model=made.vehicles[vin].model.key,
            profile=made.profile(vin),
            samples=prepare(signals),
            thresholds=of_class(CLASSES[made.vehicles[vin].model.key]),
            day=days[vin],
        )
        for vin, signals in made.signals.items()
        if days[vin].distance_m >= LEAST_KM * 1e3
    }
    for event in made.events:
        if event.vin in driven:
            driven[event.vin].events.append(event)
    return list(driven.values())


def by_type(
    fleet: list[Driven], profile: str, value: Callable[[Driven], float]
) -> dict[str, tuple[list[float], list[float]]]:
    """By truck type: the value of the profile's drivers, and of all other drivers."""
    found = {}
    for model in CLASSES:
        own = [value(each) for each in fleet if (each.model, each.profile) == (model, profile)]
        others = [value(each) for each in fleet if each.model == model and each.profile != profile]
        if own and others:
            found[model] = (own, others)
    assert len(found) >= 3, f"{profile} drives too few types of truck to be told from them"
    return found


def coasting_share(each: Driven) -> float:
    known = each.seconds(conditions.coasting_known(each.samples))
    return each.seconds(conditions.coasting(each.samples, each.thresholds)) / known


def idling_share(each: Driven) -> float:
    known = each.seconds(conditions.idling_known(each.samples))
    return each.seconds(conditions.idling(each.samples)) / known


def green_share(each: Driven) -> float:
    known = each.seconds(conditions.green_band_known(each.samples, each.thresholds))
    return each.seconds(conditions.green_band(each.samples, each.thresholds)) / known


def late_share(each: Driven) -> float:
    found = conditions.brake_applications(each.samples, each.thresholds)
    return float(found.late.sum() / found.known.sum())


def told_apart(own: list[float], others: list[float]) -> float:
    """Share of pairs of a driver with the weakness and one without in which the first is lower."""
    return float(np.mean([[weak < other for other in others] for weak in own]))


LEAST_TOLD = {"long_haul": 0.8, "regional": 1.0, "dump": 1.0, "single_unit": 1.0}
"""Of such pairs, those told apart at the least.

On a motorway slopes say more than feet: long-haul drivers overlap. With 56 vehicles and seeds 7, 11
and 23 long haul gave 0.86 to 0.98 for coasting, 0.92 to 1 for late braking and 0.98 to 1 for the
green band, the other types 1 throughout. This fleet is smaller and its figures happen to be higher.
"""


def test_drivers_who_never_coast_coast_least(fleet: list[Driven]) -> None:
    for model, pair in by_type(fleet, "no_coasting", coasting_share).items():
        assert told_apart(*pair) >= LEAST_TOLD[model], model


def test_drivers_who_never_coast_brake_late_most_often(fleet: list[Driven]) -> None:
    for model, pair in by_type(fleet, "no_coasting", lambda each: -late_share(each)).items():
        assert told_apart(*pair) >= LEAST_TOLD[model], model


def test_drivers_in_low_gears_are_most_outside_the_green_band(fleet: list[Driven]) -> None:
    for model, pair in by_type(fleet, "low_gears", green_share).items():
        assert told_apart(*pair) >= LEAST_TOLD[model], model


def test_idling_drivers_idle_longest(fleet: list[Driven]) -> None:
    for model, (own, others) in by_type(fleet, "idling", idling_share).items():
        assert min(own) > max(others), model  # no type overlaps: idling is not the road's


def test_emergency_brakings_of_harsh_drivers_come_late_and_others_seldom(
    fleet: list[Driven],
) -> None:
    planted = planted_late = others = others_late = 0
    for each in fleet:
        if each.profile != "harsh":
            continue
        found = conditions.brake_applications(each.samples, each.thresholds)
        starts = each.samples.time_us[found.spans.first]
        emergency = np.isin(starts, [e.start_us for e in each.events if e.kind == "harsh_braking"])
        planted += int((found.known & emergency).sum())
        planted_late += int(found.late[emergency].sum())
        others += int((found.known & ~emergency).sum())
        others_late += int(found.late[~emergency].sum())
    assert planted > 30  # three an hour at speed, four drivers
    # They come out of any driving, two thirds of which is on the pedal and some under cruise.
    assert planted_late / planted > 0.5
    assert others_late / others < 0.2


def test_late_braking_events_are_the_late_brake_applications(fleet: list[Driven]) -> None:
    for each in fleet:
        found = conditions.brake_applications(each.samples, each.thresholds)
        events = late_braking(each.samples, each.thresholds)
        assert len(events) == found.late.sum(), each.vin
        assert found.known.all(), each.vin  # no row is missing here


def test_seconds_of_idling_cruise_and_braking_are_the_truths(fleet: list[Driven]) -> None:
    for each in fleet:
        samples, day = each.samples, each.day
        idles, brakes = conditions.idling(samples), conditions.braking(samples, each.thresholds)
        # Below 1 km/h the vehicle stands to us and moves to the simulator: the only difference.
        slow = (samples["wheel_speed"] > 0) & (samples["wheel_speed"] < 1)
        for name, found, true in (
            ("idling", idles & ~slow, day.idle_s - day.pto_s),
            ("power take-off", conditions.power_take_off(samples), day.pto_s),
            ("cruise", conditions.cruise(samples), day.cruise_s),
            ("braking", brakes & (samples.moving | slow), day.brake_s),
        ):
            assert each.seconds(found) == pytest.approx(true, abs=1), (each.vin, name)
        for found, true in (
            (idles, day.idle_s - day.pto_s),
            (brakes & samples.moving, day.brake_s),
        ):
            assert each.seconds(found) == pytest.approx(true, rel=0.03, abs=5), each.vin


def test_a_truck_rolls_no_less_than_its_driver_coasts(fleet: list[Driven]) -> None:
    for each in fleet:
        # The truth notes only feet lifted ahead of a stop or a limit. By its signals a truck also
        # rolls where a slope holds its speed, so the two sums are not the same; 3 % are lifts
        # below 10 km/h, which are no coasting to us.
        rolling = each.seconds(conditions.rolling(each.samples, each.thresholds))
        assert rolling >= each.day.coasting_s * 0.97, each.vin


def test_planted_long_idling_is_found_with_its_seconds(fleet: list[Driven]) -> None:
    planted = found_of_planted = found_all = 0
    for each in fleet:
        events = idling(each.samples, each.thresholds)
        true = [
            event
            for event in each.events
            if event.kind == "idling" and event.peak >= each.thresholds.idling.least_s
        ]
        starts = events["start_time"].astype("int64").to_numpy()
        for event in true:
            near = np.abs(starts - event.start_us) <= 5_000_000
            agrees = np.abs(events["peak"].to_numpy() - event.peak) <= 0.02 * event.peak + 2
            found_of_planted += bool((near & agrees).any())
        planted += len(true)
        found_all += len(events)
    assert planted > 20
    assert found_of_planted / planted >= 0.95
    assert found_of_planted / found_all >= 0.95


def test_the_bulb_check_at_every_key_on_is_no_driving_with_a_red_lamp(fleet: list[Driven]) -> None:
    checked = 0
    for each in fleet:
        lit = each.samples["tell_tale_red"] == 1
        checked += bool((lit & ~each.samples.moving).any())
        events = red_tell_tale(each.samples, each.thresholds)
        if not (lit & each.samples.moving).any():
            assert events.empty, each.vin
        assert (events["peak"] >= each.thresholds.red_tell_tale.least_s).all()
    assert checked > len(fleet) / 2  # the lamp was on at a standstill in most trucks


def test_nobody_in_this_fleet_rolls_in_neutral_or_spares_the_retarder(fleet: list[Driven]) -> None:
    # The simulated gearbox opens the driveline itself, and the retarder always brakes first.
    found = pd.concat(
        [detect(each.samples, each.thresholds) for each in fleet
         for detect in (service_braking, neutral_coasting)]
    )  # fmt: skip
    kilometres = sum(each.day.distance_m for each in fleet) / 1e3
    assert len(found) / kilometres < 1 / 1000
