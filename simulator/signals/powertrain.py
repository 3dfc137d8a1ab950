"""Group powertrain: oil, coolant, air, turbocharger, cylinders, gearbox, retarder, PTO, axles."""

import numpy as np

from simulator.faults import code_of
from simulator.record import TIPPING_RPM
from simulator.state import Phase
from simulator.view import Column, Derived, View

CYLINDERS = 6
FAN_RATIO = 1.15  # fan to engine speed at full engagement
TURBO_TOP_RPM = 108_000.0
PTO_RATIO = 1.2  # power take-off to engine speed
OIL_FAULT = code_of(100)  # oil pressure
GEARBOX_FAULT = code_of(177)  # gearbox oil temperature


def _oil_pressure(d: View) -> Column:
    hot = 1.0 - 0.0025 * (d["oil_c"] - 90.0)
    healthy = d["running"] * (110.0 + 0.22 * np.minimum(d["rpm"], 1700.0)) * hot
    return np.where(d["fault"] == OIL_FAULT, 0.3 * healthy, healthy)


def _turbo_speed(d: View) -> Column:
    return (
        d["running"] * TURBO_TOP_RPM * np.sqrt(0.02 + 0.98 * np.clip(d["boost"] / 240.0, 0.0, 1.0))
    )


def _compressor_outlet_c(d: View) -> Column:
    ratio = 1.0 + d["boost"] / np.maximum(d["pressure"], 40.0)
    return (d["ambient_c"] + 278.15) * (1.0 + (ratio**0.286 - 1.0) / 0.74) - 273.15


def _egr_open(d: View) -> Column:
    return 55.0 * d["running"] * np.clip(1.0 - d["load"] / 0.8, 0.0, 1.0) * (d["coolant_c"] > 60.0)


def _state(d: View) -> Column:
    return np.select(
        [d["phase"] == Phase.CHECKS, d["phase"] == Phase.WARMING, d["phase"] == Phase.COOLING,
         d["phase"] == Phase.AFTERRUN, d["running"] > 0],
        [1.0, 3.0, 5.0, 7.0, 4.0],
        0.0,
    )  # fmt: skip


def _recommended(d: View) -> Column:
    """The gear that brings the engine to its best speed, from the present ratio."""
    step = np.rint(np.log(np.maximum(d["rpm"], 300.0) / d["best_rpm"]) / np.log(1.29))
    return np.where(d["gear"] > 0, np.clip(d["gear"] + step, 1.0, d["top_gear"]), 0.0)


def _clutch(d: View) -> Column:
    return np.asarray(100.0 * (1.0 - np.maximum(d["clutch_open"], d["gear"] == 0)))


def _slip(d: View) -> Column:
    shaft = d["speed"] * d["shaft_per_m"] * 9.549 * d["ratio"]
    open_ = (d["gear"] > 0) & (d["clutch_open"] > 0)
    return np.where(open_, 100.0 * np.clip(1 - shaft / np.maximum(d["rpm"], 1.0), 0.0, 1.0), 0.0)


def _wear(rate_per_1000_km: float) -> Derived:
    """What is left of a part renewed at some point of the truck's life, per cent."""
    return lambda d: (
        100.0 - (1e-6 * d["distance_m"] * rate_per_1000_km + 40.0 * (1 + d.quirk(41))) % 90.0
    )


def _port_c(cylinder: int) -> Derived:
    return lambda d: (
        d["ambient_c"]
        + (d["turbine_in_c"] - d["ambient_c"]) * (0.97 + 0.02 * d.quirk(60 + cylinder))
    )


def _correction_mg(cylinder: int) -> Derived:
    """The injector's own trait and a slow hunting of the smooth-running control."""

    def column(d: View) -> Column:
        hunting = 0.4 * np.sin(d["time_s"] / 97.0 + cylinder)
        return d["running"] * (2.2 * d.quirk(70 + cylinder) + hunting)

    return column


def _balance(cylinder: int) -> Derived:
    return lambda d: d["running"] * (100.0 + 2.5 * d.quirk(80 + cylinder))


