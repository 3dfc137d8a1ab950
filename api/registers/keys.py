"""`/v1/registers/keys`: API keys of one's own party's machines."""

from datetime import timedelta
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
from api.registers.machines import DAYS, NewMachine, Overlap, PathName
from api.registers.vehicles import RegisterQuery
from api.scopes import Role
from api.services import App
from api.signing_in import credentials
from api.written import SecretRoute
from storage.served_accounts import KeyEntry

KEYS = f"{PATH}/keys"

router = APIRouter(tags=["accounts"], route_class=SecretRoute)

EXAMPLE: JsonDict = {
    "prefix": "vtk_3kq7x2am",
    "name": "depot",
    "role": "owner",
    "scopes": ["vehicles:read"],
    "created_at": "2026-11-01T08:00:00Z",
    "expires_at": "2027-01-30T08:00:00Z",
    "revoked_at": "2026-11-20T08:00:00Z",
}


class ApiKey(BaseModel):
    """A key of your party."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    prefix: str = Field(
        description="How it begins: what it is told by. It opens nothing.",
        examples=["vtk_3kq7x2am"],
    )
    name: str = Field(description="What uses it, for people.", examples=["depot"])
    role: Role = Field(description="What your party is.", examples=["owner"])
    scopes: list[str] = Field(description="What it may be used for.", examples=[["vehicles:read"]])
    created_at: AwareDatetime = Field(
        description="Since when, UTC.", examples=["2026-11-01T08:00:00Z"]
    )
    expires_at: AwareDatetime = Field(
        description="Until when it holds, UTC.", examples=["2027-01-30T08:00:00Z"]
    )
    revoked_at: AwareDatetime | None = Field(
        description="Since when it opens nothing; null: it was not revoked.",
        examples=["2026-11-20T08:00:00Z"],
    )


class ApiKeySecret(ApiKey):
    """A new key, which is told this once."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{**EXAMPLE, "key": "vtk_3kq7x2am_…"}]}
    )

    key: str = Field(
        description="The key, for X-API-Key. Nobody knows it afterwards.",
        examples=["vtk_3kq7x2am_…"],
    )


class ApiKeys(BaseModel):
    """A page of keys by how they begin."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"keys": [EXAMPLE], "next": f"{KEYS}?limit=1&cursor=a3Z0a18z"}]
        }
    )

    keys: list[ApiKey] = Field(description="At most `limit`.")
    next: str | None = Field(description="Address of the next page; null: this was the last.")


class NewKey(NewMachine):
    """A key to be made."""

    days: int = DAYS


class KeyRotation(Overlap):
    """How a key is put in the place of another one."""

    days: int = DAYS


def _told(entry: KeyEntry) -> ApiKey:
    return ApiKey(
        prefix=entry.prefix,
        name=entry.name,
        role=Role(entry.role),
        scopes=entry.scopes,
        created_at=entry.created_at,
        expires_at=entry.expires_at,
        revoked_at=entry.revoked_at,
    )


def _with_key(entry: KeyEntry, made: credentials.ApiKey) -> ApiKeySecret:
    return ApiKeySecret(**dict(_told(entry)), key=made.key)


@router.get(
    KEYS,
    operation_id="list_keys",
    summary="Keys of one's party",
    responses=problems(Code.INVALID_PARAMETER),
)
async def list_keys(
    query: Annotated[RegisterQuery, Query()], services: App, party: Principal
) -> ApiKeys:
    """List the keys of your party by how they begin; its administrator may."""
    found = await services.accounts.keys(
        party, after=machines.name_after(query), limit=query.limit + 1
    )
    return ApiKeys(
        keys=[_told(entry) for entry in found[: query.limit]],
        next=paging.link_if_more(
            KEYS, query, found, query.limit, lambda shown: cursors.after_name(shown[-1].prefix)
        ),
    )


@router.post(
    KEYS,
    operation_id="create_key",
    summary="Make a key",
    status_code=HTTPStatus.CREATED,
    responses=problems(Code.INVALID_PARAMETER, *WRITING),
    dependencies=[Depends(no_parameters)],
)
async def create_key(entry: NewKey, services: App, party: Principal) -> ApiKeySecret:
    """Make a key for a machine of your party; the answer has it, this once."""
    role, scopes = await machines.role_and_scopes(services, party, entry.scopes)
    made = credentials.new_api_key()
    stored = await services.accounts.create_key(
        party,
        key_hash=credentials.hash_of(made.key),
        prefix=made.prefix,
        role=role,
        name=entry.name,
        scopes=scopes,
        lifetime=timedelta(days=entry.days),
    )
    return _with_key(stored, made)


@router.post(
    KEYS + "/{prefix}/rotate",
    operation_id="rotate_key",
    summary="Put a new key in the place of one",
    responses=problems(Code.UNKNOWN_ENTRY, Code.INVALID_PARAMETER, *WRITING),
    dependencies=[Depends(no_parameters)],
)
async def rotate_key(
    prefix: PathName, entry: KeyRotation, services: App, party: Principal
) -> ApiKeySecret:
    """Make a key that opens what an old one does, told this once; both go on for a while."""
    made = credentials.new_api_key()
    stored = await services.accounts.rotate_key(
        party,
        machines.public_name(prefix),
        key_hash=credentials.hash_of(made.key),
        prefix=made.prefix,
        lifetime=timedelta(days=entry.days),
        overlap=entry.overlap,
    )
    return _with_key(stored, made)


@router.delete(
    KEYS + "/{prefix}",
    operation_id="revoke_key",
    summary="Revoke a key",
    responses=problems(Code.UNKNOWN_ENTRY, Code.INVALID_PARAMETER, *WRITING),
    dependencies=[Depends(no_parameters)],
)
async def revoke_key(prefix: PathName, services: App, party: Principal) -> ApiKey:
    """Let a key open nothing, felt within 10 s."""
    return _told(await services.accounts.revoke_key(party, machines.public_name(prefix)))
