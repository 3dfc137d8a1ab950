"""Questions about service points: dealers and workshops, and how far they are."""

from __future__ import annotations

from typing import Literal, TypeAlias

from telemetry_client.questions import ArrowListing

PointKind: TypeAlias = Literal["dealer", "service_provider"]


def service_points(
    *,
    near: tuple[float, float] | None = None,
    radius_km: float | None = None,
    service: str | None = None,
    kind: PointKind | None = None,
    limit: int | None = None,
) -> ArrowListing:
    """Service points by number, or by distance.

    Args:
        near: latitude, longitude [deg]: the nearest come first, with `distance_m`.
        radius_km: of `near` [km].
        service: only those that do this.
        kind: of these alone.
        limit: so many at most; with `near` the nearest.
    """
    return ArrowListing(
        address="/v1/service-points",
        index="service_point_id",
        most=500,
        params={
            "near": None if near is None else ",".join(map(str, near)),
            "radius_km": radius_km,
            "service": service,
            "kind": kind,
        },
        limit=limit,
        lists=_LISTS,
    )


def nearest_service_points(
    vin: str,
    *,
    radius_km: float | None = None,
    service: str | None = None,
    kind: PointKind | None = None,
    limit: int | None = None,
) -> ArrowListing:
    """Service points by their distance from where a vehicle was last.

    Args:
        vin: the vehicle.
        radius_km: not farther than this [km].
        service: only those that do this.
        kind: of these alone.
        limit: the nearest so many.
    """
    return ArrowListing(
        address="/v1/vehicles/{vin}/service-points/nearest",
        index="service_point_id",
        most=500,
        of_path={"vin": vin},
        params={"radius_km": radius_km, "service": service, "kind": kind},
        limit=limit,
        lists=_LISTS,
    )


_LISTS = ("services",)
