"""What parties write down by the client is what the API and the client tell of it afterwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from storage.registers import grant_access
from storage.service import ServicePoint, put_points
from telemetry_client import Client, ConflictError, InvalidRequestError, NotFoundError, queries
from tests.asking.api_fixture import drive, record
from tests.asking.client_fixture import EVERY_KIND, opened
from tests.samples.behaviour_samples import store
from tests.worlds.registers_world import Registers, registers_world, vin
from tests.worlds.webhook_world import LOCAL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.servers.database_fixture import Migrated

DAY = datetime(2026, 10, 20, tzinfo=UTC)
LATER = datetime(2090, 1, 1, tzinfo=UTC)
DRIVEN = [vin(900 + number) for number in range(5)]


@pytest.fixture(scope="module")
def world(migrated: Migrated, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registers]:
    with registers_world(migrated, tmp_path_factory.mktemp("registers"), **LOCAL) as made:
        for number, truck in enumerate(DRIVEN):
            row = record(migrated, truck, drive("2026-10-20T01:00:00", 300, seed=number))
            owner = made.parties["North"]
            grant_access(migrated.connection, party_id=owner, vin=truck, purpose="ownership")
            start = DAY + timedelta(hours=1)
            store(
                migrated.connection,
                row.vehicle_id,
                (DAY, DAY + timedelta(days=1)),
                (start, 5, "CHN1"),
                braked=[(start + timedelta(seconds=41), "CHN1")],
            )
        yield made


@pytest.fixture(scope="module")
def clients(world: Registers) -> Iterator[Callable[[str], Client]]:
    """The client that asks with a party's key."""
    made: dict[str, Client] = {}

    def of(party: str) -> Client:
        if party not in made:
            made[party] = Client(world.url, api_key=world.keys[party])
        return made[party]

    yield of
    for one in made.values():
        one.close()


Of = Any


def test_a_vehicle_is_entered_corrected_listed_and_sold(world: Registers, clients: Of) -> None:
    maker, owner = clients("Maker"), clients("North")
    made = maker.register_vehicle(vin(1), model="J7", plate="A1", vehicle_class="bus")
    assert (made.vin, made.model, made.vehicle_class) == (vin(1), "J7", "bus")
    corrected = maker.correct_vehicle(vin(1), plate=None)
    assert (corrected.plate, corrected.model) == (None, "J7")  # None takes out; the rest stays
    assert maker.registered_vehicle(vin(1)) == corrected
    with pytest.raises(ConflictError):
        maker.register_vehicle(vin(1), model="J6")
    sold = maker.sell_vehicle(vin(1), "North")
    assert (sold.buyer, sold.ended_grants) == ("North", 0)
    assert maker.registered_vehicles().loc[vin(1), "model"] == "J7"
    assert vin(1) in owner.registered_vehicles().index
    found = owner.grants(vin=vin(1), purpose="ownership", holds=True)
    assert found["party"].tolist() == ["North"]
    assert world.as_("Maker").get(f"/v1/registers/vehicles/{vin(1)}").json()["owner"] == "North"


def test_a_change_is_refused_where_another_came_first(clients: Of) -> None:
    maker = clients("Maker")
    made = maker.register_vehicle(vin(3), plate="A3")
    assert made.etag is not None
    assert maker.registered_vehicle(vin(3)).etag == made.etag
    changed = maker.correct_vehicle(vin(3), plate="B3", if_match=made.etag)
    assert changed.etag not in {None, made.etag}
    with pytest.raises(ConflictError) as refused:
        maker.correct_vehicle(vin(3), plate="C3", if_match=made.etag)
    assert (refused.value.status, refused.value.code) == (412, "changed_meanwhile")
    assert maker.registered_vehicle(vin(3)) == changed
    maker.correct_vehicle(vin(3), plate="C3")  # whatever it has become
    assert "etag" not in maker.registered_vehicles().columns

    owner = clients("North")
    fleet = owner.make_fleet("Under conditions")
    owner.change_fleet(fleet.fleet_id, name="Changed once", if_match=fleet.etag)
    with pytest.raises(ConflictError):
        owner.change_fleet(fleet.fleet_id, name="Changed twice", if_match=fleet.etag)
    driver = owner.employ_driver("CHN0000000000333", name="Wu")
    owner.change_employment(driver.driver_id, name="Wu Li", if_match=driver.etag)
    with pytest.raises(ConflictError):
        owner.change_employment(driver.driver_id, name="Li", if_match=driver.etag)


