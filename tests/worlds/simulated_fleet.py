"""A simulated fleet's signals as analysis reads them, and the truth about each vehicle."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analytics.samples import SIGNALS
from simulator import simulate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator import SimulationConfig
    from simulator.fleet import Vehicle
    from simulator.truth import DayTruth, EventTruth, TripTruth


@dataclass(kw_only=True)
class SimulatedFleet:
    """What a fleet sent and what is true of it.

    Attributes:
        vehicles: by VIN.
        signals: by VIN: rows by time (UTC), a float64 column a signal, NaN absent.
        trips, events, days: what the simulator wrote down.
    """

    vehicles: dict[str, Vehicle] = field(default_factory=dict)
    signals: dict[str, pd.DataFrame] = field(default_factory=dict)
    trips: list[TripTruth] = field(default_factory=list)
    events: list[EventTruth] = field(default_factory=list)
    days: list[DayTruth] = field(default_factory=list)

    def profile(self, vin: str) -> str:
        """The key of the driver's profile, as in simulator/drivers.toml."""
        return self.vehicles[vin].profile.key


def simulated_fleet(config: SimulationConfig, names: Sequence[str] = SIGNALS) -> SimulatedFleet:
    """Simulate a fleet and keep the named signals."""
    fleet = SimulatedFleet()
    parts: dict[int, list[pd.DataFrame]] = {}
    for chunk in simulate(config):
        fleet.vehicles = {vehicle.vin: vehicle for vehicle in chunk.fleet}
        fleet.trips += chunk.truth.trips
        fleet.events += chunk.truth.events
        fleet.days += chunk.truth.days
        tables = []
        for table in chunk.tables:
            chosen = [n for n, signal in enumerate(table.signals) if signal.name in names]
            if chosen:
                keys = pd.MultiIndex.from_arrays([table.vehicles, table.times_us])
                columns = [table.signals[n].name for n in chosen]
                tables.append(pd.DataFrame(table.values[:, chosen], index=keys, columns=columns))
        rows = pd.concat(tables, axis=1).reindex(columns=list(names))
        for index, part in rows.groupby(level=0):
            parts.setdefault(int(np.asarray(index)), []).append(part.droplevel(0))
    vins = list(fleet.vehicles)
    for number, kept in parts.items():
        frame = pd.concat(kept).sort_index()
        frame.index = pd.to_datetime(frame.index, unit="us", utc=True).rename("time")
        fleet.signals[vins[number]] = frame
    return fleet
