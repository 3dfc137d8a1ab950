"""`/v1/catalogue`: what may be asked for."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from api.codes import Code
from api.openapi import problems
from api.parameters import Parameters
from api.problems import invalid
from api.services import App
from schemas.catalogue import GROUP_NAMES, Kind, Origin, Signal, ValueType
from schemas.search import matches

router = APIRouter(tags=["signals"])


class SignalDescription(BaseModel):
    """A signal as the catalogue describes it."""

    id: int = Field(description="Its number on the wire.", examples=[1])
    name: str = Field(description="Its name in questions and answers.", examples=["wheel_speed"])
    path: str = Field(description="Its VSS path.", examples=["Vehicle.Speed"])
    origin: Origin = Field(description="Who defines the path.", examples=["vss"])
    group: str = Field(description="The group it is recorded with.", examples=["motion"])
    kind: Kind = Field(description="How it behaves in time.", examples=["sample"])
    type: ValueType = Field(description="How it is stored.", examples=["real"])
    unit: str = Field(description="Empty for switches and enumerations.", examples=["km/h"])
    min: float = Field(description="Least plausible value, in `unit`.", examples=[0.0])
    max: float = Field(description="Greatest plausible value, in `unit`.", examples=[250.0])
    resolution: float = Field(
        description="Smallest step the source can tell, in `unit`.", examples=[0.00390625]
    )
    period_s: float = Field(description="Nominal time between two values [s].", examples=[1.0])
    pgn: int | None = Field(description="SAE J1939 parameter group.", examples=[65265])
    spn: int | None = Field(description="SAE J1939 parameter number.", examples=[84])
    since: int = Field(description="Catalogue version that added it.", examples=[1])
    description_en: str = Field(description="What it is.", examples=["Wheel-based vehicle speed"])
    description_zh: str = Field(description="The same in Chinese.", examples=["车轮车速"])


class CatalogueAnswer(BaseModel):
    """Signals of the catalogue."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "version": 1,
                    "signals": [
                        {
                            "id": 1,
                            "name": "wheel_speed",
                            "path": "Vehicle.Speed",
                            "origin": "vss",
                            "group": "motion",
                            "kind": "sample",
                            "type": "real",
                            "unit": "km/h",
                            "min": 0.0,
                            "max": 250.0,
                            "resolution": 0.00390625,
                            "period_s": 1.0,
                            "pgn": 65265,
                            "spn": 84,
                            "since": 1,
                            "description_en": "Wheel-based vehicle speed",
                            "description_zh": "车轮车速",
                        }
                    ],
                }
            ]
        }
    )

    version: int = Field(description="The catalogue's version.", examples=[1])
    signals: list[SignalDescription] = Field(description="By their ids; all that match.")


class CatalogueQuery(Parameters):
    """Which signals are asked for."""

    group: str | None = Field(
        default=None,
        max_length=40,
        description=f"Only this group: {', '.join(GROUP_NAMES)}.",
        examples=["motion"],
    )
    search: str | None = Field(
        default=None,
        max_length=100,
        description="Only signals with all these words in name, path, descriptions or SPN.",
        examples=["brake pressure"],
    )


@router.get(
    "/v1/catalogue",
    operation_id="list_signals",
    summary="Signals that may be asked for",
    responses=problems(Code.INVALID_PARAMETER, database=False),
)
async def list_signals(query: Annotated[CatalogueQuery, Query()], services: App) -> CatalogueAnswer:
    """List the signals of the catalogue, all or those that match."""
    if query.group is not None and query.group not in GROUP_NAMES:
        raise invalid("group", "There is no such group.", f"Use one of {', '.join(GROUP_NAMES)}.")
    return CatalogueAnswer(
        version=services.catalogue.version,
        signals=[
            _description(signal)
            for signal in services.catalogue.signals
            if query.group in (None, signal.group) and matches(signal, query.search or "")
        ],
    )


def _description(signal: Signal) -> SignalDescription:
    return SignalDescription(
        id=signal.id,
        name=signal.name,
        path=signal.path,
        origin=signal.origin,
        group=signal.group,
        kind=signal.kind,
        type=signal.type,
        unit=signal.unit,
        min=signal.minimum,
        max=signal.maximum,
        resolution=signal.resolution,
        period_s=signal.period_s,
        pgn=signal.pgn,
        spn=signal.spn,
        since=signal.since,
        description_en=signal.description_en,
        description_zh=signal.description_zh,
    )
