"""In which class of each field a row is: the definitions behind the counters.

Each field has a judge. It says in which rows the vehicle's signals can tell the field, and which
class each row is in; a row in which they cannot tell is in no class. What rFMS leaves open (when a
pedal or an acceleration is counted) is decided here, in one line each: what belongs to the engine
counts while it runs, what belongs to driving while the vehicle moves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from analytics.accumulated.layout import (
    ACCELERATION_EDGES_M_S2,
    ENGINE_SPEED_STEP_RPM,
    GEARS,
    HIGH_ACCELERATION_EDGES_M_S2,
    PEDAL_STEP_PERCENT,
    SPEED_STEP_KM_H,
    TORQUE_STEP_PERCENT,
)
from analytics.accumulated.rows import Floats, Mask, Rows, brake
from analytics.conditions import net_torque_percent

NO_TORQUE_PERCENT = 1.0
"""Less net torque than this drives nothing [% of reference torque]: Teltonika's FMS Eco Driving."""

Judged: TypeAlias = tuple[Mask, NDArray[np.intp]]
"""(n,) where the field is known; (n,) the row's class, -1 for none."""
Judge: TypeAlias = Callable[[Rows], Judged]


def _where(known: Mask, on: Mask) -> Judged:
    """The only class, where something is on."""
    return known, np.where(known & on, 0, -1)


def _in(known: Mask, classes: Floats) -> Judged:
    """Numbers of classes, where they are known."""
    return known, np.where(known, classes, -1.0).astype(np.intp)


def _steps(known: Mask, values: Floats, step: float, classes: int) -> Judged:
    """Classes of equal width from 0 up; what lies beyond an end is in the class there."""
    known = known & ~np.isnan(values)
    return _in(known, np.clip(np.floor(values / step), 0, classes - 1))


def _around_zero(known: Mask, values: Floats, edges: tuple[float, ...]) -> Judged:
    """Classes about zero; an edge belongs to the class that is farther from zero."""
    known = known & ~np.isnan(values)
    away = np.searchsorted(edges, np.abs(values), side="right").astype(np.float64)
    return _in(known, len(edges) + np.sign(values) * away)


def _driving(rows: Rows) -> Judged:
    return _where(rows.motion_known, rows.moving)


def _fuel_driving(rows: Rows) -> Judged:
    return _where(rows.motion_known & rows.running, rows.moving)


def _waiting(rows: Rows) -> Judged:
    # A truck that says nothing of a power take-off has none at work.
    return _where(rows.motion_known & rows.running, rows.standing & (rows["pto_engaged"] != 1))


def _cruising(rows: Rows) -> Judged:
    cruise = rows["cruise_active"]
    return _where(rows.moving & ~np.isnan(cruise), cruise == 1)


def _pto(rows: Rows) -> Judged:
    pto = rows["pto_engaged"]
    known = rows.motion_known & ~np.isnan(pto)
    return known, np.where(known & (pto == 1), rows.moving.astype(np.intp), -1)


def _braking(rows: Rows) -> Judged:
    known, down = brake(rows.samples, rows.span)
    return _where(rows.moving & known, down)


def _accelerator(rows: Rows) -> Judged:
    return _steps(rows.running, rows["accelerator_pedal"], PEDAL_STEP_PERCENT, 5)


def _brake_pedal(rows: Rows) -> Judged:
    return _steps(rows.moving, rows["brake_pedal"], PEDAL_STEP_PERCENT, 5)


def _acceleration(rows: Rows) -> Judged:
    acceleration = rows.samples.acceleration_m_s2[rows.span]
    return _around_zero(rows.moving, acceleration, ACCELERATION_EDGES_M_S2)


def _high_acceleration(rows: Rows) -> Judged:
    acceleration = rows.samples.acceleration_m_s2[rows.span]
    return _around_zero(rows.moving, acceleration, HIGH_ACCELERATION_EDGES_M_S2)


def _acceleration_braking(rows: Rows) -> Judged:
    known, classes = _acceleration(rows)
    brake_known, down = brake(rows.samples, rows.span)
    return known & brake_known, np.where(brake_known & down, classes, -1)


def _retarder(rows: Rows) -> Judged:
    braking = -rows["retarder_torque"]
    known, classes = _steps(rows.moving, braking, PEDAL_STEP_PERCENT, 5)
    return known, np.where(braking > 0, classes, -1)


def _without_torque(rows: Rows) -> Judged:
    # A gearbox that does not say whether the driveline is closed says which gear is in.
    engaged, gear = rows["driveline_engaged"], rows["gear_current"]
    closed = np.where(np.isnan(engaged), (gear != 0) & (rows["clutch_switch"] != 1), engaged == 1)
    known = rows.moving & rows.running & ~(np.isnan(engaged) & np.isnan(gear))
    torque = net_torque_percent(rows.samples)[rows.span]
    return _where(known & ~np.isnan(torque), closed & (torque < NO_TORQUE_PERCENT))


def _torque(rows: Rows) -> Judged:
    return _steps(rows.running, rows["engine_torque"], TORQUE_STEP_PERCENT, 10)


def _load(rows: Rows) -> Judged:
    return _steps(rows.running, rows["engine_load"], TORQUE_STEP_PERCENT, 10)


def _speed(rows: Rows) -> Judged:
    return _steps(rows.running, rows.samples.speed_km_h[rows.span], SPEED_STEP_KM_H, 40)


def _engine_speed(rows: Rows) -> Judged:
    return _steps(rows.running, rows["engine_speed"], ENGINE_SPEED_STEP_RPM, 10)


def _gear(signal: str) -> Judge:
    def judge(rows: Rows) -> Judged:
        gear = np.rint(rows[signal])
        known = rows.running & (gear >= GEARS.start) & (gear < GEARS.stop)
        return _in(known, gear - GEARS.start)

    return judge


JUDGES: tuple[tuple[Judge, tuple[str, ...]], ...] = (
    (_driving, ("durationWheelbasedSpeedOverZero",)),
    (_fuel_driving, ("fuelWheelbasedSpeedOverZero",)),
    (_waiting, ("durationWheelbasedSpeedZero", "fuelWheelbasedSpeedZero")),
    (
        _cruising,
        (
            "distanceCruiseControlActive",
            "durationCruiseControlActive",
            "fuelConsumptionDuringCruiseActive",
        ),
    ),
    (_pto, ("ptoActiveClass",)),
    (_braking, ("distanceBrakePedalActiveSpeedOverZero",)),
    (_accelerator, ("accelerationPedalPositionClass",)),
    (_brake_pedal, ("brakePedalPositionClass",)),
    (_acceleration, ("accelerationClass",)),
    (_high_acceleration, ("highAccelerationClass",)),
    (_acceleration_braking, ("accelerationDuringBrakeClass",)),
    (_retarder, ("retarderTorqueClass",)),
    (_without_torque, ("drivingWithoutTorqueClass",)),
    (_torque, ("engineTorqueClass",)),
    (_load, ("engineTorqueAtCurrentSpeedClass",)),
    (_speed, ("vehicleSpeedClass",)),
    (_engine_speed, ("engineSpeedClass",)),
    (_gear("gear_selected"), ("selectedGearClass",)),
    (_gear("gear_current"), ("currentGearClass",)),
)
"""The judge of each field, once for those that share it; the count of brake presses has none."""
