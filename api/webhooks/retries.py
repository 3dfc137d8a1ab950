"""What follows from how an attempt ended: when the next one is made, and when one gives up.

A message keeps its place in the first attempts, with which its webhook rests as a whole: through a
short outage all come in order. Then it steps aside, so that a message that its receiver cannot
stand does not hold up the others, and is tried at growing intervals until it is given up.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from api.webhooks.kinds import TEST_SOURCE
from api.webhooks.line import GONE
from storage.webhooks import Ended

if TYPE_CHECKING:
    from collections.abc import Callable

    from api.webhooks.line import Outcome
    from storage.webhooks import Outgoing

GROWTH = 6.0
"""By how much each pause is longer than the one before: 5 s, 30 s, 3 min, 18 min, 1.8 h, …"""

LONGEST_S = 6 * 3600.0
"""No message waits longer for its next attempt [s]."""

LONGEST_REST_S = 900.0
"""No webhook that fails rests longer as a whole [s]."""

IN_PLACE = 3
"""Attempts in which a message keeps its place."""

JITTER = 0.2
"""By how much of it a pause is shorter or longer, so that receivers are not asked in waves."""

_NOW = timedelta(0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """How one tries.

    Attributes:
        first_s: the first pause [s].
        give_up: how long a message is tried, and how long a webhook may fail.
        random: from 0 to 1, for the jitter.
    """

    first_s: float
    give_up: timedelta
    random: Callable[[], float]

    def ended(self, sent: Outgoing, outcome: Outcome) -> Ended:
        """What is written down of an attempt."""
        if outcome.ok or sent.source == TEST_SOURCE:
            # A test is made once, and says nothing of how the webhook does.
            return Ended(
                state="delivered" if outcome.ok else "failed",
                delay=_NOW,
                status=outcome.status,
                error=outcome.error,
                took_s=outcome.took_s,
            )
        least_s = outcome.retry_after_s or 0.0
        rest_s = max(least_s, self._pause_s(sent.failures + 1, LONGEST_REST_S))
        delay_s = rest_s
        if sent.tries + 1 > IN_PLACE:
            delay_s = max(rest_s, self._pause_s(sent.tries + 1, LONGEST_S))
        disabled_by = None
        if outcome.status == GONE:
            disabled_by = "gone"
        elif sent.failing_for is not None and sent.failing_for >= self.give_up:
            disabled_by = "failing"
        return Ended(
            state="failed" if sent.age >= self.give_up else "waiting",
            delay=timedelta(seconds=delay_s),
            status=outcome.status,
            error=outcome.error,
            took_s=outcome.took_s,
            rest=timedelta(seconds=rest_s),
            disabled_by=disabled_by,
        )

    def _pause_s(self, attempt: int, longest_s: float) -> float:
        # Not by the power of a number that may be large.
        pause_s = self.first_s
        for _ in range(1, attempt):
            if pause_s >= longest_s:
                break
            pause_s *= GROWTH
        return min(pause_s, longest_s) * (1 + JITTER * (2 * self.random() - 1))
