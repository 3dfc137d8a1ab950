"""`/vehicles`: the vehicles one may see, found by what is known of them, and what each is doing."""

from dataclasses import asdict, dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import ValidationError

from api import cursors, language
from api.pages import map_script, maps
from api.pages.render import page
from api.principal import Principal
from api.services import App, Services
from api.vehicles.listing import Vehicles, VehiclesQuery, VehicleSummary, page_of

VEHICLES_A_PAGE = 50

router = APIRouter()

Cursor = Annotated[str | None, Query(max_length=cursors.MAX_LENGTH)]


@dataclass(frozen=True, kw_only=True, slots=True)
class Find:
    """What was typed into the search; empty: whatever."""

    vin: str = ""
    plate: str = ""
    model: str = ""
    region: str = ""
    state: str = ""

    @property
    def asked(self) -> dict[str, str]:
        """What is asked for."""
        return {name: text for name, text in asdict(self).items() if text}

    @property
    def is_asked(self) -> bool:
        """Whether anything is."""
        return bool(self.asked)

    @property
    def address(self) -> str:
        """It as an address has it, with its question mark."""
        return f"?{urlencode(self.asked)}" if self.asked else ""


_Typed = Annotated[str, Query(max_length=100)]


def _find(
    vin: _Typed = "",
    plate: _Typed = "",
    model: _Typed = "",
    region: _Typed = "",
    state: _Typed = "",
) -> Find:
    return Find(
        vin="".join(vin.split()).upper(),
        plate=plate.strip(),
        model=model.strip(),
        region=region.strip().upper(),
        state=state.strip(),
    )


Finding = Annotated[Find, Depends(_find)]


@router.api_route("/vehicles", methods=["GET", "HEAD"])
async def show_vehicles(
    request: Request, services: App, party: Principal, find: Finding, cursor: Cursor = None
) -> Response:
    """Show a page of the vehicles that one may see and that are as asked for."""
    return await listing(request, services, party, find, cursor)


async def listing(
    request: Request, services: Services, party: int, find: Find, cursor: str | None
) -> Response:
    """A page of the vehicles that a party may see."""
    found = await _found(services, party, find, cursor)
    following = None
    if found.next is not None:
        after = cursors.after_vin(found.vehicles[-1].vin)
        following = f"/vehicles?{urlencode({**find.asked, 'cursor': after})}"
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
        find=find,
        vehicles=found.vehicles,
        map=drawn,
        points=[]
        if drawn is None
        else [(vehicle, drawn.point(*place)) for vehicle, place in placed],
        map_settings=map_script.settings(ground, language.chosen(request)),
        dots=[(vehicle, dot_of(ground, vehicle)) for vehicle in found.vehicles],
        is_first=cursor is None,
        following=following,
        live_from="/vehicles/live"
        if cursor is None
        else f"/vehicles/live?{urlencode({'cursor': cursor})}",
        heartbeat_s=services.settings.api_stream_heartbeat_s,
    )


def dot_of(ground: maps.Ground | None, vehicle: VehicleSummary) -> str:
    """Where a vehicle's dot is, as the map's script is told."""
    position = vehicle.position
    place = None if position is None else (position.latitude, position.longitude)
    return map_script.dot(ground, place)


async def _found(services: Services, party: int, find: Find, cursor: str | None) -> Vehicles:
    """What is no VIN, region or the like is none of any vehicle: nothing is found by it."""
    try:
        query = VehiclesQuery.model_validate(
            {**find.asked, "cursor": cursor, "limit": VEHICLES_A_PAGE}
        )
    except ValidationError:
        return Vehicles(vehicles=[], next=None)
    return await page_of(services, party, query)
