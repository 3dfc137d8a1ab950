"""The status says how a vehicle is, system by system, in words; an ETag tells what is still so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from typer.testing import CliRunner

from api.vehicles.status import StatusBySystem
from cli.app import app
from schemas.wire import Lamp
from storage.batch import Batch, TroubleCodeRow
from storage.registers import ensure_party, grant_access, register_vehicle, set_vehicle_home
from storage.service import put_done
from tests.asking.api_fixture import record, served_as
from tests.samples.behaviour_samples import DAY, HOUR, store
from tests.servers.database_fixture import open_writer

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

    from tests.servers.database_fixture import Migrated

VIN, BARE, FOREIGN = "LSGAA11112A000001", "LSGAA11112A000002", "LSGAA11112A000003"
ADDRESS = f"/v1/vehicles/{VIN}/status"


@cache
def now() -> datetime:
    """When this module's first test began: tests are collected long before."""
    return datetime.now(tz=UTC).replace(microsecond=0)


@pytest.fixture(scope="module")
def world(migrated: Migrated) -> Migrated:
    for vin in (BARE, FOREIGN):
        register_vehicle(migrated.connection, vin)
    register_vehicle(migrated.connection, VIN, model="J6P 6×4")
    set_vehicle_home(migrated.connection, VIN, plate="沪A12345", region="CN-31")
    vehicle = record(
        migrated,
        VIN,
        pd.DataFrame(
            {
                "wheel_speed": [0.0, 0.0],
                "engine_running": [1.0, 1.0],
                "coolant_temperature": [88.0, float("nan")],
                "latitude": [31.2304, 31.2304],
                "longitude": [121.4737, 121.4737],
                "battery_voltage": [27.5, 27.5],
                "tyre_pressure_axle1_left": [850.0, 850.0],
                "brake_circuit_1_pressure": [900.0, 900.0],
                "ebs_red_warning": [0.0, 1.0],
                "door_driver_open": [0.0, 1.0],
                "tell_tale_amber": [1.0, 1.0],
                "tell_tale_red": [0.0, 0.0],
                "dpf_lamp": [4.0, 4.0],
                "service_distance": [-120.0, -120.0],
                "service_days": [31.0, 31.0],
                "service_due": [1.0, 1.0],
                "engine_hours": [8123.5, 8123.5],
                "lane_departure_enabled": [1.0, 1.0],
            },
            index=pd.DatetimeIndex([now() - timedelta(seconds=60), now() - timedelta(seconds=2)]),
        ),
    )
    writer = open_writer(migrated)
    writer.write(
        Batch(
            trouble_codes=tuple(
                TroubleCodeRow(
                    vehicle_id=vehicle.vehicle_id,
                    time=now() - timedelta(minutes=minutes),
                    spn=spn,
                    fmi=fmi,
                    source_address=0,
                    lamp=lamp,
                    count=3,
                    active=True,
                )
                for minutes, spn, fmi, lamp in (
                    (40, 241, 18, Lamp.AMBER_WARNING),
                    (30, 3251, 16, Lamp.AMBER_WARNING),
                    (20, 110, 0, Lamp.RED_STOP),
                    (10, 523_999, 25, Lamp.NONE),
                )
            )
        )
    )
    writer.close()
    first = datetime(2026, 10, 2, tzinfo=UTC)
    drives = [(first + n * HOUR, n + 1, None) for n in range(7)]
    store(migrated.connection, vehicle.vehicle_id, (first, first + DAY), *drives)
    return migrated


@pytest.fixture(scope="module")
def client(world: Migrated) -> Iterator[httpx2.Client]:
    with served_as(world) as client:
        yield client


def status_of(client: httpx2.Client) -> StatusBySystem:
    answer = client.get(ADDRESS)
    assert answer.status_code == 200, answer.text
    return StatusBySystem.model_validate_json(answer.content)


def test_every_system_has_its_values_with_their_age(client: httpx2.Client) -> None:
    status = status_of(client)
    by_system = {
        str(one.system): {reading.signal: reading for reading in one.values}
        for one in status.systems
    }
    assert by_system["engine"]["coolant_temperature"].value == 88.0
    assert by_system["engine"]["coolant_temperature"].name == "Engine coolant temperature"
    # The newer frame lacked it: it is older than what came with that frame.
    ages = by_system["engine"]
    assert ages["coolant_temperature"].age_s == pytest.approx(
        ages["engine_running"].age_s + 58, abs=0.11
    )
    assert set(by_system["tyres"]) == {"tyre_pressure_axle1_left"}
    assert set(by_system["electrics"]) == {"battery_voltage"}
    assert set(by_system["body"]) == {"door_driver_open"}
    assert set(by_system["position"]) == {"latitude", "longitude"}
    assert set(by_system["driver_assistance"]) == {"lane_departure_enabled"}
    assert by_system["drivetrain"] == {}


