"""`/v1/fleets`: a party's fleets, and weeks as they are asked for."""

import re
from contextlib import suppress
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from api import cursors, paging, tables
from api.accept import Accepted, responses
from api.accesses import noted
from api.codes import Code
from api.parameters import Paged
from api.principal import Principal
from api.problems import invalid
from api.services import App, Services

PATH = "/v1/fleets"

MAX_FLEETS = 500


router = APIRouter(tags=["fleets"])


class FleetSummary(BaseModel):
    """A fleet."""

    fleet_id: int = Field(description="The fleet's number here.", examples=[3])
    name: str = Field(description="Its name.", examples=["华东干线"])
    party: str = Field(description="Whose it is.", examples=["Haulage"])
    time_zone: str = Field(
        description="By which its days and weeks are cut.", examples=["Asia/Shanghai"]
    )
    vehicles: int = Field(description="Vehicles in it now.", examples=[120])


class Fleets(BaseModel):
    """A page of fleets by number."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "fleets": [
                        {
                            "fleet_id": 3,
                            "name": "华东干线",
                            "party": "Haulage",
                            "time_zone": "Asia/Shanghai",
                            "vehicles": 120,
                        }
                    ],
                    "next": f"{PATH}?limit=1&cursor=bjM",
                }
            ]
        }
    )

    fleets: list[FleetSummary] = Field(description="At most `limit`.")
    next: str | None = Field(description="Address of the next page; null: this was the last.")


class FleetsQuery(Paged):
    """What is asked of the listing."""

    limit: int = Field(
        default=100, ge=1, le=MAX_FLEETS, description="Fleets a page.", examples=[100]
    )


@router.get(
    PATH,
    operation_id="list_fleets",
    summary="Fleets one may see",
    response_model=Fleets,
    responses=responses(Code.INVALID_PARAMETER),
)
async def list_fleets(
    query: Annotated[FleetsQuery, Query()], services: App, party: Principal, accepted: Accepted
) -> Fleets | Response:
    """List your fleets."""
    return await tables.answer(
        accepted,
        query,
        lambda asked: _fleets_page(services, party, asked),
        rows="fleets",
        of=FleetSummary,
    )


async def _fleets_page(services: Services, party: int, query: FleetsQuery) -> Fleets:
    found = await services.behaviour.fleets(
        party, after_id=paging.number_after(query), limit=query.limit + 1
    )
    return Fleets(
        fleets=[
            FleetSummary(
                fleet_id=fleet.fleet_id,
                name=fleet.name,
                party=fleet.party,
                time_zone=fleet.time_zone,
                vehicles=fleet.vehicles,
            )
            for fleet in noted(found[: query.limit])
        ],
        next=paging.link_if_more(
            PATH,
            query,
            found,
            query.limit,
            lambda shown: cursors.after_number(shown[-1].fleet_id),
        ),
    )


_WEEK = re.compile(r"(20[0-9]{2})-W([0-5][0-9])", re.ASCII)


def read_week(text: str) -> date:
    """The Monday of an ISO week.

    Raises:
        ProblemError: 422, it is none.
    """
    found = _WEEK.fullmatch(text)
    if found is None:
        raise invalid("week", f"{text!r} is no ISO week from 2000 on.", "Write it as 2026-W44.")
    year, week = map(int, found.groups())
    # Week 0, and 53 of a year that has 52, are none.
    with suppress(ValueError):
        return date.fromisocalendar(year, week, 1)
    last = date(year, 12, 28).isocalendar().week  # the 28th of December is always in the last one
    raise invalid(
        "week", f"{year} has no week {week}.", f"Write a week from {year}-W01 to {year}-W{last}."
    )
