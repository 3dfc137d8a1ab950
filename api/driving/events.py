"""`/v1/vehicles/{vin}/events`: what of a vehicle's driving its driver or owner should look at."""

from collections.abc import Iterable
from difflib import get_close_matches
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from analytics import fatigue
from analytics.events.table import EVENT_KINDS
from api import paging, tables
from api.accept import Accepted, responses
from api.accesses import noted
from api.codes import Code
from api.coordinates import Coordinates, Placed
from api.parameters import EXAMPLE_VIN, Order, Span, Vin
from api.principal import Principal
from api.problems import invalid
from api.services import App, Services
from api.vehicles.listing import Position, position
from storage.answers_behaviour import DrivingEvent

MAX_EVENTS = 1000

KINDS = EVENT_KINDS | fatigue.KINDS
"""Every kind of event there is."""

router = APIRouter(tags=["behaviour"])


class Severity(StrEnum):
    """How far beyond what drives well an event was."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


_SEVERITIES = tuple(Severity)
"""By the number they are stored as, less one."""


class EventKindText(BaseModel):
    """What a kind of event is."""

    kind: str = Field(description="As in the events.", examples=["harsh_braking"])
    unit: str = Field(description="Of its peak and limit.", examples=["m/s²"])
    title_en: str = Field(description="Its name.", examples=["Harsh braking"])
    title_zh: str = Field(description="The same in Chinese.", examples=["急刹车"])
    description_en: str = Field(
        description="What it is.",
        examples=["The vehicle slowed down harder than driving ahead needs."],
    )
    description_zh: str = Field(
        description="The same in Chinese.", examples=["减速度超过预见性驾驶所需。"]
    )


class EventSummary(BaseModel):
    """A driving event; null is what was not measured or is not yours to know."""

    kind: str = Field(description="What it is; see `kinds`.", examples=["harsh_braking"])
    severity: Severity = Field(
        description="low, medium or high; coasting, the one kind that is to be praised, is always "
        "low.",
        examples=["medium"],
    )
    start: AwareDatetime = Field(description="UTC.", examples=["2026-11-01T02:13:05Z"])
    end: AwareDatetime = Field(description="UTC.", examples=["2026-11-01T02:13:08Z"])
    vin: str | None = Field(description="The vehicle.", examples=[EXAMPLE_VIN])
    driver_id: int | None = Field(description="Who drove.", examples=[17])
    trip_start: AwareDatetime | None = Field(
        description="Start of the trip it belongs to; null of hours at the wheel (fatigue), which "
        "may hold several.",
        examples=["2026-11-01T00:10:00Z"],
    )
    peak: float | None = Field(description="How far it went, in the kind's unit.", examples=[4.1])
    peak_time: AwareDatetime | None = Field(
        description="When it was reached.", examples=["2026-11-01T02:13:06Z"]
    )
    limit: float | None = Field(
        description="The threshold or limit that was crossed, in the kind's unit.", examples=[3.0]
    )
    speed_kmh: float | None = Field(description="At the start [km/h].", examples=[63.2])
    distance_km: float | None = Field(description="Meanwhile [km].", examples=[0.04])
    fuel_l: float | None = Field(description="Meanwhile [L].", examples=[0.0])
    position: Position | None = Field(description="Where it began.")
    window_start: AwareDatetime = Field(
        description="The signals from here on show it.", examples=["2026-11-01T02:12:55Z"]
    )
    window_end: AwareDatetime = Field(description="Up to here.", examples=["2026-11-01T02:13:18Z"])


EXAMPLE: JsonDict = {
    "kind": "harsh_braking",
    "severity": "medium",
    "start": "2026-11-01T02:13:05Z",
    "end": "2026-11-01T02:13:08Z",
    "vin": EXAMPLE_VIN,
    "driver_id": 17,
    "trip_start": "2026-11-01T00:10:00Z",
    "peak": 4.1,
    "peak_time": "2026-11-01T02:13:06Z",
    "limit": 3.0,
    "speed_kmh": 63.2,
    "distance_km": 0.04,
    "fuel_l": 0.0,
    "position": {"latitude": 31.4, "longitude": 120.9, "time": "2026-11-01T02:13:05Z"},
    "window_start": "2026-11-01T02:12:55Z",
    "window_end": "2026-11-01T02:13:18Z",
}
EXAMPLE_KIND: JsonDict = {
    "kind": "harsh_braking",
    "unit": "m/s²",
    "title_en": "Harsh braking",
    "title_zh": "急刹车",
    "description_en": "The vehicle slowed down harder than driving ahead needs.",
    "description_zh": "减速度超过预见性驾驶所需。",
}


class VehicleEvents(BaseModel):
    """A page of a vehicle's driving events by their start."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "vin": EXAMPLE_VIN,
                    "events": [EXAMPLE],
                    "kinds": [EXAMPLE_KIND],
                    "next": f"/v1/vehicles/{EXAMPLE_VIN}/events?start=2026-11-01T00%3A00%3A00Z"
                    "&end=2026-11-02T00%3A00%3A00Z&limit=1&cursor=cjE3OTM0OTkxODUwMDAwMDAuMQ",
                }
            ]
        }
    )

    vin: str = Field(description="Vehicle identification number.", examples=[EXAMPLE_VIN])
    events: list[EventSummary] = Field(description="At most `limit`.")
    kinds: list[EventKindText] = Field(description="What the kinds of these events are.")
    next: str | None = Field(description="Address of the next page; null: this was the last.")


