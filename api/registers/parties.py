"""`/v1/registers/parties`: who uses the platform; the maker makes them known."""

from enum import StrEnum
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from api import cursors, paging
from api.codes import Code
from api.openapi import WRITING, problems
from api.parameters import no_parameters
from api.principal import Principal
from api.registers.common import PATH, Text
from api.registers.vehicles import RegisterQuery
from api.services import App
from api.written import WriteRoute
from storage.served_registers import PartyEntry

PARTIES = f"{PATH}/parties"

router = APIRouter(tags=["registers"], route_class=WriteRoute)

EXAMPLE: JsonDict = {
    "party_id": 12,
    "kind": "service_provider",
    "name": "Workshop East",
    "created_at": "2026-03-02T07:00:00Z",
    "is_own": False,
}


class PartyKind(StrEnum):
    """What a party is."""

    MAKER = "maker"
    DEALER = "dealer"
    SERVICE_PROVIDER = "service_provider"
    OWNER = "owner"
    DATA_SCIENCE = "data_science"
    AUDITOR = "auditor"


class NewPartyKind(StrEnum):
    """What a party may be that is made here."""

    OWNER = "owner"
    DEALER = "dealer"
    SERVICE_PROVIDER = "service_provider"
    DATA_SCIENCE = "data_science"


class KnownParty(BaseModel):
    """A company or authority."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    party_id: int = Field(description="Its number here.", examples=[12])
    kind: PartyKind = Field(description="What it is.", examples=["service_provider"])
    name: str = Field(description="Its name, by which grants name it.", examples=["Workshop East"])
    created_at: AwareDatetime = Field(
        description="Since when it is known, UTC.", examples=["2026-03-02T07:00:00Z"]
    )
    is_own: bool = Field(description="Whether it is you.", examples=[False])


class KnownParties(BaseModel):
    """A page of parties by their numbers."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"parties": [EXAMPLE], "next": f"{PARTIES}?limit=1&cursor=bjEy"}]
        }
    )

    parties: list[KnownParty] = Field(description="At most `limit`.")
    next: str | None = Field(description="Address of the next page; null: this was the last.")


class NewParty(BaseModel):
    """A party to be made known."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"kind": "owner", "name": "South Haulage"}]},
    )

    kind: NewPartyKind = Field(
        description="Makers and auditors are made by command, where the platform is run: "
        "`telemetry identity parties create`.",
        examples=["owner"],
    )
    name: Text = Field(description="A name that no other has.", examples=["South Haulage"])


class PartiesQuery(RegisterQuery):
    """What is asked of the register of parties."""

    kind: PartyKind | None = Field(
        default=None, description="Only parties of this kind.", examples=["service_provider"]
    )


def _told(entry: PartyEntry) -> KnownParty:
    return KnownParty(
        party_id=entry.party_id,
        kind=PartyKind(entry.kind),
        name=entry.name,
        created_at=entry.created_at,
        is_own=entry.is_own,
    )


@router.get(
    PARTIES,
    operation_id="list_parties",
    summary="Parties one may know",
    responses=problems(Code.INVALID_PARAMETER),
)
async def list_parties(
    query: Annotated[PartiesQuery, Query()], services: App, party: Principal
) -> KnownParties:
    """List dealers, service providers and data scientists, and yourself; for the maker all."""
    found = await services.registers.parties(
        party, kind=query.kind, after_id=paging.number_after(query), limit=query.limit + 1
    )
    return KnownParties(
        parties=[_told(entry) for entry in found[: query.limit]],
        next=paging.link_if_more(
            PARTIES,
            query,
            found,
            query.limit,
            lambda shown: cursors.after_number(shown[-1].party_id),
        ),
    )


@router.post(
    PARTIES,
    operation_id="create_party",
    summary="Make a party known",
    status_code=HTTPStatus.CREATED,
    responses=problems(Code.NOT_YOURS, Code.ALREADY_THERE, Code.INVALID_PARAMETER, *WRITING),
    dependencies=[Depends(no_parameters)],
)
async def create_party(entry: NewParty, services: App, party: Principal) -> KnownParty:
    """Make an owner, dealer, service provider or research party known; the maker may."""
    return _told(await services.registers.create_party(party, entry.kind, entry.name))
