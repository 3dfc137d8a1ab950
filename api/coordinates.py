"""In which coordinates positions are told: WGS-84, as they are kept, or GCJ-02 for maps of China.

Whoever asks says so by `coordinates`, and the answer says so in X-Coordinates, in whatever format
it comes. rFMS knows WGS-84 alone.
"""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import parse_qs

import numpy as np
from pydantic import Field

from api.parameters import Parameters
from api.problems import invalid
from schemas.gcj02 import to_gcj02, to_wgs84

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from schemas.catalogue import Signal
    from storage.answers import Latest, SignalRows

L = TypeVar("L", bound="Latest")

HEADER = b"x-coordinates"

LATITUDE, LONGITUDE = "latitude", "longitude"


class Coordinates(StrEnum):
    """Datum of positions."""

    WGS_84 = "wgs-84"
    GCJ_02 = "gcj-02"


class Placed(Parameters):
    """Query parameters of an answer with positions."""

    coordinates: Coordinates = Field(
        default=Coordinates.WGS_84,
        description="In which coordinates positions are meant and told: wgs-84, as everything is "
        "kept, or gcj-02, for maps of China; outside of China they are the same. The answer says "
        "it in X-Coordinates.",
        examples=["gcj-02"],
    )


def told_in(
    coordinates: Coordinates, latitude: float | None, longitude: float | None
) -> tuple[float | None, float | None]:
    """A position that is kept, as it is told [deg]; half of one cannot be told in GCJ-02."""
    if coordinates is Coordinates.WGS_84:
        return latitude, longitude
    if latitude is None or longitude is None:
        return None, None
    north, east = to_gcj02(latitude, longitude)
    return float(north), float(east)


def meant_in(coordinates: Coordinates, latitude: float, longitude: float) -> tuple[float, float]:
    """A position that is asked about, as it is kept [deg]."""
    if coordinates is Coordinates.WGS_84:
        return latitude, longitude
    north, east = to_wgs84(latitude, longitude)
    return float(north), float(east)


def latest_in(coordinates: Coordinates, latest: Mapping[str, L]) -> dict[str, L]:
    """Latest values, with the position among them as it is told."""
    told = dict(latest)
    if coordinates is Coordinates.WGS_84:
        return told
    north, east = told.pop(LATITUDE, None), told.pop(LONGITUDE, None)
    if north is not None and east is not None:
        latitude, longitude = to_gcj02(north.value, east.value)
        told[LATITUDE] = replace(north, value=float(latitude))
        told[LONGITUDE] = replace(east, value=float(longitude))
    # In the order of the signals, as before.
    return {name: told[name] for name in latest if name in told}


def require_both(coordinates: Coordinates, signals: Sequence[Signal]) -> None:
    """Refuse half a position in GCJ-02, which depends on the whole one.

    Raises:
        ProblemError: 422.
    """
    if coordinates is Coordinates.GCJ_02:
        names = {signal.name for signal in signals} & {LATITUDE, LONGITUDE}
        if len(names) == 1:
            raise invalid(
                "coordinates",
                f"{names.pop()} alone cannot be told in gcj-02.",
                "Ask for latitude and longitude together, or leave coordinates out.",
            )


def rows_in(coordinates: Coordinates, signals: Sequence[Signal], rows: SignalRows) -> SignalRows:
    """Signals over time, with positions among them as they are told.

    A step's lowest and highest values are moved by as much as its mean.
    """
    places = {signal.name: place for place, signal in enumerate(signals)}
    if coordinates is Coordinates.WGS_84 or LATITUDE not in places or LONGITUDE not in places:
        return rows
    both = [places[LATITUDE], places[LONGITUDE]]
    kept = rows.values[:, both]
    told = np.stack(to_gcj02(kept[:, 0], kept[:, 1]), axis=1)
    told[np.isnan(kept).any(axis=1)] = np.nan
    values = rows.values.copy()
    values[:, both] = told
    moved = replace(rows, values=values)
    for name in ("minima", "maxima"):
        ends = getattr(rows, name)
        if ends is not None:
            ends = ends.copy()
            ends[:, both] += told - kept
            moved = replace(moved, **{name: ends})
    return moved


class CoordinatesMark:
    """ASGI middleware: says in an answer's head in which coordinates its positions are.

    Args:
        app: what answers; it refuses `coordinates` where it has no positions.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        said = _said(scope)
        if said is None:
            await self._app(scope, receive, send)
            return

        async def marking(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] < 400:
                message["headers"] = [
                    *message.get("headers", []),
                    (HEADER, said.encode()),
                ]
            await send(message)

        await self._app(scope, receive, marking)


def _said(scope: Scope) -> Coordinates | None:
    """The coordinates that a request names, None where it names none that there are."""
    if scope["type"] != "http" or not scope["path"].startswith("/v1/"):
        return None
    (said, *_) = parse_qs(scope["query_string"].decode("latin-1")).get("coordinates", [""])
    return Coordinates(said) if said in set(Coordinates) else None
