"""What a model of fuel is learnt from: segments of road and sums of days, as analysis kept them.

The models themselves are kept in `storage.models`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from psycopg import ClientCursor, sql

from storage.binary_copy import HEADER, POSTGRES_EPOCH_US, TRAILER
from storage.queries import query

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from numpy.typing import NDArray

    from storage.connection import Connection

DAY_US = 86_400_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingData:
    """Which days something is learnt from; None: from the first, to the last there is."""

    first: date | None = None
    last: date | None = None

    @property
    def wanted(self) -> dict[str, Any]:
        """As statements take it."""
        return {"first": self.first, "last": self.last}


def stats_of_vehicles(
    connection: Connection, data: TrainingData, *, stats_version: int
) -> pd.DataFrame:
    """Sums of vehicles over all their days: vehicle, vin, vehicle_class, stats ((cells,) a row)."""
    sums: dict[int, NDArray[np.float64]] = {}
    who: dict[int, tuple[str, str]] = {}
    wanted = data.wanted | {"stats_version": stats_version}
    with connection.transaction(), connection.cursor("fuel_stats") as cursor:
        cursor.itersize = 100
        for vehicle, vin, vehicle_class, stats in cursor.execute(
            query("fuel_stats_of_vehicles"), wanted, binary=True
        ):
            cells = np.array(stats, dtype=np.float64)
            sums[vehicle] = sums[vehicle] + cells if vehicle in sums else cells
            who[vehicle] = (vin, vehicle_class)
    return pd.DataFrame(
        {
            "vehicle": list(sums),
            "vin": [vin for vin, _ in who.values()],
            "vehicle_class": [vehicle_class for _, vehicle_class in who.values()],
            "stats": list(sums.values()),
        }
    )


def data_span(
    connection: Connection, data: TrainingData, *, layout_version: int
) -> tuple[date, date] | None:
    """The first and last day there are segments of."""
    row = connection.execute(
        query("fuel_data_span"), data.wanted | {"layout_version": layout_version}
    ).fetchone()
    return None if row is None or row[0] is None else (row[0], row[1])


def vehicles_with_segments(
    connection: Connection, data: TrainingData, *, layout_version: int
) -> pd.DataFrame:
    """How much there is to learn from: vehicle, vehicle_class, region, segments; by vehicle."""
    rows = connection.execute(
        query("vehicles_with_segments"), data.wanted | {"layout_version": layout_version}
    ).fetchall()
    return pd.DataFrame(rows, columns=["vehicle", "vehicle_class", "region", "segments"])


def read_segments(
    connection: Connection,
    vehicles: Sequence[int],
    data: TrainingData,
    *,
    columns: Sequence[str],
    layout_version: int,
) -> pd.DataFrame:
    """Segments of some vehicles, by vehicle and time.

    Returns:
        vehicle (int64), start_time (UTC), day (local, datetime64) and the
        columns (float32: no sensor knows more digits, and it is half the memory).
    """
    number, length = len(columns), ">i4"
    # An array: dimensions, whether something is absent, its elements' type, then size and origin of
    # its one dimension, and the elements; [PostgreSQL, array_send].
    record = np.dtype(
        [
            ("fields", ">i2"),
            ("length 1", length),
            ("vehicle", ">i8"),
            ("length 2", length),
            ("start_time", ">i8"),
            ("length 3", length),
            ("day", ">i4"),
            ("length 4", length),
            ("head", "V20"),
            ("cells", [("length", length), ("value", ">f8")], (number,)),
        ]
    )
    copy_out = sql.SQL("COPY ({}) TO STDOUT (FORMAT binary)").format(
        sql.SQL(query("fuel_segments"))
    )
    wanted = data.wanted | {
        "vehicle_ids": [int(vehicle) for vehicle in vehicles],
        "layout_version": layout_version,
        "cells": number,
    }
    with ClientCursor(connection) as cursor, cursor.copy(copy_out, wanted) as copy:
        received = b"".join(copy)
    records = np.frombuffer(received[len(HEADER) : -len(TRAILER)], dtype=record)
    times = records["start_time"].astype(np.int64) + POSTGRES_EPOCH_US
    cells = records["cells"]["value"].astype(np.float32)
    frame = pd.DataFrame(cells, columns=list(columns), copy=False)
    frame.insert(0, "vehicle", records["vehicle"].astype(np.int64))
    frame.insert(1, "start_time", pd.DatetimeIndex(times.view("datetime64[us]"), tz="UTC"))
    days = records["day"].astype(np.int64) + POSTGRES_EPOCH_US // DAY_US
    frame.insert(2, "day", days.view("datetime64[D]").astype("datetime64[s]"))
    return frame
