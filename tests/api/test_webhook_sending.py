"""A message is sent until it is answered well, and nobody waits for another's receiver."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from api.webhooks.metrics import Metrics
from tests.worlds.webhook_world import Receiver, World, webhook_world

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
