"""A working day: wake, check, warm up, drive, load, rest, park; who does what when."""

from dataclasses import dataclass

import numpy as np

from schemas.wire import TriggerType
from simulator.config import SECONDS_PER_DAY, SimulationConfig
from simulator.fleet import Vehicle
from simulator.road import END_MARGIN_M, Roads
from simulator.state import Phase, State

REST_AFTER_S = 4 * 3600  # driving after which a rest is due (China: 4 h, then 20 min)
REST_WINDOW_S = 1200  # drivers begin to look for a place this much earlier
LONG_REST_S = 1200  # a stop this long counts as that rest
SHORT_STOP_S = 900  # longest stop through which an ordinary driver may leave the engine on
NIGHT_S = 8 * 3600  # least time between two shifts
LATE_START_S = 4 * 3600  # a shift planned up to this long before the simulation begins at once
LOOK_AHEAD_M = 1500.0  # a driver needs this much notice to leave the road
DOCK_M = 4 * END_MARGIN_M  # nearer to the lane's end than this, a truck has reached it


@dataclass(frozen=True, kw_only=True, slots=True)
class Duty:
    """How a kind of road is worked; pairs are least and greatest of an even spread.

    Attributes:
        start_h: Local hour the day begins.
        night_share: Chance that a vehicle works nights, twelve hours later.
        length_h: Length of the shift.
        stop_s: Loading or unloading at either end.
        drop_m: Distance between deliveries; `None` drives from end to end.
        load: Part of the greatest cargo on the way out.
        back_load: The same on the way back.
        tips: Whether the far end is a tipping site.
    """

    start_h: tuple[float, float]
    night_share: float
    length_h: tuple[float, float]
    stop_s: tuple[float, float]
    drop_m: tuple[float, float] | None
    load: tuple[float, float]
    back_load: tuple[float, float]
    tips: bool


