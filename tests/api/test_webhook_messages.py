"""What is found is told: signed, once, and to all who may know it and nobody else."""

from __future__ import annotations

import asyncio
import base64
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from api.webhooks.metrics import Metrics
from storage.connection import connect
from tests.samples.behaviour_samples import harsh_brakings, store
from tests.worlds.served_fuel_world import insert, piece, tank_event
from tests.worlds.webhook_world import NOW, A, B, Receiver, World, signed_by, webhook_world

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.database_fixture import Migrated


@pytest.fixture(scope="module")
def made(migrated: Migrated) -> Iterator[World]:
    with webhook_world(migrated) as world:
        yield world


@pytest.fixture
def world(made: World) -> Iterator[World]:
    yield made
    made.clear()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as listening:
        yield listening


# What a message says


def test_a_driving_event_is_told_as_the_api_tells_it_and_signed(
    world: World, receiver: Receiver
) -> None:
    hook = world.make(receiver.url)
    at = world.event()
    world.send()
    (posted,) = receiver.got
    assert signed_by(posted, hook["secret"])
    assert not signed_by(posted, "whsec_" + base64.b64encode(bytes(32)).decode())
    span = {"start": at.isoformat(), "end": (at + timedelta(seconds=1)).isoformat()}
    listed = world.clients["Owner"].get(f"/v1/vehicles/{A}/events", params=span).json()
    assert posted.data == listed["events"][0]
    assert posted.data["driver_id"] == world.driver
    assert posted.message["type"] == "driving_event.harsh_braking"
    assert posted.message["vin"] == A
    assert posted.path == "/hook"
    assert posted.headers["content-type"] == "application/json"


def test_a_tank_event_is_told_as_the_api_tells_it(world: World, receiver: Receiver) -> None:
    world.make(receiver.url, kinds=["tank_event.theft"])
    connection, at = world.database.connection, NOW - timedelta(hours=2)
    tank_event(connection, world.vehicles[A], at, "theft")
    tank_event(connection, world.vehicles[A], at + timedelta(hours=1), "refuelling")
    world.send()
    span = {"start": at.isoformat(), "end": NOW.isoformat(), "kind": "theft"}
    listed = world.clients["Owner"].get(f"/v1/vehicles/{A}/tank-events", params=span).json()
    assert [one.data for one in receiver.got] == listed["events"]
    assert receiver.types == ["tank_event.theft"]


def test_a_trouble_code_is_told_as_the_api_tells_it(world: World, receiver: Receiver) -> None:
    world.make(receiver.url, kinds=["trouble_code.red_stop"])
    for spn, lamp in ((100, "RED_STOP"), (3251, "AMBER_WARNING")):
        world.execute(
            "INSERT INTO trouble_code (vehicle_id, time, spn, fmi, source_address, lamp, active)"
            " VALUES (%s, %s, %s, 16, 3, %s, true)",
            world.vehicles[A],
            NOW,
            spn,
            lamp,
        )
    world.send()
    state = world.clients["Owner"].get(f"/v1/vehicles/{A}/state").json()
    assert [one.data for one in receiver.got] == [
        code for code in state["trouble_codes"] if code["lamp"] == "RED_STOP"
    ]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_advice_is_told_as_the_api_tells_it_in_the_language_that_is_asked_for(
    world: World, receiver: Receiver, language: str
) -> None:
    world.make(receiver.url, kinds=["advice.*"], language=language)
    monday = (NOW - timedelta(days=NOW.weekday())).date()
    number = piece(world.database.connection, world.vehicles[A], None, "tyres", 3.0, week=monday)
    world.send()
    told = world.clients["Owner"].get(f"/v1/advice/{number}", headers={"Accept-Language": language})
    assert [one.data for one in receiver.got] == [told.json()]
    assert receiver.types == ["advice.tyres"]


def test_advice_that_is_given_anew_is_told_once(world: World, receiver: Receiver) -> None:
    world.make(receiver.url, kinds=["advice.tyres"])
    monday = (NOW - timedelta(days=NOW.weekday())).date()
    for _ in range(2):
        piece(world.database.connection, world.vehicles[A], None, "tyres", 3.0, week=monday)
        world.send()
        world.execute("DELETE FROM advice")
    assert len(receiver.got) == 1


def test_what_is_asked_for_is_told_and_nothing_else(world: World, receiver: Receiver) -> None:
    world.make(receiver.url, kinds=["driving_event.idling", "tank_event.*"])
    world.event()
    world.event(kind="idling")
    world.send()
    assert receiver.types == ["driving_event.idling"]


def test_what_is_less_severe_is_not_told(world: World, receiver: Receiver) -> None:
    world.make(receiver.url, severity="high")
    world.event(severity=2)
    world.event(severity=3)
    world.send()
    assert [one.data["severity"] for one in receiver.got] == ["high"]


def test_filters_take_vehicles_of_the_fleet_and_of_the_list(
    world: World, receiver: Receiver
) -> None:
    with Receiver() as other:
        world.make(receiver.url, fleet_id=world.fleet)
        world.make(other.url, vins=[A])
        world.event(A)
        world.event(B)
        world.send()
        assert [one.message["vin"] for one in receiver.got] == [B]
        assert [one.message["vin"] for one in other.got] == [A]


def test_what_ended_before_the_webhook_was_made_is_no_news(
    world: World, receiver: Receiver
) -> None:
    hook = world.make(receiver.url)
    world.execute("UPDATE webhook SET created_at = now() WHERE webhook_id = %s", hook["webhook_id"])
    world.event()
    world.send()
    assert receiver.got == []


# Whom it is told


