"""The tables of an export, and what the registry's features are made from among them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from analytics.fuel.segments import SEGMENT_COLUMNS, SEGMENTS_VERSION
from analytics.metrics import SUMS
from storage.export_rows import EVENTS, TIME, TRIPS, VEHICLE, Driven, described

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "DRIVEN",
    "EVENTS",
    "PARTS",
    "SEGMENTS",
    "SIGNALS",
    "TRIPS",
    "VEHICLES",
    "VEHICLES_FILE",
]

SIGNALS = "signals"

VEHICLES_FILE = "vehicles.parquet"
"""Where an export tells who is in it."""

VEHICLES = pa.schema(
    [VEHICLE, pa.field("vehicle_class", pa.string()), pa.field("model", pa.string())]
)
"""What is told of a vehicle; class and model are absent where they would give it away."""

_START = described("start_time", TIME.type, "When it began.")
_END = described("end_time", TIME.type, "When it ended.")

PARTS = Driven(
    name="parts",
    stored="trip_part",
    schema=pa.schema(
        [
            VEHICLE,
            _START,
            _END,
            *(described(name, pa.float64(), "A sum (analytics.metrics.SUMS).") for name in SUMS),
        ]
    ),
    exact={"start_time": "one.part_start"},
    start="one.part_start",
)
"""Sums of the parts of trips."""

_SEGMENT_END = "one.start_time + make_interval(secs => one.cells[1])"

SEGMENTS = Driven(
    name="segments",
    stored="fuel_segment",
    schema=pa.schema(
        [
            VEHICLE,
            _START,
            _END,
            *(
                described(name, pa.float64(), "Of a segment (analytics.fuel.segments).")
                for name in SEGMENT_COLUMNS
            ),
        ]
    ),
    exact={
        "end_time": _SEGMENT_END,
        **{name: f"one.cells[{place}]" for place, name in enumerate(SEGMENT_COLUMNS, start=1)},
    },
    end=_SEGMENT_END,
    where=f"one.layout_version = {SEGMENTS_VERSION}",
)
"""Stretches of road, whose first cell is how long they took."""

DRIVEN: Mapping[str, Driven] = {table.name: table for table in (TRIPS, EVENTS, PARTS, SEGMENTS)}
"""All but signals, by name."""
