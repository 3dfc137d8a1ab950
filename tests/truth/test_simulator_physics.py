"""The physics: what constant speed costs, how the engine map behaves, how slow things follow."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from simulator import SimulationConfig, air, simulate, weather
from simulator.driver import driver_profiles
from simulator.engine import Engines
from simulator.fleet import build_fleet
from simulator.road import flat_road
from simulator.steady import steady_state
from simulator.thermal import LAGS, cold, follow, rest
from simulator.vehicle import vehicle_models

MOVES_MASS_KG = 31_403.8  # long-haul combination, FIELD.md
WARM = np.array([88.0])


def test_a_31_tonne_truck_on_the_flat_at_80_kmh_takes_92_kw_and_about_30_litres() -> None:
    point = steady_state(vehicle_models()["long_haul"], mass_kg=MOVES_MASS_KG, speed_kmh=80)
    assert point.wheel_kw == pytest.approx(92.2, abs=0.3)  # A·v + C·v³ of MOVES
    assert 29 <= point.fuel_l_100km <= 31  # FIELD.md's check
    assert point.efficiency == pytest.approx(0.40, abs=0.02)


def test_the_moving_simulation_costs_what_the_steady_state_says() -> None:
    """One truck of that mass, an hour at 80 km/h along a level road, with driver and gearbox."""
    start = datetime(2026, 4, 20, tzinfo=UTC)
    config = SimulationConfig(vehicles=1, days=1.5 / 24, seed=2, start=start, noise=False)
    model = replace(
        vehicle_models()["long_haul"],
        mass_empty_kg=MOVES_MASS_KG,
        mass_max_kg=MOVES_MASS_KG,
        route="regional",  # whose shifts all begin in the morning
    )
    driver = replace(driver_profiles()["calm"], limit_factor=1.0, harsh_per_hour=1e-6)
    truck = replace(build_fleet(config)[0], model=model, profile=driver, road=0)
    roads = flat_road(length_m=200_000, limit_kmh=80)
    columns: dict[str, list[np.ndarray]] = {"wheel_speed": [], "fuel_rate": []}
    for chunk in simulate(config, fleet=(truck,), roads=roads):
        table = chunk.tables[0]
        names = [signal.name for signal in table.signals]
        for name, parts in columns.items():
            parts.append(table.values[:, names.index(name)])
    speed, fuel = (np.concatenate(parts) for parts in columns.values())
    cruising = slice(1800, 4800)  # warm, and away from the start
    litres_100km = 100 * fuel[cruising].sum() / speed[cruising].sum()
    expected = steady_state(model, mass_kg=MOVES_MASS_KG, speed_kmh=float(speed[cruising].mean()))
    # Traffic makes the speed breathe and the day's air is not exactly 1.2 kg/m³.
    assert litres_100km == pytest.approx(expected.fuel_l_100km, rel=0.05)


def test_fuel_rises_with_torque_and_is_zero_when_the_truck_drives_the_engine() -> None:
    engines = Engines.of([vehicle_models()["long_haul"]])
    rpm = np.array([1200.0])
    friction = engines.friction_nm(rpm, WARM)
    assert float(engines.fuel_l_h(-friction, rpm, WARM)[0]) == pytest.approx(0.0, abs=1e-9)
    torque = np.linspace(0, 2300, 40)
    fuel = np.array([float(engines.fuel_l_h(np.array([t]), rpm, WARM)[0]) for t in torque])
    assert (np.diff(fuel) > 0).all()


def test_the_map_has_an_island_that_is_neither_at_part_load_nor_at_top_speed() -> None:
    model = vehicle_models()["long_haul"]
    engines = Engines.of([model])

    def efficiency(rpm: float, torque: float) -> float:
        fuel = float(engines.fuel_l_h(np.array([torque]), np.array([rpm]), WARM)[0])
        return torque * rpm * 2 * np.pi / 60 / 1e3 / (fuel * 35.8 / 3.6)

    best = efficiency(model.best_rpm, 1700)
    assert 0.42 < best < 0.47  # peak brake efficiency of heavy diesels
    assert best > efficiency(model.best_rpm, 300)
    assert best > efficiency(1900, 1700)


def test_a_warm_engine_idles_on_two_to_three_litres_an_hour() -> None:
    model = vehicle_models()["long_haul"]
    engines = Engines.of([model])
    rpm = np.array([model.idle_rpm])
    auxiliary = np.array([model.auxiliary_kw * 1e3 / (model.idle_rpm * 2 * np.pi / 60)])
    fuel = float(engines.fuel_l_h(auxiliary, rpm, WARM)[0])
    assert 1.8 < fuel < 3.0  # the truck of hd_truck_1hz.parquet: 0.59 g/s, 2.5 L/h
    freezing = float(engines.fuel_l_h(auxiliary, rpm, np.array([0.0]))[0])
    assert freezing > 1.3 * fuel


def thermal_inputs(*, running: float, load: float, steps: int = 360) -> dict[str, np.ndarray]:
    names = ("running", "load", "speed", "brake_w", "retarder_w", "regenerating", "daylight")
    inputs = {name: np.zeros((steps, 1)) for name in names}
    inputs["ambient_c"] = np.full((steps, 1), 10.0)
    inputs["running"] += running
    inputs["load"] += load
    inputs["speed"] += 20.0 * running
    return inputs


def test_an_hour_under_load_warms_the_engine_and_ten_hours_of_rest_cool_it() -> None:
    inputs = thermal_inputs(running=1.0, load=0.4)
    still = {name: values[0] for name, values in thermal_inputs(running=0.0, load=0.0).items()}
    start = cold(still)
    path = follow(inputs, start)
    assert float(path["coolant_c"][0, 0]) == pytest.approx(10.0)
    assert 84 < float(path["coolant_c"][-1, 0]) < 92  # thermostat's range
    assert float(path["exhaust_c"][-1, 0]) > 250
    # Coolant leads, oil follows, the axle is slowest.
    assert path["coolant_c"][30, 0] > path["oil_c"][30, 0] - 15 > path["axle_c"][30, 0] - 15
    warm = {lag.name: path[lag.name][-1] for lag in LAGS}
    after = rest(still, warm, np.array([36_000.0]))
    assert float(after["coolant_c"][0]) < 15.0


def test_braking_empties_the_air_circuits_and_the_compressor_fills_them() -> None:
    ones, none = np.ones((60, 1)), np.zeros((60, 1))
    full, off = np.array([1000.0]), np.array([0.0])
    pressure, pumping = air.fill(ones, 0.3 * ones, ones, full, off)
    assert float(pressure.min()) < air.CUT_IN_KPA  # the compressor had to start
    assert float(pumping.max()) == 1.0
    assert float(pressure.min()) > 550  # where the red warning comes on
    stopped, _ = air.fill(none, 0.3 * ones, none, full, off)
    assert (np.diff(stopped[:, 0]) < 0).all()  # nothing fills them with the engine off


def test_july_afternoons_are_warmer_than_january_nights_and_heights_cooler_than_plains() -> None:
    def at(when: datetime, height_m: float) -> float:
        place = (np.array([35.0]), np.array([114.0]), np.array([height_m]))
        return float(weather.ambient_c(np.array([when.timestamp()]), *place)[0])

    # 07:30 UTC is three in the afternoon by the sun at 114° east.
    july, january = datetime(2026, 7, 20, 7, 30, tzinfo=UTC), datetime(2026, 1, 20, 19, tzinfo=UTC)
    assert at(july, 50) > at(january, 50) + 20
    assert at(july, 50) - at(july, 1050) == pytest.approx(6.5)  # ICAO: 6.5 K a kilometre


def test_the_sun_is_up_at_noon_and_down_at_midnight_and_longer_in_summer() -> None:
    def hours(day: datetime) -> float:
        seconds = day.timestamp() + np.arange(0, 86_400, 600.0)
        return float(weather.daylight(seconds, np.array([40.0]), np.array([116.0])).sum() / 6)

    summer, winter = datetime(2026, 6, 21, tzinfo=UTC), datetime(2026, 12, 21, tzinfo=UTC)
    # Beijing: 15.0 and 9.4 h from sunrise to sunset.
    assert hours(summer) == pytest.approx(15.0, abs=0.7)
    assert hours(winter) == pytest.approx(9.4, abs=0.7)
