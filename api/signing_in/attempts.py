"""An attempt to sign in: admitted, in its turn, and a failure until it is seen to be none.

Forms and tokens come this way alike, so that guesses at either count together.
"""

from __future__ import annotations

from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from schemas.errors import TelemetryError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

    from starlette.requests import Request

    from api.signing_in.throttle import SignInThrottle, Turns


class NotAdmittedError(TelemetryError):
    """One has to wait before one may try.

    Args:
        detail: why.
        wait_s: how long [s].
    """

    def __init__(self, detail: str, wait_s: float) -> None:
        super().__init__(detail)
        self.wait_s = wait_s


class TooManyTriesError(NotAdmittedError):
    """Too many have failed for this account, or from this address."""


class TooManyAtOnceError(NotAdmittedError):
    """Too many others wait for their passwords to be checked."""


@dataclass(slots=True)
class Attempt:
    """How it went; where nothing is said it failed, and counts."""

    has_failed: bool = True
    has_signed_in: bool = False

    def forgive(self, *, signed_in: bool) -> None:
        """It was no failure; signed in, the account is at home at this address."""
        self.has_failed, self.has_signed_in = False, signed_in


@asynccontextmanager
async def attempt(
    request: Request, throttle: SignInThrottle, account: str | None, turns: Turns | None
) -> AsyncIterator[Attempt]:
    """Let somebody try; an error of ours does not count as a failure of theirs.

    Args:
        request: tells where they come from.
        throttle: counts.
        account: whose failures count together; None: only those of the address do.
        turns: where it waits; None: it need not.

    Raises:
        TooManyTriesError: they have to wait.
        TooManyAtOnceError: there is no room to wait in.
    """
    address = request.client.host if request.client else ""
    wait_s = throttle.admit(account, address)
    if wait_s:
        raise TooManyTriesError("Too many tries: wait.", wait_s)
    tried = Attempt()
    try:
        async with _turn(turns):
            yield tried
    except Exception:
        throttle.forgive(account, address, signed_in=False)
        raise
    if not tried.has_failed:
        throttle.forgive(account, address, signed_in=tried.has_signed_in)


def _turn(turns: Turns | None) -> AbstractAsyncContextManager[None]:
    if turns is None:
        return nullcontext()
    if turns.is_crowded:
        raise TooManyAtOnceError("Too many at once.", 1)
    return turns
