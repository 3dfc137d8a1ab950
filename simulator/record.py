"""The record of a chunk of motion: what each second left behind, and what follows from it."""

from dataclasses import dataclass

import numpy as np

from simulator.fleet import Parameters
from simulator.road import Roads
from simulator.state import Phase
from simulator.vehicle import GRAVITY_M_S2, Floats

CRUISE_FROM_M_S = 16.0  # cruise control takes over from this speed
TIPPING_RPM = 1080.0  # engine speed the tipping pump is driven at
LAUNCH_LIFT = 0.45  # how far full load lifts a slipping clutch's engine above idle, part of idle
HOLD_SHARE = 0.12  # brake force that holds a standing truck, part of its weight


@dataclass(frozen=True, kw_only=True, slots=True)
class Trace:
    """What the motion writes each second: arrays of shape (seconds, n), end-of-second values.

    Attributes:
        phase: A `Phase`.
        lane: Lane of the road.
        position: Metres along it.
        speed: m/s.
        acceleration: m/s².
        step_m: Way of this second, m.
        gear: Gear chosen, from 1.
        gear_age: Seconds since it was.
        torque: Crank torque to the driveline, Nm; negative where the engine brakes.
        load: The same as part of full load, 0 to 1.
        brake: Force of the service brakes, N.
        retarder: Force of the retarder, N.
        pressing: 1 where the driver brakes.
        coasting: 1 where the truck rolls without pedals.
        eco_roll: 1 where it does so in neutral.
        harsh: 1 during an emergency braking.
        harsh_begins: 1 in its first second.
        cruise: 1 where cruise control is switched on.
        mass: Gross combination mass, kg.
        leg: Drives begun since the simulation's start.
    """

    phase: Floats
    lane: Floats
    position: Floats
    speed: Floats
    acceleration: Floats
    step_m: Floats
    gear: Floats
    gear_age: Floats
    torque: Floats
    load: Floats
    brake: Floats
    retarder: Floats
    pressing: Floats
    coasting: Floats
    eco_roll: Floats
    harsh: Floats
    harsh_begins: Floats
    cruise: Floats
    mass: Floats
    leg: Floats

    @classmethod
    def empty(cls, seconds: int, n: int) -> "Trace":
        """Room for `seconds` of n vehicles."""
        return cls(**{name: np.zeros((seconds, n)) for name in cls.__slots__})


def columns_of(trace: Trace, p: Parameters, roads: Roads) -> dict[str, Floats]:
    """The trace and what follows from it, (seconds, n) by name.

    Adds `rpm`, `clutch_open`, `pedal` (0 to 1), `cruising` and `cruise_on` (0 or 1) and `limit`
    (posted speed, m/s); `gear` becomes the engaged one, 0 in neutral; `brake` holds a standing
    truck.
    """
    columns: dict[str, Floats] = {name: getattr(trace, name) for name in Trace.__slots__}
    driving = trace.phase == Phase.DRIVING
    tipping = trace.phase == Phase.TIPPING
    running = (trace.phase >= Phase.WARMING) & (trace.phase <= Phase.COOLING)
    rolling = trace.eco_roll > 0.0
    pulling = trace.torque > 0.0
    moving = trace.speed > 0.0
    gear = trace.gear.astype(np.int64)
    rows = np.arange(gear.shape[1])
    idle = p.engines.idle_rpm
    rpm = np.where(rolling, 0.0, trace.speed * p.rpm_per_m_s[rows, gear - 1])
    open_ = (rpm < idle) | (trace.gear_age < 1.0)
    launch = idle * np.where(open_ & pulling, 1.0 + LAUNCH_LIFT * trace.load, 1.0)
    floor = np.where(tipping, TIPPING_RPM, launch)
    cruise_on = driving & (trace.cruise > 0.0)
    cruising = cruise_on & (trace.speed > CRUISE_FROM_M_S) & (trace.pressing == 0.0)
    weight = trace.mass * GRAVITY_M_S2
    point = roads.point(trace.lane.astype(np.int64), trace.position - trace.step_m)
    return columns | {
        "gear": np.where(driving & (moving | pulling) & ~rolling, trace.gear, 0.0),
        "rpm": np.where(running, np.maximum(rpm, floor), 0.0),
        "clutch_open": open_.astype(np.float64),
        "pedal": np.where(cruising | tipping, 0.0, trace.load),
        "cruise_on": cruise_on.astype(np.float64),
        "cruising": cruising.astype(np.float64),
        "limit": roads.limit[point],
        "brake": np.where(driving & ~moving, HOLD_SHARE * weight, trace.brake),
    }
