"""What is found is told: signed, once, and to all who may know it and nobody else."""

from __future__ import annotations

import asyncio
import base64
from datetime import timedelta

import pytest

from api.webhooks.metrics import Metrics
from storage.connection import connect
from tests.samples.behaviour_samples import harsh_brakings, store
from tests.worlds.served_fuel_world import insert, piece, tank_event
from tests.worlds.webhook_world import NOW, A, B, Receiver, World, signed_by

# What a message says


def test_a_driving_event_is_told_as_the_api_tells_it_and_signed(
    webhooks: World, receiver: Receiver
) -> None:
    hook = webhooks.make(receiver.url)
    at = webhooks.event()
    webhooks.send()
    (posted,) = receiver.got
    assert signed_by(posted, hook["secret"])
    assert not signed_by(posted, "whsec_" + base64.b64encode(bytes(32)).decode())
    span = {"start": at.isoformat(), "end": (at + timedelta(seconds=1)).isoformat()}
    listed = webhooks.clients["Owner"].get(f"/v1/vehicles/{A}/events", params=span).json()
    assert posted.data == listed["events"][0]
    assert posted.data["driver_id"] == webhooks.driver
    assert posted.message["type"] == "driving_event.harsh_braking"
    assert posted.message["vin"] == A
    assert posted.path == "/hook"
    assert posted.headers["content-type"] == "application/json"


def test_a_tank_event_is_told_as_the_api_tells_it(webhooks: World, receiver: Receiver) -> None:
    webhooks.make(receiver.url, kinds=["tank_event.theft"])
    connection, at = webhooks.database.connection, NOW - timedelta(hours=2)
    tank_event(connection, webhooks.vehicles[A], at, "theft")
    tank_event(connection, webhooks.vehicles[A], at + timedelta(hours=1), "refuelling")
    webhooks.send()
    span = {"start": at.isoformat(), "end": NOW.isoformat(), "kind": "theft"}
    listed = webhooks.clients["Owner"].get(f"/v1/vehicles/{A}/tank-events", params=span).json()
    assert [one.data for one in receiver.got] == listed["events"]
    assert receiver.types == ["tank_event.theft"]


def test_a_trouble_code_is_told_as_the_api_tells_it(webhooks: World, receiver: Receiver) -> None:
    webhooks.make(receiver.url, kinds=["trouble_code.red_stop"])
    for spn, lamp in ((100, "RED_STOP"), (3251, "AMBER_WARNING")):
        webhooks.execute(
            "INSERT INTO trouble_code (vehicle_id, time, spn, fmi, source_address, lamp, active)"
            " VALUES (%s, %s, %s, 16, 3, %s, true)",
            webhooks.vehicles[A],
            NOW,
            spn,
            lamp,
        )
    webhooks.send()
    state = webhooks.clients["Owner"].get(f"/v1/vehicles/{A}/state").json()
    assert [one.data for one in receiver.got] == [
        code for code in state["trouble_codes"] if code["lamp"] == "RED_STOP"
    ]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_advice_is_told_as_the_api_tells_it_in_the_language_that_is_asked_for(
    webhooks: World, receiver: Receiver, language: str
) -> None:
    webhooks.make(receiver.url, kinds=["advice.*"], language=language)
    monday = (NOW - timedelta(days=NOW.weekday())).date()
    number = piece(
        webhooks.database.connection, webhooks.vehicles[A], None, "tyres", 3.0, week=monday
    )
    webhooks.send()
    told = webhooks.clients["Owner"].get(
        f"/v1/advice/{number}", headers={"Accept-Language": language}
    )
    assert [one.data for one in receiver.got] == [told.json()]
    assert receiver.types == ["advice.tyres"]


def test_advice_that_is_given_anew_is_told_once(webhooks: World, receiver: Receiver) -> None:
    webhooks.make(receiver.url, kinds=["advice.tyres"])
    monday = (NOW - timedelta(days=NOW.weekday())).date()
    for _ in range(2):
        piece(webhooks.database.connection, webhooks.vehicles[A], None, "tyres", 3.0, week=monday)
        webhooks.send()
        webhooks.execute("DELETE FROM advice")
    assert len(receiver.got) == 1


