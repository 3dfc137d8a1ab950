"""`/v1/vehicles`: the vehicles one may see, found by register, state or place; what each does."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from api import conditional, cursors, paging, tables
from api.accept import Accepted, responses
from api.accesses import noted
from api.codes import Code
from api.coordinates import Coordinates, latest_in, told_in
from api.parameters import EXAMPLE_VIN
from api.principal import Principal
from api.services import App, Services
from api.signals.values import Reading, reading
from api.vehicles import activity
from api.vehicles.activity import Activity
from api.vehicles.search import SearchQuery, search_of
from storage.answers_search import FoundVehicle

PATH = "/v1/vehicles"

MAX_VEHICLES = 500
"""A page of so many takes the database some 100 ms."""

NAMES = tuple(
    dict.fromkeys((*activity.SIGNALS, "latitude", "longitude", "odometer", "fuel_level_1"))
)
"""The signals whose latest values a listing shows or tells the activity from."""

router = APIRouter(tags=["vehicles"])


class Position(BaseModel):
    """Where a vehicle was."""

    latitude: float = Field(
        description="North positive [deg], WGS 84 unless `coordinates` asked otherwise.",
        examples=[31.2304],
    )
    longitude: float = Field(description="East positive [deg], likewise.", examples=[121.4737])
    time: AwareDatetime = Field(description="When, UTC.", examples=["2026-11-01T08:00:00Z"])


def position(
    latitude: float | None,
    longitude: float | None,
    time: AwareDatetime,
    coordinates: Coordinates = Coordinates.WGS_84,
) -> Position | None:
    """Where a vehicle was, told in these coordinates, unless that is not known."""
    latitude, longitude = told_in(coordinates, latitude, longitude)
    if latitude is None or longitude is None:
        return None
    return Position(latitude=latitude, longitude=longitude, time=time)


class VehicleSummary(BaseModel):
    """A vehicle and what it was last heard to do; null is what it has not told."""

    vin: str = Field(description="Vehicle identification number.", examples=[EXAMPLE_VIN])
    model: str | None = Field(description="As the register has it.", examples=["J6P 6×4"])
    plate: str | None = Field(description="As the register has it.", examples=["沪A12345"])
    region: str | None = Field(description="Where it is at home, ISO 3166-2.", examples=["CN-31"])
    registered_at: AwareDatetime = Field(
        description="When it was registered, UTC.", examples=["2026-10-01T02:00:00Z"]
    )
    last_seen: AwareDatetime | None = Field(
        description="Time of its newest frame, UTC.", examples=["2026-11-01T08:00:00Z"]
    )
    activity: Activity = Field(
        description="moving; idling (engine on, standing); parked; silent (not heard of for "
        f"{activity.SILENT_WHILE_RUNNING.seconds // 60} minutes while running, or "
        f"{activity.SILENT_WHILE_PARKED.days} days while parked); past (nothing is heard because "
        "today is not open to you, as after a sale)."
    )
    speed: Reading | None = Field(description="By the wheels, else by satellite [km/h].")
    position: Position | None = Field(description="Where it was.")
    odometer: Reading | None = Field(description="Total distance [km].")
    fuel_level: Reading | None = Field(description="Level of the first tank [%].")
    engine_running: Reading | None = Field(description="Whether the engine runs.")
    distance_m: float | None = Field(
        default=None,
        description="From the point of `near`, as the crow flies [m]; null without it.",
        examples=[1840.2],
    )


EXAMPLE: JsonDict = {
    "vin": EXAMPLE_VIN,
    "model": "J6P 6×4",
    "plate": "沪A12345",
    "region": "CN-31",
    "registered_at": "2026-10-01T02:00:00Z",
    "last_seen": "2026-11-01T08:00:00Z",
    "activity": "moving",
    "speed": {
        "signal": "wheel_speed",
        "value": 83.5,
        "unit": "km/h",
        "time": "2026-11-01T08:00:00Z",
    },
    "position": {
        "latitude": 31.2304,
        "longitude": 121.4737,
        "time": "2026-11-01T08:00:00Z",
    },
    "odometer": {
        "signal": "odometer",
        "value": 203118.425,
        "unit": "km",
        "time": "2026-11-01T08:00:00Z",
    },
    "fuel_level": {
        "signal": "fuel_level_1",
        "value": 62.4,
        "unit": "%",
        "time": "2026-11-01T07:59:50Z",
    },
    "engine_running": {
        "signal": "engine_running",
        "value": True,
        "unit": "",
        "time": "2026-11-01T08:00:00Z",
    },
}


class Vehicles(BaseModel):
    """A page of vehicles by VIN."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "vehicles": [EXAMPLE],
                    "next": "/v1/vehicles?limit=1&cursor=dkxTR0FBMTExMTJBMDAwMDAx",
                }
            ]
        }
    )

    vehicles: list[VehicleSummary] = Field(description="At most `limit`.")
    next: str | None = Field(
        description="Address of the next page; null: this was the last.",
        examples=["/v1/vehicles?limit=50&cursor=dkxTR0FBMTExMTJBMDAwMDAx"],
    )


