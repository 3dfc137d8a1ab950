"""Group body_electrics: batteries, doors, lights, climate, driver monitoring, lamps, terminal."""

import numpy as np

from schemas.wire import Lamp
from simulator.faults import FAULTS, code_of
from simulator.state import Phase
from simulator.thermal import REEFER_C
from simulator.view import Column, Derived, View

CHARGING_V = 28.1  # set voltage of the alternator
RESTING_V = 25.6  # 24 V battery, full, at rest
VOLTAGE_FAULT = code_of(168)  # battery voltage
FAULT_LOSS_V = 3.6
LIGHTS_A = 14.0
PULLEY = 3.0  # alternator to engine speed
REFRIGERANT_IDLE_KPA = 620.0
LIMITER_KMH = 90.0  # speed limiter of Chinese heavy trucks as set ex works (GB 7258 asks for one)
SIGNAL_DBM = -78.0


def _lamp(lamp: Lamp) -> Derived:
    """Lit by an active fault of that lamp, and by the lamp check before the engine starts."""
    codes = [number for number, fault in enumerate(FAULTS, start=1) if fault.lamp is lamp]
    return lambda d: np.isin(d["fault"], codes) | (d["bulb_check"] > 0)


def _voltage(d: View) -> Column:
    rest = RESTING_V - 0.02 * (100.0 - d["charge_pct"])
    live = CHARGING_V - 0.004 * np.maximum(d["battery_c"] - 25.0, 0.0)
    volt = np.where(d["running"] > 0, live, rest - 0.4 * d["ignition"])
    return np.asarray(volt - FAULT_LOSS_V * (d["fault"] == VOLTAGE_FAULT))


def _load_a(d: View) -> Column:
    return d["ignition"] * (24.0 + LIGHTS_A * d["light"] + 16.0 * _cooling(d))


def _alternator_a(d: View) -> Column:
    return d["running"] * (_load_a(d) + 0.9 * np.maximum(98.0 - d["charge_pct"], 0.0))


def _cooling(d: View) -> Column:
    return d["running"] * (d["ambient_c"] > 22.0)


def _resting(d: View) -> Column:
    """Key off with the driver aboard."""
    return np.asarray(d["climbing"] * (d["running"] == 0))


def _reefer_k(d: View) -> Column:
    """How much warmer or colder than most loads this vehicle's are kept."""
    return np.rint(3.0 * d.quirk(218))


def _beam(d: View) -> Column:
    return d["light"] * d["running"]


def _unloading(d: View) -> Column:
    return np.asarray(d["phase"] == Phase.WAITING)


def _defect(number: int) -> Derived:
    """A bulb that is broken for a day on one truck in three hundred."""
    return lambda d: d["ignition"] * d.chance(1 / 300, number, lasting_s=86_400)


def _fatigue(d: View) -> Column:
    tired = 12.0 + 45.0 * np.clip(d["trip_vehicle_s"] / 14_400.0, 0.0, 1.2) + 15.0 * d["dark"]
    return np.minimum(d["driving"] * tired, 100.0)


def _time_state(d: View) -> Column:
    hours = d["trip_vehicle_s"] / 3600.0
    return np.select([hours > 4.5, hours > 4.25], [2.0, 1.0], 0.0)


def _fault_count(d: View) -> Column:
    return 1.0 * (d["fault"] > 0)


