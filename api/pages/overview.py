"""`/overview`, `/quality`, `/ingest`: all vehicles, their data and the platform, for the maker."""

from fastapi import APIRouter, Request, Response

from api import language
from api.care.listed import ListQuery
from api.care.silent_list import silent_page
from api.overview.counts import overview_of
from api.overview.data_quality import quality_of
from api.overview.days import DaysQuery
from api.overview.ingest_state import ingest_of
from api.pages.render import page
from api.principal import Principal
from api.services import App

SHOWN = 12
"""Models and regions that are shown, most first; the others are summed up."""

SILENT_SHOWN = 10

router = APIRouter()


@router.api_route("/overview", methods=["GET", "HEAD"])
async def show_overview(request: Request, services: App, party: Principal) -> Response:
    """Show all vehicles, counted."""
    return page(request, "overview.html", overview=await overview_of(services, party), most=SHOWN)


@router.api_route("/quality", methods=["GET", "HEAD"])
async def show_quality(request: Request, services: App, party: Principal) -> Response:
    """Show what ingest met that is not as it should be, and who is silent longest."""
    code = language.chosen(request).code
    quality = await quality_of(services, party, DaysQuery(), code)
    silent = await silent_page(services, party, ListQuery(limit=SILENT_SHOWN), code)
    return page(request, "quality.html", quality=quality, silent=silent)


@router.api_route("/ingest", methods=["GET", "HEAD"])
async def show_ingest(request: Request, services: App, party: Principal) -> Response:
    """Show how ingest stands."""
    return page(request, "ingest.html", state=await ingest_of(services, party, DaysQuery(days=14)))
