"""`/v1/registers/grants`: who lets whom see which vehicle, for how long and what for."""

from enum import StrEnum
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from api import cursors, paging
from api.accesses import noted
from api.codes import Code
from api.openapi import WRITING, problems
from api.parameters import EXAMPLE_VIN, Time, no_parameters, number
from api.principal import Principal
from api.registers.common import PATH, Text
from api.registers.parties import PartyKind
from api.registers.vehicles import RegisterQuery
from api.services import App
from api.written import WriteRoute
from schemas.vin import VinError, check_vin
from storage.served_grants import GrantEntry, Terms

GRANTS = f"{PATH}/grants"

router = APIRouter(tags=["registers"], route_class=WriteRoute)

EXAMPLE: JsonDict = {
    "grant_id": 99,
    "vin": EXAMPLE_VIN,
    "party": "Workshop East",
    "party_kind": "service_provider",
    "purpose": "service",
    "valid_from": "2026-11-01T00:00:00Z",
    "valid_until": "2026-12-01T00:00:00Z",
    "data_from": "2026-03-02T00:00:00Z",
    "data_until": "2026-12-01T00:00:00Z",
    "granted_by": "North Haulage",
    "ended_at": "2026-11-20T08:00:00Z",
    "holds": False,
    "may_end": True,
}


class Purpose(StrEnum):
    """What a vehicle may be seen for."""

    OWNERSHIP = "ownership"
    SALE = "sale"
    SERVICE = "service"
    RESEARCH = "research"


class GrantedPurpose(StrEnum):
    """What one may let others see a vehicle for."""

    SALE = "sale"
    SERVICE = "service"
    RESEARCH = "research"


class Grant(BaseModel):
    """Who may see a vehicle: how long that holds and which data it opens are two things."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    grant_id: int = Field(description="Its number here.", examples=[99])
    vin: str = Field(description="The vehicle.", examples=[EXAMPLE_VIN])
    party: str = Field(description="Who may see it.", examples=["Workshop East"])
    party_kind: PartyKind = Field(description="What that is.", examples=["service_provider"])
    purpose: Purpose = Field(
        description="ownership: it is theirs. sale: they are its dealer. service, research: what "
        "its owner lets them see it for.",
        examples=["service"],
    )
    valid_from: AwareDatetime | None = Field(
        description="From when it holds, UTC; null: always.", examples=["2026-11-01T00:00:00Z"]
    )
    valid_until: AwareDatetime | None = Field(
        description="Until when; null: without end.", examples=["2026-12-01T00:00:00Z"]
    )
    data_from: AwareDatetime | None = Field(
        description="What was recorded from then on is open; null: from the first on.",
        examples=["2026-03-02T00:00:00Z"],
    )
    data_until: AwareDatetime | None = Field(
        description="Up to then; null: what is still to come, too.",
        examples=["2026-12-01T00:00:00Z"],
    )
    granted_by: str | None = Field(
        description="Who gave it; null: it was entered by command, or comes of a sale.",
        examples=["North Haulage"],
    )
    ended_at: AwareDatetime | None = Field(
        description="When somebody, or a sale, ended it before its time.",
        examples=["2026-11-20T08:00:00Z"],
    )
    holds: bool = Field(description="Whether it holds now.", examples=[True])
    may_end: bool = Field(description="Whether you may end it.", examples=[True])


class GrantsPage(BaseModel):
    """A page of grants by their numbers."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"grants": [EXAMPLE], "next": f"{GRANTS}?limit=1&cursor=bjk5"}]
        }
    )

    grants: list[Grant] = Field(description="At most `limit`.")
    next: str | None = Field(description="Address of the next page; null: this was the last.")


class GrantTerms(BaseModel):
    """To whom vehicles are shown, until when and what for."""

    party: Text = Field(
        description="Who is to see it, by the name in /v1/registers/parties.",
        examples=["Workshop East"],
    )
    purpose: GrantedPurpose = Field(
        description="service: by its owner, to a service provider or dealer. research: by its "
        "owner, to data scientists. sale: by the maker, to the dealer it assigns.",
        examples=["service"],
    )
    valid_from: Time | None = Field(
        default=None,
        description="From when it holds; left out, or past: from now on.",
        examples=["2026-11-01T00:00:00Z"],
    )
    valid_until: Time = Field(description="Until when.", examples=["2026-12-01T00:00:00Z"])
    data_from: Time | None = Field(
        default=None,
        description="Open what was recorded from then on; left out: all that is yours.",
        examples=["2026-10-01T00:00:00Z"],
    )
    data_until: Time | None = Field(
        default=None,
        description="Up to then; left out: also what is still to come.",
        examples=["2026-12-01T00:00:00Z"],
    )

    def terms(self) -> Terms:
        """As the database takes them."""
        return Terms(**{name: getattr(self, name) for name in GrantTerms.model_fields})


