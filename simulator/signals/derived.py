"""Columns that several signals share, each derived from the motion in one line."""

import numpy as np

from schemas.wire import Lamp
from simulator.faults import FAULTS
from simulator.road import STEP_M
from simulator.state import Phase
from simulator.vehicle import WATTS_PER_TORQUE_RPM, Floats
from simulator.view import Derived, View
from simulator.weather import SEA_LEVEL_KPA, pressure_kpa

OVERSPEED_FACTOR = 1.05  # a truck speeds from this much above the posted limit
DIESEL_KG_L = 0.835  # density of diesel at 20 °C (GB 19147: 0.81 to 0.845)
STOICHIOMETRIC = 14.5  # air to diesel by mass
NOX_PER_KWH_G = 9.0  # engine-out NOx of a China VI engine with high SCR conversion, g/kWh
REGENERATION_L_H = 2.6  # fuel a second injection burns in the catalyst during regeneration
RED_CODES = [n for n, fault in enumerate(FAULTS, start=1) if fault.lamp is Lamp.RED_STOP]
REAGENT_PER_FUEL = 0.055  # litres of reagent a litre of diesel


def _between(first: Phase, last: Phase) -> Derived:
    return lambda d: np.asarray((d["phase"] >= first) & (d["phase"] <= last), dtype=np.float64)


def _along(name: str) -> Derived:
    """A property of the road at the truck's position, between the grid's points."""

    def column(d: View) -> Floats:
        roads = d.source.roads
        point = roads.point(d["lane"].astype(np.int64), d["position"])
        part = d["position"] * (1 / STEP_M) % 1.0
        values: Floats = getattr(roads, name)
        return np.asarray(values[point] + part * (values[point + 1] - values[point]))

    return column


def _efficiency(d: View) -> Floats:
    """Share of NOx the SCR converts: nothing below 180 °C, 97 % from 280 °C on."""
    return np.clip((d["scr_in_c"] - 180.0) / 100.0, 0.0, 1.0) * 0.97


def _boost(d: View) -> Floats:
    """Boost over the outside, kPa: grows with load and engine speed."""
    speed = np.clip(d["rpm"] / d["best_rpm"], 0.0, 1.4)
    return 5.0 * d["running"] + 210.0 * d["load"] ** 1.15 * np.minimum(speed, 1.1)


def _sloshing(d: View) -> Floats:
    """Movement of a tank's surface, about 1 under way."""
    waves = np.sin(d["time_s"] * 2.7 + d.quirk(250)) + np.sin(d["time_s"] * 0.91)
    jolts = np.clip(1.5 * d["acceleration"], -3.0, 3.0)
    return d["moving"] * (0.7 * waves + jolts) + 25.0 * d["slope"]