SIGNALS: dict[str, Derived] = {
    "oil_pressure": _oil_pressure,
    "oil_temperature": lambda d: d["oil_c"],
    "oil_level": lambda d: 78.0 + 14.0 * d.quirk(51) - 4.0 * d["running"],
    "oil_filter_pressure_drop": lambda d: (
        d["running"] * (14.0 + 0.011 * d["rpm"] + 6.0 * d.quirk(52))
    ),
    "coolant_level": lambda d: 88.0 + 8.0 * d.quirk(53) + 0.03 * (d["coolant_c"] - 80.0),
    "coolant_thermostat_opening": lambda d: np.clip(10.0 * (d["coolant_c"] - 82.0), 0.0, 100.0),
    "crankcase_pressure": lambda d: d["running"] * (0.4 + 1.6 * d["load"]),
    "boost_pressure": lambda d: d["boost"],
    "intake_manifold_pressure": lambda d: d["pressure"] + d["boost"],
    "intake_manifold_temperature": lambda d: d["intake_c"],
    "intake_air_temperature": lambda d: d["ambient_c"] + 4.0 * d["running"],
    "intake_air_mass_flow": lambda d: d["air_kg_h"],
    "air_filter_pressure_drop": lambda d: 1.6e-3 * d["air_kg_h"] * (1.2 + 0.5 * d.quirk(54)),
    "charge_air_cooler_outlet_temperature": lambda d: d["intake_c"] - 2.0 * d["running"],
    "charge_air_cooler_outlet_pressure": lambda d: d["pressure"] + 1.005 * d["boost"],
    "turbo_speed": _turbo_speed,
    "turbo_oil_pressure": lambda d: 0.93 * _oil_pressure(d),
    "turbo_compressor_outlet_temperature": _compressor_outlet_c,
    "turbo_turbine_inlet_temperature": lambda d: d["turbine_in_c"],
    "turbo_turbine_outlet_temperature": lambda d: d["exhaust_c"],
    "turbo_wastegate": lambda d: 100.0 * np.clip((d["boost"] - 170.0) / 70.0, 0.0, 1.0),
    "turbo_vgt_position": lambda d: d["running"] * np.clip(82.0 - 0.25 * d["boost"], 5.0, 100.0),
    "throttle_position": lambda d: d["running"] * np.where(d["load"] > 0.05, 96.0, 62.0),
    "egr_mass_flow": lambda d: d["air_kg_h"] * _egr_open(d) * 2.5e-3,
    "egr_valve_position": _egr_open,
    "egr_temperature": lambda d: d["coolant_c"] + 0.12 * np.maximum(d["turbine_in_c"] - 90.0, 0.0),
    "egr_differential_pressure": lambda d: d["running"] * (1.5 + 0.03 * d["boost"]),
    "exhaust_temperature": lambda d: d["exhaust_c"] + 3.0,
    "exhaust_pressure": lambda d: 0.3 * d["running"] + 1.1e-2 * d["air_kg_h"],
    **{f"cylinder{c}_exhaust_temperature": _port_c(c) for c in range(1, CYLINDERS + 1)},
    **{f"cylinder{c}_injection_correction": _correction_mg(c) for c in range(1, CYLINDERS + 1)},
    **{f"cylinder{c}_power_balance": _balance(c) for c in range(1, CYLINDERS + 1)},
    "fan_speed": lambda d: d["rpm"] * FAN_RATIO * (0.22 + 0.78 * d["fan"]) * d["running"],
    "fan_drive_state": lambda d: 3.0 * (d["fan"] > 0.05),
    "engine_idle_speed": lambda d: d["idle_rpm"],
    "engine_parasitic_losses": lambda d: 100.0 * d["running"] * d["known_nm"] / d["reference_nm"],
    "engine_derate": lambda d: np.where(d["fault"] == OIL_FAULT, 40.0, 0.0),
    "engine_ecu_temperature": lambda d: d["ecu_c"],
    "engine_operating_state": _state,
    "engine_starter_mode": lambda d: np.where(d["running"] > 0, 3.0, 0.0),
    # The simulated drivers stop the engine themselves before either shutdown would.
    "engine_protection_shutdown": lambda d: (d["lamp_red"] > 0) & (d["running"] == 0),
    "transmission_oil_temperature": lambda d: d["gearbox_c"] + 32.0 * (d["fault"] == GEARBOX_FAULT),
    "transmission_oil_pressure": lambda d: d["running"] * (380.0 + 0.35 * d["rpm"]),
    "transmission_oil_level": lambda d: 82.0 + 9.0 * d.quirk(56),
    "transmission_oil_life": _wear(0.35),
    "input_shaft_speed": lambda d: np.where(
        d["gear"] > 0, d["speed"] * d["shaft_per_m"] * 9.549 * d["ratio"], 0.0
    ),
    "clutch_slip": _slip,
    "clutch_pressure": lambda d: d["running"] * 550.0 * (1.0 - _clutch(d) / 100.0),
    "clutch_engagement": _clutch,
    "clutch_life": _wear(0.11),
    "recommended_gear": _recommended,
    "transmission_mode": lambda d: np.where(
        d["docking"] > 0, 5.0, np.where(d["cruise_on"] > 0, 1.0, 0.0)
    ),
    "low_range_engaged": lambda d: (d["gear"] > 0) & (d["gear"] <= d["top_gear"] / 2),
    "retarder_available_torque": lambda d: -100.0 * d["running"] * (d["retarder_c"] < 150.0),
    "retarder_reference_torque": lambda d: d["retarder_nm"],
    "retarder_oil_temperature": lambda d: np.minimum(d["retarder_c"], 200.0),
    "retarder_oil_pressure": lambda d: 900.0 * d["retarder"] / np.maximum(d["retarder_n"], 1.0),
    "pto_speed": lambda d: d["tipping"] * d["rpm"] * PTO_RATIO,
    "pto_set_speed": lambda d: d["tipping"] * TIPPING_RPM,
    "pto_engine_drive_engaged": lambda d: d["tipping"] * (d.quirk(58) > 0),
    "pto_input_shaft_engaged": lambda d: d["tipping"] * (d.quirk(58) <= 0),
    # Locks help only a crawling truck on a building site.
    "diff_lock_center": lambda d: (
        d["driving"] * (d["speed"] < 3.0) * (d["limit"] < 9.0) * (d["load"] > 0.6)
    ),
    "diff_lock_front": lambda d: (
        d["driving"] * (d["speed"] < 2.0) * (d["limit"] < 6.0) * (d["rain"] > 0.3)
    ),
    "diff_lock_rear1": lambda d: (
        d["driving"] * (d["speed"] < 3.0) * (d["limit"] < 9.0) * (d["rain"] > 0.0)
    ),
    "diff_lock_rear2": lambda d: (
        d["driving"] * (d["speed"] < 3.0) * (d["limit"] < 9.0) * (d["rain"] > 0.1)
    ),
    "drive_axle1_temperature": lambda d: d["axle_c"],
    "drive_axle2_temperature": lambda d: d["axle_c"] - 3.0,
}
