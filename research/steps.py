"""Rows into steps, as the database does it: for history that is read from files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from schemas.signal import Kind, ValueType
from storage.export_rows import signals_schema

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.catalogue import Catalogue


def into_steps(
    table: pa.Table, catalogue: Catalogue, names: Sequence[str], resolution_s: int
) -> pa.Table:
    """Sum rows up: means of samples, shares of switches, last of states, highest of counters.

    Args:
        table: vehicle, time and the signals, by vehicle and time, whole steps of each vehicle.
        catalogue: of the signals.
        names: the signals.
        resolution_s: the steps [s], a divisor of a day.
    """
    schema = signals_schema(catalogue, names, resolution_s)
    if not len(table):
        return schema.empty_table()
    us = resolution_s * 1_000_000
    time_us = table["time"].cast(pa.int64())
    step = pc.multiply(pc.divide(time_us, us), us).cast(schema.field("time").type)
    made = pa.table({"vehicle": table["vehicle"], "time": step})
    how = []
    for name in names:
        signal = catalogue.by_name[name]
        values = table[name]
        if signal.type is ValueType.BOOLEAN:
            made, way = made.append_column(name, values.cast(pa.uint8())), "mean"
        else:
            made = made.append_column(name, values)
            way = {Kind.SAMPLE: "mean", Kind.COUNTER: "max"}.get(signal.kind, "last")
        how.append((name, way))
    # In the rows' order: it is what "last" goes by.
    summed = made.group_by(["vehicle", "time"], use_threads=False).aggregate(how)
    return (
        summed.select(["vehicle", "time", *(f"{name}_{way}" for name, way in how)])
        .rename_columns(schema.names)
        .cast(schema)
    )
