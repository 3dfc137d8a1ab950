"""Which failures pass by themselves, and how long to wait for that."""

from __future__ import annotations

import random
from dataclasses import dataclass

from telemetry_client.errors import (
    ApiError,
    CertificateError,
    ClientError,
    ConnectionFailedError,
    TooManyRequestsError,
    UnavailableError,
)

FIRST_WAIT_S = 0.5
"""Where the API does not say; doubled with each further failure."""

_STAYS = {"too_slow", "webhooks_not_set_up"}
"""The same question would take as long the next time; what an operator has to do takes longer."""


def passes(error: ClientError) -> bool:
    """Whether to ask again may help."""
    match error:
        case CertificateError():
            return False
        case UnavailableError() | TooManyRequestsError():
            return error.code not in _STAYS
        case _:
            return isinstance(error, ConnectionFailedError)


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """How often to ask, and how long to wait in between."""

    attempts: int = 5
    """Requests in all."""
    longest_wait_s: float = 60.0
    """Of one wait; what the API wants to be waited for longer is raised."""

    def wait_s(self, error: ClientError, failures: int) -> float | None:
        """How long to wait after a failure [s]; None: it is to be raised.

        Args:
            error: the failure.
            failures: how many there were, with this one.
        """
        if not passes(error) or failures >= self.attempts:
            return None
        asked = error.retry_after_s if isinstance(error, ApiError) else None
        if asked is not None and asked > self.longest_wait_s:
            return None
        # Clients that failed together do not come back together.
        wait_s = min(FIRST_WAIT_S * 2.0 ** (failures - 1), self.longest_wait_s)
        wait_s *= random.uniform(0.5, 1.0)  # noqa: S311 - no secret
        return wait_s if asked is None else asked + min(wait_s, asked / 10)