DERIVED: dict[str, Derived] = {
    "ignition": _between(Phase.CHECKS, Phase.COOLING),
    "running": _between(Phase.WARMING, Phase.COOLING),
    "driving": lambda d: np.asarray(d["phase"] == Phase.DRIVING, dtype=np.float64),
    "tipping": lambda d: np.asarray(d["phase"] == Phase.TIPPING, dtype=np.float64),
    "moving": lambda d: np.asarray(d["speed"] > 0.0, dtype=np.float64),
    "standing": lambda d: d["running"] * (d["speed"] == 0.0),
    "kmh": lambda d: 3.6 * d["speed"],
    "braking": lambda d: np.asarray((d["brake"] > 0.0) & (d["driving"] > 0.0), dtype=np.float64),
    "brake_pct": lambda d: np.clip(d["brake"] / d["mass"] * 16.0 + 4.0, 0.0, 100.0) * d["braking"],
    "retarding": lambda d: np.asarray(d["retarder"] > 0.0, dtype=np.float64),
    "speeding": lambda d: np.asarray(d["speed"] > OVERSPEED_FACTOR * d["limit"], dtype=np.float64),
    "altitude_m": _along("altitude"),
    "slope": _along("gradient"),
    "latitude_deg": _along("latitude"),
    "longitude_deg": _along("longitude"),
    "heading_rad": _along("heading"),
    "curvature_m": _along("curvature"),
    "lateral": lambda d: d["speed"] ** 2 * d["curvature_m"],
    "gross_nm": lambda d: (d["torque"] + d["auxiliary_nm"]) * d["running"],
    "indicated_nm": lambda d: np.maximum(d["gross_nm"] + d["friction_nm"], 0.0) * d["running"],
    "brake_kwh_h": lambda d: (
        np.maximum(d["gross_nm"], 0.0) * d["rpm"] * (WATTS_PER_TORQUE_RPM * 1e-3)
    ),
    "boost": _boost,
    "pressure": lambda d: pressure_kpa(d["altitude_m"]),
    "air_kg_h": lambda d: (
        d["displacement_m3"]
        * d["rpm"]
        * 30.0
        * 0.92
        * 1.16
        * (d["pressure"] + d["boost"])
        / SEA_LEVEL_KPA
    ),
    "fuel_kg_h": lambda d: d["fuel_rate"] * DIESEL_KG_L,
    "lambda": lambda d: np.clip(
        d["air_kg_h"] / (STOICHIOMETRIC * np.maximum(d["fuel_kg_h"], 0.05)), 1.0, 20.0
    ),
    "nox_ppm": lambda d: np.clip(
        np.where(
            d["air_kg_h"] > 0.0,
            1e6 * 0.63 * NOX_PER_KWH_G * 1e-3 * d["brake_kwh_h"] / np.maximum(d["air_kg_h"], 1.0),
            0.0,
        ),
        0.0,
        2500.0,
    ),
    "scr_efficiency": _efficiency,
    "reagent_l_h": lambda d: REAGENT_PER_FUEL * d["fuel_rate"] * (d["scr_in_c"] > 200.0),
    "fan": lambda d: (
        d["running"] * np.maximum(np.clip((d["coolant_c"] - 88.0) / 6.0, 0.0, 1.0), d["stuck_fan"])
    ),
    # The engine's controller reckons with the auxiliaries it knows.
    "known_nm": lambda d: (
        d["auxiliary_nm"] - d["leak_w"] / (np.maximum(d["rpm"], 300.0) * WATTS_PER_TORQUE_RPM)
    ),
    "compressing": lambda d: d["pumping"],
    "parked": lambda d: np.asarray(d["phase"] != Phase.DRIVING, dtype=np.float64),
    "climbing": lambda d: np.asarray(
        (d["phase"] == Phase.WAKING) | (d["phase"] == Phase.AFTERRUN), dtype=np.float64
    ),
    "dark": lambda d: 1.0 - d["daylight"],
    "light": lambda d: d["ignition"] * np.maximum(d["dark"], d["rain"] > 0.0),
    "shifting": lambda d: np.asarray(
        (d["clutch_open"] > 0.0) & (d["speed"] > 3.0) & (d["driving"] > 0.0), dtype=np.float64
    ),
    "kickdown": lambda d: np.asarray(d["pedal"] > 0.985, dtype=np.float64),
    "engine_braking": lambda d: np.asarray(
        (d["torque"] < 0.0) & (d["braking"] > 0.0) & (d["speed"] > 5.0), dtype=np.float64
    ),
    "abs": lambda d: np.asarray((d["acceleration"] < -4.0) & (d["rain"] > 0.4), dtype=np.float64),
    "aebs": lambda d: np.asarray(
        (d["acceleration"] < -5.0) & d.chance(0.15, 3, lasting_s=60), dtype=np.float64
    ),
    "trailer_kg": lambda d: (
        d["trailer_share_empty"] * d["mass_empty_kg"]
        + d["trailer_share_cargo"] * (d["mass"] - d["mass_empty_kg"])
    ),
    "cargo_kg": lambda d: d["mass"] - d["mass_empty_kg"],
    "brake_kpa": lambda d: d["brake_pct"] * 7.2,
    "wet_c": lambda d: d["ambient_c"] - 4.0 * (d["rain"] > 0.0),
    "in_top_gear": lambda d: d["gear"] == d["top_gear"],
    "regeneration_l_h": lambda d: REGENERATION_L_H * d["regenerating"],
    "passive": lambda d: d["running"] * (d["dpf_mid_c"] > 290.0),
    "tank_l": lambda d: d["tank_mark"] - d["fuel_l"],
    # The float sees the surface: it tilts with the slope and runs when the truck is jolted.
    "shown_l": lambda d: d["tank_l"] + d["slosh"] * d["tank_size_l"] * _sloshing(d),
    "reagent_left_l": lambda d: d["reagent_mark"] - d["reagent_l"],
    "bulb_check": lambda d: np.asarray(d["phase"] == Phase.CHECKS, dtype=np.float64),
    "docking": lambda d: d["running"] * d["parked"] * d.chance(0.02, 17, lasting_s=20),
    "lead": lambda d: d["moving"] * d.chance(0.55, 9, lasting_s=90),
    "shadowed": lambda d: d["moving"] * d.chance(0.004, 21, lasting_s=60),
    "lamp_red": lambda d: np.asarray(np.isin(d["fault"], RED_CODES), dtype=np.float64),
}
