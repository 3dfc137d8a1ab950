"""Shifts whose legs depend on the plan alone: the same truck driven otherwise does the same.

In `Shifts` the clock decides: who drives faster gets further before he must rest. Here nominal
driving time does, what the way would take an ordinary truck, and each leg has random numbers of its
own. Variants of a truck then have the same legs, cargo, stops and nights, and differ only in how
they drive them. Chances that a truck as it is took or left are the same however its luck is turned;
which of them a better driver would have taken in its place is luck.
"""

import numpy as np

from simulator.config import SimulationConfig
from simulator.fleet import Vehicle
from simulator.road import END_MARGIN_M, STEP_M, Roads
from simulator.shift import NIGHT_S, REST_AFTER_S, REST_WINDOW_S, SHORT_STOP_S, Shifts
from simulator.state import Phase, State

NOMINAL_KMH = 82.0  # speed nominal time is reckoned at where the road allows it
NOMINAL_SHARE = 0.87  # and part of the posted limit elsewhere, lights included
WORST_HARSH_PER_HOUR = 3.0  # rate at which places for emergencies are drawn, then thinned
SOONEST_S = 3600.0  # a truck late from one shift waits at least this for the next


class PlannedShifts(Shifts):
    """The days of a mixed fleet. All its vehicles have an `individual`."""

    def __init__(
        self, config: SimulationConfig, vehicles: tuple[Vehicle, ...], roads: Roads
    ) -> None:
        self._own = [v.individual for v in vehicles if v.individual is not None]
        super().__init__(config, vehicles, roads)
        pace = np.minimum(np.minimum(roads.limit * NOMINAL_SHARE, roads.bend), NOMINAL_KMH / 3.6)
        self._nominal = np.concatenate([[0.0], np.cumsum(STEP_M / pace)])
        count = len(vehicles)
        self._clock = np.zeros(count)  # nominal seconds since the shift began
        self._driven = np.zeros(count)  # nominal seconds driven since the last rest
        self._length = np.zeros(count)  # nominal seconds the shift is to last
        self._leg_s = np.zeros(count)  # nominal seconds of the leg under way
        self._begun = np.zeros(count)  # when the shift was to begin
        self._emergencies = [self._stream(v, purpose=1) for v in vehicles]

    def _stream(self, vehicle: Vehicle, leg: int = 0, purpose: int = 0) -> np.random.Generator:
        number = vehicle.index if vehicle.individual is None else vehicle.individual.number
        return np.random.default_rng([self._config.seed, 0x514E, number, leg, purpose])

    def emergency(self, state: State, row: int, vehicle: int) -> None:
        """Places are drawn for the worst driver; others pass by most of them."""
        rng = self._emergencies[vehicle]
        rate = self._vehicles[vehicle].profile.harsh_per_hour
        wait = 0.0
        while True:
            wait += rng.exponential(3600 / WORST_HARSH_PER_HOUR)
            if rng.random() * WORST_HARSH_PER_HOUR < rate or wait > 1e6:
                break
        state.harsh_wait[row] = wait

    def _wake(self, state: State, row: int, vehicle: int, t: int) -> None:
        if self._length[vehicle] == 0.0:
            self._length[vehicle] = 3600 * self._draw(vehicle, *self._duties[vehicle].length_h)
            self._clock[vehicle] = self._driven[vehicle] = 0.0
            self._begun[vehicle] = state.shift_start[row]
        self._enter(state, row, Phase.WAKING, t, self._draw(vehicle, 12, 25))

    def _depart(self, state: State, row: int, vehicle: int, t: int) -> None:
        leg = int(state.leg[row]) + 1
        self._rngs[vehicle] = rng = self._stream(self._vehicles[vehicle], leg)
        self._emergencies[vehicle] = self._stream(self._vehicles[vehicle], leg, 1)
        self._head_on(state, row, vehicle)
        share = self._vehicles[vehicle].profile.cruise_share
        luck = self._own[vehicle].luck
        state.cruise[row] = float(_turned(rng.random(), luck.cruise_share, luck.turn) < share)
        rest_in = REST_AFTER_S - self._draw(vehicle, 0.2, 1) * REST_WINDOW_S
        rest_in = min(rest_in - self._driven[vehicle], self._length[vehicle] - self._clock[vehicle])
        self._cut_short(state, row, max(rest_in, 60.0))
        self._leg_s[vehicle] = self._nominal_s(state, row, float(state.dest[row]))
        state.until[row] = np.inf
        state.light[row] = -1.0
        self.emergency(state, row, vehicle)
        self._set_off(state, row, vehicle, t)

    def arrive(self, state: State, row: int, vehicle: int, t: int) -> None:
        """A drive has ended: the plan's clock goes on by what it was to take."""
        self._clock[vehicle] += self._leg_s[vehicle]
        self._driven[vehicle] += self._leg_s[vehicle]
        super().arrive(state, row, vehicle, t)

    def _cut_short(self, state: State, row: int, rest_in: float) -> None:
        """End the drive at the first place to park after `rest_in` nominal seconds."""
        if self._nominal_s(state, row, float(state.dest[row])) <= rest_in:
            return
        lane = int(state.lane[row])
        first = int(self._roads.start[lane])
        now = self._nominal[first + int(state.s[row] / STEP_M)]
        at = (int(np.searchsorted(self._nominal, now + rest_in)) - first) * STEP_M
        last = float(self._roads.length[lane]) - END_MARGIN_M
        point = first + int(min(max(at, float(state.s[row]) + 1500.0), last) / STEP_M)
        state.dest[row] = min(float(state.dest[row]), float(self._roads.area_at[point]))

    def _nominal_s(self, state: State, row: int, to: float) -> float:
        first = int(self._roads.start[int(state.lane[row])])
        from_, end = first + int(state.s[row] / STEP_M), first + int(to / STEP_M)
        return float(self._nominal[end] - self._nominal[from_])

    def _shift_is_over(self, state: State, row: int, vehicle: int, t: int) -> bool:
        del state, row, t
        return bool(self._clock[vehicle] >= self._length[vehicle])

    def _night_until(self, vehicle: int, t: int) -> float:
        # The shift is over on the plan, whenever the truck came in.
        end = float(self._begun[vehicle] + self._clock[vehicle])
        self._length[vehicle] = 0.0
        return max(end + NIGHT_S, t + SOONEST_S)

    def _stopped(self, vehicle: int, stop_s: float, *, rested: bool) -> None:
        self._clock[vehicle] += stop_s
        if rested:
            self._driven[vehicle] = 0.0

    def _warming(self, vehicle: int) -> float:
        return self._own[vehicle].warming

    def _cooling(self, vehicle: int) -> float:
        return self._own[vehicle].warming

    def _lets_run(self, vehicle: int, stop_s: float) -> bool:
        own, luck = self._own[vehicle], self._own[vehicle].luck
        if stop_s < SHORT_STOP_S:
            share, was = self._vehicles[vehicle].profile.idle_share, luck.idle_share
        else:
            share, was = own.long_idle_share, luck.long_idle_share
        return _turned(self._rngs[vehicle].random(), was, luck.turn) < share


def _turned(drawn: float, was: float, turn: float) -> float:
    """A number drawn from 0 to 1 moved on by a part of the range on its side of `was`."""
    if turn == 0.0:
        return drawn
    low, width = (0.0, was) if drawn < was else (was, 1.0 - was)
    return low + width * (((drawn - low) / width + turn) % 1.0)
