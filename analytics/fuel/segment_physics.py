"""Litres of a segment by physics alone: work at the wheels, a Willans line, idling.

Fuel energy = work / (driveline · indicated efficiency) + friction of the engine · time, where work
is that of the longitudinal model (`analytics.fuel.physics`) summed over the segment's steps, and
moved from the reference resistances of `analytics.fuel.segment_features` to the vehicle's own:
dW/dCrr = m·g·(way with positive work), dW/dCdA = ∫½·ρ·v² over that way. The sums are linear in
what a fleet's data can tell, so that `calibrate` is a small bounded least squares.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import lsq_linear

from analytics.fuel.physics import DIESEL_MJ_L, GRAVITY_M_S2
from analytics.fuel.segment_features import CRR_REFERENCE, DRAG_REFERENCE_M2_KG

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Segments = Mapping[str, Any] | pd.DataFrame

ROAD, DRIVEN, ENGINE = "road", "driven", "engine"
"""What litres are told from: what the road demands; also how it was driven; also the engine."""
VIEWS = (ROAD, DRIVEN, ENGINE)

ROLLED_OFF = 0.35  # part of a slow-down's kinetic energy that rolling on takes out, not brakes
TERMS: Mapping[str, tuple[str, ...]] = {
    ROAD: ("work", "square", "rolling", "drag", "lost", "moving", "standing", "distance"),
    DRIVEN: (
        "work",
        "square",
        "rolling",
        "drag",
        "held",
        "driven",
        "overrun",
        "standing",
        "distance",
    ),
    ENGINE: ("piston", "friction", "revolutions", "standing"),
}
NEEDED: Mapping[str, tuple[str, ...]] = {
    ROAD: (
        "steady_j_kg", "steady_w_j_kg2", "powered_m", "powered_drag_j_m2", "gained_j_kg",
        "lost_j_kg",
        "moving_s", "standing_s", "distance_km",
    ),
    DRIVEN: (
        "drive_j_kg", "drive_w_j_kg2", "held_j_kg", "driven_m", "driven_drag_j_m2", "driven_s",
        "moving_s", "standing_s", "distance_km",
    ),
    ENGINE: ("engine_mj", "friction_mj", "revolutions", "standing_s"),
}  # fmt: skip
PRIOR_WEIGHT = 50.0  # segments; so many say as much of a coefficient as what is published of it


@dataclass(frozen=True, kw_only=True, slots=True)
class VehicleNumbers:
    """What is published of a vehicle, or of its class.

    Attributes:
        mass_kg: gross combination mass where none is told.
        rolling: Crr.
        drag_area_m2: CdA.
        driveline: efficiency from crank to wheel.
        indicated: efficiency from fuel to piston, where it is best.
        friction_kw: fuel power that a turning engine takes for itself, kW.
        square_mw: fuel power that load costs more the higher it is, as part of its square, 1/MW.
        overrun: part of it that is burnt while the vehicle drives the engine; 0: injection is cut.
        auxiliary_kw: at the crank, mean.
        idle_l_h: warm idling, auxiliaries included.
        fuel_mj_l: lower heating value.
    """

    mass_kg: float
    rolling: float
    drag_area_m2: float
    driveline: float
    indicated: float
    friction_kw: float
    square_mw: float = 0.0
    overrun: float = 0.0
    auxiliary_kw: float
    idle_l_h: float
    fuel_mj_l: float = DIESEL_MJ_L


# Willans line of a truck diesel. NREL's published efficiency over load of its class-8 diesel (T3CO:
# .20 at .04, .33 at .1, .41 at .2, .44 at .4, .45 at 1) is 1 / (1/.469 + .09/load) within .02.
INDICATED = 0.469
FRICTION_OF_RATED = 0.09
CLASS_NUMBERS: Mapping[str, VehicleNumbers] = {
    # MOVES long-haul combination (.00676, 6.98 m²); 330 kW.
    "heavy_truck": VehicleNumbers(
        mass_kg=30_000.0, rolling=0.00676, drag_area_m2=6.5, driveline=0.95, indicated=INDICATED,
        friction_kw=30.0, auxiliary_kw=3.5, idle_l_h=2.4,
    ),
    # MOVES single unit (.0075, 2.67 m², which is low for a box: NREL's class 6 has 5); 150 kW.
    "medium_truck": VehicleNumbers(
        mass_kg=9_000.0, rolling=0.0075, drag_area_m2=4.0, driveline=0.94, indicated=0.45,
        friction_kw=13.5, auxiliary_kw=2.0, idle_l_h=1.4,
    ),
    # NREL's class 4 (FASTSim: .6078 · 8.7 m² = 5.3 is a high box), 110 kW.
    "light_truck": VehicleNumbers(
        mass_kg=4_000.0, rolling=0.009, drag_area_m2=3.0, driveline=0.93, indicated=0.44,
        friction_kw=10.0, auxiliary_kw=1.0, idle_l_h=1.0,
    ),
    # A city bus of 12 m, 200 kW, with climate and compressor.
    "bus": VehicleNumbers(
        mass_kg=12_000.0, rolling=0.008, drag_area_m2=5.0, driveline=0.88, indicated=0.45,
        friction_kw=18.0, auxiliary_kw=6.0, idle_l_h=2.2,
    ),
    # FASTSim's Camry-sized cars: CdA .65, Crr .008 to .01; a spark engine's best is about .37.
    "car": VehicleNumbers(
        mass_kg=1_600.0, rolling=0.009, drag_area_m2=0.65, driveline=0.90, indicated=0.40,
        friction_kw=6.0, auxiliary_kw=0.5, idle_l_h=0.8,
    ),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SegmentPhysics:
    """Physics of one class of vehicle in one view.

    Attributes:
        view: ROAD, DRIVEN or ENGINE.
        numbers: what is published.
        coefficients: (terms,) litres a unit of each of TERMS[view]; those that `numbers` imply
            until `calibrated`.
        segments: how many the coefficients were calibrated with.
    """

    view: str
    numbers: VehicleNumbers
    coefficients: Floats = field(default_factory=lambda: np.empty(0))
    segments: int = 0

    @classmethod
    def published(cls, view: str, numbers: VehicleNumbers) -> SegmentPhysics:
        """Physics by what is published and nothing else."""
        return cls(view=view, numbers=numbers, coefficients=_published(view, numbers))

    def litres(self, segments: Segments) -> Floats:
        """Litres of each segment for driving and for standing that traffic imposes, (n,)."""
        found = np.maximum(self.terms(segments) @ self.coefficients, 0.0)
        return np.asarray(found, dtype=np.float64)

    def terms(self, segments: Segments) -> Floats:
        """(n, terms) what litres are made of: MJ, hours and hundreds of kilometres.

        Args:
            segments: columns of analytics.fuel.segments.SEGMENT_COLUMNS by name; mass_t may be
                NaN or absent.
        """
        get = _Columns(segments)
        hours = 1.0 / 3600.0
        standing = get("standing_s") * hours
        if self.view == ENGINE:
            return np.column_stack(
                [get("engine_mj"), get("friction_mj"), get("revolutions") / 1e5, standing]
            )
        mass = 1000.0 * get("mass_t") if "mass_t" in segments else np.full(len(standing), np.nan)
        mass = np.where(np.isnan(mass), self.numbers.mass_kg, mass)
        if self.view == ROAD:
            specific = get("steady_j_kg") + get("gained_j_kg") - ROLLED_OFF * get("lost_j_kg")
            way, drag = get("powered_m"), get("powered_drag_j_m2")
            reference, power = get("steady_j_kg"), get("steady_w_j_kg2")
        else:
            specific = reference = get("drive_j_kg")
            way, drag, power = get("driven_m"), get("driven_drag_j_m2"), get("drive_w_j_kg2")
        rolling = mass * GRAVITY_M_S2 * way / 1e6
        drag = drag / 1e6
        own = (self.numbers.rolling - CRR_REFERENCE) * rolling + (
            self.numbers.drag_area_m2 - DRAG_REFERENCE_M2_KG * mass
        ) * drag
        work = mass * specific / 1e6 + own
        # Power grows as work does when resistances are the vehicle's own.
        grown = np.zeros(len(work))
        np.divide(1e6 * own, mass * reference, out=grown, where=reference > 0)
        square = mass**2 * power / 1e12 * np.clip(1 + grown, 0.25, 4.0) ** 2
        distance = get("distance_km") / 100.0
        if self.view == ROAD:
            lost, moving = mass * get("lost_j_kg") / 1e6, get("moving_s") * hours
            return np.column_stack([work, square, rolling, drag, lost, moving, standing, distance])
        driven = get("driven_s") * hours
        overrun = np.maximum(get("moving_s") * hours - driven, 0.0)
        held = mass * get("held_j_kg") / 1e6
        return np.column_stack(
            [work, square, rolling, drag, held, driven, overrun, standing, distance]
        )

    def calibrated(self, sums: CalibrationSums) -> SegmentPhysics:
        """Physics whose coefficients fit the segments summed up, within what nature allows."""
        usual = _published(self.view, self.numbers)
        low, high = _bounds(self.view, usual, self.numbers)
        scale = np.sqrt(np.diag(sums.gram) / max(sums.weight, 1e-9))
        ridge = np.diag(PRIOR_WEIGHT * sums.weight / max(sums.segments, 1) * scale**2 + 1e-12)
        gram, moment = sums.gram + ridge, sums.moment + ridge @ usual
        # ‖L'x − L⁻¹b‖² has the same minimum as the sums of all rows.
        lower = np.linalg.cholesky(gram)
        found = lsq_linear(lower.T, np.linalg.solve(lower, moment), bounds=(low, high))
        return SegmentPhysics(
            view=self.view,
            numbers=self.numbers,
            coefficients=np.asarray(found.x, dtype=np.float64),
            segments=sums.segments,
        )

    def to_dict(self) -> dict[str, Any]:
        """As plain numbers and text."""
        return {
            "view": self.view,
            "numbers": asdict(self.numbers),
            "coefficients": self.coefficients.tolist(),
            "segments": self.segments,
        }

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> SegmentPhysics:
        """What `to_dict` gave."""
        return cls(
            view=str(kept["view"]),
            numbers=VehicleNumbers(**kept["numbers"]),
            coefficients=np.array(kept["coefficients"], dtype=np.float64),
            segments=int(kept["segments"]),
        )


@dataclass(kw_only=True, slots=True, eq=False)
class CalibrationSums:
    """Normal equations of litres on terms, added up over any number of segments.

    Attributes:
        gram: (terms, terms).
        moment: (terms,).
        weight: of all segments.
        segments: how many.
    """

    gram: Floats
    moment: Floats
    weight: float = 0.0
    segments: int = 0

    @classmethod
    def of(cls, view: str) -> CalibrationSums:
        """Sums of nothing yet."""
        count = len(TERMS[view])
        return cls(gram=np.zeros((count, count)), moment=np.zeros(count))

    def add(self, terms: Floats, litres: Floats, weight: Floats) -> None:
        """Add segments: (n, terms), (n,), (n,)."""
        weighted = terms * weight[:, None]
        self.gram += weighted.T @ terms
        self.moment += weighted.T @ litres
        self.weight += float(weight.sum())
        self.segments += len(litres)


class _Columns:
    """Columns as float64, whatever they are kept as."""

    def __init__(self, segments: Segments) -> None:
        self._segments = segments

    def __call__(self, name: str) -> Floats:
        return np.asarray(self._segments[name], dtype=np.float64)


def _published(view: str, numbers: VehicleNumbers) -> Floats:
    """Coefficients, litres a unit of each term."""
    piston = 1.0 / (numbers.indicated * numbers.fuel_mj_l)
    litre_h_kw = 3.6 / numbers.fuel_mj_l
    if view == ENGINE:
        return np.array([piston, 0.0, 0.0, 0.0])
    work = piston / numbers.driveline
    turning = litre_h_kw * (numbers.friction_kw + numbers.auxiliary_kw / numbers.indicated)
    overrun = turning * numbers.overrun
    square = numbers.square_mw / numbers.driveline**2 / numbers.fuel_mj_l
    if view == ROAD:
        return np.array([work, square, 0.0, 0.0, 0.0, turning, numbers.idle_l_h, 0.0])
    return np.array([work, square, 0.0, 0.0, 0.0, turning, overrun, numbers.idle_l_h, 0.0])


def _bounds(
    view: str, usual: Sequence[float] | Floats, numbers: VehicleNumbers
) -> tuple[Floats, Floats]:
    """What nature allows: more work, time or way never saves; resistances stay positive."""
    work = usual[0]
    edges = {
        "work": (0.6 * work, 1.6 * work),
        "piston": (0.6 * work, 1.6 * work),
        "rolling": (-0.5 * numbers.rolling * work, 1.0 * numbers.rolling * work),
        "drag": (-0.5 * numbers.drag_area_m2 * work, 1.0 * numbers.drag_area_m2 * work),
        "lost": (-0.25 * work, ROLLED_OFF * work),
        # Work that is held back one second and needed the next is noise, or momentum well used.
        "held": (-0.5 * work, 0.0),
    }
    low, high = zip(*(edges.get(term, (0.0, np.inf)) for term in TERMS[view]), strict=True)
    return np.array(low), np.array(high)