def test_what_is_asked_for_is_told_and_nothing_else(webhooks: World, receiver: Receiver) -> None:
    webhooks.make(receiver.url, kinds=["driving_event.idling", "tank_event.*"])
    webhooks.event()
    webhooks.event(kind="idling")
    webhooks.send()
    assert receiver.types == ["driving_event.idling"]


def test_what_is_less_severe_is_not_told(webhooks: World, receiver: Receiver) -> None:
    webhooks.make(receiver.url, severity="high")
    webhooks.event(severity=2)
    webhooks.event(severity=3)
    webhooks.send()
    assert [one.data["severity"] for one in receiver.got] == ["high"]


def test_filters_take_vehicles_of_the_fleet_and_of_the_list(
    webhooks: World, receiver: Receiver
) -> None:
    with Receiver() as other:
        webhooks.make(receiver.url, fleet_id=webhooks.fleet)
        webhooks.make(other.url, vins=[A])
        webhooks.event(A)
        webhooks.event(B)
        webhooks.send()
        assert [one.message["vin"] for one in receiver.got] == [B]
        assert [one.message["vin"] for one in other.got] == [A]


def test_what_ended_before_the_webhook_was_made_is_no_news(
    webhooks: World, receiver: Receiver
) -> None:
    hook = webhooks.make(receiver.url)
    webhooks.execute(
        "UPDATE webhook SET created_at = now() WHERE webhook_id = %s", hook["webhook_id"]
    )
    webhooks.event()
    webhooks.send()
    assert receiver.got == []


# Whom it is told


def test_each_is_told_of_what_he_may_see_and_no_more(webhooks: World) -> None:
    hooks = {name: Receiver() for name in webhooks.parties}
    for name, listening in hooks.items():
        with listening:
            webhooks.make(listening.url, party=name)
            webhooks.event(A)
            webhooks.event(A, kind="fatigue_china_4h", severity=3)
            webhooks.event(B)
            webhooks.send()
        webhooks.clear()
    seen = {name: sorted(set(listening.types)) for name, listening in hooks.items()}
    both = ["driving_event.fatigue_china_4h", "driving_event.harsh_braking"]
    assert seen == {"Owner": both, "Maker": both, "Workshop": both[1:], "Stranger": []}
    (for_workshop,) = hooks["Workshop"].got
    assert for_workshop.message["vin"] == A
    assert for_workshop.data["driver_id"] is None
    assert {one.message["vin"] for one in hooks["Owner"].got} == {A, B}


def test_a_grant_that_ended_before_it_was_sent_lets_nothing_out(
    webhooks: World, receiver: Receiver
) -> None:
    hook = webhooks.make(receiver.url, party="Workshop")
    webhooks.event()
    assert webhooks.told(hook, "Workshop")["waiting"] == 1
    before = webhooks.execute("SELECT valid FROM vehicle_access WHERE purpose = 'service'")
    webhooks.execute(
        "UPDATE vehicle_access SET valid = tstzrange(now() - interval '2 h', now())"
        " WHERE purpose = 'service'"
    )
    try:
        metrics = Metrics()
        webhooks.send(metrics=metrics)
    finally:
        webhooks.execute(
            "UPDATE vehicle_access SET valid = %s WHERE purpose = 'service'", before[0][0]
        )
    assert receiver.got == []
    assert webhooks.deliveries(hook, "Workshop") == []  # that it was there is not told either
    counted = metrics.registry.get_sample_value(
        "telemetry_webhooks_attempts_total",
        {"source": "driving_event", "result": "withheld"},
    )
    assert counted == 1


def test_what_is_sent_is_in_the_log_of_reads(webhooks: World, receiver: Receiver) -> None:
    hook = webhooks.make(receiver.url)
    webhooks.event()
    webhooks.send()
    rows = webhooks.execute(
        "SELECT party_id, role, route, vins, driver_ids, purpose, status FROM access_log"
        " WHERE subject = %s",
        f"webhook:{hook['webhook_id']}",
    )
    route = "/v1/webhooks/{webhook_id}"
    assert rows == [
        (webhooks.parties["Owner"], "owner", route, [A], [webhooks.driver], hook["name"], 204)
    ]


