"""The tell-tales of rFMS 4.0, and which signals say that one of them is lit."""

from __future__ import annotations

from dataclasses import dataclass

STANDARD = frozenset(
    {
        "COOLING_AIR_CONDITIONING",
        "HIGH_BEAM_MAIN_BEAM",
        "LOW_BEAM_DIPPED_BEAM",
        "TURN_SIGNALS",
        "HAZARD_WARNING",
        "PROVISIONING_HANDICAPPED_PERSON",
        "PARKING_BRAKE",
        "BRAKE_MALFUNCTION",
        "HATCH_OPEN",
        "FUEL_LEVEL",
        "ENGINE_COOLANT_TEMPERATURE",
        "BATTERY_CHARGING_CONDITION",
        "ENGINE_OIL",
        "POSITION_LIGHTS",
        "FRONT_FOG_LIGHT",
        "REAR_FOG_LIGHT",
        "PARKING_HEATER",
        "ENGINE_MIL_INDICATOR",
        "SERVICE_CALL_FOR_MAINTENANCE",
        "TRANSMISSION_FLUID_TEMPERATURE",
        "TRANSMISSION_MALFUNCTION",
        "ANTI_LOCK_BRAKE_FAILURE",
        "WORN_BRAKE_LININGS",
        "WINDSCREEN_WASHER_FLUID",
        "TIRE_MALFUNCTION",
        "GENERAL_FAILURE",
        "ENGINE_OIL_TEMPERATURE",
        "ENGINE_OIL_LEVEL",
        "ENGINE_COOLANT_LEVEL",
        "STEERING_FLUID_LEVEL",
        "STEERING_FAILURE",
        "HEIGHT_CONTROL",
        "RETARDER",
        "ENGINE_EMISSION_FAILURE",
        "ESC_INDICATOR",
        "BRAKE_LIGHTS",
        "ARTICULATION",
        "STOP_REQUEST",
        "PRAM_REQUEST",
        "BUS_STOP_BRAKE",
        "ADBLUE_LEVEL",
        "RAISING",
        "LOWERING",
        "KNEELING",
        "ENGINE_COMPARTMENT_TEMPERATURE",
        "AUXILLARY_AIR_PRESSURE",
        "AIR_FILTER_CLOGGED",
        "FUEL_FILTER_DIFF_PRESSURE",
        "SEAT_BELT",
        "EBS",
        "LANE_DEPARTURE_INDICATOR",
        "ADVANCED_EMERGENCY_BREAKING",
        "ACC",
        "TRAILER_CONNECTED",
        "ABS_TRAILER",
        "AIRBAG",
        "EBS_TRAILER_1_2",
        "TACHOGRAPH_INDICATOR",
        "ESC_SWITCHED_OFF",
        "LANE_DEPARTURE_WARNING_SWITCHED_OFF",
        "ENGINE_EMISSION_FILTER_SOOT_FILTER",
        "ELECTRIC_MOTOR_FAILURES",
        "ADBLUE_TAMPERING",
        "MULTIPLEX_SYSTEM",
        "BATTERY_PACK",
        "HIGH_VOLTAGE_SYSTEM_CAUTION",
        "BATTERY_PACK_TEMPERATURE",
        "LIMITED_PERFORMANCE_ELECTRIC_MOTOR",
        "BATTERY_PACK_COOLING",
    }
)
"""As the standard spells them; every other is an OEM_SPECIFIC_TELL_TALE."""

OFF = "OFF"

STATES = frozenset({"RED", "YELLOW", "INFO", OFF, "NOT_AVAILABLE"})


@dataclass(frozen=True, kw_only=True, slots=True)
class TellTale:
    """A tell-tale and the switch that lights it.

    Attributes:
        signal: its catalogue name; anything but 0 is lit.
        name: as rFMS calls it, or a name of ours where the standard has none.
        lit: its state while lit: RED, YELLOW or INFO.
        reported: whether its change is worth a report. Lights come and go with every tunnel.
    """

    signal: str
    name: str
    lit: str
    reported: bool = True


TELL_TALES = (
    TellTale(signal="tell_tale_red", name="GENERAL_FAILURE", lit="RED"),
    TellTale(signal="tell_tale_amber", name="GENERAL_FAILURE", lit="YELLOW"),
    TellTale(signal="tell_tale_mil", name="ENGINE_MIL_INDICATOR", lit="YELLOW"),
    TellTale(signal="tell_tale_protect", name="PROTECT_LAMP", lit="YELLOW"),
    TellTale(signal="fuel_level_low", name="FUEL_LEVEL", lit="YELLOW"),
    TellTale(signal="reagent_level_low", name="ADBLUE_LEVEL", lit="YELLOW"),
    TellTale(signal="dpf_lamp", name="ENGINE_EMISSION_FILTER_SOOT_FILTER", lit="YELLOW"),
    TellTale(signal="trailer_abs_warning", name="ABS_TRAILER", lit="YELLOW"),
    TellTale(signal="service_due", name="SERVICE_CALL_FOR_MAINTENANCE", lit="YELLOW"),
    TellTale(signal="park_brake", name="PARKING_BRAKE", lit="RED", reported=False),
    TellTale(signal="light_high_beam", name="HIGH_BEAM_MAIN_BEAM", lit="INFO", reported=False),
    TellTale(signal="light_low_beam", name="LOW_BEAM_DIPPED_BEAM", lit="INFO", reported=False),
    TellTale(signal="light_parking", name="POSITION_LIGHTS", lit="INFO", reported=False),
    TellTale(signal="light_fog_front", name="FRONT_FOG_LIGHT", lit="INFO", reported=False),
    TellTale(signal="light_fog_rear", name="REAR_FOG_LIGHT", lit="YELLOW", reported=False),
    TellTale(signal="light_hazard", name="HAZARD_WARNING", lit="INFO", reported=False),
    TellTale(signal="parking_heater", name="PARKING_HEATER", lit="INFO", reported=False),
)
"""The gravest of a name comes first: while it is lit, the others of that name say nothing."""
