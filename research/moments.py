"""Point-in-time joins: beside a moment stands only what was known at it.

A model that learns from what came after the moment it predicts is good in training and useless on
the road. What a row tells is known when its step, trip or segment is over, not when it begins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from research.errors import ExportError, LeakError

if TYPE_CHECKING:
    from datetime import timedelta

KNOWN_AT = "known_at"
"""The column that says from when on a row was known (UTC)."""


def join_as_of(
    moments: pd.DataFrame,
    values: pd.DataFrame,
    *,
    at: str = "time",
    within: timedelta | None = None,
) -> pd.DataFrame:
    """Put beside each moment the last that was known of its vehicle by then.

    Args:
        moments: vehicle and `at` (UTC), a row for everything that is to be predicted.
        values: vehicle, known_at (UTC), and columns that `moments` has not.
        at: the column of the moments.
        within: what had been known for longer is too old; None: nothing is.

    Returns:
        The moments in their order, with the columns of `values`; absent where nothing was known.

    Raises:
        ExportError: a column is missing, or is in both.
    """
    _require(moments, "vehicle", at)
    _require(values, "vehicle", KNOWN_AT)
    if both := (set(moments.columns) & set(values.columns)) - {"vehicle"}:
        raise ExportError(f"Both frames have {', '.join(sorted(both))}: rename or drop it in one.")
    left = pd.DataFrame({"vehicle": _texts(moments), "moment": _times(moments[at])})
    left["row"] = range(len(left))
    right = pd.DataFrame({"vehicle": _texts(values), "known": _times(values[KNOWN_AT])})
    right["place"] = range(len(right))
    found = pd.merge_asof(
        left.sort_values("moment", kind="stable"),
        right.dropna(subset="known").sort_values("known", kind="stable"),
        left_on="moment",
        right_on="known",
        by="vehicle",
        direction="backward",
        tolerance=None if within is None else pd.Timedelta(within),
    ).sort_values("row")
    places = found["place"].astype("Int64")
    beside = values.drop(columns="vehicle").reset_index(drop=True).reindex(places.fillna(-1))
    return pd.concat([moments.reset_index(drop=True), beside.reset_index(drop=True)], axis=1)


def require_no_leak(frame: pd.DataFrame, *, at: str = "time") -> None:
    """Refuse a frame in which something stands beside a moment that was not known at it.

    Args:
        frame: `at` and known_at, as `join_as_of` makes it, or as one's own code has made it.
        at: the column of the moments.

    Raises:
        LeakError: names the first of such rows, and how many there are.
        ExportError: a column is missing.
    """
    _require(frame, at, KNOWN_AT)
    moment, known = _times(frame[at]), _times(frame[KNOWN_AT])
    leaks = (known > moment).to_numpy()
    if leaks.any():
        first = int(leaks.argmax())
        raise LeakError(
            f"{int(leaks.sum())} of {len(frame)} rows tell what was not known yet: row {first} of "
            f"{moment.iloc[first]} what was known at {known.iloc[first]}. Join by join_as_of."
        )


def _require(frame: pd.DataFrame, *names: str) -> None:
    if missing := [name for name in names if name not in frame.columns]:
        raise ExportError(f"A frame has no column {', '.join(missing)}.")


def _times(column: pd.Series[Any]) -> pd.Series[Any]:
    """As merge_asof takes them, wherever they came from."""
    times = pd.DatetimeIndex(pd.to_datetime(column.to_numpy(dtype="datetime64[us]"), utc=True))
    return pd.Series(times)


def _texts(frame: pd.DataFrame) -> pd.Series[Any]:
    return frame["vehicle"].astype(object).reset_index(drop=True)
