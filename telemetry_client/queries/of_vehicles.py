"""Questions about vehicles: which there are, and how they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from telemetry_client.frames import of_rows
from telemetry_client.messages import Answer, get, listed
from telemetry_client.models import (
    Accumulated,
    CounterClass,
    StatusBySystem,
    VehicleChange,
    VehicleState,
)
from telemetry_client.questions import ArrowListing, Changes, Single, Table, read_as
from telemetry_client.rows import Counter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pandas as pd

    from telemetry_client.queries.of_driving import Coordinates

Activity: TypeAlias = Literal["moving", "idling", "parked", "silent", "past"]

EVENT = "state"
"""What a stream calls its events."""

_EVENTS = "text/event-stream"

_MEASURES = {"seconds": "s", "meters": "m", "milliLitres": "mL"}
"""What a class of a counter may count, with its unit."""


def vehicles(
    *,
    vin: str | None = None,
    plate: str | None = None,
    model: str | None = None,
    dealer: str | None = None,
    fleet: int | None = None,
    region: str | None = None,
    state: Activity | Iterable[Activity] | None = None,
    box: tuple[float, float, float, float] | None = None,
    near: tuple[float, float] | None = None,
    radius_m: float | None = None,
    coordinates: Coordinates = "wgs-84",
    limit: int | None = None,
) -> ArrowListing:
    """The vehicles one may see, by VIN, each with activity, position and latest values.

    Args:
        vin: part of the VIN.
        plate: part of the number plate.
        model: part of the model's name.
        dealer: name of the dealer who sold it.
        fleet: number of the fleet.
        region: ISO 3166-2; `CN` is all of China.
        state: one activity, or several.
        box: west, south, east, north, where they were last [deg].
        near: latitude, longitude [deg]: the nearest come first, with `distance_m`.
        radius_m: of `near` [m].
        coordinates: of positions; `box` and `near` are in WGS-84 always.
        limit: so many at most; with `near` the nearest.
    """
    return ArrowListing(
        address="/v1/vehicles",
        index="vin",
        most=500,
        params={
            "vin": vin,
            "plate": plate,
            "model": model,
            "dealer": dealer,
            "fleet": fleet,
            "region": region,
            "state": listed(state),
            "box": None if box is None else ",".join(map(str, box)),
            "near": None if near is None else ",".join(map(str, near)),
            "radius": radius_m,
            "coordinates": coordinates,
        },
        limit=limit,
    )


def state(vin: str, *, coordinates: Coordinates = "wgs-84") -> Single[VehicleState]:
    """Every latest value of a vehicle, with unit, time and age, and its active trouble codes."""
    return Single(
        request=get("/v1/vehicles/{vin}/state", {"coordinates": coordinates}, vin=vin),
        of=VehicleState,
    )


def status(vin: str, *, coordinates: Coordinates = "wgs-84") -> Single[StatusBySystem]:
    """How a vehicle is, system by system, with trouble codes in words, lamps and service."""
    return Single(
        request=get("/v1/vehicles/{vin}/status", {"coordinates": coordinates}, vin=vin),
        of=StatusBySystem,
    )


def accumulated(vin: str) -> Table:
    """The counters of rFMS 4.0 since a vehicle was registered: a row a counter, or a class of it.

    `attrs` has `newest_day`, `updated_at`, `corrections` and `corrected`.
    """
    return Table(request=get("/v1/vehicles/{vin}/accumulated", vin=vin), frame=_counters)


def follow_vehicle(vin: str, *, coordinates: Coordinates = "wgs-84") -> Changes[VehicleChange]:
    """A vehicle's present state, and again whenever something new is known of it."""
    request = get("/v1/vehicles/{vin}/stream", {"coordinates": coordinates}, _EVENTS, vin=vin)
    return Changes(request=request, event=EVENT, of=VehicleChange)


def follow_fleet(fleet_id: int, *, coordinates: Coordinates = "wgs-84") -> Changes[VehicleChange]:
    """The present state of each vehicle of a fleet, and again whenever one changes."""
    request = get(
        "/v1/fleets/{fleet_id}/stream", {"coordinates": coordinates}, _EVENTS, fleet_id=fleet_id
    )
    return Changes(request=request, event=EVENT, of=VehicleChange)


def _counters(answer: Answer) -> pd.DataFrame:
    told = read_as(Accumulated, answer.content)
    rows = [row for name, value in told.accumulated_data.items() for row in _rows(name, value)]
    frame = of_rows(rows, Counter, "counter")
    about = ("vin", "newest_day", "updated_at", "corrections", "corrected")
    frame.attrs |= {name: getattr(told, name) for name in about}
    return frame


def _rows(counter: str, value: int | list[CounterClass] | None) -> Iterator[dict[str, object]]:
    if isinstance(value, list):
        for one in value:
            which = {
                "counter": counter,
                "class_from": one.get("from"),
                "class_to": one.get("to"),
                "class_label": one.get("label"),
            }
            for measure, unit in _MEASURES.items():
                if one.get(measure) is not None:
                    yield {**which, "value": one[measure], "unit": unit}
    elif value is not None:
        yield {"counter": counter, "value": value, "unit": _unit(counter)}


def _unit(counter: str) -> str:
    """Of a plain counter: its first word says what it counts."""
    starts = {"duration": "s", "distance": "m", "fuel": "mL"}
    return next((unit for word, unit in starts.items() if counter.startswith(word)), "1")
