"""Advice on a vehicle, and for a driver, by week."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from api import paging, tables
from api.accept import Accepted, responses
from api.accesses import noted
from api.advice.told import EXAMPLE, AdviceStatus, AdviceSummary, summary
from api.codes import Code
from api.language import Spoken
from api.parameters import (
    EXAMPLE_VIN,
    DriverId,
    Order,
    Parameters,
    Span,
    Time,
    Vin,
)
from api.principal import Principal
from api.problems import invalid
from api.services import App, Services

MAX_PIECES = 500


router = APIRouter(tags=["advice"])


class VehicleAdvice(BaseModel):
    """A page of advice on a vehicle and for its drivers, by week."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "vin": EXAMPLE_VIN,
                    "advice": [EXAMPLE],
                    "next": f"/v1/vehicles/{EXAMPLE_VIN}/advice?start=2026-10-01T00%3A00%3A00Z"
                    "&end=2026-11-02T00%3A00%3A00Z&limit=1&cursor=cjE3OTI5NDQwMDAwMDAwMDAuMQ",
                }
            ]
        }
    )

    vin: str = Field(description="Vehicle identification number.", examples=[EXAMPLE_VIN])
    advice: list[AdviceSummary] = Field(
        description="At most `limit`, of each week the greatest saving first."
    )
    next: str | None = Field(description="Address of the next page; null: this was the last.")


class DriverAdvice(BaseModel):
    """A page of advice for a driver, by week."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "driver_id": 17,
                    "advice": [EXAMPLE],
                    "next": "/v1/drivers/17/advice?start=2026-10-01T00%3A00%3A00Z"
                    "&end=2026-11-02T00%3A00%3A00Z&limit=1&cursor=cjE3OTI5NDQwMDAwMDAwMDAuMQ",
                }
            ]
        }
    )

    driver_id: int = Field(description="The driver.", examples=[17])
    advice: list[AdviceSummary] = Field(
        description="At most `limit`, of each week the greatest saving first."
    )
    next: str | None = Field(description="Address of the next page; null: this was the last.")


class OfStatus(Parameters):
    """Query parameter of listings of advice."""

    status: str | None = Field(
        default=None,
        min_length=1,
        max_length=100,
        description=f"Only such, comma separated: {', '.join(AdviceStatus)}.",
        examples=["given,seen"],
    )


class AdviceQuery(Span, OfStatus):
    """What is asked of the listing: advice of weeks that start from `start` on and before `end`."""

    start: Time = Field(
        description="From this time on weeks begin, on Monday 00:00 by the fleet's clock. RFC 3339 "
        "with its time zone; a + is written %2B.",
        examples=["2026-10-01T00:00:00Z"],
    )
    order: Order = Field(
        default=Order.OLDEST_FIRST, description="By their weeks.", examples=["newest_first"]
    )
    limit: int = Field(
        default=100, ge=1, le=MAX_PIECES, description="Pieces a page.", examples=[100]
    )


@router.get(
    "/v1/vehicles/{vin}/advice",
    operation_id="list_vehicle_advice",
    summary="Advice on a vehicle",
    response_model=VehicleAdvice,
    responses=responses(Code.UNKNOWN_VEHICLE, Code.INVALID_PARAMETER),
)
async def list_vehicle_advice(
    vin: Vin,
    query: Annotated[AdviceQuery, Query()],
    services: App,
    party: Principal,
    language: Spoken,
    accepted: Accepted,
) -> VehicleAdvice | Response:
    """List what to change on a vehicle and in how it is driven, by week.

    Advice of a week is there only where all of the week is open to you; advice for a driver only
    where you may know him.
    """
    return await tables.answer(
        accepted,
        query,
        lambda asked: _vehicle_page(services, party, vin, asked, language),
        rows="advice",
        of=AdviceSummary,
        spoken=language,
    )


async def _vehicle_page(
    services: Services, party: int, vin: str, query: AdviceQuery, language: str
) -> VehicleAdvice:
    page = paging.wanted(query, query.order, query.limit)
    found = await services.advice.of_vehicle(party, vin, page, statuses=statuses_of(query))
    prices = await services.prices.of(party)
    return VehicleAdvice(
        vin=vin,
        advice=[summary(one, language, prices) for one in noted(found[: query.limit])],
        next=paging.next_link(
            f"/v1/vehicles/{vin}/advice", query, page, [one.start_time for one in found]
        ),
    )


@router.get(
    "/v1/drivers/{driver_id}/advice",
    operation_id="list_driver_advice",
    summary="Advice for a driver",
    response_model=DriverAdvice,
    responses=responses(Code.UNKNOWN_DRIVER, Code.INVALID_PARAMETER),
)
async def list_driver_advice(
    driver_id: DriverId,
    query: Annotated[AdviceQuery, Query()],
    services: App,
    party: Principal,
    language: Spoken,
    accepted: Accepted,
) -> DriverAdvice | Response:
    """List what a driver may change, by week, whatever the vehicle.

    One that is not yours to see has no VIN.
    """
    return await tables.answer(
        accepted,
        query,
        lambda asked: _driver_page(services, party, driver_id, asked, language),
        rows="advice",
        of=AdviceSummary,
        spoken=language,
    )


async def _driver_page(
    services: Services, party: int, driver_id: int, query: AdviceQuery, language: str
) -> DriverAdvice:
    page = paging.wanted(query, query.order, query.limit)
    found = await services.advice.of_driver(party, driver_id, page, statuses=statuses_of(query))
    prices = await services.prices.of(party)
    return DriverAdvice(
        driver_id=driver_id,
        advice=[summary(one, language, prices) for one in noted(found[: query.limit])],
        next=paging.next_link(
            f"/v1/drivers/{driver_id}/advice", query, page, [one.start_time for one in found]
        ),
    )


def statuses_of(query: OfStatus) -> list[str] | None:
    """What must have become of the advice; None: anything.

    Raises:
        ProblemError: 422, nothing becomes of advice by that name.
    """
    if query.status is None:
        return None
    wished = [name.strip() for name in query.status.split(",")]
    for name in wished:
        if name not in set(AdviceStatus):
            raise invalid(
                "status", f"Advice is never {name!r}.", f"Use some of {', '.join(AdviceStatus)}."
            )
    return wished
