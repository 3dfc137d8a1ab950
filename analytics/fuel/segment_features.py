"""What a piece of road asks of a vehicle, in sums over its steps: work, heights, stops, standing.

The sums are per kilogram of vehicle and at reference resistances, so that a vehicle's own mass,
rolling and drag are put in afterwards (`analytics.fuel.segment_physics`). Two views of the same
road are kept. As the road and its traffic demand it: nobody faster than the posted limit, speed
held where it only wandered, a slow-down counted by the speeds it led from and to, whoever braked
late for it. And as it was driven.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analytics.fuel.physics import GRAVITY_M_S2, RAD_S_PER_RPM

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analytics.fuel.drive import Drive
    from analytics.samples import Samples

    Floats = NDArray[np.float64]

CRR_REFERENCE = 0.0065  # part of the weight; between MOVES' long haul .00676 and good truck tyres
DRAG_REFERENCE_M2_KG = (
    3.0e-4  # m²/kg; half laden tractor 6 / 20,000, car .65 / 1,500, laden 6 / 40,000
)
ROTATING = 0.04  # part of the mass; wheels and driveline in the upper gears
WANDERING_M_S = 10.0 / 3.6  # m/s; speed that swings by less only wandered: ± 5 km/h
IMPOSED_STOP_S = 180.0  # s; a stop is traffic's for so long (thresholds.toml, idling.least_s)
LEAST_STOP_S = 3.0  # s; shorter ones are none (analytics.trips.TripRules.stop_s)
COVERED = 0.95  # part of the engine's time that must tell its fuel (TripRules)
HIGH_LOAD = 0.8  # of the reference torque; beyond, engines lose efficiency to full-load enrichment


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Added:
    """Adds rows up by segment.

    Attributes:
        row: (n,) the segment of each row, -1 where it is of none.
        count: how many segments.
    """

    row: NDArray[np.intp]
    count: int

    def __call__(self, values: Floats, where: NDArray[np.bool_]) -> Floats:
        """(count,) the sum of the (n,) values over the rows `where`."""
        at = where & (self.row >= 0)
        sums = np.bincount(self.row[at], weights=values[at], minlength=self.count)
        return np.asarray(sums, dtype=np.float64)

    def mean(self, values: Floats, weight: Floats) -> Floats:
        """(count,) the weighted mean of the values that are known; NaN where none is."""
        known = ~np.isnan(values)
        return _ratio(self(values * weight, known), self(weight, known))


def segment_sums(
    samples: Samples, drive: Drive, row: NDArray[np.intp], count: int
) -> dict[str, Floats]:
    """The columns analytics.fuel.segments.SEGMENT_COLUMNS, but duration_s.

    Args:
        samples: one vehicle's rows.
        drive: the same rows as steps.
        row: (n,) the segment of each row, -1 where it is of none.
        count: how many segments.
    """
    added = Added(row=row, count=count)
    standing, idling, working = _standing(drive)
    at_work = drive.moving | standing
    counted = {
        "distance_km": added(drive.way_m, drive.way_m > 0) / 1000.0,
        "moving_s": added(drive.dt_s, drive.moving),
        "standing_s": added(drive.dt_s, standing),
        "idling_s": added(drive.dt_s, idling),
        "pto_s": added(drive.dt_s, working),
        "stops": added(np.ones(len(drive)), _stops(drive)),
    }
    return (
        counted
        | _fuel(drive, added, idling, working)
        | _circumstances(samples, drive, added)
        | _demanded(drive, added)
        | _driven(drive, added)
        | _engine(samples, drive, added, at_work)
    )


def _ratio(part: Floats, whole: Floats) -> Floats:
    """A share; NaN of nothing."""
    share = np.full(len(part), np.nan)
    np.divide(part, whole, out=share, where=whole > 0)
    return share


def _runs(inside: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """First row, and the one after the last, of each run of true."""
    edges = np.flatnonzero(np.diff(inside.astype(np.int8), prepend=0, append=0))
    return edges[::2], edges[1::2]


def _standing(
    drive: Drive,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    """Rows of standing that traffic may impose, of longer standing, of work at the take-off."""
    stands = drive.running & ~drive.moving
    working = stands & drive.pto
    stands &= ~drive.pto
    first, stop = _runs(stands)
    stood_s = np.cumsum(np.where(stands, drive.dt_s, 0.0))
    before = np.repeat(stood_s[first] - drive.dt_s[first], stop - first)
    long = np.zeros(len(stands), dtype=np.bool_)
    long[stands] = stood_s[stands] - before > IMPOSED_STOP_S
    return stands & ~long, stands & long, working


def _stops(drive: Drive) -> NDArray[np.bool_]:
    """Rows in which standing begins that lasts."""
    first, stop = _runs(~drive.moving)
    after_driving = first > 0
    first, stop = first[after_driving], stop[after_driving]
    lasted_s = (drive.time_us[stop - 1] - drive.time_us[first - 1]) / 1e6
    begins = np.zeros(len(drive), dtype=np.bool_)
    begins[first[lasted_s >= LEAST_STOP_S]] = True
    return begins


def _fuel(
    drive: Drive, added: Added, idling: NDArray[np.bool_], working: NDArray[np.bool_]
) -> dict[str, Floats]:
    """Litres, in all and where nothing is known of them for a moment as in the other moments."""
    told = np.isfinite(drive.fuel_l_h)
    known_s, running_s = added(drive.dt_s, told & drive.running), added(drive.dt_s, drive.running)
    share = _ratio(known_s, running_s)
    share = np.where(share >= COVERED, share, np.nan)
    return {
        "fuel_l": added(drive.fuel_l, told) / share,
        "idling_l": added(drive.fuel_l, told & idling) / share,
        "pto_l": added(drive.fuel_l, told & working) / share,
    }


def _circumstances(samples: Samples, drive: Drive, added: Added) -> dict[str, Floats]:
    """Load, weather, road."""
    weight = samples["gross_combination_weight"]
    mass = drive.mass_kg if (weight > 0).any() else np.full(len(drive), np.nan)
    engine_s = np.where(drive.running, drive.dt_s, 0.0)
    rise_m = drive.slope * drive.way_m
    everywhere = np.ones(len(drive), dtype=np.bool_)
    return {
        "mass_t": added.mean(mass, engine_s) / 1000.0,
        "reference_nm": added.mean(samples["engine_reference_torque"], engine_s),
        "ambient_c": added.mean(samples["ambient_temperature"], engine_s),
        "coolant_c": added.mean(samples["coolant_temperature"], engine_s),
        "air_kg_m3": added.mean(drive.air_kg_m3, engine_s),
        "limit_km_h": added.mean(drive.limit_m_s * 3.6, drive.way_m),
        "ascent_m": added(np.maximum(rise_m, 0.0), everywhere),
        "descent_m": added(np.maximum(-rise_m, 0.0), everywhere),
    }


def _resistance_n_kg(drive: Drive, speed_m_s: Floats) -> tuple[Floats, Floats]:
    """Force a kilogram against a steady vehicle, and force a square metre of drag area."""
    drag = 0.5 * drive.air_kg_m3 * speed_m_s * speed_m_s
    force = GRAVITY_M_S2 * (CRR_REFERENCE + drive.slope) + drag * DRAG_REFERENCE_M2_KG
    return force, drag


def _demanded(drive: Drive, added: Added) -> dict[str, Floats]:
    """As road and traffic demand it."""
    most = np.where(np.isnan(drive.limit_m_s), np.inf, drive.limit_m_s)
    speed = np.minimum(_mean_speed(drive), most)
    force, drag = _resistance_n_kg(drive, speed)
    work = force * drive.way_m
    pulls = work > 0
    energy = 0.5 * np.minimum(drive.speed_m_s, most) ** 2
    change = np.diff(energy, prepend=energy[:1])
    change[drive.dt_s == 0] = 0.0
    rising = rising_legs(np.minimum(drive.speed_m_s, most), WANDERING_M_S)
    return {
        "steady_j_kg": added(work, pulls),
        "braked_j_kg": added(-work, ~pulls),
        "steady_w_j_kg2": added(force * speed * work, pulls),
        "powered_m": added(drive.way_m, pulls),
        "powered_drag_j_m2": added(drag * drive.way_m, pulls),
        "gained_j_kg": np.maximum(added(change, rising == 1), 0.0),
        "lost_j_kg": np.maximum(added(-change, rising == -1), 0.0),
    }


def rising_legs(speed: Floats, least: float) -> NDArray[np.int8]:
    """1 where speed is on its way up, -1 down, by changes of `least` and more; 0 where it wanders.

    Args:
        speed: (n,).
        least: what is less is no change of direction [the unit of speed].
    """
    rising = np.zeros(len(speed), dtype=np.int8)
    if len(speed) < 2:
        return rising
    steps = np.sign(np.diff(speed))
    kept = np.flatnonzero(steps)
    turns = kept[np.flatnonzero(np.diff(steps[kept]))] + 1
    corners = np.concatenate(([0], turns, [len(speed) - 1]))
    low = high = 0
    direction = 0
    heights = speed[corners].tolist()
    for corner, height in enumerate(heights):
        if direction >= 0 and height > heights[high]:
            high = corner
        if direction <= 0 and height < heights[low]:
            low = corner
        if direction >= 0 and heights[high] - height >= least:
            _mark(rising, corners, low, high, least, heights, 1)
            direction, low = -1, corner
        elif direction <= 0 and height - heights[low] >= least:
            _mark(rising, corners, high, low, least, heights, -1)
            direction, high = 1, corner
    if direction > 0:
        _mark(rising, corners, low, high, least, heights, 1)
    elif direction < 0:
        _mark(rising, corners, high, low, least, heights, -1)
    return rising


def _mark(
    rising: NDArray[np.int8],
    corners: NDArray[np.intp],
    start: int,
    end: int,
    least: float,
    heights: list[float],
    direction: int,
) -> None:
    """The rows from one corner to another go one way, if it is far enough."""
    if abs(heights[end] - heights[start]) >= least:
        rising[corners[start] + 1 : corners[end] + 1] = direction


def _mean_speed(drive: Drive) -> Floats:
    return 0.5 * (drive.speed_m_s + drive.before_m_s)


def _driven(drive: Drive, added: Added) -> dict[str, Floats]:
    """As it was driven."""
    force, drag = _resistance_n_kg(drive, _mean_speed(drive))
    gained = 0.5 * (1 + ROTATING) * (drive.speed_m_s**2 - drive.before_m_s**2)
    work = force * drive.way_m + gained
    pulls = work > 0
    power = np.zeros(len(work))
    np.divide(work, drive.dt_s, out=power, where=drive.dt_s > 0)
    return {
        "drive_j_kg": added(work, pulls),
        "drive_w_j_kg2": added(power * work, pulls),
        "held_j_kg": added(-work, ~pulls),
        "driven_s": added(drive.dt_s, pulls & drive.moving),
        "driven_m": added(drive.way_m, pulls),
        "driven_drag_j_m2": added(drag * drive.way_m, pulls),
    }


def _engine(
    samples: Samples, drive: Drive, added: Added, at_work: NDArray[np.bool_]
) -> dict[str, Floats]:
    """As the engine did it."""
    turned = drive.rpm * RAD_S_PER_RPM * drive.dt_s
    friction = np.nan_to_num(drive.friction_nm)
    piston_nm = drive.torque_nm + friction
    work = np.maximum(piston_nm, 0.0) * turned / 1e6
    told = at_work & np.isfinite(work)
    load = np.maximum(samples["engine_torque"] / 100.0, 0.0)
    mj = added(work, told)
    covered = added(drive.dt_s, told) >= COVERED * added(drive.dt_s, at_work)
    return {
        "engine_mj": np.where(covered, mj, np.nan),
        "friction_mj": np.where(covered, added(friction * turned / 1e6, told), np.nan),
        "revolutions": np.where(
            covered, added(turned, told & (piston_nm > 0)) / (2 * np.pi), np.nan
        ),
        "load_mean": _ratio(added(load * work, told), mj),
        "load_square": _ratio(added(load * load * work, told), mj),
        "load_high": _ratio(added(work, told & (load > HIGH_LOAD)), mj),
        "rpm_work": _ratio(added(drive.rpm * work, told), mj),
    }
