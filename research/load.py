"""Signals, trips, events and features as pandas DataFrames, Arrow underneath.

Every frame has `known_at`: the moment from which on a row was known, which is when its step, trip
or event was over. `research.moments` joins by it. The `each_…` give one frame after another, so
that what is read may be larger than memory.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from analytics.features.registry import computed, find
from research.errors import ExportError
from research.moments import KNOWN_AT
from research.tables import DRIVEN, EVENTS, TRIPS
from storage.export_members import whole_steps
from storage.export_rows import TIME

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from storage.export_rows import Driven

    Span = tuple[datetime, datetime]

ROWS = 1_000_000
"""Rows of a frame, where one comes after another."""


class Source(Protocol):
    """Where rows come from: `research.database.Database` or `research.files.Files`."""

    @property
    def resolution_s(self) -> int:
        """Steps that are read where none are asked for [s]."""

    @property
    def blurred_s(self) -> int:
        """By how much a time of trips and events may lie before the true one [s]."""

    def vehicles(self) -> pa.Table:
        """Who is in it."""

    def signals(
        self, names: Sequence[str], span: Span, vehicles: Sequence[str] | None, resolution_s: int
    ) -> Iterator[pa.Table]:
        """Signals in a span, some at a time."""

    def driven(
        self, table: Driven, span: Span, vehicles: Sequence[str] | None
    ) -> Iterator[pa.Table]:
        """What begins in a span, some at a time."""


def load_vehicles(source: Source) -> pd.DataFrame:
    """Vehicles: what each is called there, its vehicle_class and model (NA where not told)."""
    return _frame(source.vehicles())


def each_signals(
    source: Source,
    signals: Sequence[str],
    start: datetime,
    stop: datetime,
    *,
    vehicles: Sequence[str] | None = None,
    resolution_s: int | None = None,
    rows: int = ROWS,
) -> Iterator[pd.DataFrame]:
    """The frames of `load_signals`, of so many rows each, one after another."""
    step = source.resolution_s if resolution_s is None else resolution_s
    span = whole_steps(_span(start, stop), step)
    tables = source.signals(signals, span, vehicles, step)
    known = (_known(table, table["time"], step) for table in tables)
    return (_frame(table) for table in _chunks(known, rows))


def load_signals(
    source: Source,
    signals: Sequence[str],
    start: datetime,
    stop: datetime,
    *,
    vehicles: Sequence[str] | None = None,
    resolution_s: int | None = None,
) -> pd.DataFrame:
    """Signals of vehicles, all at once.

    Args:
        source: where from.
        signals: by name.
        start: from when on (UTC).
        stop: up to when, which is not in it.
        vehicles: by what they are called there; None: all.
        resolution_s: steps [s], a divisor of a day; 0: each row; None: as the source has them.

    Returns:
        vehicle, time, the signals in the catalogue's units (absent: NA) and known_at, by day,
        vehicle and time.
    """
    tables = each_signals(
        source, signals, start, stop, vehicles=vehicles, resolution_s=resolution_s
    )
    return _all(tables)


def load_trips(
    source: Source,
    start: datetime,
    stop: datetime,
    *,
    vehicles: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Trips that begin in a span: columns of `storage.export_rows.TRIPS`, and known_at."""
    return _all(each_driven(source, TRIPS, start, stop, vehicles=vehicles))


def load_events(
    source: Source,
    start: datetime,
    stop: datetime,
    *,
    vehicles: Sequence[str] | None = None,
    kinds: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Driving events that begin in a span: columns of `storage.export_rows.EVENTS`, and known_at.

    Args:
        source: where from.
        start: from when on (UTC).
        stop: up to when.
        vehicles: None: all.
        kinds: of events, by name; None: all.
    """
    found = _all(each_driven(source, EVENTS, start, stop, vehicles=vehicles))
    if kinds is None:
        return found
    return found[found["kind"].isin([*kinds])].reset_index(drop=True)


def load_features(
    source: Source,
    features: Sequence[str],
    start: datetime,
    stop: datetime,
    *,
    vehicles: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Registered features of the segments, or parts of trips, that begin in a span.

    Args:
        source: where from: of vehicles that may be known.
        features: by key (`analytics.features.registry`), all of segments or all of parts.
        start: from when on (UTC).
        stop: up to when.
        vehicles: None: all.

    Returns:
        vehicle, start_time, end_time, known_at, and a column by each feature's name.

    Raises:
        FeatureError: there is no such feature, or they are of different rows.
    """
    found = find(features)
    frames = each_driven(source, DRIVEN[found[0].of], start, stop, vehicles=vehicles)
    about = ["vehicle", "start_time", "end_time", KNOWN_AT]
    return _all(pd.concat([one[about], computed(found, one)], axis=1) for one in frames)


def each_driven(
    source: Source,
    table: Driven,
    start: datetime,
    stop: datetime,
    *,
    vehicles: Sequence[str] | None = None,
    rows: int = ROWS,
) -> Iterator[pd.DataFrame]:
    """What begins in a span, as frames of so many rows."""
    found = source.driven(table, _span(start, stop), vehicles)
    known = (_known(one, _end(one), source.blurred_s) for one in found)
    return (_frame(one) for one in _chunks(known, rows))


def _span(start: datetime, stop: datetime) -> Span:
    for time in (start, stop):
        if time.tzinfo is None:
            raise ExportError(f"{time} lacks its time zone: give datetime(..., tzinfo=UTC).")
    return start.astimezone(UTC), stop.astimezone(UTC)


def _end(table: pa.Table) -> pa.ChunkedArray:
    if "end_time" in table.column_names:
        return table["end_time"]
    lasted = pc.multiply(table["duration_s"], 1e6).cast(pa.int64(), safe=False)
    return pc.add(table["start_time"], lasted.cast(pa.duration("us")))


def _known(table: pa.Table, time: pa.ChunkedArray, later_s: int) -> pa.Table:
    at = pc.add(time, pa.scalar(timedelta(seconds=later_s), pa.duration("us"))) if later_s else time
    return table.append_column(pa.field(KNOWN_AT, TIME.type), at)


def _chunks(tables: Iterator[pa.Table], rows: int) -> Iterator[pa.Table]:
    """The same rows, so many at a time; one table without rows where there are none."""
    held: list[pa.Table] = []
    waiting = 0
    is_first = True
    for table in tables:
        held.append(table)
        waiting += len(table)
        while waiting >= rows:
            whole = pa.concat_tables(held)
            yield whole.slice(0, rows)
            is_first = False
            held = [whole.slice(rows)]
            waiting -= rows
    if held and (waiting or is_first):
        yield pa.concat_tables(held)


def _frame(table: pa.Table) -> pd.DataFrame:
    return pd.DataFrame(table.to_pandas(types_mapper=pd.ArrowDtype))


def _all(frames: Iterator[pd.DataFrame]) -> pd.DataFrame:
    found = [*frames]
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame()
