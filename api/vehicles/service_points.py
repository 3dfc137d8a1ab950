"""`/v1/service-points`: where vehicles are looked after, the nearest first; also from a vehicle."""

import re
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from api import cursors, paging, tables
from api.accept import Accepted, responses
from api.codes import Code
from api.parameters import EXAMPLE_VIN, Paged, Vin
from api.principal import Principal
from api.problems import invalid
from api.services import App, Services
from api.vehicles.listing import Position, position
from api.vehicles.search import MAX_RADIUS_M, near_of
from storage.answers_search import Near
from storage.served_service import FoundServicePoint, WantedServicePoints

PATH = "/v1/service-points"

MAX_POINTS = 500
MAX_RADIUS_KM = MAX_RADIUS_M / 1000
MAX_SERVICES = 20

_SERVICE = re.compile(r"[a-z0-9_-]{1,40}", re.ASCII)

router = APIRouter(tags=["service"])


class PointKind(StrEnum):
    """Whose place it is."""

    DEALER = "dealer"
    SERVICE_PROVIDER = "service_provider"


class ServicePoint(BaseModel):
    """A place of a dealer or service provider; null is what its list does not say."""

    service_point_id: int = Field(description="The place's number here.", examples=[512])
    code: str = Field(description="By which whoever keeps the list knows it.", examples=["SH-0412"])
    kind: PointKind = Field(
        description="dealer or service_provider: what the party is.", examples=["service_provider"]
    )
    party: str = Field(description="Name of the dealer or provider.", examples=["Workshop North"])
    name: str = Field(description="Its own name.", examples=["Workshop North, Jiading"])
    latitude: float = Field(description="WGS 84, north positive [deg].", examples=[31.3747])
    longitude: float = Field(description="WGS 84, east positive [deg].", examples=[121.2655])
    address: str | None = Field(description="As it is written.", examples=["嘉定区曹安公路4800号"])
    phone: str | None = Field(description="As it is dialled.", examples=["+86 21 5555 0142"])
    opening_hours: str | None = Field(
        description="In words of the list's own.", examples=["Mo-Sa 08:00-18:00"]
    )
    services: list[str] = Field(
        description="What is done there, in words of the list's own.",
        examples=[["brakes", "tyres"]],
    )
    distance_m: float | None = Field(
        description="From the point that was given, as the crow flies [m]; null without one.",
        examples=[1840.2],
    )


EXAMPLE: JsonDict = {
    "service_point_id": 512,
    "code": "SH-0412",
    "kind": "service_provider",
    "party": "Workshop North",
    "name": "Workshop North, Jiading",
    "latitude": 31.3747,
    "longitude": 121.2655,
    "address": "嘉定区曹安公路4800号",
    "phone": "+86 21 5555 0142",
    "opening_hours": "Mo-Sa 08:00-18:00",
    "services": ["brakes", "tyres"],
    "distance_m": 1840.2,
}


class ServicePoints(BaseModel):
    """A page of places: by distance where a point is given, else by number."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "service_points": [EXAMPLE],
                    "next": f"{PATH}?near=31.36%2C121.25&limit=1&cursor=czE4NDAuMiw1MTI",
                }
            ]
        }
    )

    service_points: list[ServicePoint] = Field(description="At most `limit`.")
    next: str | None = Field(description="Address of the next page; null: this was the last.")


class NearestServicePoints(BaseModel):
    """A page of places by their distance to where a vehicle was last."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "vin": EXAMPLE_VIN,
                    "position": {
                        "latitude": 31.36,
                        "longitude": 121.25,
                        "time": "2026-11-01T08:00:00Z",
                    },
                    "service_points": [EXAMPLE],
                    "next": f"/v1/vehicles/{EXAMPLE_VIN}/service-points/nearest?limit=1"
                    "&cursor=czE4NDAuMiw1MTI",
                }
            ]
        }
    )

    vin: str = Field(description="Vehicle identification number.", examples=[EXAMPLE_VIN])
    position: Position | None = Field(
        description="The newest position that you may see, from which distances are; null: none is "
        "known, and no place is told."
    )
    service_points: list[ServicePoint] = Field(description="At most `limit`, the nearest first.")
    next: str | None = Field(description="Address of the next page; null: this was the last.")


class _Wanted(Paged):
    """By what places are found; of several conditions all hold."""

    radius_km: float | None = Field(
        default=None,
        gt=0,
        le=MAX_RADIUS_KM,
        description="No further away than this, as the crow flies [km].",
        examples=[50],
    )
    service: str | None = Field(
        default=None,
        min_length=1,
        max_length=500,
        description="What is to be done, in the words of `services`; several with commas: all of "
        "them at one place.",
        examples=["brakes,tyres"],
    )
    kind: PointKind | None = Field(
        default=None, description="Only places of such.", examples=["dealer"]
    )


