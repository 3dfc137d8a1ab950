"""Every read of personal data is written down: who, of whom, what for, when and from where.

A request is noted when its answer begins and written later, many at a time, over a connection of
its own: no answer waits for it. What waits to be written is bounded; reads that find no room, or
that cannot be written, are counted, and the log itself says how many it lacks.
"""

from __future__ import annotations

import ipaddress
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote

from api.problems import invalid
from schemas.vin import VinError, check_vin

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from api.access_log import AccessLog
    from api.identity import Caller

Row = TypeVar("Row")

PURPOSE_HEADER = "x-purpose"

MAX_PURPOSE = 200

MAX_WRITTEN = 20_000
"""Of so many a request remembers that it has named them; then some are named again."""

MAX_NAMED = 1000
"""Vehicles, and drivers, that one entry names; no page has more, and a stream has more entries."""


@dataclass(kw_only=True, slots=True)
class Access:
    """A request that reads personal data, as long as it lasts."""

    caller: Caller
    method: str
    route: str
    purpose: str | None
    address: str | None
    fleet_id: int | None
    dataset_id: int | None = None
    vins: dict[str, None] = field(default_factory=dict)
    driver_ids: dict[int, None] = field(default_factory=dict)
    write: Callable[[Access], None] | None = None
    """Writes an entry; there once the answer has begun and the first is written."""
    written: set[str | int] = field(default_factory=set)
    """Vehicles and drivers that an entry of this request names already."""

    def note(self, vin: str | None, driver_id: int | None) -> None:
        """Note whom the answer tells of; a full entry is written, if one may be yet."""
        if max(len(self.vins), len(self.driver_ids)) >= MAX_NAMED:
            self.settle()
        if vin is not None and vin not in self.written and len(self.vins) < MAX_NAMED:
            self.vins[vin] = None
        if (
            driver_id is not None
            and driver_id not in self.written
            and len(self.driver_ids) < MAX_NAMED
        ):
            self.driver_ids[driver_id] = None

    def settle(self) -> None:
        """Write down those whom no entry names yet, once the answer has begun."""
        if self.write is not None and (self.vins or self.driver_ids):
            self.write(self)
            self.begun(self.write)

    def begun(self, write: Callable[[Access], None]) -> None:
        """An entry was written: from here on others are for the next one."""
        self.write = write
        if len(self.written) > MAX_WRITTEN:
            self.written.clear()
        self.written.update(self.vins, self.driver_ids)
        self.vins.clear()
        self.driver_ids.clear()


_present: ContextVar[Access | None] = ContextVar("access", default=None)

_STATE = "telemetry.access"


def begin(request: Request, caller: Caller) -> None:
    """Note who asks for what.

    Raises:
        ProblemError: 422, the purpose cannot be written down.
    """
    path: Mapping[str, Any] = request.path_params
    access = Access(
        caller=caller,
        method=request.method,
        route=getattr(request.scope.get("route"), "path", "unknown"),
        purpose=_purpose(request),
        address=_address(request),
        fleet_id=_number(path.get("fleet_id")),
        dataset_id=_number(path.get("dataset_id")),
    )
    with suppress(VinError):
        vin = str(path.get("vin", ""))
        check_vin(vin)  # what is none is no vehicle, and may be anything
        access.vins[vin] = None
    driver = _number(path.get("driver_id"))
    if driver is not None:
        access.driver_ids[driver] = None
    request.scope[_STATE] = access
    _present.set(access)


def noted(rows: list[Row]) -> list[Row]:
    """Note whom rows of an answer tell of, by their `vin` and `driver_id`; returns the rows."""
    access = _present.get()
    if access is not None:
        for row in rows:
            access.note(getattr(row, "vin", None), getattr(row, "driver_id", None))
    return rows


def of_dataset(dataset_id: int, purpose: str) -> None:
    """Note which dataset is read, and what for, where the request did not say so itself."""
    access = _present.get()
    if access is not None:
        access.dataset_id = dataset_id
        access.purpose = access.purpose or purpose


def noted_vehicle(vin: str) -> None:
    """Note that the answer tells of a vehicle."""
    access = _present.get()
    if access is not None:
        access.note(vin, None)


def settle() -> None:
    """Write down whom an answer that goes on for long has told of; not only at its end."""
    access = _present.get()
    if access is not None:
        access.settle()


def _number(text: object) -> int | None:
    return int(text) if isinstance(text, str) and text.isdecimal() and len(text) < 19 else None


def _address(request: Request) -> str | None:
    try:
        return str(ipaddress.ip_address(request.client.host)) if request.client else None
    except ValueError:
        return None


def _purpose(request: Request) -> str | None:
    said = request.headers.get(PURPOSE_HEADER)
    if said is None or not said.strip():
        return None
    purpose = unquote(said).strip()
    if len(purpose) > MAX_PURPOSE or not purpose.isprintable():
        raise invalid(
            "X-Purpose",
            f"X-Purpose is longer than {MAX_PURPOSE} characters, or not one line of text.",
            "Say in a few words what the data are read for; percent-encode what is not ASCII.",
        )
    return purpose


class AccessTrail:
    """ASGI middleware: notes a request that reads personal data when its answer begins.

    Whom a streamed answer tells of later is noted too, in entries of their own.

    Args:
        app: what answers.
        log: what writes it down.
    """

    def __init__(self, app: ASGIApp, log: AccessLog) -> None:
        self._app = app
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start" and _STATE in scope:
                status = message["status"]
                self._log.add(scope[_STATE], status)
                scope[_STATE].begun(lambda access: self._log.add(access, status))
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            if _STATE in scope:
                scope[_STATE].settle()
