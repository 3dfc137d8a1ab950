"""`/`: the first page: of those who have no other, the week of a fleet, or the vehicles."""

from http import HTTPStatus

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from api import language
from api.pages import roles, vehicles, week
from api.pages.choice import FleetChoice, WeekChoice, choice
from api.pages.render import page
from api.pages.vehicles import Cursor, Find
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
    """Show a fleet's week; the vehicles where there is no fleet; lead others to their own page."""
    begins = roles.start_of(who)
    if begins != "/":
        asked = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(f"{begins}{asked}", status_code=HTTPStatus.SEE_OTHER)
    chosen = await choice(services, who, fleet, chosen_week)
    if chosen is None:
        return await vehicles.listing(request, services, who.party_id, Find(), cursor)
    shown = await week.week_of(services, who.party_id, chosen, language.chosen(request))
    return page(request, "week.html", week=shown, fleets=chosen.fleets)
