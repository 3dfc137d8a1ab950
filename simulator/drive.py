"""How trucks drive: ten minutes of motion, then the slow physics that follow from it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator import air, thermal, weather
from simulator.config import CHUNK_S, SimulationConfig
from simulator.defects import Defects
from simulator.envelopes import ProfileEnvelopes, own_envelopes
from simulator.fleet import Parameters, Vehicle, take
from simulator.motion import Motion
from simulator.planned_shift import PlannedShifts
from simulator.record import CRUISE_FROM_M_S, columns_of
from simulator.road import Roads
from simulator.shift import Shifts
from simulator.signals.derived import REGENERATION_L_H
from simulator.state import Phase
from simulator.surroundings import PlacedSurroundings, Surroundings
from simulator.vehicle import Floats

STEPS = CHUNK_S // int(thermal.STEP_S)
REGENERATION_SOOT_PCT = 100.0  # soot from which the filter burns itself free
REGENERATION_S = 1800.0  # length of a regeneration
REGENERATION_FROM_M_S = 8.0  # speed below which it pauses
WORST_START_AIR_KPA = 700.0  # a truck that stood long has at least this from its yard's compressor


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Driven:
    """What a chunk's motion left: `columns` (seconds, n) and `slow` (steps, n) by name.

    `active` are the n vehicles that were switched on; `regenerating` says
    which burn their filters free, (n,); `first_s` is the chunk's start.
    """

    first_s: int
    active: NDArray[np.intp]
    columns: dict[str, Floats]
    slow: dict[str, Floats]
    regenerating: NDArray[np.bool_]


class Drive:
    """Some vehicles on their roads, from one chunk to the next.

    Args:
        config: The simulation.
        vehicles: Those driven, numbered from 0.
        parameters: Their constants.
        roads: The network.
        envelopes: What drivers of known profiles drive by.
        rng: Source of all that is left to chance.

    Attributes:
        shifts: Who does what when.
        state: What the vehicles remember from one second to the next.
    """

    def __init__(
        self,
        config: SimulationConfig,
        vehicles: tuple[Vehicle, ...],
        parameters: Parameters,
        roads: Roads,
        envelopes: ProfileEnvelopes,
        rng: np.random.Generator,
    ) -> None:
        self._config = config
        self._roads = roads
        self._parameters = parameters
        mixed = [v.individual for v in vehicles if v.individual is not None]
        self._defects = Defects.of(vehicles)
        self.shifts = (PlannedShifts if mixed else Shifts)(config, vehicles, roads)
        self.state = self.shifts.begin()
        speeds = own_envelopes(roads, vehicles) if mixed else envelopes.of(vehicles)
        parameters.envelope[:] = speeds.offset
        around = (
            PlacedSurroundings(
                roads,
                seed=config.seed,
                streams=[own.number for own in mixed],
                turns=[own.luck.turn for own in mixed],
                wander_m_s=np.array([own.wander_kmh / 3.6 for own in mixed]),
                steady_from_m_s=CRUISE_FROM_M_S,
            )
            if mixed
            else Surroundings(roads, rng)
        )
        self._motion = Motion(roads, speeds, around)
        self._offset_k = np.array([v.ambient_offset_k for v in vehicles])
        self._slow = thermal.cold(self._parked(np.arange(len(vehicles)), 0))
        self._slow["soot_pct"] = rng.uniform(10, 80, len(vehicles))
        self._air_kpa = rng.uniform(880, 1000, len(vehicles))
        self._pumping = np.zeros(len(vehicles))
        self._seen_s = np.zeros(len(vehicles))
        self._regenerate_until = np.zeros(len(vehicles))

    def awake(self, number: int) -> NDArray[np.intp]:
        """The vehicles that are switched on at some time of chunk `number`."""
        end_s = (number + 1) * CHUNK_S
        return np.flatnonzero((self.state.phase != Phase.PARKED) | (self.state.until < end_s))

    def run(self, active: NDArray[np.intp], number: int) -> Driven:
        """Move the vehicles `active`, those awake in it, through chunk `number`."""
        first_s = number * CHUNK_S
        state, parameters = take(self.state, active), take(self._parameters, active)
        off = first_s - self._seen_s[active]
        start = {name: values[active] for name, values in self._slow.items()}
        parked = off > 0.0
        if parked.any():
            cooled = thermal.rest(self._parked(active, first_s), start, np.maximum(off, 0.0))
            start = {name: np.where(parked, cooled[name], values) for name, values in start.items()}
        regenerating = self._regenerations(active, start["soot_pct"], first_s)
        point = self._roads.point(state.lane, state.s)
        altitude = self._roads.altitude[point]
        outside = self._ambient(active, first_s, point)
        trace = self._motion.run(
            state,
            parameters,
            self.shifts,
            first_s=first_s,
            seconds=CHUNK_S,
            coolant_c=start["coolant_c"],
            air_kg_m3=weather.air_density_kg_m3(outside, altitude),
        )
        self.state.put(active, state)
        columns = columns_of(trace, parameters, self._roads)
        burnt = 1.0 if self._defects is None else self._defects.burnt(active, first_s, CHUNK_S)
        columns |= self._engine(columns, parameters, start["coolant_c"], regenerating, burnt)
        slow = self._slow_physics(columns, active, first_s, start)
        self._seen_s[active] = first_s + CHUNK_S
        return Driven(
            first_s=first_s,
            active=active,
            columns=columns,
            slow=slow,
            regenerating=regenerating > 0.0,
        )

    def _engine(
        self,
        columns: dict[str, Floats],
        parameters: Parameters,
        coolant_c: Floats,
        regenerating: Floats,
        burnt: Floats | float,
    ) -> dict[str, Floats]:
        """Torques and fuel of every second, (seconds, n); `burnt` is over a sound engine's fuel."""
        engines = parameters.engines
        running = columns["rpm"] > 0.0
        rpm = np.maximum(columns["rpm"], engines.idle_rpm)
        auxiliary_nm = parameters.auxiliary_nm(rpm)
        burning = regenerating * (columns["speed"] > REGENERATION_FROM_M_S)
        fuel = burnt * engines.fuel_l_h(columns["torque"] + auxiliary_nm, rpm, coolant_c)
        gear = np.maximum(columns["gear"].astype(np.int64) - 1, 0)
        rows = np.arange(rpm.shape[1])
        return {
            "auxiliary_nm": auxiliary_nm,
            "friction_nm": engines.friction_nm(rpm, coolant_c),
            "full_nm": engines.full_load_nm(rpm, rows),
            "regenerating": burning,
            "fuel_rate": (fuel + REGENERATION_L_H * burning) * running,
            "ratio": parameters.gain[rows, gear] / parameters.retarder_gain,
        }

    def _slow_physics(
        self,
        columns: dict[str, Floats],
        active: NDArray[np.intp],
        first_s: int,
        start: dict[str, Floats],
    ) -> dict[str, Floats]:
        """Slow quantities and air at the beginning of each ten-second step, (steps, n)."""
        brake_w = columns["brake"] * columns["step_m"]
        mean = {
            name: values.reshape(STEPS, -1, len(active)).mean(axis=1)
            for name, values in {
                "running": np.asarray(columns["rpm"] > 0.0, dtype=np.float64),
                "load": columns["load"],
                "speed": columns["speed"],
                "brake_w": brake_w,
                "retarder_w": columns["retarder"] * columns["step_m"],
                "regenerating": columns["regenerating"],
                "braking": np.asarray(brake_w > 0.0, dtype=np.float64),
                "moving": np.asarray(columns["speed"] > 0.0, dtype=np.float64),
            }.items()
        }
        point = self._roads.point(
            columns["lane"][:: CHUNK_S // STEPS].astype(np.int64),
            columns["position"][:: CHUNK_S // STEPS],
        )
        seconds: Floats = first_s + thermal.STEP_S * np.arange(STEPS, dtype=np.float64)[:, None]
        mean["ambient_c"] = self._ambient(active, seconds, point)
        mean["daylight"] = weather.daylight(
            self._config.start_s + seconds,
            self._roads.latitude[point],
            self._roads.longitude[point],
        )
        path = thermal.follow(mean, start)
        pressure, pumping = air.fill(
            mean["running"],
            mean["braking"],
            mean["moving"],
            np.maximum(
                air.leaked(self._air_kpa[active], np.maximum(first_s - self._seen_s[active], 0.0)),
                WORST_START_AIR_KPA,
            ),
            self._pumping[active],
        )
        for name, values in path.items():
            self._slow[name][active] = values[-1]
        self._air_kpa[active], self._pumping[active] = pressure[-1], pumping[-1]
        shared = {"ambient_c": mean["ambient_c"], "daylight": mean["daylight"]}
        return {**shared, **path, "air_kpa": pressure, "pumping": pumping[1:]}

    def _regenerations(self, active: NDArray[np.intp], soot_pct: Floats, first_s: int) -> Floats:
        due = active[
            (soot_pct >= REGENERATION_SOOT_PCT) & (self._regenerate_until[active] <= first_s)
        ]
        self._regenerate_until[due] = first_s + REGENERATION_S
        on = self._regenerate_until[active] > first_s
        return np.asarray(on, dtype=np.float64)

    def _parked(self, vehicles: NDArray[np.intp], time_s: int) -> dict[str, Floats]:
        """Inputs of the slow physics for standing trucks, arrays (n,)."""
        point = self._roads.point(self.state.lane[vehicles], self.state.s[vehicles])
        still = np.zeros(len(vehicles))
        return {
            "running": still, "load": still, "speed": still, "brake_w": still, "retarder_w": still,
            "regenerating": still, "daylight": still,
            "ambient_c": self._ambient(vehicles, time_s, point),
        }  # fmt: skip

    def _ambient(
        self, vehicles: NDArray[np.intp], time_s: float | Floats, point: NDArray[np.int64]
    ) -> Floats:
        air_c = weather.ambient_c(
            np.asarray(self._config.start_s + time_s, dtype=np.float64),
            self._roads.latitude[point],
            self._roads.longitude[point],
            self._roads.altitude[point],
        )
        return np.asarray(air_c + self._offset_k[vehicles])
