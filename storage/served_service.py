"""What the API reads of places and services, through `storage.served.Reader`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from storage.answers_search import Near
    from storage.served import Reader


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundServicePoint:
    """A place of a dealer or service provider."""

    service_point_id: int
    code: str
    kind: str
    """Of its party: dealer or service_provider."""
    party: str
    name: str
    latitude: float
    longitude: float
    address: str | None
    phone: str | None
    opening_hours: str | None
    services: Sequence[str]
    distance_m: float | None
    """To the point that was given."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WantedServicePoints:
    """Which places are wanted; None: whatever."""

    near: Near | None = None
    """With it the nearest come first."""
    services: Sequence[str] | None = None
    """All of which they offer."""
    kind: str | None = None
    after_m: float | None = None
    after_id: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class VehiclePlace:
    """Where a vehicle was last [deg, WGS 84], and when; None: not known, or not opened."""

    latitude: float | None
    longitude: float | None
    time: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanAndLast:
    """After how much of what a vehicle is to be serviced, and when it last was; None: not known."""

    every_km: float | None
    every_h: float | None
    every_days: int | None
    of_model: bool
    """Whether the plan is its model's, and not its class's."""
    done_at: datetime | None
    odometer_km: float | None
    engine_h: float | None


class ServiceReader:
    """A method for each question about places and services."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def points(
        self, principal: int, wanted: WantedServicePoints, *, limit: int
    ) -> list[FoundServicePoint]:
        """At most `limit` places, by their distance to the point that is given or by number."""
        near = wanted.near
        return await self._reader.records(
            FoundServicePoint,
            "served_service_points",
            principal=principal,
            latitude=None if near is None else near.latitude,
            longitude=None if near is None else near.longitude,
            radius_m=None if near is None else near.radius_m,
            services=None if wanted.services is None else list(wanted.services),
            kind=wanted.kind,
            after_m=wanted.after_m,
            after_id=wanted.after_id,
            max_rows=limit,
        )

    async def place(self, principal: int, vin: str) -> VehiclePlace:
        """Where a vehicle was last.

        Raises:
            UnknownVehicleError: there is none that the principal may see.
        """
        (found,) = await self._reader.records(
            VehiclePlace, "served_vehicle_place", principal=principal, vin=vin
        )
        return found

    async def plan(self, principal: int, vin: str) -> PlanAndLast:
        """A vehicle's service plan and its last service.

        Raises:
            UnknownVehicleError: there is none that the principal may see.
        """
        (found,) = await self._reader.records(
            PlanAndLast, "served_service_plan", principal=principal, vin=vin
        )
        return found
