"""A piece of advice before it is known whether it may be given, and what keeps it back."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from analytics.advice.kinds import KINDS, Level, Unit
from analytics.advice_rules import HIGH_CONFIDENCE, MEDIUM_CONFIDENCE

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from analytics.advice_rules import AdviceSettings

NAN = float("nan")

_LEVELS: tuple[Level, ...] = ("low", "medium", "high")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Piece:
    """A saving that was found.

    Attributes:
        driver_id: for whom; NOBODY (0): for the vehicle, or nobody is known.
        cause: one of KINDS.
        value, low, high: the saving of that week's driving in the unit of the kind, and its 90 %
            interval (NaN where there is none).
        distance_km, fuel_l: of the subject's week; NaN where unknown.
        facts: what the text needs, as JSON has it.
        parts: n parts of trips that it comes from, rows of `fuel_part`.
        by_part: (n,) what each of them adds to it, in the unit (days: hours driven); NaN unknown.
        most_confidence: no confidence above this is claimed.
    """

    driver_id: int
    cause: str
    value: float
    low: float = NAN
    high: float = NAN
    distance_km: float
    fuel_l: float
    facts: dict[str, Any]
    parts: pd.DataFrame
    by_part: NDArray[np.float64]
    most_confidence: Level = "high"

    @property
    def in_litres(self) -> bool:
        """Whether the saving is fuel."""
        return KINDS[self.cause].unit == "l"

    def grew(self, share: float, factor: float) -> bool:
        """Whether it is by that factor more than an earlier share, and surely more at all."""
        least = self.value if math.isnan(self.low) else self.low
        return self.share >= factor * share and self._share(least) > share

    @property
    def share(self) -> float:
        """The saving as a share of the fuel, or of the way where it is not fuel.

        So that a long week is no growth. NaN where the whole is not known.
        """
        return self._share(self.value)

    def _share(self, value: float) -> float:
        return share(
            KINDS[self.cause].unit, value, fuel_l=self.fuel_l, distance_km=self.distance_km
        )

    @property
    def confidence(self) -> Level:
        """How sure the saving is, by its interval."""
        half = (self.high - self.low) / 2.0
        if not half >= 0:
            found: Level = self.most_confidence
        elif half <= HIGH_CONFIDENCE * self.value:
            found = "high"
        else:
            found = "medium" if half <= MEDIUM_CONFIDENCE * self.value else "low"
        return min(found, self.most_confidence, key=_LEVELS.index)


def share(unit: Unit, value: float, *, fuel_l: float, distance_km: float) -> float:
    """A saving as a share of the week: of its fuel, its days, or its way; NaN where unknown."""
    whole = {"l": fuel_l, "days": 7.0}.get(unit, distance_km)
    return value / whole if whole > 0 else NAN


def above_noise(piece: Piece, settings: AdviceSettings) -> bool:
    """Whether a saving in litres is one: surely above zero, and worth a sentence."""
    surely = piece.value - settings.sure * (piece.value - piece.low)
    return bool(
        piece.low > 0
        and surely > 0
        and piece.value >= settings.least_l
        and piece.fuel_l > 0
        and piece.value >= settings.least_share * piece.fuel_l
    )
