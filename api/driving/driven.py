"""`/v1/drivers/{driver_id}/…`: what a driver drove, and how, whatever the vehicle."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api import paging, tables
from api.accept import Accepted, responses
from api.accesses import noted
from api.codes import Code
from api.driving import events, scores
from api.driving.drivers import PATH
from api.driving.events import EventKindText, EventsQuery, EventSummary
from api.driving.scores import ScoresQuery, ScoreSummary
from api.driving.trips import TripKind, TripsQuery
from api.parameters import EXAMPLE_VIN, DriverId
from api.principal import Principal
from api.services import App, Services
from storage.answers_behaviour import DrivenTrip

router = APIRouter(tags=["drivers"])


class DrivenTripSummary(BaseModel):
    """What a driver drove of a trip; null is what was not measured or is not yours to know."""

    vin: str | None = Field(description="The vehicle.", examples=[EXAMPLE_VIN])
    trip_start: AwareDatetime = Field(
        description="Start of the whole trip, UTC.", examples=["2026-11-01T00:10:00Z"]
    )
    start: AwareDatetime = Field(
        description="From when on this driver drove, UTC.", examples=["2026-11-01T00:10:00Z"]
    )
    end: AwareDatetime = Field(description="Until when, UTC.", examples=["2026-11-01T03:40:00Z"])
    kind: TripKind = Field(description="Of the trip.", examples=["drive"])
    distance_km: float = Field(description="By the speed [km].", examples=[248.6])
    driving_s: float = Field(description="In motion [s].", examples=[11520.0])
    idle_s: float = Field(
        description="Engine on, standing, no power take-off at work [s]; a vehicle's trips have it "
        "included.",
        examples=[840.0],
    )
    fuel_l: float | None = Field(
        description="Fuel used [L]; null where less than 95 % of the way tells.", examples=[71.9]
    )
    stops: int = Field(
        description="How often it came to a stand for 3 s or longer, the end included.",
        examples=[12],
    )


class DriverTrips(BaseModel):
    """A page of what a driver drove, by start."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "driver_id": 17,
                    "trips": [
                        {
                            "vin": EXAMPLE_VIN,
                            "trip_start": "2026-11-01T00:10:00Z",
                            "start": "2026-11-01T00:10:00Z",
                            "end": "2026-11-01T03:40:00Z",
                            "kind": "drive",
                            "distance_km": 248.6,
                            "driving_s": 11520.0,
                            "idle_s": 840.0,
                            "fuel_l": 71.9,
                            "stops": 12,
                        }
                    ],
                    "next": f"{PATH}/17/trips?start=2026-11-01T00%3A00%3A00Z"
                    "&end=2026-11-02T00%3A00%3A00Z&limit=1&cursor=cjE3OTM0OTE4MDAwMDAwMDAuMQ",
                }
            ]
        }
    )

    driver_id: int = Field(description="The driver.", examples=[17])
    trips: list[DrivenTripSummary] = Field(description="At most `limit`.")
    next: str | None = Field(description="Address of the next page; null: this was the last.")


@router.get(
    PATH + "/{driver_id}/trips",
    operation_id="list_driver_trips",
    summary="What a driver drove",
    response_model=DriverTrips,
    responses=responses(Code.UNKNOWN_DRIVER, Code.INVALID_PARAMETER),
)
async def list_driver_trips(
    driver_id: DriverId,
    query: Annotated[TripsQuery, Query()],
    services: App,
    party: Principal,
    accepted: Accepted,
) -> DriverTrips | Response:
    """List the trips, or parts of trips, that a driver drove, whatever the vehicle."""
    return await tables.answer(
        accepted,
        query,
        lambda asked: _list_driver_trips_page(services, party, driver_id, asked),
        rows="trips",
        of=DrivenTripSummary,
        driver_id=driver_id,
    )


async def _list_driver_trips_page(
    services: Services, party: int, driver_id: int, query: TripsQuery
) -> DriverTrips:
    page = paging.wanted(query, query.order, query.limit)
    found = await services.behaviour.driver_trips(party, driver_id, page)
    return DriverTrips(
        driver_id=driver_id,
        trips=[_driven(trip) for trip in noted(found[: query.limit])],
        next=paging.next_link(
            f"{PATH}/{driver_id}/trips", query, page, [trip.start_time for trip in found]
        ),
    )