class NewGrant(GrantTerms):
    """Who is to see a vehicle, until when and what for."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "vin": EXAMPLE_VIN,
                    "party": "Workshop East",
                    "purpose": "service",
                    "valid_until": "2026-12-01T00:00:00Z",
                }
            ]
        },
    )

    vin: Annotated[str, Field(max_length=17)] = Field(
        description="The vehicle.", examples=[EXAMPLE_VIN]
    )


def _is_vin(text: str) -> str:
    try:
        check_vin(text)
    except VinError as error:
        raise ValueError(str(error)) from error
    return text


class GrantsQuery(RegisterQuery):
    """What is asked of the grants."""

    vin: Annotated[str, AfterValidator(_is_vin)] | None = Field(
        default=None, description="Only on this vehicle.", examples=[EXAMPLE_VIN]
    )
    purpose: Purpose | None = Field(
        default=None, description="Only for this purpose.", examples=["service"]
    )
    holds: bool = Field(default=False, description="Only those that hold now.", examples=[True])


def _grant_id(
    grant_id: Annotated[
        str,
        Path(
            description="The grant's number, from the listing. One that does not exist, or is not "
            "yours to know, is answered with the same 404.",
            examples=["99"],
        ),
    ],
) -> int:
    return number(grant_id, Code.UNKNOWN_ENTRY)


GrantId = Annotated[int, Depends(_grant_id)]
"""A path's grant, of the right form."""


def _told(entry: GrantEntry) -> Grant:
    return Grant(
        grant_id=entry.grant_id,
        vin=entry.vin,
        party=entry.party,
        party_kind=PartyKind(entry.party_kind),
        purpose=Purpose(entry.purpose),
        valid_from=entry.valid_from,
        valid_until=entry.valid_until,
        data_from=entry.data_from,
        data_until=entry.data_until,
        granted_by=entry.granted_by,
        ended_at=entry.ended_at,
        holds=entry.holds,
        may_end=entry.may_end,
    )


@router.get(
    GRANTS,
    operation_id="list_grants",
    summary="Who may see whose vehicles",
    responses=problems(Code.UNKNOWN_VEHICLE, Code.INVALID_PARAMETER),
)
async def list_grants(
    query: Annotated[GrantsQuery, Query()], services: App, party: Principal
) -> GrantsPage:
    """List what you gave, what you got, and what others may see of vehicles that are yours now."""
    found = await services.grants.grants(
        party,
        vin=query.vin,
        purpose=query.purpose,
        only_holding=query.holds,
        after_id=paging.number_after(query),
        limit=query.limit + 1,
    )
    return GrantsPage(
        grants=[_told(entry) for entry in noted(found[: query.limit])],
        next=paging.link_if_more(
            GRANTS,
            query,
            found,
            query.limit,
            lambda shown: cursors.after_number(shown[-1].grant_id),
        ),
    )


@router.get(
    GRANTS + "/{grant_id}",
    operation_id="get_grant",
    summary="A grant",
    responses=problems(Code.UNKNOWN_ENTRY, Code.INVALID_PARAMETER),
    dependencies=[Depends(no_parameters)],
)
async def get_grant(grant_id: GrantId, services: App, party: Principal) -> Grant:
    """Tell a grant that you gave or got, or that is on a vehicle of yours."""
    (entry,) = noted([await services.grants.grant(party, grant_id)])
    return _told(entry)


@router.post(
    GRANTS,
    operation_id="grant_access",
    summary="Let a party see a vehicle",
    status_code=HTTPStatus.CREATED,
    responses=problems(Code.UNKNOWN_VEHICLE, Code.NOT_YOURS, Code.INVALID_PARAMETER, *WRITING),
    dependencies=[Depends(no_parameters)],
)
async def grant_access(
    entry: NewGrant, services: App, party: Principal, response: Response
) -> Grant:
    """Let a party see a vehicle for a time and a purpose, and no more than you may see."""
    (made,) = noted([await services.grants.grant_access(party, entry.vin, entry.terms())])
    response.headers["Location"] = f"{GRANTS}/{made.grant_id}"
    return _told(made)


@router.delete(
    GRANTS + "/{grant_id}",
    operation_id="end_grant",
    summary="End a grant",
    responses=problems(Code.UNKNOWN_ENTRY, Code.NOT_YOURS, Code.INVALID_PARAMETER, *WRITING),
    dependencies=[Depends(no_parameters)],
)
async def end_grant(grant_id: GrantId, services: App, party: Principal) -> Grant:
    """End a grant now: the next request of that party finds no such vehicle.

    One that has ended stays as it is.
    """
    (ended,) = noted([await services.grants.end_grant(party, grant_id)])
    return _told(ended)
