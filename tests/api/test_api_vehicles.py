"""Vehicles, their state and their trips over HTTP are what was stored, every page of them once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from api.driving.trips import Trips
from api.vehicles.listing import Vehicles
from api.vehicles.state import VehicleState
from schemas.wire import Lamp
from storage.batch import Batch, TroubleCodeRow
from storage.registers import register_vehicle
from tests.asking.api_fixture import every_page, record, served_as
from tests.samples.behaviour_samples import DAY, HOUR, store
from tests.servers.database_fixture import open_writer

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

    from tests.servers.database_fixture import Migrated

VIN = "LSGAA11112A000001"
OTHERS = [f"LSGAA11112A0001{number:02d}" for number in range(25)]
TRIPS = 23
SPAN = {"start": "2026-10-01T00:00:00Z", "end": "2026-11-01T00:00:00Z"}


@pytest.fixture(scope="module")
def now() -> datetime:
    """When it was last heard of; a vehicle heard of when tests were collected is silent by now."""
    return datetime.now(tz=UTC).replace(microsecond=0)


@pytest.fixture(scope="module")
def client(migrated: Migrated, now: datetime) -> Iterator[httpx2.Client]:
    for vin in OTHERS:
        register_vehicle(migrated.connection, vin)
    vehicle = record(
        migrated,
        VIN,
        pd.DataFrame(
            {
                "wheel_speed": [80.2, 82.5],
                "engine_running": [1.0, 1.0],
                "gear_current": [11.0, 12.0],
                "odometer": [203_118.4, 203_118.425],
                "latitude": [31.2304, float("nan")],
                "longitude": [121.4737, float("nan")],
                "fuel_level_1": [62.4, float("nan")],
            },
            index=pd.DatetimeIndex([now - timedelta(seconds=3), now - timedelta(seconds=2)]),
        ),
    )
    write_codes(migrated, vehicle.vehicle_id, now)
    write_trips(migrated, vehicle.vehicle_id)
    with served_as(migrated) as client:
        yield client


def write_codes(database: Migrated, vehicle_id: int, now: datetime) -> None:
    def code(spn: int, minutes: int, *, active: bool) -> TroubleCodeRow:
        return TroubleCodeRow(
            vehicle_id=vehicle_id,
            time=now - timedelta(minutes=minutes),
            spn=spn,
            fmi=16,
            source_address=0,
            lamp=Lamp.AMBER_WARNING,
            count=3,
            active=active,
        )

    writer = open_writer(database)
    came_and_went = (code(100, 60, active=True), code(100, 50, active=False))
    came = (code(3251, 40, active=True), code(1761, 30, active=True))
    writer.write(Batch(trouble_codes=came_and_went + came))
    writer.close()


def write_trips(database: Migrated, vehicle_id: int) -> None:
    first = datetime(2026, 10, 2, tzinfo=UTC)
    # The first of a kilometre, every next one a kilometre longer.
    drives = [(first + n * HOUR, n + 1, None) for n in range(TRIPS)]
    store(
        database.connection,
        vehicle_id,
        (first, first + DAY),
        *drives,
        of_trips={
            "l_per_100km": 29.5,
            "max_speed_kmh": 87.6,
            "start_latitude": 31.0,
            "start_longitude": 121.0,
        },
    )


@pytest.mark.parametrize("limit", [1, 7, 26, 500])
def test_pages_hold_every_vehicle_once_by_vin(client: httpx2.Client, limit: int) -> None:
    answers = every_page(client, "/v1/vehicles", {"limit": limit})
    vins = [vehicle["vin"] for answer in answers for vehicle in answer["vehicles"]]
    assert vins == sorted([VIN, *OTHERS])
    assert all(len(answer["vehicles"]) <= limit for answer in answers)


def test_a_vehicle_is_listed_with_its_latest_values_and_their_times(
    client: httpx2.Client, now: datetime
) -> None:
    answer = client.get("/v1/vehicles", params={"limit": 1})
    (vehicle,) = Vehicles.model_validate_json(answer.content).vehicles
    assert vehicle.vin == VIN
    assert vehicle.activity == "moving"
    assert vehicle.last_seen == now - timedelta(seconds=2)
    assert vehicle.speed is not None
    assert vehicle.odometer is not None
    assert vehicle.fuel_level is not None
    assert vehicle.position is not None
    assert vehicle.engine_running is not None
    assert (vehicle.speed.value, vehicle.speed.unit) == (82.5, "km/h")
    assert vehicle.odometer.value == 203_118.425
    assert vehicle.engine_running.value is True
    # The later frame lacked these: the earlier values stay, with their own time.
    earlier = now - timedelta(seconds=3)
    assert (vehicle.fuel_level.value, vehicle.fuel_level.time) == (62.4, earlier)
    assert (vehicle.position.latitude, vehicle.position.time) == (31.2304, earlier)


def test_a_vehicle_that_sent_nothing_is_silent_and_has_no_values(client: httpx2.Client) -> None:
    answer = client.get("/v1/vehicles", params={"limit": 500})
    vehicle = Vehicles.model_validate_json(answer.content).vehicles[-1]
    assert vehicle.activity == "silent"
    assert vehicle.last_seen is None
    assert vehicle.speed is None
    state = client.get(f"/v1/vehicles/{vehicle.vin}/state").json()
    assert state["groups"] == []
    assert state["trouble_codes"] == []


def test_the_state_has_every_latest_value_by_group(client: httpx2.Client) -> None:
    answer = client.get(f"/v1/vehicles/{VIN}/state")
    state = VehicleState.model_validate_json(answer.content)
    told = {
        group.group: {signal.signal: signal.value for signal in group.signals}
        for group in state.groups
    }
    assert told == {
        "motion": {
            "wheel_speed": 82.5,
            "gear_current": 12,
            "odometer": 203_118.425,
            "engine_running": True,
        },
        "location": {"latitude": 31.2304, "longitude": 121.4737},
        "fuel_aftertreatment": {"fuel_level_1": 62.4},
    }
    assert '"value":12,' in answer.text  # a code is a whole number, not 12.0
    ages = {signal.signal: signal.age_s for group in state.groups for signal in group.signals}
    assert ages["latitude"] == pytest.approx(ages["wheel_speed"] + 1, abs=0.11)  # one second older


def test_a_trouble_code_that_went_is_not_active(client: httpx2.Client) -> None:
    state = client.get(f"/v1/vehicles/{VIN}/state").json()
    assert [code["spn"] for code in state["trouble_codes"]] == [1761, 3251]  # the newest first
    assert state["trouble_codes"][0]["lamp"] == "AMBER_WARNING"


@pytest.mark.parametrize("order", ["oldest_first", "newest_first"])
@pytest.mark.parametrize("limit", [1, 10, 23, 1000])
def test_pages_hold_every_trip_once_in_order(client: httpx2.Client, order: str, limit: int) -> None:
    answers = every_page(
        client, f"/v1/vehicles/{VIN}/trips", {**SPAN, "order": order, "limit": limit}
    )
    distances = [trip["distance_km"] for answer in answers for trip in answer["trips"]]
    expected = [number + 1.0 for number in range(TRIPS)]
    assert distances == (expected if order == "oldest_first" else expected[::-1])


def test_a_trip_is_told_as_analysis_stored_it(client: httpx2.Client) -> None:
    answer = client.get(f"/v1/vehicles/{VIN}/trips", params={**SPAN, "limit": 1})
    (trip,) = Trips.model_validate_json(answer.content).trips
    assert trip.start == datetime(2026, 10, 2, tzinfo=UTC)
    assert trip.l_per_100km == 29.5
    assert trip.max_speed_kmh == 87.6  # stored as a float32, told with its own digits
    assert trip.idle_fuel_l is None
    assert trip.start_position is not None
    assert trip.end_position is None


def test_trips_that_start_outside_the_span_are_left_out(client: httpx2.Client) -> None:
    params = {"start": "2026-10-02T01:00:00Z", "end": "2026-10-02T03:00:00Z"}
    trips = client.get(f"/v1/vehicles/{VIN}/trips", params=params).json()["trips"]
    assert [trip["start"] for trip in trips] == ["2026-10-02T01:00:00Z", "2026-10-02T02:00:00Z"]


def test_the_catalogue_finds_signals_by_words_and_group(client: httpx2.Client) -> None:
    def found(**params: str) -> list[dict[str, Any]]:
        answer = client.get("/v1/catalogue", params=params)
        assert answer.status_code == 200
        signals: list[dict[str, Any]] = answer.json()["signals"]
        return signals

    assert len(found()) > 400  # the catalogue has at least 420
    assert {signal["group"] for signal in found(group="location")} == {"location"}
    assert "wheel_speed" in {signal["name"] for signal in found(search="spn84")}
    assert found(search="no such thing") == []
