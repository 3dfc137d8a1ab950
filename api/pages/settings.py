"""`/settings`: language, what a litre costs, and where one is signed in."""

from fastapi import APIRouter, Request, Response

from api.pages.render import page
from api.principal import Asking
from api.services import App

router = APIRouter()


@router.api_route("/settings", methods=["GET", "HEAD"])
async def show_settings(request: Request, services: App, who: Asking) -> Response:
    """Show what the numbers are counted by, and the way out everywhere."""
    return page(request, "settings.html", prices=services.settings, who=who)
