"""Writers that work at the same time on the same vehicles never lock each other up."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from storage.batch import Batch, CountKey, DriverChangeRow, RefusedValue
from tests.samples.storage_samples import (
    DAY_US,
    SECOND_US,
    SMALL,
    TODAY_US,
    group_rows,
    moment,
    rows_table,
    stored,
)
from tests.servers.database_fixture import open_writer

if TYPE_CHECKING:
    from tests.servers.database_fixture import Migrated

WRITERS = 3
BATCHES = 12
VEHICLES = 30
ROWS = 6


def batch(number: int, first_vehicle: int, shift_us: int, order: np.random.Generator) -> Batch:
    """Rows and events of all vehicles, in an order of the writer's own."""
    start_us = TODAY_US - WRITERS * DAY_US + number * 60 * SECOND_US + shift_us
    vehicles = [first_vehicle + int(v) for v in order.permutation(VEHICLES)]
    keys = [(v, start_us + s * SECOND_US) for v in vehicles for s in range(ROWS)]
    order.shuffle(keys)
    groups = [
        group_rows("motion", [(v, t, {"speed": 1, "odometer": t}) for v, t in keys]),
        group_rows("counters", [(v, t, {"mode": 2}) for v, t in keys]),
    ]
    order.shuffle(groups)
    at = moment(start_us)
    return Batch(
        groups=tuple(groups),
        driver_changes=tuple(
            DriverChangeRow(vehicle_id=v, time=moment(t), slot=1, card_id=f"card {v}")
            for v, t in keys
        ),
        refused_values=tuple(
            RefusedValue(vehicle_id=v, time=at, signal_id=1, value=1e9) for v in vehicles
        ),
        counts={CountKey("frames", 0, "messages"): 1},
    )


@pytest.mark.parametrize(
    ("shift_us", "with_rows"),
    [(0, True), (0, False), (1, True), (DAY_US, True)],
    ids=["the same rows", "the same events", "the same days", "the same vehicles"],
)
def test_no_deadlock_and_nothing_lost_or_doubled(
    small: Migrated, vehicle: int, shift_us: int, *, with_rows: bool
) -> None:
    tables = ", ".join(rows_table(small.connection, group) for group in ("motion", "counters"))
    small.connection.execute(f"TRUNCATE ingest_count, {tables}, touched_day".encode())
    writers = [open_writer(small, refused_values_kept=40) for _ in range(WRITERS)]

    def work(place: int) -> None:
        order = np.random.default_rng(place)
        for number in range(BATCHES):
            made = batch(number, vehicle, place * shift_us, order)
            writers[place].write(made if with_rows else replace(made, groups=()))

    with ThreadPoolExecutor(max_workers=WRITERS) as pool:
        futures = [pool.submit(work, place) for place in range(WRITERS)]
    for writer in writers:
        writer.close()
    for future in futures:
        future.result()  # a deadlock would come out of here as psycopg.errors.DeadlockDetected
    sent = VEHICLES * ROWS * BATCHES if with_rows else 0
    for group in SMALL.groups:
        assert len(stored(small.connection, group)) == (WRITERS * sent if shift_us else sent)
    rows = small.connection.execute(
        "SELECT measure, key, sum(count) FROM ingest_count GROUP BY 1, 2"
    )
    again = dict.fromkeys(SMALL.groups, (WRITERS - 1) * sent) if sent and not shift_us else {}
    assert {(measure, key): int(total) for measure, key, total in rows} == {
        ("messages", ""): WRITERS * BATCHES,
        **{("repeated", group): count for group, count in again.items()},
    }
    # Every batch touches each of its vehicles' days once; and a later day again, if its cards are
    # news of that day, too.
    touches = small.connection.execute("SELECT coalesce(sum(touched), 0) FROM touched_day")
    (touched,) = touches.fetchone() or (None,)
    least = WRITERS * BATCHES * VEHICLES if with_rows else 0
    assert touched >= least if shift_us == DAY_US else touched == least
