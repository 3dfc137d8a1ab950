"""`/settings`: what a litre costs, how things are shown, and where one is signed in."""

import math
import re
from http import HTTPStatus

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from analytics.fuel.prices import FuelPrices
from api import forms, sessions
from api.pages import wishes
from api.pages.render import page
from api.principal import Asking
from api.problems import invalid
from api.scopes import Scope
from api.services import App

MAX_PRICE = 1_000_000
"""Of a litre, in whatever currency; the setting's own limit."""

CURRENCIES = ("CNY", "EUR", "USD", "GBP")
"""Offered; a setting may name any."""

_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)

router = APIRouter()


@router.api_route("/settings", methods=["GET", "HEAD"])
async def show_settings(request: Request, services: App, who: Asking) -> Response:
    """Show what the numbers are counted by, how they are shown, and the way out everywhere."""
    prices = await services.prices.of(who.party_id)
    return _page(request, who, prices, prices is not services.settings)


@router.post("/settings/price")
async def set_price(request: Request, services: App, who: Asking) -> Response:
    """Count by another price from now on, here and in the API."""
    sessions.require_ours(request)  # where nobody signs in, there is no session to ask for it
    try:
        form = await forms.read(request)
    except forms.FormError as error:
        raise invalid("body", error.detail, "Send the form of /settings.") from error
    if "default" in form:
        await services.prices.put(who.party_id, None, services.settings.fuel_currency)
        return _back()
    price, currency = _price(form.get("price", "")), form.get("currency", "")
    if price is None or _CURRENCY.fullmatch(currency) is None:
        prices = await services.prices.of(who.party_id)
        return _page(
            request, who, prices, prices is not services.settings, fault=form.get("price", "")
        )
    await services.prices.put(who.party_id, price, currency)
    return _back()


def _price(text: str) -> float | None:
    """A price as people write it: with a point or, in much of Europe, a comma."""
    try:
        price = float(text.strip().replace(",", "."))
    except ValueError:
        return None
    return price if math.isfinite(price) and 0 <= price <= MAX_PRICE else None


def _page(
    request: Request, who: Asking, prices: FuelPrices, is_own: bool, *, fault: str | None = None
) -> Response:
    own = wishes.wishes(request).zone
    return page(
        request,
        "settings.html",
        status=HTTPStatus.OK if fault is None else HTTPStatus.UNPROCESSABLE_ENTITY,
        prices=prices,
        is_own_price=is_own,
        may_change=Scope.REGISTERS_WRITE in who.scopes,
        may_grant=Scope.REGISTERS_READ in who.scopes,
        currencies=list(dict.fromkeys((prices.fuel_currency, *CURRENCIES))),
        fault=fault,
        units=wishes.UNITS,
        zones=list(dict.fromkeys((*wishes.ZONES, own))),
        who=who,
    )


def _back() -> Response:
    return RedirectResponse("/settings", status_code=HTTPStatus.SEE_OTHER)
