"""rFMS over HTTP: what may be asked together, what is answered, and how a walk goes on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from analytics.accumulated import LAYOUT, LAYOUT_VERSION
from api.rfms import positions, statuses, vehicles
from api.rfms.questions import Content
from schemas.wire import TriggerType
from storage.batch import Batch, DriverChangeRow, ReportRow
from storage.policies import expire
from storage.registers import register_vehicle
from storage.report_writer import REPORT_SIGNALS
from storage.settings import StorageSettings
from tests.asking.api_fixture import served_as
from tests.asking.rfms_client import RfmsClient, validate
from tests.servers.database_fixture import open_writer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.database_fixture import Migrated

DAY = datetime.now(tz=UTC).replace(hour=8, minute=0, second=0, microsecond=0) - timedelta(days=2)
VINS = [f"LSGAA11112A0002{number:02d}" for number in range(5)]
FULL, ELSE, PARKED = VINS[:3]
LONG_AGO = "2020-01-01T00:00:00Z"
EVERY = pytest.mark.parametrize("resource", ["vehiclepositions", "vehiclestatuses"])

VALUES: dict[str, float] = {
    "latitude": 31.2304, "longitude": 121.4737, "altitude": 4.0, "heading": 359.75,
    "gnss_speed": 80.5, "wheel_speed": 80.25, "tachograph_speed": 80.0, "engine_speed": 1200.5,
    "odometer": 203_118.425, "fuel_used_total": 61_230.5, "engine_hours": 8120.5,
    "gross_combination_weight": 31_400.0, "fuel_level_1": 62.5, "fuel_level_2": 40.0,
    "reagent_level": 55.0, "fuel_range": 457.5, "ambient_temperature": 12.5,
    "driver1_working_state": 3.0, "driver2_working_state": 0.0, "park_brake": 0.0,
    "axle1_weight": 6500.0, "axle2_weight": 11_000.0, "trailer_connected": 1.0,
    "trailer_axle1_weight": 7000.0, "trailer_axle2_weight": 7100.5,
    "service_distance": 12_000.0, "coolant_temperature": 88.0,
    "brake_circuit_1_pressure": 812.0, "brake_circuit_2_pressure": 834.0,
    "alternator_charging": 1.0, "bellow_pressure_front_left": 534.0,
    "bellow_pressure_front_right": 535.0, "bellow_pressure_rear_left": 634.0,
    "bellow_pressure_rear_right": 635.0, "tell_tale_red": 0.0, "tell_tale_amber": 1.0,
    "tell_tale_protect": 1.0, "fuel_level_low": 0.0, "light_high_beam": 1.0,
}  # fmt: skip


def report(vehicle_id: int, minutes: float, kind: str = "TIMER", **more: Any) -> ReportRow:
    return ReportRow(
        vehicle_id=vehicle_id,
        created_time=DAY + timedelta(minutes=minutes),
        trigger_type=kind,
        values=more.pop("values", {}),
        **more,
    )


@pytest.fixture(scope="module")
def client(migrated: Migrated) -> Iterator[RfmsClient]:
    numbers = [register_vehicle(migrated.connection, vin).vehicle_id for vin in VINS]
    full, other, parked = numbers[:3]
    here = {"latitude": 31.0, "longitude": 121.0}
    writer = open_writer(migrated)
    migrated.connection.execute(
        "INSERT INTO vehicle_state (vehicle_id, signal_group, time, values, times)"
        " VALUES (%s, 'motion', %s, '{}', '{}')",
        (full, DAY + timedelta(minutes=9)),
    )
    migrated.connection.execute(
        "INSERT INTO accumulated (vehicle_id, layout_version, newest_day, total, served)"
        " VALUES (%s, %s, %s, %s, %s)",
        (full, LAYOUT_VERSION, DAY.date(), *[np.arange(1.0, len(LAYOUT) + 1).tolist()] * 2),
    )
    before = DAY - timedelta(hours=1)
    writer.write(
        Batch(
            driver_changes=(
                DriverChangeRow(vehicle_id=full, time=before, slot=1, card_id="CN31-WANG"),
                DriverChangeRow(vehicle_id=full, time=before, slot=2, card_id="CN31-LI"),
            ),
            reports=(
                report(full, 0, "DRIVER_LOGIN", detail="CN31-WANG"),
                report(full, 1, values={"coolant_temperature": 20.0}),
                report(full, 2, "TELL_TALE", detail="FUEL_LEVEL YELLOW"),
                report(full, 3, "TELL_TALE", detail="oddity"),
                report(full, 4, "PTO_ENABLED", detail="2"),
                report(full, 5, "DRIVER_2_WORKING_STATE_CHANGED", values=here),
                report(
                    full, 10, values=VALUES, position_time=DAY + timedelta(minutes=9, seconds=59)
                ),
                report(other, 0, "IGNITION_ON", values=here),
                report(other, 30, "IGNITION_OFF", values=here),
            ),
        )
    )
    writer.publish_reports()
    writer.write(Batch(reports=(report(parked, -60, values=here), report(other, 20, values=here))))
    writer.publish_reports()
    writer.close()
    with served_as(migrated, api_rfms_requests_per_minute=100_000) as http:
        yield RfmsClient(http)


def brief(records: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(it["vin"], it["triggerType"]["triggerType"]) for it in records]


def test_vehicles_are_listed_by_vin(client: RfmsClient) -> None:
    found = client.walk("vehicles")
    assert [vehicle["vin"] for vehicle in found] == VINS
    assert found[0]["authorizedPaths"] == ["/vehiclepositions", "/vehiclestatuses"]
    assert [it["vin"] for it in client.walk("vehicles", lastVin=VINS[2])] == VINS[3:]


def test_a_status_has_all_blocks_in_the_units_of_rfms(client: RfmsClient) -> None:
    (found,) = client.walk("vehiclestatuses", vin=FULL, latestOnly="true")
    assert found["triggerType"] == {"triggerType": "TIMER", "context": "RFMS"}
    assert found["hrTotalVehicleDistance"] == 203_118_425
    assert found["totalEngineHours"] == 8120.5
    assert found["engineTotalFuelUsed"] == 61_230_500
    assert found["grossCombinationVehicleWeight"] == 31_400
    wang = {"idType": "TACHOGRAPH_CARD", "oemDriverIdentification": "CN31-WANG"}
    assert found["driver1Id"] == {"oemDriverIdentification": wang}
    taken = (DAY + timedelta(minutes=9, seconds=59)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    assert found["snapshotData"] == {
        "gnssPosition": {
            "latitude": 31.2304, "longitude": 121.4737, "heading": 0, "altitude": 4,
            "speed": 80.5, "positionDateTime": taken,
        },
        "wheelBasedSpeed": 80.25, "tachographSpeed": 80.0, "engineSpeed": 1200.5,
        "fuelLevel1": 62.5, "fuelLevel2": 40.0, "catalystFuelLevel": 55.0,
        "driver1WorkingState": "DRIVE",
        "driver2Id": {
            "oemDriverIdentification": {
                "idType": "TACHOGRAPH_CARD", "oemDriverIdentification": "CN31-LI"
            }
        },
        "driver2WorkingState": "REST", "ambientAirTemperature": 12.5,
        "parkingBrakeSwitch": False,
        "estimatedDistanceToEmpty": {"total": 457_500, "fuel": 457_500},
        "vehicleAxles": [
            {"vehicleAxlePosition": 1, "vehicleAxleLoad": 6500.0},
            {"vehicleAxlePosition": 2, "vehicleAxleLoad": 11_000.0},
        ],
        "trailers": [
            {
                "trailerNo": 1, "trailerAxleLoadSum": 14_100,
                "trailerAxles": [
                    {"trailerAxlePosition": 1, "trailerAxleLoad": 7000.0},
                    {"trailerAxlePosition": 2, "trailerAxleLoad": 7100.5},
                ],
            }
        ],
    }  # fmt: skip
    assert found["uptimeData"] == {
        "tellTaleInfo": [
            {"tellTale": "GENERAL_FAILURE", "state": "YELLOW"},
            {
                "tellTale": "OEM_SPECIFIC_TELL_TALE", "oemTellTale": "PROTECT_LAMP",
                "state": "YELLOW",
            },
            {"tellTale": "FUEL_LEVEL", "state": "OFF"},
            {"tellTale": "PARKING_BRAKE", "state": "OFF"},
            {"tellTale": "HIGH_BEAM_MAIN_BEAM", "state": "INFO"},
        ],
        "serviceDistance": 12_000_000, "engineCoolantTemperature": 88.0,
        "serviceBrakeAirPressureCircuit1": 812_000, "serviceBrakeAirPressureCircuit2": 834_000,
        "alternatorInfo": {"alternatorStatus": "CHARGING", "alternatorNumber": 1},
        "bellowPressureFrontAxleLeft": 534_000, "bellowPressureFrontAxleRight": 535_000,
        "bellowPressureRearAxleLeft": 634_000, "bellowPressureRearAxleRight": 635_000,
    }  # fmt: skip
    native = client.http.get(f"/v1/vehicles/{FULL}/accumulated").json()
    assert found["accumulatedData"] == native["accumulated_data"]
    assert len(found["accumulatedData"]["vehicleSpeedClass"]) == 40


def test_counters_are_told_from_the_moment_on_that_they_are_of(client: RfmsClient) -> None:
    told = client.walk("vehiclestatuses", vin=FULL, starttime=LONG_AGO)
    # The counters are of data up to minute 9; before, nothing is known of them.
    assert ["accumulatedData" in it for it in told] == [False] * 6 + [True]


def test_a_trigger_says_what_it_leaves_open(client: RfmsClient) -> None:
    told = client.walk("vehiclestatuses", vin=FULL, starttime=LONG_AGO)
    login, _, fuel, odd, pto, second, _ = [it["triggerType"] for it in told]
    card = "oemDriverIdentification"
    assert login["driverId"][card][card] == "CN31-WANG"
    assert fuel["tellTaleInfo"] == {"tellTale": "FUEL_LEVEL", "state": "YELLOW"}
    assert odd["tellTaleInfo"] == {
        "tellTale": "OEM_SPECIFIC_TELL_TALE",
        "oemTellTale": "oddity",
        "state": "NOT_AVAILABLE",
    }
    assert pto["ptoId"] == "2"
    assert second["driverId"][card][card] == "CN31-LI"


def test_a_report_without_a_position_is_no_position(client: RfmsClient) -> None:
    found = client.walk("vehiclepositions", vin=FULL, starttime=LONG_AGO)
    assert [it["triggerType"]["triggerType"] for it in found] == [
        "DRIVER_2_WORKING_STATE_CHANGED",
        "TIMER",
    ]
    assert found[1]["wheelBasedSpeed"] == 80.25
    assert found[1]["tachographSpeed"] == 80.0


def test_history_comes_as_received_and_a_late_report_comes_last(client: RfmsClient) -> None:
    found = client.walk("vehiclestatuses", starttime=LONG_AGO)
    assert len(found) == 11
    received = [it["receivedDateTime"] for it in found]
    assert received == sorted(set(received))
    assert brief(found)[-2:] == [(PARKED, "TIMER"), (ELSE, "TIMER")]  # these were sent late


def test_created_time_chooses_by_the_vehicles_clock(client: RfmsClient) -> None:
    span = {
        "starttime": (DAY + timedelta(minutes=20)).isoformat(),
        "stoptime": (DAY + timedelta(minutes=30)).isoformat(),
    }
    assert brief(client.walk("vehiclestatuses", datetype="created", **span)) == [(ELSE, "TIMER")]
    assert client.walk("vehiclestatuses", datetype="received", **span) == []
    assert client.walk("vehiclestatuses", **span) == []


def test_start_is_included_and_stop_is_not(client: RfmsClient) -> None:
    found = client.walk("vehiclestatuses", starttime=LONG_AGO)
    first, second, third = (it["receivedDateTime"] for it in found[:3])
    between = client.walk("vehiclestatuses", starttime=first, stoptime=third)
    assert [it["receivedDateTime"] for it in between] == [first, second]
    assert client.next_start == third


def test_latest_is_the_one_created_last_or_if_asked_the_one_received_last(
    client: RfmsClient,
) -> None:
    assert brief(client.walk("vehiclepositions", latestOnly="true")) == [
        (FULL, "TIMER"),
        (ELSE, "IGNITION_OFF"),
        (PARKED, "TIMER"),
    ]
    received = client.walk("vehiclepositions", latestOnly="true", datetype="received", vin=ELSE)
    assert brief(received) == [(ELSE, "TIMER")]


@EVERY
def test_triggers_are_chosen_in_both_ways(client: RfmsClient, resource: str) -> None:
    wanted = {"triggerFilter": "IGNITION_ON,IGNITION_OFF"}
    history = client.walk(resource, starttime=LONG_AGO, **wanted)
    assert brief(history) == [(ELSE, "IGNITION_ON"), (ELSE, "IGNITION_OFF")]
    assert brief(client.walk(resource, latestOnly="true", **wanted)) == [(ELSE, "IGNITION_OFF")]
    assert client.walk(resource, latestOnly="true", triggerFilter="FUEL_TYPE_CHANGE") == []


@pytest.mark.parametrize(
    ("contents", "reports", "blocks"),
    [
        ("ACCUMULATED", 1, {"accumulatedData"}),
        ("UPTIME", 2, {"uptimeData"}),
        ("SNAPSHOT", 2, {"snapshotData"}),
        ("UPTIME,ACCUMULATED", 2, {"uptimeData", "accumulatedData"}),
        ("SNAPSHOT,UPTIME,ACCUMULATED", 3, {"snapshotData", "uptimeData", "accumulatedData"}),
    ],
)
def test_content_filter_leaves_other_blocks_and_reports_without_out(
    client: RfmsClient, contents: str, reports: int, blocks: set[str]
) -> None:
    wanted = {"vin": FULL, "contentFilter": contents}
    history = client.walk("vehiclestatuses", starttime=LONG_AGO, **wanted)
    assert len(history) == reports
    assert all({key for key in it if key.endswith("Data")} <= blocks for it in history)
    assert all(any(key.endswith("Data") for key in it) for it in history)
    (latest,) = client.walk("vehiclestatuses", latestOnly="true", **wanted)
    assert {key for key in latest if key.endswith("Data")} == blocks


@EVERY
@pytest.mark.parametrize("created", [False, True])
@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_pages_of_a_history_have_every_report_once(
    client: RfmsClient,
    monkeypatch: pytest.MonkeyPatch,
    resource: str,
    created: bool,
    size: int,
) -> None:
    monkeypatch.setattr(positions, "MAX_POSITIONS", size)
    monkeypatch.setattr(statuses, "MAX_STATUSES", size)
    question = {"starttime": LONG_AGO, "datetype": "created" if created else "received"}
    found = client.walk(resource, **question)
    expected = 6 if resource == "vehiclepositions" else 11
    assert len({(it["vin"], it["receivedDateTime"]) for it in found}) == len(found) == expected
    # From there on: nothing, until something more is received.
    assert client.walk(resource, starttime=client.next_start) == []


@EVERY
def test_pages_of_the_latest_go_on_by_vin(
    client: RfmsClient, monkeypatch: pytest.MonkeyPatch, resource: str
) -> None:
    monkeypatch.setattr(positions, "MAX_POSITIONS", 1)
    monkeypatch.setattr(statuses, "MAX_STATUSES", 1)
    client.pages = 0
    found = client.walk(resource, latestOnly="true")
    assert [it["vin"] for it in found] == VINS[:3]  # two have never reported
    assert client.pages == 3
    after = client.walk(resource, latestOnly="true", lastVin=FULL)
    assert [it["vin"] for it in after] == VINS[1:3]


def test_pages_of_vehicles(client: RfmsClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vehicles, "MAX_VEHICLES", 2)
    assert [vehicle["vin"] for vehicle in client.walk("vehicles")] == VINS


def test_a_link_keeps_the_question(client: RfmsClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statuses, "MAX_STATUSES", 1)
    body = client.ask(
        "/rfms/vehiclestatuses",
        {"starttime": LONG_AGO, "vin": FULL, "triggerFilter": "TIMER", "contentFilter": "UPTIME"},
    ).json()
    link = body["moreDataAvailableLink"]
    assert link.startswith("/rfms/vehiclestatuses?")
    assert f"vin={FULL}" in link
    assert "triggerFilter=TIMER" in link
    assert "contentFilter=UPTIME" in link


@EVERY
@pytest.mark.parametrize(
    "question",
    [
        {},
        {"latestOnly": "false"},
        {"stoptime": LONG_AGO},
        {"vin": FULL},
        {"starttime": LONG_AGO, "latestOnly": "true"},
        {"latestOnly": "true", "stoptime": LONG_AGO},
        {"starttime": LONG_AGO, "stoptime": LONG_AGO},
        {"starttime": "2026-01-01T00:00:00"},
        {"starttime": "yesterday"},
        {"starttime": "0001-01-01T00:00:00Z"},
        {"starttime": LONG_AGO, "stoptime": "2026-13-01T00:00:00Z"},
        {"starttime": LONG_AGO, "datetype": "sent"},
        {"starttime": LONG_AGO, "triggerFilter": "TIMERS"},
        {"starttime": LONG_AGO, "triggerFilter": ""},
        {"starttime": LONG_AGO, "triggerFilter": "TIMER,"},
        {"starttime": LONG_AGO, "lastVin": FULL},
        {"latestOnly": "yes"},
        {"latestOnly": "1"},
        {"latestOnly": "true", "lastVin": "short"},
        {"latestOnly": "true", "lastVin": FULL, "vin": FULL},
        {"latestOnly": "true", "lastReceivedDateTime": LONG_AGO},
        {"starttime": LONG_AGO, "lastReceivedDateTime": LONG_AGO},
        {"starttime": LONG_AGO, "startTime": LONG_AGO},
        {"starttime": [LONG_AGO, LONG_AGO]},
    ],
)
def test_what_cannot_be_asked_is_a_bad_request(
    client: RfmsClient, resource: str, question: dict[str, Any]
) -> None:
    answer = client.ask(f"/rfms/{resource}", question)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"] == "InvalidParameter"


def test_content_filter_is_of_statuses_and_has_three_values(client: RfmsClient) -> None:
    question = {"latestOnly": "true", "contentFilter": "SNAPSHOT"}
    assert client.ask("/rfms/vehiclestatuses", question).status_code == 200
    assert client.ask("/rfms/vehiclepositions", question).status_code == 400
    question["contentFilter"] = "PICTURES"
    assert client.ask("/rfms/vehiclestatuses", question).status_code == 400
    assert client.ask("/rfms/vehicles", {"lastVin": "nothing"}).status_code == 400
    assert client.ask("/rfms/vehicles", {"vin": FULL}).status_code == 400


@EVERY
@pytest.mark.parametrize("vin", ["LSGAA11112A999999", "no VIN", "", "%00"])
def test_a_vehicle_that_is_not_there_is_not_found(
    client: RfmsClient, resource: str, vin: str
) -> None:
    for time in ({"starttime": LONG_AGO}, {"latestOnly": "true"}):
        answer = client.ask(f"/rfms/{resource}", {"vin": vin, **time})
        assert answer.status_code == 404, answer.text
        assert answer.json()["error"] == "UnknownVehicle"


def test_a_version_that_is_not_served_is_not_acceptable(client: RfmsClient) -> None:
    for resource in ("vehicles", "vehiclepositions", "vehiclestatuses"):
        headers = {"Accept": f"application/json; rfms={resource}.v2.1"}
        answer = client.http.get(f"/rfms/{resource}", headers=headers)
        assert answer.status_code == 406
        assert answer.json()["error"] == "NotAcceptable"
        validate("error", answer.json())
        plain = client.http.get("/rfms/vehicles", headers={"Accept": "application/json"})
        assert plain.headers["Content-Type"] == "application/json; rfms=vehicles.v4.0"


def test_what_is_not_there_is_told_as_rfms_tells_it(client: RfmsClient) -> None:
    for method, address, status in (
        ("GET", "/rfms", 404),
        ("GET", "/rfms/trips", 404),
        ("POST", "/rfms/vehicles", 405),
    ):
        answer = client.http.request(method, address)
        assert answer.status_code == status
        validate("error", answer.json())


def test_a_request_is_named_by_its_client_or_by_us(client: RfmsClient) -> None:
    def named(**headers: str) -> Any:
        return client.http.get("/rfms/vehicles", headers=headers)

    assert named(**{"X-Correlation-Id": "a" * 40}).headers["X-Correlation-Id"] == "a" * 40
    ours = {named().headers["X-Correlation-Id"] for _ in range(3)}
    assert len(ours) == 3
    assert all(0 < len(name) <= 40 for name in ours)
    for bad in ("a" * 41, "with space", ""):
        answer = named(**{"X-Correlation-Id": bad})
        assert answer.status_code == 400
        assert answer.headers["X-Correlation-Id"] not in (bad, "")
        validate("error", answer.json())


def test_each_resource_has_its_own_limit(migrated: Migrated, client: RfmsClient) -> None:
    del client  # its database
    with served_as(migrated, api_rfms_requests_per_minute=2) as http:
        fresh = RfmsClient(http)
        question = {"latestOnly": "true"}
        for left in (1, 0):
            answer = fresh.ask("/rfms/vehiclepositions", question)
            assert answer.headers["X-Rate-Limit-Limit"] == "2"
            assert answer.headers["X-Rate-Limit-Remaining"] == str(left)
        refused = fresh.ask("/rfms/vehiclepositions", question)
        assert refused.status_code == 429
        assert refused.json()["error"] == "TooManyRequests"
        assert 1 <= int(refused.headers["Retry-After"]) <= 60
        wait = int(refused.headers["X-Rate-Limit-Reset"]) - datetime.now(tz=UTC).timestamp()
        assert 0 < wait <= 61
        assert fresh.ask("/rfms/vehiclestatuses", question).status_code == 200
        # What cannot be used counts as well.
        assert fresh.ask("/rfms/vehiclestatuses", {}).status_code == 400
        assert fresh.ask("/rfms/vehiclestatuses", question).status_code == 429


def test_values_of_the_catalogue_all_have_a_place(client: RfmsClient) -> None:
    del client
    assert set(VALUES) < set(REPORT_SIGNALS)
    assert set(Content) == {"ACCUMULATED", "SNAPSHOT", "UPTIME"}
    assert len(TriggerType) == 19


def test_old_reports_are_dropped_and_the_last_stays(migrated: Migrated) -> None:
    vin = "LSGAA11112A000299"
    number = register_vehicle(migrated.connection, vin).vehicle_id
    writer = open_writer(migrated)
    row = report(number, 0, values={"latitude": 31.0, "longitude": 121.0})
    writer.write(
        Batch(
            reports=(
                row,
                replace(row, created_time=row.created_time + timedelta(minutes=1)),
                report(number, 2),
            )
        )
    )
    writer.publish_reports()
    writer.close()
    migrated.connection.execute(
        "UPDATE vehicle_report SET received_time = received_time - interval '16 days'"
        " WHERE vehicle_id = %s",
        (number,),
    )
    expire(migrated.connection, migrated.server, migrated.catalogue, StorageSettings())
    kept = migrated.connection.execute(
        "SELECT created_time FROM vehicle_report WHERE vehicle_id = %s ORDER BY 1", (number,)
    ).fetchall()
    # The last one, and the last that says where the vehicle was.
    assert [(at - DAY).total_seconds() for (at,) in kept] == [60, 120]
