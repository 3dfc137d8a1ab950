"""What a report tells: a fleet's or a vehicle's fuel of a week or a month, by rows and by causes.

Every number is the API's own: the total, and a row for each vehicle and driver, or for each day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from api.accesses import noted
from api.fuel import consumption
from api.fuel.consumption import Consumption
from api.pages import figures
from api.pages import period as periods
from api.parameters import EARLIEST, LATEST
from schemas.time_zones import zone
from storage.served_behaviour import Page

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from typing import Any

    from analytics.fuel.prices import FuelPrices
    from api.pages.figures import Step
    from api.pages.period import Period
    from api.services import Services
    from storage.answers_behaviour import ListedFleet
    from storage.answers_fuel import FleetFuel

MAX_ROWS = 5000
"""Of each kind; a larger fleet reads the API."""

DEFAULT_ZONE = "Asia/Shanghai"
"""Of a vehicle of which nothing is known that would say; the register's default for fleets."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A line of a report."""

    fuel: Consumption
    vin: str | None = None
    driver_id: int | None = None
    name: str | None = None
    """The driver's name or card."""
    day: date | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """Rows of one kind."""

    of: str
    """vehicles, drivers or days."""
    rows: Sequence[Row]
    is_cut: bool = False
    """Whether there are more than MAX_ROWS."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """All that a report tells."""

    name: str
    """The fleet's, or the vehicle's VIN."""
    address: str
    """Of its page."""
    period: Period
    time_zone: str
    total: Consumption | None
    currency: str
    parts: Sequence[Part]
    waterfall: Sequence[Step]

    @property
    def following(self) -> Period | None:
        """The period after it; None: it has not begun."""
        following = self.period.following
        return following if following.has_begun(self.time_zone) else None


async def of_fleet(
    services: Services, party: int, fleet: ListedFleet, period: Period | str
) -> Report:
    """A fleet's report.

    Args:
        services: what answers.
        party: who asks.
        fleet: one of theirs.
        period: which; `week` or `month`: the newest in which something was driven.
    """
    if isinstance(period, str):
        newest = await services.fuel.fleet_newest(party, fleet.fleet_id)
        period = _newest(newest, fleet.time_zone, period)
    start, stop = period.bounds(fleet.time_zone)

    async def rows(by: str, limit: int) -> list[FleetFuel]:
        return await services.fuel.fleet(
            party, fleet.fleet_id, by=by, start=start, stop=stop, skipped=0, limit=limit
        )

    prices = await services.prices.of(party)
    total = await rows("total", 1)
    vehicles = noted(await rows("vehicle", MAX_ROWS + 1))
    drivers = noted(await rows("driver", MAX_ROWS + 1))
    told = _told(total[0].sums, total[0].causes, prices) if total else None
    return Report(
        name=fleet.name,
        address=f"/reports/fleets/{fleet.fleet_id}",
        period=period,
        time_zone=fleet.time_zone,
        total=told,
        currency=prices.fuel_currency,
        parts=[
            _part("vehicles", [_row(one, prices) for one in vehicles]),
            _part("drivers", [_row(one, prices) for one in drivers]),
        ],
        waterfall=figures.waterfall_of(told),
    )


async def of_vehicle(services: Services, party: int, vin: str, period: Period | str) -> Report:
    """A vehicle's report, by days of its fleet's clock.

    Args:
        services: what answers.
        party: who asks.
        vin: the vehicle.
        period: which; `week` or `month`: the newest in which something was driven.

    Raises:
        UnknownVehicleError: there is none that the party may see.
    """
    last = Page(start=EARLIEST, stop=LATEST, newest_first=True, limit=1)
    newest = await services.fuel.vehicle(party, vin, last, by="part")
    time_zone = (newest[0].time_zone if newest else None) or DEFAULT_ZONE
    if isinstance(period, str):
        period = _newest(newest[0].start_time if newest else None, time_zone, period)
    start, stop = period.bounds(time_zone)
    prices = await services.prices.of(party)
    span = Page(start=start, stop=stop, newest_first=False, limit=1)
    total = await services.fuel.vehicle(party, vin, span, by="total")
    span = Page(start=start, stop=stop, newest_first=False, limit=100)
    days = await services.fuel.vehicle(party, vin, span, by="day")
    told = _told(total[0].sums, total[0].causes, prices) if total else None
    return Report(
        name=vin,
        address=f"/reports/vehicles/{vin}",
        period=period,
        time_zone=time_zone,
        total=told,
        currency=prices.fuel_currency,
        parts=[
            _part(
                "days",
                [
                    Row(
                        fuel=_told(one.sums, one.causes, prices),
                        day=one.start_time.astimezone(zone(one.time_zone or time_zone)).date(),
                    )
                    for one in days
                ],
            )
        ],
        waterfall=figures.waterfall_of(told),
    )


def _newest(moment: datetime | None, time_zone: str, kind: str) -> Period:
    moment = moment or datetime.now(tz=UTC)
    return periods.containing(moment, time_zone, is_month=kind == "month")


def _part(of: str, rows: list[Row]) -> Part:
    return Part(of=of, rows=rows[:MAX_ROWS], is_cut=len(rows) > MAX_ROWS)


def _row(row: FleetFuel, prices: FuelPrices) -> Row:
    return Row(
        fuel=_told(row.sums, row.causes, prices),
        vin=row.vin,
        driver_id=row.driver_id,
        name=row.name or row.card_id,
    )


def _told(
    sums: Mapping[str, Any], causes: Sequence[Mapping[str, Any]], prices: FuelPrices
) -> Consumption:
    return Consumption(**consumption.told(sums, causes, prices))
