"""The application: endpoints and pages over one reader of the database."""

from __future__ import annotations

from contextlib import asynccontextmanager
from importlib.resources import files
from typing import TYPE_CHECKING

from fastapi import Depends, FastAPI
from starlette.staticfiles import StaticFiles

from api import (
    accumulated,
    advice,
    advice_lists,
    catalogue,
    drivers,
    events,
    fleet_fuel,
    fleets,
    fuel,
    guard,
    health,
    openapi,
    pages,
    parameters,
    problems,
    rfms,
    scores,
    signals,
    state,
    tank,
    trips,
    vehicles,
)
from api.rfms.errors import ErrorObject
from api.services import Services
from schemas import catalogue as signal_catalogue
from storage.served import Reader

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from pydantic import SecretStr

    from api.settings import ApiSettings

VERSION = "1.0.0"
"""Of the HTTP interface, not of the package."""


def create_app(settings: ApiSettings, dsn: SecretStr) -> FastAPI:
    """Make the application; it connects when it starts and lives while the database is away.

    Args:
        settings: the API's settings.
        dsn: the database to read; its role must be a member of telemetry_api.
    """
    reader = Reader(
        dsn,
        connections=settings.api_connections,
        wait_s=settings.api_connection_wait_s,
        statement_timeout_s=settings.api_statement_timeout_s,
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await reader.open()
        try:
            yield
        finally:
            await reader.close()

    app = FastAPI(
        title="Vehicle telemetry",
        version=VERSION,
        description=openapi.DESCRIPTION,
        lifespan=lifespan,
        # The usual documentation pages load scripts from elsewhere; /openapi.json is there.
        docs_url=None,
        redoc_url=None,
    )
    app.state.services = Services(
        settings=settings, catalogue=signal_catalogue.default(), reader=reader
    )
    for router in (health.router, pages.router, rfms.router):
        app.include_router(router)
    for router in (
        vehicles.router,
        state.router,
        signals.router,
        trips.router,
        events.router,
        scores.router,
        accumulated.router,
        drivers.router,
        fleets.router,
        fuel.router,
        tank.router,
        fleet_fuel.router,
        advice_lists.router,
        advice.router,
        catalogue.router,
    ):
        app.include_router(router, dependencies=[Depends(parameters.given_once)])
    app.mount("/static", StaticFiles(directory=str(files("api") / "static")), name="static")
    openapi.install(app, ErrorObject)
    answer = problems.answering(
        lambda request, problem: (
            rfms.error_response(request, problem) or pages.problem_page(request, problem)
        )
    )
    problems.install(app, answer)
    app.add_middleware(guard.Guard, allowed_hosts=settings.allowed_hosts, answer=answer)
    return app
