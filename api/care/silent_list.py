"""`/v1/silent-vehicles`: the vehicles that were not heard of for too long."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, ConfigDict, Field

from api import tables
from api.accept import Accepted, responses
from api.accesses import noted
from api.care import words
from api.care.cases import Case
from api.care.listed import EXAMPLE, ListedVehicle, ListPage, ListQuery, cases_of, named, paged
from api.codes import Code
from api.language import Spoken
from api.principal import Principal
from api.services import App, Services
from api.vehicles.activity import Activity

PATH = "/v1/silent-vehicles"

router = APIRouter(tags=["care"])


class SilentVehicle(ListedVehicle):
    """A vehicle that was not heard of for too long."""

    silent_since: AwareDatetime = Field(
        description="When it was heard last; when it was registered, where it never was. UTC.",
        examples=["2026-10-20T08:00:00Z"],
    )
    silent_s: float = Field(description="How long ago that was [s].", examples=[1036800.0])
    last_activity: Activity | None = Field(
        description="What it was doing then; null: it was never heard.", examples=["parked"]
    )
    todo: str = Field(
        description="What to do about it.", examples=["Ask whether the truck is laid up."]
    )


class SilentVehicles(ListPage):
    """A page of silent vehicles."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "answered_at": "2026-11-01T08:00:02Z",
                    "silent": 4,
                    "is_complete": True,
                    "vehicles": [
                        {
                            **EXAMPLE,
                            "last_seen": "2026-10-20T08:00:00Z",
                            "silent_since": "2026-10-20T08:00:00Z",
                            "silent_s": 1036802.0,
                            "last_activity": "parked",
                            "todo": "Ask whether the truck is laid up.",
                        }
                    ],
                    "next": f"{PATH}?limit=1&cursor=bjE",
                }
            ]
        }
    )

    silent: int = Field(description="Vehicles on all pages.", examples=[4])
    vehicles: list[SilentVehicle] = Field(
        description="At most `limit`, those that are silent longest first."
    )


@router.get(
    PATH,
    operation_id="list_silent_vehicles",
    summary="Vehicles that were not heard of for too long",
    response_model=SilentVehicles,
    responses=responses(Code.INVALID_PARAMETER),
)
async def list_silent_vehicles(
    query: Annotated[ListQuery, Query()],
    services: App,
    party: Principal,
    accepted: Accepted,
    spoken: Spoken,
) -> SilentVehicles | Response:
    """List the silent vehicles you may see, those that are silent longest first.

    They are those that /v1/vehicles?state=silent has. Of those that were never heard, the morning
    list leaves out such as were registered within the last 3 days: these are new.
    """
    return await tables.answer(
        accepted,
        query,
        lambda asked: silent_page(services, party, asked, spoken),
        rows="vehicles",
        of=SilentVehicle,
        spoken=spoken,
    )


async def silent_page(
    services: Services, party: int, query: ListQuery, spoken: str
) -> SilentVehicles:
    """A page of the silent vehicles of a party.

    Raises:
        ProblemError: 422, the cursor is none of ours.
    """
    found = await cases_of(services, party)
    silent = sorted(
        (
            (since, case.vehicle.vin, case)
            for case in found.cases
            if (since := case.silent_since) is not None
        ),
        key=lambda one: one[:2],
    )
    page, following = paged(PATH, query, silent)
    noted([case.vehicle for _, _, case in page])
    return SilentVehicles(
        answered_at=found.now,
        silent=len(silent),
        is_complete=found.is_complete,
        vehicles=[_silent(case, since, found.now, spoken) for since, _, case in page],
        next=following,
    )


def _silent(case: Case, since: datetime, now: datetime, spoken: str) -> SilentVehicle:
    return SilentVehicle.model_validate(
        {
            **named(case),
            "silent_since": since,
            "silent_s": round((now - since).total_seconds(), 1),
            "last_activity": case.last_activity,
            "todo": words.silence_todo(case, spoken),
        }
    )
