"""Over rFMS everyone sees what is theirs: vehicles, spans of data, and who drove."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from storage.batch import Batch, DriverChangeRow, ReportRow
from storage.registers import employ_driver, ensure_party, grant_access, register_vehicle
from tests.asking.api_fixture import served_as
from tests.asking.rfms_client import RfmsClient
from tests.servers.database_fixture import open_writer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.database_fixture import Migrated

START = datetime.now(tz=UTC).replace(hour=8, minute=0, second=0, microsecond=0) - timedelta(days=2)
HOUR = timedelta(hours=1)
MINE, FOREIGN = "LSGAA11112A000301", "LSGAA11112A000302"
LONG_AGO = "2020-01-01T00:00:00Z"
PARTIES = {
    "Maker": "maker",
    "Owner": "owner",
    "Sold": "owner",
    "Bought": "owner",
    "Workshop": "service_provider",
    "Employer": "service_provider",
    "Expired": "service_provider",
    "Stranger": "owner",
}


@pytest.fixture(scope="module")
def clients(migrated: Migrated) -> Iterator[dict[str, RfmsClient]]:
    connection = migrated.connection
    mine = register_vehicle(connection, MINE).vehicle_id
    register_vehicle(connection, FOREIGN)
    party = {name: ensure_party(connection, name, kind) for name, kind in PARTIES.items()}
    now = datetime.now(tz=UTC)
    handover = START + 2 * HOUR
    for name, purpose, data in (
        ("Owner", "ownership", (None, None)),
        ("Sold", "ownership", (None, handover)),
        ("Bought", "ownership", (handover, None)),
        ("Workshop", "service", (None, None)),
        ("Employer", "service", (None, None)),
    ):
        grant_access(connection, party_id=party[name], vin=MINE, purpose=purpose, data=data)
    grant_access(
        connection,
        party_id=party["Expired"],
        vin=MINE,
        purpose="service",
        valid=(now - 3 * HOUR, now - HOUR),
    )
    values = {
        "latitude": 31.0,
        "longitude": 121.0,
        "driver1_working_state": 3.0,
        "driver2_working_state": 1.0,
        "wheel_speed": 50.0,
    }
    taken = handover - timedelta(seconds=1)
    writer = open_writer(migrated)

    def report(hours: int, kind: str = "TIMER", **more: Any) -> ReportRow:
        return ReportRow(
            vehicle_id=mine,
            created_time=START + hours * HOUR,
            trigger_type=kind,
            values=values,
            **more,
        )

    writer.write(
        Batch(
            driver_changes=(
                DriverChangeRow(vehicle_id=mine, time=START - HOUR, slot=1, card_id="CN31-HIRED"),
                DriverChangeRow(vehicle_id=mine, time=START - HOUR, slot=2, card_id="CN31-OTHER"),
            ),
            reports=(
                report(0),
                report(1, "DRIVER_LOGIN", detail="CN31-HIRED"),
                # The first of a new owner still holds what is of the old one's time.
                report(2, position_time=taken, values_from=taken),
                report(3),
            ),
        )
    )
    employ_driver(connection, card_id="CN31-HIRED", party_id=party["Employer"])
    writer.publish_reports()
    writer.close()
    with ExitStack() as stack:
        yield {
            name: RfmsClient(
                stack.enter_context(
                    served_as(
                        migrated,
                        name,
                        kind,
                        api_connections=1,
                        api_rfms_requests_per_minute=10_000,
                    )
                )
            )
            for name, kind in PARTIES.items()
        }


def hours(records: list[dict[str, Any]]) -> list[int]:
    found = [datetime.fromisoformat(record["createdDateTime"]) for record in records]
    return [(time - START) // HOUR for time in found]


@pytest.mark.parametrize(
    ("party", "vehicles", "statuses", "positions"),
    [
        ("Maker", [MINE, FOREIGN], [0, 1, 2, 3], [0, 1, 2, 3]),
        ("Owner", [MINE], [0, 1, 2, 3], [0, 1, 2, 3]),
        ("Sold", [MINE], [0, 1], [0, 1]),
        ("Bought", [MINE], [2, 3], [3]),
        ("Workshop", [MINE], [0, 2, 3], [0, 2, 3]),
        ("Employer", [MINE], [0, 1, 2, 3], [0, 1, 2, 3]),
        ("Expired", [], [], []),
        ("Stranger", [], [], []),
    ],
)
def test_everyone_sees_the_vehicles_and_the_time_that_are_opened(
    clients: dict[str, RfmsClient],
    party: str,
    vehicles: list[str],
    statuses: list[int],
    positions: list[int],
) -> None:
    client = clients[party]
    assert [vehicle["vin"] for vehicle in client.walk("vehicles")] == vehicles
    for resource, expected in (("vehiclestatuses", statuses), ("vehiclepositions", positions)):
        assert hours(client.walk(resource, starttime=LONG_AGO)) == expected
        assert hours(client.walk(resource, latestOnly="true")) == expected[-1:]
        for time in ({"starttime": LONG_AGO}, {"latestOnly": "true"}):
            answer = client.ask(f"/rfms/{resource}", {"vin": MINE, **time})
            assert answer.status_code == (200 if vehicles else 404)


def test_a_foreign_vehicle_is_one_that_does_not_exist(clients: dict[str, RfmsClient]) -> None:
    for resource in ("vehiclepositions", "vehiclestatuses"):
        answers = [
            clients["Owner"].ask(f"/rfms/{resource}", {"vin": vin, "latestOnly": "true"})
            for vin in (FOREIGN, "LSGAA11112A999999", "nothing")
        ]
        assert {answer.status_code for answer in answers} == {404}
        assert len({answer.content for answer in answers}) == 1


@pytest.mark.parametrize(
    ("party", "first", "second"),
    [
        ("Maker", True, True),
        ("Owner", True, True),
        ("Sold", True, True),
        ("Workshop", False, False),
        ("Employer", True, False),
    ],
)
def test_drivers_are_told_to_those_who_may_know_them(
    clients: dict[str, RfmsClient], party: str, first: bool, second: bool
) -> None:
    status = clients[party].walk("vehiclestatuses", starttime=LONG_AGO)[0]
    assert ("driver1Id" in status) == first
    assert ("driver1WorkingState" in status["snapshotData"]) == first
    assert ("driver2Id" in status["snapshotData"]) == second
    assert ("driver2WorkingState" in status["snapshotData"]) == second
    assert "wheelBasedSpeed" in status["snapshotData"]
    logins = clients[party].walk(
        "vehiclestatuses", starttime=LONG_AGO, triggerFilter="DRIVER_LOGIN"
    )
    assert ["driverId" in it["triggerType"] for it in logins] == [True] * first


def test_a_new_owner_is_not_told_what_was_before(clients: dict[str, RfmsClient]) -> None:
    first, second = clients["Bought"].walk("vehiclestatuses", starttime=LONG_AGO)
    assert "snapshotData" not in first
    assert second["snapshotData"]["wheelBasedSpeed"] == 50.0
    filtered = clients["Bought"].walk(
        "vehiclestatuses", starttime=LONG_AGO, contentFilter="SNAPSHOT"
    )
    assert hours(filtered) == [3]
