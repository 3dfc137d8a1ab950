"""What a vehicle is, learnt from its own seconds: engine, road load, gears, auxiliaries.

Everything is learnt from sums that add up over days (`day_statistics`), so that four weeks of a
vehicle are a few thousand numbers, and a day that changed replaces its own.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from analytics.fuel import engine_map, normal, road_load
from analytics.fuel.auxiliaries import CELLS as AUXILIARY_CELLS
from analytics.fuel.auxiliaries import Auxiliaries, auxiliaries_of, told_auxiliaries, told_sums
from analytics.fuel.drive import drive_of
from analytics.fuel.gearing import CELLS as GEAR_CELLS
from analytics.fuel.gearing import Gearing, gear_sums
from analytics.fuel.idle import CELLS as IDLE_CELLS
from analytics.fuel.idle import at_idle, idle_sums
from analytics.fuel.replay import Replay, force_n
from analytics.fuel.road_load import RoadLoad
from analytics.fuel.signals import TYRE_PRESSURES
from analytics.fuel.style import BANDS, SUMS, style_sums

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analytics.fuel.drive import Drive
    from analytics.samples import Samples

    Floats = NDArray[np.float64]

STATS_VERSION = 7
"""Raised when the same day would give other sums, or in another order."""

FRICTION_TERMS = 3
TORQUE_BIN_NM = 125.0  # Nm; a greatest does not add up over days, how long each was given does
TORQUE_BINS = 32
TURN_BIN = 0.25  # rad/m
TURN_BINS = 80
FULL_LOAD_PART = 0.005  # of the time an engine gives more than what counts as its greatest

_SIZES = {
    "engine": normal.cells(engine_map.TERMS),
    "friction": normal.cells(FRICTION_TERMS),
    "road": normal.cells(road_load.TERMS),
    "told": AUXILIARY_CELLS,
    "idle": IDLE_CELLS,
    "torques": TORQUE_BINS,
    "turns": TURN_BINS,
    "gears": GEAR_CELLS,
    "style": len(SUMS),
    "speeds": 2 * BANDS,
    "tyres": 2 * len(TYRE_PRESSURES),
}
"""The parts of a day's sums, in their order."""

STAT_CELLS = sum(_SIZES.values())
"""Numbers a day's sums are."""

_AFTER = sum(_SIZES[name] for name in ("style", "speeds", "tyres"))

_ENDS = np.cumsum(list(_SIZES.values()))
PARTS = {
    name: slice(int(end) - size, int(end))
    for (name, size), end in zip(_SIZES.items(), _ENDS, strict=True)
}
"""Where each part stands."""

USUAL_MOST_NM = 2_200.0  # Nm; a 12-litre engine
LEAST_S = 30.0  # s; less tells nothing of gears and torques
ENGINE_SCALE = np.array([0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4]) * 1e-2
FRICTION_SCALE = np.array([1.0, 1.0, 1.0])
USUAL_FRICTION = np.array([60.0, 60.0, 20.0])  # Nm, Nm/krpm, Nm/krpm²: a 12-litre diesel (Heywood)


def day_statistics(samples: Samples, *, vehicle_class: str = "heavy_truck") -> Floats:
    """A day's sums, (STAT_CELLS,).

    Args:
        samples: of `analytics.fuel.signals.fuel_samples`.
        vehicle_class: whose usual road load what driving spares is measured on.
    """
    return sums_of(samples, drive_of(samples, vehicle_class=vehicle_class), vehicle_class)


