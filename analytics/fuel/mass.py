"""What a vehicle weighs that does not tell: by the pull its engine needs to speed up and to climb.

Between two long stands a load stays. There the engine's pull is m times what slope, speeding up
and rolling ask of a kilogram, and the air's share; the mass is the slope of that line, drawn
towards the usual one where little was asked. Road load is the class's, so the mass carries its
errors: some ten per cent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analytics.fuel import road_load
from analytics.fuel.auxiliaries import Auxiliaries
from analytics.fuel.physics import GRAVITY_M_S2
from analytics.spans import runs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analytics.fuel.drive import Drive

    Floats = NDArray[np.float64]

STAND_S = 300.0  # s; a stand so long may change the load
RIDGE_S = 60.0  # s of hard pulling that count as much as what is usual
ASKED_N_KG = 0.3  # N/kg; what pulling uphill or speeding up asks of a kilogram
USUAL_AUXILIARIES = Auxiliaries(constant_w=3_500.0, cubic_w=0.0)  # of a heavy truck (VECTO)
BETWEEN = (0.35, 1.8)  # of the usual mass: empty, and the heaviest there is


def estimated_mass_kg(drive: Drive, usual: road_load.RoadLoad) -> Floats:
    """Gross mass at each step, (n,) kg; as it was where nothing was asked of the engine.

    Args:
        drive: steps with the class's usual mass.
        usual: the class's road load.
    """
    rows = road_load.pulling(drive)
    if not rows.any():
        return drive.mass_kg
    one = np.ones(len(drive))
    speed = 0.5 * (drive.speed_m_s + drive.before_m_s)
    air = 0.5 * usual.drag_area_m2 * drive.air_kg_m3 * speed * speed
    turning = usual.engine_inertia_kg_m2 * np.nan_to_num(drive.rad_per_m) ** 2
    pull = road_load.pull_n(drive, USUAL_AUXILIARIES) - air - turning * drive.acceleration_m_s2
    climb = GRAVITY_M_S2 * drive.slope + (1 + road_load.ROTATING) * drive.acceleration_m_s2
    asked = usual.inverse_efficiency * climb + usual.rolling * GRAVITY_M_S2 * one
    weight = np.where(rows, drive.dt_s, 0.0)
    stretch = _stretches(drive)
    count = int(stretch.max()) + 1
    ridge = RIDGE_S * ASKED_N_KG * ASKED_N_KG
    mass = np.nan_to_num(drive.mass_kg)
    usual_kg = float(np.median(mass))
    moment = np.bincount(stretch, weight * asked * np.nan_to_num(pull), count)
    square = np.bincount(stretch, weight * asked * asked, count)
    found = (moment + ridge * usual_kg) / (square + ridge)
    return np.clip(found, BETWEEN[0] * usual_kg, BETWEEN[1] * usual_kg)[stretch]


def _stretches(drive: Drive) -> NDArray[np.intp]:
    """Which stretch between long stands each step belongs to."""
    standing = runs(~drive.moving)
    clock = np.concatenate([[0.0], np.cumsum(drive.dt_s)])
    long_ = clock[standing.stop] - clock[standing.first] >= STAND_S
    begins = np.zeros(len(drive) + 1, dtype=np.intp)
    # The stand itself still has the old load, as far as anybody knows.
    begins[standing.stop[long_]] = 1
    begins[:-1][drive.dt_s == 0] = 1
    begins[0] = 0
    return np.cumsum(begins[:-1])
