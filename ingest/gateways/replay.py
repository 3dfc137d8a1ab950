"""A recorded file becomes the messages its vehicle would have sent.

Rows are put in order of time and those that repeat a time are left out (loggers write them). What
is no number is absent, and counted. Nothing is invented between the rows.
"""

from __future__ import annotations

import gzip
import warnings
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ingest.clock import as_microseconds, as_time
from ingest.errors import ReplayError
from schemas.vin import check_vin
from schemas.wire import Message, make_block

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from ingest.gateways.mapping import Mapping
    from schemas.catalogue import Catalogue

FRAMES_PER_MESSAGE = 60
"""The usual number of frames in a message."""

LONGEST_S = 100 * 365.25 * 86_400
"""A clock that shows more elapsed time than a hundred years is broken [s]."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Recording:
    """A file in the catalogue's terms.

    Attributes:
        times_us: (n,) strictly increasing, microseconds since 1970 UTC.
        table: (n, signals) in the catalogue's units, NaN absent.
        skipped: rows left out because they had no time, repeated one, or held no value.
        unreadable: cells that hold something, but no number; they are absent.
    """

    mapping: Mapping
    times_us: NDArray[np.int64]
    table: NDArray[np.float64]
    skipped: int
    unreadable: int

    @property
    def start(self) -> datetime:
        """The first row's time."""
        return as_time(int(self.times_us[0]))

    @property
    def duration(self) -> timedelta:
        """From the first row to the last."""
        return timedelta(microseconds=int(self.times_us[-1] - self.times_us[0]))


def read(path: Path, mapping: Mapping, start: datetime | None = None) -> Recording:
    """Read a CSV (also .csv.gz) or Parquet file.

    Args:
        path: the file.
        mapping: which of its columns is what.
        start: when the recording begins; None: so that it ends now. Where the file has times of
            its own they are kept, and a start is refused.

    Raises:
        ReplayError: the file cannot be read, lacks a column, or has no row to send.
    """
    wanted = [
        mapping.time.column,
        *mapping.time.restarts_with,
        *(column.column for column in mapping.columns),
    ]
    rows = _read_columns(path, list(dict.fromkeys(wanted)), mapping)
    clock = _microseconds(rows, mapping, path)
    timed = clock.notna()
    if not timed.any():
        raise ReplayError(
            f"{path}: no row has a time that can be read in column {mapping.time.column}."
        )
    values, unreadable = _values(rows[timed], mapping, path)
    full = ~np.isnan(values).all(axis=1)
    values = values[full]
    # Of rows that share a time, the first; sorted by it.
    clock_us = np.asarray(clock[timed], dtype=np.int64)[full]
    first = np.unique(clock_us, return_index=True)[1]
    times_us = clock_us[first]
    if mapping.time.kind == "elapsed_s":
        length = timedelta(microseconds=int(times_us[-1] - times_us[0]))
        begin = start if start is not None else datetime.now(tz=UTC) - length
        if begin.tzinfo is None:
            raise ReplayError(f"Start {begin} has no time zone: add one, such as Z or +08:00.")
        times_us = times_us + (as_microseconds(begin) - times_us[0])
    elif start is not None:
        raise ReplayError(f"{path} has times of its own: leave the start away.")
    return Recording(
        mapping=mapping,
        times_us=times_us,
        table=values[first],
        skipped=len(rows) - len(times_us),
        unreadable=unreadable,
    )


def messages(
    recording: Recording,
    vin: str,
    catalogue: Catalogue,
    frames_per_message: int = FRAMES_PER_MESSAGE,
) -> Iterator[Message]:
    """The messages in which the vehicle would have sent the recording.

    Raises:
        VinError: the VIN is none.
    """
    check_vin(vin)
    ids = [column.signal.id for column in recording.mapping.columns]
    for first in range(0, len(recording.times_us), frames_per_message):
        rows = slice(first, first + frames_per_message)
        yield Message(
            vin=vin,
            catalogue_version=catalogue.version,
            blocks=(make_block(catalogue, ids, recording.times_us[rows], recording.table[rows]),),
            events=(),
        )


