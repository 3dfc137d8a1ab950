"""`/v1/vehicles/{vin}/scores`: how well was driven, what moved it, and how sure that is."""

from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from analytics.scores.metric import METRICS
from api import paging, tables
from api.accept import Accepted, responses
from api.accesses import noted
from api.codes import Code
from api.parameters import EXAMPLE_VIN, Order, Span, Time, Vin
from api.principal import Principal
from api.services import App, Services
from storage.answers_behaviour import FleetScore, Score

MAX_SCORES = 500

router = APIRouter(tags=["behaviour"])


class Grade(StrEnum):
    """A score in a letter."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"
    E = "E"


class Period(StrEnum):
    """Over what a score is taken."""

    WEEK = "week"
    TRIP = "trip"


class ScorePart(BaseModel):
    """What one metric gives to a score; the points of all add up to it."""

    metric: str = Field(description="Its name.", examples=["idling"])
    unit: str = Field(description="Of value, worst and best.", examples=["%"])
    value: float = Field(description="What was measured.", examples=[14.2])
    value_low: float | None = Field(
        description="The lower end of where the value lies, at 90 %.", examples=[11.8]
    )
    value_high: float | None = Field(description="The upper end.", examples=[16.9])
    worst: float = Field(description="The value that scores 0.", examples=[25.0])
    best: float = Field(description="The value that scores 100.", examples=[3.0])
    reference: str = Field(
        description="Where worst and best come from: band (peers on like work), class (all of the "
        "vehicle class) or published (the settings).",
        examples=["band"],
    )
    peers: int = Field(description="From how many peers; 0 if published.", examples=[64])
    metric_score: float = Field(description="0 to 100.", examples=[49.1])
    weight: float = Field(description="Its share of the score, 0 to 1.", examples=[0.15])
    points: float = Field(description="weight × metric_score.", examples=[7.4])
    points_lost: float = Field(description="What is missing of its share.", examples=[7.6])


class Direction(StrEnum):
    """Which way it goes."""

    BETTER = "better"
    WORSE = "worse"
    UNCLEAR = "no clear change"


class Trend(BaseModel):
    """A week against the same driver's or vehicle's four weeks before it, by one reference."""

    word: Direction = Field(
        description="better or worse only where the change's interval leaves 0 out.",
        examples=["better"],
    )
    past_score: float = Field(description="That of the weeks before.", examples=[64.1])
    past_weeks: int = Field(description="How many of the four had trips.", examples=[4])
    change: float = Field(description="The score less past_score.", examples=[7.2])
    change_low: float = Field(
        description="Lower end of where the change lies at 90 %.", examples=[1.9]
    )
    change_high: float = Field(description="Upper end.", examples=[12.4])


class ScoreSummary(BaseModel):
    """A score with what it is made of; null where there is none, and then `reason` says why."""

    start: AwareDatetime = Field(
        description="Of the week (local Monday 00:00) or the trip, UTC.",
        examples=["2026-10-25T16:00:00Z"],
    )
    end: AwareDatetime = Field(description="Likewise.", examples=["2026-11-01T16:00:00Z"])
    week: str = Field(description="ISO week in `time_zone`.", examples=["2026-W44"])
    time_zone: str = Field(description="The fleet's.", examples=["Asia/Shanghai"])
    driver_id: int | None = Field(
        default=None, description="The driver; of a vehicle's week always null.", examples=[17]
    )
    vehicle_class: str = Field(description="With whom it is compared.", examples=["heavy_truck"])
    band: str | None = Field(
        description="Of the class those whose work is as hard: easy, middle or hard. class: all of "
        "it, where it is too small to be split.",
        examples=["middle"],
    )
    score: float | None = Field(description="0 to 100.", examples=[71.3])
    low: float | None = Field(
        description="Lower end of where the score lies at 90 %: wide where little was driven.",
        examples=[64.0],
    )
    high: float | None = Field(description="Upper end.", examples=[77.5])
    grade: Grade | None = Field(description="A to E.", examples=["B"])
    reason: str | None = Field(
        default=None,
        description="Why there is no score: distance (too little was driven) or metrics (too few "
        "are known).",
        examples=["distance"],
    )
    missing: list[str] = Field(
        description="Metrics that the vehicle's signals could not tell; they count for nothing.",
        examples=[["retarder"]],
    )
    difficulty: float | None = Field(
        description="How hard the work was, 0 to 100: load, climbing, stops, night.",
        examples=[38.0],
    )
    difficulty_missing: list[str] = Field(
        description="What of the difficulty was not known.", examples=[["load"]]
    )
    reference: str | None = Field(
        description="What it was compared with: peers, published (the settings' figures) or mixed.",
        examples=["peers"],
    )
    distance_km: float = Field(description="Driven [km].", examples=[2140.6])
    trips: int = Field(
        description="How many drives; one counts again after a change of driver.", examples=[19]
    )
    trend: Trend | None = Field(
        default=None,
        description="How the week compares with the four before it; null for a trip, or where one "
        "of the two has no score, or where you may not see all five weeks.",
    )
    parts: list[ScorePart] = Field(description="What moved it, that which cost most first.")


TREND_EXAMPLE: JsonDict = {
    "word": "better",
    "past_score": 64.1,
    "past_weeks": 4,
    "change": 7.2,
    "change_low": 1.9,
    "change_high": 12.4,
}

EXAMPLE: JsonDict = {
    "start": "2026-10-25T16:00:00Z",
    "end": "2026-11-01T16:00:00Z",
    "week": "2026-W44",
    "time_zone": "Asia/Shanghai",
    "vehicle_class": "heavy_truck",
    "band": "middle",
    "score": 71.3,
    "low": 64.0,
    "high": 77.5,
    "grade": "B",
    "missing": ["retarder"],
    "difficulty": 38.0,
    "difficulty_missing": [],
    "reference": "peers",
    "distance_km": 2140.6,
    "trips": 19,
    "trend": TREND_EXAMPLE,
    "parts": [
        {
            "metric": "idling",
            "unit": "%",
            "value": 14.2,
            "value_low": 11.8,
            "value_high": 16.9,
            "worst": 25.0,
            "best": 3.0,
            "reference": "band",
            "peers": 64,
            "metric_score": 49.1,
            "weight": 0.15,
            "points": 7.4,
            "points_lost": 7.6,
        }
    ],
}


class VehicleScores(BaseModel):
    """A page of a vehicle's scores by their start."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "vin": EXAMPLE_VIN,
                    "scores": [EXAMPLE],
                    "next": f"/v1/vehicles/{EXAMPLE_VIN}/scores?start=2026-10-01T00%3A00%3A00Z"
                    "&end=2026-11-02T00%3A00%3A00Z&limit=1&cursor=cjE3OTI5NDQwMDAwMDAwMDAuMQ",
                }
            ]
        }
    )

    vin: str = Field(description="Vehicle identification number.", examples=[EXAMPLE_VIN])
    scores: list[ScoreSummary] = Field(description="At most `limit`.")
    next: str | None = Field(description="Address of the next page; null: this was the last.")


