"""Driving, drivers and fleets are there for those who may know them, and for nobody else."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from storage.registers import employ_driver, ensure_party
from tests.samples.behaviour_samples import DAY, HOUR
from tests.worlds.behaviour_world import BRAKINGS, LI, MONDAY, WANG, A, B, C, World, world_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.database_fixture import Migrated

VEHICLE_PATHS = (
    "/v1/vehicles/{A}/events",
    "/v1/vehicles/{A}/trips",
    "/v1/vehicles/{A}/scores",
    "/v1/vehicles/{A}/scores?period=trip",
    "/v1/vehicles/{A}/accumulated",
)
DRIVER_PATHS = (
    "/v1/drivers/{wang}/events",
    "/v1/drivers/{wang}/trips",
    "/v1/drivers/{wang}/scores",
)
FLEET_PATHS = (
    "/v1/fleets/{fleet}/ranking?of=drivers",
    "/v1/fleets/{fleet}/ranking?of=vehicles",
)


@pytest.fixture(scope="module")
def world(migrated: Migrated) -> Iterator[World]:
    with world_in(migrated) as filled:
        yield filled


@pytest.mark.parametrize("path", VEHICLE_PATHS)
@pytest.mark.parametrize(
    ("party", "there"),
    [
        ("Maker", True),
        ("Owner", True),
        ("Workshop", True),
        ("Partly", True),
        ("Other", False),
        ("Stranger", False),
        ("Expired", False),
        ("Employer", False),
    ],
)
def test_a_vehicle_s_driving_is_there_for_those_who_may_see_the_vehicle(
    world: World, party: str, path: str, *, there: bool
) -> None:
    answer = world.ask(party, path)
    assert answer.status_code == (200 if there else 404)
    if not there:
        nowhere = world.ask(party, path.replace("{A}", "LSGAA11112A000009"))
        assert (answer.content, answer.json()["code"]) == (nowhere.content, "unknown_vehicle")


@pytest.mark.parametrize("path", DRIVER_PATHS)
@pytest.mark.parametrize(
    ("party", "there"),
    [
        ("Maker", True),
        ("Owner", True),
        ("Employer", True),
        ("Workshop", False),
        ("Partly", False),
        ("Other", False),
        ("Stranger", False),
        ("Expired", False),
    ],
)
def test_a_driver_is_there_for_the_maker_the_owner_and_the_employer(
    world: World, party: str, path: str, *, there: bool
) -> None:
    answer = world.ask(party, path)
    assert answer.status_code == (200 if there else 404)
    if not there:
        for nobody in ("999999", "0", "-1", "wang", "9" * 30, "%00"):
            nowhere = world.ask(party, path.replace("{wang}", nobody))
            assert (answer.content, answer.json()["code"]) == (nowhere.content, "unknown_driver")


@pytest.mark.parametrize("path", FLEET_PATHS)
@pytest.mark.parametrize(
    ("party", "there"),
    [("Maker", True), ("Owner", True), *((name, False) for name in ("Other", "Employer"))]
    + [(name, False) for name in ("Workshop", "Stranger", "Expired", "Partly")],
)
def test_a_fleet_is_there_for_its_party_and_the_maker(
    world: World, party: str, path: str, *, there: bool
) -> None:
    answer = world.ask(party, path)
    assert answer.status_code == (200 if there else 404)
    if not there:
        nowhere = world.ask(party, path.replace("{fleet}", "999999"))
        assert (answer.content, answer.json()["code"]) == (nowhere.content, "unknown_fleet")


def test_who_drove_is_told_to_those_alone_who_may_know(world: World) -> None:
    def drove(party: str) -> dict[str, set[int | None]]:
        return {
            path: {row["driver_id"] for row in world.rows(party, path, key)}
            for path, key in (
                ("/v1/vehicles/{A}/events", "events"),
                ("/v1/vehicles/{A}/trips", "trips"),
                ("/v1/vehicles/{A}/scores?period=trip", "scores"),
            )
        }

    wang = world.numbers["wang"]
    known = [{wang}, {wang, None}, {wang}]
    assert list(drove("Owner").values()) == list(drove("Maker").values()) == known
    assert list(drove("Workshop").values()) == [{None}] * 3


def test_fatigue_is_the_driver_s_alone(world: World) -> None:
    def kinds(party: str) -> set[str]:
        return {row["kind"] for row in world.rows(party, "/v1/vehicles/{A}/events", "events")}

    fatigue = {"fatigue_china_4h"}
    assert kinds("Owner") == {"harsh_braking", "idling", "coasting"} | fatigue
    assert kinds("Workshop") == kinds("Owner") - fatigue


def test_a_grant_opens_what_lies_within_its_span(world: World) -> None:
    first, last = MONDAY + 2.5 * HOUR, MONDAY + 2 * DAY
    events = world.rows("Partly", "/v1/vehicles/{A}/events", "events")
    assert [event["kind"] for event in events] == ["fatigue_china_4h"]  # the brakings were before
    assert all(first <= datetime.fromisoformat(event["start"]) < last for event in events)
    trips = world.rows("Partly", "/v1/vehicles/{A}/trips", "trips")
    assert [trip["start"] for trip in trips] == ["2026-10-26T16:00:00Z"]  # the second
    # The week and the first trip are not opened as a whole.
    assert world.rows("Partly", "/v1/vehicles/{A}/scores", "scores") == []
    assert world.rows("Partly", "/v1/vehicles/{A}/scores?period=trip", "scores") == []
    counters = world.ask("Partly", "/v1/vehicles/{A}/accumulated").json()
    assert counters["newest_day"] == "2026-10-26"  # lies within


def test_drivers_are_listed_for_those_who_may_know_them(world: World) -> None:
    def listed(party: str) -> list[tuple[str, str | None, bool]]:
        return [
            (row["card_id"], row["name"], row["is_employee"])
            for row in world.rows(party, "/v1/drivers", "drivers")
        ]

    assert listed("Maker") == [(WANG, "Wang Wei", False), (LI, None, False)]
    assert listed("Owner") == [(WANG, None, False), (LI, None, False)]  # the name is the employer's
    assert listed("Other") == [(LI, None, False)]
    assert listed("Employer") == [(WANG, "Wang Wei", True)]
    for party in ("Workshop", "Stranger", "Expired", "Partly"):
        assert listed(party) == []


def test_an_owner_sees_of_a_driver_what_he_did_with_its_vehicles(world: World) -> None:
    def vins(party: str, driver: str) -> list[str | None]:
        path = f"/v1/drivers/{{{driver}}}/"
        trips = [row["vin"] for row in world.rows(party, path + "trips", "trips")]
        braked = [
            row["vin"] for row in world.rows(party, path + "events", "events", kind="harsh_braking")
        ]
        assert set(braked) <= set(trips)
        return trips

    assert vins("Maker", "li") == [B, C]
    assert vins("Owner", "li") == [B]
    assert vins("Other", "li") == [C]
    assert vins("Owner", "wang") == [A, B]


def test_an_employer_sees_what_a_driver_did_and_not_in_whose_vehicle_or_where(
    world: World,
) -> None:
    trips = world.rows("Employer", "/v1/drivers/{wang}/trips", "trips")
    assert [(trip["vin"], trip["distance_km"]) for trip in trips] == [(None, 60.0), (None, 60.0)]
    events = world.rows("Employer", "/v1/drivers/{wang}/events", "events")
    assert len(events) == BRAKINGS + 2  # one in B, and fatigue
    assert {(event["vin"], event["position"]) for event in events} == {(None, None)}
    owners = world.rows("Owner", "/v1/drivers/{wang}/events", "events", kind="harsh_braking")
    assert {event["vin"] for event in owners} == {A, B}
    assert all(event["position"] is not None for event in owners)


def test_a_driver_s_week_is_told_to_those_who_may_know_all_of_it(world: World) -> None:
    def weeks(party: str, driver: str) -> list[tuple[str, float]]:
        rows = world.rows(party, f"/v1/drivers/{{{driver}}}/scores", "scores")
        return [(row["week"], row["score"]) for row in rows]

    # The week before has a score, but no trip is known of it: only those who may know all see it.
    assert weeks("Maker", "wang") == [("2026-W43", 72.5), ("2026-W44", 82.5)]
    assert weeks("Employer", "wang") == [("2026-W43", 72.5), ("2026-W44", 82.5)]
    assert weeks("Owner", "wang") == [("2026-W44", 82.5)]
    # Li drove for both of them: neither may know the whole week.
    assert weeks("Maker", "li")[-1] == ("2026-W44", 40.0)
    assert weeks("Owner", "li") == weeks("Other", "li") == []


def test_a_former_employer_sees_what_was_recorded_then(world: World, migrated: Migrated) -> None:
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
        trips = world.rows("Employer", "/v1/drivers/{wang}/trips", "trips")
        assert [trip["start"] for trip in trips] == ["2026-10-25T18:00:00Z"]
        scores = world.rows("Employer", "/v1/drivers/{wang}/scores", "scores")
        assert [score["week"] for score in scores] == ["2026-W43"]
        (listed,) = world.rows("Employer", "/v1/drivers", "drivers")
        assert listed["is_employee"] is False
    finally:
        employ(None)


def test_fleets_are_listed_for_their_party_and_the_maker(world: World) -> None:
    def listed(party: str) -> list[tuple[str, str, str, int]]:
        rows = world.rows(party, "/v1/fleets", "fleets")
        return [(row["name"], row["party"], row["time_zone"], row["vehicles"]) for row in rows]

    ours = ("All of ours", "Owner", "Asia/Shanghai", 2)
    assert listed("Owner") == [ours]
    assert listed("Maker") == [ours, ("Trial", "Maker", "Europe/Stockholm", 0)]
    for party in ("Other", "Employer", "Workshop", "Stranger", "Expired", "Partly"):
        assert listed(party) == []
