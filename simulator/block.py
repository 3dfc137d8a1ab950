"""Up to 200 vehicles, ten minutes at a time: they drive, are watched, and send signals."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from schemas.catalogue import Catalogue, Signal
from schemas.wire import Event
from simulator import thermal, weather
from simulator.accumulate import Ledger
from simulator.chunk import Chunk, Table
from simulator.config import CHUNK_S, SECONDS_PER_DAY, SimulationConfig
from simulator.defects import Defects
from simulator.drive import Drive, Driven
from simulator.envelopes import ProfileEnvelopes
from simulator.faults import FaultBook, FaultChange
from simulator.fleet import Parameters, Vehicle
from simulator.reports import events_of, trouble_code
from simulator.road import Roads
from simulator.sensor import measure
from simulator.signals import DERIVED, generators
from simulator.state import Phase
from simulator.tanks import Tanks
from simulator.traits import constants_of
from simulator.truth import Truth
from simulator.view import Derived, Source, View
from simulator.witness import Witness

MICROSECONDS = 1_000_000


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
        odometer = np.array([v.odometer_km for v in vehicles])
        self._ledger = Ledger(odometer)
        self._faults = FaultBook(len(vehicles), seed=config.seed + members.start)
        self._witness = Witness(vehicles, config.start_s)
        self._rng = np.random.default_rng([config.seed, 0xB10C, members.start])
        self._constants = constants_of(vehicles, self._parameters, self._ledger, self._rng)
        self._tanks = Tanks(config, vehicles, self._constants, self._ledger)
        self._drive = Drive(config, vehicles, self._parameters, roads, envelopes, self._rng)
        self._defects = Defects.of(vehicles)
        self._road = np.array([v.road for v in vehicles])
        self._columns = _by_period(generators(catalogue))
        self._absent = {
            signal.name: np.array([v.model.lacks(signal.name) for v in vehicles])
            for signal in catalogue.signals
        }

    def advance(self, number: int, *, last: bool) -> Chunk:
        """Simulate chunk `number`; `last` closes what is still open."""
        first_s = number * CHUNK_S
        active = self._drive.awake(number)
        tables: tuple[Table, ...] = tuple(
            _empty(period, columns) for period, columns in self._columns.items()
        )
        events: tuple[tuple[int, Event], ...] = ()
        truth = Truth()
        if len(active):
            self._tanks.visit(active, self._drive.state, first_s)
            driven = self._drive.run(active, number)
            self._constants["regenerated_s"][active[driven.regenerating]] = first_s + CHUNK_S
            view, changes = self._record(driven)
            truth = self._witness.watch(view, active)
            tables = tuple(
                self._table(period, columns, view, active, first_s)
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
            for happening in self._drive.shifts.drain()
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