class EventsQuery(Span, Placed):
    """What is asked of the listing: events that start from `start` on and before `end`."""

    kind: str | None = Field(
        default=None,
        min_length=1,
        max_length=500,
        description=f"Only these kinds, comma separated: {', '.join(KINDS)}.",
        examples=["harsh_braking,overspeed_road"],
    )
    severity: Severity = Field(
        default=Severity.LOW, description="At least this severe.", examples=["medium"]
    )
    order: Order = Field(
        default=Order.OLDEST_FIRST, description="By their start.", examples=["oldest_first"]
    )
    limit: int = Field(
        default=100, ge=1, le=MAX_EVENTS, description="Events a page.", examples=[100]
    )


@router.get(
    "/v1/vehicles/{vin}/events",
    operation_id="list_vehicle_events",
    summary="Driving events of a vehicle",
    response_model=VehicleEvents,
    responses=responses(Code.UNKNOWN_VEHICLE, Code.INVALID_PARAMETER),
)
async def list_vehicle_events(
    vin: Vin,
    query: Annotated[EventsQuery, Query()],
    services: App,
    party: Principal,
    accepted: Accepted,
) -> VehicleEvents | Response:
    """List harsh braking, speeding, idling and the like, each with the signals' window to look at.

    Who drove, and fatigue, which speaks of nobody else, are told to those alone who may know it.
    """
    return await tables.answer(
        accepted,
        query,
        lambda asked: _page(services, party, vin, asked),
        rows="events",
        of=EventSummary,
    )


async def _page(services: Services, party: int, vin: str, query: EventsQuery) -> VehicleEvents:
    page = paging.wanted(query, query.order, query.limit)
    found = await services.behaviour.vehicle_events(
        party, vin, page, kinds=kinds_named(query.kind), least_severity=stored_severity(query)
    )
    shown = noted(found[: query.limit])
    return VehicleEvents(
        vin=vin,
        events=[summary(event, query.coordinates) for event in shown],
        kinds=kind_texts(shown),
        next=paging.next_link(
            f"/v1/vehicles/{vin}/events", query, page, [event.start_time for event in found]
        ),
    )


def kinds_named(names: str | None) -> list[str] | None:
    """The kinds of events that are named, comma separated; None: all.

    Raises:
        ProblemError: 422, there is no such kind.
    """
    if names is None:
        return None
    wished = [name.strip() for name in names.split(",")]
    for name in wished:
        if name not in KINDS:
            close = get_close_matches(name, KINDS, n=1)
            raise invalid(
                "kind",
                f"No kind of event is called {name!r}.",
                f"Did you mean {close[0]}?" if close else f"Use some of {', '.join(KINDS)}.",
            )
    return wished


def stored_severity(query: EventsQuery) -> int:
    """The least severity that is asked for, as the database has it."""
    return _SEVERITIES.index(query.severity) + 1


def summary(event: DrivingEvent, coordinates: Coordinates = Coordinates.WGS_84) -> EventSummary:
    """An event as it is told."""
    return EventSummary(
        kind=event.kind,
        severity=_SEVERITIES[event.severity - 1],
        start=event.start_time,
        end=event.end_time,
        vin=event.vin,
        driver_id=event.driver_id,
        trip_start=event.trip_start,
        peak=event.peak,
        peak_time=event.peak_time,
        limit=event.limit_value,
        speed_kmh=event.speed_km_h,
        distance_km=event.distance_km,
        fuel_l=event.fuel_l,
        position=position(event.latitude, event.longitude, event.start_time, coordinates),
        window_start=event.window_start,
        window_end=event.window_end,
    )


def kind_texts(events: Iterable[DrivingEvent]) -> list[EventKindText]:
    """What the kinds of these events are, each once."""
    present = {event.kind for event in events}
    return [
        EventKindText(
            kind=name,
            unit=kind.unit,
            title_en=kind.title_en,
            title_zh=kind.title_zh,
            description_en=kind.description_en,
            description_zh=kind.description_zh,
        )
        for name, kind in KINDS.items()
        if name in present
    ]
