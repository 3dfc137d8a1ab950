"""How often a client may ask for a resource: so many requests a minute, counted by each process."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

WINDOW_S = 60
"""Limits are told by the minute."""

CLIENTS_REMEMBERED = 100_000
"""Then those whose minute is over are forgotten."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Allowance:
    """What is left to a client of a resource."""

    limit: int
    remaining: int
    reset: int
    """When the window ends [s since 1970, UTC]."""
    retry_after_s: int
    """Until then [s], at least 1."""
    granted: bool
    """Whether this request is one of those that are allowed."""

    @property
    def headers(self) -> dict[str, str]:
        """As rFMS tells it; of a refused request with Retry-After."""
        told = {
            "X-Rate-Limit-Limit": str(self.limit),
            "X-Rate-Limit-Remaining": str(self.remaining),
            "X-Rate-Limit-Reset": str(self.reset),
        }
        return told if self.granted else told | {"Retry-After": str(self.retry_after_s)}


class RateLimits:
    """Counts the requests of each client and resource in windows of a minute.

    Args:
        limit: requests a window.
        clock: seconds since 1970.
    """

    def __init__(self, limit: int, clock: Callable[[], float]) -> None:
        self._limit, self._clock = limit, clock
        self._windows: dict[tuple[Hashable, str], tuple[float, int]] = {}
        """By client and resource: when the window ends, and the requests in it."""

    def take(self, client: Hashable, resource: str) -> Allowance:
        """Count a request; a client's window begins with its first request."""
        now = self._clock()
        ends, count = self._windows.get((client, resource), (0.0, 0))
        if ends <= now or ends > now + WINDOW_S:  # it is over, or the clock went back
            ends, count = now + WINDOW_S, 0
        granted = count < self._limit
        count += granted
        if len(self._windows) >= CLIENTS_REMEMBERED:
            self._windows = {key: it for key, it in self._windows.items() if it[0] > now}
        self._windows[client, resource] = (ends, count)
        return Allowance(
            limit=self._limit,
            remaining=self._limit - count,
            reset=math.ceil(ends),
            retry_after_s=max(1, math.ceil(ends - now)),
            granted=granted,
        )
