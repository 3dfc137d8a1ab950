"""How a question is put: signed in, sent, repeated, without doing any of it.

Everything here is a generator that yields what is to be done (send this, wait so long, do that
alone) and is told what came of it. The blocking and the asynchronous client differ in who does it.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from telemetry_client.errors import ClientError, NotSignedInError, of_answer
from telemetry_client.messages import Answer, Asks, Request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from telemetry_client.credentials import Credential
    from telemetry_client.retries import Patience

T = TypeVar("T")

_FIRST_ERROR = 400


@dataclass(frozen=True, slots=True)
class Send:
    """Send this; its answer comes back, or ConnectionFailedError is raised."""

    request: Request


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait so long."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Alone:
    """Do these steps while nobody else does any of this client's that are to be done alone."""

    steps: Steps[None]


Effect: TypeAlias = Send | Wait | Alone
Steps: TypeAlias = Generator[Effect, Answer | None, T]
"""What is to be done, one after the other, to come to a T."""


class Session:
    """What all questions of a client have in common.

    Args:
        credential: who asks.
        patience: how often, and how long to wait.
        headers: what each request carries.
    """

    def __init__(
        self, credential: Credential, patience: Patience, headers: Mapping[str, str]
    ) -> None:
        self._credential, self.patience, self._headers = credential, patience, headers

    def asked(self, asks: Asks[T]) -> Steps[T]:
        """Put a question, which may take several requests."""
        try:
            request = next(asks)
            while True:
                request = asks.send((yield from self._answered(request)))
        except StopIteration as done:
            result: T = done.value
            return result

    def signed(self, request: Request) -> Steps[Request]:
        """The request with who asks, whose token is renewed if need be."""
        if self._credential.renewal(time.monotonic()) is not None:
            yield Alone(self._renewed())
        return request.having({**self._headers, **self._credential.headers()})

    def refused(self, request: Request) -> bool:
        """The API did not take the credential of a request; whether another may be had."""
        given = {
            name: request.headers[name]
            for name in self._credential.headers()
            if name in request.headers
        }
        return self._credential.refused(given)

    def _renewed(self) -> Steps[None]:
        # Who waited to do this alone finds that it was done meanwhile.
        now = time.monotonic()
        request = self._credential.renewal(now)
        if request is not None:
            self._credential.take((yield from self._repeated(request)), now)

    def _answered(self, request: Request) -> Steps[Answer]:
        """Sent as who asks; where a token that held is refused, with another one."""
        signed = yield from self.signed(request)
        try:
            return (yield from self._repeated(signed))
        except NotSignedInError:
            if not self.refused(signed):
                raise
        return (yield from self._repeated((yield from self.signed(request))))

    def _repeated(self, request: Request) -> Steps[Answer]:
        failures = 0
        while True:
            try:
                answer = yield Send(request)
                assert answer is not None  # noqa: S101 - what sends tells the answer
                if answer.status < _FIRST_ERROR:
                    return answer
                raise of_answer(answer)
            except ClientError as error:
                failures += 1
                wait_s = self.patience.wait_s(error, failures) if request.repeatable else None
                if wait_s is None:
                    raise
            yield Wait(wait_s)
