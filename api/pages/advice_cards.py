"""A piece of advice as pages show it: the words and numbers of the API, and a small picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from api.advice.told import AdviceStatus, AdviceSummary, summary
from api.pages import figures

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from analytics.fuel.prices import FuelPrices
    from api.language import Language
    from api.pages.figures import Column
    from api.services import Services
    from storage.answers_fuel import Advice

OPEN = (AdviceStatus.GIVEN, AdviceStatus.SEEN, AdviceStatus.ACCEPTED)
"""Advice that still matters."""

MAX_NAMES = 500
"""Drivers whose names are looked up at once."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AdviceCard:
    """A piece of advice, whom it is for, and its picture."""

    told: AdviceSummary
    driver: str | None
    """The driver's name or card; None: it is for who is responsible for the vehicle."""
    bars: list[Column]
    """A bar a day of its week; empty where there is no picture."""


def card(
    advice: Advice, names: Mapping[int, str], text: Language, prices: FuelPrices
) -> AdviceCard:
    """A piece of advice as it is shown.

    Args:
        advice: as it is stored.
        names: of drivers, by number.
        text: the language.
        prices: what a litre costs and emits.
    """
    told = summary(advice, text.code, prices)
    chart = told.evidence.chart
    return AdviceCard(
        told=told,
        driver=named(told.driver_id, names, text),
        bars=[] if chart is None or not any(chart.values) else figures.columns(chart.values),
    )


def drivers_of(pieces: Sequence[Advice]) -> set[int | None]:
    """Whom these are for."""
    return {piece.driver_id for piece in pieces}


async def names_of(services: Services, party: int, wanted: set[int | None]) -> dict[int, str]:
    """What drivers are called; nobody is looked up where none is wanted."""
    if not wanted - {None}:
        return {}
    drivers = await services.behaviour.drivers(party, after_id=0, limit=MAX_NAMES)
    return {
        driver.driver_id: driver.name or driver.card_id
        for driver in drivers
        if driver.driver_id in wanted
    }


def named(driver_id: int | None, names: Mapping[int, str], text: Language) -> str | None:
    """What a driver is called; None: there is no driver."""
    if driver_id is None:
        return None
    return names.get(driver_id, text("driver_number", n=driver_id))
