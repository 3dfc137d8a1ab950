"""The longitudinal model: what a truck's wheels need, and what air it drives through.

Wheel power P = v · (m·g·Crr + m·g·sin θ + ½·ρ·CdA·v² + m·(1+λ)·a); rolling is taken at cos θ = 1,
which on a 6 % slope is 0.2 % too much.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

GRAVITY_M_S2 = 9.81  # m/s², rounded as MOVES does
DIESEL_MJ_L = 35.8  # lower heating value of diesel, MJ/L (FIELD: P / (η·35.8))
GAS_CONSTANT_AIR = 287.05  # J/(kg·K), dry air (ICAO standard atmosphere)
STANDARD_C = 15.0  # °C at sea level (ICAO standard atmosphere)
STANDARD_KPA = 101.325  # kPa at sea level (ICAO standard atmosphere)
KELVIN = 273.15  # K at 0 °C
RAD_S_PER_RPM = 2 * np.pi / 60  # engine speed, rpm to rad/s
L_H_PER_KW = 3.6 / DIESEL_MJ_L  # fuel that carries one kW, L/h


def air_density_kg_m3(
    temperature_c: Floats | float, pressure_kpa: Floats | float
) -> NDArray[np.float64]:
    """Density of dry air, kg/m³ (ideal gas); where one of the two is NaN, the standard's counts."""
    warmth = np.where(np.isnan(temperature_c), STANDARD_C, temperature_c) + KELVIN
    pressure = np.where(np.isnan(pressure_kpa), STANDARD_KPA, pressure_kpa)
    return np.asarray(pressure * 1e3 / (GAS_CONSTANT_AIR * warmth), dtype=np.float64)


def wheel_force_n(
    *,
    mass_kg: Floats | float,
    speed_m_s: Floats | float,
    acceleration_m_s2: Floats | float,
    slope: Floats | float,
    air_kg_m3: Floats | float,
    rolling: Floats | float,
    drag_area_m2: Floats | float,
    rotating: Floats | float = 0.04,
) -> NDArray[np.float64]:
    """Force the wheels must give, N; negative where the vehicle must be held back.

    Args:
        mass_kg: gross combination mass.
        speed_m_s: road speed.
        acceleration_m_s2: its change.
        slope: rise over run; taken for the sine of the slope's angle.
        air_kg_m3: density of the air.
        rolling: Crr, dimensionless.
        drag_area_m2: CdA.
        rotating: λ, what turns, as part of the mass.
    """
    weight = np.asarray(mass_kg, dtype=np.float64) * GRAVITY_M_S2
    return np.asarray(
        weight * (np.asarray(rolling) + slope)
        + 0.5 * np.asarray(air_kg_m3) * drag_area_m2 * np.square(speed_m_s)
        + mass_kg * (1 + np.asarray(rotating)) * acceleration_m_s2,
        dtype=np.float64,
    )
