"""`/v1/fleets/{fleet_id}/ranking`: who of a fleet drove how well in a week."""

from collections.abc import Hashable, Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any

import pandas as pd
from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from analytics.ranking import rank
from api import cursors, paging, tables
from api.accept import Accepted, responses
from api.accesses import noted
from api.codes import Code
from api.driving.fleets import PATH, read_week
from api.driving.scores import TREND_EXAMPLE, Grade, Trend, trend
from api.parameters import EXAMPLE_VIN, FleetId, Paged
from api.principal import Principal
from api.services import App, Services
from storage.answers_behaviour import FleetScore

router = APIRouter(tags=["fleets"])

MAX_RANKED = 1000


class Ranked(StrEnum):
    """What is ranked."""

    DRIVERS = "drivers"
    VEHICLES = "vehicles"


class RankedPlace(BaseModel):
    """A driver's or vehicle's place; null is what is not known, and all places without a score."""

    rank: int | None = Field(description="1 is the best; equal scores share a place.", examples=[2])
    rank_low: int | None = Field(
        description="Everybody before this place is clearly better, at 90 %.", examples=[1]
    )
    rank_high: int | None = Field(
        description="Everybody behind this place is clearly worse.", examples=[5]
    )
    below_median: float | None = Field(
        description="Probability that the true score is below the median of its vehicle class.",
        examples=[0.12],
    )
    vin: str | None = Field(
        default=None, description="The vehicle, where vehicles are ranked.", examples=[EXAMPLE_VIN]
    )
    driver_id: int | None = Field(
        description="The driver, where drivers are ranked.", examples=[17]
    )
    card_id: str | None = Field(
        description="The driver's tachograph card.", examples=["CHN0001000000017"]
    )
    name: str | None = Field(description="The driver's name.", examples=["王伟"])
    vehicle_class: str = Field(description="What was driven most.", examples=["heavy_truck"])
    band: str | None = Field(
        description="With whom of the class it is compared: easy, middle or hard, by their work; "
        "class: all.",
        examples=["middle"],
    )
    score: float | None = Field(description="0 to 100.", examples=[82.4])
    low: float | None = Field(
        description="Lower end of where the score lies at 90 %.", examples=[77.0]
    )
    high: float | None = Field(description="Upper end.", examples=[87.1])
    grade: Grade | None = Field(description="A to E.", examples=["A"])
    reason: str | None = Field(
        default=None, description="Why there is no score.", examples=["distance"]
    )
    score_before: float | None = Field(description="That of the week before.", examples=[79.8])
    trend: Trend | None = Field(
        default=None, description="How the week compares with the four before it, as in scores."
    )
    difficulty: float | None = Field(
        description="How hard the work was, 0 to 100.", examples=[41.0]
    )
    distance_km: float = Field(description="Driven [km].", examples=[2140.6])
    trips: int = Field(
        description="How many drives; one counts again after a change of driver.", examples=[19]
    )


