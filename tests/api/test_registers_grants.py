"""Grants, sales, fleets and drivers: nobody gives more than he has; what ends is felt at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from storage import erasure
from storage.registers import employ_driver, grant_access
from tests.asking.api_fixture import drive, record
from tests.samples.behaviour_samples import store
from tests.worlds.registers_world import PATH, Registers, registers_world, vin

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

    from tests.servers.database_fixture import Migrated

VEHICLES, GRANTS, FLEETS, DRIVERS = (
    f"{PATH}/{name}" for name in ("vehicles", "grants", "fleets", "drivers")
)
DAY = datetime(2026, 10, 20, tzinfo=UTC)
LATER = "2090-01-01T00:00:00Z"
SPAN = {"start": "2026-10-19T00:00:00Z", "end": "2026-10-22T00:00:00Z"}
NOW = datetime.now(tz=UTC)


@pytest.fixture(scope="module")
def world(migrated: Migrated, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registers]:
    with registers_world(migrated, tmp_path_factory.mktemp("home")) as made:
        yield made


def granted(
    client: httpx2.Client, one: str, party: str = "Workshop", **more: Any
) -> httpx2.Response:
    entry = {"vin": one, "party": party, "purpose": "service", "valid_until": LATER, **more}
    return client.post(GRANTS, json=entry)


def sees(client: httpx2.Client, one: str) -> bool:
    return client.get(f"/v1/vehicles/{one}/state").status_code == 200


def test_an_owner_lets_a_provider_see_a_vehicle_and_ends_it_at_once(world: Registers) -> None:
    one = world.vehicle("North")
    north, workshop = world.as_("North"), world.as_("Workshop")
    assert not sees(workshop, one)
    made = granted(north, one)
    assert made.status_code == 201, made.text
    assert made.json()["granted_by"] == "North"
    assert sees(workshop, one)
    listed = workshop.get(GRANTS, params={"vin": one}).json()["grants"]
    assert [(grant["holds"], grant["may_end"]) for grant in listed] == [(True, False)]
    address = made.headers["Location"]
    refused = world.as_("Garage").delete(address)
    assert refused.status_code == 403  # a provider may not write registers at all
    ended = north.delete(address)
    assert (ended.status_code, ended.json()["holds"]) == (200, False)
    assert not sees(workshop, one)
    again = north.delete(address)
    assert again.json() == ended.json()
    assert north.get(GRANTS, params={"vin": one, "holds": True}).json()["grants"] == [
        grant
        for grant in north.get(GRANTS, params={"vin": one}).json()["grants"]
        if grant["purpose"] == "ownership"
    ]


def many(client: httpx2.Client, **more: Any) -> httpx2.Response:
    entry = {"party": "Workshop", "purpose": "service", "valid_until": LATER, **more}
    return client.post(f"{GRANTS}/many", json=entry)


def test_vehicles_are_shown_in_one_go_as_one_by_one(world: Registers) -> None:
    vins = sorted(world.vehicle("North") for _ in range(3))
    north, workshop = world.as_("North"), world.as_("Workshop")
    made = many(north, vins=[*reversed(vins), vins[0]])
    assert made.status_code == 201, made.text
    grants = made.json()["grants"]
    assert [grant["vin"] for grant in grants] == vins
    assert all(sees(workshop, one) for one in vins)
    one = granted(north, world.vehicle("North")).json()
    for grant in grants:
        told = north.get(f"{GRANTS}/{grant['grant_id']}").json()
        alike = {"valid_until", "party", "purpose", "granted_by", "holds", "may_end"}
        assert {name: told[name] for name in alike} == {name: one[name] for name in alike}
    north.delete(f"{GRANTS}/{grants[0]['grant_id']}")
    assert [sees(workshop, each) for each in vins] == [False, True, True]


def test_a_fleet_is_shown_as_it_is_now(world: Registers) -> None:
    vins = sorted(world.vehicle("North") for _ in range(3))
    north, workshop = world.as_("North"), world.as_("Workshop")
    fleet = north.post(FLEETS, json={"name": "Shown", "time_zone": "UTC"}).json()["fleet_id"]
    empty = many(north, fleet_id=fleet)
    assert (empty.status_code, empty.json()["faults"][0]["field"]) == (422, "fleet_id")
    for one in vins:
        assert north.put(f"{FLEETS}/{fleet}/vehicles/{one}", json={}).status_code == 200
    north.delete(f"{FLEETS}/{fleet}/vehicles/{vins[0]}")
    made = many(north, fleet_id=fleet)
    assert [grant["vin"] for grant in made.json()["grants"]] == vins[1:]
    assert [sees(workshop, each) for each in vins] == [False, True, True]
    unknown, foreign = many(north, fleet_id=999_999), many(world.as_("South"), fleet_id=fleet)
    assert (foreign.status_code, foreign.content) == (404, unknown.content)


def test_what_stands_against_one_is_answered_for_all_and_names_it(world: Registers) -> None:
    own, seen, foreign = world.vehicle("North"), world.vehicle("South"), world.vehicle("South")
    grant_access(
        world.database.connection, party_id=world.parties["North"], vin=seen, purpose="service"
    )
    north, workshop = world.as_("North"), world.as_("Workshop")
    unknown = many(north, vins=[own, vin(998)])
    hidden = many(north, vins=[own, foreign])
    assert (hidden.status_code, hidden.content) == (404, unknown.content)
    refused = many(north, vins=[own, seen])
    assert (refused.status_code, refused.json()["code"]) == (403, "not_yours")
    assert seen in refused.json()["detail"]
    for entry, field in (
        ({}, "vins"),
        ({"vins": [own], "fleet_id": 1}, "vins"),
        ({"vins": []}, "vins"),
        ({"vins": [own], "party": "Nobody"}, "party"),
        ({"vins": [own], "valid_until": "2026-01-01T00:00:00Z"}, "valid_until"),
    ):
        answer = many(north, **entry)
        assert answer.status_code == 422, entry
        assert [fault["field"] for fault in answer.json()["faults"]] == [field]
    assert not sees(workshop, own)


def test_nobody_grants_a_foreign_vehicle(world: Registers) -> None:
    foreign = world.vehicle("South")
    north = world.as_("North")
    unknown, answer = granted(north, vin(998)), granted(north, foreign)
    assert (answer.status_code, answer.content) == (404, unknown.content)
    of_south = granted(world.as_("South"), foreign)
    for method in ("GET", "DELETE"):
        there = north.request(method, of_south.headers["Location"])
        never = north.request(method, f"{GRANTS}/999999")
        assert (there.status_code, there.content) == (404, never.content)
    assert sees(world.as_("Workshop"), foreign)


def test_who_may_see_a_vehicle_without_owning_it_grants_nothing(world: Registers) -> None:
    one = world.vehicle("South")
    grant_access(
        world.database.connection, party_id=world.parties["North"], vin=one, purpose="service"
    )
    answer = granted(world.as_("North"), one)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_yours")


@pytest.mark.parametrize(
    ("party", "entry", "status", "field"),
    [
        ("North", {"party": "Nobody"}, 422, "party"),
        ("North", {"party": "South"}, 422, "party"),
        ("North", {"party": "Lab"}, 422, "party"),
        ("North", {"purpose": "ownership"}, 422, "purpose"),
        ("North", {"valid_until": "2026-01-01T00:00:00Z"}, 422, "valid_until"),
        ("North", {"valid_until": None}, 422, "valid_until"),
        ("North", {"data_from": "2026-11-02T00:00:00Z", "data_until": "2026-11-01T00:00:00Z"},
         422, "data_until"),
        ("North", {"purpose": "sale", "party": "Dealer"}, 403, None),
        ("Maker", {}, 403, None),
        ("Maker", {"purpose": "sale", "party": "Workshop"}, 422, "party"),
    ],
)  # fmt: skip
def test_grants_that_cannot_be_are_refused(
    world: Registers, party: str, entry: dict[str, Any], status: int, field: str | None
) -> None:
    one = world.vehicle("North")
    answer = granted(world.as_(party), one, **entry)
    assert answer.status_code == status, answer.text
    if field is not None:
        assert answer.json()["faults"][0]["field"] == field
    assert world.scalar("SELECT count(*) FROM vehicle_access JOIN vehicle USING (vehicle_id)"
                        " WHERE vin = %s", one) == 1  # fmt: skip


def test_nobody_grants_data_from_before_the_vehicle_was_his(world: Registers) -> None:
    one = world.vehicle()
    grant_access(
        world.database.connection, party_id=world.parties["North"], vin=one, purpose="ownership",
        data=(DAY, None),
    )  # fmt: skip
    north = world.as_("North")
    refused = granted(north, one, data_from="2026-10-19T00:00:00Z")
    assert (refused.status_code, refused.json()["faults"][0]["field"]) == (422, "data_from")
    assert granted(north, one).json()["data_from"] == "2026-10-20T00:00:00Z"
    later = granted(north, one, data_from="2026-10-21T00:00:00Z")
    assert later.json()["data_from"] == "2026-10-21T00:00:00Z"


def test_a_grant_that_begins_later_opens_nothing_yet_and_may_be_taken_back(
    world: Registers,
) -> None:
    one = world.vehicle("North")
    north, workshop = world.as_("North"), world.as_("Workshop")
    made = granted(north, one, valid_from="2089-01-01T00:00:00Z")
    assert made.json()["holds"] is False
    assert not sees(workshop, one)
    assert north.delete(made.headers["Location"]).json()["ended_at"] is not None
    assert world.scalar(
        "SELECT upper(valid) <= now() FROM vehicle_access WHERE access_id = %s",
        made.json()["grant_id"],
    )


def test_the_maker_assigns_a_dealer_for_a_time(world: Registers) -> None:
    one = world.vehicle("North")
    maker, dealer = world.as_("Maker"), world.as_("Dealer")
    made = granted(maker, one, "Dealer", purpose="sale")
    assert made.status_code == 201, made.text
    assert sees(dealer, one)
    # The owner knows its dealer and cannot dismiss it.
    (known,) = (
        world.as_("North").get(GRANTS, params={"vin": one, "purpose": "sale"}).json()["grants"]
    )
    assert (known["party"], known["may_end"]) == ("Dealer", False)
    assert world.as_("North").delete(made.headers["Location"]).status_code == 403
    assert maker.delete(made.headers["Location"]).status_code == 200
    assert not sees(dealer, one)


def test_an_owner_sees_and_ends_what_was_granted_by_command(world: Registers) -> None:
    one = world.vehicle("North")
    grant_access(
        world.database.connection, party_id=world.parties["Garage"], vin=one, purpose="service"
    )
    north, garage = world.as_("North"), world.as_("Garage")
    assert sees(garage, one)
    (found,) = north.get(GRANTS, params={"vin": one, "purpose": "service"}).json()["grants"]
    assert found["granted_by"] is None
    assert north.delete(f"{GRANTS}/{found['grant_id']}").status_code == 200
    assert not sees(garage, one)


def test_the_administrator_of_a_provider_widens_nothing(world: Registers) -> None:
    world.account("Workshop", "workshop.admin")
    one = world.vehicle("North")
    granted(world.as_("North"), one)
    admin = world.signed_in("workshop.admin")
    assert admin.get(f"/v1/vehicles/{one}/state").status_code == 403
    for answer in (
        granted(admin, one, "Garage"),
        admin.post(VEHICLES, json={"vin": vin(997)}),
        admin.post(f"{VEHICLES}/{one}/sale", json={"buyer": "South"}),
        admin.post(FLEETS, json={"name": "Mine"}),
        admin.post(DRIVERS, json={"card_id": "CHN-ANY"}),
        admin.post(f"{PATH}/parties", json={"kind": "owner", "name": "Mine"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "not_yours"), answer.text


def test_a_sold_vehicle_is_before_its_sale_the_sellers_and_after_it_the_buyers(
    world: Registers,
) -> None:
    one = vin(990)
    recorded = record(world.database, one, drive("2026-10-20T00:00:00", 4 * 3600))
    drives = [(DAY + timedelta(minutes=minutes), 20, None) for minutes in (10, 70, 145)]
    store(world.database.connection, recorded.vehicle_id, (DAY, DAY + timedelta(days=1)), *drives)
    grant_access(
        world.database.connection, party_id=world.parties["North"], vin=one, purpose="ownership"
    )
    north, south = world.as_("North"), world.as_("South")
    workshop, dealer = world.as_("Workshop"), world.as_("Dealer")
    granted(north, one)
    granted(north, one, "Garage", valid_from="2089-01-01T00:00:00Z")
    granted(world.as_("Maker"), one, "Dealer", purpose="sale")
    fleet = north.post(FLEETS, json={"name": "Sold from"}).json()["fleet_id"]
    assert north.put(f"{FLEETS}/{fleet}/vehicles/{one}", json={}).status_code == 200
    assert not sees(south, one)

    at = DAY + timedelta(hours=2)
    sale = north.post(f"{VEHICLES}/{one}/sale", json={"buyer": "South", "at": at.isoformat()})
    assert sale.status_code == 201, sale.text
    # The one grant that held and the one that was to come; the fleet, which it had not joined then.
    assert (sale.json()["ended_grants"], sale.json()["ended_memberships"]) == (2, 1)

    def trips(client: httpx2.Client) -> list[str]:
        answer = client.get(f"/v1/vehicles/{one}/trips", params=SPAN).json()
        return [trip["start"][11:16] for trip in answer["trips"]]

    def hours(client: httpx2.Client) -> set[str]:
        asked: dict[str, str | int] = {"names": "wheel_speed", **SPAN, "step": 3600}
        told = client.get(f"/v1/vehicles/{one}/signals", params=asked).json()
        return {time[11:13] for time in told["time"]}

    assert (trips(north), trips(south)) == (["00:10", "01:10"], ["02:25"])
    assert (hours(north), hours(south)) == ({"00", "01"}, {"02", "03"})
    assert not sees(workshop, one)
    assert trips(dealer) == ["00:10", "01:10", "02:25"]
    # To the seller it is not silent, but past: somebody else hears of it.
    for asked, state in ((north, "past"), (south, "silent")):
        listed = {
            name: [
                entry["activity"]
                for entry in asked.get(f"/v1/vehicles?state={name}&vin={one}").json()["vehicles"]
            ]
            for name in ("silent", "past")
        }
        assert listed == {"silent": [], "past": [], state: [state]}
        for answer in ("state", "status"):
            told = asked.get(f"/v1/vehicles/{one}/{answer}").json()["activity"]
            assert told == state, answer
        silent = asked.get("/v1/silent-vehicles").json()["vehicles"]
        assert (one in [entry["vin"] for entry in silent]) == (state == "silent")
    # The seller is told nothing of today, and may neither grant, sell nor keep it in a fleet.
    assert north.get(f"{VEHICLES}/{one}").json()["owner"] is None
    assert world.as_("Maker").patch(f"{VEHICLES}/{one}", json={"plate": "NEW"}).status_code == 200
    assert north.get(f"{VEHICLES}/{one}").json()["plate"] is None
    assert south.get(f"{VEHICLES}/{one}").json()["plate"] == "NEW"
    for client, plate in ((north, None), (south, "NEW")):
        listed = client.get("/v1/vehicles", params={"vin": one}).json()["vehicles"]
        assert [vehicle["plate"] for vehicle in listed] == [plate]
    assert north.get("/v1/vehicles", params={"plate": "NEW"}).json()["vehicles"] == []
    assert granted(north, one).status_code == 403
    assert north.post(f"{VEHICLES}/{one}/sale", json={"buyer": "South"}).status_code == 403
    assert north.put(f"{FLEETS}/{fleet}/vehicles/{one}", json={}).status_code == 403
    assert north.get(f"{FLEETS}/{fleet}/vehicles").json()["memberships"] == []
    # Of the grants that the seller gave the buyer learns nothing; he begins his own.
    assert [
        grant["purpose"] for grant in south.get(GRANTS, params={"vin": one}).json()["grants"]
    ] == ["sale", "ownership"]
    assert granted(south, one, "Garage").json()["data_from"] == sale.json()["at"]


def test_a_sale_of_now_ends_memberships_and_keeps_their_past(world: Registers) -> None:
    one = world.vehicle("North")
    north = world.as_("North")
    fleet = north.post(FLEETS, json={"name": "Kept past"}).json()["fleet_id"]
    north.put(f"{FLEETS}/{fleet}/vehicles/{one}", json={"member_from": "2026-11-01T00:00:00Z"})
    sale = north.post(f"{VEHICLES}/{one}/sale", json={"buyer": "South"}).json()
    (member,) = north.get(f"{FLEETS}/{fleet}/vehicles").json()["memberships"]
    assert member == {
        "vin": one, "member_from": "2026-11-01T00:00:00Z", "member_until": sale["at"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("sale", "field"),
    [
        ({"buyer": "Nobody"}, "buyer"),
        ({"buyer": "Dealer"}, "buyer"),
        ({"buyer": "North"}, "buyer"),
        ({"buyer": "South", "at": "2089-01-01T00:00:00Z"}, "at"),
        ({"buyer": "South", "at": "2026-01-01T00:00:00"}, "at"),
    ],
)
def test_sales_that_cannot_be_change_nothing(
    world: Registers, sale: dict[str, str], field: str
) -> None:
    one = world.vehicle("North")
    answer = world.as_("North").post(f"{VEHICLES}/{one}/sale", json=sale)
    assert (answer.status_code, answer.json()["faults"][0]["field"]) == (422, field)
    assert world.as_("Maker").get(f"{VEHICLES}/{one}").json()["owner"] == "North"


def test_a_vehicle_that_nobody_owns_is_sold_by_the_maker_and_bought_back(world: Registers) -> None:
    one = world.vehicle()
    maker, north, south = world.as_("Maker"), world.as_("North"), world.as_("South")
    first = maker.post(f"{VEHICLES}/{one}/sale", json={"buyer": "North"})
    assert first.status_code == 201, first.text
    before = first.json()["at"]
    refused = north.post(f"{VEHICLES}/{one}/sale", json={"buyer": "South", "at": before})
    assert refused.status_code == 422  # no time was its
    assert north.post(f"{VEHICLES}/{one}/sale", json={"buyer": "South"}).status_code == 201
    assert south.post(f"{VEHICLES}/{one}/sale", json={"buyer": "North"}).status_code == 201
    assert maker.get(f"{VEHICLES}/{one}").json()["owner"] == "North"
    assert world.scalar(
        "SELECT count(*) FROM vehicle_access JOIN vehicle USING (vehicle_id)"
        " WHERE vin = %s AND upper_inf(data)",
        one,
    ) == 1  # fmt: skip


def test_fleets_are_their_partys_own(world: Registers) -> None:
    north, south, maker = (world.as_(name) for name in ("North", "South", "Maker"))
    made = north.post(FLEETS, json={"name": "East", "time_zone": "Europe/Berlin"})
    assert made.status_code == 201
    address = made.headers["Location"]
    assert north.post(FLEETS, json={"name": "East"}).status_code == 409
    assert south.post(FLEETS, json={"name": "East"}).status_code == 201
    assert north.post(FLEETS, json={"name": "X", "time_zone": "Mars/Olympus"}).status_code == 422
    assert (
        north.post(FLEETS, json={"name": "X", "time_zone": "../../etc/passwd"}).status_code == 422
    )
    unknown = south.patch(f"{FLEETS}/999999", json={"name": "Y"})
    foreign = south.patch(address, json={"name": "Y"})
    assert (foreign.status_code, foreign.content) == (404, unknown.content)
    assert maker.get(address).status_code == 200
    assert maker.patch(address, json={"name": "Y"}).status_code == 403
    tag = made.headers["ETag"]
    changed = north.patch(address, json={"name": "East 2"}, headers={"If-Match": tag})
    assert changed.json()["name"] == "East 2"
    stale = north.patch(address, json={"name": "East 3"}, headers={"If-Match": tag})
    assert stale.status_code == 412
    north.post(FLEETS, json={"name": "Other"})
    assert north.patch(address, json={"name": "Other"}).status_code == 409


def test_a_vehicle_joins_own_fleets_for_the_time_it_is_the_partys(world: Registers) -> None:
    north = world.as_("North")
    fleet = north.post(FLEETS, json={"name": "Joined"}).json()["fleet_id"]
    foreign_fleet = world.as_("South").post(FLEETS, json={"name": "Joined"}).json()["fleet_id"]
    one, foreign = world.vehicle(), world.vehicle("South")
    grant_access(
        world.database.connection, party_id=world.parties["North"], vin=one, purpose="ownership",
        data=(DAY, None),
    )  # fmt: skip
    members = f"{FLEETS}/{fleet}/vehicles"
    assert north.put(f"{members}/{foreign}", json={}).status_code == 404
    assert north.put(f"{FLEETS}/{foreign_fleet}/vehicles/{one}", json={}).status_code == 404
    early = north.put(f"{members}/{one}", json={"member_from": "2026-10-01T00:00:00Z"})
    assert (early.status_code, early.json()["faults"][0]["field"]) == (422, "member_from")
    begun = {"member_from": "2026-10-21T00:00:00Z"}
    for until in (None, LATER):  # the second takes the place of the first
        put = north.put(f"{members}/{one}", json={**begun, "member_until": until})
        assert put.status_code == 200, put.text
    assert north.get(members).json()["memberships"] == [
        {"vin": one, **begun, "member_until": LATER}
    ]
    assert north.get(f"{FLEETS}/{fleet}").json()["vehicles"] == 1
    assert north.delete(f"{members}/{one}").json() == {"vin": one, "ended": 1}
    assert north.delete(f"{members}/{one}").json() == {"vin": one, "ended": 0}
    assert north.get(f"{FLEETS}/{fleet}").json()["vehicles"] == 0
    (left,) = north.get(members).json()["memberships"]
    assert left["member_until"] < LATER


def test_a_driver_is_employed_changed_and_let_go(world: Registers) -> None:
    north, south = world.as_("North"), world.as_("South")
    made = north.post(DRIVERS, json={"card_id": "CHN-1", "name": "王伟"})
    assert made.status_code == 201, made.text
    address = made.headers["Location"]
    taken = south.post(DRIVERS, json={"card_id": "CHN-1"})
    assert (taken.status_code, taken.json()["code"]) == (409, "already_there")
    for method in ("GET", "PATCH"):
        foreign = south.request(method, address, json={})
        unknown = south.request(method, f"{DRIVERS}/999999", json={})
        assert (foreign.status_code, foreign.content) == (404, unknown.content)
    until = datetime.now(tz=UTC).isoformat()
    tag = made.headers["ETag"]
    ended = north.patch(address, json={"employed_until": until}, headers={"If-Match": tag})
    assert ended.status_code == 200, ended.text
    assert north.patch(address, json={"name": "x"}, headers={"If-Match": tag}).status_code == 412
    # Whose employment is over may be employed by others, from then on.
    hired = south.post(DRIVERS, json={"card_id": "CHN-1", "name": "Wang"})
    assert (hired.status_code, hired.json()["employer"]) == (201, "South")
    assert north.get(address).status_code == 404
    backwards = south.patch(
        hired.headers["Location"], json={"employed_until": "2026-01-01T00:00:00Z"}
    )
    assert backwards.json()["faults"][0]["field"] == "employed_until"


def test_a_card_that_was_erased_is_refused_as_such_until_it_is_readmitted(
    world: Registers,
) -> None:
    connection, maker = world.database.connection, world.as_("Maker")
    assert world.as_("North").post(DRIVERS, json={"card_id": "CHN-11"}).status_code == 201
    person = erasure.find_person(connection, "CHN-11")
    erasure.erase_person(connection, world.database.catalogue, person, asked_by="officer")
    for asked in (world.as_("North"), maker):
        refused = asked.post(DRIVERS, json={"card_id": "CHN-11"})
        assert (refused.status_code, refused.json()["code"]) == (409, "erased")
        assert "telemetry privacy readmit" in refused.json()["way_out"]


def test_nobody_makes_himself_the_employer_of_a_time_he_has_not_seen(world: Registers) -> None:
    one = vin(991)
    recorded = record(world.database, one, drive("2026-10-20T00:00:00", 4 * 3600))
    grant_access(
        world.database.connection, party_id=world.parties["North"], vin=one, purpose="ownership"
    )
    driver = employ_driver(world.database.connection, card_id="CHN-2", party_id=None)
    drives = [(DAY + timedelta(minutes=10), 20, "CHN-2")]
    store(world.database.connection, recorded.vehicle_id, (DAY, DAY + timedelta(days=1)), *drives)
    south, north = world.as_("South"), world.as_("North")
    early = {"card_id": "CHN-2", "employed_from": "2026-10-01T00:00:00Z"}
    refused = south.post(DRIVERS, json=early)
    assert (refused.status_code, refused.json()["faults"][0]["field"]) == (422, "employed_from")
    # From now on he may be anybody's; but that is no way into the past either.
    hired = south.post(DRIVERS, json={"card_id": "CHN-2"}).headers["Location"]
    for begins in (None, "2026-10-01T00:00:00Z"):
        widened = south.patch(hired, json={"employed_from": begins})
        assert widened.status_code == 422, widened.text
    assert south.get(f"/v1/drivers/{driver}/trips", params=SPAN).json()["trips"] == []
    world.database.connection.execute(
        "UPDATE driver SET party_id = NULL WHERE driver_id = %s", (driver,)
    )
    # In whose vehicle he drove, who sees all of it anyway, may say since when he was employed.
    assert north.post(DRIVERS, json=early).status_code == 201
