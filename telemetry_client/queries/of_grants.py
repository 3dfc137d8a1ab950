"""Questions about grants: who may see what of a vehicle, how long, and by whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias, Unpack

from telemetry_client.messages import get
from telemetry_client.questions import JsonListing, Single
from telemetry_client.registered import GivenGrants, Grant
from telemetry_client.writing import change

if TYPE_CHECKING:
    from telemetry_client.bodies import NewGrant, NewGrants

Purpose: TypeAlias = Literal["ownership", "sale", "service", "research"]

_GRANTS = "/v1/registers/grants"
_ONE = f"{_GRANTS}/{{grant_id}}"


def grants(
    *,
    vin: str | None = None,
    purpose: Purpose | None = None,
    holds: bool | None = None,
    limit: int | None = None,
) -> JsonListing:
    """The grants one has, or has given, by number.

    Args:
        vin: of this vehicle alone.
        purpose: for this alone.
        holds: True: only those that hold now.
        limit: so many at most.
    """
    return JsonListing(
        address=_GRANTS,
        index="grant_id",
        most=500,
        rows="grants",
        of=Grant,
        params={"vin": vin, "purpose": purpose, "holds": holds},
        limit=limit,
    )


def grant(grant_id: int) -> Single[Grant]:
    """One grant."""
    return Single(request=get(_ONE, grant_id=grant_id), of=Grant)


def give_grant(**terms: Unpack[NewGrant]) -> Single[Grant]:
    """Let a party see a vehicle for a while; `telemetry_client.bodies` has the keys."""
    return change("POST", _GRANTS, Grant, terms)


def give_grants(**terms: Unpack[NewGrants]) -> Single[GivenGrants]:
    """Let a party see several vehicles (`vins`) or a fleet's (`fleet_id`): all of them, or none."""
    return change("POST", f"{_GRANTS}/many", GivenGrants, terms)


def end_grant(grant_id: int) -> Single[Grant]:
    """End a grant now; to end it again changes nothing."""
    return change("DELETE", _ONE, Grant, grant_id=grant_id)
