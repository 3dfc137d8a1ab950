"""What signals say of the person at the wheel is told to those alone who may know who drove."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from schemas.catalogue import Kind, ValueType
from storage import rollups
from storage.batch import Batch
from storage.connection import API_ROLE, connect
from storage.queries import query
from storage.registers import ensure_party, grant_access, register_vehicle
from tests.samples.storage_samples import (
    DAY_US,
    SECOND_US,
    TODAY_US,
    group_rows,
    grown,
    moment,
    signal,
)
from tests.servers.database_fixture import Migrated, migrated_to, new_database, open_writer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storage.connection import Connection

CATALOGUE = grown(
    signal(6, "driver_fatigue", "motion"),
    signal(7, "driver1_present", "motion", Kind.STATE, ValueType.BOOLEAN),
)
VIN = "LTEST000000000001"
NAMES = ["driver_fatigue", "speed", "driver1_present"]
OF_DRIVER = ["driver_fatigue", "driver1_present"]
FIRST_US = TODAY_US - 3 * DAY_US
EVERY_S = 600
BOUGHT = moment(FIRST_US + DAY_US + DAY_US // 2 + 20 * 60 * SECOND_US)
"""In the middle of the second day, and of an hour."""


@dataclass(frozen=True)
class Fleet:
    """A vehicle's rows, and who asks for them."""

    database: Migrated
    api: Connection
    rows: pd.DataFrame
    owner: int
    workshop: int
    buyer: int
    """A dealer who sold the vehicle, and has owned it since BOUGHT."""

    def signals(self, principal: int, step_s: int | None) -> pd.DataFrame:
        """What is told of all three days."""
        row = self.api.execute(
            query("served_signals"),
            {
                "principal": principal,
                "vin": VIN,
                "names": NAMES,
                "start": moment(FIRST_US),
                "stop": moment(TODAY_US),
                "step_s": step_s,
                "max_rows": 10_000,
                "zone": "UTC",
            },
        ).fetchone()
        assert row is not None
        return pd.DataFrame(row[1], index=pd.DatetimeIndex(row[0]), columns=NAMES, dtype=float)

    def now(self, principal: int) -> dict[str, float]:
        """The newest values that are told in one call, by name."""
        row = self.api.execute(
            "SELECT groups, sizes, values FROM served.vehicle_now(%s, %s, 10)", (principal, VIN)
        ).fetchone()
        assert row is not None
        places = iter(row[2])
        told = {
            (group, place): next(places)
            for group, size in zip(row[0], row[1], strict=True)
            for place in range(1, size + 1)
        }
        return {
            one.name: told["motion", place]
            for place, one in enumerate(CATALOGUE.groups["motion"].signals, start=1)
            if told["motion", place] == told["motion", place]
        }

    def state(self, principal: int) -> dict[str, float]:
        """The newest values that are told, a row each, by name."""
        found = self.api.execute(
            query("served_vehicle_state"), {"principal": principal, "vin": VIN}
        ).fetchall()
        return {name: value for name, value, _ in found}


@pytest.fixture(scope="module")
def fleet(database_server: str) -> Iterator[Fleet]:
    with new_database(database_server) as dsn, migrated_to(dsn, CATALOGUE) as database:
        rows = _written(database)
        owner, workshop, buyer = (
            ensure_party(database.connection, name, kind)
            for name, kind in (("North", "owner"), ("East", "service_provider"), ("One", "dealer"))
        )
        for party, purpose, data in (
            (owner, "ownership", (None, None)),
            (workshop, "service", (None, None)),
            (buyer, "sale", (None, None)),
            (buyer, "ownership", (BOUGHT, None)),
        ):
            grant_access(
                database.connection,
                party_id=party,
                vin=VIN,
                purpose=purpose,
                valid=(None, None),
                data=data,
            )
        with connect(dsn, role=API_ROLE) as api:
            yield Fleet(database, api, rows, owner, workshop, buyer)


def _written(database: Migrated) -> pd.DataFrame:
    number = register_vehicle(database.connection, VIN).vehicle_id
    random = np.random.default_rng(7)
    times_us = [FIRST_US + n * EVERY_S * SECOND_US for n in range(3 * 86_400 // EVERY_S)]
    rows = pd.DataFrame(
        {
            "driver_fatigue": random.integers(0, 100, len(times_us)),
            "speed": random.integers(0, 90, len(times_us)),
            "driver1_present": random.integers(0, 2, len(times_us)),
        },
        index=pd.DatetimeIndex([moment(time_us) for time_us in times_us]),
        dtype=float,
    )
    records: list[tuple[int, int, dict[Any, Any]]] = [
        (number, time_us, values)
        for time_us, values in zip(times_us, rows.to_dict("records"), strict=True)
    ]
    writer = open_writer(database)
    writer.write(Batch(groups=(group_rows("motion", records, CATALOGUE),)))
    writer.close()
    return rows


@pytest.mark.parametrize("is_rolled_up", [False, True])
@pytest.mark.parametrize("step_s", [None, 3600, 86_400])
def test_a_workshop_is_told_nothing_of_whoever_drives_an_owner_all_and_a_buyer_what_came_since(
    fleet: Fleet, step_s: int | None, is_rolled_up: bool
) -> None:
    database = fleet.database
    database.connection.execute("UPDATE touched_day SET rolled_up = 0")
    if is_rolled_up:
        rollups.refresh(database.connection, database.server, CATALOGUE)
    since_bought = fleet.rows.copy()
    since_bought.loc[since_bought.index < BOUGHT, OF_DRIVER] = np.nan
    nobody = fleet.rows.copy()
    nobody[OF_DRIVER] = np.nan
    for principal, rows in (
        (fleet.owner, fleet.rows),
        (fleet.workshop, nobody),
        (fleet.buyer, since_bought),
    ):
        expected = rows if step_s is None else rows.resample(f"{step_s}s").mean()
        pd.testing.assert_frame_equal(
            fleet.signals(principal, step_s),
            expected,
            check_freq=False,
            check_index_type=False,
            rtol=1e-6,
        )


def test_what_is_known_now_is_told_by_the_same_rule(fleet: Fleet) -> None:
    newest = fleet.rows.iloc[-1].to_dict()
    for principal in (fleet.owner, fleet.buyer):
        assert fleet.now(principal) == newest
        assert fleet.state(principal) == newest
    assert fleet.now(fleet.workshop) == {"speed": newest["speed"]}
    assert fleet.state(fleet.workshop) == {"speed": newest["speed"]}


def test_a_list_of_vehicles_tells_of_no_driver(fleet: Fleet) -> None:
    row = fleet.api.execute(
        "SELECT values FROM served.search_vehicles(%s, 10, %s, '', NULL, NULL, NULL, NULL, NULL,"
        " NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
        (fleet.owner, NAMES),
    ).fetchone()
    assert row == ([None, fleet.rows["speed"].iloc[-1], None],)
