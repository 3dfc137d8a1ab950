"""What is found is told: signed, once and for all who may know it, until it was answered well."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from api.webhooks.metrics import Metrics
from storage.connection import connect
from tests.behaviour_samples import harsh_brakings, store
from tests.served_fuel_world import insert, piece, tank_event
from tests.webhook_world import KEYS, NOW, A, B, Posted, Receiver, World, webhook_world

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.database_fixture import Migrated


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


def signed_by(posted: Posted, secret: str) -> bool:
    """Whether one of the signatures is this secret's; written from the standard, not from ours."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    content = f"{posted.id}.{posted.headers['webhook-timestamp']}.{posted.body.decode()}"
    expected = base64.b64encode(hmac.new(key, content.encode(), hashlib.sha256).digest())
    return f"v1,{expected.decode()}" in posted.headers["webhook-signature"].split(" ")


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


# Until it is answered well


def test_a_message_that_fails_is_sent_again_under_the_same_id(
    world: World, receiver: Receiver
) -> None:
    hook = world.make(receiver.url)
    world.event()
    receiver.answers = [500, 302, 404]
    for attempt in range(1, 4):
        world.send()
        (waiting,) = world.deliveries(hook)
        assert (waiting["state"], waiting["attempts"]) == ("waiting", attempt)
        assert world.told(hook)["failures"] == attempt
        world.later()
    assert waiting["last_status"] == 404
    assert "404" in waiting["last_error"]
    world.send()
    assert len(receiver.got) == 4
    assert len(set(receiver.ids)) == 1
    (delivered,) = world.deliveries(hook, state="delivered")
    assert (delivered["attempts"], delivered["last_status"]) == (4, 204)
    assert delivered["last_error"] is None
    assert (world.told(hook)["failures"], world.told(hook)["last_error"]) == (0, None)


def test_retries_come_by_themselves_at_growing_delays(world: World, receiver: Receiver) -> None:
    world.make(receiver.url)
    world.event()
    receiver.answers = [500, 500]

    async def run() -> None:
        stop = asyncio.Event()
        sending = asyncio.create_task(world.sender(webhook_retry_first_s=0.05).run(stop))
        for _ in range(3):
            assert await asyncio.to_thread(receiver.arrived.acquire, timeout=20)
        stop.set()
        await sending

    asyncio.run(run())
    assert len(set(receiver.ids)) == 1


def test_no_answer_in_time_is_a_failure(world: World, receiver: Receiver) -> None:
    hook = world.make(receiver.url)
    world.event()
    answered = threading.Event()
    receiver.answers = [answered]
    world.send(webhook_timeout_s=0.2)
    answered.set()
    (waiting,) = world.deliveries(hook)
    assert (waiting["state"], waiting["last_status"]) == ("waiting", None)
    assert "within 0.2 s" in waiting["last_error"]
    # It may have been read there.
    assert world.execute("SELECT status FROM access_log WHERE subject LIKE 'webhook:%%'") == [
        (504,)
    ]
    world.later()
    world.send()
    assert len(set(receiver.ids)) == 1 < len(receiver.got)


def test_a_failing_webhook_rests_and_later_messages_do_not_overtake(
    world: World, receiver: Receiver
) -> None:
    world.make(receiver.url)
    first, second = world.event(), world.event()
    receiver.answers = [500]
    world.send()
    assert len(receiver.got) == 1
    world.later()
    world.send()
    told = [one.data["start"] for one in receiver.got]
    assert told == [f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in (first, first, second)]


def test_a_message_its_receiver_cannot_stand_steps_aside(world: World, receiver: Receiver) -> None:
    hook = world.make(receiver.url)
    world.event()
    world.event()
    receiver.answers = [500] * 4
    for _ in range(4):
        world.send()
        world.execute("UPDATE webhook SET retry_at = now(), leased_until = NULL")
        world.execute("UPDATE webhook_delivery SET due_at = now() WHERE attempts < 4")
    world.send()
    states = {one["state"]: one for one in world.deliveries(hook)}
    assert set(states) == {"waiting", "delivered"}
    assert states["waiting"]["delivery_id"] < states["delivered"]["delivery_id"]


def test_a_slow_receiver_delays_nobody_else(world: World, receiver: Receiver) -> None:
    with Receiver() as slow:
        answered = threading.Event()
        slow.answers = [answered]
        world.make(slow.url)
        world.make(receiver.url)
        for _ in range(3):
            world.event()

        async def run() -> None:
            stop = asyncio.Event()
            sending = asyncio.create_task(world.sender(webhook_at_once=2).run(stop))
            for _ in range(3):
                assert await asyncio.to_thread(receiver.arrived.acquire, timeout=20)
            assert len(slow.got) == 1  # and has not answered
            answered.set()
            stop.set()
            await sending

        asyncio.run(run())


def test_slow_receivers_share_half_of_the_room(world: World, receiver: Receiver) -> None:
    with Receiver() as slow:
        answered = [threading.Event() for _ in range(4)]
        slow.answers = list(answered)
        for _ in range(3):
            world.make(slow.url)
        world.execute("UPDATE webhook SET answered_in_s = 9")
        world.make(receiver.url)
        world.event()

        async def run() -> None:
            stop = asyncio.Event()
            sending = asyncio.create_task(world.sender(webhook_at_once=2).run(stop))
            assert await asyncio.to_thread(slow.arrived.acquire, timeout=20)
            assert await asyncio.to_thread(receiver.arrived.acquire, timeout=20)
            assert len(slow.got) == 1
            for one in answered:
                one.set()
            stop.set()
            await sending

        asyncio.run(run())