def test_conditions_follow_from_lamps_and_codes(client: httpx2.Client) -> None:
    conditions = {one.system.value: one.condition.value for one in status_of(client).systems}
    assert conditions["engine"] == "fault"  # a code that lights the red lamp
    assert conditions["brakes"] == "fault"  # the EBS's red warning
    assert conditions["tyres"] == "warning"  # a code
    assert conditions["fuel_aftertreatment"] == "warning"  # its lamp flashes
    assert conditions["electrics"] == "ok"
    assert conditions["drivetrain"] == "unknown"


def test_trouble_codes_are_told_in_words(client: httpx2.Client) -> None:
    unknown, coolant, filter_, tyre = status_of(client).trouble_codes  # the newest first
    assert (coolant.parameter, coolant.failure) == (
        "Engine coolant temperature",
        "above the normal range, most severe",
    )
    assert filter_.system == "fuel_aftertreatment"
    assert filter_.signals == ["dpf_differential_pressure"]
    assert tyre.parameter == "Tyre pressure"  # of all wheels: J1939 has one number for them
    assert (unknown.spn, unknown.parameter, unknown.failure, unknown.system) == (
        523_999,
        None,
        None,
        None,
    )
    assert coolant.age_s == pytest.approx(1200, abs=120)


def test_words_are_in_the_language_that_is_asked_for(client: httpx2.Client) -> None:
    answer = client.get(ADDRESS, headers={"Accept-Language": "zh"})
    code = answer.json()["trouble_codes"][1]
    assert (code["parameter"], code["failure"]) == (
        "发动机冷却液温度",
        "数据有效但高于正常范围（最严重）",
    )
    assert answer.headers["content-language"] == "zh-CN"
    assert "Accept-Language" in answer.headers["vary"]


def test_lamps_service_trips_and_contact_are_there(client: httpx2.Client) -> None:
    status = status_of(client)
    assert {lamp.signal: lamp.lit for lamp in status.tell_tales} == {
        "tell_tale_amber": True,
        "dpf_lamp": True,
        "ebs_red_warning": True,
        "tell_tale_red": False,
    }
    assert status.tell_tales[-1].signal == "tell_tale_red"  # those lit come first
    service = status.service
    assert service.distance is not None
    assert service.days is not None
    assert service.due is not None
    assert service.engine_hours is not None
    assert (service.distance.value, service.days.value, service.due.value) == (-120.0, 31.0, True)
    assert [trip.distance_km for trip in status.last_trips] == [7.0, 6.0, 5.0, 4.0, 3.0]
    assert status.contact.last_seen == now() - timedelta(seconds=2)
    assert status.contact.received_at is not None
    assert status.contact.received_at >= now() - timedelta(seconds=2)
    assert (status.activity, status.plate, status.region) == ("idling", "沪A12345", "CN-31")


def test_a_vehicle_of_which_nothing_is_known_has_a_status(client: httpx2.Client) -> None:
    status = client.get(f"/v1/vehicles/{BARE}/status").json()
    assert {one["condition"] for one in status["systems"]} == {"unknown"}
    assert status["contact"] == {"last_seen": None, "received_at": None, "age_s": None}
    assert status["trouble_codes"] == status["last_trips"] == status["tell_tales"] == []


def test_a_grant_opens_the_status_of_its_span_alone(world: Migrated) -> None:
    party = ensure_party(world.connection, "Workshop", "service_provider")
    span = (now() - timedelta(minutes=35), now() - timedelta(minutes=15))
    grant_access(world.connection, party_id=party, vin=VIN, purpose="service", data=span)
    with served_as(world, "Workshop", "service_provider") as client:
        status = status_of(client)
        assert [code.spn for code in status.trouble_codes] == [110, 3251]
        assert all(one.values == [] for one in status.systems)
        assert status.contact.received_at is None
        assert status.last_trips == []
        unknown = client.get("/v1/vehicles/LSGAA11112A000009/status")
        foreign = client.get(f"/v1/vehicles/{FOREIGN}/status")
        assert (foreign.status_code, foreign.content) == (404, unknown.content)


