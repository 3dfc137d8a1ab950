"""Every read of personal data is written down: who, of whom, what for, when and from where.

A request is noted when its answer begins and written later, many at a time, over a connection of
its own: no answer waits for it. What waits to be written is bounded; reads that find no room, or
that cannot be written, are counted, and the log itself says how many it lacks.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import time
from collections import deque
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote

from api.problems import invalid
from schemas.errors import TelemetryError
from schemas.vin import VinError, check_vin

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from api.identity import Caller
    from storage.served_identity import IdentityReader

Row = TypeVar("Row")

PURPOSE_HEADER = "x-purpose"
MAX_PURPOSE = 200

WAITING = 10_000
"""Reads that may wait to be written; some megabytes."""

BATCH = 500
"""Reads that are written at once."""

EVERY_S = 1.0
"""How often [s]; reads of one such span that are alike are one entry."""

MAX_PAUSE_S = 10.0
"""How long after a failure the next try is made, at the latest [s]."""

LAST_S = 5.0
"""How long the end of the process waits for the last of them [s]."""

MAX_NAMED = 1000
"""Vehicles, and drivers, that one entry names; no page has more, and a stream has more entries."""

MAX_WRITTEN = 20_000
"""Of so many a request remembers that it has named them; then some are named again."""

logger = logging.getLogger("telemetry.api")


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


class AccessLog:
    """Writes down reads, behind the answers.

    Args:
        reader: writes them; should have a connection that nobody else waits for.
    """

    def __init__(self, reader: IdentityReader) -> None:
        self._reader = reader
        self._waiting: deque[dict[str, Any]] = deque()
        self._lost = 0
        self._lost_since: datetime | None = None
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def lost(self) -> int:
        """Reads that found no room and are not told of in the log yet."""
        return self._lost

    def add(self, access: Access, status: int) -> None:
        """Note a read; never waits."""
        if len(self._waiting) >= WAITING:
            if self._lost == 0:
                logger.error("The log of reads is behind: reads are counted but not named")
            self._lose(1, datetime.now(tz=UTC))
            return
        self._waiting.append(
            {
                "at": time.time(),
                "party_id": access.caller.party_id,
                "subject": access.caller.subject,
                "role": access.caller.role,
                "method": access.method,
                "route": access.route,
                "vins": list(access.vins),
                "driver_ids": list(access.driver_ids),
                "fleet_id": access.fleet_id,
                "dataset_id": access.dataset_id,
                "purpose": access.purpose,
                "address": access.address,
                "status": status,
            }
        )

    def start(self) -> None:
        """Begin to write; within a running loop."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Write what is left, within some seconds."""
        self._stopping.set()
        if self._task is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._task, LAST_S)
        if self._waiting or self._lost:
            logger.error(
                "%d reads of personal data could not be written down before the end",
                len(self._waiting) + self._lost,
            )

    async def _run(self) -> None:
        pause, stopping = EVERY_S, False
        while not stopping:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)
            stopping = self._stopping.is_set()
            written = True
            while written and (self._waiting or self._lost):
                written = await self._write()
                if not stopping and len(self._waiting) < BATCH:
                    break  # what came meanwhile is for the next time: busy hours have large batches
            pause = EVERY_S if written else min(2 * pause, MAX_PAUSE_S)

    async def _write(self) -> bool:
        """Write some of what waits; False: it could not be and still waits."""
        batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
        lost, since = self._lost, self._lost_since
        self._lost = 0
        try:
            await self._reader.log_accesses(_alike(batch), lost=lost, lost_since=since)
        except TelemetryError as error:  # the database is away: it comes back
            self._waiting.extendleft(reversed(batch))
            self._lose(lost, since)
            logger.warning("The log of reads waits: %s", error)
            return False
        except Exception:
            # Something in these cannot be written, ever: the others must not wait for it.
            self._lose(lost, since)
            self._lose(len(batch), datetime.now(tz=UTC))
            logger.exception("Reads of personal data could not be written down")
            return True
        if lost:
            logger.error("%d reads of personal data since %s are not in the log", lost, since)
        return True

    def _lose(self, reads: int, since: datetime | None) -> None:
        if reads:
            self._lost_since = since if self._lost == 0 else self._lost_since
            self._lost += reads


def _alike(batch: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Entries of one batch, those that differ in their time alone as one."""
    found: dict[str, dict[str, Any]] = {}
    for entry in batch:
        key = repr([value for name, value in entry.items() if name != "at"])
        if key in found:
            found[key]["reads"] += 1
        else:
            at = datetime.fromtimestamp(entry["at"], tz=UTC).isoformat()
            found[key] = {**entry, "at": at, "reads": 1}
    return list(found.values())
