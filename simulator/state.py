"""What a truck remembers from one second to the next, stacked as arrays over the fleet."""

from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from simulator.road import NEVER_M
from simulator.vehicle import Floats

Ints = NDArray[np.int64]


class Phase(IntEnum):
    """What a truck is doing; the order is that of a shift."""

    PARKED = 0  # everything off, nothing sent
    WAKING = 1  # a door wakes the telematics unit; key off
    CHECKS = 2  # key on, engine off
    WARMING = 3  # engine idles before a drive
    DRIVING = 4  # under way, halts at lights included
    WAITING = 5  # engine idles through loading or rest
    TIPPING = 6  # engine drives the tipping pump by the power take-off
    COOLING = 7  # engine idles after a drive
    AFTERRUN = 8  # key off, unit still awake


@dataclass(kw_only=True, slots=True)
class State:
    """Arrays of shape (n,); times are seconds since the simulation's start.

    Attributes:
        phase: A `Phase`.
        until: When the phase ends; infinite while driving.
        lane: Lane of `Roads`.
        s: Position along the lane, m.
        v: Speed, m/s.
        gear: Gear engaged, from 1.
        gear_age: Seconds since the last shift.
        acceleration: Last second's, m/s².
        load: Last second's part of the full-load torque.
        traffic: How strongly traffic disturbs now, standard normal, slowly varying.
        harsh_left: Seconds an emergency braking still lasts.
        harsh_wait: Seconds at speed until the next one.
        dest: Position where this drive ends, m.
        cargo_kg: Load carried.
        shift_end: When the driver wants to stop for the day.
        shift_start: When the next shift begins.
        driven: Seconds driven since the last long rest.
        rest_s: Length of the rest that follows after-run.
        cruise: 1 while the driver uses cruise control on this drive.
        leg: Drives begun since the simulation's start.
        light: Position of the traffic light whose clock `light_from` is, m; placed lights only.
        light_from: When its cycle began.
    """

    phase: Ints
    until: Floats
    lane: Ints
    s: Floats
    v: Floats
    gear: Ints
    gear_age: Floats
    acceleration: Floats
    load: Floats
    traffic: Floats
    harsh_left: Floats
    harsh_wait: Floats
    dest: Floats
    cargo_kg: Floats
    shift_end: Floats
    shift_start: Floats
    driven: Floats
    rest_s: Floats
    cruise: Floats
    leg: Ints
    light: Floats
    light_from: Floats

    @classmethod
    def parked(cls, n: int) -> Self:
        """As many trucks parked at the start of lane 0, waiting for ever."""
        whole = {"phase", "lane", "gear", "leg"}
        columns: dict[str, Any] = {
            f.name: np.zeros(n, dtype=np.int64 if f.name in whole else np.float64)
            for f in fields(cls)
        }
        state = cls(**columns)
        state.gear[:] = 1
        state.until[:] = np.inf
        state.dest[:] = NEVER_M
        state.harsh_wait[:] = np.inf
        return state

    def put(self, index: NDArray[np.intp], part: Self) -> None:
        """Write the rows of `part` back to the rows `index`."""
        for field in fields(self):
            getattr(self, field.name)[index] = getattr(part, field.name)
