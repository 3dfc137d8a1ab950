"""Vehicles with days of rows and trips, and exports of them into folders."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from research.export import Exporter
from research.places import Place
from research.request import Request
from storage.batch import Batch
from storage.export_members import Asked
from storage.registers import ensure_party, grant_access, register_vehicle
from tests.asking.api_fixture import drive, groups_of
from tests.samples.behaviour_samples import store
from tests.servers.database_fixture import open_writer

if TYPE_CHECKING:
    from pathlib import Path

    from analytics.runner.spread import Workers
    from research.manifest import Manifest
    from research.request import Progress
    from tests.servers.database_fixture import Migrated

FIRST = datetime(2026, 10, 1, tzinfo=UTC)
FIRST_DAY = FIRST.date()
VINS = tuple(f"LSGAA11112A0003{number:02}" for number in range(6))
SIGNALS = ("wheel_speed", "brake_switch", "gear_current", "odometer", "latitude", "longitude")
SLOW = ("oil_pressure",)
"""Of another group than the others."""


@dataclass(kw_only=True)
class Exported:
    """A database, and what was written of each vehicle: signals by time."""

    database: Migrated
    days: int
    rows: dict[str, pd.DataFrame]
    ids: dict[str, int]

    def request(self, **others: Any) -> Request:
        """All days and vehicles in minutes under pseudonyms, but for what is said."""
        asked: dict[str, Any] = {"party": "Maker", "purpose": "a test"}
        asked |= {name: others.pop(name) for name in [*others] if name in Asked.__slots__}
        last = FIRST + timedelta(days=self.days - 1)
        wanted: dict[str, Any] = {
            "first": FIRST.date(),
            "last": last.date(),
            "signals": SIGNALS + SLOW,
            "resolution_s": 60,
            "trips": True,
            "events": True,
        } | others
        span = {"start": FIRST, "stop": last + timedelta(days=1)}
        return Request(asked=Asked(**span | asked), **wanted)

    def export(self, folder: Path | str, **others: Any) -> tuple[Manifest, Progress]:
        """Write an export."""
        return self.exporter(folder).run(self.request(**others))

    def exporter(
        self, folder: Path | str, hot_from: date = FIRST_DAY, workers: Workers | None = None
    ) -> Exporter:
        return Exporter(
            self.database.dsn,
            self.database.catalogue,
            Place(folder),
            hot_from=hot_from,
            workers=workers,
        )

    def write(self, vin: str, rows: pd.DataFrame) -> None:
        """As ingest writes."""
        writer = open_writer(self.database)
        try:
            writer.write(Batch(groups=groups_of(self.ids[vin], rows)))
        finally:
            writer.close()


def exported_world(database: Migrated, *, days: int, seconds: int) -> Exported:
    """Six vehicles of the maker's, and of the owner North, that drive a while every day."""
    connection = database.connection
    ensure_party(connection, "Maker", "maker")
    north = ensure_party(connection, "North", "owner")
    ensure_party(connection, "Institute", "data_science")
    made = Exported(database=database, days=days, rows={}, ids={})
    for number, vin in enumerate(VINS):
        made.ids[vin] = register_vehicle(connection, vin).vehicle_id
        grant_access(connection, party_id=north, vin=vin, purpose="ownership")
        of_days = []
        for day in range(days):
            start = FIRST + timedelta(days=day, hours=1)
            rows = drive(f"{start:%Y-%m-%dT%H:%M:%S}", seconds, seed=number * 1000 + day)
            rows["longitude"] = 121.4 + 0.03 * np.arange(len(rows)) / len(rows)
            of_days.append(rows)
            begins = start + timedelta(seconds=17)
            midnight = start.replace(hour=0)
            store(
                connection,
                made.ids[vin],
                (midnight, midnight + timedelta(days=1)),
                (begins, 5, None),
                braked=[(begins + timedelta(seconds=41), None)],
                of_trips={"start_latitude": 31.23456, "distance_km": 20.4567, "fuel_l": 6.6789},
            )
        made.rows[vin] = pd.concat(of_days)
        made.write(vin, made.rows[vin])
    connection.execute("UPDATE vehicle SET model = 'J6P' WHERE vin = ANY (%s)", ([*VINS],))
    connection.execute("UPDATE vehicle SET model = 'One of a kind' WHERE vin = %s", (VINS[0],))
    return made


def checksums(folder: Path) -> dict[str, str]:
    """Every file under a folder, whatever its name."""
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }
