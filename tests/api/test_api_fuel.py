"""Fuel, tank events and advice over HTTP: what they hold, how it adds up, and every page of it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from analytics.fuel.prices import DIESEL_CO2_KG_L
from api.advice.fleet_advice import FleetAdvice
from api.advice.lists import DriverAdvice, VehicleAdvice
from api.advice.piece import AdvicePiece
from api.fuel.fleet_fuel import FleetFuel
from api.fuel.periods import DriverFuel, VehicleFuel
from api.fuel.tank import TankEvents
from tests.asking.api_fixture import every_page, served_as
from tests.worlds.behaviour_world import MONDAY, SPAN, A, B, World
from tests.worlds.served_fuel_world import BEFORE, FACTS, answer, ask, fuel_world_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.database_fixture import Migrated

VEHICLE, DRIVER = "/v1/vehicles/{A}/fuel", "/v1/drivers/{wang}/fuel"


@pytest.fixture(scope="module")
def world(migrated: Migrated) -> Iterator[World]:
    with fuel_world_in(migrated) as filled:
        yield filled


def periods(world: World, party: str, path: str, by: str, **more: Any) -> list[dict[str, Any]]:
    found = ask(world, party, path, by=by, **more)
    assert found.status_code == 200, found.text
    body = found.json()
    assert (body["by"], body["next"]) == (by, None)
    rows: list[dict[str, Any]] = body["periods"]
    return rows


def pieces(world: World, party: str, path: str, **more: Any) -> list[dict[str, Any]]:
    found = ask(world, party, path, **more)
    assert found.status_code == 200, found.text
    assert found.json()["next"] is None
    rows: list[dict[str, Any]] = found.json()["advice"]
    return rows


def test_every_answer_is_as_described(world: World) -> None:
    for path, model in (
        (VEHICLE, VehicleFuel),
        (DRIVER, DriverFuel),
        ("/v1/fleets/{fleet}/fuel", FleetFuel),
        ("/v1/vehicles/{A}/tank-events", TankEvents),
        ("/v1/vehicles/{A}/advice", VehicleAdvice),
        ("/v1/drivers/{wang}/advice", DriverAdvice),
        ("/v1/fleets/{fleet}/advice", FleetAdvice),
        ("/v1/advice/{old_tyres}", AdvicePiece),
    ):
        model.model_validate_json(ask(world, "Maker", path).content)
    for by in ("part", "day", "week", "total"):
        VehicleFuel.model_validate_json(ask(world, "Maker", VEHICLE, by=by).content)


# Fuel


def test_a_part_comes_with_its_litres_their_source_and_what_they_are_per(world: World) -> None:
    _, first, unknown = periods(world, "Owner", VEHICLE, "part")
    assert (first["start"], first["end"]) == ("2026-10-25T18:00:00Z", "2026-10-25T19:00:00Z")
    assert (first["trip_start"], first["vin"]) == (first["start"], A)
    assert first["driver_id"] == world.numbers["wang"]
    assert first["corridor"] == "31.25N121.40E>30.25N120.15E"
    assert (first["fuel_l"], first["source"]) == (18.0, "counter")
    assert (first["counter_l"], first["rate_l"], first["tank_l"]) == (18.0, 18.36, None)
    assert first["disagreement_percent"] == 2.0
    assert first["l_per_100km"] == pytest.approx(100 * 18 / 60)
    assert first["l_per_100tkm"] == pytest.approx(100 * 18 / 600)
    assert first["co2_kg"] == pytest.approx(18 * DIESEL_CO2_KG_L)
    assert (first["cost"], first["currency"]) == (pytest.approx(18 * 7.5), "CNY")
    assert (first["idle_fuel_l"], first["moving_fuel_l"]) == (1.8, 16.2)
    assert (first["missing"], first["ascent_m"], first["stops"]) == (["gradient"], 150.0, 2)
    assert first["expected"] == {
        "by": "physics",
        "expected_l": 16.0,
        "low_l": 15.0,
        "high_l": 17.0,
        "actual_l": 18.0,
        "ratio": pytest.approx(18 / 16),
        "ratio_low": pytest.approx(18 / 17),
        "ratio_high": pytest.approx(18 / 15),
    }
    assert first["excess_l"] == 2.0
    idling, rest = first["causes"]
    assert idling == {
        "cause": "idling",
        "excess_l": 1.5,
        "low_l": 1.0,
        "high_l": 2.0,
        "percent": pytest.approx(100 * 1.5 / 18),
    }
    assert rest["cause"] == "rest"
    # What is not known is null, and nobody is told to have driven.
    for name in ("fuel_l", "source", "l_per_100km", "co2_kg", "cost", "expected", "excess_l"):
        assert unknown[name] is None, name
    assert (unknown["driver_id"], unknown["unmeasured_parts"]) == (None, 1)
    assert (unknown["distance_km"], unknown["causes"]) == (60.0, [])


def test_periods_hold_what_began_in_them_by_the_fleet_s_clock(world: World) -> None:
    days = periods(world, "Owner", VEHICLE, "day")
    assert [(day["start"], day["end"], day["parts"]) for day in days] == [
        ("2026-10-19T16:00:00Z", "2026-10-20T16:00:00Z", 1),
        ("2026-10-25T16:00:00Z", "2026-10-26T16:00:00Z", 1),
        ("2026-10-26T16:00:00Z", "2026-10-27T16:00:00Z", 1),
    ]
    weeks = periods(world, "Owner", VEHICLE, "week")
    assert [(week["start"], week["parts"], week["fuel_l"]) for week in weeks] == [
        ("2026-10-18T16:00:00Z", 1, 30.0),
        ("2026-10-25T16:00:00Z", 2, 18.0),
    ]
    assert {week["time_zone"] for week in weeks} == {"Asia/Shanghai"}
    assert {week["driver_id"] for week in weeks} == {None}
    (total,) = periods(world, "Owner", VEHICLE, "total")
    assert (total["start"], total["end"]) == (SPAN["start"], SPAN["end"])
    assert (total["parts"], total["fuel_l"], total["time_zone"]) == (3, 48.0, None)


def test_a_week_that_begins_in_the_span_is_told_as_a_whole(world: World) -> None:
    # The span ends before anything was driven that week, and begins amid the one before.
    span = {"start": "2026-10-19T00:00:00Z", "end": "2026-10-25T16:00:01Z"}
    (week,) = periods(world, "Owner", VEHICLE, "week", **span)
    assert (week["start"], week["fuel_l"]) == ("2026-10-25T16:00:00Z", 18.0)


def test_what_is_not_measured_spoils_no_quotient(world: World) -> None:
    (total,) = periods(world, "Owner", VEHICLE, "total")
    assert (total["distance_km"], total["unmeasured_parts"]) == (220.0, 1)
    # 48 L on 160 km: the 60 km whose fuel is not known do not count.
    assert total["l_per_100km"] == pytest.approx(100 * 48 / 160)
    # The load is known on 60 km of them, with 18 L.
    assert total["l_per_100tkm"] == pytest.approx(100 * 18 / 600)
    assert total["expected"]["actual_l"] == 18.0
    assert total["disagreement_percent"] == 2.0
    assert total["missing"] == ["counter", "gradient", "rate"]


def test_litres_of_causes_add_up_to_the_excess(world: World) -> None:
    for path in (VEHICLE, DRIVER):
        for by in ("part", "day", "week", "total"):
            for period in periods(world, "Maker", path, by):
                if period["excess_l"] is not None:
                    litres = math.fsum(cause["excess_l"] for cause in period["causes"])
                    assert litres == pytest.approx(period["excess_l"])


def test_longer_periods_hold_the_sums_of_shorter_ones(world: World) -> None:
    for path in (VEHICLE, DRIVER):
        (total,) = periods(world, "Maker", path, "total")
        for by in ("part", "day", "week"):
            rows = periods(world, "Maker", path, by)
            for name in ("parts", "distance_km", "fuel_l", "excess_l", "idle_fuel_l", "stops"):
                assert math.fsum(row[name] or 0 for row in rows) == pytest.approx(total[name])


def test_intervals_add_up_within_a_vehicle_and_as_squares_over_vehicles(world: World) -> None:
    # Wang drove A (16 ± 1 expected, idling 1.5 ± 0.5) and B (18 ± 2, idling 0.5 ± 1.2).
    (total,) = periods(world, "Maker", DRIVER, "total")
    assert total["expected"]["expected_l"] == 34.0
    assert total["expected"]["low_l"] == pytest.approx(34 - math.hypot(1, 2))
    assert total["expected"]["high_l"] == pytest.approx(34 + math.hypot(1, 2))
    assert (total["expected"]["by"], total["source"]) == ("mixed", "mixed")
    idling = next(cause for cause in total["causes"] if cause["cause"] == "idling")
    assert idling["excess_l"] == 2.0
    # The half-widths are 0.5 and 1.2: of a triple of whole numbers with 1.3.
    assert (idling["low_l"], idling["high_l"]) == (pytest.approx(0.7), pytest.approx(3.3))
    # Of the 38 L that were looked into, not of all 68.
    assert idling["percent"] == pytest.approx(100 * 2 / 38)


def test_nothing_was_carried_where_a_vehicle_ran_empty(world: World) -> None:
    first, _ = periods(world, "Owner", "/v1/vehicles/{B}/fuel", "part")
    assert (first["payload_t_km"], first["l_per_100tkm"], first["empty_km"]) == (0.0, None, 60.0)


def test_the_price_and_the_carbon_of_a_litre_are_settings(world: World, migrated: Migrated) -> None:
    prices: dict[str, Any] = {"fuel_price": 1.6, "fuel_currency": "EUR", "fuel_co2_kg_l": 2.5}
    with served_as(migrated, "Maker", **prices) as client:
        params = {**SPAN, "by": "total"}
        (total,) = client.get(f"/v1/vehicles/{A}/fuel", params=params).json()["periods"]
        assert (total["cost"], total["currency"]) == (pytest.approx(48 * 1.6), "EUR")
        assert total["co2_kg"] == pytest.approx(48 * 2.5)
        saving = client.get(f"/v1/advice/{world.numbers['idling']}").json()["saving"]
        assert (saving["money"], saving["currency"]) == (pytest.approx(1.5 * 1.6), "EUR")
        assert saving["co2_kg"] == pytest.approx(1.5 * 2.5)


@pytest.mark.parametrize("order", ["oldest_first", "newest_first"])
@pytest.mark.parametrize("limit", [1, 2, 4])
@pytest.mark.parametrize("by", ["part", "day", "week"])
@pytest.mark.parametrize("path", [VEHICLE, DRIVER])
def test_pages_hold_every_period_once_in_order(
    world: World, path: str, by: str, limit: int, order: str
) -> None:
    address = path.format(A=A, **world.numbers)
    params = {**SPAN, "by": by, "limit": limit, "order": order}
    answers = every_page(world.clients["Maker"], address, params)
    rows = [row for answer in answers for row in answer["periods"]]
    assert all(len(answer["periods"]) <= limit for answer in answers)
    # Both have the week before and Monday; of A there is Tuesday, of Wang there is B on Monday.
    assert len(rows) == {"part": 3, "day": 3 if path == VEHICLE else 2, "week": 2}[by]
    starts = [row["start"] for row in rows]
    assert starts == sorted(starts, reverse=order == "newest_first")
    assert math.fsum(row["fuel_l"] or 0 for row in rows) == (48.0 if path == VEHICLE else 68.0)


def test_parts_that_start_at_once_in_two_vehicles_are_two(world: World, migrated: Migrated) -> None:
    # Li's two drives are moved to one moment.
    change = "UPDATE fuel_part SET part_start = part_start + %s, end_time = end_time + %s,"
    change += " trip_start = trip_start + %s WHERE vehicle_id = %s AND driver_id = %s"
    shift = 22 * (MONDAY - BEFORE) / 144  # 22 hours: from 8 to 30 hours after Monday began
    where = (world.numbers["b"], world.numbers["li"])
    migrated.connection.execute(change, (shift, shift, shift, *where))
    try:
        params = {**SPAN, "by": "part", "limit": 1}
        address = f"/v1/drivers/{world.numbers['li']}/fuel"
        answers = every_page(world.clients["Maker"], address, params)
        rows = [row for answer in answers for row in answer["periods"]]
        assert len({row["start"] for row in rows}) == 1
        assert sorted(row["fuel_l"] for row in rows) == [24.0, 25.0]
    finally:
        migrated.connection.execute(change, (-shift, -shift, -shift, *where))


# A fleet's


def test_a_fleet_s_fuel_is_divided_by_vehicle_driver_or_corridor(world: World) -> None:
    def rows(of: str, key: str) -> list[tuple[Any, float, int]]:
        body = ask(world, "Owner", "/v1/fleets/{fleet}/fuel", of=of).json()
        assert (body["of"], body["name"], body["next"]) == (of, "All of ours", None)
        assert (body["total"]["fuel_l"], body["total"]["parts"]) == (92.0, 5)
        return [(row[key], row["fuel_l"], row["parts"]) for row in body["rows"]]

    wang, li = world.numbers["wang"], world.numbers["li"]
    assert rows("vehicles", "vin") == [(A, 48.0, 3), (B, 44.0, 2)]
    assert rows("drivers", "driver_id") == [(wang, 68.0, 3), (li, 24.0, 1), (None, None, 1)]
    assert rows("corridors", "corridor") == [
        (None, 54.0, 3),
        ("31.25N121.40E>30.25N120.15E", 38.0, 2),
    ]


def test_a_fleet_has_what_was_driven_while_a_vehicle_was_in_it(
    world: World, migrated: Migrated
) -> None:
    change = (
        "UPDATE fleet_vehicle SET member = tstzrange(%s, upper(member))"
        " WHERE fleet_id = %s AND vehicle_id = %s"
    )
    where = (world.numbers["fleet"], world.numbers["a"])
    ((since,),) = migrated.connection.execute(
        "SELECT lower(member) FROM fleet_vehicle WHERE fleet_id = %s AND vehicle_id = %s", where
    ).fetchall()
    migrated.connection.execute(change, (MONDAY, *where))
    try:
        body = ask(world, "Owner", "/v1/fleets/{fleet}/fuel").json()
        assert [(row["vin"], row["fuel_l"]) for row in body["rows"]] == [(B, 44.0), (A, 18.0)]
    finally:
        migrated.connection.execute(change, (since, *where))


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_pages_of_a_fleet_s_fuel_hold_every_row_once(world: World, limit: int) -> None:
    params = {**SPAN, "of": "drivers", "limit": limit}
    address = f"/v1/fleets/{world.numbers['fleet']}/fuel"
    answers = every_page(world.clients["Maker"], address, params)
    rows = [row["fuel_l"] for answer in answers for row in answer["rows"]]
    assert rows == [68.0, 24.0, None]
    assert {answer["total"]["fuel_l"] for answer in answers} == {92.0}


def test_a_fleet_without_driving_has_no_fuel(world: World) -> None:
    body = ask(world, "Maker", "/v1/fleets/{foreign}/fuel").json()
    assert (body["total"], body["rows"], body["next"]) == (None, [], None)


# The tank


def test_what_happened_to_the_tank_says_how_sure_it_is(world: World) -> None:
    body = ask(world, "Owner", "/v1/vehicles/{A}/tank-events").json()
    assert [event["kind"] for event in body["events"]] == ["refuelling", "theft", "loss"]
    assert body["events"][0] == {
        "kind": "refuelling",
        "start": "2026-10-26T16:00:00Z",
        "end": "2026-10-26T16:10:00Z",
        "litres": 50.0,
        "low_l": 46.0,
        "high_l": 54.0,
        "level_before_l": 200.0,
        "level_after_l": None,
        "position": {"latitude": 31.25, "longitude": 121.5, "time": "2026-10-26T16:00:00Z"},
    }
    of_kind = ask(world, "Owner", "/v1/vehicles/{A}/tank-events", kind="theft").json()
    assert [event["kind"] for event in of_kind["events"]] == ["theft"]


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_pages_hold_every_tank_event_once(world: World, limit: int) -> None:
    for order in ("oldest_first", "newest_first"):
        params = {**SPAN, "limit": limit, "order": order}
        answers = every_page(world.clients["Owner"], f"/v1/vehicles/{A}/tank-events", params)
        starts = [event["start"] for answer in answers for event in answer["events"]]
        assert len(starts) == 3
        assert starts == sorted(set(starts), reverse=order == "newest_first")


# Advice


def test_advice_says_what_to_change_what_it_brings_and_what_shows_it(world: World) -> None:
    body = ask(world, "Owner", "/v1/advice/{idling}").json()
    assert (body["vin"], body["driver_id"]) == (A, world.numbers["wang"])
    assert (body["week"], body["start"]) == ("2026-W44", "2026-10-25T16:00:00Z")
    assert body["saving"] == {
        "unit": "l",
        "value": 1.5,
        "low": 1.0,
        "high": 2.0,
        "money": pytest.approx(1.5 * 7.5),
        "money_low": pytest.approx(7.5),
        "money_high": pytest.approx(15.0),
        "currency": "CNY",
        "co2_kg": pytest.approx(1.5 * DIESEL_CO2_KG_L),
    }
    assert "5.2 h" in body["text"]["sentence"]
    assert body["evidence"]["parts"] == [
        {
            "trip_start": "2026-10-25T18:00:00Z",
            "part_start": "2026-10-25T18:00:00Z",
            "distance_km": 60.0,
            "litres": 1.5,
            "km": None,
            "hours": None,
        }
    ]
    assert body["evidence"]["chart"]["unit"] == "L"
    assert len(body["evidence"]["chart"]["days"]) == 7
    assert (body["status"], body["confidence"], body["effort"]) == ("given", "medium", "low")
    assert body["result"] is None


@pytest.mark.parametrize(
    "path",
    [
        "/v1/advice/{idling}",
        "/v1/vehicles/{A}/advice",
        "/v1/drivers/{wang}/advice",
        "/v1/fleets/{fleet}/advice",
    ],
)
def test_texts_are_in_the_language_that_is_liked_best(world: World, path: str) -> None:
    def title(wish: str | None, language: str) -> str:
        headers = {} if wish is None else {"accept-language": wish}
        got = ask(world, "Owner", path, headers=headers)
        assert got.headers["content-language"] == language
        assert "Accept-Language" in got.headers["vary"].split(", ")
        body = got.json()
        piece = next(one for one in body.get("advice", [body]) if one["cause"] == "idling")
        if path.startswith("/v1/fleets"):
            assert is_chinese(body["savings"]["text"]) == (language == "zh-CN")
        text: str = piece["text"]["title"]
        return text

    english = title(None, "en")
    assert title("de, fr;q=0.8", "en") == title("en-GB,zh;q=0.5", "en") == english
    chinese = title("zh-CN,zh;q=0.9,en;q=0.5", "zh-CN")
    assert is_chinese(chinese)
    assert not is_chinese(english)


def is_chinese(text: str) -> bool:
    return any("一" <= character <= "鿿" for character in text)


def test_what_saves_no_fuel_is_counted_in_what_it_saves(world: World) -> None:
    body = ask(world, "Owner", "/v1/advice/{empty}").json()
    saving = body["saving"]
    assert (saving["unit"], saving["value"]) == ("km", FACTS["value"])
    assert (saving["low"], saving["money"], saving["co2_kg"]) == (None, None, None)


def test_advice_without_words_for_it_comes_without_words(world: World, migrated: Migrated) -> None:
    change = "UPDATE advice SET cause = %s WHERE advice_id = %s"
    migrated.connection.execute(change, ("flying", world.numbers["tyres"]))
    try:
        found = pieces(world, "Owner", "/v1/vehicles/{A}/advice")
        told = {one["cause"]: (one["text"], one["saving"]) for one in found}
        assert told["flying"] == (None, None)
        assert told["idling"][0] is not None
    finally:
        migrated.connection.execute(change, ("tyres", world.numbers["tyres"]))


def test_advice_that_was_followed_up_says_whether_it_helped(world: World) -> None:
    body = ask(world, "Owner", "/v1/advice/{old_tyres}").json()
    result = body["result"]
    assert result.pop("measured_at").endswith("Z")
    assert result == {
        "verdict": "helped",
        "weeks_before": 4,
        "weeks_after": 3,
        "saved_l_per_100km": 0.7,
        "saved_low_l_per_100km": 0.2,
        "saved_high_l_per_100km": 1.2,
        "saved_l": 74.0,
        "saved_low_l": 21.0,
        "saved_high_l": 127.0,
    }
    assert "74" in body["text"]["result"]


def test_advice_on_a_vehicle_is_by_week_the_greatest_saving_first(world: World) -> None:
    told = [
        (one["week"], one["cause"]) for one in pieces(world, "Owner", "/v1/vehicles/{A}/advice")
    ]
    assert told == [("2026-W43", "tyres"), ("2026-W44", "tyres"), ("2026-W44", "idling")]
    newest = pieces(world, "Owner", "/v1/vehicles/{A}/advice", order="newest_first")
    assert [(one["week"], one["cause"]) for one in newest] == told[1:] + told[:1]


def test_a_fleet_s_advice_is_ranked_by_what_it_would_save(world: World) -> None:
    body = ask(world, "Owner", "/v1/fleets/{fleet}/advice").json()
    told = [(one["vin"], one["cause"]) for one in body["advice"]]
    # 3.0, 2.5, then 1.5 twice in the order they were given, and what saves no fuel last.
    assert told == [(A, "tyres"), (B, "idling"), (A, "idling"), (B, "speed"), (B, "empty_running")]
    savings = body["savings"]
    assert (savings["saved_l"], savings["saved_low_l"], savings["saved_high_l"]) == (74, 21, 127)
    assert (savings["results"], savings["helped"], savings["worse"]) == (1, 1, 0)
    assert savings["money"] == pytest.approx(74 * 7.5)


def test_what_was_dismissed_has_saved_nothing(world: World, migrated: Migrated) -> None:
    change = "UPDATE advice SET status = %s WHERE advice_id = %s"
    migrated.connection.execute(change, ("dismissed", world.numbers["old_tyres"]))
    try:
        savings = ask(world, "Owner", "/v1/fleets/{fleet}/advice").json()["savings"]
        assert (savings["saved_l"], savings["results"]) == (0.0, 0)
    finally:
        migrated.connection.execute(change, ("given", world.numbers["old_tyres"]))


@pytest.mark.parametrize("limit", [1, 2, 4])
def test_pages_hold_every_piece_once(world: World, limit: int) -> None:
    fleet, wang = world.numbers["fleet"], world.numbers["wang"]
    for path, asked, count in (
        (f"/v1/vehicles/{A}/advice", SPAN, 3),
        (f"/v1/vehicles/{A}/advice", {**SPAN, "order": "newest_first"}, 3),
        (f"/v1/drivers/{wang}/advice", SPAN, 2),
        (f"/v1/fleets/{fleet}/advice", {"week": "2026-W44"}, 5),
    ):
        answers = every_page(world.clients["Owner"], path, {**asked, "limit": limit})
        numbers = [one["advice_id"] for answer in answers for one in answer["advice"]]
        assert len(numbers) == len(set(numbers)) == count


# What becomes of it


@pytest.fixture
def fresh(world: World, migrated: Migrated) -> World:
    """A world in which nobody has answered yet."""
    migrated.connection.execute(
        "UPDATE advice SET status = 'given', status_at = given_at WHERE status <> 'given'"
    )
    return world


def test_advice_is_seen_and_answered_and_an_answer_may_change(fresh: World) -> None:
    for status in ("seen", "accepted", "dismissed", "accepted"):
        told = answer(fresh, "Owner", "idling", status)
        assert (told.status_code, told.json()["status"]) == (200, status)
        assert told.json() == ask(fresh, "Owner", "/v1/advice/{idling}").json()
        assert told.headers["content-language"] == "en"
    of_status = [
        [one["cause"] for one in pieces(fresh, "Owner", "/v1/vehicles/{A}/advice", status=status)]
        for status in ("accepted", "given", "seen, dismissed", "given,accepted")
    ]
    assert of_status == [["idling"], ["tyres", "tyres"], [], ["tyres", "tyres", "idling"]]


@pytest.mark.parametrize("status", ["seen", "accepted", "dismissed"])
def test_to_say_it_again_changes_nothing(fresh: World, status: str) -> None:
    first = answer(fresh, "Owner", "idling", status).json()
    again = answer(fresh, "Owner", "idling", status)
    assert (again.status_code, again.json()) == (200, first)


@pytest.mark.parametrize("status", ["accepted", "dismissed"])
def test_what_was_answered_does_not_become_unanswered(fresh: World, status: str) -> None:
    first = answer(fresh, "Owner", "idling", status).json()
    refusal = answer(fresh, "Owner", "idling", "seen")
    assert (refusal.status_code, refusal.json()["code"]) == (409, "already_answered")
    assert status in refusal.json()["detail"]
    assert "dismissed" in refusal.json()["way_out"]
    assert ask(fresh, "Owner", "/v1/advice/{idling}").json() == first


@pytest.mark.parametrize(
    ("content", "media", "field"),
    [
        ('{"status": "given"}', "application/json", "status"),
        ('{"status": "loved"}', "application/json", "status"),
        ('{"status": null}', "application/json", "status"),
        ('{"state": "seen"}', "application/json", "state"),
        ("{}", "application/json", "status"),
        ('"seen"', "application/json", "body"),
        ("[]", "application/json", "body"),
        ("status=seen", "application/json", "body"),
        ("", "application/json", "body"),
    ],
)
def test_an_answer_that_is_none_is_refused_with_a_way_out(
    fresh: World, content: str, media: str, field: str
) -> None:
    refusal = fresh.clients["Owner"].patch(
        f"/v1/advice/{fresh.numbers['idling']}", content=content, headers={"content-type": media}
    )
    assert (refusal.status_code, refusal.json()["code"]) == (422, "invalid_parameter")
    faults = refusal.json()["faults"]
    assert field in {fault["field"] for fault in faults}
    assert all(fault["way_out"] for fault in faults)
    assert ask(fresh, "Owner", "/v1/advice/{idling}").json()["status"] == "given"


@pytest.mark.parametrize(
    ("content", "media"),
    [
        ("status=seen", "application/x-www-form-urlencoded"),
        ('{"status": "seen"}', "text/plain"),
    ],
)
def test_what_a_page_elsewhere_could_send_unasked_is_no_answer(
    fresh: World, content: str, media: str
) -> None:
    refusal = fresh.clients["Owner"].patch(
        f"/v1/advice/{fresh.numbers['idling']}", content=content, headers={"content-type": media}
    )
    assert (refusal.status_code, refusal.json()["code"]) == (415, "unsupported_media_type")
    assert "application/json" in refusal.json()["way_out"]
    assert ask(fresh, "Owner", "/v1/advice/{idling}").json()["status"] == "given"


def test_the_address_says_which_methods_it_takes(world: World) -> None:
    refusal = world.clients["Owner"].delete(f"/v1/advice/{world.numbers['idling']}")
    assert (refusal.status_code, refusal.json()["code"]) == (405, "method_not_allowed")
    assert refusal.headers["allow"] == "GET, PATCH"


def test_a_page_elsewhere_is_not_let_in_by_its_visitor_s_browser(world: World) -> None:
    """A browser asks before it sends a PATCH from one place to another; nobody says yes."""
    asked = world.clients["Owner"].options(
        f"/v1/advice/{world.numbers['idling']}",
        headers={"origin": "https://evil.example", "access-control-request-method": "PATCH"},
    )
    assert asked.status_code == 405
    assert not [name for name in asked.headers if name.startswith("access-control")]


# What cannot be asked


@pytest.mark.parametrize(
    ("path", "asked", "field", "way_out"),
    [
        (VEHICLE, {"by": "month"}, "by", "openapi"),
        (VEHICLE, {"limit": "501"}, "limit", "openapi"),
        (VEHICLE, {"end": SPAN["start"]}, "end", "later"),
        (VEHICLE, {"cursor": "bjE"}, "cursor", "next"),
        (VEHICLE, {"by": "total", "cursor": "cjAuMQ"}, "cursor", "out"),
        (DRIVER, {"of": "vehicles"}, "of", "spelling"),
        ("/v1/fleets/{fleet}/fuel", {"of": "cars"}, "of", "openapi"),
        ("/v1/fleets/{fleet}/fuel", {"end": SPAN["start"]}, "end", "later"),
        ("/v1/fleets/{fleet}/fuel", {"cursor": "cjAuMQ"}, "cursor", "next"),
        ("/v1/vehicles/{A}/tank-events", {"kind": "spill"}, "kind", "openapi"),
        ("/v1/vehicles/{A}/advice", {"status": "given,loved"}, "status", "accepted"),
        ("/v1/vehicles/{A}/advice", {"status": ["seen", "given"]}, "status", "commas"),
        ("/v1/fleets/{fleet}/advice", {"week": "2026-W54"}, "week", "2026-W53"),
        ("/v1/fleets/{fleet}/advice", {"cursor": "cjAuMQ"}, "cursor", "next"),
        ("/v1/advice/{idling}", {"lang": "zh"}, "lang", "spelling"),
    ],
)
def test_what_cannot_be_asked_is_said_with_a_way_out(
    world: World, path: str, asked: dict[str, Any], field: str, way_out: str
) -> None:
    refusal = ask(world, "Maker", path, **asked)
    assert refusal.status_code == 422
    assert refusal.json()["faults"][0]["field"] == field
    assert way_out in refusal.json()["way_out"]


def test_a_cursor_far_beyond_the_end_finds_nothing(world: World) -> None:
    # n999999999999999999, the greatest number a cursor holds
    far = "bjk5OTk5OTk5OTk5OTk5OTk5OQ"
    assert ask(world, "Owner", "/v1/fleets/{fleet}/fuel", cursor=far).json()["rows"] == []
    assert ask(world, "Owner", "/v1/fleets/{fleet}/advice", cursor=far).json()["advice"] == []
