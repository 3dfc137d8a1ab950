"""Vehicles are found by register, by what they do and by where they are, under the access rule."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from storage.registers import (
    add_to_fleet,
    ensure_fleet,
    ensure_party,
    grant_access,
    register_vehicle,
    set_vehicle_home,
)
from tests.asking.api_fixture import every_page, record, served_as

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

    from tests.servers.database_fixture import Migrated


@cache
def now() -> datetime:
    """When this module's first test began: tests are collected long before."""
    return datetime.now(tz=UTC).replace(microsecond=0)


SHANGHAI, NANJING, SUZHOU, FIJI = (
    "LSGAA11112A000001",
    "LSGAA11112A000002",
    "LSGAA11112A000003",
    "LSGAA11112A000004",
)
MUTE = "LSGAA11112A000005"

# VIN: plate, region, latitude, longitude, wheel speed, engine on, minutes ago.
WORLD = {
    SHANGHAI: ("沪A·12345", "CN-31", 31.2304, 121.4737, 82.5, 1.0, 0),
    NANJING: ("苏A 67890", "CN-32", 32.0603, 118.7969, 0.0, 1.0, 1),
    SUZHOU: ("苏E55555", "CN-32", 31.2989, 120.5853, 0.0, 0.0, 60),
    FIJI: ("LR 001", "FJ", -17.7134, 178.065, 40.0, 1.0, 30),
}


@pytest.fixture(scope="module")
def world(migrated: Migrated) -> Migrated:
    for vin, (plate, region, latitude, longitude, speed, running, minutes) in WORLD.items():
        register_vehicle(migrated.connection, vin, model="J6P 6×4" if vin == SHANGHAI else "JH6")
        record(
            migrated,
            vin,
            pd.DataFrame(
                {
                    "latitude": [latitude],
                    "longitude": [longitude],
                    "wheel_speed": [speed],
                    "engine_running": [running],
                },
                index=pd.DatetimeIndex([now() - timedelta(minutes=minutes)]),
            ),
        )
        set_vehicle_home(migrated.connection, vin, plate=plate, region=region)
    register_vehicle(migrated.connection, MUTE)
    return migrated


@pytest.fixture(scope="module")
def client(world: Migrated) -> Iterator[httpx2.Client]:
    with served_as(world) as client:
        yield client


def found(client: httpx2.Client, **params: Any) -> list[str]:
    answer = client.get("/v1/vehicles", params=params)
    assert answer.status_code == 200, answer.text
    return [vehicle["vin"] for vehicle in answer.json()["vehicles"]]


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"vin": "000002"}, [NANJING]),
        ({"vin": "a000003"}, [SUZHOU]),
        ({"vin": "ZZZ"}, []),
        ({"plate": "沪a12345"}, [SHANGHAI]),  # written with a dot in the register
        ({"plate": "苏"}, [NANJING, SUZHOU]),
        ({"plate": "%"}, []),  # no pattern, a text
        ({"model": "j6p"}, [SHANGHAI]),
        ({"region": "CN-32"}, [NANJING, SUZHOU]),
        ({"region": "CN"}, [SHANGHAI, NANJING, SUZHOU]),
        ({"state": "moving"}, [SHANGHAI]),
        ({"state": "idling"}, [NANJING]),
        ({"state": "parked"}, [SUZHOU]),  # parked for an hour is not silent
        ({"state": "silent"}, [FIJI, MUTE]),  # moved, and not heard of for half an hour
        ({"state": "moving, parked"}, [SHANGHAI, SUZHOU]),
        ({"state": "parked", "region": "CN-31"}, []),
    ],
)
def test_vehicles_are_found_by_register_and_state(
    client: httpx2.Client, params: dict[str, str], expected: list[str]
) -> None:
    assert found(client, **params) == expected


def test_the_state_that_finds_a_vehicle_is_the_one_it_is_told_with(client: httpx2.Client) -> None:
    vehicles = client.get("/v1/vehicles").json()["vehicles"]
    for vehicle in vehicles:
        assert vehicle["vin"] in found(client, state=vehicle["activity"])
    assert {vehicle["activity"] for vehicle in vehicles} == {"moving", "idling", "parked", "silent"}


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ("120,31,122,32", [SHANGHAI, SUZHOU]),
        ("118,30,122,33", [SHANGHAI, NANJING, SUZHOU]),
        ("0,0,1,1", []),
        ("177,-20,-177,-10", [FIJI]),  # over the 180th meridian
        ("-177,-90,177,90", [SHANGHAI, NANJING, SUZHOU]),
    ],
)
def test_a_box_holds_those_that_were_last_in_it(
    client: httpx2.Client, box: str, expected: list[str]
) -> None:
    assert found(client, box=box) == expected


def test_the_nearest_come_first_with_their_distance(client: httpx2.Client) -> None:
    answer = client.get("/v1/vehicles", params={"near": "31.2304,121.4737"}).json()["vehicles"]
    assert [vehicle["vin"] for vehicle in answer] == [SHANGHAI, SUZHOU, NANJING, FIJI]
    distances = [vehicle["distance_m"] for vehicle in answer]
    assert distances[0] == 0
    # Shanghai to Suzhou and to Nanjing, by the haversine formula worked out elsewhere.
    assert distances[1] == pytest.approx(84_800, rel=0.01)
    assert distances[2] == pytest.approx(269_500, rel=0.01)


