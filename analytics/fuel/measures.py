"""The figures fuel is judged by, as functions of sums: L/100 km, L/100 t·km, kg CO₂.

Ratios of sums, never means of ratios: a week's figure is that of its litres and its kilometres.
"""

from __future__ import annotations

from math import inf, nan

from analytics.fuel.prices import DIESEL_CO2_KG_L

LEAST_KM = 0.1
"""What drove less has no consumption by distance [km]: as trips."""


def litres_per_100_km(litres: float, km: float) -> float:
    """Litres for 100 km; NaN where either is not known, or it did not drive."""
    return 100.0 * litres / km if LEAST_KM <= km < inf else nan


def litres_per_100_t_km(litres: float, t_km: float) -> float:
    """Litres for moving a tonne over 100 km; NaN where either is not known, or nothing was moved.

    Args:
        litres: what was burnt, empty kilometres and all.
        t_km: tonnes times kilometres [t·km]: of the gross mass, or of the payload alone.
    """
    return 100.0 * litres / t_km if 0.0 < t_km < inf else nan


def co2_kg(litres: float, *, kg_l: float = DIESEL_CO2_KG_L) -> float:
    """Kilogrammes of CO₂ from burning so many litres.

    Args:
        litres: of fuel.
        kg_l: CO₂ of a litre [kg/L]: of diesel, tank to wheel, unless told otherwise; well to wheel
            it is 3.24 (EN 16258).
    """
    return litres * kg_l
