"""A row of advice told in a language: title, sentence, saving in litres, money and CO₂."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from analytics.advice.figures import facts_of, figures_of, fill, filled_in, names_in
from analytics.advice.kinds import KINDS, AdviceError, Audience, Unit
from analytics.advice.numbers import Numbers
from analytics.advice.texts import texts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from analytics.advice.texts import Texts


@dataclass(frozen=True, kw_only=True, slots=True)
class Rendered:
    """A piece of advice as a person reads it; figures stand beside their texts.

    Attributes:
        language: of the texts.
        cause: as in the table.
        name: the cause as a heading.
        title: a line.
        sentence: what is, and what to do.
        detail: what driving looked like in a figure; None where that is not known.
        caveats: what the figures do not know, a sentence each.
        saving: lines on what it brings: fuel, money, CO₂, or kilometres, days, hours.
        effort: how hard it is, and what it takes.
        confidence: in a word.
        audience: who can do it, in a word; audience_code: driver, workshop or fleet.
        unit: what the saving is counted in: l, km, days, h.
        value, low, high: the saving of that week in that unit; None where there is no interval.
        litres, litres_low, litres_high: likewise, None where the saving is no fuel.
        money, money_low, money_high: of these litres.
        currency: of the money.
        co2_kg: of these litres, tank to wheel.
    """

    language: str
    cause: str
    name: str
    title: str
    sentence: str
    detail: str | None
    caveats: tuple[str, ...]
    saving: tuple[str, ...]
    effort: str
    confidence: str
    audience: str
    audience_code: Audience
    unit: Unit
    value: float
    low: float | None
    high: float | None
    litres: float | None
    litres_low: float | None
    litres_high: float | None
    money: float | None
    money_low: float | None
    money_high: float | None
    currency: str
    co2_kg: float | None


def render(
    row: Mapping[Any, Any], language: str, *, price: float, currency: str, co2_kg_l: float
) -> Rendered:
    """Tell a piece of advice.

    Args:
        row: of `advise` or of table `advice` (a Series' to_dict, or a mapping): cause, variant,
            saving_l, low_l, high_l, distance_km, fuel_l (None or NaN absent), confidence, effort,
            facts (a mapping or JSON).
        language: one of LANGUAGES.
        price: of a litre of fuel, in the currency.
        currency: ISO 4217.
        co2_kg_l: CO₂ of burning a litre, kg.

    Raises:
        AdviceError: no such language or cause, or a row without a figure its text names.
    """
    words, numbers = texts(language), Numbers(language)
    cause = str(row["cause"])
    if cause not in KINDS:
        raise AdviceError(f"There is no text on the cause {cause!r}.")
    kind, told, facts = KINDS[cause], words.kinds[cause], facts_of(row)
    figures = figures_of(row, kind.unit, facts)
    filled = filled_in(row, kind.unit, facts, figures, numbers)
    chosen = told.variants[int(row["variant"]) % len(told.variants)]
    in_litres = kind.unit == "l"
    litres = figures if in_litres else (None, None, None)
    money = tuple(None if one is None else one * price for one in litres)
    value, low, high = figures
    return Rendered(
        language=language,
        cause=cause,
        name=told.name,
        title=fill(chosen.title, filled, cause),
        sentence=fill(chosen.sentence, filled, cause),
        detail=_detail(told.detail, filled),
        caveats=_caveats(words, facts),
        saving=_saving(
            words,
            kind.unit,
            filled,
            numbers.money(value * price, currency),
            numbers.money(price, currency),
            numbers.amount(value * co2_kg_l, "kg"),
        ),
        effort=words.words["sign"]["stop"].join(
            (words.word("effort", str(row["effort"])), told.effort)
        ),
        confidence=words.word("confidence", str(row["confidence"])),
        audience=words.word("audience", kind.audience),
        audience_code=kind.audience,
        unit=kind.unit,
        value=value,
        low=low,
        high=high,
        litres=litres[0],
        litres_low=litres[1],
        litres_high=litres[2],
        money=money[0],
        money_low=money[1],
        money_high=money[2],
        currency=currency,
        co2_kg=value * co2_kg_l if in_litres else None,
    )


def _detail(text: str, filled: Mapping[str, str]) -> str | None:
    return text.format_map(filled) if text and names_in(text) <= filled.keys() else None


def _caveats(words: Texts, facts: Mapping[str, Any]) -> tuple[str, ...]:
    names = [str(name) for name in facts.get("missing") or ()]
    # What a newer analysis misses has no words here, and is not worth failing for.
    return tuple(words.words["missing"][name] for name in names if name in words.words["missing"])


def _saving(
    words: Texts, unit: Unit, filled: Mapping[str, str], money: str, price: str, co2: str
) -> tuple[str, ...]:
    told = words.words["saving"]
    if unit != "l":
        return (told[unit].format_map(filled),)
    return (
        told["litres"].format_map(filled),
        told["money"].format(money=money, price=price),
        told["co2"].format(co2=co2),
    )
