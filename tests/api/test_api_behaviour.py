"""Events, scores, counters, drivers and fleets over HTTP: what they hold, and every page of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from analytics.accumulated.layout import FIELDS
from api.driving.accumulated import Accumulated, AccumulatedData
from api.driving.driven import DriverEvents, DriverScores, DriverTrips
from api.driving.drivers import Drivers
from api.driving.events import KINDS, VehicleEvents
from api.driving.fleets import Fleets
from api.driving.ranking import Ranking
from api.driving.scores import VehicleScores
from api.driving.trips import Trips
from tests.asking.api_fixture import every_page
from tests.worlds.behaviour_world import BRAKINGS, SPAN, TREND, A, B, World, world_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.database_fixture import Migrated


@pytest.fixture(scope="module")
def world(migrated: Migrated) -> Iterator[World]:
    with world_in(migrated) as filled:
        yield filled


def test_every_answer_is_as_described(world: World) -> None:
    for path, model in (
        ("/v1/vehicles/{A}/events", VehicleEvents),
        ("/v1/vehicles/{A}/trips", Trips),
        ("/v1/vehicles/{A}/scores", VehicleScores),
        ("/v1/vehicles/{A}/scores?period=trip", VehicleScores),
        ("/v1/vehicles/{A}/accumulated", Accumulated),
        ("/v1/drivers", Drivers),
        ("/v1/drivers/{wang}/events", DriverEvents),
        ("/v1/drivers/{wang}/trips", DriverTrips),
        ("/v1/drivers/{wang}/scores", DriverScores),
        ("/v1/fleets", Fleets),
        ("/v1/fleets/{fleet}/ranking?of=drivers", Ranking),
        ("/v1/fleets/{fleet}/ranking?of=vehicles", Ranking),
    ):
        model.model_validate_json(world.ask("Maker", path).content)


def test_an_event_comes_with_its_evidence_and_its_words(world: World) -> None:
    answer = world.ask("Owner", "/v1/vehicles/{B}/events").json()
    assert answer["vin"] == B
    (event,) = answer["events"]
    assert event == {
        "kind": "harsh_braking",
        "severity": "medium",
        "start": "2026-10-25T21:00:00Z",
        "end": "2026-10-25T21:00:03Z",
        "vin": B,
        "driver_id": world.numbers["wang"],
        "trip_start": "2026-10-25T21:00:00Z",
        "peak": 4.1,
        "peak_time": "2026-10-25T21:00:01Z",
        "limit": 3.0,
        "speed_kmh": 63.0,
        "distance_km": 0.04,
        "fuel_l": None,
        "position": {"latitude": 31.25, "longitude": 121.5, "time": "2026-10-25T21:00:00Z"},
        "window_start": "2026-10-25T20:59:50Z",
        "window_end": "2026-10-25T21:00:13Z",
    }
    (kind,) = answer["kinds"]
    assert (kind["kind"], kind["unit"]) == ("harsh_braking", "m/s²")
    assert (kind["title_en"], kind["title_zh"]) == (
        KINDS["harsh_braking"].title_en,
        KINDS["harsh_braking"].title_zh,
    )


@pytest.mark.parametrize("order", ["oldest_first", "newest_first"])
@pytest.mark.parametrize("limit", [1, 2, 4, 25, 26, 1000])
@pytest.mark.parametrize("path", ["/v1/vehicles/{A}/events", "/v1/drivers/{wang}/events"])
def test_pages_hold_every_event_once_in_order(
    world: World, path: str, limit: int, order: str
) -> None:
    address = path.format(A=A, **world.numbers)
    params = {**SPAN, "limit": limit, "order": order}
    answers = every_page(world.clients["Maker"], address, params)
    events = [event for answer in answers for event in answer["events"]]
    assert all(len(answer["events"]) <= limit for answer in answers)
    keys = [(event["vin"], event["start"], event["kind"]) for event in events]
    of_b = 0 if path.startswith("/v1/vehicles") else 1
    assert len(set(keys)) == len(keys) == BRAKINGS + 1 + of_b
    times = [event["start"] for event in events]
    assert times == sorted(times, reverse=order == "newest_first")


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"kind": "idling"}, {"idling": 8}),
        ({"kind": "idling, harsh_braking"}, {"idling": 8, "harsh_braking": 9}),
        ({"severity": "medium"}, {"harsh_braking": 9, "coasting": 8, "fatigue_china_4h": 1}),
        ({"severity": "high"}, {}),
        ({"kind": "coasting", "end": "2026-10-25T18:02:00Z"}, {"coasting": 2}),
    ],
)
def test_events_are_chosen_by_kind_severity_and_time(
    world: World, asked: dict[str, str], expected: dict[str, int]
) -> None:
    # 25 events in turn: 9 brakings (severity 2), 8 of idling (1), 8 of coasting (2).
    rows = world.rows("Owner", "/v1/vehicles/{A}/events", "events", **asked)
    assert pd.Series([row["kind"] for row in rows], dtype=str).value_counts().to_dict() == expected


def test_fatigue_sums_up_hours_and_is_there_where_all_of_them_are_opened(
    world: World, migrated: Migrated
) -> None:
    def told(party: str, path: str) -> int:
        return len(world.rows(party, path, "events", kind="fatigue_china_4h"))

    vehicle, driver = "/v1/vehicles/{A}/events", "/v1/drivers/{wang}/events"
    assert (told("Partly", vehicle), told("Owner", driver)) == (1, 1)
    change = (
        "UPDATE driving_event SET window_start = window_start + %s * interval '1 hour'"
        " WHERE kind = 'fatigue_china_4h'"
    )
    migrated.connection.execute(change, (-1,))
    try:
        # The driving that made it so long began before the vehicle was Partly's.
        assert (told("Partly", vehicle), told("Owner", vehicle), told("Owner", driver)) == (0, 1, 1)
    finally:
        migrated.connection.execute(change, (1,))


def test_a_trip_says_what_kind_it_was_and_who_drove(world: World) -> None:
    first, second = world.rows("Owner", "/v1/vehicles/{A}/trips", "trips")
    assert (first["kind"], first["driving_s"], first["stop_count"]) == ("drive", 3540.0, 2)
    assert (first["driver_id"], second["driver_id"]) == (world.numbers["wang"], None)


def test_a_score_comes_with_what_moved_it_the_dearest_first(world: World) -> None:
    before, week = world.rows("Owner", "/v1/vehicles/{A}/scores", "scores")
    assert (before["week"], before["score"]) == ("2026-W43", 60.0)
    assert (week["start"], week["end"]) == ("2026-10-25T16:00:00Z", "2026-11-01T16:00:00Z")
    assert (week["week"], week["time_zone"]) == ("2026-W44", "Asia/Shanghai")
    assert (week["score"], week["low"], week["high"], week["grade"]) == (70.0, 65.0, 75.0, "B")
    assert (week["missing"], week["difficulty_missing"]) == (["retarder", "harsh"], [])
    assert (week["trips"], week["distance_km"], week["reason"]) == (12, 900.0, None)
    assert [(part["metric"], part["unit"], part["points_lost"]) for part in week["parts"]] == [
        ("idling", "%", 25.0),
        ("cruise", "%", 5.0),
    ]
    assert sum(part["points"] for part in week["parts"]) == week["score"]


def test_a_trip_without_a_score_says_why(world: World) -> None:
    (trip,) = world.rows("Owner", "/v1/vehicles/{A}/scores?period=trip", "scores")
    assert (trip["start"], trip["score"], trip["reason"]) == (
        "2026-10-25T18:00:00Z",
        None,
        "distance",
    )
    assert (trip["grade"], trip["parts"]) == (None, [])


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_pages_hold_every_week_and_every_driven_trip_once(world: World, limit: int) -> None:
    client, wang = world.clients["Maker"], world.numbers["wang"]
    for path, key, rows in (
        (f"/v1/vehicles/{A}/scores", "scores", 2),
        (f"/v1/drivers/{wang}/scores", "scores", 2),
        (f"/v1/drivers/{wang}/trips", "trips", 2),
    ):
        for order in ("oldest_first", "newest_first"):
            answers = every_page(client, path, {**SPAN, "limit": limit, "order": order})
            starts = [row["start"] for answer in answers for row in answer[key]]
            assert len(starts) == rows
            assert starts == sorted(set(starts), reverse=order == "newest_first")


@pytest.mark.parametrize("limit", [1, 2])
@pytest.mark.parametrize(("path", "key"), [("/v1/drivers", "drivers"), ("/v1/fleets", "fleets")])
def test_pages_of_registers_hold_everything_once(
    world: World, path: str, key: str, limit: int
) -> None:
    answers = every_page(world.clients["Maker"], path, {"limit": limit})
    assert sum(len(answer[key]) for answer in answers) == 2


@pytest.mark.parametrize(
    ("measured", "fuel_l"),
    [
        ("fuel_known_km = distance_km", 3.0),
        ("fuel_known_km = 0.5 * distance_km", None),  # half of it is not what was used
        ("fuel_known_km = 0, fuel_l = 0", None),
        ("fuel_known_km = 0, distance_km = 0", 3.0),  # it idled
    ],
)
def test_a_driver_s_fuel_is_told_where_it_was_measured(
    world: World, migrated: Migrated, measured: str, fuel_l: float | None
) -> None:
    migrated.connection.execute(
        f"UPDATE trip_part SET {measured} WHERE driver_id = %s", (world.numbers["wang"],)
    )
    try:
        trips = world.rows("Owner", "/v1/drivers/{wang}/trips", "trips")
        assert {trip["fuel_l"] for trip in trips} == {fuel_l}
        assert {trip["stops"] for trip in trips} == {2}
    finally:
        migrated.connection.execute(
            "UPDATE trip_part SET distance_km = 60, fuel_l = 3, fuel_known_km = 60"
            " WHERE driver_id = %s",
            (world.numbers["wang"],),
        )


def test_counters_come_under_their_rfms_names(world: World) -> None:
    answer = world.ask("Workshop", "/v1/vehicles/{A}/accumulated").json()
    assert (answer["newest_day"], answer["corrections"]) == ("2026-10-26", 0)
    data = answer["accumulated_data"]
    assert set(data) == {field.name for field in FIELDS}
    assert data["durationWheelbasedSpeedOverZero"] == 1  # the first cell, stored as 1.0
    first = data["vehicleSpeedClass"][0]
    assert set(first) == {"from", "to", "seconds", "meters", "milliLitres"}
    assert (first["from"], first["to"]) == (0.0, 4.0)
    assert data["ptoActiveClass"][0]["label"] == "WHEELBASED_SPEED_ZERO"


def test_the_fields_of_the_counters_are_those_of_the_layout() -> None:
    described = {field.alias for field in AccumulatedData.model_fields.values()}
    assert described == {field.name for field in FIELDS}


def test_a_vehicle_without_counters_has_none(world: World) -> None:
    assert world.ask("Owner", "/v1/vehicles/{B}/accumulated").json() == {
        "vin": B,
        "corrections": 0,
        "corrected": 0.0,
        "accumulated_data": {},
    }


def test_a_ranking_has_the_best_first_with_how_sure_places_are(world: World) -> None:
    answer = world.ask("Maker", "/v1/fleets/{fleet}/ranking?of=drivers").json()
    assert (answer["name"], answer["week"], answer["ranked"]) == ("All of ours", "2026-W44", 2)
    first, second = answer["places"]
    assert (first["driver_id"], first["name"], first["vin"]) == (
        world.numbers["wang"],
        "Wang Wei",
        None,
    )
    assert (first["score"], first["score_before"]) == (82.5, 72.5)
    # 42.5 points apart, each known to 5: the places are sure.
    assert [
        (place["rank"], place["rank_low"], place["rank_high"]) for place in (first, second)
    ] == [
        (1, 1, 1),
        (2, 2, 2),
    ]


def test_a_week_says_how_it_compares_with_the_four_before_it(world: World) -> None:
    expected = {name: value for name, value in TREND.items() if name != "trend"}
    expected["word"] = TREND["trend"]
    answer = world.ask("Maker", "/v1/vehicles/{A}/scores?order=newest_first").json()
    newest, before = answer["scores"]
    assert (newest["week"], newest["trend"]) == ("2026-W44", expected)
    assert before["trend"] is None
    places = world.ask("Maker", "/v1/fleets/{fleet}/ranking?of=drivers").json()["places"]
    assert places[0]["trend"] == expected
    # Who may not see all four of the weeks before is not told how they were.
    weeks = world.ask("Since last week", "/v1/vehicles/{A}/scores").json()["scores"]
    assert [week["trend"] for week in weeks] == [None, None]


def test_neighbours_in_a_ranking_share_their_places(world: World, migrated: Migrated) -> None:
    answer = world.ask("Owner", "/v1/fleets/{fleet}/ranking?of=vehicles").json()
    assert [place["vin"] for place in answer["places"]] == [A, B]  # C is in no fleet
    assert answer["places"][0]["score_before"] == 60.0
    migrated.connection.execute("UPDATE score SET low = score - 9, high = score + 9")
    try:
        answer = world.ask("Owner", "/v1/fleets/{fleet}/ranking?of=vehicles").json()
        # 10 points apart, each known to 9: either may be the first.
        assert [
            (place["rank"], place["rank_low"], place["rank_high"]) for place in answer["places"]
        ] == [(1, 1, 2), (2, 1, 2)]
    finally:
        migrated.connection.execute("UPDATE score SET low = score - 5, high = score + 5")


def test_a_ranking_holds_only_those_whose_whole_week_is_one_s_to_see(world: World) -> None:
    answer = world.ask("Owner", "/v1/fleets/{fleet}/ranking?of=drivers").json()
    # Li drove for another owner too.
    assert [place["driver_id"] for place in answer["places"]] == [world.numbers["wang"]]
    (first,) = answer["places"]
    assert (first["rank"], first["score_before"], first["name"]) == (1, None, None)


def test_a_week_without_scores_has_an_empty_ranking(world: World) -> None:
    answer = world.ask("Maker", "/v1/fleets/{foreign}/ranking", week="2026-W40").json()
    assert (answer["ranked"], answer["places"], answer["next"]) == (0, [], None)


def test_pages_of_a_ranking_hold_every_place_once(world: World) -> None:
    params = {"week": "2026-W44", "limit": 1}
    address = f"/v1/fleets/{world.numbers['fleet']}/ranking"
    answers = every_page(world.clients["Maker"], address, params)
    assert [place["rank"] for answer in answers for place in answer["places"]] == [1, 2]
    assert {answer["ranked"] for answer in answers} == {2}


# What cannot be asked


@pytest.mark.parametrize(
    ("path", "asked", "field", "way_out"),
    [
        ("/v1/vehicles/{A}/events", {"kind": "harsh_brake"}, "kind", "harsh_braking"),
        ("/v1/vehicles/{A}/events", {"kind": ""}, "kind", ""),
        ("/v1/vehicles/{A}/events", {"severity": "awful"}, "severity", ""),
        ("/v1/vehicles/{A}/events", {"end": SPAN["start"]}, "end", "later"),
        ("/v1/vehicles/{A}/events", {"cursor": "dDA"}, "cursor", "next"),
        ("/v1/vehicles/{A}/events", {"cursor": "cjAuMQ"}, "cursor", "next"),
        ("/v1/vehicles/{A}/scores", {"period": "month"}, "period", ""),
        ("/v1/drivers", {"cursor": "dDA"}, "cursor", "next"),
        ("/v1/vehicles/{A}/accumulated", {"day": "2026-10-26"}, "day", "spelling"),
        ("/v1/fleets/{fleet}/ranking", {"week": "2026-W54"}, "week", "2026-W53"),
        ("/v1/fleets/{fleet}/ranking", {"week": "2025-W53"}, "week", "2025-W52"),
        ("/v1/fleets/{fleet}/ranking", {"week": "2026-W00"}, "week", "2026-W53"),
        ("/v1/fleets/{fleet}/ranking", {"week": "2026-W5"}, "week", "2026-W44"),
        ("/v1/fleets/{fleet}/ranking", {"of": "cars"}, "of", ""),
        ("/v1/vehicles/{A}/events", {"limit": "1001"}, "limit", "openapi"),
        ("/v1/vehicles/{A}/events", {"start": "1999-12-31T00:00:00Z"}, "start", "openapi"),
        ("/v1/vehicles/{A}/events", {"start": "2026-10-18T00:00:00"}, "start", "time zone"),
        ("/v1/vehicles/{A}/events", {"limit": ["5", "6"]}, "limit", "once"),
        ("/v1/vehicles/{A}/events", {"kind": ["idling", "coasting"]}, "kind", "commas"),
        ("/v1/drivers/{wang}/scores", {"period": "trip"}, "period", "spelling"),
    ],
)
def test_what_cannot_be_asked_is_said_with_a_way_out(
    world: World, path: str, asked: dict[str, Any], field: str, way_out: str
) -> None:
    answer = world.ask("Maker", path, **asked)
    assert answer.status_code == 422
    assert answer.json()["faults"][0]["field"] == field
    assert way_out in answer.json()["way_out"]


@pytest.mark.parametrize(
    ("path", "asked", "detail"),
    [
        ("/v1/fleets/{fleet}/ranking", {}, "week is missing."),
        ("/v1/fleets/{fleet}/ranking", {"week": "2025-W53"}, "2025 has no week 53."),
        ("/v1/drivers", {"limit": "0"}, "limit: Input should be greater than or equal to 1."),
        ("/v1/drivers", {"page": "2"}, "There is no parameter page."),
        ("/v1/drivers", {"limit": ["5", "6"]}, "limit is given 2 times."),
        ("/v1/vehicles/{A}/state", {"group": "motion"}, "There is no parameter group."),
        (
            "/v1/vehicles/{A}/trips",
            {"start": "2026-10-18T00:00:00", "end": SPAN["end"]},
            "The time start lacks its time zone.",
        ),
        (
            "/v1/vehicles/{A}/trips",
            {"start": "1999-12-31T00:00:00Z", "end": SPAN["end"]},
            "start: use a time from 2000 and before 2100.",
        ),
    ],
)
def test_the_detail_alone_says_which_parameter_it_is(
    world: World, path: str, asked: dict[str, Any], detail: str
) -> None:
    address = path.format(A=A, **world.numbers)
    assert world.clients["Maker"].get(address, params=asked).json()["detail"] == detail


def test_counters_that_this_api_cannot_read_are_not_told(world: World, migrated: Migrated) -> None:
    change = "UPDATE accumulated SET layout_version = layout_version + %s"
    migrated.connection.execute(change, (1,))
    try:
        answer = world.ask("Owner", "/v1/vehicles/{A}/accumulated")
        assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")
    finally:
        migrated.connection.execute(change, (-1,))