def test_a_receiver_that_is_gone_disables_the_webhook(world: World, receiver: Receiver) -> None:
    hook = world.make(receiver.url)
    world.event()
    receiver.answers = [410]
    world.send()
    found = world.told(hook)
    assert (found["enabled"], found["disabled_by"]) == (False, "gone")
    world.event()  # nothing is queued for it
    world.later()
    world.send()
    assert len(receiver.got) == 1
    assert found["waiting"] == 1
    client, path = world.clients["Owner"], f"/v1/webhooks/{hook['webhook_id']}"
    again = client.patch(path, json={"enabled": True}).json()
    assert (again["enabled"], again["disabled_by"], again["failures"]) == (True, None, 0)
    world.send()
    assert len(receiver.got) == 2  # what waited


def test_a_webhook_that_fails_for_days_is_disabled_and_its_messages_given_up(
    world: World, receiver: Receiver
) -> None:
    hook = world.make(receiver.url)
    world.event()
    receiver.answers = [500, 500]
    world.send()
    world.execute("UPDATE webhook_delivery SET queued_at = queued_at - interval '73 h'")
    world.execute("UPDATE webhook SET failing_since = failing_since - interval '73 h'")
    world.later()
    metrics = Metrics()
    world.send(metrics=metrics)
    found = world.told(hook)
    assert (found["enabled"], found["disabled_by"]) == (False, "failing")
    assert "500" in found["last_error"]
    assert [one["state"] for one in world.deliveries(hook)] == ["failed"]
    sample = metrics.registry.get_sample_value
    assert sample("telemetry_webhooks_disabled_total", {"reason": "failing"}) == 1
    assert sample("telemetry_webhooks_given_up_total") == 1


# Secrets


def test_while_a_secret_is_changed_messages_are_signed_by_both(
    world: World, receiver: Receiver
) -> None:
    hook = world.make(receiver.url)
    client, path = world.clients["Owner"], f"/v1/webhooks/{hook['webhook_id']}"
    rotated = client.post(f"{path}/secret").json()
    assert rotated["secret"] != hook["secret"]
    world.event()
    world.send()
    assert [signed_by(receiver.got[0], one["secret"]) for one in (hook, rotated)] == [True] * 2
    world.execute("UPDATE webhook SET old_secret_until = now()")
    world.event()
    world.send()
    assert [signed_by(receiver.got[1], one["secret"]) for one in (hook, rotated)] == [False, True]


def test_the_database_does_not_have_what_is_signed_with(world: World, receiver: Receiver) -> None:
    hook = world.make(receiver.url)
    ((row,),) = world.execute("SELECT webhook::text FROM webhook")
    stored = bytes.fromhex(row.split("\\\\x")[1].split('"')[0]).decode()
    assert hook["secret"].removeprefix("whsec_") not in row + stored
    assert KEYS not in row


def test_where_a_secret_cannot_be_opened_nothing_is_sent_and_nothing_held_against_the_receiver(
    world: World, receiver: Receiver
) -> None:
    hook = world.make(receiver.url)
    world.event()
    world.send(webhook_keys="A" * 43 + "=")
    assert receiver.got == []
    assert world.told(hook)["failures"] == 0
    world.later()
    world.send(webhook_keys=f"{'A' * 43}=,{KEYS}")  # an older key still opens
    assert len(receiver.got) == 1


# Tests, and once more


def test_a_test_is_sent_before_all_else_and_once(world: World, receiver: Receiver) -> None:
    hook = world.make(receiver.url)
    world.event()
    path = f"/v1/webhooks/{hook['webhook_id']}/test"
    asked = [world.clients["Owner"].post(path) for _ in range(2)]
    assert [one.status_code for one in asked] == [202, 202]
    assert asked[0].json()["message_id"] == asked[1].json()["message_id"]
    receiver.answers = [500]
    world.send()
    assert receiver.types == ["test.ping", "driving_event.harsh_braking"]
    assert receiver.got[0].data == {"webhook_id": hook["webhook_id"], "name": hook["name"]}
    assert signed_by(receiver.got[0], hook["secret"])
    (found,) = world.deliveries(hook, state="failed")
    assert (found["type"], found["last_status"]) == ("test.ping", 500)
    assert world.told(hook)["failures"] == 0


def test_a_disabled_webhook_can_be_tried(world: World, receiver: Receiver) -> None:
    hook = world.make(receiver.url)
    client, path = world.clients["Owner"], f"/v1/webhooks/{hook['webhook_id']}"
    world.event()
    assert client.patch(path, json={"enabled": False}).json()["disabled_by"] == "party"
    client.post(f"{path}/test")
    world.send()
    assert receiver.types == ["test.ping"]


def test_a_message_is_sent_once_more_with_what_may_be_known_now(
    world: World, receiver: Receiver
) -> None:
    hook = world.make(receiver.url)
    world.event()
    world.send()
    (delivered,) = world.deliveries(hook)
    path = f"/v1/webhooks/{hook['webhook_id']}/deliveries/{delivered['delivery_id']}/redeliver"
    answer = world.clients["Owner"].post(path)
    assert (answer.status_code, answer.json()["state"]) == (202, "waiting")
    world.send()
    assert len(receiver.got) == 2
    assert receiver.got[0].body == receiver.got[1].body
    assert len(set(receiver.ids)) == 1
    world.clients["Owner"].post(path)
    world.forget_events()
    world.send()
    assert len(receiver.got) == 2
    assert world.deliveries(hook)[0]["state"] == "withheld"


def every_text(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for one in value.values():
            yield from every_text(one)
    elif isinstance(value, str):
        yield value


def test_deliveries_say_nothing_of_what_was_told(world: World, receiver: Receiver) -> None:
    hook = world.make(receiver.url)
    world.event()
    world.send()
    (delivered,) = world.deliveries(hook)
    assert not any(A in text for text in every_text(delivered))


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
