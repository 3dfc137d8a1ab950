"""The systems of a vehicle, as a workshop divides it, and which of them a signal speaks of."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schemas.catalogue import Signal


class System(StrEnum):
    """A part of the vehicle with a job of its own."""

    ENGINE = "engine"
    FUEL_AFTERTREATMENT = "fuel_aftertreatment"
    DRIVETRAIN = "drivetrain"
    BRAKES = "brakes"
    TYRES = "tyres"
    CHASSIS = "chassis"
    ELECTRICS = "electrics"
    BODY = "body"
    DRIVER_ASSISTANCE = "driver_assistance"
    POSITION = "position"
    TACHOGRAPH = "tachograph"
    USAGE = "usage"


_BY_NAME = tuple(
    (system, re.compile(f"(?:{names})"))
    for system, names in (
        (System.TYRES, "tyre_"),
        (System.TACHOGRAPH, "tachograph_|driver[12]_"),
        (
            System.DRIVER_ASSISTANCE,
            (
                "cruise_(active|enabled|set_speed|state)|lead_vehicle_|acc_|aebs_(state|enabled)"
                "|lane_departure_|esc_active|driver_|blind_spot_|overspeed$|vehicle_speed_limiter"
            ),
        ),
        (
            System.BRAKES,
            (
                "brake_(?!seconds|distance|applications)|park_brake|parking_circuit|auxiliary_circuit"
                "|air_supply|air_compressor_active|abs_(?!interventions)|asr_|ebs_|vdc_|rollover_"
                "|yaw_brake|hill_holder|foundation_brake|emergency_braking|wheel_slip|trailer_abs_"
                "|retarder_(?!seconds)|engine_brake_torque"
            ),
        ),
        (
            System.DRIVETRAIN,
            (
                "gear_(?!shifts)|transmission_|clutch_|input_shaft|output_shaft|driveline|converter_"
                "|shift_in_process|eco_roll_active|reverse$|low_range|recommended_gear"
                "|pto_(?!hours|fuel)|diff_lock|drive_axle"
            ),
        ),
        (
            System.ELECTRICS,
            (
                "battery_|keyswitch_|charging_|alternator_|terminal_|modem_|ignition_|light_|defect_"
                "|turn_"
            ),
        ),
        (
            System.CHASSIS,
            (
                "gross_combination_weight|(longitudinal|lateral|vertical)_acceleration|yaw_rate"
                "|steering_angle"
            ),
        ),
        (System.BODY, "seat_belt_"),
        (System.FUEL_AFTERTREATMENT, "fuel_(?!used_total)"),
        (
            System.USAGE,
            "wheel_speed|odometer|fuel_used_total|vehicle_moving|front_axle_speed",
        ),
    )
)

_BY_GROUP: Mapping[str, System] = {
    "motion": System.ENGINE,
    "location": System.POSITION,
    "powertrain": System.ENGINE,
    "fuel_aftertreatment": System.FUEL_AFTERTREATMENT,
    "brakes_chassis": System.CHASSIS,
    "body_electrics": System.BODY,
    "counters": System.USAGE,
}
"""Of what no name above tells."""

TELL_TALES = (
    "tell_tale_red",
    "tell_tale_amber",
    "tell_tale_mil",
    "tell_tale_protect",
    "dpf_lamp",
    "exhaust_high_temperature_lamp",
    "ebs_red_warning",
    "abs_amber_warning",
    "trailer_abs_warning",
    "brake_temperature_warning",
    "fuel_level_low",
    "reagent_level_low",
)
"""Signals that are lamps on the dashboard; lit where they are not 0."""

RED = frozenset({"tell_tale_red", "ebs_red_warning", "engine_protection_shutdown"})
"""Signals that say: stop."""

WARNINGS = RED | {
    *TELL_TALES,
    "water_in_fuel",
    "fuel_leakage",
    "scr_inducement",
    "defect_low_beam",
    "defect_high_beam",
    "defect_brake_light",
    "tachograph_fault",
}
"""Signals of a system that want somebody to look where they are not 0."""


@cache
def system_of(signal: Signal) -> System | None:
    """The system a signal speaks of; None of lamps and counts that speak of all."""
    if signal.name.startswith("tell_tale_") or signal.name == "trouble_code_count":
        return None
    if signal.name.startswith("service_"):
        return None
    if signal.group not in {"counters", "location"}:
        for system, names in _BY_NAME:
            if names.match(signal.name):
                return system
    return _BY_GROUP.get(signal.group, System.BODY)