def sums_of(samples: Samples, drive: Drive, vehicle_class: str) -> Floats:
    """The same of a drive that is there already."""
    if len(drive) == 0:
        return np.zeros(STAT_CELLS)
    usual = road_load.USUAL.get(vehicle_class, road_load.USUAL["heavy_truck"])
    idle = idle_sums(drive, samples["coolant_temperature"])
    standing = at_idle(idle)
    told = told_sums(drive)
    auxiliaries = auxiliaries_of(told, standing.beside_friction_w, standing.rpm)
    burning = engine_map.burning(drive)
    indicated = drive.torque_nm + drive.friction_nm
    gear = np.nan_to_num(drive.rad_per_m)
    force = force_n(drive, usual, drive.before_m_s, drive.speed_m_s, gear)
    found = {
        "engine": _engine_sums(drive, burning, indicated),
        "friction": _friction_sums(drive),
        "road": road_load.road_sums(drive, auxiliaries, usual),
        "told": told,
        "idle": idle,
        "torques": np.bincount(
            np.minimum((indicated[burning] / TORQUE_BIN_NM).astype(np.intp), TORQUE_BINS - 1),
            drive.dt_s[burning],
            TORQUE_BINS,
        ),
        "turns": np.bincount(
            np.minimum((gear[drive.geared] / TURN_BIN).astype(np.intp), TURN_BINS - 1),
            drive.dt_s[drive.geared],
            TURN_BINS,
        ),
        "gears": gear_sums(drive, np.maximum(force, 0.0) * drive.speed_m_s),
    }
    before = np.concatenate([*found.values(), np.zeros(_AFTER)])
    day = Replay(drive, calibrate(before, vehicle_class=vehicle_class))
    return np.concatenate([*found.values(), style_sums(samples, drive, usual, day)])


def _engine_sums(drive: Drive, burning: NDArray[np.bool_], indicated: Floats) -> Floats:
    return normal.sums(
        engine_map.terms(drive.rpm[burning], indicated[burning]),
        drive.fuel_l_h[burning],
        drive.dt_s[burning],
    )


def _friction_sums(drive: Drive) -> Floats:
    known = drive.running & np.isfinite(drive.friction_nm) & (drive.dt_s > 0)
    return normal.sums(
        _friction_terms(drive.rpm[known]), drive.friction_nm[known], drive.dt_s[known]
    )


def _friction_terms(rpm: Floats) -> Floats:
    x = rpm * 1e-3
    return np.stack([np.ones(len(x)), x, x * x])


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Calibration:
    """A vehicle.

    Attributes:
        engine: (7,) coefficients of `engine_map`.
        engine_deviation_l_h: what the map does not explain, root mean square.
        burning_s: from how much driving the map was learnt.
        friction: (3,) of friction torque over engine speed.
        road: its road load.
        beside_friction_w: its power at idle beside the friction it tells of.
        auxiliary_w: what its auxiliaries take at idle, friction on torque's own scale.
        auxiliaries: what they take at any engine speed, beside the friction it tells of.
        told: those of them that the engine knows of; None: it does not tell.
        idle_rpm: at which speed it idles.
        top_gear: engine turns over the way in its highest gear, rad/m.
        most_indicated_nm: the greatest torque that burning gives.
        gearing: in which gear it is driven.
        style: (SUMS,) how it was driven.
        speeds: (2·BANDS,) way, and way times speed, by the posted speed's band.
        tyres: (32,) seconds, and seconds times pressure, by the tyre's place.
        learnt: whether enough of it was seen; else what is usual of its class stands here.
    """

    engine: Floats
    engine_deviation_l_h: float
    burning_s: float
    friction: Floats
    road: RoadLoad
    beside_friction_w: float
    auxiliary_w: float
    auxiliaries: Auxiliaries
    told: Auxiliaries | None
    idle_rpm: float
    top_gear: float
    most_indicated_nm: float
    gearing: Gearing
    style: Floats
    speeds: Floats
    tyres: Floats
    learnt: bool

    def friction_nm(self, rpm: Floats) -> Floats:
        """Friction torque of the warm engine, Nm."""
        return np.asarray(self.friction @ _friction_terms(rpm))

    def friction_ratio(self, rpm: Floats, other: Floats) -> Floats:
        """By which part friction differs from one engine speed to another."""
        before = self.friction_nm(rpm)
        return np.divide(self.friction_nm(other), before, out=np.ones(len(rpm)), where=before > 0)

    def to_dict(self) -> dict[str, Any]:
        """As plain lists and numbers."""
        told = asdict(self)
        for name in _ARRAYS:
            told[name] = told[name].tolist()
        told["gearing"] = {
            "seconds": self.gearing.seconds.tolist(),
            "gear": self.gearing.gear.tolist(),
        }
        return told

    @classmethod
    def from_dict(cls, told: dict[str, Any]) -> Self:
        """The same calibration again."""
        return cls(
            **{
                **told,
                **{name: np.array(told[name]) for name in _ARRAYS},
                "road": RoadLoad.from_dict(told["road"]),
                "auxiliaries": Auxiliaries(**told["auxiliaries"]),
                "told": None if told["told"] is None else Auxiliaries(**told["told"]),
                "gearing": Gearing(
                    seconds=np.array(told["gearing"]["seconds"]),
                    gear=np.array(told["gearing"]["gear"]),
                ),
            }
        )