def _read_columns(path: Path, wanted: list[str], mapping: Mapping) -> pd.DataFrame:
    if not path.is_file():
        raise ReplayError(f"There is no file {path}.")
    try:
        rows = pd.read_parquet(path) if path.suffix == ".parquet" else _read_csv(path)
    except (OSError, ValueError, EOFError, zlib.error, NotImplementedError) as error:
        raise ReplayError(f"{path} cannot be read as CSV or Parquet: {error}") from error
    missing = [column for column in wanted if column not in rows.columns]
    if missing:
        raise ReplayError(
            f"{path} has no column {', '.join(missing)}, which mapping {mapping.name} wants; it "
            f"has {', '.join(map(str, rows.columns[:40]))}."
        )
    return rows[wanted]


def _read_csv(path: Path) -> pd.DataFrame:
    """Where semicolons part the columns, as in half of Europe, the decimal sign is a comma."""
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
        head = file.readline()
    separator, decimal = (";", ",") if head.count(b";") > head.count(b",") else (",", ".")
    with warnings.catch_warnings():
        # Rows with more cells than the header: which cell is which is a guess.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        try:
            return pd.read_csv(
                path, low_memory=False, index_col=False, sep=separator, decimal=decimal
            )
        except pd.errors.ParserWarning as warning:
            raise ValueError(str(warning)) from warning


def _values(rows: pd.DataFrame, mapping: Mapping, path: Path) -> tuple[NDArray[np.float64], int]:
    """The signals' values in the catalogue's units, and how many cells are no number."""
    columns, unreadable = [], 0
    for mapped in mapping.columns:
        cells = rows[mapped.column]
        numbers = pd.to_numeric(cells, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
        wrong = np.isnan(numbers) & cells.notna().to_numpy()
        if wrong.any() and np.isnan(numbers).all():
            first = cells[wrong].iloc[0]
            raise ReplayError(
                f"{path}: column {mapped.column} holds no number at all, but such as {first!r}. "
                "Decimal commas or units inside cells? Clean the file first."
            )
        unreadable += int(wrong.sum())
        with np.errstate(over="ignore"):  # what overflows is out of limits, as it was
            columns.append(numbers * mapped.conversion.scale + mapped.conversion.offset)
    values = np.column_stack(columns)
    if np.isnan(values).all():
        raise ReplayError(
            f"{path}: columns {', '.join(c.column for c in mapping.columns)} are empty."
        )
    return values, unreadable


def _microseconds(rows: pd.DataFrame, mapping: Mapping, path: Path) -> pd.Series[int]:
    """Each row's time, absent where it has none: since 1970, or since the first clock began."""
    time = mapping.time
    if time.kind == "timestamp":
        if pd.api.types.is_numeric_dtype(rows[time.column]):
            raise ReplayError(
                f"{path}: column {time.column} holds numbers, no timestamps such as "
                "2026-11-01T08:00:00Z. Seconds from a start are of the kind elapsed_s."
            )
        stamps = pd.to_datetime(rows[time.column], utc=True, errors="coerce", format="mixed")
        since = (stamps - pd.Timestamp(0, tz=UTC)) // pd.Timedelta(microseconds=1)
        return since.astype("Int64")
    elapsed = pd.to_numeric(rows[time.column], errors="coerce").astype("float64")
    elapsed = elapsed.where(elapsed.abs() <= LONGEST_S)
    if time.restarts_with:
        stretch = rows.groupby(list(time.restarts_with), sort=False, dropna=False).ngroup()
        lengths = elapsed.groupby(stretch).agg(["min", "max"])
        span = (lengths["max"] - lengths["min"]).fillna(0.0) + time.pause_s
        begins = span.cumsum().shift(fill_value=0.0) - lengths["min"].fillna(0.0)
        elapsed = elapsed + stretch.map(begins)
    return (elapsed * 1e6).round().astype("Int64")
