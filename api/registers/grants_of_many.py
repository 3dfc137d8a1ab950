"""`/v1/registers/grants/many`: several vehicles, or a fleet's, shown to a party in one go."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from api.accesses import noted
from api.codes import Code
from api.openapi import WRITING, problems
from api.parameters import EXAMPLE_VIN, no_parameters
from api.principal import Principal
from api.problems import invalid
from api.registers.grants import GRANTS, GrantTerms
from api.services import App
from api.written import WriteRoute

MOST = 5000
"""Vehicles of a fleet that is shown in one go."""

MOST_VINS = 2000
"""What a body can hold."""

router = APIRouter(tags=["registers"], route_class=WriteRoute)


class NewGrants(GrantTerms):
    """Which vehicles are to be seen, by whom, until when and what for."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "fleet_id": 3,
                    "party": "Workshop East",
                    "purpose": "service",
                    "valid_until": "2026-12-01T00:00:00Z",
                },
                {
                    "vins": [EXAMPLE_VIN],
                    "party": "Workshop East",
                    "purpose": "service",
                    "valid_until": "2026-12-01T00:00:00Z",
                },
            ]
        },
    )

    vins: list[Annotated[str, Field(max_length=17)]] | None = Field(
        default=None,
        min_length=1,
        max_length=MOST_VINS,
        description="The vehicles; or `fleet_id`.",
        examples=[[EXAMPLE_VIN]],
    )
    fleet_id: int | None = Field(
        default=None,
        ge=1,
        le=2**63 - 1,
        description="Those that are in this fleet now; which join it later are not shown.",
        examples=[3],
    )


class GivenGrant(BaseModel):
    """A grant that was given with others."""

    grant_id: int = Field(description="Its number here.", examples=[99])
    vin: str = Field(description="The vehicle.", examples=[EXAMPLE_VIN])


class GivenGrants(BaseModel):
    """What was given in one go."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"grants": [{"grant_id": 99, "vin": EXAMPLE_VIN}]}]}
    )

    grants: list[GivenGrant] = Field(description="One a vehicle, by VIN; each is ended by itself.")


@router.post(
    f"{GRANTS}/many",
    operation_id="grant_access_to_many",
    summary="Let a party see several vehicles, or a fleet's",
    status_code=HTTPStatus.CREATED,
    responses=problems(
        Code.UNKNOWN_VEHICLE, Code.UNKNOWN_FLEET, Code.NOT_YOURS, Code.INVALID_PARAMETER, *WRITING
    ),
    dependencies=[Depends(no_parameters)],
)
async def grant_access_to_many(entry: NewGrants, services: App, party: Principal) -> GivenGrants:
    """Let a party see vehicles for a time and a purpose: all that are named, or none of them.

    Each is granted as `grant_access` grants one; what stands against one is answered for all, and
    names it.
    """
    if (entry.vins is None) == (entry.fleet_id is None):
        raise invalid("vins", "It is not clear which vehicles.", "Give either vins or fleet_id.")
    given = noted(
        await services.grants.grant_many(
            party, entry.terms(), vins=entry.vins, fleet_id=entry.fleet_id, most=MOST
        )
    )
    return GivenGrants(grants=[GivenGrant(grant_id=one.grant_id, vin=one.vin) for one in given])