def test_a_radius_ends_the_list(client: httpx2.Client) -> None:
    assert found(client, near="31.2304,121.4737", radius=100_000) == [SHANGHAI, SUZHOU]
    assert found(client, near="31.2304,121.4737", limit=1) == [SHANGHAI]


@pytest.mark.parametrize("limit", [1, 2, 3, 500])
@pytest.mark.parametrize(
    "params", [{"near": "31.2304,121.4737"}, {"region": "CN"}, {"state": "silent"}]
)
def test_pages_of_a_search_hold_each_vehicle_once(
    client: httpx2.Client, params: dict[str, Any], limit: int
) -> None:
    answers = every_page(client, "/v1/vehicles", {**params, "limit": limit})
    vins = [vehicle["vin"] for answer in answers for vehicle in answer["vehicles"]]
    assert vins == found(client, **params)


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"box": "1,2,3"}, "box"),
        ({"box": "1,2,3,x"}, "box"),
        ({"box": "0,10,1,5"}, "box"),
        ({"box": "nan,0,1,1"}, "box"),
        ({"near": "91,0"}, "near"),
        ({"near": "1;2"}, "near"),
        ({"near": "inf,0"}, "near"),
        ({"radius": "5"}, "radius"),
        ({"near": "1,2", "radius": "-5"}, "radius"),
        ({"state": "flying"}, "state"),
        ({"region": "Shanghai"}, "region"),
        ({"vin": "'; DROP TABLE vehicle"}, "vin"),
        ({"plate": "a\x00"}, "plate"),
        ({"near": "1,2", "cursor": "dkxTR0FBMTExMTJBMDAwMDAx"}, "cursor"),  # of a listing by VIN
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_cannot_be_used_is_refused_with_a_way_out(
    client: httpx2.Client, params: dict[str, str], field: str
) -> None:
    answer = client.get("/v1/vehicles", params=params)
    assert answer.status_code == 422
    (fault,) = answer.json()["faults"]
    assert fault["field"] == field
    assert fault["way_out"]


def test_a_fleet_finds_its_vehicles_for_those_who_may_see_it(world: Migrated) -> None:
    owner = ensure_party(world.connection, "Haulier", "owner")
    fleet = ensure_fleet(world.connection, party_id=owner, name="East")
    for vin in (SHANGHAI, SUZHOU):
        add_to_fleet(world.connection, fleet_id=fleet, vin=vin)
    grant_access(world.connection, party_id=owner, vin=SHANGHAI, purpose="ownership")
    with served_as(world, "Haulier", "owner") as client:
        assert found(client, fleet=fleet) == [SHANGHAI]  # the other one is no longer his to see
    with served_as(world) as client:
        assert found(client, fleet=fleet) == [SHANGHAI, SUZHOU]
    with served_as(world, "Somebody else", "owner") as client:
        foreign = client.get("/v1/vehicles", params={"fleet": fleet})
        unknown = client.get("/v1/vehicles", params={"fleet": 10**9})
        no_number = client.get("/v1/vehicles", params={"fleet": "East"})
        assert foreign.status_code == 404
        assert foreign.content == unknown.content == no_number.content


def test_who_sold_a_vehicle_is_known_to_maker_owner_and_dealer(world: Migrated) -> None:
    dealer = ensure_party(world.connection, "Trucks & Co", "dealer")
    grant_access(world.connection, party_id=dealer, vin=NANJING, purpose="sale")
    owner = ensure_party(world.connection, "Owner of Nanjing", "owner")
    grant_access(world.connection, party_id=owner, vin=NANJING, purpose="ownership")
    workshop = ensure_party(world.connection, "Workshop of Nanjing", "service_provider")
    grant_access(world.connection, party_id=workshop, vin=NANJING, purpose="service")
    for name, kind, expected in (
        ("Demo", "maker", [NANJING]),
        ("Trucks & Co", "dealer", [NANJING]),
        ("Owner of Nanjing", "owner", [NANJING]),
        ("Workshop of Nanjing", "service_provider", []),
    ):
        with served_as(world, name, kind) as client:
            assert found(client, dealer="Trucks & Co") == expected, name
            assert NANJING in found(client)


def test_a_search_finds_only_what_a_grant_opens_now(world: Migrated) -> None:
    party = ensure_party(world.connection, "Searcher", "service_provider")
    before = (now() - timedelta(days=9), now() - timedelta(days=8))
    grant_access(world.connection, party_id=party, vin=SHANGHAI, purpose="service")
    # Opened, but not the time of its latest position.
    grant_access(world.connection, party_id=party, vin=SUZHOU, purpose="service", data=before)
    grant_access(world.connection, party_id=party, vin=NANJING, purpose="service", valid=before)
    with served_as(world, "Searcher", "service_provider") as client:
        assert found(client) == [SHANGHAI, SUZHOU]
        # Plates are those of today, which is not open of Suzhou's vehicle.
        assert found(client, plate="苏") == []
        assert found(client, box="-180,-90,180,90") == [SHANGHAI]
        assert found(client, near="31.2989,120.5853") == [SHANGHAI]
        assert found(client, state="parked") == []
        assert (found(client, state="silent"), found(client, state="past")) == ([], [SUZHOU])
