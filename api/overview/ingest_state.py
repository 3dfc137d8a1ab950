"""`/v1/ingest`: how ingest stands, and what it did by day."""

from datetime import UTC, date, datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api.codes import Code
from api.openapi import problems
from api.overview.days import DaysQuery
from api.principal import Principal
from api.services import App, Services

router = APIRouter(tags=["overview"])


class IngestDay(BaseModel):
    """What ingest did on a day."""

    day: date = Field(description="Which, UTC.", examples=["2026-11-01"])
    messages: int = Field(description="Messages that were read.", examples=[86_400])
    frames: int = Field(description="Frames that were taken.", examples=[5_184_000])
    values: int = Field(description="Values that were written.", examples=[414_720_000])
    refused: int = Field(description="Messages that were refused: dead letters.", examples=[12])


class IngestState(BaseModel):
    """How ingest stands."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "answered_at": "2026-11-01T08:00:02Z",
                    "last_received": "2026-11-01T08:00:01Z",
                    "age_s": 1.0,
                    "partitions": 6,
                    "slowest_partition": "2026-11-01T07:59:58Z",
                    "days_to_analyse": 40,
                    "days_to_roll_up": 12,
                    "oldest_day_to_analyse": "2026-10-31",
                    "days": [
                        {
                            "day": "2026-11-01",
                            "messages": 86_400,
                            "frames": 5_184_000,
                            "values": 414_720_000,
                            "refused": 12,
                        }
                    ],
                }
            ]
        }
    )

    answered_at: AwareDatetime = Field(
        description="When this was answered, UTC.", examples=["2026-11-01T08:00:02Z"]
    )
    last_received: AwareDatetime | None = Field(
        description="When ingest wrote last, UTC; null: never.", examples=["2026-11-01T08:00:01Z"]
    )
    age_s: float | None = Field(description="How long ago that was [s].", examples=[1.0])
    partitions: int = Field(description="Partitions of topics it reads.", examples=[6])
    slowest_partition: AwareDatetime | None = Field(
        description="When it wrote last of the partition of which that is longest ago, UTC.",
        examples=["2026-11-01T07:59:58Z"],
    )
    days_to_analyse: int = Field(description="Vehicle-days that wait for analysis.", examples=[40])
    days_to_roll_up: int = Field(
        description="Vehicle-days that wait to be rolled up.", examples=[12]
    )
    oldest_day_to_analyse: date | None = Field(
        description="The oldest of those that wait for analysis; null: none does.",
        examples=["2026-10-31"],
    )
    days: list[IngestDay] = Field(description="Day by day, the newest first.")


@router.get(
    "/v1/ingest",
    operation_id="get_ingest_state",
    summary="How ingest stands",
    responses=problems(Code.NOT_YOURS, Code.INVALID_PARAMETER),
)
async def get_ingest_state(
    query: Annotated[DaysQuery, Query()], services: App, party: Principal
) -> IngestState:
    """Tell when ingest wrote last, what waits behind it, and what it did by day; for the maker.

    How far it lags behind the topic Kafka knows, not the database: `telemetry status` asks both.
    """
    return await ingest_of(services, party, query)


async def ingest_of(services: Services, party: int, query: DaysQuery) -> IngestState:
    """How ingest stands.

    Raises:
        RefusedError: the party is not the maker.
    """
    state = await services.overview.ingest(party)
    days = await services.overview.days(party, query.first_day)
    now = datetime.now(tz=UTC)
    last = state.written_at
    return IngestState(
        answered_at=now,
        last_received=last,
        age_s=None if last is None else round((now - last).total_seconds(), 1),
        partitions=state.partitions,
        slowest_partition=state.slowest_at,
        days_to_analyse=state.days_to_analyse,
        days_to_roll_up=state.days_to_roll_up,
        oldest_day_to_analyse=state.oldest_day,
        days=[
            IngestDay(
                day=one.day,
                messages=one.messages,
                frames=one.frames,
                values=one.values,
                refused=one.refused,
            )
            for one in days
        ],
    )
