"""`/`: the first page: the week of a fleet for whoever has one, the vehicles for all others."""

from fastapi import APIRouter, Request, Response

from api import language
from api.pages import vehicles, week
from api.pages.choice import FleetChoice, WeekChoice, choice
from api.pages.render import page
from api.pages.vehicles import Cursor
from api.principal import Asking
from api.services import App

router = APIRouter()


@router.api_route("/", methods=["GET", "HEAD"])
async def show_start(
    request: Request,
    services: App,
    who: Asking,
    chosen_week: WeekChoice = None,
    fleet: FleetChoice = None,
    cursor: Cursor = None,
) -> Response:
    """Show a fleet's week; the vehicles where there is no fleet."""
    chosen = await choice(services, who, fleet, chosen_week)
    if chosen is None:
        return await vehicles.listing(request, services, who.party_id, cursor)
    shown = await week.week_of(services, who.party_id, chosen, language.chosen(request))
    return page(request, "week.html", week=shown, fleets=chosen.fleets)
