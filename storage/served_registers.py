"""The registers as the API keeps them: vehicles, parties, drivers and fleets.

Each method names its principal; what that party may see and change the database decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from storage.served import Reader


@dataclass(frozen=True, kw_only=True, slots=True)
class VehicleEntry:
    """What the register says of a vehicle; None is what is not known or not the principal's."""

    vin: str
    model: str | None
    plate: str | None
    region: str | None
    vehicle_class: str
    check_digit_ok: bool
    registered_by: str
    registered_at: datetime
    owner: str | None
    tag: str
    """Changes with what may be changed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Imported:
    """What became of lines of a list of vehicles, or would."""

    registered: int
    changed: int
    unchanged: int


@dataclass(frozen=True, kw_only=True, slots=True)
class PartyEntry:
    """A party one may know."""

    party_id: int
    kind: str
    name: str
    created_at: datetime
    is_own: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class DriverEntry:
    """A driver whom the principal employs."""

    driver_id: int
    card_id: str
    name: str | None
    employer: str | None
    employed_from: datetime | None
    employed_until: datetime | None
    tag: str


@dataclass(frozen=True, kw_only=True, slots=True)
class FleetEntry:
    """A fleet."""

    fleet_id: int
    name: str
    party: str
    time_zone: str
    vehicles: int
    """That are in it now."""
    tag: str


@dataclass(frozen=True, kw_only=True, slots=True)
class FleetMember:
    """When a vehicle is in a fleet."""

    vin: str
    member_from: datetime | None
    member_until: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Ended:
    ended: int


class Registers:
    """A method for each question to the registers, and for each change."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def vehicles(self, principal: int, *, after_vin: str, limit: int) -> list[VehicleEntry]:
        """At most `limit` vehicles that the principal may see, by VIN."""
        return await self._reader.records(
            VehicleEntry,
            "served_vehicle_entries",
            principal=principal,
            after_vin=after_vin,
            max_rows=limit,
        )

    async def vehicle(self, principal: int, vin: str) -> VehicleEntry:
        """One of them.

        Raises:
            UnknownVehicleError: there is none that the principal may see.
        """
        (found,) = await self._reader.records(
            VehicleEntry, "served_vehicle_entry", principal=principal, vin=vin
        )
        return found

    async def register_vehicle(self, principal: int, **entry: Any) -> VehicleEntry:
        """Register a vehicle.

        Args:
            principal: the maker.
            entry: vin, check_digit_ok, model, plate, region and vehicle_class.

        Raises:
            RefusedError: the principal is no maker, or the VIN is registered.
        """
        (made,) = await self._reader.change(
            VehicleEntry, "served_register_vehicle", principal=principal, **entry
        )
        return made

    async def change_vehicle(
        self,
        principal: int,
        vin: str,
        changes: Mapping[str, str | None],
        expected: Sequence[str] | None,
    ) -> VehicleEntry:
        """Change model, plate, region or vehicle_class; None takes out what was known.

        Args:
            principal: the maker.
            vin: the vehicle.
            changes: by column.
            expected: tags, one of which it must have; None: whatever it has.

        Raises:
            UnknownVehicleError: there is none that the principal may see.
            RefusedError: it may not be changed by the principal, or has another tag.
        """
        (changed,) = await self._reader.change(
            VehicleEntry,
            "served_change_vehicle",
            principal=principal,
            vin=vin,
            changes=Jsonb(dict(changes)),
            expected=None if expected is None else list(expected),
        )
        return changed

    async def import_vehicles(
        self, principal: int, lines: Sequence[Mapping[str, object]], *, writes: bool
    ) -> Imported:
        """Write lines of a list of vehicles, or only count what would become of them.

        Raises:
            RefusedError: the principal is no maker.
        """
        (done,) = await self._reader.change(
            Imported,
            "served_import_vehicles",
            principal=principal,
            lines=Jsonb(list(lines)),
            writes=writes,
        )
        return done

    async def parties(
        self, principal: int, *, kind: str | None, after_id: int, limit: int
    ) -> list[PartyEntry]:
        """At most `limit` parties that the principal may know, by their numbers."""
        return await self._reader.records(
            PartyEntry,
            "served_parties",
            principal=principal,
            kind=kind,
            after_id=after_id,
            max_rows=limit,
        )

    async def create_party(self, principal: int, kind: str, name: str) -> PartyEntry:
        """Make an owner, dealer or service provider known.

        Raises:
            RefusedError: the principal is no maker, or the name is taken.
        """
        (made,) = await self._reader.change(
            PartyEntry, "served_create_party", principal=principal, kind=kind, party_name=name
        )
        return made

    async def drivers(self, principal: int, *, after_id: int, limit: int) -> list[DriverEntry]:
        """At most `limit` drivers whom the principal employs (a maker: all), by their numbers."""
        return await self._reader.records(
            DriverEntry,
            "served_driver_entries",
            principal=principal,
            after_id=after_id,
            max_rows=limit,
        )

    async def driver(self, principal: int, driver_id: int) -> DriverEntry:
        """One of them.

        Raises:
            UnknownDriverError: there is no such driver whom the principal employs.
        """
        (found,) = await self._reader.records(
            DriverEntry, "served_driver_entry", principal=principal, driver_id=driver_id
        )
        return found

    async def employ_driver(
        self,
        principal: int,
        card_id: str,
        name: str | None,
        span: tuple[datetime | None, datetime | None],
    ) -> DriverEntry:
        """Employ a driver from when (None: now) until when (None: without end).

        Raises:
            RefusedError: somebody employs him then, or the past of it is not the principal's.
        """
        (made,) = await self._reader.change(
            DriverEntry,
            "served_employ_driver",
            principal=principal,
            card_id=card_id,
            driver_name=name,
            begins=span[0],
            ends=span[1],
        )
        return made

    async def change_driver(
        self,
        principal: int,
        driver_id: int,
        changes: Mapping[str, str | None],
        expected: Sequence[str] | None,
    ) -> DriverEntry:
        """Change name, employed_from or employed_until.

        Raises:
            UnknownDriverError: there is no such driver whom the principal employs.
            RefusedError: it would open what the principal has not seen, or the tag is another.
        """
        (changed,) = await self._reader.change(
            DriverEntry,
            "served_change_driver",
            principal=principal,
            driver_id=driver_id,
            changes=Jsonb(dict(changes)),
            expected=None if expected is None else list(expected),
        )
        return changed

    async def fleet(self, principal: int, fleet_id: int) -> FleetEntry:
        """A fleet.

        Raises:
            UnknownFleetError: there is none that the principal may see.
        """
        (found,) = await self._reader.records(
            FleetEntry, "served_fleet_entry", principal=principal, fleet_id=fleet_id
        )
        return found

    async def create_fleet(self, principal: int, name: str, time_zone: str) -> FleetEntry:
        """Make a fleet.

        Raises:
            RefusedError: the principal has no fleets, or one of this name.
        """
        (made,) = await self._reader.change(
            FleetEntry,
            "served_create_fleet",
            principal=principal,
            fleet_name=name,
            time_zone=time_zone,
        )
        return made

    async def change_fleet(
        self,
        principal: int,
        fleet_id: int,
        *,
        name: str | None,
        time_zone: str | None,
        expected: Sequence[str] | None,
    ) -> FleetEntry:
        """Change a fleet's name or time zone; None leaves it.

        Raises:
            UnknownFleetError: there is none that the principal may see.
            RefusedError: it is another party's, the name is taken, or the tag is another.
        """
        (changed,) = await self._reader.change(
            FleetEntry,
            "served_change_fleet",
            principal=principal,
            fleet_id=fleet_id,
            fleet_name=name,
            time_zone=time_zone,
            expected=None if expected is None else list(expected),
        )
        return changed

    async def members(
        self, principal: int, fleet_id: int, *, skipped: int, limit: int
    ) -> list[FleetMember]:
        """At most `limit` memberships of a fleet by VIN and begin, after so many.

        Raises:
            UnknownFleetError: there is no fleet that the principal may see.
        """
        return await self._reader.records(
            FleetMember,
            "served_fleet_members",
            principal=principal,
            fleet_id=fleet_id,
            skipped=skipped,
            max_rows=limit,
        )

    async def put_member(
        self,
        principal: int,
        fleet_id: int,
        vin: str,
        span: tuple[datetime | None, datetime | None],
    ) -> FleetMember:
        """Let a vehicle be one of a fleet; what overlaps is replaced.

        Raises:
            UnknownFleetError: there is no fleet that the principal may see.
            UnknownVehicleError: likewise.
            RefusedError: one of the two is not the principal's, or was not then.
        """
        (made,) = await self._reader.change(
            FleetMember,
            "served_put_fleet_member",
            principal=principal,
            fleet_id=fleet_id,
            vin=vin,
            begins=span[0],
            ends=span[1],
        )
        return made

    async def end_member(self, principal: int, fleet_id: int, vin: str) -> int:
        """Let a vehicle be one of a fleet no more; returns how many memberships ended.

        Raises:
            UnknownFleetError: there is no fleet that the principal may see.
            UnknownVehicleError: likewise.
            RefusedError: the fleet is another party's.
        """
        (done,) = await self._reader.change(
            _Ended, "served_end_fleet_member", principal=principal, fleet_id=fleet_id, vin=vin
        )
        return done.ended
