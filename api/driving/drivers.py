"""`/v1/drivers`: the drivers one may know."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from api import cursors, paging, tables
from api.accept import Accepted, responses
from api.accesses import noted
from api.codes import Code
from api.parameters import Paged
from api.principal import Principal
from api.services import App, Services

PATH = "/v1/drivers"

MAX_DRIVERS = 500


router = APIRouter(tags=["drivers"])


class DriverSummary(BaseModel):
    """A driver; null is what is not known or not yours to know."""

    driver_id: int = Field(description="The driver's number here.", examples=[17])
    card_id: str = Field(description="The tachograph card.", examples=["CHN0001000000017"])
    name: str | None = Field(description="As the employer gave it.", examples=["王伟"])
    is_employee: bool = Field(description="Whether you employ the driver.", examples=[True])


class Drivers(BaseModel):
    """A page of drivers by number."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "drivers": [
                        {
                            "driver_id": 17,
                            "card_id": "CHN0001000000017",
                            "name": "王伟",
                            "is_employee": True,
                        }
                    ],
                    "next": f"{PATH}?limit=1&cursor=bjE3",
                }
            ]
        }
    )

    drivers: list[DriverSummary] = Field(description="At most `limit`.")
    next: str | None = Field(description="Address of the next page; null: this was the last.")


class DriversQuery(Paged):
    """What is asked of the listing."""

    limit: int = Field(
        default=100, ge=1, le=MAX_DRIVERS, description="Drivers a page.", examples=[100]
    )


@router.get(
    PATH,
    operation_id="list_drivers",
    summary="Drivers one may know",
    response_model=Drivers,
    responses=responses(Code.INVALID_PARAMETER),
)
async def list_drivers(
    query: Annotated[DriversQuery, Query()], services: App, party: Principal, accepted: Accepted
) -> Drivers | Response:
    """List those whom you employ and those who drove vehicles that were yours then."""
    return await tables.answer(
        accepted,
        query,
        lambda asked: _drivers_page(services, party, asked),
        rows="drivers",
        of=DriverSummary,
    )


async def _drivers_page(services: Services, party: int, query: DriversQuery) -> Drivers:
    found = await services.behaviour.drivers(
        party, after_id=paging.number_after(query), limit=query.limit + 1
    )
    return Drivers(
        drivers=[
            DriverSummary(
                driver_id=driver.driver_id,
                card_id=driver.card_id,
                name=driver.name,
                is_employee=driver.is_employee,
            )
            for driver in noted(found[: query.limit])
        ],
        next=paging.link_if_more(
            PATH,
            query,
            found,
            query.limit,
            lambda shown: cursors.after_number(shown[-1].driver_id),
        ),
    )
