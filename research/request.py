"""What is to be exported, and how far an export is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from research.tables import EVENTS, PARTS, SEGMENTS, SIGNALS, TRIPS

if TYPE_CHECKING:
    from datetime import date

    from storage.export_members import Asked


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What is to be exported.

    Attributes:
        asked: for whom and of which vehicles.
        first, last: days (UTC).
        signals: by name, in the order of the columns; none: no signals.
        resolution_s: steps [s]; 0: each row.
        trips, events: whether they are written, too.
        features: whether that is written from which the registry's features are made.
        buckets: None: as many as the vehicles need, or as there are.
        snapshots: never replace a file.
    """

    asked: Asked
    first: date
    last: date
    signals: tuple[str, ...]
    resolution_s: int
    trips: bool = False
    events: bool = False
    features: bool = False
    buckets: int | None = None
    snapshots: bool = False

    @property
    def tables(self) -> tuple[str, ...]:
        """Those that are written."""
        asked = {
            SIGNALS: bool(self.signals),
            TRIPS.name: self.trips,
            EVENTS.name: self.events,
            PARTS.name: self.features,
            SEGMENTS.name: self.features,
        }
        return tuple(table for table, is_asked in asked.items() if is_asked)


@dataclass(kw_only=True)
class Progress:
    """How far an export is."""

    total: int
    """Partitions."""
    done: int = 0
    written: int = 0
    """Of these, those that were written anew."""
    rows: int = 0
    values: int = 0
    """In them."""
