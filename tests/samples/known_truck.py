"""A truck of known making on a road of known shape: signals from physics written down once more.

Its engine has a constant indicated efficiency, its driveline and road load are numbers below, so
that what analysis learns and attributes can be compared with what a hand can compute.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]

START = pd.Timestamp("2026-11-02T00:00:00Z")
EFFICIENCY = 0.44  # indicated
FRICTION_NM = 150.0
DRIVELINE = 0.95
ROLLING = 0.0065
DRAG_M2 = 6.0
MASS_KG = 30_000.0
AUXILIARY_W = 4_000.0
REFERENCE_NM = 2_000.0
IDLE_RPM = 600.0
AIR = 1.225
GEARS_RAD_M = (40.0, 20.0, 11.0, 8.0, 6.0)
"""Engine turns over the way of each gear, rad/m: 1,275 rpm at 80 km/h in the last."""
DIESEL_J_L = 35.8e6


@dataclass(frozen=True, kw_only=True)
class Truck:
    """What it is, and how it is geared: the engine turns at least so fast before it shifts up."""

    mass_kg: float = MASS_KG
    rolling: float = ROLLING
    auxiliary_w: float = AUXILIARY_W
    efficiency: float = EFFICIENCY
    least_rpm: float = 1_000.0
    noise: float = 0.0


def signals_of(
    speed_m_s: Floats,
    *,
    truck: Truck | None = None,
    slope: Floats | float = 0.0,
    limit_km_h: float = 80.0,
    running: NDArray[np.bool_] | None = None,
    cruise: bool = False,
    start: pd.Timestamp = START,
    seed: int = 1,
) -> pd.DataFrame:
    """Signals of a drive, a row a second; `speed_m_s` are the speeds at the seconds' ends."""
    truck = truck or Truck()
    n = len(speed_m_s)
    rng = np.random.default_rng(seed)
    end = np.asarray(speed_m_s, dtype=np.float64)
    begin = np.concatenate([end[:1], end[:-1]])
    mean = 0.5 * (begin + end)
    slope = np.broadcast_to(np.asarray(slope, dtype=np.float64), n)
    running = np.ones(n, dtype=np.bool_) if running is None else running
    gears = np.array(GEARS_RAD_M)
    rpm_all = end[:, None] * gears * 60 / (2 * np.pi)
    fit = np.maximum((rpm_all >= truck.least_rpm).sum(axis=1), 1)
    gear = gears[fit - 1]
    geared = end * gear * 60 / (2 * np.pi) > IDLE_RPM
    rpm = np.where(running, np.where(geared, end * gear * 60 / (2 * np.pi), IDLE_RPM), 0.0)
    force = (
        truck.mass_kg * 9.81 * (truck.rolling + slope)
        + 0.5 * AIR * DRAG_M2 * mean**2
        + truck.mass_kg * 1.04 * (end - begin)
    )
    omega = np.maximum(rpm, IDLE_RPM) * 2 * np.pi / 60
    pull = np.where(force > 0, force * mean / DRIVELINE / omega, 0.0)
    torque = pull + truck.auxiliary_w / omega
    # What the engine's drag does not hold back the brakes do.
    coasting = (force < 0) & geared
    torque = np.where(
        coasting,
        np.maximum(force * mean * DRIVELINE / omega + truck.auxiliary_w / omega, -FRICTION_NM),
        torque,
    )
    braked = coasting & (
        force * mean * DRIVELINE / omega < -FRICTION_NM - truck.auxiliary_w / omega
    )
    indicated: Floats = np.where(running, np.maximum(torque + FRICTION_NM, 0.0), 0.0)
    rate = indicated * omega / (truck.efficiency * DIESEL_J_L) * 3600.0 * running

    def noisy(values: Floats, step: float) -> Floats:
        if truck.noise == 0.0:
            return values
        return np.where(
            values == 0, 0.0, np.rint(values / step + rng.normal(0, truck.noise, n)) * step
        )

    way_km = np.cumsum(mean) / 1000.0
    columns: dict[str, Floats | float] = {
        "wheel_speed": end * 3.6,
        "engine_speed": noisy(rpm, 0.125),
        "engine_torque": noisy(100 * indicated / REFERENCE_NM, 1.0),
        "engine_friction_torque": noisy(100 * FRICTION_NM / REFERENCE_NM * running, 1.0),
        "engine_reference_torque": REFERENCE_NM,
        "engine_running": running.astype(float),
        "ignition_on": running.astype(float),
        "fuel_rate": noisy(rate, 0.05),
        "fuel_used_total": 1000.0 + np.cumsum(rate) / 3600.0,
        "odometer": 50_000.0 + way_km,
        "accelerator_pedal": 100.0 * (pull > 0),
        "brake_switch": braked.astype(float),
        "gear_current": np.where(geared, fit, 0).astype(float),
        "driveline_engaged": geared.astype(float),
        "clutch_switch": (~geared).astype(float),
        "cruise_active": float(cruise),
        "pto_engaged": 0.0,
        "gross_combination_weight": truck.mass_kg,
        "road_gradient": noisy(100 * slope, 0.1),
        "speed_limit": limit_km_h,
        "ambient_temperature": 15.0,
        "barometric_pressure": 101.325,
        "latitude": 35.0 + way_km / 111.0,
        "longitude": np.full(n, 114.0),
    }
    index = pd.date_range(start, periods=n, freq="s")
    return pd.DataFrame(columns, index=index)


def ramp(first: float, last: float, acceleration: float) -> Floats:
    """Speeds from one to another, m/s."""
    steps = int(np.ceil(abs(last - first) / acceleration))
    return np.linspace(first, last, steps + 1)[1:]


def cruise_at(speed: float, seconds: int) -> Floats:
    """Speeds that stay, m/s."""
    return np.full(seconds, speed)


def stop(seconds: int) -> Floats:
    """Standing."""
    return np.zeros(seconds)


def town_and_country(
    *, speed: float = 22.0, brake: float = 0.6, pull: float = 0.5, times: int = 8, idle: int = 20
) -> Floats:
    """Speeds of driving up, along, down and standing, many times."""
    one = np.concatenate(
        [
            ramp(0.0, 0.6 * speed, pull),
            cruise_at(0.6 * speed, 60),
            ramp(0.6 * speed, speed, pull / 2),
            cruise_at(speed, 300),
            ramp(speed, 0.0, brake),
            stop(idle),
        ]
    )
    return np.concatenate([stop(60), np.tile(one, times)])


def waves(n: int, *, steepest: float = 0.02) -> Floats:
    """Hills: a slope that comes and goes."""
    return steepest * np.sin(np.arange(n) / 97.0)
