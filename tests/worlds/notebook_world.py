"""A small mixed fleet's morning as the demo leaves one behind, with a hole in everybody's data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from analytics.runner.run import analyse
from analytics.runner.settings import AnalysisSettings
from simulator import SimulationConfig, TruthWriter, simulate
from simulator.mixed import mixed_fleet
from simulator.parquet import FrameFiles
from storage import registers
from storage.settings import StorageSettings
from tests.servers.history_fixture import load
from tests.worlds.driven_fleet import midnight_before

if TYPE_CHECKING:
    from pathlib import Path

    from simulator.chunk import Table
    from simulator.fleet import Vehicle
    from tests.servers.database_fixture import Migrated

VEHICLES = 6
"""Of fewer than five a card tells no errors."""

HOURS = 3

HOLE_MIN = 18
"""In the second hour nothing that the trucks sent arrived, for so long [min]."""

SEED = 112
"""Of a fleet whose trucks with a retarder have planted emergencies in these hours."""


@dataclass(frozen=True, kw_only=True)
class NotebookWorld:
    """What was made.

    Attributes:
        home: as TELEMETRY_HOME, with the simulator's truth.
        fleet: by VIN.
        start, stop: from when until when it drove.
    """

    home: Path
    start: datetime
    stop: datetime
    fleet: dict[str, Vehicle]


def notebook_world(database: Migrated, home: Path) -> NotebookWorld:
    """Simulate, load and analyse it."""
    registers.ensure_party(database.connection, registers.DEMO_PARTY, "maker")
    # Six o'clock in China: the fleet sets out.
    start = midnight_before(2) - timedelta(hours=2)
    config = SimulationConfig(vehicles=VEHICLES, days=HOURS / 24, seed=SEED, start=start)
    fleet = mixed_fleet(config)
    for truck in fleet:
        registers.register_vehicle(database.connection, truck.vin, model=truck.model.title)
        registers.set_vehicle_class(database.connection, truck.vin, truck.model.vehicle_class)
    begin = start + timedelta(hours=1, minutes=30)
    hole = begin, begin + timedelta(minutes=HOLE_MIN)
    truth = home / "truth" / str(SEED)
    with TruthWriter(truth, fleet) as writer, FrameFiles(home / "frames") as files:
        for chunk in simulate(config, fleet=fleet):
            writer.write(chunk.truth)
            tables = tuple(_without(table, hole) for table in chunk.tables)
            files.write(replace(chunk, tables=tables))
    load(database, home / "frames", topic="vehicle.frames")
    analyse(
        database.connection,
        database.server,
        database.catalogue,
        StorageSettings(),
        AnalysisSettings(),
    )
    return NotebookWorld(
        home=home,
        fleet={truck.vin: truck for truck in fleet},
        start=start,
        stop=start + timedelta(hours=HOURS),
    )


def _without(table: Table, hole: tuple[datetime, datetime]) -> Table:
    """A table without the rows of a span."""
    first, stop = (int(time.timestamp() * 1e6) for time in hole)
    kept = (table.times_us < first) | (table.times_us >= stop)
    return replace(
        table,
        vehicles=table.vehicles[kept],
        times_us=table.times_us[kept],
        values=table.values[kept],
    )
