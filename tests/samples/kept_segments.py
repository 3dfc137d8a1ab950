"""Segments of vehicles in a database, as analysis keeps them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analytics.fuel.calibration import STAT_CELLS, STATS_VERSION
from analytics.fuel.segments import SEGMENT_COLUMNS, SEGMENTS_VERSION
from tests.samples.fuel_segments import MONDAY, segments

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from storage.connection import Connection

EACH = 50
"""Segments of a vehicle and day."""
LEARNT = MONDAY.date()
"""The week models learn from: its first two days."""


def drive(connection: Connection, numbers: Sequence[int], day: date, **changed: float) -> None:
    """Keep a day's segments, as analysis does.

    Args:
        connection: to the database.
        numbers: of the vehicles.
        day: which day.
        changed: added to columns.
    """
    rows = segments(len(numbers), EACH, seed=day.toordinal()).astype({"fuel_l": float})
    for name, more in changed.items():
        rows[name] += more
    vehicle = np.repeat(list(numbers), EACH)
    start = rows["start_time"] + pd.Timedelta(days=(day - LEARNT).days)
    cells = rows[list(SEGMENT_COLUMNS)].to_numpy(float).tolist()
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO fuel_segment VALUES (%s, %s, %s, %s, %s)",
            [
                (int(number), day, time, cell, SEGMENTS_VERSION)
                for number, time, cell in zip(vehicle, start, cells, strict=True)
            ],
        )
        cursor.executemany(
            "INSERT INTO fuel_stats VALUES (%s, %s, %s, %s)",
            [(number, day, [0.0] * STAT_CELLS, STATS_VERSION) for number in numbers],
        )
        cursor.executemany(
            "INSERT INTO touched_fuel_week (vehicle_id, week, worked) VALUES (%s, %s, 1)"
            " ON CONFLICT DO NOTHING",
            [(number, day - timedelta(days=day.weekday())) for number in numbers],
        )