def test_a_list_of_vehicles_is_reported_line_by_line(clients: Of) -> None:
    maker = clients("Maker")
    good, bad = f"vin,model\n{vin(2)},J7\n", f"vin,model\n{vin(2)},J7\nNO-VIN,J7\n"
    tried = maker.import_vehicles(good, dry_run=True)
    assert (tried.is_written, tried.registered) == (False, 1)
    with pytest.raises(InvalidRequestError) as refused:
        maker.import_vehicles(bad.encode())
    assert [fault["line"] for fault in refused.value.more["report"]["faults"]] == [3]
    with pytest.raises(NotFoundError):
        maker.registered_vehicle(vin(2))
    written = maker.import_vehicles(bad, partial=True)
    assert (written.registered, [fault.line for fault in written.faults]) == (1, [3])
    assert maker.registered_vehicle(vin(2)).model == "J7"


def test_parties_drivers_and_fleets_are_entered_and_listed(clients: Of) -> None:
    maker, owner = clients("Maker"), clients("North")
    party = maker.register_party("dealer", "A new dealer")
    assert maker.parties(kind="dealer").loc[party.party_id, "name"] == "A new dealer"
    driver = owner.employ_driver("CHN77", name="Wu Lei", employed_until=LATER)
    assert driver.employed_until == LATER
    changed = owner.change_employment(driver.driver_id, name="Wu", employed_until=None)
    assert (changed.name, changed.employed_until) == ("Wu", None)
    assert owner.employed_driver(driver.driver_id) == changed
    assert owner.employed_drivers().loc[driver.driver_id, "card_id"] == "CHN77"
    fleet = owner.make_fleet("Long haul")
    number = fleet.fleet_id
    assert owner.change_fleet(number, time_zone="Asia/Urumqi").name == "Long haul"
    assert owner.add_to_fleet(number, DRIVEN[0]).member_until is None
    assert owner.registered_fleet(number).vehicles == 1
    assert owner.fleet_vehicles(number).index.tolist() == [DRIVEN[0]]
    assert owner.remove_from_fleet(number, DRIVEN[0]).ended == 1
    with pytest.raises(NotFoundError):
        clients("South").registered_fleet(number)


def test_a_grant_opens_a_vehicle_until_it_is_ended(clients: Of) -> None:
    owner, workshop = clients("North"), clients("Workshop")
    truck = DRIVEN[1]
    made = owner.give_grant(vin=truck, party="Workshop", purpose="service", valid_until=LATER)
    assert (made.holds, made.valid_until) == (True, LATER)
    assert workshop.state(truck).vin == truck
    assert owner.grant(made.grant_id) == made
    ended = owner.end_grant(made.grant_id)
    assert (ended.holds, owner.end_grant(made.grant_id)) == (False, ended)
    with pytest.raises(NotFoundError):
        workshop.state(truck)


