"""The pages for people, one module a page; `render` is what they share."""

from fastapi import APIRouter

from api.pages import (
    accounts,
    advice,
    audit,
    catalogue,
    dataset_builder,
    datasets,
    driver,
    drivers,
    grants,
    live,
    models,
    morning,
    overview,
    reports,
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
    live,  # before a vehicle of that name
    vehicle,
    status,
    trip,
    drivers,
    driver,
    advice,
    morning,
    worklists,
    overview,
    reports,
    settings,
    grants,
    accounts,
    audit,
):
    router.include_router(_page.router)
for _page in (catalogue, dataset_builder, datasets, models):
    router.include_router(_page.router)

__all__ = ["problem_page", "router"]
