"""Rows of a dataset's signals, a vehicle after the other, in pages or in batches of a table.

However much is asked for, a batch of it is in memory at a time. Every one is a question of its own
to the database: a dataset that ends meanwhile breaks its answers off.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import timedelta
from typing import TYPE_CHECKING

import pyarrow as pa

from api import cursors
from api.codes import Code
from api.parameters import from_microseconds, microseconds
from api.problems import invalid
from api.signals import signal_tables

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from datetime import datetime

    from api.services import Services
    from schemas.catalogue import Signal
    from storage.answers import SignalRows

    RowPlace = tuple[str, datetime]
    """A vehicle, and from when on of it."""

    Piece = tuple[str, SignalRows]
    """A vehicle and rows of it."""

MAX_PAGE_VEHICLES = 50
"""Vehicles that a page looks at: where they are silent, it ends early."""

MAX_TABLE_ROWS = 10_000_000
"""Steps of all vehicles of one table; a table's format keeps something in memory of every batch."""


class DatasetRows:
    """The rows that are asked for: of some vehicles, a span in steps."""

    def __init__(
        self,
        services: Services,
        party: int,
        dataset_id: int,
        signals: Sequence[Signal],
        vehicles: Sequence[str],
        start: datetime,
        end: datetime,
        step_s: int,
    ) -> None:
        self._services = services
        self._party = party
        self._dataset_id = dataset_id
        self.signals = signals
        self.vehicles = vehicles
        self.start = start
        self.end = end
        self.step_s = step_s
        self._of_vehicle = signal_tables.schema_of(signals, stepped=True)
        self.schema = pa.schema([pa.field("vehicle", pa.string()), *self._of_vehicle])

    def require_bounds(self) -> None:
        """Refuse a table that is too long.

        Raises:
            ProblemError: 422; it says how long it may be.
        """
        steps = MAX_TABLE_ROWS // max(len(self.vehicles), 1)
        if (self.end - self.start) / timedelta(seconds=self.step_s) <= steps:
            return
        raise invalid(
            "end",
            f"{len(self.vehicles)} vehicles in steps of {self.step_s} s over this span may be more "
            f"than {MAX_TABLE_ROWS:,} rows.",
            f"Ask for {steps * self.step_s} s at a time, by start and end, or for some vehicles.",
            code=Code.SPAN_TOO_LONG,
        )

    def place(self, cursor: str) -> RowPlace | None:
        """Where a page goes on; None: behind the last vehicle.

        Raises:
            ProblemError: 422, it is no cursor of this listing.
        """
        vehicle, time_us, rows = cursors.read_rows_of_vehicle(cursor)
        if rows or not microseconds(self.start) <= time_us <= microseconds(self.end):
            raise invalid(
                "cursor",
                "This cursor lies outside of what is asked for.",
                "Follow the `next` link of the page before, unchanged.",
            )
        time = from_microseconds(time_us)
        if vehicle in self.vehicles:
            return vehicle, time
        # It has left the dataset since: on with the next one.
        return self._next_of(vehicle)

    async def page(self, at: RowPlace | None, limit: int) -> tuple[list[Piece], RowPlace | None]:
        """At most `limit` times from a place on, and the place that comes after them."""
        pieces: list[Piece] = []
        for _ in range(MAX_PAGE_VEHICLES):
            if at is None or limit == 0:
                break
            rows = await self._read(at, limit)
            if len(rows.times_us):
                pieces.append((at[0], rows))
            limit -= len(rows.times_us)
            at = self._after(at, rows, is_whole=limit > 0)
        return pieces, at

    async def batches(self, at: RowPlace | None) -> AsyncIterator[pa.RecordBatch]:
        """All from a place on, in batches of a size that is worth writing."""
        pieces: list[Piece] = []
        count = 0
        while at is not None:
            rows = await self._read(at, signal_tables.BATCH - count)
            if len(rows.times_us):
                pieces.append((at[0], rows))
            count += len(rows.times_us)
            at = self._after(at, rows, is_whole=count < signal_tables.BATCH)
            if count == signal_tables.BATCH:
                yield self.batch(pieces)
                pieces, count = [], 0
        if pieces:
            yield self.batch(pieces)

    def batch(self, pieces: list[Piece]) -> pa.RecordBatch:
        """Some vehicles' rows as one batch of the table."""
        batches = []
        for vehicle, rows in pieces:
            count = len(rows.times_us)
            found = signal_tables.batch(self._of_vehicle, self.signals, rows, count)
            batches.append(
                pa.RecordBatch.from_arrays(
                    [pa.repeat(pa.scalar(vehicle), count), *found.columns], schema=self.schema
                )
            )
        if not batches:
            return pa.RecordBatch.from_pylist([], schema=self.schema)
        return pa.concat_batches(batches)

    async def _read(self, at: RowPlace, limit: int) -> SignalRows:
        return await self._services.datasets.signals(
            self._party,
            self._dataset_id,
            at[0],
            [signal.name for signal in self.signals],
            start=at[1],
            stop=self.end,
            step_s=self.step_s,
            limit=limit,
        )

    def _after(self, at: RowPlace, rows: SignalRows, *, is_whole: bool) -> RowPlace | None:
        """The place after rows: in the same vehicle, or, where they were its last, in the next."""
        if not is_whole:
            step = timedelta(seconds=self.step_s)
            return at[0], from_microseconds(int(rows.times_us[-1])) + step
        return self._next_of(at[0])

    def _next_of(self, vehicle: str) -> RowPlace | None:
        following = bisect_right(self.vehicles, vehicle)
        return (self.vehicles[following], self.start) if following < len(self.vehicles) else None
