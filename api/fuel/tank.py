"""`/v1/vehicles/{vin}/tank-events`: what came into a vehicle's tank, and what went unburnt."""

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api import paging, tables
from api.accept import Accepted, responses
from api.accesses import noted
from api.codes import Code
from api.coordinates import Coordinates, Placed
from api.parameters import EXAMPLE_VIN, Order, Span, Vin
from api.principal import Principal
from api.services import App, Services
from api.vehicles.listing import Position, position
from storage.answers_fuel import TankEvent

MAX_TANK_EVENTS = 1000

router = APIRouter(tags=["fuel"])


class TankEventKind(StrEnum):
    """What happened."""

    REFUELLING = "refuelling"
    THEFT = "theft"
    LOSS = "loss"


class TankEventSummary(BaseModel):
    """Fuel that came or went other than by being burnt; null is what was not measured."""

    kind: TankEventKind = Field(
        description="refuelling; theft (the level fell while the vehicle stood, by more than any "
        "other cause explains, and stayed down); loss (a drive took far more than was burnt).",
        examples=["refuelling"],
    )
    start: AwareDatetime = Field(
        description="When the level was last as before, UTC.", examples=["2026-11-01T02:13:00Z"]
    )
    end: AwareDatetime = Field(
        description="When it was first as after, UTC.", examples=["2026-11-01T02:21:00Z"]
    )
    litres: float = Field(
        description="That came or went [L], above 0 either way.", examples=[312.0]
    )
    low_l: float = Field(
        description="The lower end of where that lies, at 90 % [L].", examples=[301.0]
    )
    high_l: float = Field(description="The upper end [L].", examples=[323.0])
    level_before_l: float | None = Field(description="In the tank before [L].", examples=[85.0])
    level_after_l: float | None = Field(description="And after [L].", examples=[397.0])
    position: Position | None = Field(description="Where.")


class TankEvents(BaseModel):
    """A page of what happened to a vehicle's tank, by start."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "vin": EXAMPLE_VIN,
                    "events": [
                        {
                            "kind": "refuelling",
                            "start": "2026-11-01T02:13:00Z",
                            "end": "2026-11-01T02:21:00Z",
                            "litres": 312.0,
                            "low_l": 301.0,
                            "high_l": 323.0,
                            "level_before_l": 85.0,
                            "level_after_l": 397.0,
                            "position": {
                                "latitude": 31.4,
                                "longitude": 120.9,
                                "time": "2026-11-01T02:13:00Z",
                            },
                        }
                    ],
                    "next": f"/v1/vehicles/{EXAMPLE_VIN}/tank-events?start=2026-11-01T00%3A00%3A00Z"
                    "&end=2026-11-02T00%3A00%3A00Z&limit=1&cursor=cjE3OTM0OTkxODAwMDAwMDAuMQ",
                }
            ]
        }
    )

    vin: str = Field(description="Vehicle identification number.", examples=[EXAMPLE_VIN])
    events: list[TankEventSummary] = Field(description="At most `limit`.")
    next: str | None = Field(description="Address of the next page; null: this was the last.")


class TankEventsQuery(Span, Placed):
    """What is asked of the listing: events that start from `start` on and before `end`."""

    kind: TankEventKind | None = Field(
        default=None, description="Only this kind.", examples=["theft"]
    )
    order: Order = Field(
        default=Order.OLDEST_FIRST, description="By their start.", examples=["oldest_first"]
    )
    limit: int = Field(
        default=100, ge=1, le=MAX_TANK_EVENTS, description="Events a page.", examples=[100]
    )


@router.get(
    "/v1/vehicles/{vin}/tank-events",
    operation_id="list_tank_events",
    summary="Refuelling and losses of a vehicle",
    response_model=TankEvents,
    responses=responses(Code.UNKNOWN_VEHICLE, Code.INVALID_PARAMETER),
)
async def list_tank_events(
    vin: Vin,
    query: Annotated[TankEventsQuery, Query()],
    services: App,
    party: Principal,
    accepted: Accepted,
) -> TankEvents | Response:
    """List refuellings, thefts and losses, as the tank level shows them."""
    return await tables.answer(
        accepted,
        query,
        lambda asked: _page(services, party, vin, asked),
        rows="events",
        of=TankEventSummary,
        vin=vin,
    )


async def _page(services: Services, party: int, vin: str, query: TankEventsQuery) -> TankEvents:
    page = paging.wanted(query, query.order, query.limit)
    kinds = None if query.kind is None else [query.kind.value]
    found = await services.fuel.tank_events(party, vin, page, kinds=kinds)
    return TankEvents(
        vin=vin,
        events=[summary(event, query.coordinates) for event in noted(found[: query.limit])],
        next=paging.next_link(
            f"/v1/vehicles/{vin}/tank-events", query, page, [event.start_time for event in found]
        ),
    )


def summary(event: TankEvent, coordinates: Coordinates = Coordinates.WGS_84) -> TankEventSummary:
    """What happened to a tank, as it is told."""
    return TankEventSummary(
        kind=TankEventKind(event.kind),
        start=event.start_time,
        end=event.end_time,
        litres=event.litres,
        low_l=event.low_l,
        high_l=event.high_l,
        level_before_l=event.level_before_l,
        level_after_l=event.level_after_l,
        position=position(event.latitude, event.longitude, event.start_time, coordinates),
    )