@pytest.mark.parametrize("address", [ADDRESS, f"/v1/vehicles/{VIN}/state", "/v1/vehicles"])
def test_what_is_still_so_is_not_told_again(client: httpx2.Client, address: str) -> None:
    first = client.get(address)
    tag = first.headers["etag"]
    assert first.headers["cache-control"] == "private, no-cache"
    for held in (tag, tag.removeprefix("W/"), f'"other", {tag}', "*"):
        again = client.get(address, headers={"If-None-Match": held})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
    assert client.get(address, headers={"If-None-Match": '"other"'}).status_code == 200


def test_another_language_is_another_answer(client: httpx2.Client) -> None:
    tags = {
        client.get(ADDRESS, headers={"Accept-Language": code}).headers["etag"]
        for code in ("en", "zh")
    }
    assert len(tags) == 2


def test_something_new_is_told(world: Migrated, client: httpx2.Client) -> None:
    tag = client.get(f"/v1/vehicles/{BARE}/state").headers["etag"]
    rows: dict[str, Any] = {"battery_voltage": [24.1]}
    record(world, BARE, pd.DataFrame(rows, index=pd.DatetimeIndex([now()])))
    again = client.get(f"/v1/vehicles/{BARE}/state", headers={"If-None-Match": tag})
    assert again.status_code == 200
    assert again.headers["etag"] != tag


def test_a_tag_opens_nothing(world: Migrated, client: httpx2.Client) -> None:
    tag = client.get(ADDRESS).headers["etag"]
    with served_as(world, "Nobody's", "owner") as other:
        for held in (tag, "*"):
            assert other.get(ADDRESS, headers={"If-None-Match": held}).status_code == 404


def test_the_next_service_is_told_by_the_vehicle_and_by_its_plan(world: Migrated) -> None:
    with served_as(world) as client:
        told = client.get(ADDRESS).json()["service"]["next"]
        assert (told["distance"]["left"], told["distance"]["source"]) == (-120.0, "vehicle")
        assert (told["hours"], told["plan"], told["last"]) == (None, None, None)
        environment = {"TELEMETRY_DATABASE_DSN": world.dsn.get_secret_value()}
        day = f"{now() - timedelta(days=100):%Y-%m-%d}"
        for arguments in (
            ("set", "--every-hours", "2000"),
            ("set", "--model", "J6P 6×4", "--every-hours", "1500", "--every-km", "60000"),
            ("done", VIN, day, "--engine-hours", "7000", "--odometer", "1"),
            ("done", VIN, day, "--engine-hours", "7100"),
        ):
            done = CliRunner().invoke(app, ["service-plans", *arguments], env=environment)
            assert done.exit_code == 0, done.output
        shown = CliRunner().invoke(app, ["service-plans", "list"], env=environment).output
        assert "all others" in shown
        assert "60,000" in shown
        told = client.get(ADDRESS).json()["service"]["next"]
        assert told["hours"] == {
            "left": 476.5,
            "unit": "h",
            "at": 8600.0,
            "on": None,
            "source": "plan",
        }
        assert told["plan"]["of_model"]
        assert told["last"]["time"] == f"{day}T00:00:00Z"
        # Another model of the class, never serviced: the class's plan, and nothing to count from.
        other = client.get(ADDRESS.replace(VIN, BARE)).json()["service"]["next"]
        assert (other["plan"]["every_h"], other["plan"]["of_model"]) == (2000.0, False)
        assert (other["hours"], other["last"]) == (None, None)


def test_a_service_before_the_grant_is_not_told(world: Migrated) -> None:
    put_done(world.connection, VIN, now() - timedelta(days=90), odometer_km=None, engine_h=7200.0)
    party = ensure_party(world.connection, "Workshop Service", "service_provider")
    data = (now() - timedelta(days=30), None)
    grant_access(world.connection, party_id=party, vin=VIN, purpose="service", data=data)
    with served_as(world, "Workshop Service", "service_provider") as client:
        assert client.get(ADDRESS).json()["service"]["next"]["last"] is None


def test_plans_that_say_nothing_are_refused(world: Migrated) -> None:
    environment = {"TELEMETRY_DATABASE_DSN": world.dsn.get_secret_value()}
    for arguments, told in (
        (("set",), "needs --every-km"),
        (("done", "LSGAA11112A000009", "2026-10-01"), "is not registered"),
    ):
        done = CliRunner().invoke(app, ["service-plans", *arguments], env=environment)
        assert told in str(done.exception)
