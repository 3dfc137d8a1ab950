"""Failures are counted by account and address; who belongs there is not locked out by strangers."""

from __future__ import annotations

import asyncio

import pytest
from starlette.requests import Request

from api.signing_in import throttle
from api.signing_in.attempts import TooManyAtOnceError, TooManyTriesError, attempt
from api.signing_in.throttle import SignInThrottle, Throttle, Turns


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_after_so_many_failures_one_waits_for_the_window_to_pass() -> None:
    clock = Clock()
    counted = Throttle(3, 60, clock)
    for _ in range(3):
        assert counted.wait_s("li") == 0
        counted.count("li")
    assert counted.wait_s("li") == 60
    assert counted.wait_s("wu") == 0
    clock.now += 59
    assert counted.wait_s("li") == 1
    clock.now += 1
    assert counted.wait_s("li") == 0


def test_what_was_no_failure_is_forgiven() -> None:
    counted = SignInThrottle(2, 60, Clock())
    for _ in range(50):
        assert counted.admit("li", "192.0.2.1") == 0
        counted.forgive("li", "192.0.2.1", signed_in=True)


def test_many_at_once_are_counted_before_they_have_failed() -> None:
    counted = SignInThrottle(5, 60, Clock())
    admitted = [counted.admit("li", f"192.0.2.{number}") for number in range(20)]
    assert admitted == [0] * 5 + [60] * 15


def test_an_address_that_tries_many_accounts_waits() -> None:
    counted = SignInThrottle(5, 60, Clock())
    admitted = [counted.admit(f"account {number}", "192.0.2.1") for number in range(60)]
    assert admitted == [0] * 50 + [60] * 10
    assert counted.admit("account 1", "192.0.2.2") == 0


def test_strangers_do_not_lock_an_account_out_where_it_was_signed_in() -> None:
    counted = SignInThrottle(5, 60, Clock())
    counted.admit("li", "home")
    counted.forgive("li", "home", signed_in=True)
    for number in range(9):
        counted.admit("li", f"192.0.2.{number}")
    assert counted.admit("li", "192.0.2.99") > 0
    assert counted.admit("li", "home") == 0


def test_what_is_remembered_is_bounded() -> None:
    counted = Throttle(1, 60, Clock())
    for number in range(throttle.REMEMBERED + 100):
        counted.count(number)
    assert len(counted._counts) == throttle.REMEMBERED


def asked() -> Request:
    return Request({"type": "http", "client": ("192.0.2.1", 4711), "headers": []})


def tried(
    counted: SignInThrottle, turns: Turns | None = None, error: Exception | None = None
) -> None:
    """An attempt that fails, by itself or by an error of ours."""

    async def run() -> None:
        async with attempt(asked(), counted, "li", turns):
            if error is not None:
                raise error

    asyncio.run(run())


def test_an_attempt_fails_unless_it_is_said_that_it_did_not() -> None:
    counted = SignInThrottle(2, 60, Clock())
    tried(counted)
    tried(counted)
    with pytest.raises(TooManyTriesError) as refused:
        tried(counted)
    assert refused.value.wait_s == 60


def test_an_error_of_ours_is_no_failure_of_theirs() -> None:
    counted = SignInThrottle(1, 60, Clock())
    for _ in range(3):
        with pytest.raises(OSError, match="ours"):
            tried(counted, error=OSError("ours"))


def test_who_finds_no_room_to_wait_in_has_not_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "MAX_WAITING", 0)
    counted = SignInThrottle(1, 60, Clock())
    for _ in range(3):
        with pytest.raises(TooManyAtOnceError):
            tried(counted, Turns())
