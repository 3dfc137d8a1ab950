"""A message is sent until it is answered well, and nobody waits for another's receiver."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta
from typing import LiteralString
from uuid import uuid4

from api.webhooks.metrics import Metrics
from storage.connection import connect
from storage.queries import query
from tests.asking.patience import PATIENCE_S
from tests.worlds.webhook_world import Receiver, World

# Until it is answered well


def test_a_message_that_fails_is_sent_again_under_the_same_id(
    webhooks: World, receiver: Receiver
) -> None:
    hook = webhooks.make(receiver.url)
    webhooks.event()
    receiver.answers = [500, 302, 404]
    for attempt in range(1, 4):
        webhooks.send()
        (waiting,) = webhooks.deliveries(hook)
        assert (waiting["state"], waiting["attempts"]) == ("waiting", attempt)
        assert webhooks.told(hook)["failures"] == attempt
        webhooks.later()
    assert waiting["last_status"] == 404
    assert "404" in waiting["last_error"]
    webhooks.send()
    assert len(receiver.got) == 4
    assert len(set(receiver.ids)) == 1
    (delivered,) = webhooks.deliveries(hook, state="delivered")
    assert (delivered["attempts"], delivered["last_status"]) == (4, 204)
    assert delivered["last_error"] is None
    assert (webhooks.told(hook)["failures"], webhooks.told(hook)["last_error"]) == (0, None)


def test_retries_come_by_themselves_at_growing_delays(webhooks: World, receiver: Receiver) -> None:
    webhooks.make(receiver.url)
    webhooks.event()
    receiver.answers = [500, 500]

    async def run() -> None:
        stop = asyncio.Event()
        sending = asyncio.create_task(webhooks.sender(webhook_retry_first_s=0.05).run(stop))
        for _ in range(3):
            assert await asyncio.to_thread(receiver.arrived.acquire, timeout=PATIENCE_S)
        stop.set()
        await sending

    asyncio.run(run())
    assert len(set(receiver.ids)) == 1


def test_no_answer_in_time_is_a_failure(webhooks: World, receiver: Receiver) -> None:
    hook = webhooks.make(receiver.url)
    webhooks.event()
    answered = threading.Event()
    receiver.answers = [answered]
    webhooks.send(webhook_timeout_s=0.2)
    answered.set()
    (waiting,) = webhooks.deliveries(hook)
    assert (waiting["state"], waiting["last_status"]) == ("waiting", None)
    assert "within 0.2 s" in waiting["last_error"]
    # It may have been read there.
    assert webhooks.execute("SELECT status FROM access_log WHERE subject LIKE 'webhook:%%'") == [
        (504,)
    ]
    webhooks.later()
    webhooks.send()
    assert len(set(receiver.ids)) == 1 < len(receiver.got)


def test_a_failing_webhook_rests_and_later_messages_do_not_overtake(
    webhooks: World, receiver: Receiver
) -> None:
    webhooks.make(receiver.url)
    first, second = webhooks.event(), webhooks.event()
    receiver.answers = [500]
    webhooks.send()
    assert len(receiver.got) == 1
    webhooks.later()
    webhooks.send()
    told = [one.data["start"] for one in receiver.got]
    assert told == [f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in (first, first, second)]


def test_a_message_its_receiver_cannot_stand_steps_aside(
    webhooks: World, receiver: Receiver
) -> None:
    hook = webhooks.make(receiver.url)
    webhooks.event()
    webhooks.event()
    receiver.answers = [500] * 4
    for _ in range(4):
        webhooks.send()
        webhooks.execute("UPDATE webhook SET retry_at = now(), leased_until = NULL")
        webhooks.execute("UPDATE webhook_delivery SET due_at = now() WHERE attempts < 4")
    webhooks.send()
    states = {one["state"]: one for one in webhooks.deliveries(hook)}
    assert set(states) == {"waiting", "delivered"}
    assert states["waiting"]["delivery_id"] < states["delivered"]["delivery_id"]


def test_a_slow_receiver_delays_nobody_else(webhooks: World, receiver: Receiver) -> None:
    with Receiver() as slow:
        answered = threading.Event()
        slow.answers = [answered]
        webhooks.make(slow.url)
        webhooks.make(receiver.url)
        for _ in range(3):
            webhooks.event()

        async def run() -> None:
            stop = asyncio.Event()
            sending = asyncio.create_task(webhooks.sender(webhook_at_once=2).run(stop))
            for _ in range(3):
                assert await asyncio.to_thread(receiver.arrived.acquire, timeout=PATIENCE_S)
            assert len(slow.got) == 1  # and has not answered
            answered.set()
            stop.set()
            await sending

        asyncio.run(run())


def test_no_more_webhooks_are_claimed_than_asked_for_however_the_server_plans_it(
    webhooks: World, receiver: Receiver
) -> None:
    """As a subquery of the update the choice was made anew for every row, under such a plan."""
    for _ in range(3):
        webhooks.make(receiver.url)
    webhooks.event()
    wanted = {
        "sender": uuid4(),
        "lease": timedelta(minutes=1),
        "slow": False,
        "slow_s": 5.0,
        "max_rows": 1,
    }
    with connect(webhooks.database.dsn) as connection:
        ways: tuple[LiteralString, ...] = ("hashagg", "hashjoin", "mergejoin", "sort", "material")
        for way in ways:
            connection.execute(f"SET enable_{way} = off")
        claimed = connection.execute(query("claim_webhooks"), wanted).fetchall()
    assert len(claimed) == 1


def test_slow_receivers_share_half_of_the_room(webhooks: World, receiver: Receiver) -> None:
    with Receiver() as slow:
        answered = [threading.Event() for _ in range(4)]
        slow.answers = list(answered)
        for _ in range(3):
            webhooks.make(slow.url)
        webhooks.execute("UPDATE webhook SET answered_in_s = 9")
        webhooks.make(receiver.url)
        webhooks.event()

        async def run() -> None:
            stop = asyncio.Event()
            sending = asyncio.create_task(webhooks.sender(webhook_at_once=2).run(stop))
            assert await asyncio.to_thread(slow.arrived.acquire, timeout=PATIENCE_S)
            assert await asyncio.to_thread(receiver.arrived.acquire, timeout=PATIENCE_S)
            assert len(slow.got) == 1
            for one in answered:
                one.set()
            stop.set()
            await sending

        asyncio.run(run())


def test_a_receiver_that_is_gone_disables_the_webhook(webhooks: World, receiver: Receiver) -> None:
    hook = webhooks.make(receiver.url)
    webhooks.event()
    receiver.answers = [410]
    webhooks.send()
    found = webhooks.told(hook)
    assert (found["enabled"], found["disabled_by"]) == (False, "gone")
    webhooks.event()  # nothing is queued for it
    webhooks.later()
    webhooks.send()
    assert len(receiver.got) == 1
    assert found["waiting"] == 1
    client, path = webhooks.clients["Owner"], f"/v1/webhooks/{hook['webhook_id']}"
    again = client.patch(path, json={"enabled": True}).json()
    assert (again["enabled"], again["disabled_by"], again["failures"]) == (True, None, 0)
    webhooks.send()
    assert len(receiver.got) == 2  # what waited


def test_a_webhook_that_fails_for_days_is_disabled_and_its_messages_given_up(
    webhooks: World, receiver: Receiver
) -> None:
    hook = webhooks.make(receiver.url)
    webhooks.event()
    receiver.answers = [500, 500]
    webhooks.send()
    webhooks.execute("UPDATE webhook_delivery SET queued_at = queued_at - interval '73 h'")
    webhooks.execute("UPDATE webhook SET failing_since = failing_since - interval '73 h'")
    webhooks.later()
    metrics = Metrics()
    webhooks.send(metrics=metrics)
    found = webhooks.told(hook)
    assert (found["enabled"], found["disabled_by"]) == (False, "failing")
    assert "500" in found["last_error"]
    assert [one["state"] for one in webhooks.deliveries(hook)] == ["failed"]
    sample = metrics.registry.get_sample_value
    assert sample("telemetry_webhooks_disabled_total", {"reason": "failing"}) == 1
    assert sample("telemetry_webhooks_given_up_total") == 1
