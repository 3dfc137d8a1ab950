"""What the API reads of fuel and advice, and what it says became of advice, through `Reader`.

The rules on who may see what are in storage/migrations/0010_served_fuel.sql, on what drivers may
see of their own in 0014_own_only.sql, on what is refused in 0020_secrecy.sql.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.answers_fuel import (
    Advice,
    Answered,
    FleetFuel,
    FleetNewest,
    FleetWeek,
    FuelPeriod,
    Result,
    TankEvent,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from storage.served import Reader
    from storage.served_behaviour import Page


class FuelReader:
    """A method for each question about fuel.

    Every method raises a kind of `storage.served_errors.UnknownError` where the principal may not
    see what is asked about.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def vehicle(self, principal: int, vin: str, page: Page, *, by: str) -> list[FuelPeriod]:
        """Fuel of a vehicle by part, day or week, or in total."""
        return await self._fuel(principal, page, by=by, vin=vin)

    async def driver(
        self, principal: int, driver_id: int, page: Page, *, by: str
    ) -> list[FuelPeriod]:
        """Fuel of a driver, whatever the vehicle; otherwise as that of a vehicle."""
        return await self._fuel(principal, page, by=by, driver_id=driver_id)

    async def _fuel(
        self,
        principal: int,
        page: Page,
        *,
        by: str,
        vin: str | None = None,
        driver_id: int | None = None,
    ) -> list[FuelPeriod]:
        return await self._reader.records(
            FuelPeriod,
            "served_fuel",
            principal=principal,
            vin=vin,
            driver_id=driver_id,
            by=by,
            **page.parameters(),
        )

    async def fleet(
        self,
        principal: int,
        fleet_id: int,
        *,
        by: str,
        start: datetime,
        stop: datetime,
        skipped: int,
        limit: int,
    ) -> list[FleetFuel]:
        """Fuel of a fleet by vehicle, driver or corridor, or in total; most litres first."""
        return await self._reader.records(
            FleetFuel,
            "served_fleet_fuel",
            principal=principal,
            fleet_id=fleet_id,
            by=by,
            start=start,
            stop=stop,
            skipped=skipped,
            max_rows=limit,
        )

    async def fleet_newest(self, principal: int, fleet_id: int) -> datetime | None:
        """When the newest part of a fleet's trips began; None: there is none."""
        (found,) = await self._reader.records(
            FleetNewest, "served_fleet_newest", principal=principal, fleet_id=fleet_id
        )
        return found.newest

    async def fleet_weeks(
        self, principal: int, fleet_id: int, start: datetime, stop: datetime
    ) -> list[FleetWeek]:
        """Fuel of a fleet by week of its clock, the oldest first; none of weeks without trips."""
        return await self._reader.records(
            FleetWeek,
            "served_fleet_weeks",
            principal=principal,
            fleet_id=fleet_id,
            start=start,
            stop=stop,
        )

    async def tank_events(
        self, principal: int, vin: str, page: Page, *, kinds: Sequence[str] | None
    ) -> list[TankEvent]:
        """What happened to a vehicle's tank; kinds None: of every kind."""
        return await self._reader.records(
            TankEvent,
            "served_tank_events",
            principal=principal,
            vin=vin,
            kinds=None if kinds is None else list(kinds),
            **page.parameters(),
        )


class AdviceReader:
    """A method for each question about advice, and the one to answer it.

    Every method raises a kind of `storage.served_errors.UnknownError` where the principal may not
    see what is asked about.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def of_vehicle(
        self, principal: int, vin: str, page: Page, *, statuses: Sequence[str] | None
    ) -> list[Advice]:
        """Advice on a vehicle and for its drivers, by week; statuses None: of any."""
        return await self._of(principal, page, statuses, vin=vin)

    async def of_driver(
        self, principal: int, driver_id: int, page: Page, *, statuses: Sequence[str] | None
    ) -> list[Advice]:
        """Advice for a driver, whatever the vehicle."""
        return await self._of(principal, page, statuses, driver_id=driver_id)

    async def _of(
        self,
        principal: int,
        page: Page,
        statuses: Sequence[str] | None,
        *,
        vin: str | None = None,
        driver_id: int | None = None,
    ) -> list[Advice]:
        return await self._reader.records(
            Advice,
            "served_advice_of",
            principal=principal,
            vin=vin,
            driver_id=driver_id,
            statuses=None if statuses is None else list(statuses),
            **page.parameters(),
        )

    async def of_fleet(
        self,
        principal: int,
        fleet_id: int,
        week: date,
        *,
        statuses: Sequence[str] | None,
        skipped: int,
        limit: int,
    ) -> list[Advice]:
        """Advice of a week on a fleet's vehicles and for their drivers, most litres first."""
        return await self._reader.records(
            Advice,
            "served_fleet_advice",
            principal=principal,
            fleet_id=fleet_id,
            week=week,
            statuses=None if statuses is None else list(statuses),
            skipped=skipped,
            max_rows=limit,
        )

    async def results(self, principal: int, fleet_id: int) -> list[Result]:
        """What came of the advice on a fleet's vehicles and for their drivers, so far."""
        return await self._reader.records(
            Result, "served_fleet_results", principal=principal, fleet_id=fleet_id
        )

    async def piece(self, principal: int, advice_id: int) -> Advice:
        """One piece of advice."""
        (piece,) = await self._reader.records(
            Advice, "served_advice", principal=principal, advice_id=advice_id
        )
        return piece

    async def answer(self, principal: int, advice_id: int, status: str) -> Answered:
        """Say what became of a piece of advice: seen, accepted or dismissed.

        Returns:
            How it stands now: as said, if the principal may say so and it was not answered before.
        """
        (answered,) = await self._reader.change(
            Answered, "answer_advice", principal=principal, advice_id=advice_id, status=status
        )
        return answered
