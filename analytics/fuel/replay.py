"""What the way would have burnt otherwise driven: forces, engine speed and fuel of a trace."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analytics.fuel import engine_map
from analytics.fuel.gearing import cell_of
from analytics.fuel.physics import GRAVITY_M_S2, RAD_S_PER_RPM
from analytics.fuel.road_load import ROTATING, is_lower

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analytics.fuel.calibration import Calibration
    from analytics.fuel.drive import Drive
    from analytics.fuel.road_load import RoadLoad

    Floats = NDArray[np.float64]

CREEP_M_S = 0.5  # m/s; slower steps keep the time they took


def step_s(drive: Drive, begin: Floats, end: Floats) -> Floats:
    """Time each step takes at these speeds, s; standing takes as long as it did."""
    mean = 0.5 * (begin + end)
    scale = np.divide(
        0.5 * (drive.before_m_s + drive.speed_m_s),
        mean,
        out=np.ones(len(drive)),
        where=mean > CREEP_M_S,
    )
    return drive.dt_s * scale


def begins(drive: Drive, ends: Floats) -> Floats:
    """Speed at each step's beginning: the end of the step before, where that is followed."""
    before = np.concatenate([drive.before_m_s[:1], ends[:-1]])
    return np.where(drive.dt_s > 0, before, ends)


def force_n(
    drive: Drive,
    load: RoadLoad,
    begin: Floats,
    end: Floats,
    gear: Floats,
    top_gear: float = 0.0,
) -> Floats:
    """Force over each step as the crankshaft feels it, N; negative where it is held back.

    Args:
        drive: the steps.
        load: the road load.
        begin: (n,) speeds at the steps' beginnings, m/s.
        end: (n,) speeds at their ends.
        gear: (n,) engine turns over the way, rad/m.
        top_gear: those of the highest gear; 0: what lower gears lose is not asked.
    """
    mean = 0.5 * (begin + end)
    acceleration = np.divide(
        0.5 * (end * end - begin * begin),
        drive.way_m,
        out=np.zeros(len(drive)),
        where=drive.way_m > 0.01,
    )
    weight = drive.mass_kg * GRAVITY_M_S2
    inverse = load.inverse_efficiency
    force: Floats = (
        weight * (inverse * drive.slope + load.rolling)
        + (0.5 * load.drag_area_m2) * drive.air_kg_m3 * mean * mean
        + acceleration
        * (inverse * (1 + ROTATING) * drive.mass_kg + load.engine_inertia_kg_m2 * gear * gear)
    )
    if top_gear > 0:
        force = force * (1.0 + load.lower_gear_loss * is_lower(gear, top_gear))
    return force


def rolling_m_s2(drive: Drive, load: RoadLoad, gear: Floats, drag_nm: Floats) -> Floats:
    """By how much a vehicle slows that rolls in gear with the fuel cut, m/s²; negative downhill.

    Args:
        drive: its steps.
        load: its road load.
        gear: (n,) engine turns over the way, rad/m.
        drag_nm: (n,) what turning the engine and its auxiliaries takes.
    """
    weight = GRAVITY_M_S2 * drive.mass_kg
    inverse = load.inverse_efficiency
    road = weight * (inverse * drive.slope + load.rolling)
    air = 0.5 * load.drag_area_m2 * drive.air_kg_m3 * drive.speed_m_s**2
    inertia = inverse * (1 + ROTATING) * drive.mass_kg + load.engine_inertia_kg_m2 * gear * gear
    return np.asarray((road + air + drag_nm * gear) / inertia, dtype=np.float64)


