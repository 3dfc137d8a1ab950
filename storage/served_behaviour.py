"""What the API reads of how vehicles were driven, through `storage.served.Reader`.

The rule on who may know what of drivers is in storage/migrations/0008_served_behaviour.sql, on what
drivers may know of themselves in 0014_own_only.sql, on what is refused in 0020_secrecy.sql.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from storage.answers_behaviour import (
    Counters,
    DrivenTrip,
    Driver,
    DrivingEvent,
    Fleet,
    FleetScore,
    ListedFleet,
    Score,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from storage.served import Reader


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """Which rows of a listing by time are wanted: they start at `start` or later, before `stop`."""

    start: datetime
    stop: datetime
    newest_first: bool
    limit: int
    skipped: int = 0
    """So many of the first are passed over."""

    def parameters(self) -> dict[str, object]:
        """What a statement on a listing by time takes."""
        return {
            "start": self.start,
            "stop": self.stop,
            "newest_first": self.newest_first,
            "skipped": self.skipped,
            "max_rows": self.limit,
        }


class BehaviourReader:
    """A method for each question about driving.

    Every method raises a kind of `storage.served_errors.UnknownError` where the principal may not
    see what is asked about.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def vehicle_events(
        self,
        principal: int,
        vin: str,
        page: Page,
        *,
        kinds: Sequence[str] | None,
        least_severity: int,
    ) -> list[DrivingEvent]:
        """Driving events of a vehicle; kinds None: of every kind."""
        return await self._reader.records(
            DrivingEvent,
            "served_vehicle_events",
            principal=principal,
            vin=vin,
            kinds=None if kinds is None else list(kinds),
            least_severity=least_severity,
            **page.parameters(),
        )

    async def driver_events(
        self,
        principal: int,
        driver_id: int,
        page: Page,
        *,
        kinds: Sequence[str] | None,
        least_severity: int,
    ) -> list[DrivingEvent]:
        """Driving events of a driver, whatever the vehicle; kinds None: of every kind."""
        return await self._reader.records(
            DrivingEvent,
            "served_driver_events",
            principal=principal,
            driver_id=driver_id,
            kinds=None if kinds is None else list(kinds),
            least_severity=least_severity,
            **page.parameters(),
        )

    async def driver_trips(self, principal: int, driver_id: int, page: Page) -> list[DrivenTrip]:
        """What a driver drove of trips, by the start of that part."""
        return await self._reader.records(
            DrivenTrip,
            "served_driver_trips",
            principal=principal,
            driver_id=driver_id,
            **page.parameters(),
        )

    async def vehicle_scores(
        self, principal: int, vin: str, page: Page, *, of_trips: bool
    ) -> list[Score]:
        """Scores of a vehicle by week, or of each of its trips."""
        return await self._reader.records(
            Score,
            "served_vehicle_scores",
            principal=principal,
            vin=vin,
            of_trips=of_trips,
            **page.parameters(),
        )

    async def driver_scores(self, principal: int, driver_id: int, page: Page) -> list[Score]:
        """Scores of a driver by week."""
        return await self._reader.records(
            Score,
            "served_driver_scores",
            principal=principal,
            driver_id=driver_id,
            **page.parameters(),
        )

    async def accumulated(self, principal: int, vin: str) -> Counters | None:
        """A vehicle's counters; None where there are none that the principal may see."""
        found = await self._reader.records(
            Counters, "served_accumulated", principal=principal, vin=vin
        )
        return found[0] if found else None

    async def drivers(self, principal: int, *, after_id: int, limit: int) -> list[Driver]:
        """At most `limit` drivers that the principal may know, by number, after `after_id`."""
        return await self._reader.records(
            Driver, "served_drivers", principal=principal, after_id=after_id, max_rows=limit
        )

    async def fleets(self, principal: int, *, after_id: int, limit: int) -> list[ListedFleet]:
        """At most `limit` fleets that the principal may see, by number, after `after_id`."""
        return await self._reader.records(
            ListedFleet, "served_fleets", principal=principal, after_id=after_id, max_rows=limit
        )

    async def fleet(self, principal: int, fleet_id: int) -> Fleet:
        """A fleet of the register."""
        (fleet,) = await self._reader.records(
            Fleet, "served_fleet", principal=principal, fleet_id=fleet_id
        )
        return fleet

    async def fleet_scores(
        self, principal: int, fleet_id: int, week: date, *, of_drivers: bool
    ) -> list[FleetScore]:
        """A week's scores of a fleet's vehicles or drivers, the best first, those without last."""
        return await self._reader.records(
            FleetScore,
            "served_fleet_scores",
            principal=principal,
            fleet_id=fleet_id,
            week=week,
            of_drivers=of_drivers,
        )
