"""`/v1/registers/fleets`: a party's own fleets, and when which vehicles are in them."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from api import conditional, cursors, paging
from api.accesses import noted
from api.codes import Code
from api.openapi import WRITING, problems
from api.parameters import EXAMPLE_VIN, FleetId, Time, Vin, no_parameters
from api.principal import Principal
from api.registers.common import PATH, Expected, Text, quoted, tagged
from api.registers.vehicles import RegisterQuery
from api.services import App
from api.written import WriteRoute
from api.zones import TimeZone
from storage.served_registers import FleetEntry, FleetMember

FLEETS = f"{PATH}/fleets"

router = APIRouter(tags=["registers"], route_class=WriteRoute)

EXAMPLE: JsonDict = {
    "fleet_id": 3,
    "name": "华东干线",
    "party": "North Haulage",
    "time_zone": "Asia/Shanghai",
    "vehicles": 42,
}
MEMBER_EXAMPLE: JsonDict = {
    "vin": EXAMPLE_VIN,
    "member_from": "2026-11-01T00:00:00Z",
    "member_until": "2026-12-31T00:00:00Z",
}


class RegisteredFleet(BaseModel):
    """A fleet."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    fleet_id: int = Field(description="The fleet's number here.", examples=[3])
    name: str = Field(description="Its name.", examples=["华东干线"])
    party: str = Field(description="Whose it is.", examples=["North Haulage"])
    time_zone: str = Field(
        description="By which its days and weeks are cut, IANA.", examples=["Asia/Shanghai"]
    )
    vehicles: int = Field(description="How many are in it now.", examples=[42])


class NewFleet(BaseModel):
    """A fleet to be made."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"name": "华东干线"}]}
    )

    name: Text = Field(
        description="A name that no other fleet of yours has.", examples=["华东干线"]
    )
    time_zone: TimeZone = Field(
        default="Asia/Shanghai",
        description="By which its days and weeks are cut, IANA.",
        examples=["Asia/Shanghai"],
    )


class FleetCorrection(BaseModel):
    """What is to be changed of a fleet; what is left out stays."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"name": "华东干线二队"}]}
    )

    name: Text | None = Field(default=None, description="Its name.", examples=["华东干线二队"])
    time_zone: TimeZone | None = Field(
        default=None,
        description="Weeks from now on are cut by it.",
        examples=["Europe/Berlin"],
    )


class FleetMembership(BaseModel):
    """When a vehicle is in a fleet."""

    model_config = ConfigDict(json_schema_extra={"examples": [MEMBER_EXAMPLE]})

    vin: str = Field(description="The vehicle.", examples=[EXAMPLE_VIN])
    member_from: AwareDatetime | None = Field(
        description="From when on, UTC; null: always.",
        examples=["2026-11-01T00:00:00Z"],
    )
    member_until: AwareDatetime | None = Field(
        description="Until when, UTC; null: without end.", examples=["2026-12-31T00:00:00Z"]
    )


class FleetMemberships(BaseModel):
    """A page of a fleet's vehicles by VIN, those before and those to come included."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "fleet_id": 3,
                    "memberships": [MEMBER_EXAMPLE],
                    "next": f"{FLEETS}/3/vehicles?limit=1&cursor=bjE",
                }
            ]
        }
    )

    fleet_id: int = Field(description="The fleet.", examples=[3])
    memberships: list[FleetMembership] = Field(description="At most `limit`.")
    next: str | None = Field(description="Address of the next page; null: this was the last.")


class NewMembership(BaseModel):
    """From when to when a vehicle is in a fleet."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"member_from": "2026-11-01T00:00:00Z"}]},
    )

    member_from: Time | None = Field(
        default=None,
        description="Not before it was yours; left out: since when it is in the fleet, else now.",
        examples=["2026-11-01T00:00:00Z"],
    )
    member_until: Time | None = Field(
        default=None,
        description="Left out: without end.",
        examples=["2026-12-31T00:00:00Z"],
    )


