"""`/v1/vehicles/{vin}/fuel` and `/v1/drivers/{driver_id}/fuel`: what driving cost, and why."""

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from analytics.fuel.prices import FuelPrices
from api import paging, tables
from api.accept import Accepted, responses
from api.accesses import noted
from api.codes import Code
from api.fuel import consumption
from api.fuel.consumption import Consumption
from api.parameters import EXAMPLE_VIN, DriverId, Order, Span, Vin
from api.principal import Principal
from api.problems import invalid
from api.services import App, Services
from storage.answers_fuel import FuelPeriod
from storage.served_behaviour import Page

MAX_PERIODS = 500

router = APIRouter(tags=["fuel"])


class By(StrEnum):
    """Over what fuel is added up."""

    PART = "part"
    DAY = "day"
    WEEK = "week"
    TOTAL = "total"


class PeriodFuel(Consumption):
    """Fuel of a part of a trip, a day, a week or a span."""

    start: AwareDatetime = Field(
        description="Of the part, of the day or the week by the fleet's clock, or of the span that "
        "was asked for, UTC.",
        examples=["2026-10-25T16:00:00Z"],
    )
    end: AwareDatetime = Field(description="Likewise.", examples=["2026-11-01T16:00:00Z"])
    time_zone: str | None = Field(
        description="The fleet's, by which days and weeks are cut; null over a span.",
        examples=["Asia/Shanghai"],
    )
    vin: str | None = Field(
        default=None,
        description="The vehicle of a part; null of longer periods, or not yours to know.",
        examples=[EXAMPLE_VIN],
    )
    driver_id: int | None = Field(
        default=None,
        description="Who drove a part; null of longer periods, not known, or not yours to know.",
        examples=[17],
    )
    trip_start: AwareDatetime | None = Field(
        default=None,
        description="Start of the trip that a part is of, UTC; null of longer periods.",
        examples=["2026-10-26T00:10:00Z"],
    )
    corridor: str | None = Field(
        default=None,
        description="From where to where a part went, by the middles of cells of some 10 km; parts "
        "with the same can be compared. Null of longer periods, not known, or not yours to know.",
        examples=["31.25N121.40E>30.25N120.15E"],
    )


_PERIOD: JsonDict = {
    **consumption.EXAMPLE,
    "start": "2026-10-25T16:00:00Z",
    "end": "2026-11-01T16:00:00Z",
    "time_zone": "Asia/Shanghai",
}


class VehicleFuel(BaseModel):
    """A page of a vehicle's fuel by period."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "vin": EXAMPLE_VIN,
                    "by": "week",
                    "periods": [_PERIOD],
                    "next": f"/v1/vehicles/{EXAMPLE_VIN}/fuel?start=2026-10-01T00%3A00%3A00Z"
                    "&end=2026-11-02T00%3A00%3A00Z&limit=1&cursor=cjE3OTI5NDQwMDAwMDAwMDAuMQ",
                }
            ]
        }
    )

    vin: str = Field(description="Vehicle identification number.", examples=[EXAMPLE_VIN])
    by: By = Field(description="What a period is.", examples=["week"])
    periods: list[PeriodFuel] = Field(
        description="At most `limit`; none for periods in which nothing was driven."
    )
    next: str | None = Field(description="Address of the next page; null: this was the last.")


class DriverFuel(BaseModel):
    """A page of a driver's fuel by period, whatever the vehicle."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "driver_id": 17,
                    "by": "week",
                    "periods": [_PERIOD],
                    "next": "/v1/drivers/17/fuel?start=2026-10-01T00%3A00%3A00Z"
                    "&end=2026-11-02T00%3A00%3A00Z&limit=1&cursor=cjE3OTI5NDQwMDAwMDAwMDAuMQ",
                }
            ]
        }
    )

    driver_id: int = Field(description="The driver.", examples=[17])
    by: By = Field(description="What a period is.", examples=["week"])
    periods: list[PeriodFuel] = Field(
        description="At most `limit`; none for periods in which nothing was driven."
    )
    next: str | None = Field(description="Address of the next page; null: this was the last.")


