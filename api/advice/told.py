"""A piece of advice as the API tells it: words, figures, evidence, and what came of it."""

from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, Field
from pydantic.config import JsonDict

from analytics.fuel.prices import FuelPrices
from api.advice import text as advice_text
from api.advice.evidence import EXAMPLE_EVIDENCE, Evidence, evidence
from api.advice.text import AdviceText, Saving
from api.parameters import EXAMPLE_VIN
from storage.answers_fuel import Advice


class Level(StrEnum):
    """How much of it."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class AdviceStatus(StrEnum):
    """What became of a piece of advice."""

    GIVEN = "given"
    SEEN = "seen"
    ACCEPTED = "accepted"
    DISMISSED = "dismissed"


class Verdict(StrEnum):
    """Whether it helped."""

    HELPED = "helped"
    UNCLEAR = "no clear change"
    WORSE = "worse"


class AdviceResult(BaseModel):
    """Whether it helped: the weeks after it against those before, like with like."""

    verdict: Verdict = Field(
        description="helped or worse only where the interval leaves 0 out.", examples=["helped"]
    )
    weeks_before: int = Field(
        description="Weeks with driving compared, its own among them.", examples=[4]
    )
    weeks_after: int = Field(description="Weeks with driving after it.", examples=[5])
    saved_l_per_100km: float = Field(
        description="Less than before [L/100 km]; below 0: more.", examples=[0.7]
    )
    saved_low_l_per_100km: float = Field(
        description="The lower end of where it lies, at 90 % [L/100 km].", examples=[0.2]
    )
    saved_high_l_per_100km: float = Field(description="The upper end [L/100 km].", examples=[1.2])
    saved_l: float = Field(description="Over these weeks after it [L].", examples=[74.0])
    saved_low_l: float = Field(
        description="The lower end of where that lies, at 90 % [L].", examples=[21.0]
    )
    saved_high_l: float = Field(description="The upper end [L].", examples=[127.0])
    measured_at: AwareDatetime = Field(
        description="When it was measured, UTC.", examples=["2026-12-07T03:00:00Z"]
    )


class AdviceSummary(BaseModel):
    """A piece of advice; null is what is not known or not yours to know."""

    advice_id: int = Field(description="Its number.", examples=[4711])
    vin: str | None = Field(
        description="The vehicle; null where it is not yours to see.", examples=[EXAMPLE_VIN]
    )
    driver_id: int | None = Field(
        description="Whom it is for; null: for who is responsible for the vehicle.", examples=[17]
    )
    week: str = Field(
        description="ISO week in `time_zone` whose driving it is about.", examples=["2026-W44"]
    )
    time_zone: str = Field(description="The fleet's.", examples=["Asia/Shanghai"])
    start: AwareDatetime = Field(
        description="Of the week (local Monday 00:00), UTC.", examples=["2026-10-25T16:00:00Z"]
    )
    end: AwareDatetime = Field(description="Likewise.", examples=["2026-11-01T16:00:00Z"])
    cause: str = Field(description="What it is about.", examples=["idling"])
    text: AdviceText | None = Field(
        description="In words; null: a newer analysis gave it, for which this API has none."
    )
    saving: Saving | None = Field(description="What following it brings; null as `text`.")
    distance_km: float | None = Field(
        description="Driven that week by whom it is for [km].", examples=[2140.6]
    )
    fuel_l: float | None = Field(description="What that needed [L].", examples=[712.4])
    confidence: Level = Field(description="How sure the saving is.", examples=["high"])
    effort: Level = Field(description="How hard it is to follow.", examples=["low"])
    evidence: Evidence = Field(description="What shows it.")
    status: AdviceStatus = Field(description="What became of it.", examples=["seen"])
    status_at: AwareDatetime = Field(
        description="Since when, UTC.", examples=["2026-11-02T06:00:00Z"]
    )
    given_at: AwareDatetime = Field(
        description="When it was given, UTC.", examples=["2026-11-01T17:05:00Z"]
    )
    may_answer: bool = Field(
        description="Whether you may say what becomes of it: you owned the vehicle then, or employ "
        "the driver.",
        examples=[True],
    )
    result: AdviceResult | None = Field(
        default=None,
        description="Whether it helped; null: too early to say, or you may not see all the weeks.",
    )


EXAMPLE: JsonDict = {
    "advice_id": 4711,
    "vin": EXAMPLE_VIN,
    "driver_id": 17,
    "week": "2026-W44",
    "time_zone": "Asia/Shanghai",
    "start": "2026-10-25T16:00:00Z",
    "end": "2026-11-01T16:00:00Z",
    "cause": "idling",
    "text": {
        "name": "Idling",
        "title": "Engine off while you wait",
        "sentence": "The engine idled for 5.2 h this week. Switch it off while you wait.",
        "detail": "All idling of the week together burnt 31 L.",
        "caveats": [],
        "saving": ["18 L a week (14 to 23 L)", "¥138 (at ¥7.50 a litre)", "49 kg of CO₂"],
        "effort": "low: A turn of the key while you wait.",
        "confidence": "high",
        "audience": "driver",
    },
    "saving": {
        "unit": "l",
        "value": 18.4,
        "low": 14.1,
        "high": 22.9,
        "money": 138.0,
        "money_low": 105.75,
        "money_high": 171.75,
        "currency": "CNY",
        "co2_kg": 48.6,
    },
    "distance_km": 2140.6,
    "fuel_l": 712.4,
    "confidence": "high",
    "effort": "low",
    "evidence": EXAMPLE_EVIDENCE,
    "status": "seen",
    "status_at": "2026-11-02T06:00:00Z",
    "given_at": "2026-11-01T17:05:00Z",
    "may_answer": True,
}


def summary(advice: Advice, language: str, prices: FuelPrices) -> AdviceSummary:
    """A piece of advice as it is told.

    Args:
        advice: as it is stored.
        language: of the texts.
        prices: what a litre costs and emits.
    """
    rendered = advice_text.rendered(advice, language, prices)
    return AdviceSummary(
        advice_id=advice.advice_id,
        vin=advice.vin,
        driver_id=advice.driver_id,
        week=f"{advice.week:%G-W%V}",
        time_zone=advice.time_zone,
        start=advice.start_time,
        end=advice.end_time,
        cause=advice.cause,
        text=None if rendered is None else advice_text.text_of(rendered, advice, language),
        saving=None if rendered is None else advice_text.saving_of(rendered),
        distance_km=advice.distance_km,
        fuel_l=advice.fuel_l,
        confidence=Level(advice.confidence),
        effort=Level(advice.effort),
        evidence=evidence(advice.evidence),
        status=AdviceStatus(advice.status),
        status_at=advice.status_at,
        given_at=advice.given_at,
        may_answer=advice.may_answer,
        result=_result(advice),
    )


def _result(advice: Advice) -> AdviceResult | None:
    found = advice.result
    if found is None:
        return None
    return AdviceResult(
        verdict=Verdict(found["verdict"]),
        weeks_before=found["weeks_before"],
        weeks_after=found["weeks_after"],
        saved_l_per_100km=found["saved_l_per_100km"],
        saved_low_l_per_100km=found["low"],
        saved_high_l_per_100km=found["high"],
        saved_l=found["saved_l"],
        saved_low_l=found["low_l"],
        saved_high_l=found["high_l"],
        measured_at=found["measured_at"],
    )
