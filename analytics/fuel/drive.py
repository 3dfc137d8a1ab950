"""A vehicle's rows as physics sees them: steps of road with their speed, slope, force and fuel.

Every row stands for the step that ends with it: its speed is the step's last, its torque and fuel
rate act over it. What a signal does not tell is taken from the next best one, and what was missing
is said by name.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from analytics.fuel import road_load
from analytics.fuel.mass import estimated_mass_kg
from analytics.fuel.physics import RAD_S_PER_RPM, air_density_kg_m3

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analytics.samples import Samples

LONGEST_STEP_S = 5.0  # s; rows further apart are no steps that physics can follow
STEEPEST = 0.15  # rise over run; no road is steeper for long (design rules: 0.09 to 0.12)
SLOPE_WINDOW_M = 200.0  # m; over less, a receiver's height says nothing of the slope
RIDES_CLUTCH = 0.03  # part by which engine speed leaves the gear's before the clutch is open
GREATEST_L_H = 300.0  # L/h; no engine of a road vehicle burns more (1,200 kW)
USUAL_MASS_KG = {
    "heavy_truck": 30_000.0,
    "medium_truck": 9_000.0,
    "light_truck": 4_000.0,
    "bus": 12_000.0,
    "car": 1_500.0,
}
"""Gross mass where a vehicle does not tell it, kg: half laden, of the class."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Drive:
    """One vehicle's steps; all arrays are (n,), a step a row of its `Samples`.

    Attributes:
        time_us: when the step ends, microseconds since 1970.
        dt_s: how long it took; 0 where the row before is too far away to be followed.
        speed_m_s: speed at its end; 0 where the vehicle stands or the speed is not known.
        before_m_s: speed at its beginning.
        way_m: its length.
        acceleration_m_s2: from one to the other.
        mass_kg: gross combination mass; where the vehicle does not tell it, by its pull (`mass`).
        slope: rise over run.
        air_kg_m3: density of the air.
        rpm: engine speed; 0 where it does not turn.
        torque_nm: at the crankshaft, auxiliaries included, friction not; NaN where unknown.
        friction_nm: what turns the engine itself; NaN where unknown.
        parasitic_w: what auxiliaries take by the engine's word (SPN 2978); NaN where unknown.
        fuel_l_h: fuel rate, regeneration left out; NaN where unknown.
        running: the engine turns.
        moving: the vehicle moves.
        geared: engine and wheels turn together.
        braking: service brake or retarder take energy out.
        pto: a power take-off is engaged.
        cruise: cruise control keeps the speed.
        eco_roll: the vehicle rolls out of gear by itself.
        limit_m_s: posted speed; NaN where unknown.
        missing: what the signals did not tell: load, gradient, rate, torque, speed_limit.
    """

    time_us: NDArray[np.int64]
    dt_s: NDArray[np.float64]
    speed_m_s: NDArray[np.float64]
    before_m_s: NDArray[np.float64]
    way_m: NDArray[np.float64]
    acceleration_m_s2: NDArray[np.float64]
    mass_kg: NDArray[np.float64]
    slope: NDArray[np.float64]
    air_kg_m3: NDArray[np.float64]
    rpm: NDArray[np.float64]
    torque_nm: NDArray[np.float64]
    friction_nm: NDArray[np.float64]
    parasitic_w: NDArray[np.float64]
    fuel_l_h: NDArray[np.float64]
    running: NDArray[np.bool_]
    moving: NDArray[np.bool_]
    geared: NDArray[np.bool_]
    braking: NDArray[np.bool_]
    pto: NDArray[np.bool_]
    cruise: NDArray[np.bool_]
    eco_roll: NDArray[np.bool_]
    limit_m_s: NDArray[np.float64]
    missing: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.time_us)

    @property
    def fuel_l(self) -> NDArray[np.float64]:
        """Fuel of each step, L; 0 where the rate is unknown."""
        return np.nan_to_num(self.fuel_l_h) * self.dt_s / 3600.0

    @property
    def given_up_j(self) -> NDArray[np.float64]:
        """Kinetic energy given up in each step by slowing, J."""
        fallen = np.maximum(self.before_m_s**2 - self.speed_m_s**2, 0.0)
        return 0.5 * self.mass_kg * fallen

    @property
    def tkm(self) -> NDArray[np.float64]:
        """Mass times way of each step, the vehicle's own included, t km."""
        return self.mass_kg * self.way_m * 1e-6

    @property
    def rad_per_m(self) -> NDArray[np.float64]:
        """Turns of the engine over the way, rad/m: the gear; NaN where it is not geared."""
        speed = np.where(self.geared, self.speed_m_s, np.nan)
        return self.rpm * RAD_S_PER_RPM / speed


