"""Who may see whose vehicle, as the API keeps it: grants, and sales, which end and begin them.

Each method names its principal; what that party may give and end the database decides.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from storage.served import Reader


@dataclass(frozen=True, kw_only=True, slots=True)
class GrantEntry:
    """Who may see which vehicle, for how long, and which span of its data."""

    grant_id: int
    vin: str
    party: str
    party_kind: str
    purpose: str
    valid_from: datetime | None
    valid_until: datetime | None
    data_from: datetime | None
    data_until: datetime | None
    granted_by: str | None
    ended_at: datetime | None
    holds: bool
    may_end: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class GivenGrant:
    """A grant that was given with others."""

    grant_id: int
    vin: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """To whom vehicles are shown, what for and how long."""

    party: str
    """By name."""
    purpose: str
    """service, research or sale."""
    valid_from: datetime | None
    """None: from now on."""
    valid_until: datetime
    data_from: datetime | None
    """When data were recorded that are shown; None: all one has."""
    data_until: datetime | None

    def parameters(self) -> dict[str, object]:
        """What a statement takes."""
        return {one.name: getattr(self, one.name) for one in fields(self)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Sale:
    """A vehicle that was sold."""

    vin: str
    buyer: str
    at: datetime
    ended_grants: int
    ended_members: int


class Grants:
    """A method for each question about grants, and for each change."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def sell(self, principal: int, vin: str, buyer: str, at: datetime | None) -> Sale:
        """Sell a vehicle to an owner, at a time that is past or (None) now.

        Raises:
            UnknownVehicleError: there is none that the principal may see.
            RefusedError: it is not the principal's to sell, or not to be sold so.
        """
        (sale,) = await self._reader.change(
            Sale, "served_sell_vehicle", principal=principal, vin=vin, buyer=buyer, at=at
        )
        return sale

    async def grants(
        self,
        principal: int,
        *,
        vin: str | None,
        purpose: str | None,
        only_holding: bool,
        after_id: int,
        limit: int,
    ) -> list[GrantEntry]:
        """At most `limit` grants that the principal may know, by their numbers.

        Raises:
            UnknownVehicleError: there is no vehicle of that VIN that the principal may see.
        """
        return await self._reader.records(
            GrantEntry,
            "served_grant_entries",
            principal=principal,
            vin=vin,
            purpose=purpose,
            only_holding=only_holding,
            after_id=after_id,
            max_rows=limit,
        )

    async def grant(self, principal: int, grant_id: int) -> GrantEntry:
        """One of them.

        Raises:
            UnknownEntryError: there is none that the principal may know.
        """
        (found,) = await self._reader.records(
            GrantEntry, "served_grant_entry", principal=principal, grant_id=grant_id
        )
        return found

    async def grant_access(self, principal: int, vin: str, terms: Terms) -> GrantEntry:
        """Let a party see a vehicle.

        Args:
            principal: the owner, or for a sale the maker.
            vin: the vehicle.
            terms: who may see it, and how long.

        Raises:
            UnknownVehicleError: there is none that the principal may see.
            RefusedError: it is not the principal's to give, or not to that party.
        """
        (made,) = await self._reader.change(
            GrantEntry, "served_grant_access", principal=principal, vin=vin, **terms.parameters()
        )
        return made

    async def grant_many(
        self,
        principal: int,
        terms: Terms,
        *,
        vins: Sequence[str] | None,
        fleet_id: int | None,
        most: int,
    ) -> list[GivenGrant]:
        """Let a party see several vehicles, all of them or none; by VIN.

        Args:
            principal: the owner, or for a sale the maker.
            terms: who may see them, and how long.
            vins: the vehicles.
            fleet_id: or those that are in this fleet now.
            most: more are refused.

        Raises:
            UnknownVehicleError: one is none that the principal may see.
            UnknownFleetError: nor is the fleet.
            RefusedError: one is not the principal's to give, or not to that party.
        """
        return await self._reader.change(
            GivenGrant,
            "served_grant_access_to_many",
            principal=principal,
            vins=None if vins is None else list(vins),
            fleet_id=fleet_id,
            most=most,
            **terms.parameters(),
        )

    async def end_grant(self, principal: int, grant_id: int) -> GrantEntry:
        """End a grant now; one that has ended stays as it is.

        Raises:
            UnknownEntryError: there is none that the principal may know.
            RefusedError: it is not the principal's to end.
        """
        (ended,) = await self._reader.change(
            GrantEntry, "served_end_grant", principal=principal, grant_id=grant_id
        )
        return ended
