"""Questions about fuel: litres, what was to be expected, and what came and went in the tank."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from telemetry_client import times
from telemetry_client.messages import get
from telemetry_client.questions import ArrowListing, JsonListing, Single
from telemetry_client.registered import FuelPrice
from telemetry_client.rows import FleetFuelRow
from telemetry_client.writing import change

if TYPE_CHECKING:
    from telemetry_client.queries.of_driving import Coordinates, Order
    from telemetry_client.times import Moment

By: TypeAlias = Literal["part", "day", "week", "total"]

_LISTS = ("causes", "missing")
_PRICE = "/v1/fuel-price"


def fuel(
    vin: str,
    start: Moment,
    end: Moment,
    *,
    by: By = "week",
    order: Order = "oldest_first",
    limit: int | None = None,
) -> ArrowListing:
    """A vehicle's litres, what was to be expected, and the causes of the rest.

    Args:
        vin: the vehicle.
        start: from this time on.
        end: up to, not including, this time.
        by: part of a trip, day, week, or all in one.
        order: by their start.
        limit: so many at most.
    """
    return ArrowListing(
        address="/v1/vehicles/{vin}/fuel",
        index="start",
        most=500,
        of_path={"vin": vin},
        params={**times.span(start, end), "by": by, "order": order},
        limit=limit,
        lists=_LISTS,
    )


def driver_fuel(
    driver_id: int,
    start: Moment,
    end: Moment,
    *,
    by: By = "week",
    order: Order = "oldest_first",
    limit: int | None = None,
) -> ArrowListing:
    """The litres of what a driver drove, whatever the vehicle."""
    return ArrowListing(
        address="/v1/drivers/{driver_id}/fuel",
        index="start",
        most=500,
        of_path={"driver_id": driver_id},
        params={**times.span(start, end), "by": by, "order": order},
        limit=limit,
        lists=_LISTS,
    )


def fleet_fuel(
    fleet_id: int,
    start: Moment,
    end: Moment,
    *,
    of: Literal["vehicles", "drivers", "corridors"] = "vehicles",
    limit: int | None = None,
) -> JsonListing:
    """Where a fleet's fuel goes; `attrs["total"]` has all of it together."""
    return JsonListing(
        address="/v1/fleets/{fleet_id}/fuel",
        index={"vehicles": "vin", "drivers": "driver_id", "corridors": "corridor"}[of],
        most=500,
        rows="rows",
        of=FleetFuelRow,
        of_path={"fleet_id": fleet_id},
        params={**times.span(start, end), "of": of},
        limit=limit,
        about=("fleet_id", "name", "start", "end", "total"),
    )


def tank_events(
    vin: str,
    start: Moment,
    end: Moment,
    *,
    kind: Literal["refuelling", "theft", "loss"] | None = None,
    order: Order = "oldest_first",
    coordinates: Coordinates = "wgs-84",
    limit: int | None = None,
) -> ArrowListing:
    """Refuellings, thefts and losses that start within a span, as the tank's level shows them."""
    return ArrowListing(
        address="/v1/vehicles/{vin}/tank-events",
        index="start",
        most=1000,
        of_path={"vin": vin},
        params={
            **times.span(start, end),
            "kind": kind,
            "order": order,
            "coordinates": coordinates,
        },
        limit=limit,
    )


def fuel_price() -> Single[FuelPrice]:
    """What a litre costs one's party, by which all money is counted."""
    return Single(request=get(_PRICE), of=FuelPrice)


def set_fuel_price(price: float, currency: str) -> Single[FuelPrice]:
    """Count by another price from now on; the currency is ISO 4217's."""
    return change("PUT", _PRICE, FuelPrice, {"price": price, "currency": currency})


def unset_fuel_price() -> Single[FuelPrice]:
    """Count by the platform's price again, which is answered."""
    return change("DELETE", _PRICE, FuelPrice)
