"""`…/stream`: states as they change, of a vehicle or a fleet, as server-sent events.

An event is the whole present state of one vehicle: who missed some, or gets one twice, is right
after the next. Its id is a time; a client that comes back with it in Last-Event-ID gets what was
written since, and a client without one what is there now. [WHATWG HTML, 9.2]
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from time import monotonic
from typing import Annotated

from fastapi import APIRouter, Header, Query
from pydantic import ConfigDict, Field
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from api.accesses import noted, settle
from api.codes import Code
from api.coordinates import Coordinates, Placed
from api.openapi import events, problems
from api.parameters import FleetId, Vin, from_microseconds, microseconds
from api.principal import Principal
from api.services import App, Services
from api.signals.values import Reading, reading
from api.vehicles.listing import EXAMPLE, VehicleSummary, summary
from api.vehicles.watch import Subject, Subscription
from storage.answers_search import FoundVehicle
from storage.errors import StorageError
from storage.served_errors import UnknownError

RETRY_MS = 3000
"""When a browser comes back after a break."""

LAMPS = {
    "tell_tale_red": "red",
    "tell_tale_amber": "amber",
    "tell_tale_mil": "mil",
    "tell_tale_protect": "protect",
}

_EVENT_ID = re.compile(r"[0-9]{16}", re.ASCII)
"""Microseconds since 1970, in this and the next two centuries."""

router = APIRouter(tags=["streams"])


class VehicleChange(VehicleSummary):
    """The data of an event `state`: a vehicle's present state."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    **EXAMPLE,
                    "lamps": ["amber"],
                    "trouble_codes": {
                        "signal": "trouble_code_count",
                        "value": 1,
                        "unit": "count",
                        "time": "2026-11-01T08:00:00Z",
                    },
                }
            ]
        }
    )

    lamps: list[str] = Field(
        description="Tell-tales that are lit: red, amber, mil, protect.", examples=[["amber"]]
    )
    trouble_codes: Reading | None = Field(description="How many trouble codes are active.")


class EventStream(StreamingResponse):
    """An answer that goes on until the client leaves, or we do."""

    media_type = "text/event-stream"

    def __init__(self, content: AsyncIterator[str], subscription: Subscription) -> None:
        # Proxies that collect answers (nginx) would hold events back.
        super().__init__(content, headers={"X-Accel-Buffering": "no"})
        self._subscription = subscription

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it; however it ends, nobody watches any more after it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._subscription.close()


LastEventId = Annotated[
    str | None,
    Header(
        description="Id of the last event that was seen: what was written since comes first. "
        "Browsers send it by themselves. One that is none of ours counts as none.",
        examples=["1793520002000000"],
    ),
]


@router.get(
    "/v1/vehicles/{vin}/stream",
    operation_id="follow_vehicle",
    summary="A vehicle's state as it changes",
    status_code=200,
    response_class=EventStream,
    response_model=VehicleChange,
    responses={**events("VehicleChange"), **problems(Code.UNKNOWN_VEHICLE, Code.INVALID_PARAMETER)},
)
async def follow_vehicle(
    vin: Vin,
    placed: Annotated[Placed, Query()],
    services: App,
    party: Principal,
    last_event_id: LastEventId = None,
) -> EventStream:
    """Send an event `state` with the present state, and one whenever something new is known.

    In between comments say that the stream is alive. It ends when you may no longer see the
    vehicle.
    """

    async def visible() -> object:
        return await services.search.contact(party, vin)

    return await _stream(
        services, party, Subject(vins=frozenset({vin})), visible, last_event_id, placed.coordinates
    )


@router.get(
    "/v1/fleets/{fleet_id}/stream",
    operation_id="follow_fleet",
    summary="The states of a fleet's vehicles as they change",
    status_code=200,
    response_class=EventStream,
    response_model=VehicleChange,
    responses={**events("VehicleChange"), **problems(Code.UNKNOWN_FLEET, Code.INVALID_PARAMETER)},
)
async def follow_fleet(
    fleet_id: FleetId,
    placed: Annotated[Placed, Query()],
    services: App,
    party: Principal,
    last_event_id: LastEventId = None,
) -> EventStream:
    """Send an event `state` for each vehicle, and one whenever something new is known of one.

    The fleet's vehicles are those that are in it now, as far as you may see them.
    """

    async def visible() -> object:
        return await services.behaviour.fleet(party, fleet_id)

    return await _stream(
        services, party, Subject(fleet_id=fleet_id), visible, last_event_id, placed.coordinates
    )


async def _stream(
    services: Services,
    party: int,
    subject: Subject,
    visible: Callable[[], Awaitable[object]],
    last_event_id: str | None,
    coordinates: Coordinates,
) -> EventStream:
    await visible()
    subscription = services.watch.subscribe(party, subject)
    try:
        await subscription.begin(_time(last_event_id))
    except BaseException:
        subscription.close()
        raise
    return EventStream(_events(services, subscription, visible, coordinates), subscription)


def _time(event_id: str | None) -> datetime | None:
    """The time that an event's id is; None: it is no id of ours."""
    found = _EVENT_ID.fullmatch((event_id or "").strip())
    return None if found is None else from_microseconds(int(found.group()))


async def _events(
    services: Services,
    subscription: Subscription,
    visible: Callable[[], Awaitable[object]],
    coordinates: Coordinates,
) -> AsyncIterator[str]:
    heartbeat_s = services.settings.api_stream_heartbeat_s
    yield f"retry: {RETRY_MS}\n\n"
    checked = monotonic()
    while not subscription.ended:
        vehicles, answered_at = await subscription.take(heartbeat_s)
        now = datetime.now(tz=UTC)
        noted(vehicles)
        settle()
        for place, vehicle in enumerate(vehicles, start=1):
            # Until all of them are sent nothing later than the ones before was seen.
            event_id = microseconds(answered_at) if place == len(vehicles) else None
            yield _event(_told(services, vehicle, now, coordinates), event_id)
        if monotonic() - checked >= heartbeat_s:
            try:
                await visible()
            except UnknownError:
                return
            except StorageError:
                pass  # the database is away: the stream outlives it
            checked = monotonic()
        if not vehicles:
            yield ": alive\n\n"


def _told(
    services: Services, vehicle: FoundVehicle, now: datetime, coordinates: Coordinates
) -> VehicleChange:
    codes = vehicle.latest.get("trouble_code_count")
    return VehicleChange(
        **summary(services, vehicle, now, coordinates).model_dump(),
        lamps=[
            lamp
            for name, lamp in LAMPS.items()
            if name in vehicle.latest and vehicle.latest[name].value
        ],
        trouble_codes=(
            None
            if codes is None
            else reading(services.catalogue.by_name["trouble_code_count"], codes)
        ),
    )


def _event(change: VehicleChange, event_id: int | None) -> str:
    head = "" if event_id is None else f"id: {event_id}\n"
    return f"{head}event: state\ndata: {change.model_dump_json()}\n\n"
