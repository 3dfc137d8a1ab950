"""The truth beside the data: the planted weaknesses are there, and sums agree."""

import itertools
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest

from simulator import SimulationConfig, TruthWriter, simulate

if TYPE_CHECKING:
    from simulator.truth import DayTruth, EventTruth, TripTruth

# 22:00 UTC is six in the morning in China; two UTC days are touched.
CONFIG = SimulationConfig(
    vehicles=28, days=4 / 24, seed=4, start=datetime(2026, 3, 2, 22, tzinfo=UTC), noise=False
)


class Kept:
    """All truth of one run, and what its data say."""

    def __init__(self) -> None:
        self.trips: list[TripTruth] = []
        self.events: list[EventTruth] = []
        self.days: list[DayTruth] = []
        self.frames = 0
        for chunk in simulate(CONFIG):
            self.trips += chunk.truth.trips
            self.events += chunk.truth.events
            self.days += chunk.truth.days
            self.frames += chunk.frames
            self.fleet = chunk.fleet

    def by_profile(self, attribute: str) -> dict[str, float]:
        """Share of a day's sum in the moving time, by profile."""
        total: dict[str, float] = defaultdict(float)
        moving: dict[str, float] = defaultdict(float)
        for day in self.days:
            total[day.profile] += getattr(day, attribute)
            moving[day.profile] += day.moving_s
        return {profile: total[profile] / moving[profile] for profile in total}


@pytest.fixture(scope="module")
def kept() -> Kept:
    return Kept()


@pytest.mark.parametrize(
    ("profile", "attribute"),
    [("speeding", "overspeed_s"), ("harsh", "harsh_brakings")],
)
def test_each_weakness_stands_out_against_the_calm_driver(
    kept: Kept, profile: str, attribute: str
) -> None:
    shares = kept.by_profile(attribute)
    assert shares[profile] > 2.5 * shares["calm"] + 1e-5
    assert shares[profile] == max(shares.values())


def test_the_idling_driver_stands_longest_with_the_engine_on(kept: Kept) -> None:
    profiles = {vehicle.vin: vehicle.profile.key for vehicle in kept.fleet}
    idling: dict[str, float] = defaultdict(float)
    for event in kept.events:
        if event.kind == "idling":
            idling[profiles[event.vin]] += event.peak
    idle = idling.pop("idling")
    assert idle > 2.5 * max(idling.values())


def test_the_driver_without_foresight_does_not_coast(kept: Kept) -> None:
    shares = kept.by_profile("coasting_s")
    assert shares["no_coasting"] < 0.2 * shares["calm"]
    assert shares["no_coasting"] == min(shares.values())


def test_late_shifting_shows_in_the_engine_speed(kept: Kept) -> None:
    rpm: dict[tuple[str, str], list[float]] = defaultdict(list)
    models = {vehicle.vin: vehicle.model.key for vehicle in kept.fleet}
    for day in kept.days:
        if day.moving_s > 1800:
            rpm[models[day.vin], day.profile].append(day.mean_rpm)
    for model in set(models.values()):
        late = rpm.get((model, "low_gears"))
        others = [
            v
            for (m, p), found in rpm.items()
            if (m, p) != (model, "low_gears") and m == model
            for v in found
        ]
        if late and others:
            assert min(late) > 1.08 * sum(others) / len(others), model


def test_planted_emergency_brakings_reach_their_deceleration(kept: Kept) -> None:
    brakings = [event for event in kept.events if event.kind == "harsh_braking"]
    profiles = {vehicle.vin: vehicle.profile for vehicle in kept.fleet}
    assert len(brakings) >= 10  # four harsh drivers, several hours, three an hour at speed
    for event in brakings:
        assert event.peak >= 0.95 * profiles[event.vin].harsh_m_s2
        assert 1_000_000 <= event.end_us - event.start_us <= 4_000_000


def test_events_last_as_long_as_their_kind_demands(kept: Kept) -> None:
    for event in kept.events:
        seconds = (event.end_us - event.start_us) / 1e6
        if event.kind == "idling":
            assert seconds >= 60
            assert event.peak == seconds
            # Between 0.8 and 7 L/h: a small engine warm, a large one cold or tipping.
            assert 0.8 < 3600 * event.fuel_l / seconds < 9
        if event.kind == "overspeed":
            assert seconds >= 5


def test_trips_of_a_vehicle_do_not_overlap_and_add_up_to_its_days(kept: Kept) -> None:
    for vehicle in kept.fleet:
        trips = sorted((t for t in kept.trips if t.vin == vehicle.vin), key=lambda t: t.start_us)
        for trip, after in itertools.pairwise(trips):
            assert trip.end_us < after.start_us
        days = [day for day in kept.days if day.vin == vehicle.vin]
        for total, part in (
            ("distance_m", "distance_m"),
            ("fuel_l", "fuel_l"),
            ("idle_s", "idle_s"),
        ):
            assert sum(getattr(trip, part) for trip in trips) == pytest.approx(
                sum(getattr(day, total) for day in days), rel=1e-6, abs=1e-3
            )


def test_the_days_count_every_frame_and_every_engine_second(kept: Kept) -> None:
    assert sum(day.awake_s for day in kept.days) == kept.frames
    for day in kept.days:
        assert day.moving_s + day.idle_s == pytest.approx(day.engine_s)
    assert {day.day for day in kept.days} == {"2026-03-02", "2026-03-03"}


def test_parquet_files_hold_what_was_written(kept: Kept, tmp_path: Path) -> None:
    small = SimulationConfig(vehicles=3, days=1 / 24, seed=4, start=CONFIG.start)
    with TruthWriter(tmp_path / "truth", kept.fleet[:3]) as writer:
        days = 0
        for chunk in simulate(small):
            writer.write(chunk.truth)
            days += len(chunk.truth.days)
    vehicles = pq.read_table(tmp_path / "truth" / "vehicles.parquet").to_pylist()
    assert [row["vin"] for row in vehicles] == [vehicle.vin for vehicle in kept.fleet[:3]]
    assert pq.read_table(tmp_path / "truth" / "days.parquet").num_rows == days
    assert pq.read_table(tmp_path / "truth" / "trips.parquet").column("distance_m")
    assert (tmp_path / "truth" / "events.parquet").exists()
