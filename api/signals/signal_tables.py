"""Signals over time as a table: a row a time, a column a signal, each with its unit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from api.parameters import from_microseconds
from api.zones import UTC_NAME, column_type
from schemas.catalogue import Kind, Signal, ValueType

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
    from datetime import datetime

    from numpy.typing import NDArray

    from storage.answers import SignalRows

BATCH = 20_000
"""Times a batch: with 20 signals and their extremes some 5 MB."""


def has_extremes(signal: Signal) -> bool:
    """Whether a step of the signal has a lowest and a highest value beside its mean."""
    return signal.kind is Kind.SAMPLE and signal.type is not ValueType.BOOLEAN


def schema_of(signals: Sequence[Signal], *, stepped: bool, zone: str = UTC_NAME) -> pa.Schema:
    """`time`, then each signal; with steps `<name>_min` and `<name>_max` beside it."""
    fields = [pa.field("time", column_type(zone))]
    for signal in signals:
        metadata = {
            "unit": signal.unit,
            "path": signal.path,
            "description": signal.description_en,
        }
        kind = pa.float64() if signal.wide else pa.float32()
        ends = ("", "_min", "_max") if stepped and has_extremes(signal) else ("",)
        fields += [pa.field(signal.name + end, kind, metadata=metadata) for end in ends]
    return pa.schema(fields)


async def batches(
    signals: Sequence[Signal],
    first: SignalRows,
    limit: int | None,
    read: Callable[[datetime, int], Awaitable[SignalRows]],
    schema: pa.Schema,
) -> AsyncIterator[pa.RecordBatch]:
    """The rows of a span, read a batch at a time.

    Args:
        signals: the columns.
        first: the rows at its beginning.
        limit: so many of `first` are all that is wanted; None: the whole span.
        read: reads at most so many rows that follow one of a time.
        schema: of the table.
    """
    rows = first
    while True:
        count = len(rows.times_us) if limit is None else min(limit, len(rows.times_us))
        yield batch(schema, signals, rows, count)
        if limit is not None or count == 0:
            return
        rows = await read(from_microseconds(int(rows.times_us[-1])), BATCH)


def batch(
    schema: pa.Schema, signals: Sequence[Signal], rows: SignalRows, count: int
) -> pa.RecordBatch:
    """The first `count` rows."""
    times = pa.array(rows.times_us[:count].view("datetime64[us]"))
    arrays = [times.cast(schema.field("time").type)]
    for place, signal in enumerate(signals):
        matrices: list[NDArray[np.float64]] = [rows.values]
        if has_extremes(signal) and rows.minima is not None and rows.maxima is not None:
            matrices += [rows.minima, rows.maxima]
        for matrix in matrices:
            column = matrix[:count, place].astype(np.float64 if signal.wide else np.float32)
            arrays.append(pa.array(column, mask=np.isnan(column)))
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
