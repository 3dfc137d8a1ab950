"""Who may see whose vehicle, as the API keeps it: grants, and sales, which end and begin them.

Each method names its principal; what that party may give and end the database decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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

    async def grant_access(
        self,
        principal: int,
        *,
        vin: str,
        party: str,
        purpose: str,
        valid: tuple[datetime | None, datetime],
        data: tuple[datetime | None, datetime | None],
    ) -> GrantEntry:
        """Let a party see a vehicle.

        Args:
            principal: the owner, or for a sale the maker.
            vin: the vehicle.
            party: who may see it, by name.
            purpose: service, research or sale.
            valid: from when (None: now) to when the grant holds.
            data: from when to when the data were recorded that it opens; None: all one has.

        Raises:
            UnknownVehicleError: there is none that the principal may see.
            RefusedError: it is not the principal's to give, or not to that party.
        """
        (made,) = await self._reader.change(
            GrantEntry,
            "served_grant_access",
            principal=principal,
            vin=vin,
            party=party,
            purpose=purpose,
            valid_from=valid[0],
            valid_until=valid[1],
            data_from=data[0],
            data_until=data[1],
        )
        return made

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