class Replay:
    """One vehicle's drive, ready to be driven otherwise.

    Args:
        drive: its steps.
        calibration: what its engine and its road load are.
    """

    def __init__(self, drive: Drive, calibration: Calibration) -> None:
        self._drive = drive
        self._calibration = calibration
        gear = np.nan_to_num(drive.rad_per_m)
        policy = calibration.gearing.rad_per_m(drive.speed_m_s, 0.0)
        self._gear = np.where(gear > 0, gear, policy)
        self._friction = np.where(
            np.isfinite(drive.friction_nm), drive.friction_nm, calibration.friction_nm(drive.rpm)
        )
        force = force_n(drive, calibration.road, drive.before_m_s, drive.speed_m_s, self._gear)
        self._power = np.maximum(force, 0.0) * 0.5 * (drive.before_m_s + drive.speed_m_s)
        idle = np.full(1, calibration.idle_rpm)
        friction = calibration.friction_nm(idle) + calibration.beside_friction_w / (
            idle * RAD_S_PER_RPM
        )
        # What the engine burns at idle, L/h, and what a little more work costs it, L/J.
        self.idle_l_h = float(engine_map.fuel_l_h(calibration.engine, idle, friction)[0])
        self.l_per_j = _l_per_j(drive, calibration)
        self.rolling_m_s2 = rolling_m_s2(drive, calibration.road, self._gear, self._friction)
        self.gear_cell = cell_of(drive.speed_m_s, self._power)

    def burnt(
        self,
        ends: Floats | None = None,
        *,
        road: RoadLoad | None = None,
        extra_w: Floats | float = 0.0,
        rpm_factor: Floats | None = None,
    ) -> Floats:
        """What a trace burns in each step, (n,) L.

        Args:
            ends: (n,) speeds at the steps' ends, m/s; None: as driven.
            road: another road load; None: the vehicle's.
            extra_w: what auxiliaries take besides the vehicle's own; negative: less.
            rpm_factor: (n,) part of the engine speed, by another gear; None: as it was.
        """
        drive, calibration = self._drive, self._calibration
        road = road or calibration.road
        if ends is None:
            begin, end, taken_s, gear = (
                drive.before_m_s,
                drive.speed_m_s,
                drive.dt_s,
                self._gear,
            )
        else:
            end = ends
            begin = begins(drive, ends)
            taken_s = step_s(drive, begin, end)
            force = force_n(drive, road, begin, end, self._gear)
            power = np.maximum(force, 0.0) * 0.5 * (begin + end)
            gear = self._gear * calibration.gearing.change(drive.speed_m_s, self._power, end, power)
        if rpm_factor is not None:
            gear = gear * rpm_factor
        mean = 0.5 * (begin + end)
        force = force_n(drive, road, begin, end, gear, calibration.top_gear)
        rpm = np.where(drive.geared, gear * end / RAD_S_PER_RPM, drive.rpm)
        rpm = np.maximum(rpm, calibration.idle_rpm)
        # Less than nothing, where the road load took a fan's work for air.
        auxiliary_w = calibration.auxiliaries.at(rpm) + extra_w
        omega = rpm * RAD_S_PER_RPM
        torque = (force * mean + auxiliary_w) / omega
        friction = self._friction * calibration.friction_ratio(drive.rpm, rpm)
        rate = engine_map.fuel_l_h(
            calibration.engine, rpm, np.minimum(torque + friction, calibration.most_indicated_nm)
        )
        # Beyond what the engine can give, fuel grows with what is asked of it.
        beyond = np.maximum((torque + friction) / calibration.most_indicated_nm, 1.0)
        return np.where(drive.running, rate * beyond * taken_s, 0.0) / 3600.0


def _l_per_j(drive: Drive, calibration: Calibration) -> float:
    """What a little more work at the crankshaft costs where the engine usually pulls, L/J."""
    pulling = drive.geared & (drive.torque_nm > 0)
    if not pulling.any():
        return engine_map.USUAL_L_PER_RAD / 1e3
    rpm = np.full(2, float(np.mean(drive.rpm[pulling])))
    torque = float(np.mean(drive.torque_nm[pulling])) + calibration.friction_nm(rpm)
    low, high = engine_map.fuel_l_h(calibration.engine, rpm, torque * np.array([0.9, 1.1]))
    return float(high - low) / (0.2 * float(torque[0]) * float(rpm[0]) * RAD_S_PER_RPM * 3600.0)
