"""Group motion: what the truck, its engine and its driver do, second by second."""

import numpy as np

from simulator.state import Phase
from simulator.vehicle import WATTS_PER_TORQUE_RPM
from simulator.view import Column, Derived, View

RPM_PER_RAD_S = 1 / WATTS_PER_TORQUE_RPM
WHEELBASE_M = 4.6  # steering axle to the middle of the rear axles
STEERING_RATIO = 20.0  # steering wheel to road wheel
SENSOR_RANGE_M = 250.0  # what the radar gives where nothing is ahead
TACHOGRAPH_LIMIT_KMH = 90.0  # set speed above which the tachograph warns
ENGINE_BRAKE_SHARE = 0.3  # engine brake reference torque, part of the engine's
TURN_CURVATURE_M = 1 / 70  # tighter bends than this are signalled


def _percent_of_reference(column: str) -> Derived:
    return lambda d: 100.0 * d[column] / d["reference_nm"]


def _torque_mode(d: View) -> Column:
    return np.select(
        [
            d["tipping"] > 0,
            d["shifting"] > 0,
            (d["cruising"] > 0) & (d["load"] > 0),
            d["pedal"] > 0,
        ],
        [3.0, 6.0, 2.0, 1.0],
        0.0,
    )


def _retarder(d: View) -> Column:
    return -100.0 * d["retarder"] / np.maximum(d["retarder_n"], 1.0)


def _aebs(d: View) -> Column:
    return np.select(
        [d["running"] == 0, d["aebs"] > 0, d["harsh"] > 0, d["kmh"] < 15.0],
        [0.0, 7.0, 5.0, 1.0],
        3.0,
    )


def _economy(d: View) -> Column:
    return np.where(
        d["moving"] > 0, np.minimum(d["kmh"] / np.maximum(d["fuel_rate"], 1e-3), 125.5), 0.0
    )


def _working_state(d: View) -> Column:
    return np.select([d["phase"] == Phase.DRIVING, d["ignition"] > 0], [3.0, 2.0], 0.0)


def _set_speed(d: View) -> Column:
    wish = np.minimum(d["limit"] * d["limit_factor"], d["cap_m_s"])
    return np.rint(3.6 * wish) * d["cruise_on"]