SIGNALS: dict[str, Derived] = {
    "battery_voltage": _voltage,
    "battery_2_voltage": lambda d: _voltage(d) - 0.05,
    "keyswitch_voltage": lambda d: d["ignition"] * (_voltage(d) - 0.15),
    "charging_voltage": lambda d: np.where(d["running"] > 0, _voltage(d) + 0.1, _voltage(d) - 0.1),
    "battery_current": lambda d: _alternator_a(d) - _load_a(d) - 0.8,
    "battery_state_of_charge": lambda d: d["charge_pct"],
    "battery_temperature": lambda d: d["battery_c"],
    "alternator_current": _alternator_a,
    "alternator_speed": lambda d: PULLEY * d["rpm"],
    "alternator_temperature": lambda d: d["alternator_c"],
    "alternator_charging": lambda d: d["running"],
    "door_driver_open": lambda d: d["climbing"],
    "door_driver_locked": lambda d: d["driving"] * (d["kmh"] > 15.0),
    "door_passenger_open": lambda d: d["climbing"] * (d.quirk(210) > 0.6),
    "door_passenger_locked": lambda d: d["ignition"],
    "hood_open": lambda d: (d["phase"] == Phase.WAKING) & d.chance(0.2, 211, lasting_s=86_400),
    "cab_unlocked": lambda d: (
        (d["phase"] == Phase.AFTERRUN) & d.chance(0.005, 212, lasting_s=86_400)
    ),
    "cargo_door_rear_open": lambda d: _unloading(d) | (d["climbing"] * (d["cargo_kg"] == 0) > 0),
    "cargo_door_rear_locked": lambda d: d["driving"],
    "cargo_door_side_open": lambda d: _unloading(d) & (d.quirk(213) > 0.0),
    "tail_lift_in_use": lambda d: _unloading(d) & d.chance(0.4, 214, lasting_s=60),
    "body_raised": lambda d: d["tipping"],
    "cargo_temperature_front": lambda d: np.where(
        d.quirk(215) > 0, d["reefer_c"] + _reefer_k(d), d["cargo_c"]
    ),
    "cargo_temperature_rear": lambda d: np.where(
        d.quirk(215) > 0, d["reefer_c"] + _reefer_k(d) + 1.2, d["cargo_c"] + 0.8
    ),
    "reefer_set_temperature": lambda d: REEFER_C + _reefer_k(d),
    "reefer_running": lambda d: d["running"] * (d.quirk(215) > 0),
    "light_low_beam": _beam,
    "light_high_beam": lambda d: _beam(d) * (d["limit"] > 16.0) * d.chance(0.2, 216, lasting_s=180),
    "light_running": lambda d: d["running"] * (1.0 - d["light"]),
    "light_parking": lambda d: d["light"],
    "light_fog_front": lambda d: d["running"] * (d["rain"] > 0.7),
    "light_fog_rear": lambda d: d["running"] * (d["rain"] > 0.85),
    "light_backup": lambda d: d["docking"],
    "light_hazard": lambda d: np.maximum(d["harsh"], d["driving"] * (d["lamp_red"] > 0)),
    "light_work": lambda d: np.maximum(d["tipping"], 1.0 * _unloading(d)) * d["dark"],
    "defect_low_beam": _defect(220),
    "defect_high_beam": _defect(221),
    "defect_brake_light": _defect(222),
    "wiper_mode": lambda d: (
        d["running"]
        * np.select([d["rain"] > 0.7, d["rain"] > 0.4, d["rain"] > 0.0], [3.0, 2.0, 4.0], 0.0)
    ),
    "washer_level": lambda d: 55.0 + 40.0 * d.quirk(225),
    "rain_intensity": lambda d: 100.0 * d["rain"],
    "cab_temperature": lambda d: d["cab_c"],
    "hvac_set_temperature": lambda d: 23.0 + np.rint(2.0 * d.quirk(227)) / 2.0,
    "air_conditioning": _cooling,
    "refrigerant_pressure": lambda d: (
        REFRIGERANT_IDLE_KPA + _cooling(d) * (500.0 + 28.0 * (d["ambient_c"] - 20.0))
    ),
    "parking_heater": lambda d: _resting(d) * (d["ambient_c"] < 5.0),
    "parking_cooler": lambda d: _resting(d) * (d["ambient_c"] > 28.0),
    "seat_belt_passenger": lambda d: d["driving"] * (d.quirk(210) > 0.6),
    "driver_fatigue": _fatigue,
    "driver_distraction": lambda d: d["driving"] * (4.0 + 60.0 * d.chance(0.01, 228, lasting_s=20)),
    "driver_monitor_warning": lambda d: d["driving"] * d.chance(0.01, 228, lasting_s=20),
    "lane_departure_enabled": lambda d: d["running"] * (d.quirk(229) > -0.8),
    "aebs_enabled": lambda d: d["running"],
    "blind_spot_warning": lambda d: (
        d["moving"] * (d["kmh"] < 60) * d.chance(0.01, 230, lasting_s=10)
    ),
    "acc_set_speed": lambda d: (
        d["cruise_on"] * np.rint(3.6 * np.minimum(d["limit"] * d["limit_factor"], d["cap_m_s"]))
    ),
    "vehicle_speed_limiter": lambda d: np.maximum(LIMITER_KMH, np.rint(3.6 * d["cap_m_s"])),
    "tell_tale_amber": _lamp(Lamp.AMBER_WARNING),
    "tell_tale_mil": _lamp(Lamp.MALFUNCTION_INDICATOR),
    "tell_tale_protect": _lamp(Lamp.PROTECT),
    "trouble_code_count": _fault_count,
    "tachograph_fault": lambda d: d["ignition"] * d.chance(1e-4, 234, lasting_s=3600),
    "tachograph_event": lambda d: d["ignition"] * d.chance(2e-4, 232, lasting_s=600),
    "driver1_time_state": _time_state,
    "driver2_time_state": lambda d: _time_state(d) * (d.quirk(7) > 0.7),
    "modem_signal_strength": lambda d: (
        SIGNAL_DBM + 9.0 * np.sin(d["distance_m"] / 4100.0 + d["index"])
    ),
    "modem_connected": lambda d: ~d.chance(0.004, 233, lasting_s=300),
    "terminal_voltage": lambda d: _voltage(d) - 0.2,
    "terminal_temperature": lambda d: d["terminal_c"],
}
