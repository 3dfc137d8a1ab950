"""The registers: vehicles, parties, and who may see what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg.types.json import Jsonb

from schemas.time_zones import zone
from schemas.vin import check_digit_ok, check_vin
from storage.errors import StorageError, refusal_of
from storage.queries import query

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from storage.connection import Connection

DEMO_PARTY = "Demo"
"""Name of the party as which the API reads until there is an identity provider."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Vehicle:
    """A registered vehicle."""

    vehicle_id: int
    vin: str
    check_digit_ok: bool


def find_vehicle(connection: Connection, vin: str) -> int | None:
    """The number of a VIN, None where it is not registered."""
    row = connection.execute(query("find_vehicle"), {"vin": vin}).fetchone()
    return None if row is None else int(row[0])


def find_vehicles(connection: Connection, vins: Sequence[str]) -> dict[str, int]:
    """The numbers of those of these VINs that are registered."""
    return dict(connection.execute(query("find_vehicles"), {"vins": vins}).fetchall())


def vin_of(connection: Connection, vehicle_id: int) -> str:
    """The VIN of a vehicle's number, for people to read."""
    row = connection.execute(query("vin_of"), {"vehicle_id": vehicle_id}).fetchone()
    return str(row[0]) if row else f"(no longer registered, number {vehicle_id})"


def register_vehicle(
    connection: Connection, vin: str, *, registered_by: str = "register", model: str | None = None
) -> Vehicle:
    """Register a VIN; one that is registered already keeps its number.

    Raises:
        VinError: the text is no VIN. A check digit that does not fit is only noted.
        StorageError: the vehicle is kept in another cell.
    """
    check_vin(vin)
    fits = check_digit_ok(vin)
    with refusal_of(f"vehicle {vin}"):
        row = connection.execute(
            query("register_vehicle"),
            {"vin": vin, "check_digit_ok": fits, "registered_by": registered_by, "model": model},
        ).fetchone()
    number = int(row[0]) if row else find_vehicle(connection, vin)
    if number is None:
        raise StorageError(f"Vehicle {vin} was there and has gone while it was being registered.")
    return Vehicle(vehicle_id=number, vin=vin, check_digit_ok=fits)


def import_vehicles(
    connection: Connection, lines: Sequence[Mapping[str, object]], *, writes: bool
) -> tuple[int, int, int]:
    """Write lines of a list of vehicles, or only count what would become of them.

    Args:
        connection: a connection, within a transaction that holds the whole list.
        lines: vin, check_digit_ok, model, plate, region and vehicle_class; None stays as it is.
        writes: whether to.

    Returns:
        How many are new, changed, and as they were.
    """
    with refusal_of("a list of vehicles"):
        row = connection.execute(
            query("import_vehicles"), {"lines": Jsonb(list(lines)), "writes": writes}
        ).fetchone()
    if row is None:  # pragma: no cover - the statement always returns a row
        raise StorageError("The list of vehicles could not be counted.")
    return int(row[0]), int(row[1]), int(row[2])


def set_vehicle_class(connection: Connection, vin: str, vehicle_class: str) -> None:
    """Say by which thresholds and peers a vehicle is judged.

    Where that is news, its days count as analysed by an older method, see
    `storage.behaviour.redo_older`.

    Args:
        connection: an autocommit connection.
        vin: the vehicle.
        vehicle_class: heavy_truck, medium_truck, light_truck, bus or car.

    Raises:
        StorageError: the VIN is not registered, or there is no such class.
    """
    number = find_vehicle(connection, vin)
    if number is None:
        raise StorageError(f"Vehicle {vin} is not registered: register it before its class is set.")
    with refusal_of(f"class {vehicle_class} of vehicle {vin}"):
        connection.execute(
            query("set_vehicle_class"), {"vehicle_id": number, "vehicle_class": vehicle_class}
        )


def set_vehicle_home(
    connection: Connection, vin: str, *, plate: str | None = None, region: str | None = None
) -> None:
    """Write down a vehicle's plate and where it is at home; None leaves what is known.

    Args:
        connection: an autocommit connection.
        vin: the vehicle.
        plate: its registration number, as it is written.
        region: ISO 3166-2, such as CN-31.

    Raises:
        StorageError: the VIN is not registered, the plate is empty, or the region is no such code.
    """
    with refusal_of(f"plate {plate!r} and region {region!r} of vehicle {vin}"):
        row = connection.execute(
            query("set_vehicle_home"), {"vin": vin, "plate": plate, "region": region}
        ).fetchone()
    if row is None:
        raise StorageError(f"Vehicle {vin} is not registered: register it before its plate is set.")


def ensure_fleet(
    connection: Connection, *, party_id: int, name: str, time_zone: str = "Asia/Shanghai"
) -> int:
    """The number of a party's fleet of that name, which is made if need be.

    Args:
        connection: an autocommit connection.
        party_id: whose fleet it is.
        name: the fleet's.
        time_zone: IANA name; the fleet's days and weeks are cut by it from now on.

    Raises:
        TimeZoneError: there is no such time zone.
        StorageError: there is no such party.
    """
    zone(time_zone)
    with refusal_of(f"fleet {name} of party {party_id} in {time_zone}"):
        row = connection.execute(
            query("ensure_fleet"), {"party_id": party_id, "name": name, "time_zone": time_zone}
        ).fetchone()
    if row is None:  # pragma: no cover - the statement always returns a row
        raise StorageError(f"Fleet {name} could not be made.")
    return int(row[0])


