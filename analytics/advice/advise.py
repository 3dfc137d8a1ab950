"""A vehicle's advice of a week: what is surely a saving, is not said already, and weighs most."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from analytics.advice import driving, transport
from analytics.advice.evidence import shown
from analytics.advice.kinds import KINDS
from analytics.advice.novelty import Memory
from analytics.advice.piece import NAN, Piece, above_noise
from analytics.advice.texts import variants
from analytics.advice.week import NOBODY, checked
from analytics.advice_rules import METHOD_VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable

    from analytics.advice.week import AdviceWeek

ADVICE_COLUMNS = (
    "vehicle_id",
    "driver_id",
    "week",
    "time_zone",
    "cause",
    "variant",
    "saving_l",
    "low_l",
    "high_l",
    "distance_km",
    "fuel_l",
    "confidence",
    "effort",
    "facts",
    "evidence",
    "method_version",
)
"""The columns of a table of advice; those of table `advice` that analysis fills."""

_ORDER = {cause: number for number, cause in enumerate(KINDS)}


def advise(week: AdviceWeek) -> pd.DataFrame:
    """What to change, told to whom it concerns.

    Args:
        week: one vehicle's week, described there column by column.

    Returns:
        A row a piece of advice, ADVICE_COLUMNS, by driver and then the one that saves most first
        (litres before what is counted otherwise): driver_id (Int64, null: for the vehicle, or
        nobody is known), week (date), saving_l, low_l, high_l (L of that week's driving, above 0;
        NaN where the saving is no fuel: facts["value"] has it in the unit of KINDS), distance_km
        and fuel_l of the driver's or vehicle's week (NaN unknown), confidence and effort (low,
        medium, high), facts and evidence (as JSON has it: what the texts need;
        `analytics.advice.evidence.shown`). Of one subject there is one row a cause, in this order
        whatever the order of the rows given.

    Raises:
        AdviceError: a frame lacks a column, or holds a cause or number that cannot be.
    """
    checked(week)
    memory, settings = Memory(week), week.settings
    found = [
        piece
        for piece in (*driving.pieces(week), *transport.pieces(week))
        if (not piece.in_litres or above_noise(piece, settings))
        and not memory.rests(piece, settings)
    ]
    rows = []
    for for_vehicle in (False, True):
        ours = [p for p in found if (KINDS[p.cause].audience != "driver") == for_vehicle]
        for driver in sorted({piece.driver_id for piece in ours}):
            of_one = ranked(piece for piece in ours if piece.driver_id == driver)
            rows += [_row(week, piece, memory) for piece in of_one[: settings.most]]
    return _table(rows)


def ranked(pieces: Iterable[Piece]) -> list[Piece]:
    """One subject's pieces, that which saves most first; what is no fuel last, in KINDS' order."""
    return sorted(
        pieces,
        key=lambda piece: (
            not piece.in_litres,
            -piece.value if piece.in_litres else 0.0,
            _ORDER[piece.cause],
        ),
    )


def _row(week: AdviceWeek, piece: Piece, memory: Memory) -> dict[str, Any]:
    litres = (piece.value, piece.low, piece.high) if piece.in_litres else (NAN, NAN, NAN)
    return {
        "vehicle_id": week.vehicle_id,
        "driver_id": None if piece.driver_id == NOBODY else piece.driver_id,
        "week": week.week,
        "time_zone": week.time_zone,
        "cause": piece.cause,
        "variant": memory.variant(piece, variants(piece.cause)),
        "saving_l": litres[0],
        "low_l": litres[1],
        "high_l": litres[2],
        "distance_km": piece.distance_km,
        "fuel_l": piece.fuel_l,
        "confidence": piece.confidence,
        "effort": KINDS[piece.cause].effort,
        "facts": piece.facts,
        "evidence": shown(piece.parts, piece.by_part, unit=KINDS[piece.cause].unit, week=week.week),
        "method_version": METHOD_VERSION,
    }


def _table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """The rows as a frame, its types right where there is none."""
    types = dict.fromkeys(ADVICE_COLUMNS, "object")
    types |= dict.fromkeys(("saving_l", "low_l", "high_l", "distance_km", "fuel_l"), "float64")
    types |= dict.fromkeys(("vehicle_id", "variant", "method_version"), "int64")
    types |= {"driver_id": "Int64"}
    return pd.DataFrame(
        {name: pd.Series([row[name] for row in rows], dtype=types[name]) for name in ADVICE_COLUMNS}
    )
