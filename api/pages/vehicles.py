"""`/vehicles`: the vehicles one may see, and what each is doing."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response

from api import cursors
from api.pages import maps
from api.pages.render import page
from api.principal import Principal
from api.services import App, Services
from api.vehicles import VehiclesQuery, page_of

VEHICLES_A_PAGE = 50

router = APIRouter()

Cursor = Annotated[str | None, Query(max_length=cursors.MAX_LENGTH)]


@router.api_route("/vehicles", methods=["GET", "HEAD"])
async def show_vehicles(
    request: Request, services: App, party: Principal, cursor: Cursor = None
) -> Response:
    """Show a page of the vehicles that one may see."""
    return await listing(request, services, party, cursor)


async def listing(request: Request, services: Services, party: int, cursor: str | None) -> Response:
    """A page of the vehicles that a party may see."""
    found = await page_of(services, party, VehiclesQuery(cursor=cursor, limit=VEHICLES_A_PAGE))
    following = None
    if found.next is not None:
        after = cursors.after_vin(found.vehicles[-1].vin)
        following = f"/vehicles?{urlencode({'cursor': after})}"
    placed = [
        (vehicle, (position.latitude, position.longitude))
        for vehicle in found.vehicles
        if (position := vehicle.position) is not None
    ]
    ground = maps.ground_of(services.settings)
    drawn = maps.around([place for _, place in placed], maps.WIDE, ground)
    return page(
        request,
        "vehicles.html",
        vehicles=found.vehicles,
        map=drawn,
        points=[]
        if drawn is None
        else [(vehicle, drawn.point(*place)) for vehicle, place in placed],
        is_first=cursor is None,
        following=following,
        live_from="/vehicles/live"
        if cursor is None
        else f"/vehicles/live?{urlencode({'cursor': cursor})}",
        heartbeat_s=services.settings.api_stream_heartbeat_s,
    )
