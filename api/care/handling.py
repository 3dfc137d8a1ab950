"""`/v1/morning-list/{vin}/handled`: that somebody has seen to a vehicle, or has not after all."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api.care.morning_list import PATH
from api.care.words import EXAMPLE_KEY
from api.codes import Code
from api.openapi import WRITING, problems
from api.parameters import EXAMPLE_VIN, Vin, no_parameters
from api.principal import Asking, Principal
from api.problems import invalid
from api.services import App, Services
from api.written import WriteRoute

router = APIRouter(tags=["care"], route_class=WriteRoute)


class Handling(BaseModel):
    """What was seen to."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"reasons": [EXAMPLE_KEY]}]}
    )

    reasons: list[Annotated[str, Field(max_length=100)]] = Field(
        min_length=1,
        max_length=250,
        description="Keys of the reasons that were seen to, as the list has them; what came up "
        "since it was read stays to be seen to.",
        examples=[[EXAMPLE_KEY]],
    )


class HandledCase(BaseModel):
    """That a vehicle was seen to."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"vin": EXAMPLE_VIN, "handled_at": "2026-11-01T08:00:02Z"}]}
    )

    vin: str = Field(description="Vehicle identification number.", examples=[EXAMPLE_VIN])
    handled_at: AwareDatetime | None = Field(
        description="When, UTC; null: it is to be seen to.", examples=["2026-11-01T08:00:02Z"]
    )


@router.put(
    f"{PATH}/{{vin}}/handled",
    operation_id="handle_case",
    summary="Say that a vehicle was seen to",
    responses=problems(Code.UNKNOWN_VEHICLE, Code.INVALID_PARAMETER, *WRITING),
    dependencies=[Depends(no_parameters)],
)
async def handle_case(vin: Vin, handling: Handling, services: App, who: Asking) -> HandledCase:
    """Take a vehicle off your party's list, until a reason comes up that is not among these.

    New are a code that comes up again, a lamp that is reported lit again, a service that becomes
    overdue, and a silence after the vehicle was heard. After 30 days what still holds is on the
    list again. Said again, what was said before no longer counts.
    """
    return await handle(services, who.party_id, who.subject, vin, handling.reasons)


@router.delete(
    f"{PATH}/{{vin}}/handled",
    operation_id="reopen_case",
    summary="Say that a vehicle is still to be seen to",
    responses=problems(Code.UNKNOWN_VEHICLE, Code.INVALID_PARAMETER, *WRITING),
    dependencies=[Depends(no_parameters)],
)
async def reopen_case(vin: Vin, services: App, party: Principal) -> HandledCase:
    """Put a vehicle on your party's list again; one that is on it stays there."""
    await services.care.reopen(party, vin)
    return HandledCase(vin=vin, handled_at=None)


async def handle(
    services: Services, party: int, subject: str, vin: str, reasons: Sequence[str]
) -> HandledCase:
    """Write down that a party has seen to a vehicle.

    Raises:
        UnknownVehicleError: there is none that the party may see.
        ProblemError: 422, a reason is none.
    """
    if any("\x00" in reason for reason in reasons):
        raise invalid("reasons", "There is no such reason.", "Send the keys that the list has.")
    at = await services.care.handle(party, vin, sorted(set(reasons)), subject)
    return HandledCase(vin=vin, handled_at=at)
