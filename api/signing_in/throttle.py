"""How often somebody may try: so many failures in a while for each account and each address.

A failure is counted before it is known to be one, so that trying many at once gains nothing, and is
forgiven when it was none. An address from which an account was signed in lately has a count of its
own there: whoever tries from elsewhere cannot lock its owner out.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

REMEMBERED = 50_000
"""Keys that are counted at most; those longest not seen are forgotten."""

HASHING = 2
"""Passwords that are checked at once, 64 MiB each."""

MAX_WAITING = 32
"""Passwords that may wait to be checked; more are turned away at once."""


class Turns:
    """So many at a time, and a count of who waits."""

    def __init__(self, at_once: int = HASHING) -> None:
        self._turns = asyncio.Semaphore(at_once)
        self.waiting = 0

    @property
    def is_crowded(self) -> bool:
        """Whether so many wait that nobody else should."""
        return self.waiting >= MAX_WAITING

    async def __aenter__(self) -> None:
        self.waiting += 1
        try:
            await self._turns.acquire()
        finally:
            self.waiting -= 1

    async def __aexit__(self, *_: object) -> None:
        self._turns.release()


class Throttle:
    """Counts attempts by a key within a window of time.

    Args:
        limit: attempts that may fail in a window.
        window_s: how long that is [s].
        clock: the time [s].
    """

    def __init__(
        self, limit: int, window_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit = limit
        self._window_s = window_s
        self._clock = clock
        self._counts: OrderedDict[Hashable, tuple[float, int]] = OrderedDict()

    def wait_s(self, key: Hashable) -> float:
        """How long this key has to wait [s]; 0: it may try."""
        began, count = self._counts.get(key, (0.0, 0))
        left = began + self._window_s - self._clock()
        return left if count >= self._limit and left > 0 else 0.0

    def count(self, key: Hashable) -> None:
        """Take an attempt for a failure."""
        now = self._clock()
        began, count = self._counts.pop(key, (now, 0))
        if began + self._window_s <= now:
            began, count = now, 0
        self._counts[key] = (began, count + 1)
        if len(self._counts) > REMEMBERED:
            self._counts.popitem(last=False)

    def forgive(self, key: Hashable) -> None:
        """It was none."""
        began, count = self._counts.get(key, (0.0, 0))
        if count > 1:
            self._counts[key] = (began, count - 1)
        else:
            self._counts.pop(key, None)


class SignInThrottle:
    """Who may try to sign in now.

    Args:
        attempts: how many may fail for one account in a window; ten times as many for one address.
        window_s: how long that is [s].
        clock: the time [s].
    """

    def __init__(
        self, attempts: int, window_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._accounts = Throttle(attempts, window_s, clock)
        self._addresses = Throttle(10 * attempts, window_s, clock)
        self._homes: OrderedDict[tuple[str, str], None] = OrderedDict()

    def admit(self, account: str | None, address: str) -> float:
        """How long to wait [s]; 0: try, which counts as a failure until it is forgiven."""
        key = self._key(account, address)
        wait_s = max(self._addresses.wait_s(address), self._accounts.wait_s(key) if key else 0.0)
        if wait_s == 0:
            self._addresses.count(address)
            if key:
                self._accounts.count(key)
        return wait_s

    def forgive(self, account: str | None, address: str, *, signed_in: bool) -> None:
        """It was no failure."""
        key = self._key(account, address)
        self._addresses.forgive(address)
        if key is None or account is None:
            return
        self._accounts.forgive(key)
        if signed_in:
            self._homes[account, address] = None
            self._homes.move_to_end((account, address))
            if len(self._homes) > REMEMBERED:
                self._homes.popitem(last=False)

    def _key(self, account: str | None, address: str) -> tuple[str, str] | None:
        if account is None:
            return None
        return (account, address if (account, address) in self._homes else "")
