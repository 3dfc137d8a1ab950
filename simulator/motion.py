"""How trucks move: one step a second over all vehicles, from road and driver to gear and torque."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.envelopes import Envelopes
from simulator.fleet import LOWER_GEAR_LOSS, Parameters
from simulator.gearbox import shift
from simulator.record import CRUISE_FROM_M_S, TIPPING_RPM, Trace
from simulator.road import NEVER_M, STEP_M, Roads
from simulator.shift import Shifts
from simulator.state import Phase, State
from simulator.surroundings import Surroundings
from simulator.vehicle import WATTS_PER_TORQUE_RPM, Floats, resistance_n

RED_S = 27.0  # red part of a traffic light's cycle
LATE_BRAKE_M_S2 = 1.7  # a light turning red nearer than this braking allows is passed
HARSH_SPEED_M_S = 11.0  # emergency brakings happen from this speed on
HARSH_S = 3.0  # and last this long
STOP_GAP_M = 2.0  # drivers aim this far before a stop line
WAIT_GAP_M = 3.0  # and do not creep when they stand closer than this to their aim
GOVERNED = 0.95  # part of the end of the torque curve the governor allows under load
RETARDER_FROM_M_S = 4.0  # retarders have no grip below
ROTATING = 0.04  # wheels and driveline as part of the mass
BRAKE_MARGIN_M_S = 0.6  # drivers let the truck run this much too fast before they brake
REGULATOR_S = 3.0  # time in which a driver closes a gap in speed
TIPPING_W = 26_000.0  # power the tipping pump takes
MOST_BRAKE_M_S2 = 2.6  # braking short of an emergency
LAUNCH_SPEED = 1.25  # speed over idle that full load is taken at while the clutch slips
TIPPING_NM = TIPPING_W / (TIPPING_RPM * WATTS_PER_TORQUE_RPM)
# An enumeration's members are slow to look up, and the step is run each second.
DRIVING, TIPPING = int(Phase.DRIVING), int(Phase.TIPPING)


class Motion:
    """Moves trucks over `roads` as their drivers wish and their engines can.

    Args:
        roads: The network.
        envelopes: How fast the drivers take it; `Parameters.envelope` counts in them.
        around: What they meet on it.
    """

    def __init__(self, roads: Roads, envelopes: Envelopes, around: Surroundings) -> None:
        self._roads = roads
        self._coast_speed = envelopes.coast
        self._brake_speed = envelopes.brake
        self._around = around

    def run(
        self,
        state: State,
        parameters: Parameters,
        shifts: Shifts,
        *,
        first_s: int,
        seconds: int,
        coolant_c: Floats,
        air_kg_m3: Floats,
    ) -> Trace:
        """Advance `state` in place by `seconds` and return the way there.

        Args:
            state: Vehicles to move, n rows.
            parameters: Their constants, n rows.
            shifts: Decides phases and destinations.
            first_s: Time of the first step, s since the simulation's start.
            seconds: Number of steps.
            coolant_c: Coolant temperature, (n,), held over the chunk.
            air_kg_m3: Air density, (n,).
        """
        n = len(state.phase)
        trace = Trace.empty(seconds, n)
        rows = np.arange(n)
        self._around.begin(seconds, n)
        for k in range(seconds):
            t = first_s + k
            self._phases(state, parameters, shifts, t)
            state.traffic = self._around.traffic(state, k, parameters.index)
            driving = state.phase == DRIVING
            shift(state, parameters, rows, driving)
            trace.harsh_begins[k], harsh = self._emergencies(state, parameters, shifts, driving)
            point = self._roads.point(state.lane, state.s)
            wish = self._wish(state, parameters, point, t, harsh)
            limits = _engine(state, parameters, rows, coolant_c)
            trace.harsh[k] = harsh
            trace.phase[k] = state.phase
            trace.lane[k] = state.lane
            trace.cruise[k] = state.cruise
            trace.leg[k] = state.leg
            self._move(state, parameters, wish, limits, trace, k, point, driving, harsh, air_kg_m3)
            trace.position[k] = state.s
            trace.gear[k] = state.gear
            trace.gear_age[k] = state.gear_age
        return trace

    def _phases(self, state: State, parameters: Parameters, shifts: Shifts, t: int) -> None:
        """Let the shifts decide for trucks whose phase is over or whose drive has ended."""
        near = state.dest - state.s < 2 * STEP_M
        arrived = near & (state.v == 0.0) & (state.phase == DRIVING)
        due = (state.until <= t) | arrived
        if not due.any():
            return
        for row in np.flatnonzero(due).tolist():
            vehicle = int(parameters.index[row])
            if arrived[row]:
                shifts.arrive(state, row, vehicle, t)
            else:
                shifts.advance(state, row, vehicle, t)

    def _wish(
        self,
        state: State,
        p: Parameters,
        point: NDArray[np.int64],
        t: int,
        harsh: NDArray[np.bool_],
    ) -> "_Wish":
        """What the drivers want, from limits, bends, lights, traffic and their destinations."""
        roads, v = self._roads, state.v
        squared = v * v
        light_gap = roads.light_at[point] - state.s
        light_s = self._around.light_s(state, point, t, p.index)
        red = light_s < RED_S
        turned_gap = light_gap + v * self._around.remembered_s(light_s)
        can_stop = squared < 2 * LATE_BRAKE_M_S2 * np.maximum(turned_gap - STOP_GAP_M, 0.1)
        gap = np.where(red & can_stop, light_gap, NEVER_M)
        gap = np.maximum(np.minimum(gap, state.dest - state.s) - STOP_GAP_M, 0.0)
        crowd = np.minimum(np.maximum((27.0 - roads.limit[point]) * 0.02, 0.02), 0.3)
        held = self._around.wandered(state, p.index)
        place = p.envelope + point
        free = self._brake_speed[place] * ((1.0 - crowd * np.abs(state.traffic)) * held)
        lift = np.minimum(self._coast_speed[place] * held, np.sqrt(2 * p.coast_m_s2 * gap))
        brake_at = np.minimum(free, np.sqrt(2 * p.brake_m_s2 * gap))
        halting = squared > 1.8 * p.brake_m_s2 * gap
        approach = np.where(
            v > brake_at, np.minimum((brake_at - v) / 1.5, 0.0), (free - v) / REGULATOR_S
        )
        stop = squared / (-2 * np.maximum(gap, 0.5))
        wanted = np.where(halting, np.minimum(stop, approach), approach)
        wanted = np.minimum(np.maximum(wanted, -MOST_BRAKE_M_S2), p.acceleration_m_s2)
        pressing = harsh | (v > brake_at + BRAKE_MARGIN_M_S) | (halting & (wanted < -0.15))
        return _Wish(
            acceleration=np.where(harsh, -p.harsh_m_s2, wanted),
            pressing=pressing,
            lifting=(v > lift) & (v > 2.0) & ~pressing,
            waiting=(v == 0.0) & (gap < WAIT_GAP_M),
            slow=(brake_at < 0.35) | (gap < 0.7),
        )

    def _move(
        self,
        state: State,
        p: Parameters,
        wish: "_Wish",
        engine: "_Engine",
        trace: Trace,
        k: int,
        point: NDArray[np.int64],
        driving: NDArray[np.bool_],
        harsh: NDArray[np.bool_],
        air_kg_m3: Floats,
    ) -> None:
        """Forces, and the second they act: speed, position and what the engine did for them."""
        v = state.v
        mass = p.mass_empty_kg + state.cargo_kg
        resistance = resistance_n(
            mass_kg=mass,
            speed_m_s=v,
            gradient=self._roads.gradient[point],
            rolling=p.rolling * (1.0 + p.rolling_per_m_s * v),
            drag_area_m2=p.drag_area_m2,
            air_kg_m3=air_kg_m3,
        )
        # The governor holds the truck at the speed that the gear's top engine speed gives.
        wanted = np.minimum(wish.acceleration, np.maximum(engine.governed_m_s - v, -0.1))
        inertia = mass * (1 + ROTATING) + p.engine_inertia * engine.gain * engine.gain
        pressing = driving & wish.pressing
        coasting = driving & wish.lifting
        eco_roll = coasting & (state.cruise > 0) & (v > CRUISE_FROM_M_S)
        need = np.where(coasting, -np.inf, inertia * wanted + resistance)
        pull = np.minimum(np.maximum(need, -engine.drag_n), engine.full_n)
        # While the gearbox shifts, half the second is without drive.
        pull = np.where(state.gear_age < 1.0, 0.5 * pull, pull)
        pull = np.where(driving & ~wish.waiting & ~eco_roll, pull, 0.0)
        slowing = np.where(pressing, np.maximum(pull - need, 0.0), 0.0)
        retarder = np.minimum(
            slowing, np.where((v > RETARDER_FROM_M_S) & ~harsh, p.retarder_n, 0.0)
        )
        v_new = np.maximum(v + (pull - resistance - slowing) / inertia, 0.0)
        v_new = np.where(driving & ~wish.waiting & ~(wish.slow & (v_new < 1.0)), v_new, 0.0)
        step_m = 0.5 * (v + v_new)

        torque = pull / np.where(pull >= 0.0, engine.gain * engine.efficiency, engine.gain)
        # Rows carry end-of-second speeds, so torque is scaled to do the second's work at them.
        torque *= np.where(engine.slipping | (v_new < 1.0), 1.0, step_m / np.maximum(v_new, 1.0))
        torque = np.where(state.phase == TIPPING, TIPPING_NM, torque)
        state.load = np.minimum(np.maximum(torque, 0.0) / engine.full_nm, 1.0)
        state.acceleration = v_new - v
        state.v = v_new
        state.s += step_m
        state.driven += driving
        trace.speed[k] = v_new
        trace.acceleration[k] = state.acceleration
        trace.step_m[k] = step_m
        trace.torque[k] = torque
        trace.load[k] = state.load
        trace.brake[k] = slowing - retarder
        trace.retarder[k] = retarder
        trace.pressing[k] = pressing
        trace.coasting[k] = coasting
        trace.eco_roll[k] = eco_roll
        trace.mass[k] = mass

    def _emergencies(
        self, state: State, p: Parameters, shifts: Shifts, driving: NDArray[np.bool_]
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Where an emergency braking begins this second, and where one is under way."""
        fast = driving & (state.v > HARSH_SPEED_M_S)
        state.harsh_wait -= fast * self._around.exposed(state.v)
        begins = fast & (state.harsh_wait <= 0.0)
        if begins.any():
            for row in np.flatnonzero(begins).tolist():
                state.harsh_left[row] = HARSH_S
                shifts.emergency(state, row, int(p.index[row]))
        harsh = (state.harsh_left > 0.0) & driving
        state.harsh_left = np.maximum(state.harsh_left - 1.0, 0.0)
        return begins, harsh


