"""`/morning`: whom to call today; what was seen to is marked where it is read."""

from http import HTTPStatus
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from starlette.responses import RedirectResponse

from api import forms, language
from api.care.cases import CareKind
from api.care.handling import handle
from api.care.listed import cases_of
from api.care.morning_list import MorningListQuery, page_from
from api.pages.render import page
from api.pages.vehicles import Cursor
from api.parameters import Vin
from api.principal import Asking, Principal
from api.problems import invalid
from api.services import App
from api.signing_in import sessions

SHOWN = 50
REASONS_SHOWN = 4

router = APIRouter()

KindChoice = Annotated[CareKind | None, Query()]
HandledChoice = Annotated[bool, Query()]
Done = Annotated[str | None, Query(max_length=17)]
"""The vehicle that was seen to just now."""


@router.api_route("/morning", methods=["GET", "HEAD"])
async def show_morning(
    request: Request,
    services: App,
    party: Principal,
    kind: KindChoice = None,
    handled: HandledChoice = False,
    cursor: Cursor = None,
    done: Done = None,
) -> Response:
    """Show the vehicles somebody should call about, or those that were seen to."""
    found = await cases_of(services, party)
    query = MorningListQuery(kind=kind, handled=handled, cursor=cursor, limit=SHOWN)
    listed = page_from(services, found, query, language.chosen(request).code)
    counts = {one.kind: one.vehicles for one in listed.counts}
    following = None
    if listed.next is not None:
        after = listed.next.rpartition("cursor=")[2]
        following = _address(kind, handled=handled, cursor=after)
    just_done = [
        case.vehicle
        for case in found.cases
        if case.vehicle.vin == done and case.is_one and case.is_handled
    ]
    return page(
        request,
        "morning.html",
        listed=listed,
        counts=counts,
        total=sum(counts.values()),
        kinds=[one for one in CareKind if one in counts or one is kind],
        kind=kind,
        handled=handled,
        is_first=cursor is None,
        following=following,
        done=just_done[0] if just_done and not handled else None,
        back=_address(kind, handled=handled),
        most=REASONS_SHOWN,
    )


@router.post("/morning/{vin}")
async def answer_case(request: Request, vin: Vin, services: App, who: Asking) -> Response:
    """Say that a vehicle was seen to, or was not, and go back to the list."""
    sessions.require_ours(request)  # where nobody signs in, there is no session to ask for it
    try:
        form = await forms.read(request)
    except forms.FormError as error:
        raise invalid("body", error.detail, "Send the form of /morning.") from error
    back = form.get("back", "")
    back = back if back.startswith("/morning") else "/morning"
    if form.get("do") == "reopen":
        await services.care.reopen(who.party_id, vin)
        return RedirectResponse(back, status_code=HTTPStatus.SEE_OTHER)
    reasons = form.get("reasons", "").split()
    if not reasons or form.get("do") != "handle":
        raise invalid("reasons", "This says nothing.", "Load the list again and repeat it.")
    await handle(services, who.party_id, who.subject, vin, reasons)
    done = f"{back}{'&' if '?' in back else '?'}{urlencode({'done': vin})}"
    return RedirectResponse(done, status_code=HTTPStatus.SEE_OTHER)


def _address(kind: CareKind | None, *, handled: bool, cursor: str | None = None) -> str:
    asked = {"kind": kind, "handled": "true" if handled else None, "cursor": cursor}
    given = {name: value for name, value in asked.items() if value is not None}
    return f"/morning?{urlencode(given)}" if given else "/morning"