class ServicePointsQuery(_Wanted):
    """What is asked of the listing."""

    near: str | None = Field(
        default=None,
        max_length=100,
        description="Around this point: latitude,longitude [deg, WGS 84]. The nearest come first; "
        "without it all come by number.",
        examples=["31.36,121.25"],
    )
    limit: int = Field(default=50, ge=1, le=MAX_POINTS, description="Places a page.", examples=[50])


class NearestQuery(_Wanted):
    """What is asked of the places around a vehicle."""

    limit: int = Field(default=5, ge=1, le=MAX_POINTS, description="Places a page.", examples=[5])


@router.get(
    PATH,
    operation_id="list_service_points",
    summary="Places of dealers and service providers",
    response_model=ServicePoints,
    responses=responses(Code.INVALID_PARAMETER),
)
async def list_service_points(
    query: Annotated[ServicePointsQuery, Query()],
    services: App,
    party: Principal,
    accepted: Accepted,
) -> ServicePoints | Response:
    """List where vehicles are looked after, around a point or all of them.

    Places are no secret to whoever works with vehicles: all see the same.
    """
    return await tables.answer(
        accepted,
        query,
        lambda asked: _page(services, party, asked),
        rows="service_points",
        of=ServicePoint,
    )


@router.get(
    "/v1/vehicles/{vin}/service-points/nearest",
    operation_id="list_nearest_service_points",
    summary="The places nearest to a vehicle",
    response_model=NearestServicePoints,
    responses=responses(Code.UNKNOWN_VEHICLE, Code.INVALID_PARAMETER),
)
async def list_nearest_service_points(
    vin: Vin,
    query: Annotated[NearestQuery, Query()],
    services: App,
    party: Principal,
    accepted: Accepted,
) -> NearestServicePoints | Response:
    """List places by their distance to where a vehicle was last, as far as you may see that.

    A vehicle that moves from page to page is measured anew on each.
    """
    return await tables.answer(
        accepted,
        query,
        lambda asked: _nearest_page(services, party, vin, asked),
        rows="service_points",
        of=ServicePoint,
        vin=vin,
    )


async def _page(services: Services, party: int, query: ServicePointsQuery) -> ServicePoints:
    near = near_of(query.near)
    if near is None and query.radius_km is not None:
        raise invalid(
            "radius_km", "A radius needs its point.", "Add near=latitude,longitude to it."
        )
    found = await services.service.points(party, _wanted(query, near), limit=query.limit + 1)
    return ServicePoints(
        service_points=[_told(point) for point in found[: query.limit]],
        next=paging.link_if_more(PATH, query, found, query.limit, _cursor),
    )


async def _nearest_page(
    services: Services, party: int, vin: str, query: NearestQuery
) -> NearestServicePoints:
    place = await services.service.place(party, vin)
    here = None if place.time is None else position(place.latitude, place.longitude, place.time)
    found: list[FoundServicePoint] = []
    if here is not None:
        near = Near(latitude=here.latitude, longitude=here.longitude, radius_m=None)
        found = await services.service.points(party, _wanted(query, near), limit=query.limit + 1)
    return NearestServicePoints(
        vin=vin,
        position=here,
        service_points=[_told(point) for point in found[: query.limit]],
        next=paging.link_if_more(
            f"/v1/vehicles/{vin}/service-points/nearest", query, found, query.limit, _cursor
        ),
    )


def _wanted(query: _Wanted, near: Near | None) -> WantedServicePoints:
    """What is asked of the database.

    Raises:
        ProblemError: 422, the cursor is none of ours or no service has such a name.
    """
    after_m, after_id = None, 0
    if query.cursor is not None and near is None:
        after_id = cursors.read_number(query.cursor)
    elif query.cursor is not None:
        after_m, after_id = cursors.read_point(query.cursor)
    if near is not None and query.radius_km is not None:
        near = replace(near, radius_m=query.radius_km * 1000)
    return WantedServicePoints(
        near=near,
        services=_services(query.service),
        kind=query.kind,
        after_m=after_m,
        after_id=after_id,
    )


def _services(text: str | None) -> list[str] | None:
    if text is None:
        return None
    names = [name.strip() for name in text.split(",")]
    if len(names) > MAX_SERVICES or not all(map(_SERVICE.fullmatch, names)):
        raise invalid(
            "service",
            "These are no names of services.",
            f"Use up to {MAX_SERVICES} of lower-case letters, digits, _ and -: brakes,tyres.",
        )
    return names


def _cursor(shown: Sequence[FoundServicePoint]) -> str:
    last = shown[-1]
    if last.distance_m is None:
        return cursors.after_number(last.service_point_id)
    return cursors.after_point(last.distance_m, last.service_point_id)


def _told(point: FoundServicePoint) -> ServicePoint:
    return ServicePoint(
        service_point_id=point.service_point_id,
        code=point.code,
        kind=PointKind(point.kind),
        party=point.party,
        name=point.name,
        latitude=point.latitude,
        longitude=point.longitude,
        address=point.address,
        phone=point.phone,
        opening_hours=point.opening_hours,
        services=list(point.services),
        distance_m=None if point.distance_m is None else round(point.distance_m, 1),
    )
