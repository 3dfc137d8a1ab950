"""`/v1/overview`, `/v1/data-quality`, `/v1/ingest`: what the maker asks of all vehicles at once."""

from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api import activity, display
from api.activity import Activity
from api.codes import Code
from api.language import Spoken
from api.openapi import problems
from api.parameters import Parameters, no_parameters
from api.principal import Principal
from api.services import App, Services
from schemas.trouble_codes import Words
from storage.served_overview import QualityCount

MAX_DAYS = 90

router = APIRouter(tags=["overview"])


class Silence(StrEnum):
    """How long silent vehicles have been silent."""

    HOURS = "hours"
    DAYS = "days"
    WEEKS = "weeks"
    LONGER = "longer"
    NEVER = "never"


class Counted(BaseModel):
    """So many vehicles."""

    key: str | None = Field(
        description="Of which model, region or catalogue version; null: not known.",
        examples=["J6P 6×4"],
    )
    vehicles: int = Field(description="How many.", examples=[1204])


class StateCount(BaseModel):
    """So many vehicles do that."""

    state: Activity = Field(description="What they do.", examples=["moving"])
    vehicles: int = Field(description="How many.", examples=[480])


class SilenceCount(BaseModel):
    """So many vehicles have been silent for that long."""

    silent_for: Silence = Field(description="How long.", examples=["days"])
    vehicles: int = Field(description="How many.", examples=[40])


class Overview(BaseModel):
    """All vehicles, counted."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "answered_at": "2026-11-01T08:00:02Z",
                    "vehicles": 1500,
                    "by_state": [
                        {"state": "moving", "vehicles": 480},
                        {"state": "silent", "vehicles": 60},
                    ],
                    "silent_for": [{"silent_for": "days", "vehicles": 40}],
                    "by_model": [{"key": "J6P 6×4", "vehicles": 1204}],
                    "by_region": [{"key": "CN-31", "vehicles": 800}],
                    "by_catalogue": [{"key": "1", "vehicles": 1495}],
                }
            ]
        }
    )

    answered_at: AwareDatetime = Field(
        description="When this was answered, UTC.", examples=["2026-11-01T08:00:02Z"]
    )
    vehicles: int = Field(description="All that are registered.", examples=[1500])
    by_state: list[StateCount] = Field(
        description="By what they do, as in the listing of vehicles; every state is there."
    )
    silent_for: list[SilenceCount] = Field(
        description="The silent ones by how long they have been: hours (below 1 d), days (below "
        "7 d), weeks (below 30 d), longer, never (not heard of yet)."
    )
    by_model: list[Counted] = Field(description="By model, most first.")
    by_region: list[Counted] = Field(description="By where they are at home, most first.")
    by_catalogue: list[Counted] = Field(
        description="By the newest version of the signal catalogue of which they have told a "
        "signal, the newest first; null: they have told none."
    )


class Refusal(BaseModel):
    """Messages that were refused for a reason; they are dead letters."""

    reason: str = Field(description="Why.", examples=["vin_malformed"])
    messages: int = Field(description="How many.", examples=[12])
    newest_day: date = Field(description="The last day with one, UTC.", examples=["2026-11-01"])


class SignalOutOfLimits(BaseModel):
    """A signal of which values were out of its limits; they are stored as absent."""

    signal: str = Field(description="Its name.", examples=["coolant_temperature"])
    name: str = Field(description="What it is.", examples=["Engine coolant temperature"])
    values: int = Field(description="How many values.", examples=[340])
    vehicles: int | None = Field(
        description="How many vehicles are among the newest such values that are kept; null: none.",
        examples=[3],
    )
    newest_day: date = Field(description="The last day with one, UTC.", examples=["2026-11-01"])


class DataQuality(BaseModel):
    """What ingest met that is not as it should be."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "first_day": "2026-10-26",
                    "frames": 5_184_000,
                    "refused": [
                        {
                            "reason": "vin_malformed",
                            "messages": 12,
                            "newest_day": "2026-11-01",
                        }
                    ],
                    "out_of_limits": [
                        {
                            "signal": "coolant_temperature",
                            "name": "Engine coolant temperature",
                            "values": 340,
                            "vehicles": 3,
                            "newest_day": "2026-11-01",
                        }
                    ],
                    "unknown_signals": 0,
                    "repeated": 2400,
                    "merged": 12,
                }
            ]
        }
    )

    first_day: date = Field(description="From this day on, UTC.", examples=["2026-10-26"])
    frames: int = Field(description="Frames that were taken.", examples=[5_184_000])
    refused: list[Refusal] = Field(description="Refused messages by reason, most first.")
    out_of_limits: list[SignalOutOfLimits] = Field(
        description="Signals with values out of their limits, most first."
    )
    unknown_signals: int = Field(
        description="Values of signals that the catalogue does not know.", examples=[0]
    )
    repeated: int = Field(description="Rows that were there already.", examples=[2400])
    merged: int = Field(
        description="Rows that were there already with other values.", examples=[12]
    )


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


