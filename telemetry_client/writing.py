"""Writes: each under an Idempotency-Key of its own, so that sent twice it is done once."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from telemetry_client import times
from telemetry_client.messages import Asks, Request, write
from telemetry_client.questions import Single

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Done:
    """A write that is answered with nothing."""

    request: Request

    def asks(self) -> Asks[None]:
        """Ask once."""
        yield self.request


def change(
    method: str,
    address: str,
    of: type[T],
    body: Mapping[str, object] | None = None,
    *,
    if_match: str | None = None,
    **of_path: object,
) -> Single[T]:
    """A write that is answered with a thing.

    Args:
        method: POST, say.
        address: with the names of its parameters.
        of: what it is answered with.
        body: of JSON; times in it may be datetimes, which are sent in UTC.
        if_match: the `etag` that an entry must have to be changed; None: whatever it has.
        of_path: the address's parameters.
    """
    sent = body and {
        name: times.text(it, name) if isinstance(it, datetime) else it for name, it in body.items()
    }
    request = _keyed(method, address, sent, None, of_path)
    if if_match is not None:
        request = request.having({"if-match": if_match})
    return Single(request=request, of=of)


def upload(address: str, of: type[T], lines: bytes, params: Mapping[str, object]) -> Single[T]:
    """A POST of CSV that is answered with a thing.

    Args:
        address: without parameters.
        of: what it is answered with.
        lines: the CSV.
        params: the query.
    """
    return Single(request=_keyed("POST", address, lines, params, {}), of=of)


def removal(address: str, **of_path: object) -> Done:
    """A DELETE that is answered with nothing."""
    return Done(request=_keyed("DELETE", address, None, None, of_path))


def _keyed(
    method: str,
    address: str,
    body: object,
    params: Mapping[str, object] | None,
    of_path: Mapping[str, object],
) -> Request:
    return write(method, address, body, params, idempotency_key=str(uuid.uuid4()), **of_path)
