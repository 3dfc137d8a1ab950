"""From a source's unit to the catalogue's: value * scale + offset."""

from __future__ import annotations

from dataclasses import dataclass

MILE_KM = 1.609344
"""International mile [km] (1959 agreement)."""

POUND_FORCE_PER_INCH2_KPA = 6.894757
"""Pound-force per square inch [kPa] (NIST SP 811)."""

US_GALLON_L = 3.785411784
"""US gallon [L] (NIST SP 811)."""

DIESEL_KG_L = 0.835
"""Density of diesel at 15 °C [kg/L]: the middle of EN 590's 0.820-0.845."""

PETROL_KG_L = 0.745
"""Density of petrol at 15 °C [kg/L]: near the middle of EN 228's 0.720-0.775."""

SECONDS_PER_HOUR = 3600


@dataclass(frozen=True, slots=True)
class Conversion:
    """A linear change of units."""

    scale: float
    offset: float = 0.0


CONVERSIONS: dict[tuple[str, str], Conversion] = {
    ("m/s", "km/h"): Conversion(3.6),
    ("mph", "km/h"): Conversion(MILE_KM),
    ("m", "km"): Conversion(1e-3),
    ("mile", "km"): Conversion(MILE_KM),
    ("°F", "°C"): Conversion(5 / 9, -160 / 9),
    ("K", "°C"): Conversion(1.0, -273.15),
    ("bar", "kPa"): Conversion(100.0),
    ("psi", "kPa"): Conversion(POUND_FORCE_PER_INCH2_KPA),
    ("g/s", "kg/h"): Conversion(SECONDS_PER_HOUR / 1000),
    ("g/s diesel", "L/h"): Conversion(SECONDS_PER_HOUR / 1000 / DIESEL_KG_L),
    ("g/s petrol", "L/h"): Conversion(SECONDS_PER_HOUR / 1000 / PETROL_KG_L),
    ("cm³/s", "L/h"): Conversion(SECONDS_PER_HOUR / 1000),
    ("ml", "L"): Conversion(1e-3),
    ("US gal", "L"): Conversion(US_GALLON_L),
    ("g", "m/s²"): Conversion(9.80665),
    ("rad/s", "deg/s"): Conversion(57.29577951308232),
    ("fraction", "%"): Conversion(100.0),
    ("t", "kg"): Conversion(1000.0),
}
"""By (source's unit, catalogue's unit); the same unit on both sides needs none."""


def conversion(source: str, target: str) -> Conversion | None:
    """How to come from one unit to the other, None where no way is known."""
    return Conversion(1.0) if source == target else CONVERSIONS.get((source, target))
