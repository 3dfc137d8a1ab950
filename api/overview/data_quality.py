"""`/v1/data-quality`: what ingest met that is not as it should be."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from api import display
from api.codes import Code
from api.language import Spoken
from api.openapi import problems
from api.overview.days import DaysQuery
from api.principal import Principal
from api.services import App, Services
from schemas.trouble_codes import Words
from storage.served_overview import QualityCount

router = APIRouter(tags=["overview"])


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


@router.get(
    "/v1/data-quality",
    operation_id="get_data_quality",
    summary="What ingest met that is not as it should be",
    responses=problems(Code.NOT_YOURS, Code.INVALID_PARAMETER),
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
