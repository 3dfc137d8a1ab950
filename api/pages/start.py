"""`/`: the first page: the week of a fleet for whoever has one, a driver's own, or the vehicles."""

from http import HTTPStatus

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from api import language
from api.pages import vehicles, week
from api.pages.choice import FleetChoice, WeekChoice, choice
from api.pages.render import own_page, page
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
    """Show a fleet's week; the vehicles where there is no fleet; a driver his own page."""
    if who.driver_id is not None:
        return RedirectResponse(own_page(who.driver_id), status_code=HTTPStatus.SEE_OTHER)
    chosen = await choice(services, who, fleet, chosen_week)
    if chosen is None:
        return await vehicles.listing(request, services, who.party_id, cursor)
    shown = await week.week_of(services, who.party_id, chosen, language.chosen(request))
    return page(request, "week.html", week=shown, fleets=chosen.fleets)
