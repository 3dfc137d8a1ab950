"""Places, service plans and services that were done, as they are written down."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from storage import registers
from storage.errors import StorageError, refusal_of
from storage.queries import query

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from storage.connection import Connection


@dataclass(frozen=True, kw_only=True, slots=True)
class ServicePoint:
    """A place of a dealer or service provider, in degrees WGS 84; None: not told."""

    code: str
    """By which its list knows it."""
    party: str
    kind: str
    """What the party is: dealer or service_provider."""
    name: str
    latitude: float
    longitude: float
    address: str | None
    phone: str | None
    opening_hours: str | None
    services: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ServicePlan:
    """After how much of what vehicles are to be serviced; None: not by that."""

    vehicle_class: str
    model: str | None
    """None: every model of the class that has no plan of its own."""
    every_km: float | None
    every_h: float | None
    every_days: int | None


def known_points(connection: Connection, codes: Collection[str]) -> dict[str, ServicePoint]:
    """The places of these codes as they are kept, by code."""
    rows = connection.execute(query("known_service_points"), {"codes": list(codes)}).fetchall()
    return {
        row[0]: ServicePoint(
            code=row[0],
            party=row[1],
            kind=row[2],
            name=row[3],
            latitude=row[4],
            longitude=row[5],
            address=row[6],
            phone=row[7],
            opening_hours=row[8],
            services=tuple(row[9]),
        )
        for row in rows
    }


def party_kinds(connection: Connection, names: Collection[str]) -> dict[str, str]:
    """What the parties of these names are; who is not registered is left out."""
    return dict(connection.execute(query("party_kinds"), {"names": list(names)}).fetchall())


def put_points(connection: Connection, points: Sequence[ServicePoint]) -> None:
    """Write places down, all or none; parties that are not registered are registered.

    Args:
        connection: an autocommit connection.
        points: the places; one whose code is known is replaced.

    Raises:
        StorageError: the database refuses one.
    """
    with connection.transaction():
        numbers: dict[str, int] = {}
        for point in points:
            if point.party not in numbers:
                numbers[point.party] = registers.ensure_party(connection, point.party, point.kind)
            fields = asdict(point) | {
                "party_id": numbers[point.party],
                "services": list(point.services),
            }
            with refusal_of(f"place {point.code}"):
                connection.execute(query("put_service_point"), fields)


def put_plan(connection: Connection, plan: ServicePlan) -> None:
    """Write a plan down, in place of the one its class or model had.

    Raises:
        StorageError: there is no such class, an interval is not above 0, or there is none.
    """
    with refusal_of(f"service plan of {plan.vehicle_class} {plan.model or ''}".rstrip()):
        connection.execute(query("put_service_plan"), asdict(plan))


def plans(connection: Connection) -> list[ServicePlan]:
    """All plans, by class and model."""
    return [
        ServicePlan(
            vehicle_class=row[0], model=row[1], every_km=row[2], every_h=row[3], every_days=row[4]
        )
        for row in connection.execute(query("service_plans")).fetchall()
    ]


def put_done(
    connection: Connection,
    vin: str,
    done_at: datetime,
    *,
    odometer_km: float | None,
    engine_h: float | None,
) -> None:
    """Write down that a vehicle was serviced.

    Args:
        connection: an autocommit connection.
        vin: the vehicle.
        done_at: when.
        odometer_km: what its odometer read then [km].
        engine_h: what its engine's hours read then [h].

    Raises:
        StorageError: the VIN is not registered, or a reading is below 0.
    """
    number = registers.find_vehicle(connection, vin)
    if number is None:
        raise StorageError(f"Vehicle {vin} is not registered: register it before its services.")
    with refusal_of(f"service of vehicle {vin} at {done_at:%Y-%m-%d}"):
        connection.execute(
            query("put_service_done"),
            {
                "vehicle_id": number,
                "done_at": done_at,
                "odometer_km": odometer_km,
                "engine_h": engine_h,
            },
        )
