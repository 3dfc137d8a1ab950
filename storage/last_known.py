"""A vehicle's latest values, for an ingest worker that has just met the vehicle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.queries import query

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from storage.connection import Connection


def last_known(
    connection: Connection, vehicle_id: int, names: Collection[str]
) -> dict[str, tuple[float, datetime]]:
    """By signal: its latest value and when that was; a signal never seen is left out."""
    rows = connection.execute(
        query("last_known"), {"vehicle_id": vehicle_id, "names": list(names)}
    ).fetchall()
    return {name: (value, time) for name, value, time in rows}
