"""What auxiliaries take off the crankshaft: by the engine's word, and what it does not know of.

The engine tells its parasitic losses (SPN 2978); fans and pumps take the cube of engine speed
(affinity laws), the alternator and the compressor about the same at any: P = p0 + p3·x³ with x in
1,000 rpm. What torque at idle is beyond that nobody tells of; it is taken for the same at any.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import maximum_filter1d, minimum_filter1d

from analytics.fuel import normal
from analytics.fuel.signals import HELD_S
from analytics.fuel.traces import usual_step_s

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analytics.fuel.drive import Drive

    Floats = NDArray[np.float64]

TERMS = 2
CELLS = normal.cells(TERMS)
LEAST_S = 60.0  # s; less tells nothing
STEADY = 1.1  # engine speed whose cube differs by more between told and used tells of another
SCALE = np.array([1.0, 1.0])
RIDGE_S = 1.0  # s; what little is needed to solve a vehicle that knew one speed only


@dataclass(frozen=True, kw_only=True, slots=True)
class Auxiliaries:
    """A vehicle's auxiliaries.

    Attributes:
        constant_w: what they take at any engine speed.
        cubic_w: what they take besides at 1,000 rpm, which grows with its cube.
    """

    constant_w: float
    cubic_w: float

    def at(self, rpm: Floats) -> Floats:
        """Their power at an engine speed, W."""
        x = rpm * 1e-3
        return np.asarray(self.constant_w + self.cubic_w * x * x * x, dtype=np.float64)

    def at_speed(self, rpm: float) -> float:
        """The same at one engine speed, W."""
        return self.constant_w + self.cubic_w * (rpm * 1e-3) ** 3


def told_sums(drive: Drive) -> Floats:
    """The sums of what the engine tells, (CELLS,); zeros where it tells nothing."""
    known = drive.running & np.isfinite(drive.parasitic_w) & (drive.dt_s > 0) & (drive.rpm > 0)
    rows = known & _steady(drive)
    x = drive.rpm[rows] * 1e-3
    return normal.sums(
        np.stack([np.ones(len(x)), x * x * x]), drive.parasitic_w[rows], drive.dt_s[rows]
    )


def _steady(drive: Drive) -> NDArray[np.bool_]:
    """Where engine speed was about the same for as long as a told torque may be held."""
    rows = max(round(HELD_S["engine_parasitic_losses"] / usual_step_s(drive)), 1)
    behind = {"size": rows, "origin": (rows - 1) // 2, "mode": "nearest"}
    least, most = minimum_filter1d(drive.rpm, **behind), maximum_filter1d(drive.rpm, **behind)
    return np.asarray(most <= STEADY * least)


def told_auxiliaries(told: Floats) -> Auxiliaries | None:
    """The auxiliaries that the engine tells of, by sums of `told_sums`; None: it tells nothing."""
    if told[-1] < LEAST_S:
        return None
    fit = normal.solve(told, TERMS, usual=np.zeros(TERMS), usual_weight=RIDGE_S, scale=SCALE)
    constant, cubic = fit.coefficients.tolist()
    return Auxiliaries(constant_w=constant, cubic_w=max(cubic, 0.0))


def auxiliaries_of(told: Floats, idle_w: float, idle_rpm: float) -> Auxiliaries:
    """A vehicle's auxiliaries.

    Args:
        told: sums of `told_sums`.
        idle_w: what torque at idle says they take.
        idle_rpm: at which speed that is.
    """
    known = told_auxiliaries(told)
    if known is None:
        return Auxiliaries(constant_w=idle_w, cubic_w=0.0)
    unknown_w = max(idle_w - known.at_speed(idle_rpm), 0.0)
    return Auxiliaries(constant_w=known.constant_w + unknown_w, cubic_w=known.cubic_w)
