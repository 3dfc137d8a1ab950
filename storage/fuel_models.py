"""Models of fuel: what they are learnt from, where they are kept, and which one is used.

A model is kept with the days it was trained on, the code's version, how well it did, and a checksum
of its body. One of a kind is active; rolling back makes an older one active again.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from psycopg import ClientCursor, sql
from psycopg.types.json import Jsonb

from storage.binary_copy import HEADER, POSTGRES_EPOCH_US, TRAILER
from storage.errors import StorageError, refusal_of
from storage.fuel import WEEK, touch_weeks
from storage.queries import query

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from storage.connection import Connection

SEGMENTS = "segments"
"""The kind of model that says what a segment of road needs."""

REDONE_WEEKS = 4
"""Weeks that are worked up again with another model, the present one among them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FuelModel:
    """A model that is kept."""

    model_id: int
    kind: str
    created_at: datetime
    data_from: date | None
    data_to: date | None
    code_version: str
    note: str | None
    metrics: Mapping[str, Any]
    reference: Mapping[str, Any]
    checksum: str
    size: int
    """Of its body, bytes."""
    active: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingData:
    """Which days something is learnt from; None: from the first, to the last there is."""

    first: date | None = None
    last: date | None = None

    @property
    def wanted(self) -> dict[str, Any]:
        """As statements take it."""
        return {"first": self.first, "last": self.last}


def models(connection: Connection, kind: str = SEGMENTS) -> list[FuelModel]:
    """All models of a kind, the newest first."""
    return [FuelModel(**row) for row in _rows(connection, "fuel_models", kind)]


def active_id(connection: Connection, kind: str = SEGMENTS) -> int | None:
    """The number of the model that is used, None where none is."""
    row = connection.execute(query("active_fuel_model_id"), {"kind": kind}).fetchone()
    return row[0] if row else None


def active(connection: Connection, kind: str = SEGMENTS) -> tuple[FuelModel, bytes] | None:
    """The model that is used with its body, as it is stored; None where none is."""
    for row in _rows(connection, "active_fuel_model", kind):
        body = bytes(row.pop("body"))
        return FuelModel(**row), body
    return None


def body_of(connection: Connection, model_id: int, kind: str = SEGMENTS) -> tuple[bytes, str]:
    """A model itself, and the checksum it was stored with.

    Raises:
        StorageError: there is no such model.
    """
    wanted = {"kind": kind, "model_id": model_id}
    row = connection.execute(query("fuel_model_body"), wanted).fetchone()
    if row is None:
        known = ", ".join(str(model.model_id) for model in models(connection, kind)) or "none"
        raise StorageError(
            f"There is no model {model_id}: there are {known} (`telemetry train fuel --list`)."
        )
    return bytes(row[0]), row[1]


def store_model(
    connection: Connection,
    body: bytes,
    *,
    kind: str = SEGMENTS,
    data: tuple[date, date] | None,
    code_version: str,
    metrics: Mapping[str, Any],
    reference: Mapping[str, Any],
    note: str | None = None,
) -> int:
    """Keep a model and use it: the last weeks of all vehicles wait again.

    Args:
        connection: an autocommit connection.
        body: the model itself.
        kind: what it says.
        data: first and last day it was trained on.
        code_version: of the code that trained it.
        metrics: how well it did.
        reference: what a good vehicle and driver need.
        note: what somebody wants to remember.

    Returns:
        Its number.

    Raises:
        StorageError: the database refuses it; the model before is still used.
    """
    with refusal_of("a model of fuel"), connection.transaction():
        connection.execute(query("lock_fuel_models"))
        connection.execute(query("retire_fuel_model"), {"kind": kind})
        row = connection.execute(
            query("store_fuel_model"),
            {
                "kind": kind,
                "data_from": data[0] if data else None,
                "data_to": data[1] if data else None,
                "code_version": code_version,
                "note": note,
                "metrics": Jsonb(metrics),
                "reference": Jsonb(reference),
                "checksum": hashlib.sha256(body).hexdigest(),
                "body": body,
            },
        ).fetchone()
        _redo_last_weeks(connection)
    if row is None:  # pragma: no cover - an INSERT that RETURNS gives a row
        raise StorageError("The database did not say the model's number.")
    return int(row[0])


def use(connection: Connection, model_id: int, kind: str = SEGMENTS) -> None:
    """Use an older model, or a newer one, again: the last weeks of all vehicles wait again.

    Raises:
        StorageError: there is no such model; the one before is still used.
    """
    wanted = {"kind": kind, "model_id": model_id}
    body_of(connection, model_id, kind)
    with connection.transaction():
        connection.execute(query("lock_fuel_models"))
        connection.execute(query("retire_fuel_model"), wanted)
        connection.execute(query("activate_fuel_model"), wanted)
        _redo_last_weeks(connection)


def _redo_last_weeks(connection: Connection) -> None:
    today = datetime.now().date()  # noqa: DTZ005 - a Monday more or less makes no difference
    touch_weeks(connection, today - today.weekday() * (WEEK / 7) - (REDONE_WEEKS - 1) * WEEK)


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
    """How much there is to learn from: vehicle, vehicle_class, segments; by vehicle."""
    rows = connection.execute(
        query("vehicles_with_segments"), data.wanted | {"layout_version": layout_version}
    ).fetchall()
    return pd.DataFrame(rows, columns=["vehicle", "vehicle_class", "segments"])


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
        vehicle (int64), start_time (UTC), and the columns (float32: no sensor knows more digits,
        and it is half the memory).
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
    return frame


def _rows(connection: Connection, name: str, kind: str) -> list[dict[str, Any]]:
    cursor = connection.execute(query(name), {"kind": kind})
    names = [column.name for column in cursor.description or ()]
    names[names.index("octet_length")] = "size"
    return [dict(zip(names, row, strict=True)) for row in cursor]