class VehiclesQuery(SearchQuery):
    """What is asked of the listing."""

    limit: int = Field(
        default=50, ge=1, le=MAX_VEHICLES, description="Vehicles a page.", examples=[50]
    )


@router.get(
    PATH,
    operation_id="list_vehicles",
    summary="Vehicles with what they are doing",
    response_model=Vehicles,
    responses={
        **responses(Code.UNKNOWN_FLEET, Code.INVALID_PARAMETER),
        **conditional.NOT_MODIFIED,
    },
)
async def list_vehicles(
    query: Annotated[VehiclesQuery, Query()],
    services: App,
    party: Principal,
    accepted: Accepted,
    request: Request,
    response: Response,
) -> Response:
    """List the vehicles you may see by VIN, each with its latest values and their times.

    What is asked narrows them down; of several conditions all hold. With `near` the nearest come
    first.
    """
    found = await tables.answer(
        accepted,
        query,
        lambda asked: page_of(services, party, asked),
        rows="vehicles",
        of=VehicleSummary,
    )
    return found if isinstance(found, Response) else conditional.answered(request, response, found)


async def page_of(services: Services, party: int, query: VehiclesQuery) -> Vehicles:
    """A page of the vehicles that a party may see.

    Raises:
        ProblemError: 422, the cursor is none of ours.
    """
    now = datetime.now(tz=UTC)
    found = await services.search.vehicles(
        party, search_of(query, now), NAMES, limit=query.limit + 1
    )
    return Vehicles(
        vehicles=[
            summary(services, vehicle, now, query.coordinates)
            for vehicle in noted(found[: query.limit])
        ],
        next=paging.link_if_more(PATH, query, found, query.limit, _cursor),
    )


def _cursor(shown: Sequence[FoundVehicle]) -> str:
    last = shown[-1]
    if last.distance_m is None:
        return cursors.after_vin(last.vin)
    return cursors.after_place(last.distance_m, last.vin)


def summary(
    services: Services,
    vehicle: FoundVehicle,
    now: datetime,
    coordinates: Coordinates = Coordinates.WGS_84,
) -> VehicleSummary:
    """A vehicle as it is told."""

    def shown(*names: str) -> Reading | None:
        for name in names:
            if name in vehicle.latest:
                return reading(services.catalogue.by_name[name], vehicle.latest[name])
        return None

    told = latest_in(coordinates, vehicle.latest)
    latitude, longitude = told.get("latitude"), told.get("longitude")
    return VehicleSummary(
        vin=vehicle.vin,
        model=vehicle.model,
        plate=vehicle.plate,
        region=vehicle.region,
        registered_at=vehicle.registered_at,
        last_seen=vehicle.last_seen,
        activity=activity.activity(
            vehicle.latest, vehicle.last_seen, now, is_current=vehicle.is_current
        ),
        speed=shown("wheel_speed", "gnss_speed"),
        position=(
            None
            if latitude is None or longitude is None
            else Position(
                latitude=latitude.value,
                longitude=longitude.value,
                time=min(latitude.time, longitude.time),
            )
        ),
        odometer=shown("odometer"),
        fuel_level=shown("fuel_level_1"),
        engine_running=shown("engine_running"),
        distance_m=None if vehicle.distance_m is None else round(vehicle.distance_m, 1),
    )
