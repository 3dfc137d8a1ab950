"""The signals of one simulated morning: complete, within limits, and agreeing with each other."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
import pytest

from schemas.catalogue import Catalogue, Kind, Signal, ValueType, default
from simulator import Chunk, SimulationConfig, SimulationError, simulate
from simulator.sensor import measure
from simulator.signals import GENERATORS, generators
from simulator.vehicle import vehicle_models

START = datetime(2026, 3, 2, tzinfo=UTC)
CONFIG = SimulationConfig(vehicles=8, days=3 / 24, seed=11, start=START, noise=False)


@dataclass(frozen=True)
class Run:
    """Every table of a simulation, joined, by period."""

    chunks: list[Chunk]

    def column(self, name: str, vehicle: int) -> np.ndarray:
        """All values of a signal of one vehicle, in order of time."""
        period = default().resolve(name).period_s
        parts = []
        for chunk in self.chunks:
            table = next(t for t in chunk.tables if t.period_s == period)
            names = [signal.name for signal in table.signals]
            parts.append(table.values[table.vehicles == vehicle, names.index(name)])
        return np.concatenate(parts)


@pytest.fixture(scope="module")
def run() -> Run:
    return Run(list(simulate(CONFIG)))


def test_every_signal_of_the_catalogue_has_a_generator_and_every_generator_a_signal() -> None:
    assert [signal.name for signal, _ in generators(default())] == list(default().by_name)
    assert GENERATORS.keys() == default().by_name.keys()


def test_a_signal_without_a_generator_is_named() -> None:
    stranger = replace(default().signals[0], id=10**6, name="moon_phase", path="Vehicle.MoonPhase")
    catalogue = Catalogue(version=2, signals=(*default().signals, stranger))
    with pytest.raises(SimulationError, match="moon_phase"):
        generators(catalogue)


def test_every_signal_is_produced_by_some_truck(run: Run) -> None:
    seen: set[str] = set()
    for chunk in run.chunks:
        for table in chunk.tables:
            found = (~np.isnan(table.values)).sum(axis=0)
            seen |= {table.signals[place].name for place in np.flatnonzero(found).tolist()}
    assert seen == set(default().by_name)


def test_values_are_absent_exactly_where_the_model_has_no_sensor(run: Run) -> None:
    for chunk in run.chunks:
        for table in chunk.tables:
            for vehicle in np.unique(table.vehicles).tolist():
                absent = np.isnan(table.values[table.vehicles == vehicle])
                lacks = [chunk.fleet[vehicle].model.lacks(s.name) for s in table.signals]
                np.testing.assert_array_equal(absent, np.broadcast_to(lacks, absent.shape))


def test_every_value_is_within_its_limits_and_on_a_step_of_its_resolution(run: Run) -> None:
    for chunk in run.chunks[5:10]:
        for table in chunk.tables:
            for column, signal in zip(table.values.T, table.signals, strict=True):
                values = column[~np.isnan(column)]
                assert ((values >= signal.minimum) & (values <= signal.maximum)).all(), signal.name
                steps = values / signal.resolution
                # A limit need not be on a step; a position has 1.8e9 steps, so 1e-5 is near enough.
                on_step = np.abs(steps - np.rint(steps)) < 1e-5
                at_limit = (values == signal.minimum) | (values == signal.maximum)
                assert (on_step | at_limit).all(), signal.name


def test_counters_never_fall(run: Run) -> None:
    for signal in default().signals:
        if signal.kind is not Kind.COUNTER:
            continue
        for vehicle in range(CONFIG.vehicles):
            values = run.column(signal.name, vehicle)
            # NaN, a counter this truck does not have, compares false.
            assert not (np.diff(values) < 0).any(), signal.name


def test_the_odometer_is_the_integral_of_the_speed(run: Run) -> None:
    for vehicle in range(CONFIG.vehicles):
        odometer = run.column("odometer", vehicle)
        driven = run.column("wheel_speed", vehicle).sum() / 3600
        assert odometer[-1] - odometer[0] == pytest.approx(driven, rel=1e-3, abs=0.02)


def test_the_fuel_counter_is_the_integral_of_the_fuel_rate(run: Run) -> None:
    for vehicle in range(CONFIG.vehicles):
        counter = run.column("fuel_used_total", vehicle)
        # Rates are rounded to 0.05 L/h, which over hours averages out to far below 1 %.
        burnt = run.column("fuel_rate", vehicle)[1:].sum() / 3600
        assert counter[-1] - counter[0] == pytest.approx(burnt, rel=5e-3)


def test_moving_and_standing_counters_add_up_to_the_engine_hours(run: Run) -> None:
    grown = {
        name: float(np.ptp(run.column(name, 0)))
        for name in (
            "driving_seconds",
            "standing_seconds",
            "engine_hours",
            "driving_fuel",
            "standing_fuel",
            "fuel_used_total",
        )
    }
    # One is seen every 10 s and in steps of 180 s, the others every 60 s.
    assert grown["driving_seconds"] + grown["standing_seconds"] == pytest.approx(
        3600 * grown["engine_hours"], abs=300
    )
    assert grown["driving_fuel"] + grown["standing_fuel"] == pytest.approx(
        grown["fuel_used_total"], abs=1.0
    )


def test_engine_speed_is_road_speed_through_gear_and_axle(run: Run) -> None:
    fleet = run.chunks[0].fleet
    for vehicle in range(CONFIG.vehicles):
        model = fleet[vehicle].model
        closed = run.column("driveline_engaged", vehicle) == 1
        speed = run.column("wheel_speed", vehicle)[closed] / 3.6
        gear = run.column("gear_current", vehicle)[closed].astype(int)
        ratio = np.array(model.gears)[gear - 1] * model.axle_ratio / model.wheel_radius_m
        expected = speed * ratio * 60 / (2 * np.pi)
        found = run.column("engine_speed", vehicle)[closed]
        # Speed is rounded to 1/256 km/h; in first gear that is 0.4 rpm.
        np.testing.assert_allclose(found, expected, atol=1.0)
        assert closed.sum() > 3600  # over an hour in gear


def test_fuel_follows_power_and_stops_when_the_truck_pushes_the_engine(run: Run) -> None:
    power = run.column("engine_power", 0)
    fuel = run.column("fuel_rate", 0)
    pulling = power > 100
    specific = fuel[pulling] / power[pulling]
    # 0.2 to 0.3 L/kWh is 38 to 48 % brake efficiency, cold engine and regeneration aside.
    assert 0.2 < float(np.median(specific)) < 0.26
    coasting = (run.column("engine_torque", 0) < 1) & (run.column("wheel_speed", 0) > 10)
    assert coasting.any()
    assert float(fuel[coasting].max()) < 1.0  # FIELD.md: coasting is below 1 L/h


def test_speed_over_ground_heading_and_position_agree(run: Run) -> None:
    latitude, longitude = run.column("latitude", 0), run.column("longitude", 0)
    north = np.diff(latitude) * 111_195  # metres a degree on the mean sphere
    east = np.diff(longitude) * 111_195 * np.cos(np.deg2rad(latitude[1:]))
    moved = np.hypot(north, east)
    speed = run.column("wheel_speed", 0)
    fast = (speed[1:] > 50) & (moved < 60)  # the gap of a rest is no movement
    mean_speed = (speed[1:] + speed[:-1]) / 2 / 3.6
    # A kilometre of longitude is drawn at the city's latitude, a few per cent off at the far end.
    np.testing.assert_allclose(moved[fast].mean(), mean_speed[fast].mean(), rtol=0.03)
    course = np.rad2deg(np.arctan2(east, north))[fast]
    heading = run.column("heading", 0)[1:][fast]
    off = (course - heading + 180) % 360 - 180
    assert float(np.abs(off).mean()) < 3.0


def test_gradient_agrees_with_the_climb(run: Run) -> None:
    altitude = run.column("altitude", 0)
    speed, slope = run.column("wheel_speed", 0) / 3.6, run.column("road_gradient", 0) / 100
    fast = speed > 10
    climbed = np.diff(altitude, prepend=altitude[0])
    window = fast & (np.abs(climbed) < 5)  # no jump between two drives
    assert np.corrcoef(climbed[window], (slope * speed)[window])[0, 1] > 0.9


def test_axle_loads_add_up_to_the_gross_weight(run: Run) -> None:
    for vehicle in range(4):  # one of each model
        model = run.chunks[0].fleet[vehicle].model
        axles = [f"axle{n}_weight" for n in range(1, model.truck_axles + 1)]
        trailing = len(model.axle_share_empty) - model.truck_axles
        axles += [f"trailer_axle{n}_weight" for n in range(1, trailing + 1)]
        total = sum(run.column(name, vehicle) for name in axles)
        gross = run.column("gross_combination_weight", vehicle)
        np.testing.assert_allclose(total, gross, atol=10)  # gross weight comes in steps of 10 kg


def test_doors_open_and_the_tipper_rises_only_at_a_standstill(run: Run) -> None:
    for vehicle in range(CONFIG.vehicles):
        moving = run.column("wheel_speed", vehicle)
        assert not (run.column("pto_engaged", vehicle)[moving > 0] == 1).any()
        driving = run.column("driver1_working_state", vehicle) == 3
        assert not (run.column("door_driver_open", vehicle)[driving] == 1).any()


def test_lights_burn_at_night_and_not_by_day() -> None:
    start = datetime(2026, 12, 1, 22, tzinfo=UTC)
    config = replace(CONFIG, vehicles=4, days=2.5 / 24, start=start)
    # 22:00 to 00:30 UTC is six to half past eight in China: in December dark, then light.
    night = Run(list(simulate(config)))
    beams = [night.column("light_low_beam", v) for v in range(config.vehicles)]
    lit = np.concatenate(beams)
    assert 0.0 < float(lit.mean()) < 1.0


def test_the_temperature_of_a_started_engine_rises_to_its_thermostat(run: Run) -> None:
    for vehicle in range(CONFIG.vehicles):
        coolant = run.column("coolant_temperature", vehicle)
        assert coolant[0] < 30  # stood overnight, in March
        assert 80 <= coolant.max() <= 100


def test_soft_tyres_show_in_the_pressure_of_the_truck_that_has_them() -> None:
    config = replace(CONFIG, vehicles=7, days=1 / 24)
    short = Run(list(simulate(config)))
    fleet = short.chunks[0].fleet
    cold = {
        v.profile.key: float(short.column("tyre_pressure_axle1_left", v.index)[0]) for v in fleet
    }
    assert cold.pop("low_tyres") < 0.85 * min(cold.values())


def test_noise_is_about_one_step_and_leaves_a_standing_truck_at_zero() -> None:
    signal = default().resolve("boost_pressure")
    rng = np.random.default_rng(1)
    true = np.full(20_000, 100.0)
    true[:100] = 0.0
    noisy = measure(signal, true, rng)
    assert (noisy[:100] == 0).all()
    # Noise of one step and rounding, which adds 1/12 of a step squared.
    assert float(np.std(noisy[100:] / signal.resolution)) == pytest.approx(1.04, abs=0.03)


@pytest.mark.parametrize("name", ["odometer", "gear_current", "engine_running"])
def test_counters_and_states_have_no_noise(name: str) -> None:
    signal: Signal = default().resolve(name)
    true = np.ones(1000)
    noisy = measure(signal, true, np.random.default_rng(1))
    assert len(np.unique(noisy)) == 1


def test_models_differ_in_the_signals_they_have() -> None:
    lacking = {
        model.key: frozenset(s.name for s in default().signals if model.lacks(s.name))
        for model in vehicle_models().values()
    }
    assert len(set(lacking.values())) == len(lacking)
    assert default().resolve("odometer").type is ValueType.DOUBLE
