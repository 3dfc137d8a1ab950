"""However many vehicles a table has, a batch of them is in memory, and every row is there once."""

from __future__ import annotations

import asyncio
import weakref
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest

from api.datasets.rows import MAX_TABLE_ROWS, DatasetRows
from api.parameters import from_microseconds, microseconds
from api.problems import ProblemError
from api.signals.signal_tables import BATCH
from schemas import catalogue
from storage.answers import SignalRows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from api.services import Services

START = datetime(2026, 10, 20, tzinfo=UTC)
SIGNALS = [catalogue.default().resolve(name) for name in ("wheel_speed", "odometer")]


class Vehicles:
    """Vehicles that told so many steps of a second from START on; notes what is still in use."""

    def __init__(self, steps: dict[str, int]) -> None:
        self.steps = steps
        self.read = 0
        self.most_in_use = 0
        self._given: list[weakref.ref[Any]] = []

    async def signals(
        self, _party: int, _dataset: int, vehicle: str, names: Sequence[str], **asked: Any
    ) -> SignalRows:
        begins_us = microseconds(asked["start"])
        last_us = microseconds(START) + self.steps[vehicle] * 1_000_000
        times_us = np.arange(begins_us, last_us, 1_000_000)[: asked["limit"]]
        values = np.ones((len(times_us), len(names)))
        self._given = [one for one in self._given if one() is not None]
        self._given.append(weakref.ref(values))
        self.read += len(times_us)
        self.most_in_use = max(self.most_in_use, sum(map(self._rows, self._given)))
        return SignalRows(times_us=times_us, values=values, minima=values, maxima=values)

    @staticmethod
    def _rows(given: weakref.ref[Any]) -> int:
        values = given()
        return 0 if values is None else len(values)


def rows_of(vehicles: Vehicles, span: timedelta = timedelta(days=1)) -> DatasetRows:
    services = cast("Services", SimpleNamespace(datasets=vehicles))
    names = sorted(vehicles.steps)
    return DatasetRows(services, 1, 1, SIGNALS, names, START, START + span, 1)


def test_a_table_of_many_vehicles_is_read_as_it_is_sent() -> None:
    # Many that fill no batch, one that fills several, some that are silent.
    steps = {f"{number:03}": 700 * (number % 3) for number in range(300)} | {"500": 3 * BATCH}
    vehicles = Vehicles(steps)
    rows = rows_of(vehicles)

    async def counted() -> dict[str, int]:
        sent, found = 0, dict.fromkeys(steps, 0)
        async for batch in rows.batches((rows.vehicles[0], rows.start)):
            assert batch.schema == rows.schema
            assert 0 < batch.num_rows <= BATCH
            sent += batch.num_rows
            assert vehicles.read == sent  # nothing is read ahead
            for vehicle in batch.column("vehicle").to_pylist():
                found[vehicle] += 1
        return found

    assert asyncio.run(counted()) == steps
    # That of the batch before goes when the next one is there.
    assert vehicles.most_in_use <= 2 * BATCH


@pytest.mark.parametrize("limit", [1, 7, 100, 10_000])
def test_pages_hold_every_row_once(limit: int) -> None:
    steps = {f"{number:02}": 5 * (number % 3) for number in range(60)}
    rows = rows_of(Vehicles(steps))

    async def counted() -> dict[str, int]:
        found = dict.fromkeys(steps, 0)
        at: tuple[str, datetime] | None = (rows.vehicles[0], rows.start)
        while at is not None:
            pieces, at = await rows.page(at, limit)
            assert sum(len(piece.times_us) for _, piece in pieces) <= limit
            for vehicle, piece in pieces:
                expected = START + found[vehicle] * timedelta(seconds=1)
                assert from_microseconds(int(piece.times_us[0])) == expected
                found[vehicle] += len(piece.times_us)
        return found

    assert asyncio.run(counted()) == steps


def test_a_table_has_bounds() -> None:
    vehicles = Vehicles({f"{number:03}": 0 for number in range(100)})
    fits = timedelta(seconds=MAX_TABLE_ROWS // 100)
    rows_of(vehicles, fits).require_bounds()
    with pytest.raises(ProblemError) as refusal:
        rows_of(vehicles, fits + timedelta(seconds=1)).require_bounds()
    assert f"{MAX_TABLE_ROWS // 100} s at a time" in refusal.value.way_out
