"""What the maker reads of all vehicles and of ingest, through `storage.served.Reader`.

Everything is counted by ingest as it goes, but the vehicles themselves, which are gone through.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg.types.json import Jsonb

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from storage.served import Reader


@dataclass(frozen=True, kw_only=True, slots=True)
class FleetCount:
    """So many vehicles are like that."""

    what: str
    """all, model, region, state, catalogue or silent."""
    key: str | None
    """Which; None: not known, or all."""
    vehicles: int


@dataclass(frozen=True, kw_only=True, slots=True)
class QualityCount:
    """How often ingest met something."""

    measure: str
    """As ingest_count has it."""
    key: str
    count: int
    newest_day: date
    vehicles: int | None
    """Of values out of limits: how many vehicles are among those that are kept."""


@dataclass(frozen=True, kw_only=True, slots=True)
class IngestDay:
    """What ingest read and wrote on a day, UTC."""

    day: date
    messages: int
    frames: int
    values: int
    refused: int


@dataclass(frozen=True, kw_only=True, slots=True)
class IngestNow:
    """How ingest stands."""

    written_at: datetime | None
    """When it wrote last; None: never."""
    partitions: int
    slowest_at: datetime | None
    """When it wrote last of the partition of which that is longest ago."""
    days_to_analyse: int
    days_to_roll_up: int
    oldest_day: date | None
    """The oldest day that waits for analysis."""


class OverviewReader:
    """A method for each question of the maker's; any other principal is refused."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def counts(
        self, principal: int, rules: Mapping[str, float], asked_at: datetime
    ) -> list[FleetCount]:
        """Vehicles by model, region, state, silence and catalogue version.

        Raises:
            RefusedError: the principal is not the maker.
        """
        return await self._reader.records(
            FleetCount,
            "served_fleet_counts",
            principal=principal,
            rules=Jsonb(dict(rules)),
            asked_at=asked_at,
        )

    async def quality(self, principal: int, first_day: date) -> list[QualityCount]:
        """What ingest counted since a day, by measure, most first.

        Raises:
            RefusedError: the principal is not the maker.
        """
        return await self._reader.records(
            QualityCount, "served_data_quality", principal=principal, first_day=first_day
        )

    async def days(self, principal: int, first_day: date) -> list[IngestDay]:
        """What ingest did day by day since one, the newest first.

        Raises:
            RefusedError: the principal is not the maker.
        """
        return await self._reader.records(
            IngestDay, "served_ingest_days", principal=principal, first_day=first_day
        )

    async def ingest(self, principal: int) -> IngestNow:
        """How ingest stands.

        Raises:
            RefusedError: the principal is not the maker.
        """
        (found,) = await self._reader.records(IngestNow, "served_ingest_now", principal=principal)
        return found
