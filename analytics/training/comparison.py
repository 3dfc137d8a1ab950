"""Champion against challenger: who is nearer to the truth on the same days, beyond chance."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from analytics.training.resampling import ratio_interval

if TYPE_CHECKING:
    import pandas as pd


class Verdict(StrEnum):
    """How a challenger did."""

    BETTER = "better"
    WORSE = "worse"
    NO_CLEAR_DIFFERENCE = "no clear difference"
    TOO_LITTLE = "too little to compare"


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """Errors of two models on days that neither was trained on.

    Attributes:
        vehicles, days, rows: how much they were compared on; days are vehicle-days.
        champion_percent, challenger_percent: sums of absolute errors over what there was; None:
            nothing was.
        difference: challenger less champion, in points; below 0 the challenger is nearer.
        low, high: its 95 % interval, by vehicles; None: too few of them.
    """

    vehicles: int
    days: int
    rows: int
    champion_percent: float | None
    challenger_percent: float | None
    difference: float | None
    low: float | None
    high: float | None

    @property
    def verdict(self) -> Verdict:
        """What follows from it."""
        if self.low is None or self.high is None:
            return Verdict.TOO_LITTLE
        if self.high < 0:
            return Verdict.BETTER
        return Verdict.WORSE if self.low > 0 else Verdict.NO_CLEAR_DIFFERENCE


def compared(sums: pd.DataFrame) -> Comparison:
    """Compare a challenger with its champion.

    Args:
        sums: a row a vehicle: days, rows, actual (its size), absolute (errors of the
            challenger), other_absolute (of the champion).
    """
    actual = sums["actual"].to_numpy(dtype=np.float64)
    own = sums["absolute"].to_numpy(dtype=np.float64)
    other = sums["other_absolute"].to_numpy(dtype=np.float64)
    size = float(actual.sum())
    interval = ratio_interval(own - other, actual)
    told = None if not size > 0 else (100 * float(other.sum()) / size, 100 * own.sum() / size)
    return Comparison(
        vehicles=len(sums),
        days=int(sums["days"].sum()),
        rows=int(sums["rows"].sum()),
        champion_percent=None if told is None else float(told[0]),
        challenger_percent=None if told is None else float(told[1]),
        difference=None if told is None else float(told[1] - told[0]),
        low=None if interval is None else 100 * interval[0],
        high=None if interval is None else 100 * interval[1],
    )