def test_each_is_told_of_what_he_may_see_and_no_more(world: World) -> None:
    hooks = {name: Receiver() for name in world.parties}
    for name, listening in hooks.items():
        with listening:
            world.make(listening.url, party=name)
            world.event(A)
            world.event(A, kind="fatigue_china_4h", severity=3)
            world.event(B)
            world.send()
        world.clear()
    seen = {name: sorted(set(listening.types)) for name, listening in hooks.items()}
    both = ["driving_event.fatigue_china_4h", "driving_event.harsh_braking"]
    assert seen == {"Owner": both, "Maker": both, "Workshop": both[1:], "Stranger": []}
    (for_workshop,) = hooks["Workshop"].got
    assert for_workshop.message["vin"] == A
    assert for_workshop.data["driver_id"] is None
    assert {one.message["vin"] for one in hooks["Owner"].got} == {A, B}


def test_a_grant_that_ended_before_it_was_sent_lets_nothing_out(
    world: World, receiver: Receiver
) -> None:
    hook = world.make(receiver.url, party="Workshop")
    world.event()
    assert world.told(hook, "Workshop")["waiting"] == 1
    before = world.execute("SELECT valid FROM vehicle_access WHERE purpose = 'service'")
    world.execute(
        "UPDATE vehicle_access SET valid = tstzrange(now() - interval '2 h', now())"
        " WHERE purpose = 'service'"
    )
    try:
        metrics = Metrics()
        world.send(metrics=metrics)
    finally:
        world.execute(
            "UPDATE vehicle_access SET valid = %s WHERE purpose = 'service'", before[0][0]
        )
    assert receiver.got == []
    assert world.deliveries(hook, "Workshop") == []  # that it was there is not told either
    counted = metrics.registry.get_sample_value(
        "telemetry_webhooks_attempts_total",
        {"source": "driving_event", "result": "withheld"},
    )
    assert counted == 1


def test_what_is_sent_is_in_the_log_of_reads(world: World, receiver: Receiver) -> None:
    hook = world.make(receiver.url)
    world.event()
    world.send()
    rows = world.execute(
        "SELECT party_id, role, route, vins, driver_ids, purpose, status FROM access_log"
        " WHERE subject = %s",
        f"webhook:{hook['webhook_id']}",
    )
    route = "/v1/webhooks/{webhook_id}"
    assert rows == [
        (world.parties["Owner"], "owner", route, [A], [world.driver], hook["name"], 204)
    ]


# Once, and under one id


def test_an_event_that_is_found_again_unchanged_is_told_once(
    world: World, receiver: Receiver
) -> None:
    world.make(receiver.url)
    at = world.event()
    for _ in range(3):
        world.send()
        world.forget_events()
        world.event(start_time=at)
    world.later()
    world.send()
    assert len(receiver.got) == 1


def test_an_event_that_is_found_again_before_it_was_sent_is_told_once_as_it_is_then(
    world: World, receiver: Receiver
) -> None:
    world.make(receiver.url)
    at = world.event()
    world.forget_events()
    world.event(start_time=at, peak=5.5)
    world.send()
    assert [one.data["peak"] for one in receiver.got] == [5.5]


def test_an_event_that_has_changed_is_told_again_after_a_while_under_another_id(
    world: World, receiver: Receiver
) -> None:
    world.make(receiver.url)
    at = world.event()
    world.send()
    for peak in (5.0, 5.5):
        world.forget_events()
        world.event(start_time=at, peak=peak)
        world.send()
    assert len(receiver.got) == 1
    world.later()
    world.send()
    assert [one.data["peak"] for one in receiver.got] == [4.1, 5.5]
    assert len(set(receiver.ids)) == 2


def test_what_analysis_stores_is_told_in_the_transaction_that_stores_it(
    world: World, receiver: Receiver
) -> None:
    world.make(receiver.url, kinds=["driving_event.harsh_braking"])
    span = (NOW - timedelta(hours=3), NOW - timedelta(hours=2))
    drive = (span[0], 30, "CHN1")
    moments = [(span[0] + timedelta(minutes=n), "CHN1") for n in range(3)]
    for _ in range(2):
        store(world.database.connection, world.vehicles[A], span, drive, braked=moments)
    world.send()
    assert [one.data["start"] for one in receiver.got] == [
        f"{at:%Y-%m-%dT%H:%M:%SZ}" for at, _ in moments
    ]
    assert len(harsh_brakings(*moments)) == len(set(receiver.ids))


def test_two_senders_side_by_side_send_each_once_and_in_order(
    world: World, receiver: Receiver
) -> None:
    with Receiver() as other:
        world.make(receiver.url)
        world.make(other.url)
        starts = [world.event() for _ in range(15)]
        senders = [world.sender() for _ in range(3)]

        async def run() -> None:
            await asyncio.gather(*(one.run(asyncio.Event(), once=True) for one in senders))

        asyncio.run(run())
        expected = [f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in starts]
        for one in (receiver, other):
            assert [posted.data["start"] for posted in one.got] == expected
            assert len(set(one.ids)) == 15


def test_while_analysis_writes_what_it_wrote_before_goes_on(
    world: World, receiver: Receiver
) -> None:
    hook = world.make(receiver.url)
    first, second = world.event(), world.event()
    with connect(world.database.dsn) as analysis, analysis.transaction():
        # What it finds again is written again, and holds the message that waits until it commits.
        analysis.execute("DELETE FROM driving_event WHERE start_time = %s", (first,))
        event = world.row(start_time=first, peak=5.5)
        insert(analysis, "driving_event", event)
        insert(analysis, "driving_event", world.row(start_time=second + timedelta(hours=2)))
        world.send()
        assert [one.data["peak"] for one in receiver.got] == [4.1]
    world.send()
    assert [one.data["peak"] for one in receiver.got] == [4.1, 5.5, 4.1]
    assert {one["state"] for one in world.deliveries(hook)} == {"delivered"}
