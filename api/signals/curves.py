"""Series to be drawn: of each vehicle's signals so many points at most, for JSON or as a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from api.accesses import noted_vehicle
from api.codes import Code
from api.coordinates import Coordinates, rows_in
from api.problems import Fault, ProblemError, unknown
from api.signals import downsampling
from api.signals.signal_tables import has_extremes
from api.zones import column_type
from schemas.catalogue import Kind, Signal
from storage.served_errors import UnknownVehicleError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from datetime import datetime

    from numpy.typing import NDArray

    from api.services import Services
    from storage.answers import SignalRows

MAX_RAW_S = 200_000
"""Vehicle-seconds that are read row by row: two days of one vehicle, two hours of twenty."""


def unknown_vin(vin: str) -> ProblemError:
    """The one answer for a VIN among several that does not exist or is not the principal's."""
    problem = unknown(Code.UNKNOWN_VEHICLE)
    return ProblemError(
        code=problem.code,
        detail=problem.detail,
        way_out=problem.way_out,
        faults=(Fault(field="vins", reason=f"{vin[:40]!r} is none.", way_out=problem.way_out),),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawn:
    """How each vehicle's signals are to be drawn."""

    start: datetime
    end: datetime
    step_s: int | None
    """None: of the rows, so many points are chosen."""
    clock: str
    """The zone from whose midnights steps are counted; the span lies at whole ones."""
    points: int
    coordinates: Coordinates


class Curves:
    """What is asked of each vehicle."""

    def __init__(
        self, services: Services, party: int, signals: Sequence[Signal], drawn: Drawn
    ) -> None:
        self._services = services
        self._party = party
        self._signals = signals
        self._drawn = drawn

    async def of_vehicle(self, vin: str) -> list[dict[str, Any]]:
        """A vehicle's series, as they are told.

        Raises:
            ProblemError: 404, there is no such vehicle.
        """
        drawn = self._drawn
        try:
            rows = await self._services.vehicles.signals(
                self._party,
                vin,
                [signal.name for signal in self._signals],
                start=drawn.start,
                stop=drawn.end,
                step_s=drawn.step_s,
                limit=MAX_RAW_S + 1,
                zone=drawn.clock,
            )
        except UnknownVehicleError as error:
            raise unknown_vin(vin) from error
        noted_vehicle(vin)
        rows = rows_in(drawn.coordinates, self._signals, rows)
        return [
            {
                "vin": vin,
                "name": signal.name,
                "path": signal.path,
                "unit": signal.unit,
                "kind": signal.kind,
                **self._points_of(signal, place, rows),
            }
            for place, signal in enumerate(self._signals)
        ]

    def _points_of(self, signal: Signal, place: int, rows: SignalRows) -> dict[str, Any]:
        known = np.flatnonzero(~np.isnan(rows.values[:, place]))
        chosen = known
        if self._drawn.step_s is None:
            is_state = signal.kind is Kind.STATE
            chosen = known[
                downsampling.kept(
                    rows.times_us[known],
                    rows.values[known, place],
                    self._drawn.points,
                    is_state=is_state,
                )
            ]

        def column(matrix: NDArray[np.float64]) -> NDArray[Any]:
            precision = np.float64 if signal.wide else np.float32
            return np.ascontiguousarray(matrix[chosen, place], dtype=precision)

        told = {
            "read": len(known),
            "time": rows.times_us[chosen],
            "values": column(rows.values),
        }
        if has_extremes(signal) and rows.minima is not None and rows.maxima is not None:
            told |= {"min": column(rows.minima), "max": column(rows.maxima)}
        return told


def schema_of(zone: str) -> pa.Schema:
    """Of a table of series: a row a point, its time told by a zone's clocks."""
    return pa.schema(
        [
            pa.field("vin", pa.string()),
            pa.field("signal", pa.string()),
            pa.field("unit", pa.string()),
            pa.field("time", column_type(zone)),
            pa.field("value", pa.float64()),
            pa.field("min", pa.float64()),
            pa.field("max", pa.float64()),
        ]
    )


async def batches(
    schema: pa.Schema, curves: Curves, first: list[dict[str, Any]], others: Sequence[str]
) -> AsyncIterator[pa.RecordBatch]:
    """A batch for each series: those of the first vehicle, then of the others as they are read."""
    for curve in first:
        yield _batch(schema, curve)
    for vin in others:
        for curve in await curves.of_vehicle(vin):
            yield _batch(schema, curve)


def _batch(schema: pa.Schema, curve: dict[str, Any]) -> pa.RecordBatch:
    count = len(curve["time"])

    def numbers(name: str) -> pa.Array:
        if name not in curve:
            return pa.nulls(count, pa.float64())
        # A float32 as the double of the same digits, as JSON tells it.
        return pa.array(curve[name]).cast(pa.string()).cast(pa.float64())

    return pa.RecordBatch.from_arrays(
        [
            *(pa.array([curve[name]] * count, pa.string()) for name in ("vin", "name", "unit")),
            pa.array(curve["time"].view("datetime64[us]")).cast(schema.field("time").type),
            *(numbers(name) for name in ("values", "min", "max")),
        ],
        schema=schema,
    )
