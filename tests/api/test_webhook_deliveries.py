"""What messages are signed with; trying a webhook, and sending a message once more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.worlds.webhook_world import KEYS, A, Receiver, World, signed_by

if TYPE_CHECKING:
    from collections.abc import Iterator


# Secrets


def test_while_a_secret_is_changed_messages_are_signed_by_both(
    webhooks: World, receiver: Receiver
) -> None:
    hook = webhooks.make(receiver.url)
    client, path = webhooks.clients["Owner"], f"/v1/webhooks/{hook['webhook_id']}"
    rotated = client.post(f"{path}/secret", json={}).json()
    assert rotated["secret"] != hook["secret"]
    webhooks.event()
    webhooks.send()
    assert [signed_by(receiver.got[0], one["secret"]) for one in (hook, rotated)] == [True] * 2
    webhooks.execute("UPDATE webhook SET old_secret_until = now()")
    webhooks.event()
    webhooks.send()
    assert [signed_by(receiver.got[1], one["secret"]) for one in (hook, rotated)] == [False, True]


def test_the_database_does_not_have_what_is_signed_with(
    webhooks: World, receiver: Receiver
) -> None:
    hook = webhooks.make(receiver.url)
    ((row,),) = webhooks.execute("SELECT webhook::text FROM webhook")
    stored = bytes.fromhex(row.split("\\\\x")[1].split('"')[0]).decode()
    assert hook["secret"].removeprefix("whsec_") not in row + stored
    assert KEYS not in row


def test_where_a_secret_cannot_be_opened_nothing_is_sent_and_nothing_held_against_the_receiver(
    webhooks: World, receiver: Receiver
) -> None:
    hook = webhooks.make(receiver.url)
    webhooks.event()
    webhooks.send(webhook_keys="A" * 43 + "=")
    assert receiver.got == []
    assert webhooks.told(hook)["failures"] == 0
    webhooks.later()
    webhooks.send(webhook_keys=f"{'A' * 43}=,{KEYS}")  # an older key still opens
    assert len(receiver.got) == 1


# Tests, and once more


def test_a_test_is_sent_before_all_else_and_once(webhooks: World, receiver: Receiver) -> None:
    hook = webhooks.make(receiver.url)
    webhooks.event()
    path = f"/v1/webhooks/{hook['webhook_id']}/test"
    asked = [webhooks.clients["Owner"].post(path, json={}) for _ in range(2)]
    assert [one.status_code for one in asked] == [202, 202]
    assert asked[0].json()["message_id"] == asked[1].json()["message_id"]
    receiver.answers = [500]
    webhooks.send()
    assert receiver.types == ["test.ping", "driving_event.harsh_braking"]
    assert receiver.got[0].data == {"webhook_id": hook["webhook_id"], "name": hook["name"]}
    assert signed_by(receiver.got[0], hook["secret"])
    (found,) = webhooks.deliveries(hook, state="failed")
    assert (found["type"], found["last_status"]) == ("test.ping", 500)
    assert webhooks.told(hook)["failures"] == 0


def test_a_disabled_webhook_can_be_tried(webhooks: World, receiver: Receiver) -> None:
    hook = webhooks.make(receiver.url)
    client, path = webhooks.clients["Owner"], f"/v1/webhooks/{hook['webhook_id']}"
    webhooks.event()
    assert client.patch(path, json={"enabled": False}).json()["disabled_by"] == "party"
    client.post(f"{path}/test", json={})
    webhooks.send()
    assert receiver.types == ["test.ping"]


def test_a_message_is_sent_once_more_with_what_may_be_known_now(
    webhooks: World, receiver: Receiver
) -> None:
    hook = webhooks.make(receiver.url)
    webhooks.event()
    webhooks.send()
    (delivered,) = webhooks.deliveries(hook)
    path = f"/v1/webhooks/{hook['webhook_id']}/deliveries/{delivered['delivery_id']}/redeliver"
    answer = webhooks.clients["Owner"].post(path, json={})
    assert (answer.status_code, answer.json()["state"]) == (202, "waiting")
    webhooks.send()
    assert len(receiver.got) == 2
    assert receiver.got[0].body == receiver.got[1].body
    assert len(set(receiver.ids)) == 1
    webhooks.clients["Owner"].post(path, json={})
    webhooks.forget_events()
    webhooks.send()
    assert len(receiver.got) == 2
    assert webhooks.deliveries(hook)[0]["state"] == "withheld"


def every_text(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for one in value.values():
            yield from every_text(one)
    elif isinstance(value, str):
        yield value


def test_deliveries_say_nothing_of_what_was_told(webhooks: World, receiver: Receiver) -> None:
    hook = webhooks.make(receiver.url)
    webhooks.event()
    webhooks.send()
    (delivered,) = webhooks.deliveries(hook)
    assert not any(A in text for text in every_text(delivered))
