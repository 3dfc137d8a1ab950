"""`/settings/grants`: who may see whose vehicles, given for a time and a purpose, and ended."""

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from api import forms
from api.accesses import noted
from api.codes import Code
from api.identity import Caller
from api.pages import wishes
from api.pages.choice import fleets_of
from api.pages.render import page
from api.pages.report import DEFAULT_ZONE
from api.parameters import LATEST, number
from api.principal import Asking, Principal
from api.problems import invalid
from api.registers.grants import GrantedPurpose, GrantId
from api.registers.grants_of_many import MOST
from api.scopes import Role, Scope
from api.services import App, Services
from api.signing_in import sessions
from api.vehicles.listing import VehiclesQuery, page_of
from schemas.time_zones import zone
from schemas.vin import VinError, check_vin
from storage.refusals import RefusedError
from storage.served_errors import UnknownVehicleError
from storage.served_grants import Terms

MAX_GRANTS = 500
MAX_PARTIES = 500
VEHICLES = 200
"""Vehicles that are offered; any other may be written."""

USUAL = timedelta(days=90)
"""How long a grant is offered for."""

TAKERS = ("service_provider", "dealer", "data_science")
"""Kinds of party that may be let see a vehicle."""

PATH = "/settings/grants"

_FAULTS = {
    "party": "grant_fault_party",
    "vins": "grant_fault_many",
    "fleet_id": "grant_fault_many",
}
"""The key of what is wrong, by the field at fault."""

_BETWEEN = re.compile(r"[\s,;，；、]+")
"""What people write between VINs."""

router = APIRouter()


@dataclass(frozen=True, kw_only=True, slots=True)
class Filled:
    """What the form holds."""

    vins: str = ""
    fleet: str = ""
    party: str = ""
    purpose: str = GrantedPurpose.SERVICE
    until: str = ""
    fault: str | None = None
    """The key of what is wrong with it."""


@router.api_route(PATH, methods=["GET", "HEAD"])
async def show_grants(request: Request, services: App, who: Asking) -> Response:
    """Show who may see vehicles, and the form that lets others do so."""
    until = (datetime.now(tz=UTC) + USUAL).date().isoformat()
    return await _page(request, services, who, Filled(until=until))


@router.post(PATH)
async def give_grant(request: Request, services: App, who: Asking) -> Response:
    """Let a party see vehicles: those that are named, or a fleet's."""
    form = await _read(request)
    filled = Filled(
        vins=form.get("vin", "").strip().upper(),
        fleet=form.get("fleet", ""),
        party=form.get("party", "").strip()[:200],
        purpose=form.get("purpose", ""),
        until=form.get("until", ""),
    )
    fault = await _given(request, services, who.party_id, filled)
    if fault is not None:
        return await _page(request, services, who, replace(filled, fault=fault))
    return RedirectResponse(PATH, status_code=HTTPStatus.SEE_OTHER)


@router.post(PATH + "/{grant_id}/end")
async def end_grant(
    request: Request, grant_id: GrantId, services: App, party: Principal
) -> Response:
    """End a grant: the next request of that party finds no such vehicle."""
    await _read(request)
    noted([await services.grants.end_grant(party, grant_id)])
    return RedirectResponse(PATH, status_code=HTTPStatus.SEE_OTHER)


async def _given(request: Request, services: Services, party: int, filled: Filled) -> str | None:
    """Give what is asked for; returns the key of what stands against it."""
    until = _end_of_day(filled.until, wishes.wishes(request).zone)
    if until is None or until <= datetime.now(tz=UTC):
        return "grant_fault_until"
    if filled.purpose not in set(GrantedPurpose):
        return "grant_fault_party"
    vins = [vin for vin in _BETWEEN.split(filled.vins) if vin]
    if bool(vins) == bool(filled.fleet):
        return "grant_fault_which"
    terms = Terms(
        party=filled.party,
        purpose=filled.purpose,
        valid_from=None,
        valid_until=until,
        data_from=None,
        data_until=None,
    )
    try:
        for vin in vins:
            check_vin(vin)
        fleet = number(filled.fleet, Code.UNKNOWN_FLEET) if filled.fleet else None
        given = await services.grants.grant_many(
            party, terms, vins=vins or None, fleet_id=fleet, most=MOST
        )
    except (VinError, UnknownVehicleError):
        return "grant_fault_vin"
    except RefusedError as refused:
        return _FAULTS.get(refused.field, "grant_fault_refused")
    noted(given)
    return None


def _end_of_day(text: str, time_zone: str) -> datetime | None:
    """When a day ends by the clock that one sees, UTC; None: that is no day."""
    where = zone(DEFAULT_ZONE if time_zone == wishes.DEVICE else time_zone)
    try:
        day = date.fromisoformat(text) + timedelta(days=1)
        found = datetime(day.year, day.month, day.day, tzinfo=where).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return found if found < LATEST else None


async def _page(request: Request, services: Services, who: Caller, filled: Filled) -> Response:
    may_give = Scope.REGISTERS_WRITE in who.scopes
    # Purpose by purpose, for what one owns would fill a page by itself.
    given = [
        one
        for purpose in GrantedPurpose
        for one in await services.grants.grants(
            who.party_id,
            vin=None,
            purpose=purpose,
            only_holding=True,
            after_id=0,
            limit=MAX_GRANTS + 1,
        )
    ]
    shown = noted(sorted(given, key=lambda one: one.grant_id)[:MAX_GRANTS])
    parties = []
    vins: list[str] = []
    fleets = await fleets_of(services, who) if may_give else []
    if may_give:
        known = await services.registers.parties(
            who.party_id, kind=None, after_id=0, limit=MAX_PARTIES
        )
        parties = [one for one in known if one.kind in TAKERS and not one.is_own]
    if may_give and Scope.VEHICLES_READ in who.scopes:
        found = await page_of(services, who.party_id, VehiclesQuery(limit=VEHICLES))
        vins = [one.vin for one in found.vehicles]
    return page(
        request,
        "grants.html",
        status=HTTPStatus.OK if filled.fault is None else HTTPStatus.UNPROCESSABLE_ENTITY,
        grants=shown,
        most=MAX_GRANTS if len(given) > MAX_GRANTS else None,
        may_give=may_give,
        parties=parties,
        vins=vins,
        fleets=[one for one in fleets if one.vehicles],
        purposes=[
            one
            for one in GrantedPurpose
            if one is not GrantedPurpose.SALE or who.role == Role.MAKER
        ],
        filled=filled,
    )


async def _read(request: Request) -> dict[str, str]:
    sessions.require_ours(request)  # where nobody signs in, there is no session to ask for it
    try:
        return await forms.read(request)
    except forms.FormError as error:
        raise invalid("body", error.detail, f"Send the form of {PATH}.") from error
