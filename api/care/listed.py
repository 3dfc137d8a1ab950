"""What the lists of vehicles that want care share: whom they look at, and the shape of a page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

import anyio.to_thread
from pydantic import AwareDatetime, BaseModel, Field
from pydantic.config import JsonDict

from api import cursors, paging
from api.care import cases
from api.care.cases import Case
from api.parameters import EXAMPLE_VIN, Paged
from api.services import Services
from api.vehicles import activity

MOST = 20_000
"""Vehicles that may want care are looked at, by VIN; a dealer has a tenth of that."""

MAX_VEHICLES = 500

Row = TypeVar("Row")


class ListedVehicle(BaseModel):
    """What every list tells of a vehicle."""

    vin: str = Field(description="Vehicle identification number.", examples=[EXAMPLE_VIN])
    model: str | None = Field(description="As the register has it.", examples=["J6P 6×4"])
    plate: str | None = Field(description="As the register has it.", examples=["沪A12345"])
    region: str | None = Field(description="Where it is at home, ISO 3166-2.", examples=["CN-31"])
    last_seen: AwareDatetime | None = Field(
        description="Time of its newest frame, UTC.", examples=["2026-11-01T08:00:00Z"]
    )


EXAMPLE: JsonDict = {
    "vin": EXAMPLE_VIN,
    "model": "J6P 6×4",
    "plate": "沪A12345",
    "region": "CN-31",
    "last_seen": "2026-11-01T08:00:00Z",
}


class ListPage(BaseModel):
    """What every page of a list tells besides its vehicles."""

    answered_at: AwareDatetime = Field(
        description="When this was answered, UTC.", examples=["2026-11-01T08:00:02Z"]
    )
    is_complete: bool = Field(
        description=f"Whether all vehicles were looked at: {MOST} at most are.", examples=[True]
    )
    next: str | None = Field(
        description="Address of the next page; null: this was the last. What changes meanwhile may "
        "be missed or come twice."
    )


class ListQuery(Paged):
    """What is asked of a list."""

    limit: int = Field(
        default=100, ge=1, le=MAX_VEHICLES, description="Vehicles a page.", examples=[100]
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """All vehicles that may want care."""

    cases: list[Case]
    now: datetime
    is_complete: bool


async def cases_of(services: Services, party: int) -> Found:
    """All vehicles of a party that may want care, by VIN."""
    now = datetime.now(tz=UTC)
    found = await services.care.vehicles(party, cases.NAMES, activity.RULES, now, limit=MOST + 1)
    # Thousands of them take a while, in which others are to be answered.
    made = await anyio.to_thread.run_sync(lambda: [Case(vehicle, now) for vehicle in found[:MOST]])
    return Found(cases=made, now=now, is_complete=len(found) <= MOST)


def paged(path: str, query: ListQuery, rows: Sequence[Row]) -> tuple[Sequence[Row], str | None]:
    """The rows of a page, and the address of the next one; None: it is the last.

    Args:
        path: the list's address.
        query: what was asked.
        rows: all of them, in their order.

    Raises:
        ProblemError: 422, the cursor is none of ours.
    """
    begin = paging.number_after(query)
    found = rows[begin : begin + query.limit + 1]
    following = paging.link_if_more(
        path, query, found, query.limit, lambda shown: cursors.after_number(begin + len(shown))
    )
    return found[: query.limit], following


def named(case: Case) -> dict[str, str | datetime | None]:
    """What every list tells of a vehicle, by field."""
    return {name: getattr(case.vehicle, name) for name in ListedVehicle.model_fields}