DUTIES = {
    "long_haul": Duty(start_h=(5, 7.5), night_share=0.2, length_h=(10, 11.5), stop_s=(2400, 5400),
                      drop_m=None, load=(0.5, 1.0), back_load=(0.0, 0.9), tips=False),
    "regional": Duty(start_h=(5.5, 7.5), night_share=0.0, length_h=(9, 10), stop_s=(1500, 3300),
                     drop_m=None, load=(0.4, 1.0), back_load=(0.0, 0.6), tips=False),
    "city": Duty(start_h=(6.5, 8), night_share=0.0, length_h=(8, 9.5), stop_s=(420, 1200),
                 drop_m=(3500, 8000), load=(0.6, 1.0), back_load=(0.0, 0.2), tips=False),
    "site": Duty(start_h=(6, 7.5), night_share=0.15, length_h=(9, 10.5), stop_s=(300, 900),
                 drop_m=None, load=(0.85, 1.0), back_load=(0.0, 0.0), tips=True),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Happening:
    """A trigger of one vehicle: `time_s` seconds since the simulation's start."""

    time_s: int
    vehicle: int
    type: TriggerType
    detail: str = ""


class Shifts:
    """The days of a fleet. It moves vehicles from phase to phase and logs what that triggers."""

    def __init__(
        self, config: SimulationConfig, vehicles: tuple[Vehicle, ...], roads: Roads
    ) -> None:
        self._config = config
        self._vehicles = vehicles
        self._roads = roads
        self._duties = [DUTIES[v.model.route] for v in vehicles]
        self._rngs = [self._stream(v) for v in vehicles]
        self._hours = [
            float(rng.uniform(*duty.start_h)) + (12 if rng.random() < duty.night_share else 0)
            for rng, duty in zip(self._rngs, self._duties, strict=True)
        ]
        self._log: list[Happening] = []

    def _stream(self, vehicle: Vehicle) -> np.random.Generator:
        """Where the random numbers of a vehicle's days come from."""
        return np.random.default_rng([self._config.seed, 0x5417, vehicle.index])

    def begin(self) -> State:
        """Every vehicle parked in its yard, its first shift planned."""
        state = State.parked(len(self._vehicles))
        for i, vehicle in enumerate(self._vehicles):
            rng = self._rngs[i]
            state.lane[i] = 2 * vehicle.road
            state.s[i] = END_MARGIN_M
            state.cargo_kg[i] = self._cargo(i, outward=True)
            start = self._next_start(i, -LATE_START_S)
            if start < 0:
                start = float(rng.uniform(0, 600))
            state.shift_start[i] = state.until[i] = np.ceil(start)
            if vehicle.profile.harsh_per_hour > 0:
                state.harsh_wait[i] = rng.exponential(3600 / vehicle.profile.harsh_per_hour)
        return state

    def drain(self) -> list[Happening]:
        """What happened since the last call, in order of time."""
        log, self._log = self._log, []
        return log

    def advance(self, state: State, row: int, vehicle: int, t: int) -> None:
        """Bring `vehicle`, at `row` of `state`, to its next phase at second `t`."""
        match Phase(int(state.phase[row])):
            case Phase.PARKED:
                self._wake(state, row, vehicle, t)
            case Phase.WAKING:
                self._enter(state, row, Phase.CHECKS, t, self._draw(vehicle, 6, 15))
                self._note(t, vehicle, TriggerType.IGNITION_ON)
                self._note(t, vehicle, TriggerType.DRIVER_LOGIN, self._vehicles[vehicle].driver_id)
            case Phase.CHECKS:
                self._note(t, vehicle, TriggerType.ENGINE_ON)
                warm = self._draw(vehicle, 30, 90) * self._warming(vehicle)
                self._enter(state, row, Phase.WARMING, t, warm)
            case Phase.WARMING | Phase.WAITING:
                self._depart(state, row, vehicle, t)
            case Phase.DRIVING:
                self._look_for_rest(state, row)
            case Phase.TIPPING:
                self._note(t, vehicle, TriggerType.PTO_DISABLED)
                self._depart(state, row, vehicle, t)
            case Phase.COOLING:
                self._note(t, vehicle, TriggerType.ENGINE_OFF)
                self._note(t, vehicle, TriggerType.DRIVER_LOGOUT, self._vehicles[vehicle].driver_id)
                self._note(t, vehicle, TriggerType.IGNITION_OFF)
                self._enter(state, row, Phase.AFTERRUN, t, self._draw(vehicle, 12, 25))
            case Phase.AFTERRUN:
                self._enter(state, row, Phase.PARKED, t, float(state.rest_s[row]))

    def arrive(self, state: State, row: int, vehicle: int, t: int) -> None:
        """A drive has ended: load, tip, rest, or call it a day."""
        duty = self._duties[vehicle]
        self._note(t, vehicle, TriggerType.PARKING_BRAKE_SWITCH_CHANGE, "SET")
        at_end = self._at_end(state, row)
        at_drop = duty.drop_m is not None
        if at_end or at_drop:
            state.cargo_kg[row] = self._next_cargo(state, row, vehicle, at_end=at_end)
        if self._shift_is_over(state, row, vehicle, t):
            start = self._next_start(vehicle, self._night_until(vehicle, t))
            state.shift_start[row] = start
            state.driven[row] = 0.0
            self._park(state, row, vehicle, t, start - t)
            return
        if at_end and duty.tips and state.lane[row] % 2 == 0:
            self._note(t, vehicle, TriggerType.PTO_ENABLED)
            self._working_state(t, vehicle, "WORK")
            self._enter(state, row, Phase.TIPPING, t, self._draw(vehicle, 100, 240))
            return
        stop = self._draw(vehicle, *(duty.stop_s if at_end or at_drop else (LONG_REST_S, 2700)))
        if stop >= LONG_REST_S or not (at_end or at_drop):
            state.driven[row] = 0.0
        self._stopped(vehicle, stop, rested=state.driven[row] == 0.0)
        if self._lets_run(vehicle, stop):
            self._working_state(t, vehicle, "WORK")
            self._enter(state, row, Phase.WAITING, t, stop)
        else:
            self._park(state, row, vehicle, t, stop)

    def emergency(self, state: State, row: int, vehicle: int) -> None:
        """Draw when `vehicle` next has to brake hard."""
        rate = self._vehicles[vehicle].profile.harsh_per_hour
        state.harsh_wait[row] = self._rngs[vehicle].exponential(3600 / rate)

    def _wake(self, state: State, row: int, vehicle: int, t: int) -> None:
        if t >= state.shift_start[row] > state.shift_end[row]:
            length_h = self._draw(vehicle, *self._duties[vehicle].length_h)
            state.shift_end[row] = t + 3600 * length_h
        self._enter(state, row, Phase.WAKING, t, self._draw(vehicle, 12, 25))

    def _depart(self, state: State, row: int, vehicle: int, t: int) -> None:
        profile, rng = self._vehicles[vehicle].profile, self._rngs[vehicle]
        self._head_on(state, row, vehicle)
        state.cruise[row] = float(rng.random() < profile.cruise_share)
        rest_in = REST_AFTER_S - self._draw(vehicle, 0.2, 1) * REST_WINDOW_S - state.driven[row]
        state.until[row] = max(min(t + rest_in, state.shift_end[row]), t + 60)
        self._set_off(state, row, vehicle, t)

    def _head_on(self, state: State, row: int, vehicle: int) -> None:
        """Turn round at the lane's end and choose where this drive leads."""
        length = float(self._roads.length[state.lane[row]])
        if self._at_end(state, row):
            state.s[row] = length - state.s[row]
            state.lane[row] ^= 1
        dest = length - END_MARGIN_M
        drop = self._duties[vehicle].drop_m
        if drop is not None:
            ahead = float(state.s[row]) + self._draw(vehicle, *drop)
            dest = ahead if ahead < dest - drop[0] else dest
        state.dest[row] = dest

    def _set_off(self, state: State, row: int, vehicle: int, t: int) -> None:
        state.phase[row] = Phase.DRIVING
        state.leg[row] += 1
        self._working_state(t, vehicle, "DRIVING")
        self._note(t, vehicle, TriggerType.PARKING_BRAKE_SWITCH_CHANGE, "RELEASED")

    def _look_for_rest(self, state: State, row: int) -> None:
        lane = int(state.lane[row])
        last = float(self._roads.length[lane]) - END_MARGIN_M
        ahead = min(float(state.s[row]) + LOOK_AHEAD_M, last)
        point = self._roads.point(state.lane[row : row + 1], np.array([ahead]))[0]
        state.dest[row] = min(float(state.dest[row]), float(self._roads.area_at[point]))
        state.until[row] = np.inf

    def _park(self, state: State, row: int, vehicle: int, t: int, rest_s: float) -> None:
        state.rest_s[row] = max(rest_s, 120.0)
        self._working_state(t, vehicle, "REST")
        cooling = self._draw(vehicle, 20, 60) * self._cooling(vehicle)
        self._enter(state, row, Phase.COOLING, t, cooling)

    def _next_cargo(self, state: State, row: int, vehicle: int, *, at_end: bool) -> float:
        if at_end:
            return self._cargo(vehicle, outward=bool(state.lane[row] % 2))
        return float(state.cargo_kg[row]) * self._draw(vehicle, 0.6, 0.9)

    def _cargo(self, vehicle: int, *, outward: bool) -> float:
        model, duty = self._vehicles[vehicle].model, self._duties[vehicle]
        share = self._draw(vehicle, *(duty.load if outward else duty.back_load))
        return round(share * (model.mass_max_kg - model.mass_empty_kg), -1)

    def _next_start(self, vehicle: int, earliest: float) -> float:
        """First planned start at or after `earliest`, seconds since the simulation's start."""
        config = self._config
        local = config.start_s + config.utc_offset_h * 3600
        day = (local + earliest) // SECONDS_PER_DAY
        hour = self._hours[vehicle] + self._draw(vehicle, -0.3, 0.3)
        start = day * SECONDS_PER_DAY + hour * 3600 - local
        while start < earliest:
            start += SECONDS_PER_DAY
        return float(np.ceil(start))

    def _at_end(self, state: State, row: int) -> bool:
        return bool(self._roads.length[state.lane[row]] - state.s[row] < DOCK_M)

    def _idles(self, vehicle: int) -> bool:
        return self._vehicles[vehicle].profile.idle_share > 0.5

    def _warming(self, vehicle: int) -> float:
        """How many times as long as others the driver idles before a drive."""
        return 6.0 if self._idles(vehicle) else 1.0

    def _cooling(self, vehicle: int) -> float:
        """How many times as long as others the driver idles after a drive."""
        return 4.0 if self._idles(vehicle) else 1.0

    def _lets_run(self, vehicle: int, stop_s: float) -> bool:
        """Whether the engine runs on through a stop."""
        lets_run = self._rngs[vehicle].random() < self._vehicles[vehicle].profile.idle_share
        return lets_run and (stop_s < SHORT_STOP_S or self._idles(vehicle))

    def _shift_is_over(self, state: State, row: int, vehicle: int, t: int) -> bool:
        del vehicle
        return bool(t >= state.shift_end[row])

    def _night_until(self, vehicle: int, t: int) -> float:
        """Earliest start of the next shift."""
        del vehicle
        return t + NIGHT_S

    def _stopped(self, vehicle: int, stop_s: float, *, rested: bool) -> None:
        """Called for each stop within a shift."""

    def _enter(self, state: State, row: int, phase: Phase, t: int, seconds: float) -> None:
        state.phase[row] = phase
        state.until[row] = t + max(np.ceil(seconds), 1.0)

    def _draw(self, vehicle: int, least: float, most: float) -> float:
        return float(self._rngs[vehicle].uniform(least, most))

    def _working_state(self, t: int, vehicle: int, state: str) -> None:
        self._note(t, vehicle, TriggerType.DRIVER_1_WORKING_STATE_CHANGED, state)

    def _note(self, t: int, vehicle: int, type_: TriggerType, detail: str = "") -> None:
        self._log.append(Happening(time_s=t, vehicle=vehicle, type=type_, detail=detail))
