"""What the simulator yields: ten minutes of some vehicles as tables of values, events and truth."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas.catalogue import Signal
from schemas.wire import Event
from simulator.fleet import Vehicle
from simulator.truth import Truth
from simulator.vehicle import Floats


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Table:
    """Rows of the signals that share a nominal period, vehicle by vehicle in order of time.

    Attributes:
        period_s: The period in seconds.
        signals: The m columns, in order of id.
        times_us: (n,) UTC microseconds since 1970.
        vehicles: (n,) index of each row's vehicle in the fleet.
        values: (n, m) float64 in the catalogue's units, NaN where the vehicle has no such sensor.
    """

    period_s: float
    signals: tuple[Signal, ...]
    times_us: NDArray[np.int64]
    vehicles: NDArray[np.int64]
    values: Floats


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Chunk:
    """Ten minutes of up to 200 vehicles. Vehicles that are switched off have no rows.

    Attributes:
        start_us: First instant, UTC microseconds.
        catalogue_version: Version of the catalogue the signals are of.
        fleet: All vehicles of the simulation, by index.
        tables: One for each nominal period, fastest first.
        events: Index of the vehicle and event, in order of time.
        truth: Trips, planted events and vehicle-days that ended in this chunk.
    """

    start_us: int
    catalogue_version: int
    fleet: tuple[Vehicle, ...]
    tables: tuple[Table, ...]
    events: tuple[tuple[int, Event], ...]
    truth: Truth

    @property
    def frames(self) -> int:
        """Vehicle-seconds: rows of the fastest table."""
        return len(self.tables[0].times_us)
