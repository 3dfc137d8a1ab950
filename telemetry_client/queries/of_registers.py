"""Questions about registers, and what is entered there: vehicles, parties, drivers, fleets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias, Unpack

from telemetry_client.messages import get
from telemetry_client.questions import JsonListing, Single
from telemetry_client.registered import (
    EmployedDriver,
    FleetMembership,
    ImportReport,
    KnownParty,
    MembershipEnd,
    RegisteredFleet,
    RegisteredVehicle,
    SaleDone,
)
from telemetry_client.writing import change, upload

if TYPE_CHECKING:
    from telemetry_client.bodies import Employment, FleetChange, Membership, VehicleData
    from telemetry_client.times import Moment

PartyKind: TypeAlias = Literal[
    "maker", "dealer", "service_provider", "owner", "data_science", "auditor"
]

_VEHICLES = "/v1/registers/vehicles"
_PARTIES = "/v1/registers/parties"
_DRIVERS = "/v1/registers/drivers"
_FLEETS = "/v1/registers/fleets"
_MEMBER = f"{_FLEETS}/{{fleet_id}}/vehicles/{{vin}}"


def registered_vehicles(*, limit: int | None = None) -> JsonListing:
    """The vehicles in the register, by VIN."""
    return JsonListing(
        address=_VEHICLES,
        index="vin",
        most=500,
        rows="vehicles",
        of=RegisteredVehicle,
        limit=limit,
    )


def registered_vehicle(vin: str) -> Single[RegisteredVehicle]:
    """What the register says of a vehicle."""
    return Single(request=get(f"{_VEHICLES}/{{vin}}", vin=vin), of=RegisteredVehicle)


def register_vehicle(vin: str, **data: Unpack[VehicleData]) -> Single[RegisteredVehicle]:
    """Enter a vehicle: `model`, `plate`, `region`, `vehicle_class`."""
    return change("POST", _VEHICLES, RegisteredVehicle, {"vin": vin, **data})


def correct_vehicle(
    vin: str, *, if_match: str | None = None, **data: Unpack[VehicleData]
) -> Single[RegisteredVehicle]:
    """Correct what the register says of a vehicle; what is left out stays, None takes it out.

    Args:
        vin: the vehicle.
        if_match: its `etag`: refuse (412) if it has been changed since it was read.
        data: as in `register_vehicle`.
    """
    address = f"{_VEHICLES}/{{vin}}"
    return change("PATCH", address, RegisteredVehicle, data, if_match=if_match, vin=vin)


def import_vehicles(
    lines: str | bytes, *, dry_run: bool = False, partial: bool = False
) -> Single[ImportReport]:
    """Enter a list of vehicles; the report has what is wrong with which line.

    A list with bad lines is refused whole, unless `partial`; the error's `more["report"]` has them.

    Args:
        lines: CSV, the first line of which names columns.
        dry_run: write nothing, only report.
        partial: write the good lines though there are bad ones.
    """
    sent = lines.encode() if isinstance(lines, str) else lines
    params = {"dry_run": dry_run, "partial": partial}
    return upload(f"{_VEHICLES}/import", ImportReport, sent, params)


def sell_vehicle(vin: str, buyer: str, at: Moment | None = None) -> Single[SaleDone]:
    """Hand a vehicle over to another owner, whose it is from then on; None: from now on."""
    body = {"buyer": buyer} if at is None else {"buyer": buyer, "at": at}
    return change("POST", f"{_VEHICLES}/{{vin}}/sale", SaleDone, body, vin=vin)


def parties(*, kind: PartyKind | None = None, limit: int | None = None) -> JsonListing:
    """The parties one may know, by number."""
    return JsonListing(
        address=_PARTIES,
        index="party_id",
        most=500,
        rows="parties",
        of=KnownParty,
        params={"kind": kind},
        limit=limit,
    )


def register_party(
    kind: Literal["owner", "dealer", "service_provider", "data_science"], name: str
) -> Single[KnownParty]:
    """Enter a party."""
    return change("POST", _PARTIES, KnownParty, {"kind": kind, "name": name})


def employed_drivers(*, limit: int | None = None) -> JsonListing:
    """The drivers one employs, or has employed, by number."""
    return JsonListing(
        address=_DRIVERS,
        index="driver_id",
        most=500,
        rows="drivers",
        of=EmployedDriver,
        limit=limit,
    )


def employed_driver(driver_id: int) -> Single[EmployedDriver]:
    """What the register says of a driver."""
    request = get(f"{_DRIVERS}/{{driver_id}}", driver_id=driver_id)
    return Single(request=request, of=EmployedDriver)


def employ_driver(card_id: str, **employment: Unpack[Employment]) -> Single[EmployedDriver]:
    """Enter a driver by their tachograph card: `name`, `employed_from`, `employed_until`."""
    return change("POST", _DRIVERS, EmployedDriver, {"card_id": card_id, **employment})


def change_employment(
    driver_id: int, *, if_match: str | None = None, **changes: Unpack[Employment]
) -> Single[EmployedDriver]:
    """Change a driver's name, or since or until when they are one's own.

    Args:
        driver_id: the driver.
        if_match: its `etag`: refuse (412) if it has been changed since it was read.
        changes: as in `employ_driver`.
    """
    address = f"{_DRIVERS}/{{driver_id}}"
    return change("PATCH", address, EmployedDriver, changes, if_match=if_match, driver_id=driver_id)


def registered_fleet(fleet_id: int) -> Single[RegisteredFleet]:
    """What the register says of a fleet; `fleets` lists them."""
    return Single(request=get(f"{_FLEETS}/{{fleet_id}}", fleet_id=fleet_id), of=RegisteredFleet)


def make_fleet(name: str, *, time_zone: str = "Asia/Shanghai") -> Single[RegisteredFleet]:
    """Make a fleet, whose days and weeks are those of a time zone."""
    return change("POST", _FLEETS, RegisteredFleet, {"name": name, "time_zone": time_zone})


def change_fleet(
    fleet_id: int, *, if_match: str | None = None, **changes: Unpack[FleetChange]
) -> Single[RegisteredFleet]:
    """Change a fleet's `name` or `time_zone`.

    Args:
        fleet_id: the fleet.
        if_match: its `etag`: refuse (412) if it has been changed since it was read.
        changes: what is left out stays.
    """
    address = f"{_FLEETS}/{{fleet_id}}"
    return change("PATCH", address, RegisteredFleet, changes, if_match=if_match, fleet_id=fleet_id)


def fleet_vehicles(fleet_id: int, *, limit: int | None = None) -> JsonListing:
    """The vehicles that are, were or will be in a fleet, by VIN."""
    return JsonListing(
        address=f"{_FLEETS}/{{fleet_id}}/vehicles",
        index="vin",
        most=500,
        rows="memberships",
        of=FleetMembership,
        of_path={"fleet_id": fleet_id},
        limit=limit,
    )


def add_to_fleet(
    fleet_id: int, vin: str, **membership: Unpack[Membership]
) -> Single[FleetMembership]:
    """Put a vehicle into a fleet: `member_from`, `member_until`."""
    return change("PUT", _MEMBER, FleetMembership, membership, fleet_id=fleet_id, vin=vin)


def remove_from_fleet(fleet_id: int, vin: str) -> Single[MembershipEnd]:
    """Take a vehicle out of a fleet from now on."""
    return change("DELETE", _MEMBER, MembershipEnd, fleet_id=fleet_id, vin=vin)
