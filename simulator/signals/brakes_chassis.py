"""Group brakes_chassis: air circuits, brakes by axle, wheels, loads, springs, tyres, trailer."""

import numpy as np

from simulator.faults import code_of
from simulator.view import Column, Derived, View

PRESSURE_FAULT = code_of(1087)  # brake circuit 1
FAULT_LOSS_KPA = 260.0  # pressure a leaking circuit lacks
BRAKE_WARNING_C = 380.0
TYRE_KPA = 850.0  # recommended pressure of a cold tyre
KELVIN = 273.15
COLD_TYRE_C = 15.0  # temperature the recommended pressure holds at
SIDES = {"left": 0, "right": 1}
AXLE_BRAKE = {1: 1.0, 2: 0.92, 3: 0.88}  # braking work of an axle over that of the first
TYRES = (
    "axle1_left", "axle1_right",
    "axle2_left_outer", "axle2_left_inner", "axle2_right_inner", "axle2_right_outer",
    "axle3_left_outer", "axle3_left_inner", "axle3_right_inner", "axle3_right_outer",
    "trailer_axle1_left", "trailer_axle1_right", "trailer_axle2_left", "trailer_axle2_right",
    "trailer_axle3_left", "trailer_axle3_right",
)  # fmt: skip


def _tyre_c(number: int) -> Derived:
    """Inner dual tyres and soft ones run warmer."""
    inner = 4.0 if "inner" in TYRES[number] else 0.0

    def column(d: View) -> Column:
        flex = (inner + 1.5 * d.quirk(100 + number)) * d["running"]
        return (
            d["tyre_c"]
            + flex
            + 12.0 * (1.0 - d["inflation"]) * (d["tyre_c"] - d["ambient_c"]) / 10.0
        )

    return column


def _tyre_kpa(number: int) -> Derived:
    """Gas law at constant volume from the cold filling pressure."""
    temperature = _tyre_c(number)

    def column(d: View) -> Column:
        cold = TYRE_KPA * d["inflation"] * (1.0 + 0.025 * d.quirk(120 + number)) + 101.3
        return cold * (temperature(d) + KELVIN) / (COLD_TYRE_C + KELVIN) - 101.3

    return column


def _lining(axle: int, side: int) -> Derived:
    def column(d: View) -> Column:
        worn = 4.5e-4 * d["brake_m"] * 1e-3 * (1.0 + 0.1 * d.quirk(150 + 2 * axle + side))
        return 100.0 - (worn * AXLE_BRAKE[axle] + 30.0 * (1.0 + d.quirk(160 + axle))) % 80.0

    return column


def _slip(axle: int, side: int) -> Derived:
    """Inner wheels turn slower in a bend; driven wheels gain a little under load."""
    sign = -1.0 if side == 0 else 1.0

    def column(d: View) -> Column:
        bend = -sign * d["kmh"] * d["curvature_m"] * 1.0
        drive = 0.004 * d["kmh"] * d["load"] if axle > 1 else 0.0
        return np.clip(bend + drive, -7.0, 7.0)

    return column


def _axle(column: str, number: int) -> Derived:
    """Load on an axle: its shares of the empty truck and of the cargo."""
    return lambda d: (
        d["mass_empty_kg"] * d[f"{column}{number}_empty"]
        + d["cargo_kg"] * d[f"{column}{number}_cargo"]
    )


def _circuit(loss_kpa: float, part: int) -> Derived:
    return lambda d: np.maximum(
        d["air_kpa"] - loss_kpa - 0.12 * d["brake_kpa"] - 6.0 * (1 + d.quirk(180 + part)), 0.0
    )


def _bellow(front: bool, side: int) -> Derived:
    def column(d: View) -> Column:
        load = d["mass_empty_kg"] * 0.2 + d["cargo_kg"] * (0.06 if front else 0.24)
        return (110.0 + load * (0.020 if front else 0.030)) * (
            1.0 + 0.02 * d.quirk(190 + side + 2 * front)
        )

    return column


