"""Group fuel_aftertreatment: tanks, injection, reagent, catalysts, particulate filter, NOx."""

import numpy as np

from simulator.faults import code_of
from simulator.view import Column, Derived, View

LOW_FUEL = 0.18  # part of the tanks at which the lamp comes on
LOW_REAGENT = 0.18
REAGENT_KG_L = 1.09  # density of AdBlue at 20 °C (ISO 22241)
SECOND_TANK_SHARE = 0.4  # part of the fuel a second tank holds
STEADY_C = 190.0  # NOx sensors work from this exhaust temperature on
DPF_FAULT = code_of(3251)  # pressure drop across the particulate filter
NOX_FAULT = code_of(3226)  # NOx at the outlet
CALIBRATION_PPM = 0.4  # an idle NOx sensor shows about nothing


def _level(d: View) -> Column:
    return np.clip(d["shown_l"] / d["tank_size_l"], 0.0, 1.0)


def _reagent(d: View) -> Column:
    return np.clip(d["reagent_left_l"] / d["reagent_size_l"], 0.0, 1.0)


def _average_l_100km(d: View) -> Column:
    """Consumption since the key was turned on; of the truck's life in the first kilometres."""
    life = 1e5 * d["fuel_l"] / np.maximum(d["distance_m"], 1.0)
    trip = 1e5 * d["trip_fuel_l"] / np.maximum(d["trip_distance_m"], 1.0)
    return np.where(d["trip_distance_m"] > 3000.0, np.minimum(trip, 200.0), life)


def _rail_mpa(d: View) -> Column:
    return d["running"] * (48.0 + 105.0 * d["load"] ** 0.6 + 0.018 * np.minimum(d["rpm"], 2000.0))


def _injection_mg(d: View) -> Column:
    strokes_h = np.maximum(d["rpm"], 300.0) * 60.0 * 3.0
    return d["running"] * 1e6 * d["fuel_kg_h"] / strokes_h


def _hot(sensor: str) -> Derived:
    return lambda d: (d["running"] > 0) & (d[sensor] > STEADY_C)


def _nox_in(d: View) -> Column:
    return np.where(_hot("exhaust_c")(d), d["nox_ppm"], CALIBRATION_PPM * d["running"])


def _nox_out(d: View) -> Column:
    left = np.where(d["fault"] == NOX_FAULT, 0.5, 1.0 - d["scr_efficiency"])
    return np.where(_hot("scr_out_c")(d), d["nox_ppm"] * left + 2.0, CALIBRATION_PPM * d["running"])


def _oxygen(d: View) -> Column:
    return np.where(d["running"] > 0, 20.9 * (1.0 - 1.0 / d["lambda"]), 20.9)


def _dpf_kpa(d: View) -> Column:
    clean = (
        2.1e-3 * (d["air_kg_h"] + d["fuel_kg_h"]) * (1.0 + 0.006 * np.maximum(d["soot_pct"], 0.0))
    )
    return np.where(d["fault"] == DPF_FAULT, 2.6 * clean, clean)


def _regenerations(d: View) -> Column:
    return np.where(d["regenerating"] > 0, 1.0, np.where(d["soot_pct"] > 95.0, 2.0, 0.0))


def _needed(d: View) -> Column:
    return d["soot_pct"] > 95.0


def _blocked(d: View, column: Column) -> Column:
    """A reason that holds back a regeneration that is needed."""
    return np.asarray(_needed(d) & (d["regenerating"] == 0) & column)


