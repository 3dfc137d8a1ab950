"""The register of vehicles over HTTP: the maker keeps it, others read what they may."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from schemas.vin import check_digit_ok
from storage.registers import grant_access
from tests.worlds.registers_world import PATH, Registers, registers_world, vin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.database_fixture import Migrated

VEHICLES = f"{PATH}/vehicles"


@pytest.fixture(scope="module")
def world(migrated: Migrated, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registers]:
    with registers_world(migrated, tmp_path_factory.mktemp("home")) as made:
        yield made


def test_the_maker_registers_reads_and_changes_a_vehicle(world: Registers) -> None:
    maker = world.as_("Maker")
    new = {"vin": vin(900), "model": "GTL", "plate": "沪A12345", "region": "CN-31"}
    made = maker.post(VEHICLES, json=new)
    assert made.status_code == 201, made.text
    assert made.headers["Location"] == f"{VEHICLES}/{vin(900)}"
    assert made.json()["vehicle_class"] == "heavy_truck"
    assert made.json()["check_digit_ok"] is check_digit_ok(vin(900))
    changed = maker.patch(f"{VEHICLES}/{vin(900)}", json={"plate": None, "vehicle_class": "bus"})
    assert changed.status_code == 200, changed.text
    told = maker.get(f"{VEHICLES}/{vin(900)}").json()
    assert told == changed.json()
    assert told == {**made.json(), "plate": None, "vehicle_class": "bus"}


def test_a_vehicle_is_registered_once(world: Registers) -> None:
    maker = world.as_("Maker")
    assert maker.post(VEHICLES, json={"vin": vin(901)}).status_code == 201
    again = maker.post(VEHICLES, json={"vin": vin(901), "model": "other"})
    assert (again.status_code, again.json()["code"]) == (409, "already_there")
    assert again.json()["faults"][0]["field"] == "vin"
    assert maker.get(f"{VEHICLES}/{vin(901)}").json()["model"] is None


@pytest.mark.parametrize(
    ("entry", "field"),
    [
        ({"vin": "lsgaa11112a000902"}, "vin"),
        ({"vin": vin(902), "region": "Shanghai"}, "region"),
        ({"vin": vin(902), "vehicle_class": "lorry"}, "vehicle_class"),
        ({"vin": vin(902), "model": "=cmd|' /C calc'!A0"}, "model"),
        ({"vin": vin(902), "plate": "A\x00B"}, "plate"),
        ({"vin": vin(902), "plate": "x" * 101}, "plate"),
        ({"vin": vin(902), "owner": "North"}, "owner"),
        ({}, "vin"),
    ],
)
def test_what_cannot_be_written_down_is_refused_by_its_field(
    world: Registers, entry: dict[str, str], field: str
) -> None:
    answer = world.as_("Maker").post(VEHICLES, json=entry)
    assert answer.status_code == 422
    assert answer.json()["faults"][0]["field"] == field


@pytest.mark.parametrize("party", ["North", "Dealer", "Workshop"])
def test_others_than_the_maker_change_no_vehicle(world: Registers, party: str) -> None:
    owned = world.vehicle("North")
    for name, purpose in (("Dealer", "sale"), ("Workshop", "service")):
        grant_access(
            world.database.connection, party_id=world.parties[name], vin=owned, purpose=purpose
        )
    client = world.as_(party)
    assert client.get(f"{VEHICLES}/{owned}").status_code == 200
    for answer in (
        client.post(VEHICLES, json={"vin": vin(903)}),
        client.patch(f"{VEHICLES}/{owned}", json={"plate": "mine"}),
        client.post(f"{VEHICLES}/import", content=b"vin\n", headers={"Content-Type": "text/csv"}),
    ):
        assert answer.status_code == 403, answer.text
        assert answer.json()["code"] == ("not_yours" if party == "North" else "missing_scope")
    assert world.scalar("SELECT count(*) FROM vehicle WHERE vin = %s", vin(903)) == 0


def test_a_foreign_vehicle_answers_as_one_that_does_not_exist(world: Registers) -> None:
    foreign = world.vehicle("South")
    north = world.as_("North")
    for method, path, body in (
        ("GET", "", None),
        ("PATCH", "", {"plate": "x"}),
        ("POST", "/sale", {"buyer": "South"}),
    ):
        unknown = north.request(method, f"{VEHICLES}/{vin(999)}{path}", json=body)
        answer = north.request(method, f"{VEHICLES}/{foreign}{path}", json=body)
        assert (answer.status_code, answer.content) == (404, unknown.content), method
    listed = north.get(VEHICLES, params={"limit": 500}).json()["vehicles"]
    assert foreign not in [vehicle["vin"] for vehicle in listed]


def test_the_owner_is_told_to_the_maker_and_the_owner_alone(world: Registers) -> None:
    owned = world.vehicle("North")
    grant_access(
        world.database.connection, party_id=world.parties["Dealer"], vin=owned, purpose="sale"
    )
    told = {
        party: world.as_(party).get(f"{VEHICLES}/{owned}").json()["owner"]
        for party in ("Maker", "North", "Dealer")
    }
    assert told == {"Maker": "North", "North": "North", "Dealer": None}


def test_the_register_comes_in_pages(world: Registers) -> None:
    for _ in range(3):
        world.vehicle("South")
    south = world.as_("South")
    whole = south.get(VEHICLES).json()["vehicles"]
    found, address = [], f"{VEHICLES}?limit=2"
    while address:
        page = south.get(address).json()
        assert len(page["vehicles"]) <= 2
        found += page["vehicles"]
        address = page["next"]
    assert found == whole
    assert len(found) >= 3


def test_a_change_depends_on_the_tag_that_is_sent(world: Registers) -> None:
    one = world.vehicle()
    maker = world.as_("Maker")
    tag = maker.get(f"{VEHICLES}/{one}").headers["ETag"]
    assert not tag.startswith("W/")
    held = maker.get(f"{VEHICLES}/{one}", headers={"If-None-Match": tag})
    assert held.status_code == 304
    first = maker.patch(f"{VEHICLES}/{one}", json={"plate": "A"}, headers={"If-Match": tag})
    assert first.status_code == 200
    stale = maker.patch(f"{VEHICLES}/{one}", json={"plate": "B"}, headers={"If-Match": tag})
    assert (stale.status_code, stale.json()["code"]) == (412, "changed_meanwhile")
    for fits in (f'"other", {first.headers["ETag"]}', "*"):
        changed = maker.patch(f"{VEHICLES}/{one}", json={"plate": "C"}, headers={"If-Match": fits})
        assert changed.status_code == 200
    for never in (f"W/{changed.headers['ETag']}", "nonsense"):
        weak = maker.patch(f"{VEHICLES}/{one}", json={"plate": "D"}, headers={"If-Match": never})
        assert weak.status_code == 412
    assert maker.get(f"{VEHICLES}/{one}").json()["plate"] == "C"


def test_another_class_lets_the_days_be_analysed_again(world: Registers) -> None:
    one = world.vehicle()
    number = world.scalar("SELECT vehicle_id FROM vehicle WHERE vin = %s", one)
    world.database.connection.execute(
        "INSERT INTO touched_day (vehicle_id, day, analysed_by) VALUES (%s, '2026-11-01', 5)",
        (number,),
    )
    maker = world.as_("Maker")
    maker.patch(f"{VEHICLES}/{one}", json={"plate": "A"})
    asked = "SELECT analysed_by FROM touched_day WHERE vehicle_id = %s"
    assert world.scalar(asked, number) == 5
    maker.patch(f"{VEHICLES}/{one}", json={"vehicle_class": "car"})
    assert world.scalar(asked, number) == 0


def test_parties_are_made_by_the_maker_and_known_as_far_as_one_needs_them(
    world: Registers,
) -> None:
    maker, north = world.as_("Maker"), world.as_("North")
    made = maker.post(f"{PATH}/parties", json={"kind": "owner", "name": " West Haulage "})
    assert (made.status_code, made.json()["name"]) == (201, "West Haulage")
    again = maker.post(f"{PATH}/parties", json={"kind": "dealer", "name": "West Haulage"})
    assert (again.status_code, again.json()["code"]) == (409, "already_there")
    research = maker.post(f"{PATH}/parties", json={"kind": "data_science", "name": "Institute"})
    assert (research.status_code, research.json()["kind"]) == (201, "data_science")
    for kind in ("maker", "auditor"):
        refused = maker.post(f"{PATH}/parties", json={"kind": kind, "name": "Other"})
        assert refused.status_code == 422
    refused = north.post(f"{PATH}/parties", json={"kind": "owner", "name": "Other"})
    assert (refused.status_code, refused.json()["code"]) == (403, "not_yours")
    names = {party["name"] for party in north.get(f"{PATH}/parties").json()["parties"]}
    assert names == {"North", "Dealer", "Workshop", "Garage", "Lab", "Institute"}
    assert {"South", "West Haulage"} <= {
        party["name"] for party in maker.get(f"{PATH}/parties?kind=owner").json()["parties"]
    }
