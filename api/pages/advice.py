"""`/advice`: a week's advice, one piece of it with what shows it, and what becomes of it."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from starlette.responses import RedirectResponse

from api import forms, language
from api.accesses import noted
from api.advice import piece as api_advice
from api.advice.told import AdviceStatus
from api.pages import advice_cards
from api.pages.choice import FleetChoice, WeekChoice, choice
from api.pages.render import page, within
from api.parameters import AdviceId
from api.principal import Asking, Principal
from api.problems import invalid
from api.services import App
from api.signing_in import sessions

MAX_PIECES = 100

router = APIRouter()

StatusChoice = Annotated[AdviceStatus | None, Query()]


@router.api_route("/advice", methods=["GET", "HEAD"])
async def show_advice(
    request: Request,
    services: App,
    who: Asking,
    chosen_week: WeekChoice = None,
    fleet: FleetChoice = None,
    status: StatusChoice = None,
) -> Response:
    """Show a week's advice, the greatest saving first."""
    text = language.chosen(request)
    party = who.party_id
    chosen = await choice(services, who, fleet, chosen_week)
    if chosen is None:
        return page(request, "advice_list.html", fleet=None, pieces=[], wanted=status)
    found = noted(
        await services.advice.of_fleet(
            party,
            chosen.fleet.fleet_id,
            chosen.first_day,
            statuses=None if status is None else [status],
            skipped=0,
            limit=MAX_PIECES,
        )
    )
    names = await advice_cards.names_of(services, party, advice_cards.drivers_of(found))
    prices = await services.prices.of(party)
    return page(
        request,
        "advice_list.html",
        fleet=chosen.fleet,
        fleets=chosen.fleets,
        first_day=chosen.first_day,
        steps=chosen.steps,
        wanted=status,
        statuses=list(AdviceStatus),
        pieces=[advice_cards.card(one, names, text, prices) for one in found],
    )


@router.api_route("/advice/{advice_id}", methods=["GET", "HEAD"])
async def show_piece(
    request: Request, advice_id: AdviceId, services: App, party: Principal
) -> Response:
    """Show a piece of advice: what shows it, how sure it is, and whether it helped."""
    found = noted([await services.advice.piece(party, advice_id)])
    names = await advice_cards.names_of(services, party, advice_cards.drivers_of(found))
    prices = await services.prices.of(party)
    piece = advice_cards.card(found[0], names, language.chosen(request), prices)
    return page(request, "advice.html", piece=piece)


@router.post("/advice/{advice_id}")
async def answer_piece(
    request: Request, advice_id: AdviceId, services: App, party: Principal
) -> Response:
    """Say what becomes of it, and go back to where that was said."""
    sessions.require_ours(request)  # where nobody signs in, there is no session to ask for it
    try:
        form = await forms.read(request)
        status = api_advice.Answer(form.get("status", ""))
    except (forms.FormError, ValueError) as error:
        raise invalid("status", "This is no answer.", "Send accepted or dismissed.") from error
    await api_advice.say(services, party, advice_id, status)
    back = within(form.get("back", f"/advice/{advice_id}"))
    return RedirectResponse(f"{back}#advice-{advice_id}", status_code=HTTPStatus.SEE_OTHER)
