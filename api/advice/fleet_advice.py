"""`/v1/fleets/{fleet_id}/advice`: a week's advice, and what was saved so far."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import pandas as pd
from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from analytics.advice import litres_saved, tell_saved
from analytics.fuel.prices import FuelPrices
from api import cursors, paging, tables
from api.accept import Accepted, responses
from api.accesses import noted
from api.advice.lists import MAX_PIECES, OfStatus, statuses_of
from api.advice.told import EXAMPLE, AdviceSummary, summary
from api.codes import Code
from api.driving import fleets
from api.language import Spoken
from api.parameters import (
    FleetId,
    Paged,
)
from api.principal import Principal
from api.services import App, Services
from storage.answers_fuel import Result

router = APIRouter(tags=["advice"])


class Savings(BaseModel):
    """What a fleet has saved since it was advised, as far as it was measured.

    Every piece that was followed up counts, those that came out worse too, but for dismissed ones.
    What was said again while an earlier piece was still followed up counts once.
    """

    text: str = Field(
        description="In words, in the language that the request likes best.",
        examples=["412 L saved so far (180 to 644 L), after 9 results."],
    )
    saved_l: float = Field(description="[L]; below 0: more was needed.", examples=[412.0])
    saved_low_l: float = Field(
        description="The lower end of where that lies, at 90 % [L].", examples=[180.0]
    )
    saved_high_l: float = Field(description="The upper end [L].", examples=[644.0])
    money: float = Field(description="What these litres cost, in `currency`.", examples=[3090.0])
    currency: str = Field(description="ISO 4217.", examples=["CNY"])
    co2_kg: float = Field(description="Of burning them, tank to wheel [kg].", examples=[1087.7])
    results: int = Field(description="Pieces of advice that count.", examples=[9])
    helped: int = Field(description="Of them, those that helped.", examples=[5])
    unclear: int = Field(description="Those without a clear change.", examples=[3])
    worse: int = Field(description="Those after which more was needed.", examples=[1])


class FleetAdvice(BaseModel):
    """A page of a fleet's advice of a week, the greatest saving first, and what was saved."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "fleet_id": 3,
                    "name": "华东干线",
                    "week": "2026-W44",
                    "time_zone": "Asia/Shanghai",
                    "savings": {
                        "text": "412 L saved so far (180 to 644 L), after 9 results.",
                        "saved_l": 412.0,
                        "saved_low_l": 180.0,
                        "saved_high_l": 644.0,
                        "money": 3090.0,
                        "currency": "CNY",
                        "co2_kg": 1087.7,
                        "results": 9,
                        "helped": 5,
                        "unclear": 3,
                        "worse": 1,
                    },
                    "advice": [EXAMPLE],
                    "next": "/v1/fleets/3/advice?week=2026-W44&limit=1&cursor=bjE",
                }
            ]
        }
    )

    fleet_id: int = Field(description="The fleet.", examples=[3])
    name: str = Field(description="Its name.", examples=["华东干线"])
    week: str = Field(description="ISO week in `time_zone`.", examples=["2026-W44"])
    time_zone: str = Field(description="The fleet's.", examples=["Asia/Shanghai"])
    savings: Savings = Field(description="What advice of all weeks has saved so far.")
    advice: list[AdviceSummary] = Field(
        description="At most `limit`, the greatest saving of litres first, then what saves none."
    )
    next: str | None = Field(description="Address of the next page; null: this was the last.")


class FleetAdviceQuery(Paged, OfStatus):
    """What is asked of the listing."""

    week: str = Field(
        max_length=10, description="ISO week, by the fleet's time zone.", examples=["2026-W44"]
    )
    limit: int = Field(
        default=100, ge=1, le=MAX_PIECES, description="Pieces a page.", examples=[100]
    )


@router.get(
    fleets.PATH + "/{fleet_id}/advice",
    operation_id="get_fleet_advice",
    summary="Advice to a fleet, and what it has saved",
    response_model=FleetAdvice,
    responses=responses(Code.UNKNOWN_FLEET, Code.INVALID_PARAMETER),
)
async def get_fleet_advice(
    fleet_id: FleetId,
    query: Annotated[FleetAdviceQuery, Query()],
    services: App,
    party: Principal,
    language: Spoken,
    accepted: Accepted,
) -> FleetAdvice | Response:
    """Rank advice of a week on a fleet's vehicles and for their drivers by what it would save.

    As far as you may see it: see the advice on a vehicle.
    """
    return await tables.answer(
        accepted,
        query,
        lambda asked: _fleet_page(services, party, fleet_id, asked, language),
        rows="advice",
        of=AdviceSummary,
        spoken=language,
        fleet_id=fleet_id,
    )


async def _fleet_page(
    services: Services, party: int, fleet_id: int, query: FleetAdviceQuery, language: str
) -> FleetAdvice:
    first_day = fleets.read_week(query.week)
    statuses, passed = statuses_of(query), paging.number_after(query)
    fleet = await services.behaviour.fleet(party, fleet_id)
    found = await services.advice.of_fleet(
        party, fleet_id, first_day, statuses=statuses, skipped=passed, limit=query.limit + 1
    )
    results = await services.advice.results(party, fleet_id)
    prices = await services.prices.of(party)
    return FleetAdvice(
        fleet_id=fleet.fleet_id,
        name=fleet.name,
        week=query.week,
        time_zone=fleet.time_zone,
        savings=savings_of(results, language, prices),
        advice=[summary(one, language, prices) for one in noted(found[: query.limit])],
        next=paging.link_if_more(
            f"{fleets.PATH}/{fleet_id}/advice",
            query,
            found,
            query.limit,
            lambda shown: cursors.after_number(passed + len(shown)),
        ),
    )


def _table(results: Sequence[Result]) -> pd.DataFrame:
    names = ("vehicle_id", "driver_id", "cause", "week", "saved_l", "low_l", "high_l", "verdict")
    return pd.DataFrame([asdict(result) for result in results], columns=list(names))


def savings_of(results: Sequence[Result], language: str, prices: FuelPrices) -> Savings:
    """What a fleet has saved, as it is told.

    Args:
        results: what came of its advice.
        language: of the text.
        prices: what a litre costs and emits.
    """
    saved = litres_saved(_table(results))
    price, currency, co2_kg_l = prices.fuel_price, prices.fuel_currency, prices.fuel_co2_kg_l
    return Savings(
        text=tell_saved(saved, language, price=price, currency=currency, co2_kg_l=co2_kg_l),
        saved_l=saved.litres,
        saved_low_l=saved.low_l,
        saved_high_l=saved.high_l,
        money=saved.litres * price,
        currency=currency,
        co2_kg=saved.litres * co2_kg_l,
        results=saved.results,
        helped=saved.helped,
        unclear=saved.unclear,
        worse=saved.worse,
    )
