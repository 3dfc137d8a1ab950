"""A client has so many requests a minute of each resource, and is told how many are left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api import limits
from api.limits import RateLimits

if TYPE_CHECKING:
    import pytest


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_the_request_beyond_the_limit_is_refused_and_told_when_to_come_back() -> None:
    clock = Clock()
    counted = RateLimits(2, clock)
    remaining = [counted.take("a", "x").remaining for _ in range(2)]
    assert remaining == [1, 0]
    clock.now += 12.5
    refused = counted.take("a", "x")
    assert not refused.granted
    assert refused.headers == {
        "X-Rate-Limit-Limit": "2",
        "X-Rate-Limit-Remaining": "0",
        "X-Rate-Limit-Reset": "1060",
        "Retry-After": "48",
    }


def test_clients_and_resources_are_counted_apart() -> None:
    counted = RateLimits(1, Clock())
    assert all(counted.take(*key).granted for key in (("a", "x"), ("a", "y"), ("b", "x")))
    assert not counted.take("a", "x").granted


def test_a_new_minute_begins_with_the_first_request_after_the_last_one() -> None:
    clock = Clock()
    counted = RateLimits(1, clock)
    counted.take("a", "x")
    clock.now += 60
    assert counted.take("a", "x").granted
    assert counted.take("a", "x").reset == 1120


def test_a_clock_that_goes_back_locks_nobody_out() -> None:
    clock = Clock()
    counted = RateLimits(1, clock)
    counted.take("a", "x")
    clock.now -= 3600
    assert counted.take("a", "x").granted


def test_clients_of_the_past_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "CLIENTS_REMEMBERED", 10)
    clock = Clock()
    counted = RateLimits(1, clock)
    for number in range(100):
        counted.take(number, "x")
        clock.now += 10
    assert len(counted._windows) <= 10