class ScoresQuery(Span):
    """What is asked of the listing: periods that start from `start` on and before `end`."""

    start: Time = Field(
        description="From this time on weeks and trips begin; a week begins on Monday 00:00 by the "
        "fleet's clock. RFC 3339 with its time zone; a + is written %2B.",
        examples=["2026-10-01T00:00:00Z"],
    )
    order: Order = Field(
        default=Order.OLDEST_FIRST, description="By their start.", examples=["newest_first"]
    )
    limit: int = Field(
        default=100, ge=1, le=MAX_SCORES, description="Scores a page.", examples=[100]
    )


class VehicleScoresQuery(ScoresQuery):
    """The same, and of what."""

    period: Period = Field(
        default=Period.WEEK,
        description="Scores of weeks (by the fleet's time zone) or of single trips.",
        examples=["week"],
    )


@router.get(
    "/v1/vehicles/{vin}/scores",
    operation_id="list_vehicle_scores",
    summary="Scores of a vehicle",
    response_model=VehicleScores,
    responses=responses(Code.UNKNOWN_VEHICLE, Code.INVALID_PARAMETER),
)
async def list_vehicle_scores(
    vin: Vin,
    query: Annotated[VehicleScoresQuery, Query()],
    services: App,
    party: Principal,
    accepted: Accepted,
) -> VehicleScores | Response:
    """List how well a vehicle was driven by week or by trip, with what moved each score.

    A week is there only where all of it is open to you.
    """
    return await tables.answer(
        accepted,
        query,
        lambda asked: _list_vehicle_scores_page(services, party, vin, asked),
        rows="scores",
        of=ScoreSummary,
        vin=vin,
    )


async def _list_vehicle_scores_page(
    services: Services, party: int, vin: str, query: VehicleScoresQuery
) -> VehicleScores:
    page = paging.wanted(query, query.order, query.limit)
    found = await services.behaviour.vehicle_scores(
        party, vin, page, of_trips=query.period is Period.TRIP
    )
    return VehicleScores(
        vin=vin,
        scores=[summary(score) for score in noted(found[: query.limit])],
        next=paging.next_link(
            f"/v1/vehicles/{vin}/scores", query, page, [score.start_time for score in found]
        ),
    )


def summary(score: Score) -> ScoreSummary:
    """A score as it is told."""
    return ScoreSummary(
        start=score.start_time,
        end=score.end_time,
        week=f"{score.week:%G-W%V}",
        time_zone=score.time_zone,
        driver_id=score.driver_id,
        vehicle_class=score.vehicle_class,
        band=score.band,
        score=score.score,
        low=score.low,
        high=score.high,
        grade=None if score.grade is None else Grade(score.grade),
        reason=score.reason,
        missing=_names(score.missing),
        difficulty=score.difficulty,
        difficulty_missing=_names(score.difficulty_missing),
        reference=score.reference,
        distance_km=score.distance_km,
        trips=score.n_trips,
        trend=trend(score),
        parts=[_part(**part) for part in score.parts],
    )


def trend(score: Score | FleetScore) -> Trend | None:
    """How it compares with the weeks before, where there is something to compare."""
    return None if score.trend is None else Trend(**score.trend)


def _part(metric: str, **numbers: Any) -> ScorePart:
    unit = METRICS[metric].unit if metric in METRICS else ""
    return ScorePart(metric=metric, unit=unit, **numbers)


def _names(text: str | None) -> list[str]:
    return [name.strip() for name in (text or "").split(",") if name.strip()]
