"""`/accounts`: who of a party may sign in, and its machines; an administrator begins here."""

from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from api.pages.render import page
from api.pages.vehicles import Cursor
from api.principal import Principal
from api.registers.accounts import list_accounts
from api.registers.clients import list_clients
from api.registers.common import MAX_ROWS
from api.registers.keys import list_keys
from api.registers.vehicles import RegisterQuery
from api.services import App

SHOWN = 100
"""People a page."""

router = APIRouter()


@router.api_route("/accounts", methods=["GET", "HEAD"])
async def show_accounts(
    request: Request, services: App, party: Principal, cursor: Cursor = None
) -> Response:
    """Show the people of a party, then its keys and clients."""
    people = await list_accounts(RegisterQuery(cursor=cursor, limit=SHOWN), services, party)
    machines = RegisterQuery(limit=MAX_ROWS)
    keys = await list_keys(machines, services, party)
    clients = await list_clients(machines, services, party)
    following = None
    if people.next is not None:
        following = f"/accounts?{urlencode({'cursor': people.next.rpartition('cursor=')[2]})}"
    return page(
        request,
        "accounts.html",
        people=people.accounts,
        keys=keys.keys,
        clients=clients.clients,
        more=keys.next is not None or clients.next is not None,
        is_first=cursor is None,
        following=following,
    )
