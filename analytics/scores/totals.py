"""Trips added up to what is scored: a subject (driver or vehicle) over a period."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from analytics.metrics import SUMS
from analytics.scores.metric import METRICS, below
from analytics.scores.settings import ScoreError

if TYPE_CHECKING:
    from collections.abc import Iterable

KEYS = ["subject", "period"]

SQUARES = tuple(f"{name}_squares" for name in METRICS)
"""Columns of sums of squared exposures a trip: from how many trips a value comes in effect."""


def require(frame: pd.DataFrame, columns: Iterable[str]) -> None:
    """Refuse a table that lacks columns.

    Raises:
        ScoreError: the message names what is missing.
    """
    if missing := [column for column in columns if column not in frame]:
        raise ScoreError(f"The table of trips lacks the columns {', '.join(missing)}.")


def totals(parts: pd.DataFrame) -> pd.DataFrame:
    """Add trips up.

    Args:
        parts: a row a trip and driver: subject, period (anything that groups: a week, a month, a
            trip's start), vehicle_class, and the columns SUMS.

    Returns:
        A row a subject and period (its index, sorted): vehicle_class (that of most of the
        distance), n_trips, the columns SUMS, and SQUARES.

    Raises:
        ScoreError: a column is missing.
    """
    require(parts, [*KEYS, "vehicle_class", *SUMS])
    rows = parts[[*KEYS, "vehicle_class", *SUMS]].reset_index(drop=True)
    squares = pd.DataFrame(below(rows) ** 2, columns=list(SQUARES))
    rows = pd.concat([rows, squares], axis=1)
    grouped = rows.groupby(KEYS, sort=True)
    added = grouped[[*SUMS, *SQUARES]].sum()
    by_class = rows.groupby([*KEYS, "vehicle_class"], sort=True)["distance_km"].sum().reset_index()
    main = by_class.sort_values("distance_km", kind="stable").drop_duplicates(KEYS, keep="last")
    added.insert(0, "vehicle_class", main.set_index(KEYS)["vehicle_class"])
    added.insert(1, "n_trips", grouped.size().astype(float))
    return added


def added(totals: pd.DataFrame) -> pd.DataFrame:
    """Totals of the same subjects and periods, from different trips, added up.

    Args:
        totals: rows as from `totals`; a subject and period may come more than once.
    """
    sums = totals[["n_trips", *SUMS, *SQUARES]].groupby(level=KEYS, sort=True).sum()
    main = totals.sort_values("distance_km", kind="stable")["vehicle_class"]
    sums.insert(0, "vehicle_class", main.groupby(level=KEYS, sort=True).last())
    return sums