# Once, and under one id


def test_an_event_that_is_found_again_unchanged_is_told_once(
    webhooks: World, receiver: Receiver
) -> None:
    webhooks.make(receiver.url)
    at = webhooks.event()
    for _ in range(3):
        webhooks.send()
        webhooks.forget_events()
        webhooks.event(start_time=at)
    webhooks.later()
    webhooks.send()
    assert len(receiver.got) == 1


def test_an_event_that_is_found_again_before_it_was_sent_is_told_once_as_it_is_then(
    webhooks: World, receiver: Receiver
) -> None:
    webhooks.make(receiver.url)
    at = webhooks.event()
    webhooks.forget_events()
    webhooks.event(start_time=at, peak=5.5)
    webhooks.send()
    assert [one.data["peak"] for one in receiver.got] == [5.5]


def test_an_event_that_has_changed_is_told_again_after_a_while_under_another_id(
    webhooks: World, receiver: Receiver
) -> None:
    webhooks.make(receiver.url)
    at = webhooks.event()
    webhooks.send()
    for peak in (5.0, 5.5):
        webhooks.forget_events()
        webhooks.event(start_time=at, peak=peak)
        webhooks.send()
    assert len(receiver.got) == 1
    webhooks.later()
    webhooks.send()
    assert [one.data["peak"] for one in receiver.got] == [4.1, 5.5]
    assert len(set(receiver.ids)) == 2


def test_what_analysis_stores_is_told_in_the_transaction_that_stores_it(
    webhooks: World, receiver: Receiver
) -> None:
    webhooks.make(receiver.url, kinds=["driving_event.harsh_braking"])
    span = (NOW - timedelta(hours=3), NOW - timedelta(hours=2))
    drive = (span[0], 30, "CHN1")
    moments = [(span[0] + timedelta(minutes=n), "CHN1") for n in range(3)]
    for _ in range(2):
        store(webhooks.database.connection, webhooks.vehicles[A], span, drive, braked=moments)
    webhooks.send()
    assert [one.data["start"] for one in receiver.got] == [
        f"{at:%Y-%m-%dT%H:%M:%SZ}" for at, _ in moments
    ]
    assert len(harsh_brakings(*moments)) == len(set(receiver.ids))


def test_two_senders_side_by_side_send_each_once_and_in_order(
    webhooks: World, receiver: Receiver
) -> None:
    with Receiver() as other:
        webhooks.make(receiver.url)
        webhooks.make(other.url)
        starts = [webhooks.event() for _ in range(15)]
        senders = [webhooks.sender() for _ in range(3)]

        async def run() -> None:
            await asyncio.gather(*(one.run(asyncio.Event(), once=True) for one in senders))

        asyncio.run(run())
        expected = [f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in starts]
        for one in (receiver, other):
            assert [posted.data["start"] for posted in one.got] == expected
            assert len(set(one.ids)) == 15


def test_while_analysis_writes_what_it_wrote_before_goes_on(
    webhooks: World, receiver: Receiver
) -> None:
    hook = webhooks.make(receiver.url)
    first, second = webhooks.event(), webhooks.event()
    with connect(webhooks.database.dsn) as analysis, analysis.transaction():
        # What it finds again is written again, and holds the message that waits until it commits.
        analysis.execute("DELETE FROM driving_event WHERE start_time = %s", (first,))
        event = webhooks.row(start_time=first, peak=5.5)
        insert(analysis, "driving_event", event)
        insert(analysis, "driving_event", webhooks.row(start_time=second + timedelta(hours=2)))
        webhooks.send()
        assert [one.data["peak"] for one in receiver.got] == [4.1]
    webhooks.send()
    assert [one.data["peak"] for one in receiver.got] == [4.1, 5.5, 4.1]
    assert {one["state"] for one in webhooks.deliveries(hook)} == {"delivered"}
