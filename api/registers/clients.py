"""`/v1/registers/clients`: machines of one's own party that get tokens by client credentials."""

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
from api.registers import machines
from api.registers.common import PATH
from api.registers.machines import NewMachine, Overlap, PathName
from api.registers.vehicles import RegisterQuery
from api.scopes import Role
from api.services import App
from api.signing_in import credentials
from api.written import SecretRoute
from storage.served_accounts import ClientEntry

CLIENTS = f"{PATH}/clients"

router = APIRouter(tags=["accounts"], route_class=SecretRoute)

EXAMPLE: JsonDict = {
    "client_id": "vtc_3kq7x2amn5pdz6ya",
    "name": "planner",
    "role": "owner",
    "scopes": ["vehicles:read"],
    "created_at": "2026-11-01T08:00:00Z",
    "disabled_at": "2026-11-20T08:00:00Z",
    "secrets": 1,
}


class ApiClient(BaseModel):
    """A machine of your party."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    client_id: str = Field(description="Its public name.", examples=["vtc_3kq7x2amn5pdz6ya"])
    name: str = Field(description="What it is, for people.", examples=["planner"])
    role: Role = Field(description="What your party is.", examples=["owner"])
    scopes: list[str] = Field(
        description="What its tokens may be used for.", examples=[["vehicles:read"]]
    )
    created_at: AwareDatetime = Field(
        description="Since when, UTC.", examples=["2026-11-01T08:00:00Z"]
    )
    disabled_at: AwareDatetime | None = Field(
        description="Since when it gets no tokens any more; null: it does.",
        examples=["2026-11-20T08:00:00Z"],
    )
    secrets: int = Field(
        description="How many secrets of it hold now: two while it changes over.", examples=[1]
    )


class ApiClientSecret(ApiClient):
    """A machine with its new secret, which is told this once."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{**EXAMPLE, "client_secret": "vts_…"}]}
    )

    client_secret: str = Field(
        description="What it gets tokens by. Nobody knows it afterwards.", examples=["vts_…"]
    )


class ApiClients(BaseModel):
    """A page of clients by their ids."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"clients": [EXAMPLE], "next": f"{CLIENTS}?limit=1&cursor=a3Z0Y18z"}]
        }
    )

    clients: list[ApiClient] = Field(description="At most `limit`.")
    next: str | None = Field(description="Address of the next page; null: this was the last.")


def _told(entry: ClientEntry) -> ApiClient:
    return ApiClient(
        client_id=entry.client_id,
        name=entry.name,
        role=Role(entry.role),
        scopes=entry.scopes,
        created_at=entry.created_at,
        disabled_at=entry.disabled_at,
        secrets=entry.secrets,
    )


def _with_secret(entry: ClientEntry, secret: str) -> ApiClientSecret:
    return ApiClientSecret(**dict(_told(entry)), client_secret=secret)


@router.get(
    CLIENTS,
    operation_id="list_clients",
    summary="Machines of one's party that get tokens",
    responses=problems(Code.INVALID_PARAMETER),
)
async def list_clients(
    query: Annotated[RegisterQuery, Query()], services: App, party: Principal
) -> ApiClients:
    """List the clients of your party, never their secrets; its administrator may."""
    found = await services.accounts.clients(
        party, after=machines.name_after(query), limit=query.limit + 1
    )
    return ApiClients(
        clients=[_told(entry) for entry in found[: query.limit]],
        next=paging.link_if_more(
            CLIENTS,
            query,
            found,
            query.limit,
            lambda shown: cursors.after_name(shown[-1].client_id),
        ),
    )


@router.post(
    CLIENTS,
    operation_id="create_client",
    summary="Let a machine get tokens",
    status_code=HTTPStatus.CREATED,
    responses=problems(Code.INVALID_PARAMETER, *WRITING),
    dependencies=[Depends(no_parameters)],
)
async def create_client(entry: NewMachine, services: App, party: Principal) -> ApiClientSecret:
    """Make a client of your party; the answer has its secret, this once."""
    role, scopes = await machines.role_and_scopes(services, party, entry.scopes)
    secret = credentials.new_client_secret()
    made = await services.accounts.create_client(
        party,
        client_id=credentials.new_client_id(),
        secret_hash=credentials.hash_of(secret),
        role=role,
        name=entry.name,
        scopes=scopes,
    )
    return _with_secret(made, secret)


@router.post(
    CLIENTS + "/{client_id}/rotate",
    operation_id="rotate_client",
    summary="Give a machine another secret",
    responses=problems(Code.UNKNOWN_ENTRY, Code.INVALID_PARAMETER, *WRITING),
    dependencies=[Depends(no_parameters)],
)
async def rotate_client(
    client_id: PathName, entry: Overlap, services: App, party: Principal
) -> ApiClientSecret:
    """Give a client another secret, told this once; the old one goes on for `overlap_hours`."""
    secret = credentials.new_client_secret()
    changed = await services.accounts.rotate_client(
        party,
        machines.public_name(client_id),
        secret_hash=credentials.hash_of(secret),
        overlap=entry.overlap,
    )
    return _with_secret(changed, secret)


@router.delete(
    CLIENTS + "/{client_id}",
    operation_id="disable_client",
    summary="Let a machine get no tokens any more",
    responses=problems(Code.UNKNOWN_ENTRY, Code.INVALID_PARAMETER, *WRITING),
    dependencies=[Depends(no_parameters)],
)
async def disable_client(client_id: PathName, services: App, party: Principal) -> ApiClient:
    """Disable a client; the tokens it has are refused within 10 s."""
    return _told(await services.accounts.disable_client(party, machines.public_name(client_id)))
