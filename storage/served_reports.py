"""What the API reads of vehicles' reports (rFMS), through `storage.served.Reader`.

A report is there to be read once it has a received time, and received times only grow
(storage/migrations/0003_ingest.sql). What is received before `horizon` never changes: a reader who
goes on from there, or from the last received time it saw, gets every report once.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from storage.answers_reports import Horizon, Report, ReportedVehicle

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from storage.served import Reader


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportKind:
    """Which reports are wanted, of which vehicle, and with what."""

    vin: str | None = None
    """None: of every vehicle that the principal may see."""
    triggers: Sequence[str] | None = None
    """Of one of these trigger types; None: of any."""
    contents: Sequence[str] | None = None
    """With one of the blocks ACCUMULATED, SNAPSHOT and UPTIME; None: with or without."""
    with_position: bool = False
    """Only such as say where the vehicle was."""
    with_counters: bool = False
    """Whether to read the counters too: they are most of a report."""

    def parameters(self) -> dict[str, object]:
        """What a statement on reports takes."""
        lists = {
            name: None if value is None else list(value)
            for name, value in (("triggers", self.triggers), ("contents", self.contents))
        }
        return asdict(self) | lists


class ReportReader:
    """A method for each question about reports.

    Raises UnknownVehicleError where the principal may not see the vehicle that is asked about.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def horizon(self) -> datetime:
        """Up to when, not included, all that was received is there to be read."""
        (found,) = await self._reader.records(Horizon, "served_report_horizon")
        return found.horizon

    async def vehicles(
        self, principal: int, *, after_vin: str, limit: int
    ) -> list[ReportedVehicle]:
        """At most `limit` vehicles that the principal may see, by VIN, after `after_vin`."""
        return await self._reader.records(
            ReportedVehicle,
            "served_rfms_vehicles",
            principal=principal,
            after_vin=after_vin,
            max_rows=limit,
        )

    async def received(
        self,
        principal: int,
        kind: ReportKind,
        *,
        first: datetime,
        before: datetime,
        created_from: datetime | None = None,
        created_before: datetime | None = None,
        limit: int,
    ) -> list[Report]:
        """At most `limit` reports with first <= received < before, in that order.

        Args:
            principal: who asks.
            kind: which reports.
            first: the earliest received time.
            before: before which received time; not after the horizon.
            created_from: likewise of created times; None: from any.
            created_before: None: up to any.
            limit: how many.
        """
        return await self._reader.records(
            Report,
            "served_reports",
            principal=principal,
            first_received=first,
            before_received=before,
            created_from=created_from,
            created_before=created_before,
            max_rows=limit,
            **kind.parameters(),
        )

    async def latest(
        self,
        principal: int,
        kind: ReportKind,
        *,
        after_vin: str,
        by_received: bool,
        before: datetime,
        limit: int,
    ) -> list[Report]:
        """Of each vehicle the latest report, by VIN after `after_vin`, at most `limit`.

        Args:
            principal: who asks.
            kind: which reports.
            after_vin: the VIN after which to go on; "": from the first.
            by_received: the latest is the one received last, not the one created last.
            before: received before this; not after the horizon.
            limit: how many.
        """
        return await self._reader.records(
            Report,
            "served_latest_reports",
            principal=principal,
            after_vin=after_vin,
            by_received=by_received,
            before_received=before,
            max_rows=limit,
            **kind.parameters(),
        )