def test_a_data_set_is_defined_read_and_ended(world: Registers, clients: Of) -> None:
    owner, lab = clients("North"), clients("Lab")
    made = owner.define_dataset(
        name="Autumn",
        purpose="wear of brakes",
        party="Lab",
        valid_until=LATER,
        data_from=DAY,
        data_until=DAY + timedelta(days=1),
        vins=DRIVEN,
        signals=["wheel_speed", "odometer"],
        resolution_s=60,
        trips=True,
        events=True,
    )
    number = made.dataset_id
    assert owner.change_dataset(number, name="Brakes").name == "Brakes"
    assert lab.datasets().loc[number, "signals"] == ["wheel_speed", "odometer"]
    whole = lab.dataset(number)
    assert whole.counts is not None
    assert (whole.counts.vehicles, whole.state) == (5, "open")
    assert [one.name for one in whole.catalogue] == ["wheel_speed", "odometer"]

    http = world.as_("Lab")
    trucks = lab.dataset_vehicles(number)
    told = http.get(f"/v1/datasets/{number}/vehicles").json()["vehicles"]
    assert trucks.index.tolist() == [one["vehicle"] for one in told]
    assert trucks["signals"].tolist() == [one["signals"] for one in told]
    one = trucks.index[0]
    signals = lab.dataset_signals(number, "wheel_speed", vehicles=[one])
    (told,) = http.get(
        f"/v1/datasets/{number}/signals", params={"names": "wheel_speed", "vehicles": one}
    ).json()["vehicles"]
    assert signals["wheel_speed"].tolist() == pytest.approx(told["signals"][0]["values"])
    assert signals.index.tolist() == [pd.Timestamp(time) for time in told["time"]]
    assert (set(signals["vehicle"]), signals.attrs["units"]["wheel_speed"]) == ({one}, "km/h")
    pages = list(lab.pages(queries.dataset_signals(number, "odometer"), rows=7))
    assert sum(map(len, pages)) == len(lab.dataset_signals(number, "odometer")) > 7
    for frame, key in (
        (lab.dataset_trips(number), "trips"),
        (lab.dataset_events(number), "events"),
    ):
        rows = http.get(f"/v1/datasets/{number}/{key}").json()[key]
        assert frame.index.tolist() == [pd.Timestamp(row["start"]) for row in rows]
        assert frame["vehicle"].tolist() == [row["vehicle"] for row in rows]
        assert len(rows) >= len(DRIVEN)
    assert lab.dataset_events(number, kind="idling").empty

    owner.end_dataset(number)
    with pytest.raises(NotFoundError):
        lab.dataset_trips(number)


@EVERY_KIND
def test_a_webhook_is_made_changed_tried_and_deleted(world: Registers, kind: str) -> None:
    with opened(kind, world.url, api_key=world.keys["North"]) as owner:
        made = owner.create_webhook(
            name=f"Dispatch {kind}", url="https://127.0.0.1:9/hook", kinds=["advice.*"], vins=DRIVEN
        )
        number = made.webhook_id
        assert made.secret not in repr(made)
        assert owner.webhooks().loc[number, "vins"] == DRIVEN
        changed = owner.change_webhook(number, vins=None, enabled=False)
        assert (changed.vins, changed.enabled, changed.kinds) == (None, False, ["advice.*"])
        assert owner.change_webhook(number, enabled=True).enabled
        renewed = owner.new_webhook_secret(number)
        assert renewed.secret not in {made.secret, repr(renewed)}
        sent = owner.test_webhook(number)
        assert owner.webhook_deliveries(number).loc[sent.delivery_id, "type"] == sent.type
        assert owner.webhook(number).name == f"Dispatch {kind}"
        owner.delete_webhook(number)
        with pytest.raises(NotFoundError):
            owner.redeliver(number, sent.delivery_id)


def test_service_points_come_by_distance(world: Registers, clients: Of) -> None:
    assert world.database.connection
    put_points(
        world.database.connection,
        [
            ServicePoint(
                code=f"P-{number}",
                party="Workshop",
                kind="service_provider",
                name=f"Place {number}",
                latitude=31.0 + number,
                longitude=121.0,
                address=None,
                phone=None,
                opening_hours=None,
                services=("brakes",) if number else ("tyres",),
            )
            for number in range(3)
        ],
    )
    owner = clients("North")
    near = owner.service_points(near=(33.1, 121.0), radius_km=500)
    assert near["name"].tolist() == ["Place 2", "Place 1", "Place 0"]
    assert near["distance_m"].is_monotonic_increasing
    assert owner.service_points(service="tyres")["services"].tolist() == [["tyres"]]
    nearest = owner.nearest_service_points(DRIVEN[0], limit=1)
    assert set(nearest.columns) == {*near.columns, "vin"}


def test_what_is_wrong_with_a_write_is_said_by_its_field(clients: Of) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        clients("North").make_fleet("Nowhere", time_zone="Asia/Nowhere")
    assert [fault.field for fault in refused.value.faults] == ["time_zone"]


def test_erasures_are_listed_though_there_were_none(clients: Of) -> None:
    frame = clients("Maker").erasures()
    assert (frame.empty, frame.index.name) == (True, "began_at")
