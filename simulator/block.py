"""Up to 200 vehicles, ten minutes at a time: motion, then slow physics, then signals."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from schemas.catalogue import Catalogue, Signal
from schemas.wire import Event
from simulator import air, thermal, weather
from simulator.accumulate import Ledger
from simulator.chunk import Chunk, Table
from simulator.config import CHUNK_S, SECONDS_PER_DAY, SimulationConfig
from simulator.defects import Defects
from simulator.envelopes import ProfileEnvelopes, own_envelopes
from simulator.faults import FaultBook, FaultChange
from simulator.fleet import Parameters, Vehicle, take
from simulator.motion import Motion
from simulator.planned_shift import PlannedShifts
from simulator.record import CRUISE_FROM_M_S, columns_of
from simulator.reports import events_of, trouble_code
from simulator.road import Roads
from simulator.sensor import measure
from simulator.shift import Shifts
from simulator.signals import DERIVED, generators
from simulator.signals.derived import REGENERATION_L_H
from simulator.state import Phase
from simulator.surroundings import PlacedSurroundings, Surroundings
from simulator.tanks import Tanks
from simulator.traits import constants_of
from simulator.truth import Truth
from simulator.vehicle import Floats
from simulator.view import Derived, Source, View
from simulator.witness import Witness

MICROSECONDS = 1_000_000
STEPS = CHUNK_S // int(thermal.STEP_S)
REGENERATION_SOOT_PCT = 100.0  # soot from which the filter burns itself free
REGENERATION_S = 1800.0  # length of a regeneration
REGENERATION_FROM_M_S = 8.0  # speed below which it pauses
WORST_START_AIR_KPA = 700.0  # a truck that stood long has at least this from its yard's compressor


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Driven:
    """What a chunk's motion left: `columns` (seconds, n) and `slow` (steps, n) by name.

    `active` are the block's n vehicles that were switched on; `first_s` is the chunk's start.
    """

    first_s: int
    active: NDArray[np.intp]
    columns: dict[str, Floats]
    slow: dict[str, Floats]


class Block:
    """Some vehicles of a fleet, from one chunk to the next.

    Args:
        config: The simulation.
        fleet: All its vehicles.
        members: Indices of this block's vehicles, consecutive.
        roads: The network.
        envelopes: What drivers of known profiles drive by.
        catalogue: The signals to produce.
    """

    def __init__(
        self,
        config: SimulationConfig,
        fleet: tuple[Vehicle, ...],
        members: range,
        roads: Roads,
        envelopes: ProfileEnvelopes,
        catalogue: Catalogue,
    ) -> None:
        self._config = config
        self._fleet = fleet
        self._first = members.start
        self._roads = roads
        self._catalogue = catalogue
        vehicles = fleet[members.start : members.stop]
        self._vehicles = vehicles
        self._parameters = Parameters.of(tuple(vehicles))
        # Inside a block vehicles are numbered from 0; `self._first` leads back to the fleet.
        self._parameters.index[:] = np.arange(len(vehicles))
        mixed = [v.individual for v in vehicles if v.individual is not None]
        self._shifts = (PlannedShifts if mixed else Shifts)(config, vehicles, roads)
        self._state = self._shifts.begin()
        odometer = np.array([v.odometer_km for v in vehicles])
        self._ledger = Ledger(odometer)
        self._faults = FaultBook(len(vehicles), seed=config.seed + members.start)
        self._witness = Witness(vehicles, config.start_s)
        self._rng = np.random.default_rng([config.seed, 0xB10C, members.start])
        speeds = own_envelopes(roads, vehicles) if mixed else envelopes.of(vehicles)
        self._parameters.envelope[:] = speeds.offset
        around = (
            PlacedSurroundings(
                roads,
                seed=config.seed,
                streams=[own.number for own in mixed],
                wander_m_s=np.array([own.wander_kmh / 3.6 for own in mixed]),
                steady_from_m_s=CRUISE_FROM_M_S,
            )
            if mixed
            else Surroundings(roads, self._rng)
        )
        self._motion = Motion(roads, speeds, around)
        self._defects = Defects.of(vehicles)
        self._constants = constants_of(vehicles, self._parameters, self._ledger, self._rng)
        self._tanks = Tanks(config, vehicles, self._constants, self._ledger)
        self._offset_k = np.array([v.ambient_offset_k for v in vehicles])
        self._road = np.array([v.road for v in vehicles])
        everyone = np.arange(len(vehicles))
        self._slow = thermal.cold(self._parked(everyone, 0))
        self._slow["soot_pct"] = self._rng.uniform(10, 80, len(vehicles))
        self._air_kpa = self._rng.uniform(880, 1000, len(vehicles))
        self._pumping = np.zeros(len(vehicles))
        self._seen_s = np.zeros(len(vehicles))
        self._regenerate_until = np.zeros(len(vehicles))
        self._columns = _by_period(generators(catalogue))
        self._absent = {
            signal.name: np.array([v.model.lacks(signal.name) for v in vehicles])
            for signal in catalogue.signals
        }

    def advance(self, number: int, *, last: bool) -> Chunk:
        """Simulate chunk `number`; `last` closes what is still open."""
        first_s = number * CHUNK_S
        driven = self.drive(number)
        tables: tuple[Table, ...] = tuple(
            _empty(period, columns) for period, columns in self._columns.items()
        )
        events: tuple[tuple[int, Event], ...] = ()
        truth = Truth()
        if driven is not None:
            view, changes = self._record(driven)
            truth = self._witness.watch(view, driven.active)
            tables = tuple(
                self._table(period, columns, view, driven.active, first_s)
                for period, columns in self._columns.items()
            )
            events = self._report(changes)
        truth = self._close(truth, first_s, last=last)
        return Chunk(
            start_us=self._us(first_s),
            catalogue_version=self._catalogue.version,
            fleet=self._fleet,
            tables=tables,
            events=events,
            truth=truth,
        )

    def _report(self, changes: list[FaultChange]) -> tuple[tuple[int, Event], ...]:
        """Everything that happened in the chunk as wire events, in order of time and vehicle."""
        start_s = self._config.start_s
        found = [
            (self._first + happening.vehicle, event)
            for happening in self._shifts.drain()
            for event in events_of(happening, start_s)
        ]
        found += [
            (self._first + change.vehicle, trouble_code(change, start_s)) for change in changes
        ]
        return tuple(sorted(found, key=lambda item: (item[1].time_us, item[0])))

    def _close(self, truth: Truth, first_s: int, *, last: bool) -> Truth:
        end_s = first_s + CHUNK_S
        trips = truth.trips
        if last:
            totals = {
                name: self._ledger[name]
                for name in ("distance_m", "fuel_l", "standing_s", "moving_s")
            }
            trips += self._witness.close_trips(totals, end_s)
        days = truth.days
        if last or (self._config.start_s + end_s) % SECONDS_PER_DAY == 0:
            days = self._witness.close_day(first_s)
        return Truth(trips=trips, events=truth.events, days=days, tank=self._tanks.drain())

    def drive(self, number: int) -> Driven | None:
        """Move the vehicles through chunk `number`; `None` where all stand switched off.

        `advance` does this itself. Alone it is for those who need no signals.
        """
        first_s = number * CHUNK_S
        active = np.flatnonzero(
            (self._state.phase != Phase.PARKED) | (self._state.until < first_s + CHUNK_S)
        )
        return self._drive(active, first_s) if len(active) else None

    def _drive(self, active: NDArray[np.intp], first_s: int) -> Driven:
        state, parameters = take(self._state, active), take(self._parameters, active)
        off = first_s - self._seen_s[active]
        start = {name: values[active] for name, values in self._slow.items()}
        parked = off > 0.0
        if parked.any():
            cooled = thermal.rest(self._parked(active, first_s), start, np.maximum(off, 0.0))
            start = {name: np.where(parked, cooled[name], values) for name, values in start.items()}
        self._tanks.visit(active, state, state.phase == Phase.PARKED, first_s)
        regenerating = self._regenerations(active, start["soot_pct"], first_s)
        point = self._roads.point(state.lane, state.s)
        altitude = self._roads.altitude[point]
        outside = self._ambient(active, first_s, point)
        trace = self._motion.run(
            state,
            parameters,
            self._shifts,
            first_s=first_s,
            seconds=CHUNK_S,
            coolant_c=start["coolant_c"],
            air_kg_m3=weather.air_density_kg_m3(outside, altitude),
        )
        self._state.put(active, state)
        columns = columns_of(trace, parameters, self._roads)
        burnt = 1.0 if self._defects is None else self._defects.burnt(active, first_s, CHUNK_S)
        columns |= self._engine(columns, parameters, start["coolant_c"], regenerating, burnt)
        slow = self._slow_physics(columns, active, first_s, start)
        self._seen_s[active] = first_s + CHUNK_S
        return Driven(first_s=first_s, active=active, columns=columns, slow=slow)

    def _record(self, driven: Driven) -> tuple[View, list[FaultChange]]:
        active, first_s, columns = driven.active, driven.first_s, driven.columns
        codes, changes = self._faults.step(
            active, columns["phase"][0] == Phase.DRIVING, first_s, CHUNK_S
        )
        columns = columns | {"fault": codes}
        awake = columns["phase"] != Phase.PARKED
        vehicle, second = np.nonzero(awake.T)
        flat = {name: np.ascontiguousarray(values.T)[awake.T] for name, values in columns.items()}
        flat["time_s"] = (first_s + second).astype(np.float64)
        rain = weather.rain(self._config.seed, self._road[active], self._config.start_s + first_s)
        constants = {name: values[active] for name, values in self._constants.items()}
        constants["rain"] = rain
        source = Source(
            columns=flat,
            slow=driven.slow,
            totals={},
            constants=constants,
            vehicle=vehicle,
            second=second.astype(np.int64),
            step=second // int(thermal.STEP_S),
            roads=self._roads,
            rng=self._rng if self._config.noise else None,
        )
        totals = self._ledger.post(View(source, DERIVED), active)
        return View(replace(source, totals=totals), DERIVED), changes

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

    def _table(
        self,
        period: float,
        columns: Sequence[tuple[Signal, Derived]],
        view: View,
        active: NDArray[np.intp],
        first_s: int,
    ) -> Table:
        seconds = self._config.start_s + first_s + view.second
        rows = np.flatnonzero(seconds % int(period) == 0)
        part = view if period == 1 else View(view.source, DERIVED, rows)
        owners = active[part.vehicle]
        # Filled column by column, so columns are contiguous.
        values = np.empty((len(columns), len(part))).T
        for place, (signal, generate) in enumerate(columns):
            absent = self._absent[signal.name]
            if absent.all():
                values[:, place] = np.nan
                continue
            true = np.asarray(generate(part), np.float64)
            if self._defects is not None:
                true = true * self._defects.gain(signal.name)[owners]
            values[:, place] = measure(signal, true, view.source.rng)
            if absent.any():
                values[absent[owners], place] = np.nan
        return Table(
            period_s=period,
            signals=tuple(signal for signal, _ in columns),
            times_us=(seconds[rows]) * MICROSECONDS,
            vehicles=self._first + owners,
            values=values,
        )

    def _regenerations(self, active: NDArray[np.intp], soot_pct: Floats, first_s: int) -> Floats:
        due = active[
            (soot_pct >= REGENERATION_SOOT_PCT) & (self._regenerate_until[active] <= first_s)
        ]
        self._regenerate_until[due] = first_s + REGENERATION_S
        on = self._regenerate_until[active] > first_s
        self._constants["regenerated_s"][active[on]] = first_s + CHUNK_S
        return np.asarray(on, dtype=np.float64)

    def _parked(self, vehicles: NDArray[np.intp], time_s: int) -> dict[str, Floats]:
        """Inputs of the slow physics for standing trucks, arrays (n,)."""
        point = self._roads.point(self._state.lane[vehicles], self._state.s[vehicles])
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

    def _us(self, second: int) -> int:
        return (self._config.start_s + second) * MICROSECONDS


def _by_period(
    columns: Sequence[tuple[Signal, Derived]],
) -> dict[float, list[tuple[Signal, Derived]]]:
    periods: dict[float, list[tuple[Signal, Derived]]] = {}
    for signal, generate in columns:
        periods.setdefault(signal.period_s, []).append((signal, generate))
    return dict(sorted(periods.items()))


def _empty(period: float, columns: Sequence[tuple[Signal, Derived]]) -> Table:
    return Table(
        period_s=period,
        signals=tuple(signal for signal, _ in columns),
        times_us=np.empty(0, dtype=np.int64),
        vehicles=np.empty(0, dtype=np.int64),
        values=np.empty((0, len(columns))),
    )
