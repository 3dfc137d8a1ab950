"""Who asks, and whether they may: the one gate before every answer that is not for everybody."""

from typing import Annotated

from fastapi import Depends, Request

from api import accesses, scopes
from api.codes import Code
from api.identity import Caller, anybody
from api.parameters import NUMBER
from api.problems import missing_scope, not_ready, unknown
from api.scopes import Scope
from api.services import App
from storage.errors import SchemaError

OWN = ("/v1/drivers/{driver_id}", "/drivers/{driver_id}")
"""Addresses of a driver's own."""

START = "/"
"""From where a driver is led to his own page."""


async def caller(request: Request, services: App) -> Caller:
    """Who asks, once it is clear that they may; from here on the request is one that is logged.

    Raises:
        ProblemError: 401, nobody we know; 403, somebody who may not do this; 422, a purpose that
            cannot be written down; 503, the database is not ready to say.
    """
    if services.identifier is None:
        try:
            found = anybody(await services.party_id())
        except SchemaError as error:
            raise not_ready("The database is not ready for this version of the API.") from error
    else:
        found = await services.identifier.caller(request)
    request.state.caller = found
    accesses.begin(request, found)
    _require_scope(request, found)
    return found


def _require_scope(request: Request, found: Caller) -> None:
    route = getattr(request.scope.get("route"), "path", "")
    wanted = scopes.needed(request.method, route)
    if wanted is not None and wanted in found.scopes:
        return
    # A driver sees his own, and of others not even whether they are there. (What the register of
    # drivers says is for who keeps it.)
    own = route.startswith(OWN) and request.method in scopes.READING
    if Scope.OWN_READ in found.scopes and route == START:
        return
    if Scope.OWN_READ in found.scopes and own:
        asked = request.path_params.get("driver_id", "")
        if NUMBER.fullmatch(asked) is None or int(asked) != found.driver_id:
            raise unknown(Code.UNKNOWN_DRIVER)
        return
    raise missing_scope(wanted or "that no role has")


async def principal(who: Annotated[Caller, Depends(caller)]) -> int:
    """The number of the party that asks; for a driver, who sees his own, his own with a minus."""
    return who.party_id


Asking = Annotated[Caller, Depends(caller)]
"""An endpoint's parameter that is who asks."""

Principal = Annotated[int, Depends(principal)]
"""An endpoint's parameter that is the party that asks: what it may see the database decides."""
