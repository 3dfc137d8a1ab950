"""How a stream is followed: what was seen last, and when to come back after a break."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from telemetry_client.errors import ClientError, NotSignedInError
from telemetry_client.questions import Changes, read_as
from telemetry_client.session import Session, Steps, Wait

if TYPE_CHECKING:
    from httpx2 import ServerSentEvent

    from telemetry_client.messages import Request

T = TypeVar("T")

SILENT_S = 60.0
"""A stream that says nothing for so long is broken; the API says that it lives every 15 s."""

RETRY_S = 3.0
"""When to come back, until the API says it."""


class Following(Generic[T]):
    """One stream, through all its breaks.

    Args:
        changes: what to follow.
        session: that of the client.
    """

    def __init__(self, changes: Changes[T], session: Session) -> None:
        self._changes, self._session = changes, session
        self._last_id, self._retry_s, self._failures = "", RETRY_S, 0
        self._signed: Request | None = None
        self._is_renewed = False

    def request(self) -> Steps[Request]:
        """Asks for what came after the last event that was seen."""
        request = self._changes.request
        if self._last_id:
            request = request.having({"last-event-id": self._last_id})
        self._signed = yield from self._session.signed(request)
        return self._signed

    def take(self, event: ServerSentEvent) -> T | None:
        """What an event tells; None: nothing that was asked for."""
        self._failures, self._is_renewed = 0, False
        if event.retry is not None:
            self._retry_s = event.retry / 1000
        told = None
        if event.event == self._changes.event and event.data:
            told = read_as(self._changes.of, event.data)
        self._last_id = event.id or self._last_id  # at first a connection has none
        return told

    def broken(self, error: ClientError | None) -> Steps[None]:
        """Wait until it is time to come back.

        Args:
            error: why it broke; None: the API ended it, as it does when it shuts down.

        Raises:
            ClientError: there is no coming back.
        """
        if error is None:
            yield Wait(self._retry_s)
            return
        if isinstance(error, NotSignedInError) and not self._is_renewed and self._signed:
            self._is_renewed = self._session.refused(self._signed)
            if self._is_renewed:
                return
        self._failures += 1
        wait_s = self._session.patience.wait_s(error, self._failures)
        if wait_s is None:
            raise error
        yield Wait(max(wait_s, self._retry_s))
