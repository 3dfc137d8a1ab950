"""Group counters: the truck's own totals, in the steps it counts, and its trip meters."""

import numpy as np

from simulator.view import Derived

SERVICE_KM = 60_000.0  # distance between two services
SERVICE_DAYS = 365.0  # time between two services


def _scaled(total: str, factor: float) -> Derived:
    return lambda d: factor * d[total]


def _hours(total: str) -> Derived:
    return _scaled(total, 1 / 3600.0)


SIGNALS: dict[str, Derived] = {
    "engine_hours": _hours("engine_s"),
    "idle_hours": _hours("standing_s"),
    "idle_fuel": _scaled("standing_l", 1.0),
    "total_fuel": _scaled("fuel_l", 1.0),
    "total_distance": _scaled("distance_m", 1e-3),
    "vehicle_hours": _hours("vehicle_s"),
    "pto_hours": _hours("pto_s"),
    "pto_fuel": _scaled("pto_l", 1.0),
    "engine_revolutions": _scaled("revolutions", 1.0),
    "cruise_hours": _hours("cruise_s"),
    "cruise_distance": _scaled("cruise_m", 1e-3),
    "cruise_fuel": _scaled("cruise_l", 1.0),
    "compression_brake_distance": _scaled("engine_brake_m", 1e-3),
    "driving_seconds": _scaled("moving_s", 1.0),
    "standing_seconds": _scaled("standing_s", 1.0),
    "driving_fuel": _scaled("moving_l", 1.0),
    "standing_fuel": _scaled("standing_l", 1.0),
    "coasting_seconds": _scaled("coasting_s", 1.0),
    "eco_roll_seconds": _scaled("eco_roll_s", 1.0),
    "top_gear_seconds": _scaled("top_gear_s", 1.0),
    "overspeed_seconds": _scaled("speeding_s", 1.0),
    "high_engine_speed_seconds": _scaled("high_rpm_s", 1.0),
    "high_torque_seconds": _scaled("high_torque_s", 1.0),
    "retarder_seconds": _scaled("retarder_s", 1.0),
    "brake_seconds": _scaled("brake_s", 1.0),
    "brake_distance": _scaled("brake_m", 1e-3),
    "brake_applications": _scaled("brakings", 1.0),
    "harsh_brakings": _scaled("harsh_brakings", 1.0),
    "harsh_accelerations": _scaled("harsh_starts", 1.0),
    "engine_starts": _scaled("engine_starts", 1.0),
    "gear_shifts": _scaled("shifts", 1.0),
    "abs_interventions": _scaled("abs_count", 1.0),
    "aebs_interventions": _scaled("aebs_count", 1.0),
    "fan_on_seconds": _scaled("fan_s", 1.0),
    "air_compressor_seconds": _scaled("compressor_s", 1.0),
    "reagent_used_total": _scaled("reagent_l", 1.0),
    "active_regenerations": _scaled("regenerations", 1.0),
    "passive_regenerations": _scaled("passive_count", 1.0),
    # Workshops request regenerations; the simulated trucks had theirs before they were seen.
    "manual_regenerations": lambda d: np.floor(2.0 + 2.0 * d.quirk(240)),
    "active_regeneration_seconds": _scaled("regeneration_s", 1.0),
    "passive_regeneration_seconds": _scaled("passive_s", 1.0),
    "regeneration_fuel": _scaled("regeneration_l", 1.0),
    "lifetime_fuel_rate": lambda d: 3600.0 * d["fuel_l"] / np.maximum(d["engine_s"], 1.0),
    "lifetime_fuel_economy": lambda d: 1e-3 * d["distance_m"] / np.maximum(d["fuel_l"], 1.0),
    "trip_distance": _scaled("trip_distance_m", 1e-3),
    "trip_fuel": _scaled("trip_fuel_l", 1.0),
    "trip_seconds": _scaled("trip_vehicle_s", 1.0),
    "trip_average_speed": lambda d: (
        3.6 * d["trip_distance_m"] / np.maximum(d["trip_vehicle_s"], 1.0)
    ),
    "trip_maximum_speed": _scaled("trip_max_kmh", 1.0),
    "service_distance": lambda d: (
        SERVICE_KM * (0.1 + 0.9 * (d.quirk(242) + 1) / 2)
        - 1e-3 * (d["distance_m"] - d["first_distance_m"])
    ),
    "service_days": lambda d: np.ceil(
        SERVICE_DAYS * (0.1 + 0.9 * (d.quirk(243) + 1) / 2) - d["time_s"] / 86_400.0
    ),
    "service_due": lambda d: (
        1e-3 * (d["distance_m"] - d["first_distance_m"])
        > SERVICE_KM * (0.1 + 0.9 * (d.quirk(242) + 1) / 2)
    ),
}
