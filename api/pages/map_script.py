"""What a map's script is told: places in the datum of its ground, of which it knows nothing."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from api.language import Language
    from api.pages.maps import Ground

DECIMALS = 5
"""Of a degree: a metre."""


def settings(
    ground: Ground | None, text: Language, lines: Sequence[list[tuple[float, float]]] = ()
) -> dict[str, object]:
    """What a map has to know beside the dots on it.

    Args:
        ground: its tiles; None: it is blank.
        text: the language of its controls.
        lines: what `lines` has made of a track.
    """
    return {
        "tiles": None if ground is None else ground.template,
        "max_zoom": None if ground is None else ground.max_zoom,
        "lines": lines,
        "texts": text.beginning("map_"),
    }


def lines(
    ground: Ground | None, places: Iterable[tuple[float, float]]
) -> list[list[tuple[float, float]]]:
    """Lines through places, as pairs of longitude and latitude; what is NaN breaks them."""
    found: list[list[tuple[float, float]]] = [[]]
    for latitude, longitude in places:
        if not (math.isnan(latitude) or math.isnan(longitude)):
            found[-1].append(_pair(ground, latitude, longitude))
        elif found[-1]:
            found.append([])
    return [line for line in found if line]


def dot(ground: Ground | None, place: tuple[float, float] | None) -> str:
    """A dot's longitude and latitude, apart by a space; empty: it is nowhere."""
    if place is None:
        return ""
    return "{} {}".format(*_pair(ground, *place))


def _pair(ground: Ground | None, latitude: float, longitude: float) -> tuple[float, float]:
    north, east = (latitude, longitude) if ground is None else ground.datum(latitude, longitude)
    return round(east, DECIMALS), round(north, DECIMALS)
