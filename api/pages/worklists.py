"""`/service` and `/silent`: vehicles due for service, and those that fell silent."""

from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from api import language
from api.care import cases, words
from api.care.listed import ListQuery
from api.care.service_list import ServiceDueQuery, service_page
from api.care.silent_list import silent_page
from api.pages.render import page
from api.pages.vehicles import Cursor
from api.principal import Principal
from api.services import App

SHOWN = 100

router = APIRouter()


@router.api_route("/service", methods=["GET", "HEAD"])
async def show_service(
    request: Request, services: App, party: Principal, cursor: Cursor = None
) -> Response:
    """Show the vehicles whose service is due, what is most due first."""
    listed = await service_page(services, party, ServiceDueQuery(cursor=cursor, limit=SHOWN))
    return page(
        request,
        "service.html",
        listed=listed,
        soon=cases.SOON,
        due_words=words.due_words,
        is_first=cursor is None,
        following=_following("/service", listed.next),
    )


@router.api_route("/silent", methods=["GET", "HEAD"])
async def show_silent(
    request: Request, services: App, party: Principal, cursor: Cursor = None
) -> Response:
    """Show the silent vehicles, those that are silent longest first."""
    listed = await silent_page(
        services, party, ListQuery(cursor=cursor, limit=SHOWN), language.chosen(request).code
    )
    return page(
        request,
        "silent.html",
        listed=listed,
        is_first=cursor is None,
        following=_following("/silent", listed.next),
    )


def _following(path: str, following: str | None) -> str | None:
    if following is None:
        return None
    return f"{path}?{urlencode({'cursor': following.rpartition('cursor=')[2]})}"
