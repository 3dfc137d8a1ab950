"""The signals fuel analysis reads beside those of behaviour, and for how long their values hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analytics.samples import SIGNALS, prepare

if TYPE_CHECKING:
    import pandas as pd

    from analytics.samples import SampleRules, Samples

TYRE_PRESSURES = tuple(
    f"tyre_pressure_{place}"
    for place in (
        "axle1_left",
        "axle1_right",
        "axle2_left_outer",
        "axle2_left_inner",
        "axle2_right_inner",
        "axle2_right_outer",
        "axle3_left_outer",
        "axle3_left_inner",
        "axle3_right_inner",
        "axle3_right_outer",
        "trailer_axle1_left",
        "trailer_axle1_right",
        "trailer_axle2_left",
        "trailer_axle2_right",
        "trailer_axle3_left",
        "trailer_axle3_right",
    )
)
"""Where tyre pressure is measured [kPa]."""

TYRE_TEMPERATURES = tuple(name.replace("pressure", "temperature") for name in TYRE_PRESSURES)
"""Temperature of the same tyres, told in the same message [°C] (J1939 PGN 65268)."""

HELD_S: dict[str, float] = {
    "gear_ratio": 0.0,
    "ambient_temperature": 30.0,
    "barometric_pressure": 30.0,
    "engine_parasitic_losses": 30.0,
    "fan_speed": 30.0,
    "air_conditioning": 30.0,
    "aftertreatment_fuel_rate": 30.0,
    "fuel_volume_1": 30.0,
    "fuel_volume_2": 30.0,
    "fuel_level_1": 30.0,
    "fuel_level_2": 30.0,
    "fuel_cap_1_open": 30.0,
    "fuel_cap_2_open": 30.0,
    "engine_reference_torque": 180.0,
} | dict.fromkeys(TYRE_PRESSURES + TYRE_TEMPERATURES, 180.0)
"""Signals besides those of behaviour, and how long a value holds [s]: three of its periods."""

FUEL_SIGNALS: tuple[str, ...] = (*SIGNALS, *HELD_S)
"""The catalogue signals that fuel analysis reads; any may be absent."""


def fuel_samples(signals: pd.DataFrame, rules: SampleRules | None = None) -> Samples:
    """Make one vehicle's rows ready for fuel analysis.

    Args:
        signals: as `analytics.samples.prepare` takes them, any of the columns FUEL_SIGNALS.
        rules: what a row stands for, and what no vehicle does.

    Raises:
        UnreadableSignalsError: the index is no time, or a column is no number.
    """
    return prepare(signals, rules, also=HELD_S)
