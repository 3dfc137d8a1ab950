"""`/`: the first page."""

from fastapi import APIRouter, Request, Response

from api.pages import vehicles
from api.pages.vehicles import Cursor
from api.principal import Principal
from api.services import App

router = APIRouter()


@router.api_route("/", methods=["GET", "HEAD"])
async def show_start(
    request: Request, services: App, party: Principal, cursor: Cursor = None
) -> Response:
    """Show the vehicles."""
    return await vehicles.listing(request, services, party, cursor)
