"""Fuel and advice are there for those who may know them; advice is the owner's side's to answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from storage.connection import API_ROLE, connect
from storage.queries import query
from storage.registers import add_to_fleet, employ_driver, ensure_party, grant_access
from tests.asking.api_fixture import served_as
from tests.samples.behaviour_samples import DAY, HOUR
from tests.worlds.behaviour_world import MONDAY, SPAN, WANG, WEEK, A, B, C, World
from tests.worlds.served_fuel_world import answer, ask, fuel_world_in, piece

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from tests.servers.database_fixture import Migrated

VEHICLE_PATHS = (
    "/v1/vehicles/{A}/fuel",
    "/v1/vehicles/{A}/tank-events",
    "/v1/vehicles/{A}/advice",
)
DRIVER_PATHS = ("/v1/drivers/{wang}/fuel", "/v1/drivers/{wang}/advice")
FLEET_PATHS = ("/v1/fleets/{fleet}/fuel", "/v1/fleets/{fleet}/advice")
PARTIES = (
    "Maker",
    "Owner",
    "Workshop",
    "Partly",
    "Since last week",
    "Other",
    "Stranger",
    "Expired",
    "Employer",
)
NO_NUMBERS = ("999999", "0", "-1", "tyres", "9" * 30, "%00")


@pytest.fixture(scope="module")
def world(migrated: Migrated) -> Iterator[World]:
    with fuel_world_in(migrated) as filled:
        yield filled


def among(*parties: str) -> pytest.MarkDecorator:
    """Every party, with whether it is one of these."""
    return pytest.mark.parametrize(("party", "there"), [(one, one in parties) for one in PARTIES])


def fuel(world: World, party: str, path: str, by: str = "part") -> list[dict[str, Any]]:
    found = ask(world, party, path, by=by)
    assert found.status_code == 200, found.text
    rows: list[dict[str, Any]] = found.json()["periods"]
    return rows


def advice(world: World, party: str, path: str) -> set[str]:
    """The names of the pieces in a listing; each is there by its number, too."""
    found = ask(world, party, path)
    assert found.status_code == 200, found.text
    names = {number: name for name, number in world.numbers.items() if name in PIECES}
    told = {names[one["advice_id"]] for one in found.json()["advice"]}
    for one in found.json()["advice"]:
        alone = world.clients[party].get(f"/v1/advice/{one['advice_id']}")
        assert alone.json() == one
    return told


PIECES = ("old_tyres", "idling", "tyres", "empty", "speed", "li_b", "li_c")


# What is not there


@pytest.mark.parametrize("path", VEHICLE_PATHS)
@among("Maker", "Owner", "Workshop", "Partly", "Since last week")
def test_a_vehicle_s_fuel_is_there_for_those_who_may_see_the_vehicle(
    world: World, party: str, path: str, *, there: bool
) -> None:
    found = ask(world, party, path)
    assert found.status_code == (200 if there else 404)
    if not there:
        nowhere = ask(world, party, path.replace("{A}", "LSGAA11112A000009"))
        assert (found.content, found.json()["code"]) == (nowhere.content, "unknown_vehicle")


@pytest.mark.parametrize("path", DRIVER_PATHS)
@among("Maker", "Owner", "Employer", "Since last week")
def test_a_driver_s_fuel_is_there_for_the_maker_the_owner_and_the_employer(
    world: World, party: str, path: str, *, there: bool
) -> None:
    found = ask(world, party, path)
    assert found.status_code == (200 if there else 404)
    if not there:
        for nobody in NO_NUMBERS:
            nowhere = ask(world, party, path.replace("{wang}", nobody))
            assert (found.content, found.json()["code"]) == (nowhere.content, "unknown_driver")


@pytest.mark.parametrize("path", FLEET_PATHS)
@among("Maker", "Owner")
def test_a_fleet_s_fuel_is_there_for_its_party_and_the_maker(
    world: World, party: str, path: str, *, there: bool
) -> None:
    found = ask(world, party, path)
    assert found.status_code == (200 if there else 404)
    if not there:
        nowhere = ask(world, party, path.replace("{fleet}", "999999"))
        assert (found.content, found.json()["code"]) == (nowhere.content, "unknown_fleet")


@pytest.mark.parametrize(
    ("name", "parties"),
    [
        ("tyres", {"Maker", "Owner", "Workshop", "Since last week"}),
        ("idling", {"Maker", "Owner", "Since last week", "Employer"}),
        ("speed", {"Maker", "Owner", "Employer"}),
        ("empty", {"Maker", "Owner"}),
        ("li_b", {"Maker", "Owner"}),
        ("li_c", {"Maker", "Other"}),
    ],
)
def test_a_piece_one_may_not_see_answers_as_one_that_does_not_exist(
    world: World, name: str, parties: set[str]
) -> None:
    for party in PARTIES:
        path = f"/v1/advice/{world.numbers[name]}"
        found = world.clients[party].get(path)
        assert found.status_code == (200 if party in parties else 404), party
        if party in parties:
            continue
        sent = world.clients[party].patch(path, json={"status": "accepted"})
        assert (sent.status_code, sent.content) == (404, found.content)
        for nobody in NO_NUMBERS:
            nowhere = world.clients[party].get(f"/v1/advice/{nobody}")
            assert (found.content, nowhere.json()["code"]) == (nowhere.content, "unknown_advice")


# Who drove


def test_who_drove_is_told_to_those_alone_who_may_know(world: World) -> None:
    wang = world.numbers["wang"]
    for party, known in (("Owner", wang), ("Maker", wang), ("Workshop", None)):
        rows = fuel(world, party, "/v1/vehicles/{A}/fuel")
        assert [row["driver_id"] for row in rows] == [known, known, None]
        assert {row["vin"] for row in rows} == {A}
    of_drivers = ask(world, "Maker", "/v1/fleets/{fleet}/fuel", of="drivers").json()["rows"]
    assert [row["name"] for row in of_drivers] == ["Wang Wei", None, None]
    of_drivers = ask(world, "Owner", "/v1/fleets/{fleet}/fuel", of="drivers").json()["rows"]
    assert [row["name"] for row in of_drivers] == [None, None, None]  # it is the employer's
    assert [row["card_id"] for row in of_drivers] == [WANG, "CHN0000000000002", None]


def test_an_owner_sees_of_a_driver_what_he_did_with_its_vehicles(world: World) -> None:
    def told(party: str) -> list[tuple[str | None, float]]:
        rows = fuel(world, party, "/v1/drivers/{li}/fuel")
        (total,) = fuel(world, party, "/v1/drivers/{li}/fuel", by="total")
        assert total["fuel_l"] == sum(row["fuel_l"] for row in rows)
        return [(row["vin"], row["fuel_l"]) for row in rows]

    assert told("Maker") == [(B, 24.0), (C, 25.0)]
    assert told("Owner") == [(B, 24.0)]
    assert told("Other") == [(C, 25.0)]


def test_an_employer_sees_what_a_driver_needed_and_not_in_whose_vehicle_or_where(
    world: World,
) -> None:
    rows = fuel(world, "Employer", "/v1/drivers/{wang}/fuel")
    assert [row["fuel_l"] for row in rows] == [30.0, 18.0, 20.0]
    assert {(row["vin"], row["corridor"]) for row in rows} == {(None, None)}
    owners = fuel(world, "Owner", "/v1/drivers/{wang}/fuel")
    assert [row["vin"] for row in owners] == [A, A, B]
    assert owners[-1]["corridor"] is not None
    told = ask(world, "Employer", "/v1/drivers/{wang}/advice").json()["advice"]
    assert {one["vin"] for one in told} == {None}
    assert advice(world, "Employer", "/v1/drivers/{wang}/advice") == {"idling", "speed"}


def test_advice_for_a_driver_is_told_to_those_alone_who_may_know_him(world: World) -> None:
    assert advice(world, "Owner", "/v1/vehicles/{A}/advice") == {"old_tyres", "tyres", "idling"}
    # A workshop may see all that the truck did, and not whom to teach.
    assert advice(world, "Workshop", "/v1/vehicles/{A}/advice") == {"old_tyres", "tyres"}
    assert advice(world, "Other", "/v1/drivers/{li}/advice") == {"li_c"}
    assert advice(world, "Owner", "/v1/drivers/{li}/advice") == {"li_b"}
    assert advice(world, "Maker", "/v1/drivers/{li}/advice") == {"li_b", "li_c"}
    assert advice(world, "Owner", "/v1/fleets/{fleet}/advice") == {
        "idling",
        "tyres",
        "empty",
        "speed",
        "li_b",
    }


# Spans of access


def test_a_grant_opens_what_lies_within_its_span(world: World) -> None:
    # Partly sees Monday 02:30 to Wednesday: the second trip, whose fuel is not known.
    (row,) = fuel(world, "Partly", "/v1/vehicles/{A}/fuel")
    assert (row["start"], row["fuel_l"]) == ("2026-10-26T16:00:00Z", None)
    for by in ("day", "week", "total"):
        (period,) = fuel(world, "Partly", "/v1/vehicles/{A}/fuel", by=by)
        assert (period["parts"], period["fuel_l"], period["causes"]) == (1, None, [])
    events = ask(world, "Partly", "/v1/vehicles/{A}/tank-events").json()["events"]
    assert len(events) == 3
    # No week is opened as a whole.
    assert advice(world, "Partly", "/v1/vehicles/{A}/advice") == set()
    weeks = fuel(world, "Since last week", "/v1/vehicles/{A}/fuel", by="week")
    assert [week["fuel_l"] for week in weeks] == [30.0, 18.0]


@pytest.mark.parametrize(
    ("opened", "told"),
    [
        ((MONDAY, MONDAY + 7 * DAY), {"tyres", "idling"}),
        ((MONDAY - 7 * DAY, None), {"old_tyres", "tyres", "idling"}),
        ((MONDAY + HOUR, None), set()),
        ((None, MONDAY + 7 * DAY - HOUR), {"old_tyres"}),
        ((None, MONDAY), {"old_tyres"}),
        ((None, MONDAY - HOUR), set()),
    ],
)
def test_advice_is_there_where_its_whole_week_is_opened(
    world: World,
    migrated: Migrated,
    opened: tuple[datetime | None, datetime | None],
    told: set[str],
) -> None:
    name = f"Owner of {opened}"
    party = ensure_party(migrated.connection, name, "owner")
    grant_access(migrated.connection, party_id=party, vin=A, purpose="ownership", data=opened)
    with served_as(migrated, name, "owner", api_connections=1) as client:
        bought = World(numbers=world.numbers, clients={name: client})
        assert advice(bought, name, "/v1/vehicles/{A}/advice") == told


def test_a_week_is_not_opened_whose_last_trip_ended_later(world: World, migrated: Migrated) -> None:
    party = ensure_party(migrated.connection, "Sold on Monday", "owner")
    span = (None, MONDAY + 7 * DAY)
    grant_access(migrated.connection, party_id=party, vin=A, purpose="ownership", data=span)
    change = (
        "UPDATE fuel_part SET end_time = end_time + %s WHERE vehicle_id = %s AND part_start = %s"
    )
    where = (world.numbers["a"], MONDAY + DAY)
    with served_as(migrated, "Sold on Monday", "owner", api_connections=1) as client:
        sold = World(numbers=world.numbers, clients={"Sold on Monday": client})
        path = "/v1/vehicles/{A}/advice"
        assert advice(sold, "Sold on Monday", path) == {"old_tyres", "tyres", "idling"}
        migrated.connection.execute(change, (6 * DAY, *where))
        try:
            # It was nobody's drive: what Wang did that week was all over by then.
            assert advice(sold, "Sold on Monday", path) == {"old_tyres", "idling"}
        finally:
            migrated.connection.execute(change, (-6 * DAY, *where))


def test_a_result_is_told_to_those_who_may_see_all_the_weeks_it_compares(world: World) -> None:
    def told(party: str) -> bool:
        found = ask(world, party, "/v1/advice/{old_tyres}").json()
        return found["result"] is not None and found["text"]["result"] is not None

    assert told("Owner")
    assert told("Maker")
    assert told("Workshop")
    assert not told("Since last week")  # three weeks before its own belong to it


def test_a_former_employer_sees_what_was_driven_then(world: World, migrated: Migrated) -> None:
    employer = ensure_party(migrated.connection, "Employer", "owner")

    def employ(until: datetime | None) -> None:
        employ_driver(
            migrated.connection,
            card_id=WANG,
            party_id=employer,
            name="Wang Wei",
            employed=(None, until),
        )

    employ(MONDAY + 4 * HOUR)
    try:
        rows = fuel(world, "Employer", "/v1/drivers/{wang}/fuel")
        assert [row["fuel_l"] for row in rows] == [30.0, 18.0]
        assert advice(world, "Employer", "/v1/drivers/{wang}/advice") == set()
        assert answer(world, "Employer", "idling", "seen").status_code == 404
    finally:
        employ(None)


# Who may answer


@pytest.mark.parametrize(
    ("party", "name", "may"),
    [
        ("Owner", "tyres", True),
        ("Owner", "idling", True),
        ("Since last week", "tyres", True),
        ("Employer", "idling", True),
        ("Other", "li_c", True),
        ("Workshop", "tyres", False),
        ("Maker", "tyres", False),
        ("Maker", "idling", False),
    ],
)
def test_the_owner_s_side_alone_says_what_becomes_of_advice(
    world: World, party: str, name: str, *, may: bool
) -> None:
    before = world.clients[party].get(f"/v1/advice/{world.numbers[name]}").json()
    assert before["may_answer"] is may
    told = answer(world, party, name, "dismissed")
    after = world.clients[party].get(f"/v1/advice/{world.numbers[name]}").json()
    if may:
        assert (told.status_code, after["status"]) == (200, "dismissed")
    else:
        assert (told.status_code, told.json()["code"]) == (403, "not_yours")
        assert "owner" in told.json()["way_out"]
        assert after == before


def test_a_maker_answers_for_the_vehicles_of_its_own_fleets(
    world: World, migrated: Migrated
) -> None:
    assert answer(world, "Maker", "li_c", "accepted").status_code == 403
    add_to_fleet(
        migrated.connection,
        fleet_id=world.numbers["foreign"],
        vin=C,
        member=(MONDAY - DAY, None),
    )
    try:
        assert answer(world, "Maker", "li_c", "accepted").json()["status"] == "accepted"
    finally:
        migrated.connection.execute(
            "DELETE FROM fleet_vehicle WHERE fleet_id = %s", (world.numbers["foreign"],)
        )


def test_a_fleet_of_one_s_own_opens_no_vehicle(world: World, migrated: Migrated) -> None:
    """Whoever lists a foreign VIN in a fleet sees and answers nothing of it."""
    connection = migrated.connection
    party = ensure_party(connection, "Stranger", "owner")
    (fleet,) = connection.execute(
        "INSERT INTO fleet (party_id, name) VALUES (%s, 'Wishes') RETURNING fleet_id", (party,)
    ).fetchone() or (0,)
    add_to_fleet(connection, fleet_id=fleet, vin=A, member=(MONDAY - 30 * DAY, None))
    client = world.clients["Stranger"]
    try:
        body = client.get(f"/v1/fleets/{fleet}/fuel", params=SPAN).json()
        assert (body["total"], body["rows"]) == (None, [])
        told = client.get(f"/v1/fleets/{fleet}/advice", params={"week": "2026-W44"}).json()
        assert (told["advice"], told["savings"]["results"]) == ([], 0)
        assert answer(world, "Stranger", "tyres", "accepted").status_code == 404
    finally:
        connection.execute("DELETE FROM fleet_vehicle WHERE fleet_id = %s", (fleet,))
        connection.execute("DELETE FROM fleet WHERE fleet_id = %s", (fleet,))


def test_the_api_role_changes_advice_in_no_other_way(world: World, migrated: Migrated) -> None:
    number = piece(migrated.connection, world.numbers["a"], None, "stops", 2.0)
    owner = ensure_party(migrated.connection, "Owner", "owner")
    with connect(migrated.dsn, role=API_ROLE) as connection:
        for statement in (
            "UPDATE telemetry.advice SET status = 'accepted'",
            "DELETE FROM telemetry.advice",
            "SELECT telemetry.told_advice(1, NULL)",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement.encode())
        said = {"principal": owner, "advice_id": number}
        for wrong in ("given", "loved", None):
            with pytest.raises(psycopg.errors.CheckViolation):
                connection.execute(query("answer_advice"), {**said, "status": wrong})
        connection.execute("SET default_transaction_read_only = on")
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            connection.execute(query("answer_advice"), {**said, "status": "seen"})
    row = migrated.connection.execute(
        "DELETE FROM advice WHERE advice_id = %s RETURNING status, week", (number,)
    ).fetchone()
    assert row == ("given", WEEK)