_ARRAYS = ("engine", "friction", "style", "speeds", "tyres")

LEARNT_S = 1_800.0
"""Half an hour of pulling tells what an engine is [s]."""


def calibrate(stats: Floats, *, vehicle_class: str = "heavy_truck") -> Calibration:
    """What a vehicle is, by its added sums.

    Args:
        stats: (STAT_CELLS,) the sums of its days, added.
        vehicle_class: of which the usual is, where its own seconds say little.
    """
    usual = road_load.USUAL.get(vehicle_class, road_load.USUAL["heavy_truck"])
    engine = _engine_by(stats[PARTS["engine"]], engine_map.usual())
    friction = normal.solve(
        stats[PARTS["friction"]],
        FRICTION_TERMS,
        usual=USUAL_FRICTION,
        usual_weight=engine_map.USUAL_WEIGHT_S,
        scale=FRICTION_SCALE,
    )
    standing = at_idle(stats[PARTS["idle"]])
    told = stats[PARTS["told"]]
    road = road_load.solve(stats[PARTS["road"]], usual)
    return Calibration(
        engine=engine.coefficients,
        engine_deviation_l_h=engine.deviation,
        burning_s=engine.weight,
        friction=friction.coefficients,
        road=road,
        beside_friction_w=standing.beside_friction_w,
        auxiliary_w=standing.auxiliary_w,
        auxiliaries=auxiliaries_of(told, standing.beside_friction_w, standing.rpm),
        told=told_auxiliaries(told),
        idle_rpm=standing.rpm,
        top_gear=_top_gear(stats[PARTS["turns"]]),
        most_indicated_nm=_most_nm(stats),
        gearing=Gearing.of(stats[PARTS["gears"]]),
        style=stats[PARTS["style"]],
        speeds=stats[PARTS["speeds"]],
        tyres=stats[PARTS["tyres"]],
        learnt=engine.weight >= LEARNT_S and road.seconds >= LEARNT_S / 2,
    )


def with_engine_on(calibration: Calibration, drive: Drive) -> Calibration:
    """The same vehicle with the engine as it is on this drive; the weeks' where it tells little.

    An engine that went bad a week ago burns otherwise than both times together tell, and what
    little changes of torque cost goes by the bend of its surface.
    """
    indicated = drive.torque_nm + drive.friction_nm
    sums = _engine_sums(drive, engine_map.burning(drive), indicated)
    engine = _engine_by(sums, calibration.engine)
    return replace(calibration, engine=engine.coefficients)


def _engine_by(sums: Floats, usual: Floats) -> normal.Fit:
    return normal.solve(
        sums,
        engine_map.TERMS,
        usual=usual,
        usual_weight=engine_map.USUAL_WEIGHT_S,
        scale=ENGINE_SCALE,
    )


def _top_gear(seconds: Floats) -> float:
    """The lowest engine turns over the way that were driven for more than a moment, rad/m."""
    passed = np.cumsum(seconds)
    if passed[-1] < LEAST_S:
        return 0.0
    return TURN_BIN * (float(np.searchsorted(passed, road_load.TOP_GEAR_SHARE * passed[-1])) + 1)


def _most_nm(stats: Floats) -> float:
    """The torque that is passed in next to none of the time."""
    above_s = np.cumsum(stats[PARTS["torques"]][::-1])[::-1]
    if above_s[0] < LEAST_S:
        return USUAL_MOST_NM
    bins = int(np.count_nonzero(above_s > FULL_LOAD_PART * above_s[0]))
    return TORQUE_BIN_NM * bins