class MembershipEnd(BaseModel):
    """That a vehicle has left a fleet."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"vin": EXAMPLE_VIN, "ended": 1}]})

    vin: str = Field(description="The vehicle.", examples=[EXAMPLE_VIN])
    ended: int = Field(
        description="Memberships that ended, or would have begun; 0: it was not in the fleet.",
        examples=[1],
    )


def _told(entry: FleetEntry) -> RegisteredFleet:
    return RegisteredFleet(
        fleet_id=entry.fleet_id,
        name=entry.name,
        party=entry.party,
        time_zone=entry.time_zone,
        vehicles=entry.vehicles,
    )


def _member(member: FleetMember) -> FleetMembership:
    return FleetMembership(
        vin=member.vin, member_from=member.member_from, member_until=member.member_until
    )


@router.get(
    FLEETS + "/{fleet_id}",
    operation_id="get_registered_fleet",
    summary="A fleet of the register",
    response_model=RegisteredFleet,
    responses={
        **problems(Code.UNKNOWN_FLEET, Code.INVALID_PARAMETER),
        **conditional.NOT_MODIFIED,
    },
    dependencies=[Depends(no_parameters)],
)
async def get_fleet(
    fleet_id: FleetId, services: App, party: Principal, request: Request, response: Response
) -> Response:
    """Tell what a fleet is; /v1/fleets lists them. Its ETag lets a change depend on it."""
    entry = await services.registers.fleet(party, fleet_id)
    return conditional.answered(request, response, _told(entry), quoted(entry.tag))


@router.post(
    FLEETS,
    operation_id="create_fleet",
    summary="Make a fleet",
    status_code=HTTPStatus.CREATED,
    responses=problems(Code.NOT_YOURS, Code.ALREADY_THERE, Code.INVALID_PARAMETER, *WRITING),
    dependencies=[Depends(no_parameters)],
)
async def create_fleet(
    entry: NewFleet, services: App, party: Principal, response: Response
) -> RegisteredFleet:
    """Make a fleet of your own; an owner may, and the maker."""
    made = await services.registers.create_fleet(party, entry.name, entry.time_zone)
    response.headers["Location"] = f"{FLEETS}/{made.fleet_id}"
    tagged(response, made.tag)
    return _told(made)


@router.patch(
    FLEETS + "/{fleet_id}",
    operation_id="change_fleet",
    summary="Change a fleet's name or time zone",
    responses=problems(
        Code.UNKNOWN_FLEET,
        Code.NOT_YOURS,
        Code.ALREADY_THERE,
        Code.CHANGED_MEANWHILE,
        Code.INVALID_PARAMETER,
        *WRITING,
    ),
    dependencies=[Depends(no_parameters)],
)
async def change_fleet(
    fleet_id: FleetId,
    changes: FleetCorrection,
    services: App,
    party: Principal,
    expected: Expected,
    response: Response,
) -> RegisteredFleet:
    """Change your own fleet."""
    changed = await services.registers.change_fleet(
        party, fleet_id, name=changes.name, time_zone=changes.time_zone, expected=expected
    )
    tagged(response, changed.tag)
    return _told(changed)


@router.get(
    FLEETS + "/{fleet_id}/vehicles",
    operation_id="list_fleet_memberships",
    summary="When which vehicles are in a fleet",
    responses=problems(Code.UNKNOWN_FLEET, Code.INVALID_PARAMETER),
)
async def list_members(
    fleet_id: FleetId,
    query: Annotated[RegisterQuery, Query()],
    services: App,
    party: Principal,
) -> FleetMemberships:
    """List a fleet's vehicles, also those that were or will be in it."""
    skipped = paging.number_after(query)
    found = await services.registers.members(
        party, fleet_id, skipped=skipped, limit=query.limit + 1
    )
    return FleetMemberships(
        fleet_id=fleet_id,
        memberships=[_member(member) for member in noted(found[: query.limit])],
        next=paging.link_if_more(
            f"{FLEETS}/{fleet_id}/vehicles",
            query,
            found,
            query.limit,
            lambda shown: cursors.after_number(skipped + len(shown)),
        ),
    )


@router.put(
    FLEETS + "/{fleet_id}/vehicles/{vin}",
    operation_id="put_fleet_membership",
    summary="Let a vehicle be in a fleet",
    responses=problems(
        Code.UNKNOWN_FLEET, Code.UNKNOWN_VEHICLE, Code.NOT_YOURS, Code.INVALID_PARAMETER, *WRITING
    ),
    dependencies=[Depends(no_parameters)],
)
async def put_member(
    fleet_id: FleetId, vin: Vin, entry: NewMembership, services: App, party: Principal
) -> FleetMembership:
    """Let a vehicle of yours be in a fleet of yours for some time; what overlaps is replaced."""
    return _member(
        await services.registers.put_member(
            party, fleet_id, vin, (entry.member_from, entry.member_until)
        )
    )


@router.delete(
    FLEETS + "/{fleet_id}/vehicles/{vin}",
    operation_id="end_fleet_membership",
    summary="Let a vehicle leave a fleet",
    responses=problems(
        Code.UNKNOWN_FLEET, Code.UNKNOWN_VEHICLE, Code.NOT_YOURS, Code.INVALID_PARAMETER, *WRITING
    ),
    dependencies=[Depends(no_parameters)],
)
async def end_member(fleet_id: FleetId, vin: Vin, services: App, party: Principal) -> MembershipEnd:
    """Let a vehicle leave now; the time in which it was in the fleet stays."""
    ended = await services.registers.end_member(party, fleet_id, vin)
    return MembershipEnd(vin=vin, ended=ended)