def drive_of(samples: Samples, *, vehicle_class: str = "heavy_truck") -> Drive:
    """See a vehicle's rows as steps.

    Args:
        samples: of `analytics.fuel.signals.fuel_samples`.
        vehicle_class: of which the usual mass is, where the vehicle does not tell its own.
    """
    n = len(samples)
    missing: list[str] = []
    step = np.diff(samples.time_us, prepend=samples.time_us[:1]) / 1e6
    dt_s = np.where((step <= LONGEST_STEP_S) & ~samples.gap, step, 0.0)
    speed = np.where(samples.moving, np.nan_to_num(samples.speed_km_h) / 3.6, 0.0)
    before = np.concatenate([speed[:1], speed[:-1]])
    followed = dt_s > 0
    before = np.where(followed, before, speed)
    way_m = 0.5 * (speed + before) * dt_s
    acceleration = np.divide(speed - before, dt_s, out=np.zeros(n), where=followed)

    mass = samples["gross_combination_weight"]
    mass = _carried(np.where(mass > 0, mass, np.nan), USUAL_MASS_KG.get(vehicle_class, 30_000.0))
    if not (samples["gross_combination_weight"] > 0).any():
        missing.append("load")
    slope, known = _slope(samples, way_m)
    if not known:
        missing.append("gradient")

    rpm = np.where(samples.running, np.nan_to_num(samples["engine_speed"]), 0.0)
    torque, friction = _torques(samples)
    if not np.isfinite(torque[samples.running]).any():
        missing.append("torque")
    fuel = _fuel_rate(samples, step)
    if not np.isfinite(fuel[samples.running]).any():
        missing.append("rate")
    limit = np.where(samples["speed_limit"] > 0, samples["speed_limit"], np.nan) / 3.6
    if not np.isfinite(limit).any():
        missing.append("speed_limit")

    drive = Drive(
        time_us=samples.time_us,
        dt_s=dt_s,
        speed_m_s=speed,
        before_m_s=before,
        way_m=way_m,
        acceleration_m_s2=acceleration,
        mass_kg=mass,
        slope=slope,
        air_kg_m3=air_density_kg_m3(
            _carried(samples["ambient_temperature"], np.nan),
            _carried(samples["barometric_pressure"], np.nan),
        ),
        rpm=rpm,
        torque_nm=torque,
        friction_nm=friction,
        parasitic_w=_parasitic(samples, rpm),
        fuel_l_h=fuel,
        running=samples.running,
        moving=samples.moving,
        geared=_geared(samples, rpm, speed),
        braking=(samples["brake_switch"] == 1)
        | (samples["brake_pedal"] > 1.0)
        | (samples["retarder_torque"] < -1.0),
        pto=samples["pto_engaged"] == 1,
        cruise=samples["cruise_active"] == 1,
        eco_roll=samples["eco_roll_active"] == 1,
        limit_m_s=limit,
        missing=tuple(missing),
    )
    if "load" not in missing or "torque" in missing:
        return drive
    usual = road_load.USUAL.get(vehicle_class, road_load.USUAL["heavy_truck"])
    return replace(drive, mass_kg=estimated_mass_kg(drive, usual))


