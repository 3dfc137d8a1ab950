"""What an engine burns for its torque: a Willans surface, fitted to the vehicle's own seconds.

Fuel a radian is taken as a polynomial in engine speed x (1,000 rpm) and indicated torque y
(1,000 Nm): b0 + b1·y + b2·x·y + b3·x²·y + b4·y² + b5·x·y² + b6·y³. Indicated torque is SPN 513:
what the burning gives, friction included, so that a cold engine needs no model of its own. The fit
is linear: its normal equations add up over days.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analytics.fuel.physics import DIESEL_MJ_L, RAD_S_PER_RPM

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analytics.fuel.drive import Drive

    Floats = NDArray[np.float64]

TERMS = 7
"""Coefficients of the surface."""

LEAST_PART = 0.03
"""Torque of which part of the largest is burning at all: less is overrun and its noise."""

USUAL_EFFICIENCY = 0.45
"""Indicated efficiency of a truck's diesel, of fuel power to piston work: where nothing is known
of the vehicle (Heywood, Internal Combustion Engine Fundamentals: 0.42 to 0.5)."""

USUAL_L_PER_RAD = 1e3 / (USUAL_EFFICIENCY * DIESEL_MJ_L * 1e6)
"""Fuel a radian for 1,000 Nm at USUAL_EFFICIENCY, L."""

USUAL_WEIGHT_S = 300.0
"""So many seconds of driving count as much as what is usual."""


def terms(rpm: Floats, indicated_nm: Floats) -> Floats:
    """The terms of the surface times engine speed, (7, n), for coefficients in 1e-6 L/rad."""
    x, y = rpm * 1e-3, indicated_nm * 1e-3
    # L/rad · rad/s · 3600 s/h · 1e-6
    pace = rpm * (RAD_S_PER_RPM * 3600.0 * 1e-6)
    py = pace * y
    pyx = py * x
    pyy = py * y
    return np.stack([pace, py, pyx, pyx * x, pyy, pyy * x, pyy * y])


def burning(drive: Drive) -> NDArray[np.bool_]:
    """Rows that tell how much the engine burns for its torque."""
    indicated = drive.torque_nm + drive.friction_nm
    greatest = np.nanmax(indicated, initial=0.0, where=np.isfinite(indicated))
    return np.asarray(
        drive.running
        & (drive.dt_s > 0)
        & np.isfinite(drive.fuel_l_h)
        & (drive.fuel_l_h > 0)
        & (indicated > LEAST_PART * greatest)
    )


def usual() -> Floats:
    """Coefficients where nothing is known: constant efficiency."""
    coefficients = np.zeros(TERMS)
    coefficients[1] = USUAL_L_PER_RAD * 1e6
    return coefficients


def fuel_l_h(coefficients: Floats, rpm: Floats, indicated_nm: Floats) -> Floats:
    """Fuel at these speeds and torques, L/h; nothing where the engine is driven."""
    b = coefficients
    x, y = rpm * 1e-3, indicated_nm * 1e-3
    slope = b[1] + x * (b[2] + b[3] * x) + y * (b[4] + b[5] * x + b[6] * y)
    rate = rpm * (RAD_S_PER_RPM * 3600.0 * 1e-6) * (b[0] + y * slope)
    return np.asarray(np.where(indicated_nm > 0, np.maximum(rate, 0.0), 0.0))