class Ranking(BaseModel):
    """A page of a fleet's ranking, the best first, those without a score last."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "fleet_id": 3,
                    "name": "华东干线",
                    "week": "2026-W44",
                    "time_zone": "Asia/Shanghai",
                    "of": "drivers",
                    "ranked": 37,
                    "places": [
                        {
                            "rank": 2,
                            "rank_low": 1,
                            "rank_high": 5,
                            "below_median": 0.12,
                            "driver_id": 17,
                            "card_id": "CHN0001000000017",
                            "name": "王伟",
                            "vehicle_class": "heavy_truck",
                            "band": "middle",
                            "score": 82.4,
                            "low": 77.0,
                            "high": 87.1,
                            "grade": "A",
                            "score_before": 79.8,
                            "trend": TREND_EXAMPLE,
                            "difficulty": 41.0,
                            "distance_km": 2140.6,
                            "trips": 19,
                        }
                    ],
                    "next": f"{PATH}/3/ranking?week=2026-W44&limit=1&cursor=bjE",
                }
            ]
        }
    )

    fleet_id: int = Field(description="The fleet.", examples=[3])
    name: str = Field(description="Its name.", examples=["华东干线"])
    week: str = Field(description="ISO week in `time_zone`.", examples=["2026-W44"])
    time_zone: str = Field(description="The fleet's.", examples=["Asia/Shanghai"])
    of: Ranked = Field(description="What `places` are of.", examples=["drivers"])
    ranked: int = Field(description="How many have a score.", examples=[37])
    places: list[RankedPlace] = Field(description="At most `limit`.")
    next: str | None = Field(description="Address of the next page; null: this was the last.")


class RankingQuery(Paged):
    """What is asked of the ranking."""

    week: str = Field(
        max_length=10, description="ISO week, by the fleet's time zone.", examples=["2026-W44"]
    )
    of: Ranked = Field(default=Ranked.DRIVERS, description="What is ranked.", examples=["drivers"])
    limit: int = Field(
        default=100, ge=1, le=MAX_RANKED, description="Places a page.", examples=[100]
    )


@router.get(
    PATH + "/{fleet_id}/ranking",
    operation_id="get_fleet_ranking",
    summary="Who of a fleet drove how well",
    response_model=Ranking,
    responses=responses(Code.UNKNOWN_FLEET, Code.INVALID_PARAMETER),
)
async def get_fleet_ranking(
    fleet_id: FleetId,
    query: Annotated[RankingQuery, Query()],
    services: App,
    party: Principal,
    accepted: Accepted,
) -> Ranking | Response:
    """Rank a fleet's drivers or vehicles by their scores of a week, saying how sure places are.

    Only those whose whole week you may see are in it. The difficulty of the work stands beside.
    """
    return await tables.answer(
        accepted,
        query,
        lambda asked: _ranking_page(services, party, fleet_id, asked),
        rows="places",
        of=RankedPlace,
        fleet_id=fleet_id,
        week=query.week,
    )


async def _ranking_page(
    services: Services, party: int, fleet_id: int, query: RankingQuery
) -> Ranking:
    first_day = read_week(query.week)
    passed = paging.number_after(query)
    fleet = await services.behaviour.fleet(party, fleet_id)
    found = await services.behaviour.fleet_scores(
        party, fleet_id, first_day, of_drivers=query.of is Ranked.DRIVERS
    )
    # In large fleets comparing everybody with everybody takes a second.
    places = await run_in_threadpool(ranked, found)
    rest = places[passed:]
    return Ranking(
        fleet_id=fleet.fleet_id,
        name=fleet.name,
        week=query.week,
        time_zone=fleet.time_zone,
        of=query.of,
        ranked=sum(place.rank is not None for place in places),
        places=noted(rest[: query.limit]),
        next=paging.link_if_more(
            f"{PATH}/{fleet_id}/ranking",
            query,
            rest,
            query.limit,
            lambda shown: cursors.after_number(passed + len(shown)),
        ),
    )


def ranked(scores: Sequence[FleetScore]) -> list[RankedPlace]:
    """Places of scores, in their order: the best first, those without a score last."""
    table = pd.DataFrame(
        {
            "score": pd.Series([score.score for score in scores], dtype=float),
            "low": pd.Series([score.low for score in scores], dtype=float),
            "high": pd.Series([score.high for score in scores], dtype=float),
            "vehicle_class": [score.vehicle_class for score in scores],
        }
    )
    places = rank(table)
    by_number = dict(zip(places.index.tolist(), places.to_dict("records"), strict=True))
    return [_place(score, by_number.get(number, {})) for number, score in enumerate(scores)]


def _place(score: FleetScore, place: Mapping[Hashable, Any]) -> RankedPlace:
    return RankedPlace(
        rank=_whole(place.get("rank")),
        rank_low=_whole(place.get("rank_low")),
        rank_high=_whole(place.get("rank_high")),
        below_median=place.get("below_median"),
        vin=score.vin,
        driver_id=score.driver_id,
        card_id=score.card_id,
        name=score.name,
        vehicle_class=score.vehicle_class,
        band=score.band,
        score=score.score,
        low=score.low,
        high=score.high,
        grade=None if score.grade is None else Grade(score.grade),
        reason=score.reason,
        score_before=score.score_before,
        trend=trend(score),
        difficulty=score.difficulty,
        distance_km=score.distance_km,
        trips=score.n_trips,
    )


def _whole(number: float | None) -> int | None:
    return None if number is None else int(number)
