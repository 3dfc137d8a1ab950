"""`/drivers`: who drove how well in a week, and how sure that is."""

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from api.accesses import noted
from api.driving import ranking
from api.pages.choice import FleetChoice, WeekChoice, choice
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
    chosen = await choice(services, who, fleet, chosen_week)
    if chosen is None:
        return page(request, "drivers.html", fleet=None, places=[])
    found = await services.behaviour.fleet_scores(
        who.party_id, chosen.fleet.fleet_id, chosen.first_day, of_drivers=True
    )
    places = await run_in_threadpool(ranking.ranked, found)
    return page(
        request,
        "drivers.html",
        fleet=chosen.fleet,
        fleets=chosen.fleets,
        first_day=chosen.first_day,
        steps=chosen.steps,
        places=noted(places[:MAX_PLACES]),
        more=max(len(places) - MAX_PLACES, 0),
    )
