"""Vehicles of two owners, and datasets of them for two research parties."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pyarrow import ipc

from api.accept import Format
from storage.registers import add_to_fleet, ensure_fleet, ensure_party, grant_access
from tests.asking.api_fixture import drive, every_page, record
from tests.samples.behaviour_samples import store
from tests.worlds.identity_world import World, world

if TYPE_CHECKING:
    from pathlib import Path

    import httpx2
    import pandas as pd

    from tests.servers.database_fixture import Migrated

DAY = datetime(2026, 10, 20, tzinfo=UTC)
NORTH = [f"LSGAA11112A0001{number:02}" for number in range(6)]
"""Vehicles of the owner North, in its fleet."""
SOUTH = [f"LSGAA11112A0002{number:02}" for number in range(5)]
"""Vehicles of the owner South; no fleet."""
SIGNALS = ["wheel_speed", "latitude", "longitude", "altitude", "odometer", "brake_switch"]
GRID = 0.01

_numbers = itertools.count(1)

DEFINITION: dict[str, Any] = {
    "name": "Autumn",
    "purpose": "a model of brake lining wear",
    "party": "Institute",
    "valid_until": "2090-01-01T00:00:00Z",
    "data_from": "2026-10-20T00:00:00Z",
    "data_until": "2026-10-22T00:00:00Z",
    "vins": NORTH,
    "signals": SIGNALS,
    "resolution_s": 60,
    "trips": True,
    "events": True,
}


@dataclass(kw_only=True)
class Research:
    """What was made, with a header of an API key for each who asks."""

    world: World
    fleet: int
    vehicle_ids: dict[str, int]
    rows: dict[str, pd.DataFrame]
    parties: dict[str, int]
    headers: dict[str, dict[str, str]] = field(default_factory=dict)

    def header(self, party: str) -> dict[str, str]:
        """The header with which a party's machine asks, with all that its role may do."""
        return self.headers[party]


def research(database: Migrated, folder: Path) -> Research:
    """Make it: North has 6 vehicles, South 5, the maker all; Institute and Lab do research."""
    made = world(database, folder)
    connection = database.connection
    parties = {"Maker": made.maker, "North": made.owner, "Authority": made.auditor}
    for name, kind in (
        ("South", "owner"),
        ("Dealer", "dealer"),
        ("Workshop", "service_provider"),
        ("Institute", "data_science"),
        ("Lab", "data_science"),
    ):
        parties[name] = ensure_party(connection, name, kind)
    fleet = ensure_fleet(connection, party_id=made.owner, name="Fleet of the North")
    ids, rows = {}, {}
    for number, vin in enumerate([*NORTH, *SOUTH]):
        rows[vin] = driven(number)
        vehicle = record(database, vin, rows[vin])
        ids[vin] = vehicle.vehicle_id
        owner = parties["North" if vin in NORTH else "South"]
        grant_access(connection, party_id=owner, vin=vin, purpose="ownership")
        if vin in NORTH:
            add_to_fleet(connection, fleet_id=fleet, vin=vin, member=(DAY, None))
        start = DAY + timedelta(hours=1, seconds=17)
        store(
            connection,
            vehicle.vehicle_id,
            (DAY, DAY + timedelta(days=1)),
            (start, 20, "CHN1"),
            (start + timedelta(minutes=30), 10, "CHN1"),
            braked=[(start + timedelta(seconds=41), "CHN1")],
            of_trips={
                "start_latitude": 31.23456,
                "start_longitude": 121.47654,
                "end_latitude": 31.3,
                "end_longitude": -0.004,
                "distance_km": 20.4567,
                "fuel_l": 6.6789,
            },
        )
    connection.execute("UPDATE vehicle SET model = 'J6P' WHERE vin = ANY (%s)", (NORTH,))
    connection.execute("UPDATE vehicle SET model = 'One of a kind' WHERE vin = %s", (NORTH[0],))
    found = Research(world=made, fleet=fleet, vehicle_ids=ids, rows=rows, parties=parties)
    roles = {"Maker": "maker", "North": "owner", "South": "owner", "Authority": "auditor"}
    roles |= {"Dealer": "dealer", "Workshop": "service_provider"}
    roles |= {"Institute": "data_scientist", "Lab": "data_scientist"}
    for party, role in roles.items():
        key = made.key(*SCOPES[role], party=parties[party], role=role)
        found.headers[party] = {"X-API-Key": key.key}
    return found


SCOPES = {
    "maker": ("vehicles:read", "datasets:read", "datasets:write"),
    "owner": ("vehicles:read", "datasets:read", "datasets:write"),
    "auditor": ("audit:read",),
    "dealer": ("vehicles:read",),
    "service_provider": ("vehicles:read",),
    "data_scientist": ("datasets:read",),
}


def driven(number: int) -> pd.DataFrame:
    """A drive of an hour through several cells of the grid, another one for each number."""
    frame = drive("2026-10-20T01:00:00", 3600, seed=number)
    way = np.arange(len(frame)) / len(frame)
    frame["latitude"] = 31.2 + 0.05 * way + 0.001 * number
    frame["longitude"] = 121.4 + 0.03 * way
    frame["altitude"] = np.round(40 * way * 8) / 8
    return frame


def defined(client: httpx2.Client, header: dict[str, str], **others: Any) -> int:
    """The number of a dataset that is defined as usual, but for what is said."""
    name = f"Autumn {next(_numbers)}"
    asked = {**DEFINITION, "name": name, **others}
    answer = client.post("/v1/datasets", json=asked, headers=header)
    assert answer.status_code == 201, answer.text
    return int(answer.json()["dataset_id"])


def get(
    client: httpx2.Client, address: str, header: dict[str, str], **params: Any
) -> dict[str, Any]:
    answer = client.get(address, headers=header, params=params or None)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def pages(
    client: httpx2.Client, address: str, header: dict[str, str], **params: Any
) -> list[dict[str, Any]]:
    client.headers.update(header)
    try:
        return every_page(client, address, params)
    finally:
        for name in header:
            del client.headers[name]


def table(client: httpx2.Client, address: str, header: dict[str, str], **params: Any) -> pa.Table:
    answer = client.get(address, params=params, headers={**header, "Accept": Format.ARROW})
    assert answer.status_code == 200, answer.text
    return ipc.open_stream(answer.content).read_all()


def pseudonyms(made: Research, address: str) -> dict[str, str]:
    """The vehicle of each pseudonym, as nobody but the database knows it."""
    return dict(
        made.world.database.connection.execute(
            "SELECT pseudonym, vin FROM dataset_vehicle JOIN vehicle USING (vehicle_id)"
            " WHERE dataset_id = %s",
            (int(address.rsplit("/", 1)[1]),),
        ).fetchall()
    )
