"""What messages are signed with; trying a webhook, and sending a message once more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.worlds.webhook_world import KEYS, A, Receiver, World, signed_by, webhook_world

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


# Secrets


def test_while_a_secret_is_changed_messages_are_signed_by_both(
    world: World, receiver: Receiver
) -> None:
    hook = world.make(receiver.url)
    client, path = world.clients["Owner"], f"/v1/webhooks/{hook['webhook_id']}"
    rotated = client.post(f"{path}/secret", json={}).json()
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
    asked = [world.clients["Owner"].post(path, json={}) for _ in range(2)]
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
    client.post(f"{path}/test", json={})
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
    answer = world.clients["Owner"].post(path, json={})
    assert (answer.status_code, answer.json()["state"]) == (202, "waiting")
    world.send()
    assert len(receiver.got) == 2
    assert receiver.got[0].body == receiver.got[1].body
    assert len(set(receiver.ids)) == 1
    world.clients["Owner"].post(path, json={})
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
