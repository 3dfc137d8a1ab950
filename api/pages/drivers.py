"""`/drivers`: who drove how well in a week, and how sure that is."""

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from api import fleets
from api.accesses import noted
from api.pages import week
from api.pages.parameters import FleetChoice, WeekChoice
from api.pages.render import page
from api.principal import Asking
from api.services import App

MAX_PLACES = 200

router = APIRouter()


@router.api_route("/drivers", methods=["GET", "HEAD"])
async def show_drivers(
    request: Request,
    services: App,
    who: Asking,
    chosen_week: WeekChoice = None,
    fleet: FleetChoice = None,
) -> Response:
    """Show a fleet's drivers by their scores of a week."""
    known = await week.fleets_of(services, who)
    if not known and fleet is None:
        return page(request, "drivers.html", fleet=None, places=[])
    chosen = week.chosen(known, fleet)
    first_day = await week.first_day_of(services, who.party_id, chosen, chosen_week)
    found = await services.behaviour.fleet_scores(
        who.party_id, chosen.fleet_id, first_day, of_drivers=True
    )
    places = await run_in_threadpool(fleets.ranked, found)
    return page(
        request,
        "drivers.html",
        fleet=chosen,
        first_day=first_day,
        steps=week.steps(first_day, chosen),
        places=noted(places[:MAX_PLACES]),
        more=max(len(places) - MAX_PLACES, 0),
    )
