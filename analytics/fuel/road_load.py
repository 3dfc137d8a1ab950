"""What a vehicle's way costs its engine: rolling, air, mass and driveline, from its own seconds.

In steps in which the engine pulls through a closed clutch, its work over the way is
T·ω·dt / s = 1/η·(m·g·sin θ + m·a) + λ/η·m·a + J/η·i²·a + Crr/η·m·g + CdA/η·½·ρ·v² + P_aux/v,
and a part more in gears below the top one.
Everything is seen from the crankshaft, so the driveline's efficiency η stays in the coefficients:
what driving otherwise would have cost needs no more. The fit is linear and adds up over days.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from analytics.fuel import normal
from analytics.fuel.physics import GRAVITY_M_S2, RAD_S_PER_RPM

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analytics.fuel.auxiliaries import Auxiliaries
    from analytics.fuel.drive import Drive

    Floats = NDArray[np.float64]

TERMS = 5
LEAST_M_S = 4.0  # m/s; below, clutch and gear changes hide the road
LEAST_NM = 0.08  # part of the greatest torque; below, noise is as large as the pull
SCALE = np.array(
    [15_000.0, 3e5, 250.0, 300.0, 5_000.0]
)  # usual size of each term: N, N, N/m², rad²/(m·s²)
USUAL_WEIGHT_S = 60.0  # so many seconds count as much as what is usual of the class
LEAST_INVERSE = 0.9  # sensors of torque and weight that err against each other show as so much
LOWER = 1.08  # a gear that turns so much faster is not the top one
TOP_GEAR_SHARE = 0.005  # of the time in gear; less is a sensor's error
MOST_LOWER_LOSS = 0.05  # part of the work; two more pairs of gear wheels lose 1 to 3 %
ROTATING = 0.04  # λ: wheels and driveline as part of the mass (usual for trucks in a high gear)


@dataclass(frozen=True, kw_only=True, slots=True)
class RoadLoad:
    """A vehicle's road load, seen from the crankshaft.

    Attributes:
        inverse_efficiency: 1/η of the driveline.
        rolling: Crr/η.
        drag_area_m2: CdA/η.
        engine_inertia_kg_m2: J/η, what turns with the engine.
        lower_gear_loss: what any gear below the top one loses besides, as a part of the work.
        deviation_n: root mean square of the force that the fit does not explain.
        seconds: from how much driving it was learnt.
    """

    inverse_efficiency: float
    rolling: float
    drag_area_m2: float
    engine_inertia_kg_m2: float
    lower_gear_loss: float = 0.01
    deviation_n: float = float("nan")
    seconds: float = 0.0

    @classmethod
    def from_dict(cls, told: dict[str, Any]) -> Self:
        """As `dataclasses.asdict` wrote it."""
        return cls(**told)

    def coefficients(self) -> Floats:
        """As the fit has them."""
        return np.array(
            [
                self.inverse_efficiency,
                self.rolling,
                self.drag_area_m2,
                self.engine_inertia_kg_m2,
                self.lower_gear_loss,
            ]
        )


USUAL = {
    "heavy_truck": RoadLoad(
        inverse_efficiency=1.06, rolling=0.0068, drag_area_m2=6.5, engine_inertia_kg_m2=3.0
    ),
    "medium_truck": RoadLoad(
        inverse_efficiency=1.06, rolling=0.0080, drag_area_m2=3.2, engine_inertia_kg_m2=1.2
    ),
    "light_truck": RoadLoad(
        inverse_efficiency=1.07, rolling=0.0090, drag_area_m2=2.4, engine_inertia_kg_m2=0.6
    ),
    "bus": RoadLoad(
        inverse_efficiency=1.07, rolling=0.0080, drag_area_m2=4.5, engine_inertia_kg_m2=1.5
    ),
    "car": RoadLoad(
        inverse_efficiency=1.08, rolling=0.0100, drag_area_m2=0.75, engine_inertia_kg_m2=0.2
    ),
}
"""Where nothing is known of a vehicle: of the class (FIELD: MOVES implies Crr .0068 and CdA 7.0 for
long-haul combinations, .0075 and 2.7 for single units)."""


def pulling(drive: Drive) -> NDArray[np.bool_]:
    """Steps in which nothing but the engine moves the vehicle, through a closed clutch."""
    torque = drive.torque_nm
    greatest = np.nanmax(torque, initial=0.0, where=np.isfinite(torque))
    geared = drive.geared & np.concatenate([[False], drive.geared[:-1]])
    return np.asarray(
        geared
        & (drive.dt_s > 0)
        & (drive.way_m > 0)
        & (np.minimum(drive.speed_m_s, drive.before_m_s) > LEAST_M_S)
        & ~drive.braking
        & ~drive.pto
        & (torque > LEAST_NM * greatest)
    )


def pull_n(drive: Drive, auxiliaries: Auxiliaries) -> Floats:
    """Force the engine gives the road, seen from the crankshaft, without auxiliaries, N."""
    power = drive.torque_nm * drive.rpm * RAD_S_PER_RPM - auxiliaries.at(drive.rpm)
    work = power * drive.dt_s
    return np.divide(work, drive.way_m, out=np.zeros(len(drive)), where=drive.way_m > 0)


def terms(drive: Drive, rows: NDArray[np.bool_], usual: RoadLoad) -> Floats:
    """The terms of the fit, (5, rows); what a lower gear loses is a part of the usual force."""
    mass, acceleration = drive.mass_kg[rows], drive.acceleration_m_s2[rows]
    speed = 0.5 * (drive.speed_m_s[rows] + drive.before_m_s[rows])
    gear = drive.rpm[rows] * RAD_S_PER_RPM / drive.speed_m_s[rows]
    shares = np.stack(
        [
            mass * (GRAVITY_M_S2 * drive.slope[rows] + (1 + ROTATING) * acceleration),
            mass * GRAVITY_M_S2,
            0.5 * drive.air_kg_m3[rows] * speed * speed,
            gear * gear * acceleration,
        ]
    )
    force = usual.coefficients()[:4] @ shares
    return np.concatenate([shares, (force * is_lower(gear, top_gear(drive)))[None]])


def top_gear(drive: Drive) -> float:
    """Engine turns over the way in the highest gear that was driven in, rad/m."""
    gear = drive.rad_per_m[drive.geared]
    return float(np.quantile(gear, TOP_GEAR_SHARE)) if len(gear) else 0.0


def is_lower(gear: Floats, top: float) -> Floats:
    """1 where a gear is below the top one."""
    return np.asarray(gear > LOWER * top, dtype=np.float64)


def road_sums(drive: Drive, auxiliaries: Auxiliaries, usual: RoadLoad) -> Floats:
    """The sums of a day's fit, (cells,)."""
    rows = pulling(drive)
    return normal.sums(
        terms(drive, rows, usual), pull_n(drive, auxiliaries)[rows], drive.dt_s[rows]
    )


def solve(added: Floats, usual: RoadLoad) -> RoadLoad:
    """The road load of added sums; where the vehicle says little, what is usual holds."""
    fit = normal.solve(
        added, TERMS, usual=usual.coefficients(), usual_weight=USUAL_WEIGHT_S, scale=SCALE
    )
    inverse, rolling, drag, inertia, lower = fit.coefficients.tolist()
    return RoadLoad(
        inverse_efficiency=max(inverse, LEAST_INVERSE),
        rolling=max(rolling, 0.5 * usual.rolling),
        drag_area_m2=max(drag, 0.3 * usual.drag_area_m2),
        engine_inertia_kg_m2=max(inertia, 0.0),
        lower_gear_loss=min(max(lower, 0.0), MOST_LOWER_LOSS),
        deviation_n=fit.deviation,
        seconds=fit.weight,
    )
