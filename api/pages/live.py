"""`/vehicles/live` and `/vehicles/{vin}/live`: pages kept up to date, by server-sent events.

An event `parts` has pieces of the page as they are now: HTML of the same macros that made the page,
by the `data-live` of the element that holds them. Only what has changed is sent; who comes back
after a break is told all of it again. `alive` comes when there is nothing else to say, so that the
page knows that it is still told.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request

from api import display, language
from api.accesses import noted, settle
from api.pages import vehicle as vehicle_page
from api.pages.maps import ground_of
from api.pages.render import macros
from api.pages.vehicles import VEHICLES_A_PAGE, Cursor, dot_of
from api.parameters import Vin  # noqa: TC001 - FastAPI reads it
from api.principal import Principal  # noqa: TC001 - FastAPI reads it
from api.problems import ProblemError
from api.services import App  # noqa: TC001 - FastAPI reads it
from api.vehicles.listing import NAMES, VehiclesQuery, summary
from api.vehicles.search import search_of
from api.vehicles.state import state_of
from api.vehicles.streams import RETRY_MS, EventStream
from api.vehicles.watch import Subject
from storage.errors import StorageError
from storage.served_errors import UnknownError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

    from api.language import Language
    from api.services import Services
    from api.vehicles.watch import Subscription
    from storage.answers_search import FoundVehicle

    Render = Callable[[Sequence[FoundVehicle]], Awaitable[Mapping[str, str]]]

ROW = ("state", "speed", "fuel", "odometer", "position", "seen")
"""What is kept up to date of a vehicle in the list, each a macro of live.html."""

router = APIRouter()


@router.get("/vehicles/live")
async def follow_list(
    request: Request, services: App, party: Principal, cursor: Cursor = None
) -> EventStream:
    """Keep a page of the list of vehicles up to date."""
    query = VehiclesQuery(cursor=cursor, limit=VEHICLES_A_PAGE)
    text = language.chosen(request)

    async def listed() -> dict[str, FoundVehicle]:
        asked = search_of(query, datetime.now(tz=UTC))
        found = await services.search.vehicles(party, asked, NAMES, limit=query.limit)
        return {vehicle.vin: vehicle for vehicle in noted(found)}

    known = await listed()

    async def render(changed: Sequence[FoundVehicle]) -> Mapping[str, str]:
        if changed:
            known.update({vehicle.vin: vehicle for vehicle in changed})
        else:  # what one may no longer see is not told of from memory
            present = await listed()
            known.clear()
            known.update(present)
        return _list_parts(services, known, text)

    return await _follow(request, services, party, frozenset(known), render)


@router.get("/vehicles/{vin}/live")
async def follow_page(request: Request, vin: Vin, services: App, party: Principal) -> EventStream:
    """Keep a vehicle's page up to date."""
    await services.search.contact(party, vin)
    text = language.chosen(request)

    async def render(_: Sequence[FoundVehicle]) -> Mapping[str, str]:
        return await _vehicle_parts(services, party, vin, text)

    return await _follow(request, services, party, frozenset({vin}), render)


async def _follow(
    request: Request, services: Services, party: int, vins: frozenset[str], render: Render
) -> EventStream:
    subscription = services.watch.subscribe(party, Subject(vins=vins))
    try:
        await subscription.begin(None)
    except BaseException:
        subscription.close()
        raise
    return EventStream(_events(request, services, subscription, render), subscription)


async def _events(
    request: Request, services: Services, subscription: Subscription, render: Render
) -> AsyncIterator[str]:
    heartbeat_s = services.settings.api_stream_heartbeat_s
    yield f"retry: {RETRY_MS}\n\n"
    told: dict[str, str] = {}
    checked = monotonic()
    while not subscription.ended:
        vehicles, _ = await subscription.take(heartbeat_s)
        is_due = monotonic() - checked >= heartbeat_s
        try:
            if is_due:
                checked = monotonic()
                if services.identifier is not None:  # who has signed out is told no more
                    await services.identifier.caller(request)
            # How long ago something was changes although nothing is written.
            parts = await render([] if is_due else vehicles) if vehicles or is_due else {}
        except (ProblemError, UnknownError):
            return
        except StorageError:  # the database is away: the stream outlives it, and is not alive
            continue
        noted(list(vehicles))
        settle()
        changed = {name: html for name, html in parts.items() if told.get(name) != html}
        told |= changed
        if changed:
            yield f"event: parts\ndata: {json.dumps(changed, ensure_ascii=False)}\n\n"
        else:
            yield "event: alive\ndata:\n\n"


def _list_parts(
    services: Services, known: Mapping[str, FoundVehicle], text: Language
) -> dict[str, str]:
    live, now = macros("live.html"), datetime.now(tz=UTC)
    vehicles = [summary(services, vehicle, now) for vehicle in known.values()]
    parts = {
        f"{vehicle.vin}.{name}": str(
            getattr(live, name)(text, vehicle, lambda time: display.ago(time, now, text))
        )
        for vehicle in vehicles
        for name in ROW
    }
    ground = ground_of(services.settings)
    for vehicle in vehicles:
        parts[f"{vehicle.vin}.dot"] = str(
            live.dot(text, vehicle, dot_of(ground, vehicle))  # type: ignore[attr-defined]
        )
    parts["counts"] = str(live.counts(text, vehicles))  # type: ignore[attr-defined]  # a macro
    return parts


async def _vehicle_parts(
    services: Services, party: int, vin: str, text: Language
) -> dict[str, str]:
    live, state = macros("live.html"), await state_of(services, party, vin)
    readings = vehicle_page.readings_of(state)
    now = state.answered_at

    def ago(time: datetime) -> str:
        return display.ago(time, now, text)

    def told(name: str, *of: object) -> str:
        return str(getattr(live, name)(*of))

    parts = {
        "activity": told("state", text, state, ago),
        "last_seen": told("last_seen", text, state, ago),
        "headlines": told(
            "headlines", text, state, vehicle_page.headlines_of(readings), readings, ago
        ),
    }
    for _, rows in vehicle_page.groups_of(services, state, text):
        for row in rows:
            parts[f"value.{row.signal}"] = told("value", row)
            parts[f"age.{row.signal}"] = told("age", row, ago)
    return parts
