"""The application: endpoints and pages over one reader of the database."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import Depends, FastAPI

from api import (
    accesses,
    assets,
    audit,
    care,
    coordinates,
    datasets,
    erasures,
    guard,
    health,
    models,
    openapi,
    overview,
    pages,
    parameters,
    principal,
    problem_answers,
    rfms,
    sizes,
)
from api.access_log import AccessLog
from api.advice import fleet_advice, lists, piece
from api.driving import accumulated, driven, drivers, events, fleets, ranking, scores, trips
from api.fuel import fleet_fuel, fuel_price, periods, tank
from api.registers.routers import ROUTERS
from api.rfms.errors import ErrorObject
from api.services import Services
from api.signals import catalogue, of_many, of_vehicle, spread
from api.signing_in import doors, oauth, throttle
from api.vehicles import listing, service_points, state, status, streams
from api.vehicles.watch import Watch
from api.webhooks import deliveries
from api.webhooks import endpoints as webhooks
from api.webhooks.vault import vault
from schemas import catalogue as signal_catalogue
from storage.served import Reader
from storage.served_identity import IdentityReader
from storage.served_search import SearchReader
from storage.served_sessions import SessionReader

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

    Raises:
        SettingsError: the keys that sign access tokens, or seal webhooks' secrets, cannot be read.
    """
    reader = Reader(
        dsn,
        connections=settings.api_connections,
        wait_s=settings.api_connection_wait_s,
        statement_timeout_s=settings.api_statement_timeout_s,
    )

    # A connection of its own, so that neither waits for the other.
    behind = Reader(
        dsn,
        connections=1,
        wait_s=settings.api_connection_wait_s,
        statement_timeout_s=settings.api_statement_timeout_s,
    )
    access_log = AccessLog(IdentityReader(behind))
    entry = doors.doors(settings, IdentityReader(reader), SessionReader(reader))
    watch = Watch(
        SearchReader(reader), poll_s=settings.api_stream_poll_s, most=settings.api_streams
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await reader.open()
        await behind.open()
        access_log.start()
        watch.start()
        try:
            yield
        finally:
            await watch.stop()
            await access_log.stop()
            await behind.close()
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
        settings=settings,
        catalogue=signal_catalogue.default(),
        reader=reader,
        accesses=access_log,
        identifier=entry.identifier,
        authorization=entry.authorization,
        sessions=entry.sessions,
        provider=entry.provider,
        throttle=throttle.SignInThrottle(settings.api_sign_in_attempts, doors.WINDOW_S),
        vault=vault(settings),
        watch=watch,
    )
    for router in (health.router, oauth.router, pages.router):
        app.include_router(router)
    for router in (
        listing.router,
        state.router,
        status.router,
        streams.router,
        care.router,
        overview.router,
        service_points.router,
        of_vehicle.router,
        of_many.router,
        trips.router,
        events.router,
        scores.router,
        accumulated.router,
        drivers.router,
        driven.router,
        fleets.router,
        ranking.router,
        periods.router,
        tank.router,
        fleet_fuel.router,
        fuel_price.router,
        lists.router,
        fleet_advice.router,
        piece.router,
        datasets.router,
        spread.router,
        models.router,
        audit.router,
        webhooks.router,
        deliveries.router,
        *ROUTERS,
        erasures.router,
    ):
        app.include_router(
            router, dependencies=[Depends(principal.caller), Depends(parameters.given_once)]
        )
    app.include_router(rfms.router, dependencies=[Depends(principal.caller)])
    # What signals there are is no secret: it is told without signing in.
    app.include_router(catalogue.router, dependencies=[Depends(parameters.given_once)])
    app.mount(assets.PATH, assets.Assets(), name="static")
    openapi.install(app, ErrorObject)
    answer = problem_answers.answering(
        lambda request, problem: (
            rfms.error_response(request, problem) or pages.problem_page(request, problem)
        )
    )
    problem_answers.install(app, answer)
    app.add_middleware(coordinates.CoordinatesMark)
    app.add_middleware(assets.Compressed)
    app.add_middleware(accesses.AccessTrail, log=access_log)
    app.add_middleware(sizes.Sizes, answer=answer)
    app.add_middleware(
        guard.Guard,
        allowed_hosts=settings.allowed_hosts,
        answer=answer,
        tiles=settings.map_tiles_origin,
    )
    return app