def add_to_fleet(
    connection: Connection,
    *,
    fleet_id: int,
    vin: str,
    member: tuple[datetime | None, datetime | None] = (None, None),
) -> None:
    """Let a vehicle be one of a fleet.

    Args:
        connection: an autocommit connection.
        fleet_id: the fleet.
        vin: the vehicle.
        member: from when to when; None: from now on, for good.

    Raises:
        StorageError: the VIN is not registered, there is no such fleet, or the span ends before it
            begins.
    """
    number = find_vehicle(connection, vin)
    if number is None:
        raise StorageError(f"Vehicle {vin} is not registered: register it before it joins a fleet.")
    with refusal_of(f"vehicle {vin} in fleet {fleet_id}"):
        connection.execute(
            query("add_to_fleet"),
            {
                "fleet_id": fleet_id,
                "vehicle_id": number,
                "from": member[0],
                "until": member[1],
            },
        )


def employ_driver(
    connection: Connection,
    *,
    card_id: str,
    party_id: int | None,
    name: str | None = None,
    employed: tuple[datetime | None, datetime | None] = (None, None),
) -> int:
    """Write down who a driver is and who employs him; the employer may see how he drives.

    Args:
        connection: an autocommit connection.
        card_id: the tachograph card; a driver nobody has seen yet is registered by it.
        party_id: the employer; None: nobody.
        name: the driver's.
        employed: from when to when; the employer sees what was recorded then. None: without limit.

    Returns:
        The driver's number.

    Raises:
        StorageError: there is no such party, or the span ends before it begins.
    """
    with refusal_of(f"driver {card_id} at party {party_id}"):
        row = connection.execute(
            query("employ_driver"),
            {
                "card_id": card_id,
                "party_id": party_id,
                "name": name,
                "from": employed[0],
                "until": employed[1],
            },
        ).fetchone()
    if row is None:
        raise StorageError(
            f"The driver of card {card_id} was erased: `telemetry privacy readmit` lets the card "
            "be registered again."
        )
    return int(row[0])


def driver_name(connection: Connection, driver_id: int) -> str | None:
    """What a driver is called, None where that is not known."""
    row = connection.execute(query("driver_name"), {"driver_id": driver_id}).fetchone()
    return None if row is None else row[0]


def find_party(connection: Connection, name: str) -> int:
    """The number of the party of that name.

    Raises:
        StorageError: there is none.
    """
    row = connection.execute(query("find_party"), {"name": name}).fetchone()
    if row is None:
        raise StorageError(
            f"There is no party {name!r}: `telemetry identity parties list` shows those there are, "
            "`telemetry identity parties create` makes one known."
        )
    return int(row[0])


def party_kind(connection: Connection, party_id: int) -> str:
    """What a party is.

    Raises:
        StorageError: there is no such party.
    """
    row = connection.execute(query("party_kind"), {"party_id": party_id}).fetchone()
    if row is None:
        raise StorageError(f"There is no party of number {party_id}.")
    return str(row[0])


def ensure_party(connection: Connection, name: str, kind: str) -> int:
    """The number of the party of that name, which is made if need be.

    Raises:
        StorageError: there is no such kind.
    """
    with refusal_of(f"party {name} of kind {kind}"):
        row = connection.execute(query("ensure_party"), {"name": name, "kind": kind}).fetchone()
    if row is None:  # pragma: no cover - the statement always returns a row
        raise StorageError(f"Party {name} could not be made.")
    return int(row[0])


def grant_access(
    connection: Connection,
    *,
    party_id: int,
    vin: str,
    purpose: str,
    valid: tuple[datetime | None, datetime | None] = (None, None),
    data: tuple[datetime | None, datetime | None] = (None, None),
) -> None:
    """Let a party see a vehicle.

    Args:
        connection: an autocommit connection.
        party_id: who may see it.
        vin: what it may see.
        purpose: ownership, sale, service or research.
        valid: from when to when the grant holds; None: from now on, for good.
        data: from when to when the data were recorded that it opens; None: without limit.

    Raises:
        StorageError: the VIN is not registered, the party or purpose is unknown, or a span ends
            before it begins.
    """
    number = find_vehicle(connection, vin)
    if number is None:
        raise StorageError(f"Vehicle {vin} is not registered: register it before granting access.")
    with refusal_of(f"access of party {party_id} to {vin} for {purpose}"):
        connection.execute(
            query("grant_access"),
            {
                "party_id": party_id,
                "vehicle_id": number,
                "purpose": purpose,
                "valid_from": valid[0],
                "valid_until": valid[1],
                "data_from": data[0],
                "data_until": data[1],
            },
        )
