"""Who somebody is by the claims of an identity provider's token: subject, party, role, driver."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from api.scopes import Role

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_SUBJECT = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class ProviderClaims:
    """Which claims of a foreign provider's tokens say who asks."""

    subject: str
    party: str
    role: str
    scope: str
    driver: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Named:
    """Who it is; whether there is such a party is not said."""

    subject: str
    party: str
    role: Role
    driver_id: int | None


def named(claims: Mapping[str, Any], names: ProviderClaims) -> Named | None:
    """Who the claims name; None: something is missing, or not what it should be."""
    subject, party, role = (claims.get(n) for n in (names.subject, names.party, names.role))
    if not (
        isinstance(subject, str)
        and subject.isprintable()
        and isinstance(party, str)
        and party.isprintable()
        and isinstance(role, str)
        and role in set(Role)
    ):
        return None
    driver = claims.get(names.driver) if role == Role.DRIVER else None
    return Named(
        subject=subject[:MAX_SUBJECT],
        party=party,
        role=Role(role),
        driver_id=driver if type(driver) is int else None,
    )