class FuelQuery(Span):
    """What is asked: periods that start from `start` on and before `end`."""

    by: By = Field(
        default=By.WEEK,
        description="part: each part of a trip. day, week: by the fleet's clock, each with the "
        "trips that began in it. total: all parts that start within the span.",
        examples=["week"],
    )
    order: Order = Field(
        default=Order.OLDEST_FIRST, description="By their start.", examples=["newest_first"]
    )
    limit: int = Field(
        default=100, ge=1, le=MAX_PERIODS, description="Periods a page.", examples=[100]
    )


@router.get(
    "/v1/vehicles/{vin}/fuel",
    operation_id="list_vehicle_fuel",
    summary="Fuel of a vehicle",
    response_model=VehicleFuel,
    responses=responses(Code.UNKNOWN_VEHICLE, Code.INVALID_PARAMETER),
)
async def list_vehicle_fuel(
    vin: Vin,
    query: Annotated[FuelQuery, Query()],
    services: App,
    party: Principal,
    accepted: Accepted,
) -> VehicleFuel | Response:
    """Tell what a vehicle needed by part, day or week, or in total: litres, expected and causes.

    Longer periods add up those of their parts that are open to you.
    """
    return await tables.answer(
        accepted,
        query,
        lambda asked: _list_vehicle_fuel_page(services, party, vin, asked),
        rows="periods",
        of=PeriodFuel,
    )


async def _list_vehicle_fuel_page(
    services: Services, party: int, vin: str, query: FuelQuery
) -> VehicleFuel:
    page = _page(query)
    found = await services.fuel.vehicle(party, vin, page, by=query.by)
    prices = await services.prices.of(party)
    return VehicleFuel(
        vin=vin,
        by=query.by,
        periods=[_period(period, prices) for period in noted(found[: query.limit])],
        next=paging.next_link(
            f"/v1/vehicles/{vin}/fuel", query, page, [period.start_time for period in found]
        ),
    )


@router.get(
    "/v1/drivers/{driver_id}/fuel",
    operation_id="list_driver_fuel",
    summary="Fuel of a driver",
    response_model=DriverFuel,
    responses=responses(Code.UNKNOWN_DRIVER, Code.INVALID_PARAMETER),
)
async def list_driver_fuel(
    driver_id: DriverId,
    query: Annotated[FuelQuery, Query()],
    services: App,
    party: Principal,
    accepted: Accepted,
) -> DriverFuel | Response:
    """Tell what a driver needed, whatever the vehicle; one that is not yours to see has no VIN.

    Longer periods add up those of their parts that are yours to know.
    """
    return await tables.answer(
        accepted,
        query,
        lambda asked: _list_driver_fuel_page(services, party, driver_id, asked),
        rows="periods",
        of=PeriodFuel,
    )


async def _list_driver_fuel_page(
    services: Services, party: int, driver_id: int, query: FuelQuery
) -> DriverFuel:
    page = _page(query)
    found = await services.fuel.driver(party, driver_id, page, by=query.by)
    prices = await services.prices.of(party)
    return DriverFuel(
        driver_id=driver_id,
        by=query.by,
        periods=[_period(period, prices) for period in noted(found[: query.limit])],
        next=paging.next_link(
            f"/v1/drivers/{driver_id}/fuel", query, page, [period.start_time for period in found]
        ),
    )


def _page(query: FuelQuery) -> Page:
    if query.by is By.TOTAL and query.cursor is not None:
        raise invalid("cursor", "A total has one page.", "Leave the cursor out.")
    return paging.wanted(query, query.order, query.limit)


def _period(period: FuelPeriod, prices: FuelPrices) -> PeriodFuel:
    return PeriodFuel(
        **consumption.told(period.sums, period.causes, prices),
        start=period.start_time,
        end=period.end_time,
        time_zone=period.time_zone,
        vin=period.vin,
        driver_id=period.driver_id,
        trip_start=period.trip_start,
        corridor=period.corridor,
    )