def _driven(trip: DrivenTrip) -> DrivenTripSummary:
    return DrivenTripSummary(
        vin=trip.vin,
        trip_start=trip.trip_start,
        start=trip.start_time,
        end=trip.end_time,
        kind=TripKind(trip.kind),
        distance_km=trip.distance_km,
        driving_s=trip.driving_s,
        idle_s=trip.idle_s,
        fuel_l=trip.fuel_l,
        stops=int(trip.stops),
    )


class DriverEvents(BaseModel):
    """A page of a driver's events by their start."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "driver_id": 17,
                    "events": [events.EXAMPLE],
                    "kinds": [events.EXAMPLE_KIND],
                    "next": f"{PATH}/17/events?start=2026-11-01T00%3A00%3A00Z"
                    "&end=2026-11-02T00%3A00%3A00Z&limit=1&cursor=cjE3OTM0OTE5ODUwMDAwMDAuMQ",
                }
            ]
        }
    )

    driver_id: int = Field(description="The driver.", examples=[17])
    events: list[EventSummary] = Field(description="At most `limit`.")
    kinds: list[EventKindText] = Field(description="What the kinds of these events are.")
    next: str | None = Field(description="Address of the next page; null: this was the last.")


@router.get(
    PATH + "/{driver_id}/events",
    operation_id="list_driver_events",
    summary="Driving events of a driver",
    response_model=DriverEvents,
    responses=responses(Code.UNKNOWN_DRIVER, Code.INVALID_PARAMETER),
)
async def list_driver_events(
    driver_id: DriverId,
    query: Annotated[EventsQuery, Query()],
    services: App,
    party: Principal,
    accepted: Accepted,
) -> DriverEvents | Response:
    """List a driver's events, whatever the vehicle; one that is not yours to see has no VIN."""
    return await tables.answer(
        accepted,
        query,
        lambda asked: _list_driver_events_page(services, party, driver_id, asked),
        rows="events",
        of=EventSummary,
    )


async def _list_driver_events_page(
    services: Services, party: int, driver_id: int, query: EventsQuery
) -> DriverEvents:
    page = paging.wanted(query, query.order, query.limit)
    found = await services.behaviour.driver_events(
        party,
        driver_id,
        page,
        kinds=events.kinds_named(query.kind),
        least_severity=events.stored_severity(query),
    )
    shown = noted(found[: query.limit])
    return DriverEvents(
        driver_id=driver_id,
        events=[events.summary(event, query.coordinates) for event in shown],
        kinds=events.kind_texts(shown),
        next=paging.next_link(
            f"{PATH}/{driver_id}/events", query, page, [event.start_time for event in found]
        ),
    )


class DriverScores(BaseModel):
    """A page of a driver's scores by week."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "driver_id": 17,
                    "scores": [{**scores.EXAMPLE, "driver_id": 17}],
                    "next": f"{PATH}/17/scores?start=2026-10-01T00%3A00%3A00Z"
                    "&end=2026-11-02T00%3A00%3A00Z&limit=1&cursor=cjE3OTI5NDQwMDAwMDAwMDAuMQ",
                }
            ]
        }
    )

    driver_id: int = Field(description="The driver.", examples=[17])
    scores: list[ScoreSummary] = Field(description="At most `limit`.")
    next: str | None = Field(description="Address of the next page; null: this was the last.")


@router.get(
    PATH + "/{driver_id}/scores",
    operation_id="list_driver_scores",
    summary="Scores of a driver",
    response_model=DriverScores,
    responses=responses(Code.UNKNOWN_DRIVER, Code.INVALID_PARAMETER),
)
async def list_driver_scores(
    driver_id: DriverId,
    query: Annotated[ScoresQuery, Query()],
    services: App,
    party: Principal,
    accepted: Accepted,
) -> DriverScores | Response:
    """List how well a driver drove week by week, with what moved each score.

    A week is there only where you may know all that the driver drove in it.
    """
    return await tables.answer(
        accepted,
        query,
        lambda asked: _scores_page(services, party, driver_id, asked),
        rows="scores",
        of=ScoreSummary,
    )


async def _scores_page(
    services: Services, party: int, driver_id: int, query: ScoresQuery
) -> DriverScores:
    page = paging.wanted(query, query.order, query.limit)
    found = await services.behaviour.driver_scores(party, driver_id, page)
    return DriverScores(
        driver_id=driver_id,
        scores=[scores.summary(score) for score in noted(found[: query.limit])],
        next=paging.next_link(
            f"{PATH}/{driver_id}/scores", query, page, [score.start_time for score in found]
        ),
    )
