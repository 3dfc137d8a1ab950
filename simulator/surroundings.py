"""What the road brings besides itself: traffic, lights, emergencies, an unsteady foot.

`Surroundings` follow the clock: who comes a second later meets other traffic. `PlacedSurroundings`
are bound to the leg and the place, so that the same truck driven otherwise meets the same: common
random numbers, without which a per cent of fuel could not be told from the luck of the lights.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simulator.road import LIGHT_CYCLE_S, Roads
from simulator.state import State
from simulator.vehicle import Floats

TRAFFIC_MEMORY = 0.997  # how much of a traffic disturbance is left after a second
NOTICE_M = 400.0  # a placed light comes in sight, and its clock begins, this far ahead
CELL_M = 20.0  # grid of placed noise
TRAFFIC_M = 5_000.0  # way over which placed traffic forgets itself by e
THICKEST = 2.3  # greatest placed traffic; it does not pass while one stands in it
WANDER_M = 120.0  # way over which a foot without cruise control does
NOISE_CELLS = 1 << 18  # length of the noise all vehicles read at places of their own
EXPOSED_M_S = 18.0  # speed at which placed emergencies come as often as those by the clock
_MIX = (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)  # splitmix64 (Steele et al.)
_TRAFFIC, _WANDER, _LIGHT = 1, 2, 3  # what a drawn number is for


class Surroundings:
    """By the clock, from one stream of random numbers."""

    def __init__(self, roads: Roads, rng: np.random.Generator) -> None:
        self._roads = roads
        self._rng = rng
        self._jolts: Floats = np.empty((0, 0))

    def begin(self, seconds: int, n: int) -> None:
        """Draw what a chunk of `seconds` of n vehicles needs."""
        self._jolts = self._rng.standard_normal((seconds, n)) * np.sqrt(1 - TRAFFIC_MEMORY**2)

    def traffic(self, state: State, k: int, vehicles: NDArray[np.int64]) -> Floats:
        """How strongly traffic disturbs in second `k` of the chunk, standard normal."""
        del vehicles
        return np.asarray(state.traffic * TRAFFIC_MEMORY + self._jolts[k])

    def light_s(
        self, state: State, point: NDArray[np.int64], t: int, vehicles: NDArray[np.int64]
    ) -> Floats:
        """Where in its cycle the next light is, s."""
        del state, vehicles
        return np.fmod(t + self._roads.light_phase[point], LIGHT_CYCLE_S)

    def remembered_s(self, light_s: Floats) -> Floats | float:
        """For how long drivers hold to what they could do when the light turned red, s.

        Here they look anew each second: who would brake late for a light long red, and is then too
        near, passes it. Figures of known profiles were measured so.
        """
        del light_s
        return 0.0

    def wandered(self, state: State, vehicles: NDArray[np.int64]) -> Floats | float:
        """Speed held over speed wanted."""
        del state, vehicles
        return 1.0

    def exposed(self, speed: Floats) -> Floats | float:
        """Seconds towards the next emergency that a second at `speed` counts for."""
        del speed
        return 1.0


class PlacedSurroundings(Surroundings):
    """By leg and place, a stream for each vehicle.

    Args:
        roads: The network.
        seed: The simulation's.
        streams: Number of each vehicle's streams; variants of one truck have the same.
        wander_m_s: How far each driver's speed wanders without cruise control.
        steady_from_m_s: Speed from which cruise control, where on, holds it.
        turns: Part of the cycle by which each vehicle's lights are moved on; 0 without it.
    """

    def __init__(
        self,
        roads: Roads,
        *,
        seed: int,
        streams: Sequence[int],
        wander_m_s: Floats,
        steady_from_m_s: float,
        turns: Sequence[float] | None = None,
    ) -> None:
        super().__init__(roads, np.random.default_rng([seed, 0x91AC]))
        self._streams = np.array(streams, dtype=np.uint64)
        self._wander_m_s = wander_m_s
        self._steady_from_m_s = steady_from_m_s
        self._turns = np.zeros(len(streams)) if turns is None else np.array(turns)
        self._traffic = _noise(self._rng, TRAFFIC_M)
        self._wander = _noise(self._rng, WANDER_M, smooth=True)
        self._key = np.uint64(seed)

    def begin(self, seconds: int, n: int) -> None:
        """Nothing is drawn by the clock."""

    def traffic(self, state: State, k: int, vehicles: NDArray[np.int64]) -> Floats:
        """What the place has on this leg, never so much that a truck would stand there for ever."""
        del k
        return np.clip(self._at(self._traffic, _TRAFFIC, state, vehicles), -THICKEST, THICKEST)

    def light_s(
        self, state: State, point: NDArray[np.int64], t: int, vehicles: NDArray[np.int64]
    ) -> Floats:
        """From when a truck comes near, the light keeps its cycle from a phase drawn for the leg.

        A driver who comes later than another by more than the cycle's rest finds it changed; one
        who is late already does not.
        """
        light = self._roads.light_at[point]
        new = (light != state.light) & (light - state.s < NOTICE_M)
        if new.any():
            rows = np.flatnonzero(new)
            number = light[rows].astype(np.int64).astype(np.uint64)
            drawn = self._draw(_LIGHT, state.leg[rows], vehicles[rows], number)
            part = (drawn >> np.uint64(11)).astype(np.float64) * 2.0**-53
            part = np.fmod(part + self._turns[vehicles[rows]], 1.0)
            state.light[rows] = light[rows]
            state.light_from[rows] = t - part * LIGHT_CYCLE_S
        # One that is not in sight yet counts as green.
        seen = light == state.light
        return np.where(seen, np.fmod(t - state.light_from, LIGHT_CYCLE_S), LIGHT_CYCLE_S)

    def remembered_s(self, light_s: Floats) -> Floats:
        """All the time: nobody passes a light that he could have stopped at."""
        return light_s

    def wandered(self, state: State, vehicles: NDArray[np.int64]) -> Floats:
        """Cruise control is steady; a foot is not."""
        by_foot = (state.cruise == 0.0) | (state.v < self._steady_from_m_s)
        noise = self._at(self._wander, _WANDER, state, vehicles)
        spread = self._wander_m_s[vehicles] / np.maximum(state.v, 12.0)
        return np.asarray(1.0 + by_foot * np.clip(noise, -2.5, 2.5) * spread)

    def exposed(self, speed: Floats) -> Floats:
        """Emergencies lie along the way."""
        return speed * (1 / EXPOSED_M_S)

    def _at(self, noise: Floats, purpose: int, state: State, vehicles: NDArray[np.int64]) -> Floats:
        first = self._draw(purpose, state.leg, vehicles) & np.uint64(NOISE_CELLS - 1)
        at = state.s * (1 / CELL_M)
        cell = at.astype(np.int64)
        part = at - cell
        place = (first.astype(np.int64) + cell) & (NOISE_CELLS - 1)
        low = noise[place]
        return np.asarray(low + part * (noise[place + 1] - low))

    def _draw(
        self,
        purpose: int,
        leg: NDArray[np.int64],
        vehicles: NDArray[np.int64],
        number: NDArray[np.uint64] | None = None,
    ) -> NDArray[np.uint64]:
        """A random number of 64 bits that depends on nothing but these (splitmix64)."""
        key = np.uint64((purpose * _MIX[0]) & (2**64 - 1)) ^ self._key
        own = self._streams[vehicles] * np.uint64(0x1000193) + leg.astype(np.uint64)
        mixed = _mix(np.asarray(own + key, dtype=np.uint64))
        return mixed if number is None else _mix(np.asarray(mixed ^ number))


def _mix(value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    mixed = value + np.uint64(_MIX[0])
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(_MIX[1])
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(_MIX[2])
    return np.asarray(mixed ^ (mixed >> np.uint64(31)), dtype=np.uint64)


def _noise(rng: np.random.Generator, length_m: float, *, smooth: bool = False) -> Floats:
    """Standard normal noise that forgets itself over `length_m`, one cell more than asked.

    Smooth noise has gone through the same filter twice, so that it has a slope.
    """
    noise = rng.standard_normal(NOISE_CELLS + 1)
    keep = float(np.exp(-CELL_M / length_m))
    for _ in range(2 if smooth else 1):
        value, filtered = 0.0, []
        for jolt in noise.tolist():
            value = keep * value + jolt
            filtered.append(value)
        noise = np.array(filtered)
    return np.asarray(noise / noise.std())
