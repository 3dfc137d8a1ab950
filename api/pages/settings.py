"""`/settings`: what a litre costs, how things are shown, and where one is signed in."""

from http import HTTPStatus

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError
from starlette.responses import RedirectResponse

from api import forms
from api.fuel.fuel_price import NewFuelPrice, forget, price_of
from api.pages import wishes
from api.pages.render import page
from api.principal import Asking
from api.problems import invalid
from api.scopes import Scope
from api.services import App, Services
from api.signing_in import sessions

CURRENCIES = ("CNY", "EUR", "USD", "GBP")
"""Offered; a setting may name any."""

router = APIRouter()


@router.api_route("/settings", methods=["GET", "HEAD"])
async def show_settings(request: Request, services: App, who: Asking) -> Response:
    """Show what the numbers are counted by, how they are shown, and the way out everywhere."""
    return await _page(request, services, who)


@router.post("/settings/price")
async def set_price(request: Request, services: App, who: Asking) -> Response:
    """Count by another price from now on, here and in the API."""
    sessions.require_ours(request)  # where nobody signs in, there is no session to ask for it
    try:
        form = await forms.read(request)
    except forms.FormError as error:
        raise invalid("body", error.detail, "Send the form of /settings.") from error
    if "default" in form:
        await forget(services, who.party_id)
        return _back()
    price = form.get("price", "")
    try:
        # As people write it: with a point or, in much of Europe, a comma.
        wanted = NewFuelPrice.model_validate(
            {"price": price.strip().replace(",", "."), "currency": form.get("currency", "")}
        )
    except ValidationError:
        return await _page(request, services, who, fault=price)
    await services.prices.put(who.party_id, wanted.price, wanted.currency)
    return _back()


async def _page(
    request: Request, services: Services, who: Asking, *, fault: str | None = None
) -> Response:
    price = await price_of(services, who.party_id)
    own = wishes.wishes(request).zone
    return page(
        request,
        "settings.html",
        status=HTTPStatus.OK if fault is None else HTTPStatus.UNPROCESSABLE_ENTITY,
        price=price,
        may_change=Scope.REGISTERS_WRITE in who.scopes,
        may_grant=Scope.REGISTERS_READ in who.scopes,
        currencies=list(dict.fromkeys((price.currency, *CURRENCIES))),
        fault=fault,
        units=wishes.UNITS,
        zones=list(dict.fromkeys((*wishes.ZONES, own))),
        who=who,
    )


def _back() -> Response:
    return RedirectResponse("/settings", status_code=HTTPStatus.SEE_OTHER)
