"""The pages for people, one module a page; `render` is what they share."""

from fastapi import APIRouter

from api.pages import (
    advice,
    driver,
    drivers,
    grants,
    live,
    reports,
    settings,
    sign_in,
    start,
    trip,
    vehicle,
    vehicles,
)
from api.pages.render import problem_page

router = APIRouter(include_in_schema=False)
for _page in (
    sign_in,
    start,
    vehicles,
    live,  # before a vehicle of that name
    vehicle,
    trip,
    drivers,
    driver,
    advice,
    reports,
    settings,
    grants,
):
    router.include_router(_page.router)

__all__ = ["problem_page", "router"]
