"""`/v1/registers/accounts`: the people of one's own party, who may sign in."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.config import JsonDict
from starlette.concurrency import run_in_threadpool

from api import cursors, paging
from api.codes import Code
from api.openapi import WRITING, problems
from api.parameters import no_parameters
from api.principal import Principal
from api.problems import invalid, unknown
from api.registers.common import PATH
from api.registers.vehicles import RegisterQuery
from api.scopes import Role
from api.services import App, Services
from api.signing_in import credentials
from api.written import WriteRoute
from storage.served_accounts import AccountEntry

ACCOUNTS = f"{PATH}/accounts"

NAME = r"^[a-z0-9][a-z0-9._@+-]{0,127}$"

router = APIRouter(tags=["accounts"], route_class=WriteRoute)

EXAMPLE: JsonDict = {
    "name": "wu",
    "role": "driver",
    "driver_id": 17,
    "created_at": "2026-11-01T08:00:00Z",
    "disabled_at": "2026-11-20T08:00:00Z",
}


class Account(BaseModel):
    """A person of your party."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    name: str = Field(description="What they sign in by.", examples=["wu"])
    role: Role = Field(description="What they are to the party.", examples=["owner"])
    driver_id: int | None = Field(description="Who a driver is.", examples=[17])
    created_at: AwareDatetime = Field(
        description="Since when, UTC.", examples=["2026-11-01T08:00:00Z"]
    )
    disabled_at: AwareDatetime | None = Field(
        description="Since when they may sign in no more; null: they may.",
        examples=["2026-11-20T08:00:00Z"],
    )


class AccountsPage(BaseModel):
    """A page of accounts, the oldest first."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"accounts": [EXAMPLE], "next": f"{ACCOUNTS}?limit=1&cursor=bjE"}]
        }
    )

    accounts: list[Account] = Field(description="At most `limit`.")
    next: str | None = Field(description="Address of the next page; null: this was the last.")


PASSWORD = Field(
    min_length=credentials.MIN_PASSWORD,
    max_length=credentials.MAX_PASSWORD,
    description="Several words are easy to remember and hard to guess. It is told to nobody.",
    examples=["correct horse battery staple"],
)


class NewAccount(BaseModel):
    """A person who is to sign in."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"name": "wu", "role": "owner", "password": "correct horse battery staple"}
            ]
        },
    )

    name: str = Field(
        pattern=NAME, description="What they sign in by, lower case.", examples=["wu"]
    )
    role: Role = Field(
        description="What your party is, or driver or administrator.", examples=["owner"]
    )
    driver_id: int | None = Field(
        default=None,
        ge=1,
        lt=10**18,
        description="Who a driver is, whom you employ; for that role and only for it.",
        examples=[17],
    )
    password: str = PASSWORD


class NewPassword(BaseModel):
    """Another password."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"password": "correct horse battery staple"}]},
    )

    password: str = PASSWORD


def _name(
    name: Annotated[
        str,
        Path(
            description="What the person signs in by. One of another party is answered with the "
            "same 404 as one that does not exist.",
            examples=["wu"],
        ),
    ],
) -> str:
    if not name.isprintable():
        raise unknown(Code.UNKNOWN_ENTRY)
    return name


AccountName = Annotated[str, Depends(_name)]
"""A path's account."""


def _told(entry: AccountEntry) -> Account:
    return Account(
        name=entry.name,
        role=Role(entry.role),
        driver_id=entry.driver_id,
        created_at=entry.created_at,
        disabled_at=entry.disabled_at,
    )


async def _hashed(services: Services, password: str) -> str:
    """What is stored of a password; a few at a time, for each takes memory."""
    async with services.passwords:
        return await run_in_threadpool(credentials.hash_password, password)


@router.get(
    ACCOUNTS,
    operation_id="list_accounts",
    summary="People of one's party",
    responses=problems(Code.INVALID_PARAMETER),
)
async def list_accounts(
    query: Annotated[RegisterQuery, Query()], services: App, party: Principal
) -> AccountsPage:
    """List the accounts of your party; its administrator may."""
    found = await services.accounts.accounts(
        party, after_id=paging.number_after(query), limit=query.limit + 1
    )
    return AccountsPage(
        accounts=[_told(entry) for entry in found[: query.limit]],
        next=paging.link_if_more(
            ACCOUNTS,
            query,
            found,
            query.limit,
            lambda shown: cursors.after_number(shown[-1].account_id),
        ),
    )


@router.post(
    ACCOUNTS,
    operation_id="create_account",
    summary="Let a person sign in",
    status_code=HTTPStatus.CREATED,
    responses=problems(Code.ALREADY_THERE, Code.INVALID_PARAMETER, *WRITING),
    dependencies=[Depends(no_parameters)],
)
async def create_account(entry: NewAccount, services: App, party: Principal) -> Account:
    """Let a person of your party sign in; its administrator may. A name is there once."""
    if (entry.role is Role.DRIVER) != (entry.driver_id is not None):
        raise invalid(
            "driver_id",
            "driver_id says who a driver is: it comes with that role, and only with it.",
            "Give both, or neither.",
        )
    made = await services.accounts.create_account(
        party,
        name=entry.name,
        role=entry.role,
        password_hash=await _hashed(services, entry.password),
        driver_id=entry.driver_id,
    )
    return _told(made)


@router.put(
    ACCOUNTS + "/{name}/password",
    operation_id="change_password",
    summary="Give a person another password",
    responses=problems(Code.UNKNOWN_ENTRY, Code.INVALID_PARAMETER, *WRITING),
    dependencies=[Depends(no_parameters)],
)
async def change_password(
    name: AccountName, entry: NewPassword, services: App, party: Principal
) -> Account:
    """Change a password and sign its owner out everywhere; the party's administrator may."""
    hashed = await _hashed(services, entry.password)
    return _told(await services.accounts.change_password(party, name, hashed))


@router.delete(
    ACCOUNTS + "/{name}",
    operation_id="disable_account",
    summary="Let a person sign in no more",
    responses=problems(
        Code.UNKNOWN_ENTRY, Code.LAST_ADMINISTRATOR, Code.INVALID_PARAMETER, *WRITING
    ),
    dependencies=[Depends(no_parameters)],
)
async def disable_account(name: AccountName, services: App, party: Principal) -> Account:
    """Disable an account and sign it out, felt within 10 s; the last administrator's stays."""
    return _told(await services.accounts.disable_account(party, name))
