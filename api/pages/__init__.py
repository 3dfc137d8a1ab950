"""The pages for people, one module a page; `render` is what they share."""

from fastapi import APIRouter

from api.pages import (
    advice,
    driver,
    drivers,
    morning,
    overview,
    settings,
    sign_in,
    start,
    status,
    trip,
    vehicle,
    vehicles,
    worklists,
)
from api.pages.render import problem_page

router = APIRouter(include_in_schema=False)
for _page in (
    sign_in,
    start,
    vehicles,
    vehicle,
    status,
    trip,
    drivers,
    driver,
    advice,
    morning,
    worklists,
    overview,
    settings,
):
    router.include_router(_page.router)

__all__ = ["problem_page", "router"]