SIGNALS: dict[str, Derived] = {
    "wheel_speed": lambda d: d["kmh"],
    "tachograph_speed": lambda d: d["kmh"] * (1.0 + 0.002 * d.quirk(1)),
    "engine_speed": lambda d: d["rpm"],
    "engine_torque": _percent_of_reference("indicated_nm"),
    "engine_demand_torque": _percent_of_reference("indicated_nm"),
    "engine_friction_torque": lambda d: 100.0 * d["running"] * d["friction_nm"] / d["reference_nm"],
    "engine_reference_torque": lambda d: d["reference_nm"],
    "engine_load": lambda d: np.minimum(
        100.0 * np.maximum(d["gross_nm"], 0.0) / np.maximum(d["full_nm"], 1.0), 100.0
    ),
    "engine_available_torque": lambda d: 100.0 * d["running"] * d["full_nm"] / d["reference_nm"],
    "engine_torque_mode": _torque_mode,
    "engine_power": lambda d: d["gross_nm"] * d["rpm"] * (WATTS_PER_TORQUE_RPM * 1e-3),
    "accelerator_pedal": lambda d: 100.0 * d["pedal"],
    "kickdown_switch": lambda d: d["kickdown"],
    "idle_switch": lambda d: d["ignition"] * (d["pedal"] == 0.0),
    "brake_switch": lambda d: d["braking"],
    "brake_pedal": lambda d: d["brake_pct"],
    "clutch_switch": lambda d: d["clutch_open"] * d["driving"],
    "park_brake": lambda d: d["parked"],
    "retarder_torque": _retarder,
    "engine_brake_torque": lambda d: (
        100.0
        * np.maximum(d["torque"] / (ENGINE_BRAKE_SHARE * d["reference_nm"]), -1.0)
        * d["engine_braking"]
    ),
    "retarder_lever": lambda d: 20.0 * np.ceil(-_retarder(d) / 20.0),
    "cruise_active": lambda d: d["cruising"],
    "cruise_enabled": lambda d: d["cruise_on"],
    "cruise_set_speed": _set_speed,
    "cruise_state": lambda d: d["cruising"] * np.where(d["acceleration"] > 0.15, 2.0, 1.0),
    "lead_vehicle_distance": lambda d: np.where(
        d["lead"] > 0,
        np.minimum(8.0 + d["speed"] * (2.1 + 0.5 * np.sin(d["time_s"] / 19.0)), SENSOR_RANGE_M),
        SENSOR_RANGE_M,
    ),
    "lead_vehicle_speed": lambda d: (
        d["lead"] * np.maximum(d["kmh"] * (1.0 + 0.02 * np.cos(d["time_s"] / 19.0)), 0.0)
    ),
    "acc_mode": lambda d: d["cruising"] * (1.0 + d["lead"]),
    "aebs_state": _aebs,
    "lane_departure_left": lambda d: d["moving"] * (d["kmh"] > 60) * d.chance(2e-4, 4, lasting_s=2),
    "lane_departure_right": lambda d: (
        d["moving"] * (d["kmh"] > 60) * d.chance(4e-4, 5, lasting_s=2)
    ),
    "abs_active": lambda d: d["abs"],
    "asr_active": lambda d: (d["load"] > 0.9) & (d["speed"] < 3.0) & (d["rain"] > 0.3),
    "esc_active": lambda d: np.abs(d["lateral"]) > 2.05,
    "longitudinal_acceleration": lambda d: d["acceleration"],
    "lateral_acceleration": lambda d: -d["lateral"],
    "vertical_acceleration": lambda d: (
        0.02 * d["speed"] * np.sin(1.7 * d["position"]) + d.jitter(0.01) * d["speed"]
    ),
    "yaw_rate": lambda d: np.rad2deg(-d["speed"] * d["curvature_m"]),
    "steering_angle": lambda d: (
        -STEERING_RATIO * np.rad2deg(np.arctan(WHEELBASE_M * d["curvature_m"]))
    ),
    "gear_current": lambda d: d["gear"],
    "gear_selected": lambda d: np.where(d["docking"] > 0, -1.0, d["gear"]),
    "gear_ratio": lambda d: d["ratio"] * (d["gear"] > 0),
    "output_shaft_speed": lambda d: d["speed"] * d["shaft_per_m"] * RPM_PER_RAD_S,
    "driveline_engaged": lambda d: (d["gear"] > 0) & (d["clutch_open"] == 0),
    "converter_lockup": lambda d: (d["gear"] > 0) & (d["clutch_open"] == 0),
    "shift_in_process": lambda d: d["shifting"],
    "eco_roll_active": lambda d: d["eco_roll"],
    "reverse": lambda d: d["docking"],
    "fuel_rate": lambda d: d["fuel_rate"],
    "fuel_economy": _economy,
    "odometer": lambda d: 1e-3 * d["distance_m"],
    "fuel_used_total": lambda d: d["fuel_l"],
    "ignition_on": lambda d: d["ignition"],
    "engine_running": lambda d: d["running"],
    "vehicle_moving": lambda d: d["moving"],
    "pto_state": lambda d: 5.0 * d["tipping"],
    "pto_engaged": lambda d: d["tipping"],
    "seat_belt_driver": lambda d: d["driving"] * ~d.chance(0.02, 6, lasting_s=1800),
    "turn_left": lambda d: d["driving"] * (d["curvature_m"] < -TURN_CURVATURE_M),
    "turn_right": lambda d: d["driving"] * (d["curvature_m"] > TURN_CURVATURE_M),
    "overspeed": lambda d: d["kmh"] > TACHOGRAPH_LIMIT_KMH,
    "driver1_working_state": _working_state,
    "driver2_working_state": lambda d: d["driving"] * (d.quirk(7) > 0.7),
    "driver1_present": lambda d: d["ignition"],
    "driver2_present": lambda d: d["ignition"] * (d.quirk(7) > 0.7),
    "tell_tale_red": lambda d: np.maximum(d["lamp_red"], d["bulb_check"]),
    "gross_combination_weight": lambda d: d["mass"],
    "coolant_temperature": lambda d: d["coolant_c"],
    "ambient_temperature": lambda d: d["wet_c"],
    "barometric_pressure": lambda d: d["pressure"],
}
