"""`/v1/fleets/{fleet_id}/fuel`: where a fleet's fuel goes, by vehicle, driver or corridor."""

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api import cursors, paging, tables
from api.accept import Accepted, responses
from api.accesses import noted
from api.codes import Code
from api.driving.fleets import PATH
from api.fuel import consumption
from api.fuel.consumption import Consumption
from api.parameters import EXAMPLE_VIN, FleetId, Span, require_order
from api.principal import Principal
from api.services import App, Services
from storage import answers_fuel

MAX_ROWS = 500

router = APIRouter(tags=["fuel"])


class Of(StrEnum):
    """By what a fleet's fuel is divided."""

    VEHICLES = "vehicles"
    DRIVERS = "drivers"
    CORRIDORS = "corridors"


_BY = {Of.VEHICLES: "vehicle", Of.DRIVERS: "driver", Of.CORRIDORS: "corridor"}


class FleetFuelRow(Consumption):
    """Fuel of one vehicle, driver or corridor; the row whose own field is null has all others."""

    vin: str | None = Field(
        default=None,
        description="The vehicle, where fuel is divided by vehicles.",
        examples=[EXAMPLE_VIN],
    )
    driver_id: int | None = Field(
        description="The driver, where it is divided by drivers; null: not known, or not yours to "
        "know.",
        examples=[17],
    )
    card_id: str | None = Field(
        description="The driver's tachograph card.", examples=["CHN0001000000017"]
    )
    name: str | None = Field(description="The driver's name, for the employer.", examples=["王伟"])
    corridor: str | None = Field(
        default=None,
        description="From where to where, where it is divided by corridors; null: not known.",
        examples=["31.25N121.40E>30.25N120.15E"],
    )


class FleetFuel(BaseModel):
    """A page of a fleet's fuel over a span, what needed most first."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "fleet_id": 3,
                    "name": "华东干线",
                    "start": "2026-10-25T16:00:00Z",
                    "end": "2026-11-01T16:00:00Z",
                    "of": "drivers",
                    "total": consumption.EXAMPLE,
                    "rows": [
                        {
                            **consumption.EXAMPLE,
                            "driver_id": 17,
                            "card_id": "CHN0001000000017",
                            "name": "王伟",
                        }
                    ],
                    "next": f"{PATH}/3/fuel?start=2026-10-25T16%3A00%3A00Z"
                    "&end=2026-11-01T16%3A00%3A00Z&of=drivers&limit=1&cursor=bjE",
                }
            ]
        }
    )

    fleet_id: int = Field(description="The fleet.", examples=[3])
    name: str = Field(description="Its name.", examples=["华东干线"])
    start: AwareDatetime = Field(
        description="Parts of trips that start from here on, UTC.",
        examples=["2026-10-25T16:00:00Z"],
    )
    end: AwareDatetime = Field(
        description="And before this, UTC.", examples=["2026-11-01T16:00:00Z"]
    )
    of: Of = Field(description="What `rows` are of.", examples=["drivers"])
    total: Consumption | None = Field(
        description="Of all rows, those of other pages included; null: there are none."
    )
    rows: list[FleetFuelRow] = Field(description="At most `limit`, most litres first.")
    next: str | None = Field(description="Address of the next page; null: this was the last.")


class FleetFuelQuery(Span):
    """What is asked: parts of trips that start from `start` on and before `end`."""

    of: Of = Field(default=Of.VEHICLES, description="By what it is divided.", examples=["drivers"])
    limit: int = Field(default=100, ge=1, le=MAX_ROWS, description="Rows a page.", examples=[100])


@router.get(
    PATH + "/{fleet_id}/fuel",
    operation_id="get_fleet_fuel",
    summary="Fuel of a fleet",
    response_model=FleetFuel,
    responses=responses(Code.UNKNOWN_FLEET, Code.INVALID_PARAMETER),
)
async def get_fleet_fuel(
    fleet_id: FleetId,
    query: Annotated[FleetFuelQuery, Query()],
    services: App,
    party: Principal,
    accepted: Accepted,
) -> FleetFuel | Response:
    """Divide a fleet's fuel by vehicles, drivers or corridors, as far as it is open to you.

    What was driven is the fleet's as long as the vehicle was in it.
    """
    return await tables.answer(
        accepted,
        query,
        lambda asked: _page(services, party, fleet_id, asked),
        rows="rows",
        of=FleetFuelRow,
        fleet_id=fleet_id,
    )


async def _page(services: Services, party: int, fleet_id: int, query: FleetFuelQuery) -> FleetFuel:
    require_order(query.start, query.end)
    passed = paging.number_after(query)
    fleet = await services.behaviour.fleet(party, fleet_id)
    prices = await services.prices.of(party)

    async def rows(by: str, *, skipped: int, limit: int) -> list[answers_fuel.FleetFuel]:
        return await services.fuel.fleet(
            party,
            fleet_id,
            by=by,
            start=query.start,
            stop=query.end,
            skipped=skipped,
            limit=limit,
        )

    found = await rows(_BY[query.of], skipped=passed, limit=query.limit + 1)
    total = await rows("total", skipped=0, limit=1)
    return FleetFuel(
        fleet_id=fleet.fleet_id,
        name=fleet.name,
        start=query.start,
        end=query.end,
        of=query.of,
        total=Consumption(**consumption.told(total[0].sums, total[0].causes, prices))
        if total
        else None,
        rows=[
            FleetFuelRow(
                **consumption.told(row.sums, row.causes, prices),
                vin=row.vin,
                driver_id=row.driver_id,
                card_id=row.card_id,
                name=row.name,
                corridor=row.corridor,
            )
            for row in noted(found[: query.limit])
        ],
        next=paging.link_if_more(
            f"{PATH}/{fleet_id}/fuel",
            query,
            found,
            query.limit,
            lambda shown: cursors.after_number(passed + len(shown)),
        ),
    )