def _first_circuit(d: View) -> Column:
    return np.asarray(
        np.maximum(_circuit(4.0, 1)(d) - FAULT_LOSS_KPA * (d["fault"] == PRESSURE_FAULT), 0.0)
    )


def _articulation(d: View) -> Column:
    """Trailer angle in a steady bend of the trailer's length of eight metres."""
    return np.rad2deg(np.arctan(8.0 * d["curvature_m"]))


_BY_WHEEL = {
    f"{name}_axle{axle}_{side}": make(axle, place)
    for name, make in (
        ("brake_lining", _lining),
        ("wheel_slip", _slip),
    )
    for axle in AXLE_BRAKE
    for side, place in SIDES.items()
}

SIGNALS: dict[str, Derived] = {
    "brake_circuit_1_pressure": _first_circuit,
    "brake_circuit_2_pressure": _circuit(10.0, 2),
    "parking_circuit_pressure": _circuit(60.0, 3),
    "auxiliary_circuit_pressure": _circuit(35.0, 4),
    "air_suspension_supply_pressure": _circuit(20.0, 5),
    "air_supply_pressure": lambda d: d["air_kpa"],
    "air_compressor_active": lambda d: d["pumping"],
    "brake_application_pressure": lambda d: d["brake_kpa"],
    **_BY_WHEEL,
    "brake_temperature_warning": lambda d: d["brake_disc_c"] > BRAKE_WARNING_C,
    "emergency_braking": lambda d: d["harsh"],
    "ebs_red_warning": lambda d: _first_circuit(d) < 550.0,
    "abs_amber_warning": lambda d: d["bulb_check"],
    "abs_fully_operational": lambda d: d["ignition"] - d["bulb_check"],
    "asr_brake_active": lambda d: (d["load"] > 0.95) & (d["speed"] < 2.0) & (d["rain"] > 0.3),
    "vdc_fully_operational": lambda d: d["running"],
    # Stability control acts on the few bends that are taken far too fast.
    "rollover_brake_control": lambda d: np.abs(d["lateral"]) > 2.1,
    "yaw_brake_control": lambda d: (np.abs(d["lateral"]) > 1.6) & (d["rain"] > 0.3),
    "hill_holder_active": lambda d: (d["speed"] == 0) & (d["driving"] > 0) & (d["slope"] > 0.004),
    "foundation_brake_in_use": lambda d: d["braking"],
    "front_axle_speed": lambda d: d["kmh"],
    **{f"axle{n}_weight": _axle("axle", n) for n in (1, 2, 3)},
    **{f"trailer_axle{n}_weight": _axle("trailer_axle", n) for n in (1, 2, 3)},
    "powered_vehicle_weight": lambda d: d["mass"] - d["trailer_kg"],
    "trailer_weight": lambda d: d["trailer_kg"],
    "cargo_weight": lambda d: d["cargo_kg"],
    "bellow_pressure_front_left": _bellow(True, 0),
    "bellow_pressure_front_right": _bellow(True, 1),
    "bellow_pressure_rear_left": _bellow(False, 0),
    "bellow_pressure_rear_right": _bellow(False, 1),
    "lift_axle_1_up": lambda d: d["cargo_kg"] < 0.1 * (d["mass_max_kg"] - d["mass_empty_kg"]),
    "lift_axle_2_up": lambda d: d["cargo_kg"] < 0.05 * (d["mass_max_kg"] - d["mass_empty_kg"]),
    **{f"tyre_pressure_{place}": _tyre_kpa(n) for n, place in enumerate(TYRES)},
    **{f"tyre_temperature_{place}": _tyre_c(n) for n, place in enumerate(TYRES)},
    "trailer_connected": lambda d: d["trailer_share_empty"] > 0,
    "trailer_abs_active": lambda d: d["abs"],
    "trailer_abs_warning": lambda d: d["bulb_check"],
    "fifth_wheel_locked": lambda d: d["trailer_share_empty"] > 0,
    "articulation_angle": _articulation,
}
