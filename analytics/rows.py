"""A frame of signals as arrays: in the order of time, each time once, and only finite numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from schemas.errors import TelemetryError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray


class UnreadableSignalsError(TelemetryError):
    """A frame is no table of numbers by time; the message names what to mend."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Rows:
    """The arrays, (n,) each, and what was mended on the way.

    Attributes:
        time_us: microseconds since 1970, ascending, each once.
        columns: by name, float64, NaN absent. They may share memory with the frame: not to be
            written to.
        undated: rows without a time, left out.
        unsorted: rows that came after a later one.
        repeated: rows whose time another row has too, merged with it.
        impossible_values: infinite numbers and numbers beyond their signal's range, made NaN.
    """

    time_us: NDArray[np.int64]
    columns: dict[str, NDArray[np.float64]]
    undated: int
    unsorted: int
    repeated: int
    impossible_values: int


def read_rows(
    signals: pd.DataFrame, names: Sequence[str], ranges: Mapping[str, tuple[float, float]]
) -> Rows:
    """Arrays of the named columns.

    Args:
        signals: rows by time, in any order.
        names: the columns wanted; an absent one is NaN throughout.
        ranges: least and greatest possible value of some; (0, 1) means nothing in between either.

    Raises:
        UnreadableSignalsError: the index is no time, or a column is no number.
    """
    index = signals.index
    if isinstance(index.dtype, pd.ArrowDtype) and index.dtype.kind == "M":
        index = pd.DatetimeIndex(index)
    if not isinstance(index, pd.DatetimeIndex):
        raise UnreadableSignalsError(
            f"signals are indexed by {index.dtype}, not by time; give the frame a"
            " DatetimeIndex in UTC"
        )
    time_us = index.to_numpy(dtype="datetime64[us]").astype(np.int64)
    absent = np.full(len(signals), np.nan)
    absent.flags.writeable = False
    columns = {name: _numbers(signals, name) if name in signals else absent for name in names}
    present = [name for name in names if columns[name] is not absent]
    impossible = 0
    for name in present:
        columns[name], found = _possible(columns[name], ranges.get(name))
        impossible += found
    undated = unsorted = repeated = 0
    if index.hasnans:
        dated = np.flatnonzero(index.notna())
        undated = len(time_us) - len(dated)
        time_us, columns, absent = _taken(time_us, columns, present, absent, dated)
    steps_us = np.diff(time_us)
    if len(steps_us) and steps_us.min() <= 0:
        unsorted = int(np.count_nonzero(steps_us < 0))
        order = np.argsort(time_us, kind="stable")
        time_us, columns, absent = _taken(time_us, columns, present, absent, order)
        last = np.append(np.diff(time_us) != 0, True)
        repeated = len(time_us) - int(np.count_nonzero(last))
        if repeated:
            for name in present:
                columns[name] = _last_said(columns[name], last)
            time_us, columns, absent = _taken(
                time_us, columns, present, absent, np.flatnonzero(last)
            )
    return Rows(
        time_us=time_us,
        columns=columns,
        undated=undated,
        unsorted=unsorted,
        repeated=repeated,
        impossible_values=impossible,
    )


def _numbers(signals: pd.DataFrame, name: str) -> NDArray[np.float64]:
    column = signals[name]
    if isinstance(column, pd.DataFrame):
        raise UnreadableSignalsError(f"the column {name} is there {column.shape[1]} times")
    try:
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise UnreadableSignalsError(
            f"the column {name} is {column.dtype}, not numbers ({error}); give it in the"
            " catalogue's unit, without unit signs and with a decimal point"
        ) from error


def _possible(
    values: NDArray[np.float64], span: tuple[float, float] | None
) -> tuple[NDArray[np.float64], int]:
    """The values with impossible ones made NaN, and how many these were."""
    if span is None:
        impossible = np.isinf(values)
    else:
        impossible = (values < span[0]) | (values > span[1])
        if span == (0, 1):
            # A switch; J1939 says 2 for an error and 3 for not available.
            impossible |= (values > 0) & (values < 1)
    found = int(np.count_nonzero(impossible))
    return (np.where(impossible, np.nan, values), found) if found else (values, 0)


def _taken(
    time_us: NDArray[np.int64],
    columns: dict[str, NDArray[np.float64]],
    present: Sequence[str],
    absent: NDArray[np.float64],
    rows: NDArray[np.intp],
) -> tuple[NDArray[np.int64], dict[str, NDArray[np.float64]], NDArray[np.float64]]:
    """Time and columns of these rows, in their order."""
    there, absent = set(present), absent[: len(rows)]
    taken = {n: column[rows] if n in there else absent for n, column in columns.items()}
    return time_us[rows], taken, absent


def _last_said(values: NDArray[np.float64], last: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Each time's last row, given what the latest of its rows said that said anything."""
    silent = last & np.isnan(values)
    if not silent.any():
        return values
    known = np.maximum.accumulate(np.where(np.isnan(values), -1, np.arange(len(values))))
    time: NDArray[np.intp] = np.cumsum(last) - last  # the number of the row's time
    found = silent & (known >= 0) & (time[known] == time)
    return np.where(found, values[known], values)
