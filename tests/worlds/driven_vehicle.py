"""A vehicle whose rows and cards a test writes as it likes, in whatever order."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from analytics.runner.run import Outcome, analyse
from analytics.runner.settings import AnalysisSettings
from storage import registers
from storage.batch import Batch, DriverChangeRow, GroupRows
from storage.settings import StorageSettings
from tests.servers.database_fixture import open_writer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analytics.runner.failures import Failures
    from storage.connection import Connection
    from tests.servers.database_fixture import Migrated

Rows = tuple["NDArray[np.int64]", dict[str, "NDArray[np.float64]"]]
"""Times [µs since 1970], and signals by name, NaN absent."""

Card = tuple[datetime, "str | None"]
"""When a card came into the driver's slot; None: the one there was taken out."""

Piece = Rows | Card
"""What is written at once."""


def rows(
    start: datetime, seconds: float, *, step_s: float = 1, **signals: float | NDArray[np.float64]
) -> Rows:
    """Rows from a moment on; a signal has one value, or one a row."""
    count = max(1, round(seconds / step_s))
    begin_us = int(start.timestamp() * 1e6)
    times_us = begin_us + (np.arange(count) * step_s * 1e6).astype(np.int64)
    columns = {
        name: np.broadcast_to(np.asarray(value, dtype=np.float64), count)
        for name, value in signals.items()
    }
    return times_us, columns


def driving(start: datetime, minutes: float, *, km_h: float = 72, odometer: float = np.nan) -> Rows:
    """With the engine running, and an odometer that begins there [km]."""
    seconds = round(minutes * 60)
    return rows(
        start,
        seconds,
        wheel_speed=km_h,
        engine_speed=1200,
        fuel_rate=36,
        odometer=odometer + np.arange(seconds) * km_h / 3600,
    )


class DrivenVehicle:
    """A vehicle of a test's own.

    Args:
        database: where it is registered.
        vin: its VIN.
    """

    def __init__(self, database: Migrated, vin: str) -> None:
        self.database = database
        self.vin = vin
        self.vehicle_id = registers.register_vehicle(database.connection, vin).vehicle_id
        self._writer = open_writer(database, refused_values_kept=10)

    def close(self) -> None:
        """Write no more."""
        self._writer.close()

    def write(self, *pieces: Rows | Card) -> None:
        """Store rows and cards as ingest does, one batch after the other."""
        for piece in pieces:
            if isinstance(piece[0], datetime):
                time, card = piece
                change = DriverChangeRow(
                    vehicle_id=self.vehicle_id, time=time, slot=1, card_id=card
                )
                self._writer.write(Batch(driver_changes=(change,)))
            else:
                self._write_rows(*piece)

    def _write_rows(
        self, times_us: NDArray[np.int64], signals: dict[str, NDArray[np.float64]]
    ) -> None:
        for name, group in self.database.catalogue.groups.items():
            columns = [
                signals.get(signal.name, np.full(len(times_us), np.nan)) for signal in group.signals
            ]
            values = np.column_stack(columns)
            wide = np.array([signal.wide for signal in group.signals])
            said = ~np.isnan(values).all(axis=1)
            if said.any():
                group_rows = GroupRows(
                    group=name,
                    vehicle_ids=np.full(int(said.sum()), self.vehicle_id, dtype=np.int64),
                    times_us=times_us[said],
                    narrow=values[np.ix_(said, ~wide)].astype(np.float32),
                    wide=values[np.ix_(said, wide)],
                )
                self._writer.write(Batch(groups=(group_rows,)))

    def analyse(
        self, reading: Connection | None = None, failures: Failures | None = None
    ) -> Outcome:
        """Work up what changed of this vehicle, without scores."""
        return analyse(
            self.database.connection,
            self.database.server,
            self.database.catalogue,
            StorageSettings(),
            AnalysisSettings(),
            reading=reading,
            vin=self.vin,
            scores=False,
            failures=failures,
        )

    def trips(self) -> list[tuple[object, ...]]:
        """Start, duration [s] and distance [km] of the stored trips."""
        return self.database.connection.execute(
            "SELECT start_time, duration_s, distance_km FROM trip WHERE vehicle_id = %s"
            " ORDER BY start_time",
            (self.vehicle_id,),
        ).fetchall()

    def waiting(self) -> int:
        """How many of its days wait to be analysed."""
        row = self.database.connection.execute(
            "SELECT count(*) FROM touched_day WHERE vehicle_id = %s AND analysed < touched",
            (self.vehicle_id,),
        ).fetchone()
        return int(row[0]) if row else 0