def _carried(values: NDArray[np.float64], otherwise: float) -> NDArray[np.float64]:
    """Each value up to the next one, the first one also before; `otherwise` where there is none."""
    known = np.flatnonzero(~np.isnan(values))
    if len(known) == 0:
        return np.full(len(values), otherwise)
    if len(known) == len(values):
        return values
    last = np.searchsorted(known, np.arange(len(values)), side="right") - 1
    return values[known[np.maximum(last, 0)]]


def _slope(samples: Samples, way_m: NDArray[np.float64]) -> tuple[NDArray[np.float64], bool]:
    """The road's slope as the vehicle tells it, else from the heights along the way."""
    told = samples["road_gradient"]
    if np.isfinite(told).any():
        return np.clip(np.nan_to_num(told) / 100.0, -STEEPEST, STEEPEST), True
    height = samples["altitude"]
    if not np.isfinite(height).any():
        return np.zeros(len(samples)), False
    height = _carried(height, 0.0)
    at = np.cumsum(way_m)
    # A line from half a window behind to half a window ahead.
    behind = np.searchsorted(at, at - SLOPE_WINDOW_M / 2)
    ahead = np.minimum(np.searchsorted(at, at + SLOPE_WINDOW_M / 2), len(at) - 1)
    run = at[ahead] - at[behind]
    rise = height[ahead] - height[behind]
    slope = np.divide(rise, run, out=np.zeros(len(at)), where=run > SLOPE_WINDOW_M / 4)
    return np.clip(slope, -STEEPEST, STEEPEST), True


def _torques(samples: Samples) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Torque at the crankshaft and friction torque, Nm (SAE J1939: SPN 513, 514 of SPN 544)."""
    reference = _carried(samples["engine_reference_torque"], np.nan) / 100.0
    friction = samples["engine_friction_torque"]
    gross = samples["engine_torque"] - np.nan_to_num(friction)
    return gross * reference, friction * reference


def _parasitic(samples: Samples, rpm: NDArray[np.float64]) -> NDArray[np.float64]:
    """What auxiliaries take, W: parasitic losses, a share of the reference torque."""
    reference = _carried(samples["engine_reference_torque"], np.nan) / 100.0
    torque = samples["engine_parasitic_losses"] * reference
    return np.asarray(torque * rpm * RAD_S_PER_RPM, dtype=np.float64)


def _fuel_rate(samples: Samples, step_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fuel rate without regeneration, L/h; from the counter where no rate is told."""
    rate = samples["fuel_rate"]
    if not np.isfinite(rate).any():
        counter = samples["fuel_used_total"]
        if not np.isfinite(counter).any():
            return np.full(len(samples), np.nan)
        rise = np.diff(counter, prepend=np.nan)
        rate = np.divide(3600.0 * rise, step_s, out=np.full(len(counter), np.nan), where=step_s > 0)
        # A counter that was reset, or has jumped, says nothing.
        rate = np.where((rate >= 0) & (rate <= GREATEST_L_H), rate, np.nan)
    return np.maximum(rate - np.nan_to_num(samples["aftertreatment_fuel_rate"]), 0.0)


def _geared(
    samples: Samples, rpm: NDArray[np.float64], speed: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Engine and wheels turn together: as the gearbox says, else by a steady relation of both."""
    turning = samples.moving & samples.running & (speed > 1.0) & (rpm > 0)
    open_ = (
        (samples["gear_current"] == 0)
        | (samples["clutch_switch"] == 1)
        | (samples["driveline_engaged"] == 0)
        | (samples["eco_roll_active"] == 1)
    )
    ratio = np.divide(rpm, speed, out=np.zeros(len(rpm)), where=speed > 1.0)
    before = np.concatenate([ratio[:1], ratio[:-1]])
    steady = np.abs(ratio - before) <= RIDES_CLUTCH * ratio
    return np.asarray(turning & ~open_ & steady, dtype=np.bool_)
