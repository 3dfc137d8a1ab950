"""`/v1/vehicles`: the vehicles one may see, each with what it is doing."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api import activity, cursors, paging
from api.accesses import noted
from api.activity import Activity
from api.openapi import problems
from api.parameters import EXAMPLE_VIN, Paged
from api.principal import Principal
from api.problems import Code
from api.services import App, Services
from api.values import Reading, reading
from storage.answers import ListedVehicle

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

    latitude: float = Field(description="WGS 84, north positive [deg].", examples=[31.2304])
    longitude: float = Field(description="WGS 84, east positive [deg].", examples=[121.4737])
    time: AwareDatetime = Field(description="When, UTC.", examples=["2026-11-01T08:00:00Z"])


def position(
    latitude: float | None, longitude: float | None, time: AwareDatetime
) -> Position | None:
    """Where a vehicle was, unless that is not known."""
    if latitude is None or longitude is None:
        return None
    return Position(latitude=latitude, longitude=longitude, time=time)


class VehicleSummary(BaseModel):
    """A vehicle and what it was last heard to do; null is what it has not told."""

    vin: str = Field(description="Vehicle identification number.", examples=[EXAMPLE_VIN])
    model: str | None = Field(description="As the register has it.", examples=["J6P 6×4"])
    registered_at: AwareDatetime = Field(
        description="When it was registered, UTC.", examples=["2026-10-01T02:00:00Z"]
    )
    last_seen: AwareDatetime | None = Field(
        description="Time of its newest frame, UTC.", examples=["2026-11-01T08:00:00Z"]
    )
    activity: Activity = Field(
        description="moving; idling (engine on, standing); parked; silent (not heard of for "
        f"{activity.SILENT_WHILE_RUNNING.seconds // 60} minutes while running, or "
        f"{activity.SILENT_WHILE_PARKED.days} days while parked)."
    )
    speed: Reading | None = Field(description="By the wheels, else by satellite [km/h].")
    position: Position | None = Field(description="Where it was.")
    odometer: Reading | None = Field(description="Total distance [km].")
    fuel_level: Reading | None = Field(description="Level of the first tank [%].")
    engine_running: Reading | None = Field(description="Whether the engine runs.")


class Vehicles(BaseModel):
    """A page of vehicles by VIN."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "vehicles": [
                        {
                            "vin": EXAMPLE_VIN,
                            "model": "J6P 6×4",
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
                    ],
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


class VehiclesQuery(Paged):
    """What is asked of the listing."""

    limit: int = Field(
        default=50, ge=1, le=MAX_VEHICLES, description="Vehicles a page.", examples=[50]
    )


@router.get(
    PATH,
    operation_id="list_vehicles",
    summary="Vehicles with what they are doing",
    responses=problems(Code.INVALID_PARAMETER),
)
async def list_vehicles(
    query: Annotated[VehiclesQuery, Query()], services: App, party: Principal
) -> Vehicles:
    """List the vehicles you may see by VIN, each with its latest values and their times."""
    return await page_of(services, party, query)


async def page_of(services: Services, party: int, query: VehiclesQuery) -> Vehicles:
    """A page of the vehicles that a party may see.

    Raises:
        ProblemError: 422, the cursor is none of ours.
    """
    after_vin = cursors.read_vin(query.cursor) if query.cursor is not None else ""
    found = await services.reader.vehicles(party, NAMES, after_vin=after_vin, limit=query.limit + 1)
    now = datetime.now(tz=UTC)
    return Vehicles(
        vehicles=[_summary(services, vehicle, now) for vehicle in noted(found[: query.limit])],
        next=paging.link_if_more(
            PATH, query, found, query.limit, lambda shown: cursors.after_vin(shown[-1].vin)
        ),
    )


def _summary(services: Services, vehicle: ListedVehicle, now: datetime) -> VehicleSummary:
    def shown(*names: str) -> Reading | None:
        for name in names:
            if name in vehicle.latest:
                return reading(services.catalogue.by_name[name], vehicle.latest[name])
        return None

    latitude, longitude = vehicle.latest.get("latitude"), vehicle.latest.get("longitude")
    return VehicleSummary(
        vin=vehicle.vin,
        model=vehicle.model,
        registered_at=vehicle.registered_at,
        last_seen=vehicle.last_seen,
        activity=activity.activity(vehicle.latest, vehicle.last_seen, now),
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
    )
