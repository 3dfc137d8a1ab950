"""The registers: vehicles, parties, and who may see what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from schemas.vin import check_digit_ok, check_vin
from storage.errors import StorageError, refusal_of
from storage.queries import query

if TYPE_CHECKING:
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


def register_vehicle(
    connection: Connection, vin: str, *, registered_by: str = "register", model: str | None = None
) -> Vehicle:
    """Register a VIN; one that is registered already keeps its number.

    Raises:
        VinError: the text is no VIN. A check digit that does not fit is only noted.
    """
    check_vin(vin)
    fits = check_digit_ok(vin)
    row = connection.execute(
        query("register_vehicle"),
        {"vin": vin, "check_digit_ok": fits, "registered_by": registered_by, "model": model},
    ).fetchone()
    number = int(row[0]) if row else find_vehicle(connection, vin)
    if number is None:
        raise StorageError(f"Vehicle {vin} was there and has gone while it was being registered.")
    return Vehicle(vehicle_id=number, vin=vin, check_digit_ok=fits)


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
