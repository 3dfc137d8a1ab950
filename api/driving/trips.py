"""`/v1/vehicles/{vin}/trips`: what analysis made of a vehicle's days."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api import cursors, paging, tables
from api.accept import Accepted, responses
from api.accesses import noted
from api.codes import Code
from api.coordinates import Coordinates, Placed
from api.parameters import EXAMPLE_VIN, Order, Span, Vin, microseconds, require_order, time_after
from api.principal import Principal
from api.services import App, Services
from api.vehicles.listing import Position, position
from storage.answers import Trip

MAX_TRIPS = 1000

router = APIRouter(tags=["trips"])


class TripKind(StrEnum):
    """What kind of trip it was."""

    DRIVE = "drive"
    IDLE = "idle"
    TOW = "tow"
    FERRY = "ferry"


class TripSummary(BaseModel):
    """Time in which the engine ran or the vehicle moved; null is what is not known, or not to you.

    Rests shorter than five minutes do not end it.
    """

    start: AwareDatetime = Field(description="UTC.", examples=["2026-11-01T00:10:00Z"])
    end: AwareDatetime = Field(description="UTC.", examples=["2026-11-01T03:40:00Z"])
    kind: TripKind = Field(
        description="drive; idle (the engine ran, the vehicle came less than 100 m far); tow "
        "(moved without the engine); ferry (carried while it stood).",
        examples=["drive"],
    )
    driver_id: int | None = Field(
        description="Who drove most of it, where known and yours to know.", examples=[17]
    )
    distance_km: float | None = Field(
        description="[km]; null where neither odometer nor speed told.", examples=[248.6]
    )
    duration_s: float = Field(description="From start to end [s].", examples=[12600.0])
    driving_s: float | None = Field(description="In motion [s].", examples=[11520.0])
    idle_s: float = Field(
        description="Engine on, standing, power take-off included [s].", examples=[840.0]
    )
    stop_count: int | None = Field(
        description="Stands of 3 s or longer between two moves.", examples=[12]
    )
    fuel_l: float | None = Field(description="Fuel used [L].", examples=[71.9])
    idle_fuel_l: float | None = Field(description="Of this while idling [L].", examples=[0.5])
    l_per_100km: float | None = Field(description="Consumption [L/100 km].", examples=[28.9])
    max_speed_kmh: float | None = Field(description="[km/h]", examples=[88.5])
    start_position: Position | None = Field(description="Where it began.")
    end_position: Position | None = Field(description="Where it ended.")
    distance_source: str | None = Field(
        description="odometer (the counter), or the speed that was integrated: wheel_speed, "
        "tachograph_speed or gnss_speed.",
        examples=["odometer"],
    )
    fuel_source: str | None = Field(
        description="fuel_used_total (the counter) or fuel_rate (integrated).",
        examples=["fuel_used_total"],
    )


class Trips(BaseModel):
    """A page of trips by their start."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "vin": EXAMPLE_VIN,
                    "trips": [
                        {
                            "start": "2026-11-01T00:10:00Z",
                            "end": "2026-11-01T03:40:00Z",
                            "kind": "drive",
                            "driver_id": 17,
                            "distance_km": 248.6,
                            "duration_s": 12600.0,
                            "driving_s": 11520.0,
                            "idle_s": 840.0,
                            "stop_count": 12,
                            "fuel_l": 71.9,
                            "idle_fuel_l": 0.5,
                            "l_per_100km": 28.9,
                            "max_speed_kmh": 88.5,
                            "start_position": {
                                "latitude": 31.2304,
                                "longitude": 121.4737,
                                "time": "2026-11-01T00:10:00Z",
                            },
                            "end_position": {
                                "latitude": 32.0603,
                                "longitude": 118.7969,
                                "time": "2026-11-01T03:40:00Z",
                            },
                            "distance_source": "odometer",
                            "fuel_source": "fuel_used_total",
                        }
                    ],
                    "next": f"/v1/vehicles/{EXAMPLE_VIN}/trips?start=2026-11-01T00%3A00%3A00Z"
                    "&end=2026-11-02T00%3A00%3A00Z&limit=1&cursor=dDE3OTM0OTE4MDAwMDAwMDA",
                }
            ]
        }
    )

    vin: str = Field(description="Vehicle identification number.", examples=[EXAMPLE_VIN])
    trips: list[TripSummary] = Field(description="At most `limit`.")
    next: str | None = Field(description="Address of the next page; null: this was the last.")


class TripsQuery(Span, Placed):
    """What is asked of the listing: trips that start from `start` on and before `end`."""

    order: Order = Field(
        default=Order.OLDEST_FIRST, description="By their start.", examples=["oldest_first"]
    )
    limit: int = Field(default=100, ge=1, le=MAX_TRIPS, description="Trips a page.", examples=[100])


@router.get(
    "/v1/vehicles/{vin}/trips",
    operation_id="list_trips",
    summary="Trips of a vehicle",
    response_model=Trips,
    responses=responses(Code.UNKNOWN_VEHICLE, Code.INVALID_PARAMETER),
)
async def list_trips(
    vin: Vin,
    query: Annotated[TripsQuery, Query()],
    services: App,
    party: Principal,
    accepted: Accepted,
) -> Trips | Response:
    """List the trips that start within a span, with distance, idling and fuel."""
    return await tables.answer(
        accepted,
        query,
        lambda asked: page_of(services, party, vin, asked),
        rows="trips",
        of=TripSummary,
        vin=vin,
    )


async def page_of(services: Services, party: int, vin: str, query: TripsQuery) -> Trips:
    """A page of a vehicle's trips, as far as a party may see them.

    Raises:
        ProblemError: 422, the span is empty or the cursor is none of ours.
        UnknownVehicleError: there is no such vehicle.
    """
    require_order(query.start, query.end)
    start, stop = query.start, query.end
    newest_first = query.order is Order.NEWEST_FIRST
    if query.cursor is not None:
        last = time_after(query.cursor, start, stop)
        start, stop = (start, last) if newest_first else (last + timedelta(microseconds=1), stop)
    found = await services.vehicles.trips(
        party, vin, start=start, stop=stop, newest_first=newest_first, limit=query.limit + 1
    )
    return Trips(
        vin=vin,
        trips=[summary(trip, query.coordinates) for trip in noted(found[: query.limit])],
        next=paging.link_if_more(
            f"/v1/vehicles/{vin}/trips",
            query,
            found,
            query.limit,
            lambda shown: cursors.after_time(microseconds(shown[-1].start_time)),
        ),
    )


def summary(trip: Trip, coordinates: Coordinates = Coordinates.WGS_84) -> TripSummary:
    """A trip as it is told."""
    return TripSummary(
        start=trip.start_time,
        end=trip.end_time,
        kind=TripKind(trip.kind),
        driver_id=trip.driver_id,
        distance_km=trip.distance_km,
        duration_s=trip.duration_s,
        driving_s=trip.driving_s,
        idle_s=trip.idle_s,
        stop_count=trip.stop_count,
        fuel_l=trip.fuel_l,
        idle_fuel_l=trip.idle_fuel_l,
        l_per_100km=trip.l_per_100km,
        max_speed_kmh=trip.max_speed_kmh,
        start_position=position(
            trip.start_latitude, trip.start_longitude, trip.start_time, coordinates
        ),
        end_position=position(trip.end_latitude, trip.end_longitude, trip.end_time, coordinates),
        distance_source=trip.distance_source,
        fuel_source=trip.fuel_source,
    )
