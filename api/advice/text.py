"""A piece of advice in words, with what it brings in litres, money and CO₂."""

import logging
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, Field

from analytics.advice import AdviceError, Card, Rendered, card, render, tell_result
from analytics.fuel.prices import FuelPrices
from storage.answers_fuel import Advice

logger = logging.getLogger("telemetry.api")


class Unit(StrEnum):
    """What a saving is counted in."""

    LITRES = "l"
    KILOMETRES = "km"
    DAYS = "days"
    HOURS = "h"


class AdviceText(BaseModel):
    """A piece of advice in words, in the language that the request likes best."""

    name: str = Field(description="Its cause as a heading.", examples=["Idling"])
    title: str = Field(description="A line.", examples=["Engine off while you wait"])
    sentence: str = Field(
        description="What is, and what to do.",
        examples=["The engine idled for 5.2 h this week. Switch it off while you wait."],
    )
    detail: str | None = Field(
        description="What driving looked like in a figure; null: not known.",
        examples=["All idling of the week together burnt 31 L."],
    )
    caveats: list[str] = Field(
        description="What the figures do not know, a sentence each.",
        examples=[["The gradient of the road is not known."]],
    )
    saving: list[str] = Field(
        description="What following it brings, a line each.",
        examples=[["18 L a week (14 to 23 L)", "¥138 (at ¥7.50 a litre)", "49 kg of CO₂"]],
    )
    effort: str = Field(
        description="How hard it is, and what it takes.",
        examples=["low: A turn of the key while you wait."],
    )
    confidence: str = Field(description="How sure it is, in a word.", examples=["high"])
    audience: str = Field(description="Who can do it, in a word.", examples=["driver"])
    result: str | None = Field(default=None, description="What came of it; null: too early to say.")


class Saving(BaseModel):
    """What could have been spared of that week's driving, and how sure that is."""

    unit: Unit = Field(
        description="What it is counted in: litres (l); kilometres empty or half loaded; days "
        "stood; hours on the road. Only litres are fuel of the vehicle itself.",
        examples=["l"],
    )
    value: float = Field(description="In that unit.", examples=[18.4])
    low: float | None = Field(
        description="The lower end of where it lies, at 90 %; null: there is no interval.",
        examples=[14.1],
    )
    high: float | None = Field(description="The upper end.", examples=[22.9])
    money: float | None = Field(
        description="What these litres cost, in `currency`; null where it is no fuel.",
        examples=[138.0],
    )
    money_low: float | None = Field(description="The lower end, at 90 %.", examples=[105.75])
    money_high: float | None = Field(description="The upper end.", examples=[171.75])
    currency: str = Field(description="ISO 4217.", examples=["CNY"])
    co2_kg: float | None = Field(
        description="Of burning these litres, tank to wheel [kg]; null where it is no fuel.",
        examples=[48.6],
    )


def rendered(advice: Advice, language: str, prices: FuelPrices) -> Rendered | None:
    """A piece of advice in a language; None where this version has no words for it."""
    try:
        return render(
            _row(advice),
            language,
            price=prices.fuel_price,
            currency=prices.fuel_currency,
            co2_kg_l=prices.fuel_co2_kg_l,
        )
    except AdviceError as error:
        # One piece that a newer analysis gave is no reason to keep all the others back.
        logger.warning("Advice on %s cannot be told: %s", advice.cause, error)
        return None


def card_of(advice: Advice, language: str, prices: FuelPrices) -> Card | None:
    """A piece of advice on a card to hand over; None where there are no words or picture for it."""
    if not advice.evidence.get("chart"):
        return None
    try:
        return card(
            _row(advice)
            | {"week": advice.week, "time_zone": advice.time_zone, "evidence": advice.evidence},
            language,
            price=prices.fuel_price,
            currency=prices.fuel_currency,
            co2_kg_l=prices.fuel_co2_kg_l,
        )
    except AdviceError as error:
        logger.warning("Advice on %s cannot be told: %s", advice.cause, error)
        return None


def _row(advice: Advice) -> dict[str, Any]:
    """As `analytics.advice` takes it."""
    return {
        "cause": advice.cause,
        "variant": advice.variant,
        "saving_l": advice.saving_l,
        "low_l": advice.low_l,
        "high_l": advice.high_l,
        "distance_km": advice.distance_km,
        "fuel_l": advice.fuel_l,
        "confidence": advice.confidence,
        "effort": advice.effort,
        "facts": advice.facts,
    }


def text_of(rendered: Rendered, advice: Advice, language: str) -> AdviceText:
    """Its words."""
    return AdviceText(
        name=rendered.name,
        title=rendered.title,
        sentence=rendered.sentence,
        detail=rendered.detail,
        caveats=list(rendered.caveats),
        saving=list(rendered.saving),
        effort=rendered.effort,
        confidence=rendered.confidence,
        audience=rendered.audience,
        result=None if advice.result is None else tell_result(advice.result, language),
    )


def saving_of(rendered: Rendered) -> Saving:
    """What it brings."""
    return Saving(
        unit=Unit(rendered.unit),
        value=rendered.value,
        low=rendered.low,
        high=rendered.high,
        money=rendered.money,
        money_low=rendered.money_low,
        money_high=rendered.money_high,
        currency=rendered.currency,
        co2_kg=rendered.co2_kg,
    )
