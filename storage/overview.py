"""What the database holds, in a few numbers for an operator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from storage.queries import query

if TYPE_CHECKING:
    from datetime import datetime

    from storage.connection import Connection


@dataclass(frozen=True, kw_only=True, slots=True)
class Overview:
    """What an operator asks first."""

    vehicles: int
    trips: int
    last_frame: datetime | None
    """By the vehicles' clocks, UTC."""
    days_to_analyse: int
    counts: dict[tuple[str, str], int]
    """By measure and key, over all days and partitions; see table ingest_count."""


def read(connection: Connection) -> Overview:
    """Count; quick at any size, since nothing here reads a signal table."""
    row = connection.execute(query("overview")).fetchone()
    vehicles, trips, last_frame, days = row or (0, 0, None, 0)
    counts = {(m, k): int(n) for m, k, n in connection.execute(query("ingest_counts"))}
    return Overview(
        vehicles=vehicles,
        trips=trips,
        last_frame=last_frame,
        days_to_analyse=days,
        counts=counts,
    )
