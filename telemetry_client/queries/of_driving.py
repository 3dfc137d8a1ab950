"""Questions about driving: trips, events and scores, of vehicles and of drivers; fleets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from telemetry_client import times
from telemetry_client.messages import listed
from telemetry_client.questions import ArrowListing, JsonListing
from telemetry_client.rows import RankedPlace

if TYPE_CHECKING:
    from collections.abc import Iterable

    from telemetry_client.times import Moment

Order: TypeAlias = Literal["oldest_first", "newest_first"]
Severity: TypeAlias = Literal["low", "medium", "high"]
Coordinates: TypeAlias = Literal["wgs-84", "gcj-02"]
"""Of positions: as measured, or shifted as maps of China have them."""


def trips(
    vin: str,
    start: Moment,
    end: Moment,
    *,
    order: Order = "oldest_first",
    coordinates: Coordinates = "wgs-84",
    limit: int | None = None,
) -> ArrowListing:
    """A vehicle's trips that start within a span, by their start."""
    return ArrowListing(
        address="/v1/vehicles/{vin}/trips",
        index="start",
        most=1000,
        of_path={"vin": vin},
        params={**times.span(start, end), "order": order, "coordinates": coordinates},
        limit=limit,
    )


def events(
    vin: str,
    start: Moment,
    end: Moment,
    *,
    kind: str | Iterable[str] | None = None,
    severity: Severity = "low",
    order: Order = "oldest_first",
    coordinates: Coordinates = "wgs-84",
    limit: int | None = None,
) -> ArrowListing:
    """A vehicle's driving events that start within a span, by their start.

    Args:
        vin: the vehicle.
        start: from this time on.
        end: up to, not including, this time.
        kind: one or several kinds; None: all.
        severity: that or more.
        order: by their start.
        coordinates: of their positions.
        limit: so many at most.
    """
    return ArrowListing(
        address="/v1/vehicles/{vin}/events",
        index="start",
        most=1000,
        of_path={"vin": vin},
        params={
            **times.span(start, end),
            "kind": listed(kind),
            "severity": severity,
            "order": order,
            "coordinates": coordinates,
        },
        limit=limit,
    )


def scores(
    vin: str,
    start: Moment,
    end: Moment,
    *,
    period: Literal["week", "trip"] = "week",
    order: Order = "oldest_first",
    limit: int | None = None,
) -> ArrowListing:
    """A vehicle's scores by week, or of single trips; `parts` has what moved each."""
    return ArrowListing(
        address="/v1/vehicles/{vin}/scores",
        index="start",
        most=500,
        of_path={"vin": vin},
        params={**times.span(start, end), "period": period, "order": order},
        limit=limit,
        lists=_OF_SCORES,
    )


def drivers(*, limit: int | None = None) -> ArrowListing:
    """The drivers one may know, by number."""
    return ArrowListing(address="/v1/drivers", index="driver_id", most=500, limit=limit)


def driver_trips(
    driver_id: int,
    start: Moment,
    end: Moment,
    *,
    order: Order = "oldest_first",
    coordinates: Coordinates = "wgs-84",
    limit: int | None = None,
) -> ArrowListing:
    """What a driver drove of each trip that starts within a span."""
    return ArrowListing(
        address="/v1/drivers/{driver_id}/trips",
        index="start",
        most=1000,
        of_path={"driver_id": driver_id},
        params={**times.span(start, end), "order": order, "coordinates": coordinates},
        limit=limit,
    )


def driver_events(
    driver_id: int,
    start: Moment,
    end: Moment,
    *,
    kind: str | Iterable[str] | None = None,
    severity: Severity = "low",
    order: Order = "oldest_first",
    coordinates: Coordinates = "wgs-84",
    limit: int | None = None,
) -> ArrowListing:
    """A driver's driving events that start within a span, whatever the vehicle."""
    return ArrowListing(
        address="/v1/drivers/{driver_id}/events",
        index="start",
        most=1000,
        of_path={"driver_id": driver_id},
        params={
            **times.span(start, end),
            "kind": listed(kind),
            "severity": severity,
            "order": order,
            "coordinates": coordinates,
        },
        limit=limit,
    )


def driver_scores(
    driver_id: int,
    start: Moment,
    end: Moment,
    *,
    order: Order = "oldest_first",
    limit: int | None = None,
) -> ArrowListing:
    """A driver's scores by week."""
    return ArrowListing(
        address="/v1/drivers/{driver_id}/scores",
        index="start",
        most=500,
        of_path={"driver_id": driver_id},
        params={**times.span(start, end), "order": order},
        limit=limit,
        lists=_OF_SCORES,
    )


def fleets(*, limit: int | None = None) -> ArrowListing:
    """One's fleets, by number."""
    return ArrowListing(address="/v1/fleets", index="fleet_id", most=500, limit=limit)


def ranking(
    fleet_id: int,
    week: str,
    *,
    of: Literal["drivers", "vehicles"] = "drivers",
    limit: int | None = None,
) -> JsonListing:
    """A fleet's drivers or vehicles by their scores of a week, the best first.

    Args:
        fleet_id: the fleet.
        week: an ISO week, 2026-W44.
        of: whom to rank.
        limit: so many at most.
    """
    return JsonListing(
        address="/v1/fleets/{fleet_id}/ranking",
        index=None,
        most=1000,
        rows="places",
        of=RankedPlace,
        of_path={"fleet_id": fleet_id},
        params={"week": week, "of": of},
        limit=limit,
        about=("fleet_id", "name", "week", "time_zone", "ranked"),
    )


_OF_SCORES = ("missing", "difficulty_missing", "parts")
