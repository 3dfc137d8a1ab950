"""The owner's week in one screen: fuel against the past and what is usual, advice, what it saved.

Every number is one of the API's, or a difference of two of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from api.accesses import noted
from api.advice.fleet_advice import Savings, savings_of
from api.fuel import consumption
from api.fuel.consumption import Consumption, over_distance
from api.pages import advice_cards, figures
from api.pages.choice import midnight

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from analytics.fuel.prices import FuelPrices
    from api.language import Language
    from api.pages.advice_cards import AdviceCard
    from api.pages.choice import Choice, Steps
    from api.pages.figures import Column, Gauge, Step
    from api.services import Services
    from storage.answers_behaviour import ListedFleet
    from storage.answers_fuel import FleetWeek

SHOWN = 9
"""Weeks in the small picture, this one last."""

COMPARED = 4
"""Weeks before this one that it is compared with, as scores are."""

PIECES = 3

ALIKE_PERCENT = 0.5
"""A change of consumption below this is none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Past:
    """This week against the weeks before it, by consumption over distance."""

    weeks: int
    l_per_100km: float
    change_percent: float
    change_l: float
    """What this week needed more than it would have at the consumption of before [L]."""
    change_cost: float
    word: str
    """less, more or same."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Peers:
    """This week against what is usual with the same load, road and traffic."""

    percent: float
    gauge: Gauge
    word: str
    """less, more or same: same where the interval leaves both open."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Week:
    """What the page shows of a week of a fleet."""

    fleet: ListedFleet
    first_day: date
    steps: Steps
    fuel: Consumption | None
    past: Past | None
    peers: Peers | None
    bars: list[Column]
    """A bar a week, this one last; empty where there is nothing to compare."""
    waterfall: list[Step]
    pieces: list[AdviceCard]
    savings: Savings
    currency: str


async def week_of(services: Services, party: int, choice: Choice, text: Language) -> Week:
    """All that the page shows."""
    prices = await services.prices.of(party)
    fleet, first_day = choice.fleet, choice.first_day
    begin = midnight(first_day - timedelta(weeks=SHOWN - 1), fleet)
    end = midnight(first_day + timedelta(weeks=1), fleet)
    weeks = {
        week.week: week
        for week in await services.fuel.fleet_weeks(party, fleet.fleet_id, begin, end)
    }
    found = noted(
        await services.advice.of_fleet(
            party, fleet.fleet_id, first_day, statuses=advice_cards.OPEN, skipped=0, limit=PIECES
        )
    )
    results = await services.advice.results(party, fleet.fleet_id)
    names = await advice_cards.names_of(services, party, advice_cards.drivers_of(found))
    now = weeks.get(first_day)
    fuel = None if now is None else Consumption(**consumption.told(now.sums, now.causes, prices))
    days = [first_day - timedelta(weeks=SHOWN - 1 - number) for number in range(SHOWN)]
    return Week(
        fleet=fleet,
        first_day=first_day,
        steps=choice.steps,
        fuel=fuel,
        past=_past(
            fuel, now, [weeks[day] for day in days[-1 - COMPARED : -1] if day in weeks], prices
        ),
        peers=_peers(fuel),
        bars=_bars([weeks.get(day) for day in days]),
        waterfall=figures.waterfall_of(fuel),
        pieces=[advice_cards.card(one, names, text, prices) for one in found],
        savings=savings_of(results, text.code, prices),
        currency=prices.fuel_currency,
    )


def _past(
    fuel: Consumption | None,
    now: FleetWeek | None,
    before: Sequence[FleetWeek],
    prices: FuelPrices,
) -> Past | None:
    usual = over_distance(
        sum(week.sums["fuel_of_km_l"] or 0 for week in before),
        sum(week.sums["fuel_km"] or 0 for week in before),
    )
    if fuel is None or now is None or fuel.l_per_100km is None or not usual:
        return None
    percent = 100 * (fuel.l_per_100km / usual - 1)
    change_l = (fuel.l_per_100km - usual) * now.sums["fuel_km"] / 100
    return Past(
        weeks=len(before),
        l_per_100km=usual,
        change_percent=percent,
        change_l=change_l,
        change_cost=change_l * prices.fuel_price,
        word="same" if abs(percent) < ALIKE_PERCENT else "less" if percent < 0 else "more",
    )


def _peers(fuel: Consumption | None) -> Peers | None:
    told = None if fuel is None else fuel.expected
    if told is None or told.ratio is None:
        return None
    word = "same"
    if told.actual_l > told.high_l:
        word = "more"
    elif told.actual_l < told.low_l:
        word = "less"
    return Peers(
        percent=100 * (told.ratio - 1),
        gauge=figures.gauge(told.low_l, told.high_l, told.actual_l),
        word=word,
    )


def _bars(weeks: Sequence[FleetWeek | None]) -> list[Column]:
    """Consumption over distance of each week, from somewhat below the least on."""
    values = [
        None
        if week is None
        else over_distance(week.sums["fuel_of_km_l"] or 0, week.sums["fuel_km"])
        for week in weeks
    ]
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return []
    floor = min(known) - (max(known) - min(known) or max(known)) * 0.6
    return figures.columns([None if value is None else value - floor for value in values])
