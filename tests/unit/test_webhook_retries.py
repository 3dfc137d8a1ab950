"""When a message is tried again, and when one gives up: by the clock, without waiting for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from api.webhooks.line import Outcome
from api.webhooks.retries import IN_PLACE, LONGEST_REST_S, LONGEST_S, Policy
from storage.webhooks import Outgoing

DAYS = timedelta(days=3)
SENT = Outgoing(
    delivery_id=1,
    webhook_id=1,
    message_id="msg_1",
    source="tank_event",
    kind="theft",
    at=datetime(2026, 11, 1, tzinfo=UTC),
    number=None,
    tries=0,
    age=timedelta(0),
    vin=None,
    party_id=1,
    party_kind="owner",
    name="Dispatch",
    url="https://example.com/",
    language="en",
    secret=b"",
    old_secret=None,
    failures=0,
    failing_for=None,
)
FAILED = Outcome(result="answered", status=500, error="why", left=True, took_s=0.1)
ANSWERED = Outcome(result="delivered", status=200, error=None, left=True, took_s=0.1)


def policy(random: float = 0.5) -> Policy:
    return Policy(first_s=5.0, give_up=DAYS, random=lambda: random)


def test_pauses_grow_up_to_hours() -> None:
    pauses = [
        policy().ended(replace(SENT, tries=n, failures=n), FAILED).delay.total_seconds()
        for n in range(60)
    ]
    assert pauses[:5] == [5, 30, 180, 1080, 6480]
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_S


def test_pauses_differ_by_chance_so_that_nobody_is_asked_in_waves() -> None:
    pauses = [policy(random).ended(SENT, FAILED).delay.total_seconds() for random in (0, 0.5, 1)]
    assert pauses == [4, 5, 6]


def test_at_first_the_webhook_rests_as_long_as_its_message_and_later_less() -> None:
    for tries in range(12):
        ended = policy().ended(replace(SENT, tries=tries, failures=tries), FAILED)
        assert ended.rest is not None
        assert (ended.rest == ended.delay) == (tries < IN_PLACE)
        assert ended.rest.total_seconds() <= LONGEST_REST_S


def test_success_ends_it() -> None:
    ended = policy().ended(SENT, ANSWERED)
    assert (ended.state, ended.rest, ended.error) == ("delivered", None, None)


@pytest.mark.parametrize(
    ("age", "state"), [(DAYS - timedelta(seconds=1), "waiting"), (DAYS, "failed")]
)
def test_a_message_is_given_up_after_days(age: timedelta, state: str) -> None:
    assert policy().ended(replace(SENT, age=age), FAILED).state == state


@pytest.mark.parametrize(
    ("failing_for", "disabled_by"),
    [(None, None), (DAYS - timedelta(seconds=1), None), (DAYS, "failing")],
)
def test_a_webhook_that_fails_for_days_is_disabled(
    failing_for: timedelta | None, disabled_by: str | None
) -> None:
    ended = policy().ended(replace(SENT, failing_for=failing_for), FAILED)
    assert ended.disabled_by == disabled_by


def test_a_receiver_that_is_gone_disables_at_once() -> None:
    assert policy().ended(SENT, replace(FAILED, status=410)).disabled_by == "gone"


def test_a_receiver_that_asks_for_rest_gets_it() -> None:
    ended = policy().ended(SENT, replace(FAILED, status=429, retry_after_s=900.0))
    assert ended.rest == ended.delay == timedelta(seconds=900)


def test_a_test_is_made_once_and_held_against_nobody() -> None:
    ended = policy().ended(replace(SENT, source="test", failing_for=DAYS), FAILED)
    assert (ended.state, ended.rest, ended.disabled_by) == ("failed", None, None)