@dataclass(frozen=True, kw_only=True, slots=True)
class _Wish:
    """What drivers want this second: arrays (n,).

    `acceleration` in m/s²; `pressing` the brake, `lifting` both feet, `waiting` at a stop line,
    and whether the stop is so near that a `slow` truck stands.
    """

    acceleration: Floats
    pressing: NDArray[np.bool_]
    lifting: NDArray[np.bool_]
    waiting: NDArray[np.bool_]
    slow: NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Engine:
    """What engine and gear can do this second: arrays (n,).

    `gain` is wheel force over crank torque, `full_n` and `drag_n` the wheel forces at full load
    and of the unfuelled engine, `full_nm` the torque at full load, `governed_m_s` the gear's
    greatest speed.
    """

    gain: Floats
    efficiency: Floats
    full_nm: Floats
    full_n: Floats
    drag_n: Floats
    governed_m_s: Floats
    slipping: NDArray[np.bool_]


def _engine(state: State, p: Parameters, rows: NDArray[np.intp], coolant_c: Floats) -> _Engine:
    engines, gear = p.engines, state.gear - 1
    gain, rpm_per_m_s = p.gain[rows, gear], p.rpm_per_m_s[rows, gear]
    rpm_gear = state.v * rpm_per_m_s
    slipping = rpm_gear < engines.idle_rpm
    rpm = np.maximum(rpm_gear, engines.idle_rpm)
    efficiency = p.efficiency - LOWER_GEAR_LOSS * (state.gear < p.top_gear)
    auxiliary_nm = p.auxiliary_nm(rpm)
    pulled_up = rpm * np.where(slipping, LAUNCH_SPEED, 1.0)
    full_nm = engines.full_load_nm(pulled_up, rows) - auxiliary_nm
    drag_nm = np.where(slipping, 0.0, engines.friction_nm(rpm, coolant_c) + auxiliary_nm)
    return _Engine(
        gain=gain,
        efficiency=efficiency,
        full_nm=full_nm,
        full_n=full_nm * gain * efficiency,
        drag_n=drag_nm * gain,
        governed_m_s=GOVERNED * engines.governed_rpm / rpm_per_m_s,
        slipping=slipping,
    )