SIGNALS: dict[str, Derived] = {
    "fuel_level_1": lambda d: 100.0 * _level(d),
    "fuel_level_2": lambda d: 100.0 * _level(d),
    "fuel_volume_1": lambda d: (
        d["shown_l"] * np.where(d["second_tank"] > 0, 1 - SECOND_TANK_SHARE, 1.0)
    ),
    "fuel_volume_2": lambda d: d["shown_l"] * SECOND_TANK_SHARE,
    "fuel_level_low": lambda d: _level(d) < LOW_FUEL,
    # Caps open only at the pump, where the truck stands with the key off.
    "fuel_cap_1_open": lambda d: d["climbing"] * (_level(d) > 0.93),
    "fuel_cap_2_open": lambda d: d["climbing"] * (_level(d) > 0.93),
    "fuel_range": lambda d: 100.0 * d["tank_l"] / np.maximum(_average_l_100km(d), 8.0),
    "fuel_temperature": lambda d: d["fuel_c"],
    "fuel_delivery_pressure": lambda d: (
        d["running"] * (430.0 + 0.16 * np.minimum(d["rpm"], 2000.0))
    ),
    "fuel_filter_pressure_drop": lambda d: (
        d["running"] * (18.0 + 0.3 * d["fuel_rate"] + 9.0 * d.quirk(91))
    ),
    "fuel_prefilter_pressure_drop": lambda d: (
        d["running"] * (9.0 + 0.2 * d["fuel_rate"] + 4.0 * d.quirk(92))
    ),
    "water_in_fuel": lambda d: d["ignition"] * d.chance(6e-4, 93, lasting_s=3600),
    "fuel_leakage": lambda d: d["running"] * d.chance(1e-4, 94, lasting_s=3600),
    "rail_pressure": _rail_mpa,
    "rail_pressure_demand": _rail_mpa,
    "fuel_metering_valve": lambda d: (
        d["running"] * np.clip(12.0 + 1.05 * d["fuel_rate"], 0.0, 100.0)
    ),
    "injection_quantity": _injection_mg,
    "injection_timing": lambda d: d["running"] * (3.0 + 4.0e-3 * d["rpm"] - 2.5 * d["load"]),
    "fuel_consumption_average": _average_l_100km,
    "fuel_economy_average": lambda d: 100.0 / np.maximum(_average_l_100km(d), 1.0),
    "reagent_level": lambda d: 100.0 * _reagent(d),
    "reagent_temperature": lambda d: d["reagent_c"],
    "reagent_concentration": lambda d: 32.5 + 0.3 * d.quirk(95),
    "reagent_range": lambda d: (
        1e-3 * d["reagent_left_l"] * d["distance_m"] / np.maximum(d["reagent_l"], 1.0)
    ),
    "reagent_level_low": lambda d: _reagent(d) < LOW_REAGENT,
    "reagent_consumption": lambda d: d["reagent_l_h"],
    "reagent_dosing_rate": lambda d: 1e3 * REAGENT_KG_L * d["reagent_l_h"],
    "reagent_dosing_pressure": lambda d: (
        np.where(d["scr_in_c"] > 180.0, 900.0, 0.0) * d["running"] + 100.0
    ),
    "reagent_tank_heating": lambda d: d["running"] * (d["reagent_c"] < -3.0),
    "reagent_line_heating": lambda d: d["running"] * (d["ambient_c"] < -3.0),
    "scr_inducement": lambda d: np.where(
        _reagent(d) < 0.03, 2.0, np.where(_reagent(d) < LOW_REAGENT, 1.0, 0.0)
    ),
    "scr_inlet_temperature": lambda d: d["scr_in_c"],
    "scr_outlet_temperature": lambda d: d["scr_out_c"],
    "scr_efficiency": lambda d: 100.0 * d["scr_efficiency"],
    "nh3_slip": lambda d: 6.0 * d["scr_efficiency"] * d["load"] ** 2,
    "nox_inlet": _nox_in,
    "oxygen_inlet": _oxygen,
    "nox_inlet_at_temperature": _hot("exhaust_c"),
    "nox_inlet_stable": lambda d: _hot("exhaust_c")(d) & (np.abs(d["acceleration"]) < 0.6),
    "nox_outlet": _nox_out,
    "oxygen_outlet": lambda d: _oxygen(d) - 0.1 * d["running"],
    "nox_outlet_at_temperature": _hot("scr_out_c"),
    "nox_outlet_stable": lambda d: _hot("scr_out_c")(d) & (np.abs(d["acceleration"]) < 0.6),
    "exhaust_mass_flow": lambda d: d["air_kg_h"] + d["fuel_kg_h"],
    "aftertreatment_temperature_1": lambda d: d["doc_in_c"],
    "aftertreatment_temperature_2": lambda d: d["dpf_in_c"],
    "aftertreatment_temperature_3": lambda d: d["dpf_out_c"],
    "doc_inlet_temperature": lambda d: d["doc_in_c"],
    "doc_outlet_temperature": lambda d: d["doc_out_c"],
    "dpf_inlet_temperature": lambda d: d["dpf_in_c"],
    "dpf_middle_temperature": lambda d: d["dpf_mid_c"],
    "dpf_outlet_temperature": lambda d: d["dpf_out_c"],
    "dpf_differential_pressure": _dpf_kpa,
    "dpf_inlet_pressure": lambda d: d["pressure"] + 1.35 * _dpf_kpa(d),
    "dpf_soot_load": lambda d: d["soot_pct"],
    "dpf_ash_load": lambda d: np.minimum(2.2e-7 * d["distance_m"], 95.0),
    "dpf_time_since_regeneration": lambda d: (
        np.maximum(d["time_s"] - d["regenerated_s"], 0.0) * (d["regenerating"] == 0)
    ),
    "dpf_active_regeneration": _regenerations,
    "dpf_passive_regeneration": lambda d: d["passive"],
    "dpf_status": lambda d: np.select(
        [d["soot_pct"] > 120, d["soot_pct"] > 108, _needed(d)], [3.0, 2.0, 1.0], 0.0
    ),
    "dpf_lamp": lambda d: np.select([d["soot_pct"] > 115, _needed(d)], [4.0, 1.0], 0.0),
    "exhaust_high_temperature_lamp": lambda d: 1.0 * ((d["regenerating"] > 0) & (d["speed"] < 8.0)),
    "dpf_inhibited": lambda d: _blocked(d, (d["speed"] < 8.0) | (d["scr_in_c"] < 200.0)),
    "dpf_inhibited_by_switch": lambda d: _blocked(d, d.chance(0.03, 96, lasting_s=7200)),
    "dpf_inhibited_by_pto": lambda d: _blocked(d, d["tipping"] > 0),
    "dpf_inhibited_by_speed": lambda d: _blocked(d, d["speed"] < 8.0),
    "dpf_inhibited_by_park_brake": lambda d: _blocked(d, (d["speed"] == 0) & (d["parked"] == 0)),
    "aftertreatment_fuel_rate": lambda d: d["regeneration_l_h"],
    "aftertreatment_fuel_pressure": lambda d: np.where(
        d["regeneration_l_h"] > 0, 900.0, 250.0 * d["running"]
    ),
}
