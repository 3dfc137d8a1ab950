"""What clients and keys share: what for they are, how long they hold, how they are told by name."""

import re
from datetime import timedelta
from typing import Annotated

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field

from api import cursors
from api.codes import Code
from api.parameters import Paged
from api.problems import invalid, unknown
from api.registers.common import Text
from api.scopes import ROLE_SCOPES, Role, Scope
from api.services import Services

MAX_DAYS = 1096
MAX_OVERLAP_H = 8760

_PUBLIC_NAME = re.compile(r"[a-z0-9_]{1,40}", re.ASCII)


class NewMachine(BaseModel):
    """A machine and what it may do."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"name": "depot", "scopes": ["vehicles:read"]}]},
    )

    name: Text = Field(description="What it is, for people.", examples=["depot"])
    scopes: list[Scope] | None = Field(
        default=None,
        min_length=1,
        max_length=20,
        description="What for; left out: all that a machine of your party may do.",
        examples=[["vehicles:read"]],
    )


class Overlap(BaseModel):
    """How a secret is put in the place of another one."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"overlap_hours": 24}]}
    )

    overlap_hours: float = Field(
        default=24.0,
        ge=0,
        le=MAX_OVERLAP_H,
        description="How long the old one goes on [h].",
        examples=[24],
    )

    @property
    def overlap(self) -> timedelta:
        """The same as a span."""
        return timedelta(hours=self.overlap_hours)


DAYS = Field(
    default=90, ge=1, le=MAX_DAYS, description="How long the key holds [days].", examples=[90]
)


def public_name(text: str) -> str:
    """A client's id or the beginning of a key, out of a path.

    Raises:
        ProblemError: 404, it is none.
    """
    if _PUBLIC_NAME.fullmatch(text) is None:
        raise unknown(Code.UNKNOWN_ENTRY)
    return text


PathName = Annotated[
    str,
    Path(
        description="As the listing shows it. One of another party is answered with the same 404 "
        "as one that does not exist.",
        examples=["vtk_3kq7x2am"],
    ),
]


def name_after(query: Paged) -> str:
    """After which name a listing by name goes on.

    Raises:
        ProblemError: 422, the cursor is none of ours.
    """
    return "" if query.cursor is None else cursors.read_name(query.cursor)


async def role_and_scopes(
    services: Services, party: int, wanted: list[Scope] | None
) -> tuple[Role, list[str]]:
    """What a machine of the party is, and what it may do: as much as its role, or less.

    Raises:
        ProblemError: 422, its role has not all that is wanted.
    """
    role = Role(await services.accounts.machine_role(party))
    most = ROLE_SCOPES[role]
    more = set(wanted or ()) - most
    if more:
        raise invalid(
            "scopes",
            f"A machine of your party may not have {', '.join(sorted(more))}.",
            f"Choose among {', '.join(sorted(most))}.",
        )
    return role, sorted(most if wanted is None else set(wanted))