class DaysQuery(Parameters):
    """Over which time it is counted."""

    days: int = Field(
        default=7, ge=1, le=MAX_DAYS, description="The last days, today included.", examples=[7]
    )

    @property
    def first_day(self) -> date:
        """The first of them, UTC."""
        return datetime.now(tz=UTC).date() - timedelta(days=self.days - 1)


_PROBLEMS = problems(Code.NOT_YOURS, Code.INVALID_PARAMETER)


@router.get(
    "/v1/overview",
    operation_id="get_overview",
    summary="All vehicles, counted",
    responses=_PROBLEMS,
    dependencies=[Depends(no_parameters)],
)
async def get_overview(services: App, party: Principal) -> Overview:
    """Count all vehicles by model, region, state, silence and catalogue version; for the maker."""
    return await overview_of(services, party)


async def overview_of(services: Services, party: int) -> Overview:
    """All vehicles, counted.

    Raises:
        RefusedError: the party is not the maker.
    """
    now = datetime.now(tz=UTC)
    found = await services.overview.counts(party, activity.RULES, now)

    def of(what: str) -> dict[str | None, int]:
        return {one.key: one.vehicles for one in found if one.what == what}

    def most_first(what: str) -> list[Counted]:
        counts = sorted(of(what).items(), key=lambda one: (-one[1], one[0] or ""))
        return [Counted(key=key, vehicles=count) for key, count in counts]

    states, silence = of("state"), of("silent")
    return Overview(
        answered_at=now,
        vehicles=of("all").get(None, 0),
        by_state=[StateCount(state=state, vehicles=states.get(state, 0)) for state in Activity],
        silent_for=[
            SilenceCount(silent_for=one, vehicles=silence[one]) for one in Silence if one in silence
        ],
        by_model=most_first("model"),
        by_region=most_first("region"),
        by_catalogue=[
            Counted(key=key, vehicles=count)
            for key, count in sorted(
                of("catalogue").items(), key=lambda one: int(one[0] or 0), reverse=True
            )
        ],
    )


@router.get(
    "/v1/data-quality",
    operation_id="get_data_quality",
    summary="What ingest met that is not as it should be",
    responses=_PROBLEMS,
)
async def get_data_quality(
    query: Annotated[DaysQuery, Query()], services: App, party: Principal, spoken: Spoken
) -> DataQuality:
    """Tell refused messages by reason and signals with values out of limits; for the maker.

    Vehicles that are silent are at /v1/silent-vehicles.
    """
    return await quality_of(services, party, query, spoken)


async def quality_of(services: Services, party: int, query: DaysQuery, spoken: str) -> DataQuality:
    """What ingest met.

    Raises:
        RefusedError: the party is not the maker.
    """
    found = await services.overview.quality(party, query.first_day)

    def total(measure: str) -> int:
        return sum(one.count for one in found if one.measure == measure)

    return DataQuality(
        first_day=query.first_day,
        frames=total("frames"),
        refused=[
            Refusal(reason=one.key, messages=one.count, newest_day=one.newest_day)
            for one in found
            if one.measure == "refused"
        ],
        out_of_limits=[
            _out_of_limits(services, one, spoken) for one in found if one.measure == "out_of_limits"
        ],
        unknown_signals=total("unknown_signal"),
        repeated=total("repeated"),
        merged=total("merged"),
    )


def _out_of_limits(services: Services, one: QualityCount, spoken: str) -> SignalOutOfLimits:
    signal = services.catalogue.by_name.get(one.key)
    name = one.key
    if signal is not None:
        words = Words(signal.description_en, signal.description_zh)
        name = display.label(words.in_language(spoken)).text
    return SignalOutOfLimits(
        signal=one.key,
        name=name,
        values=one.count,
        vehicles=one.vehicles,
        newest_day=one.newest_day,
    )


@router.get(
    "/v1/ingest",
    operation_id="get_ingest_state",
    summary="How ingest stands",
    responses=_PROBLEMS,
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
