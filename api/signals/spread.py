"""`/v1/catalogue/signals/{signal}/spread`: how far a signal spreads, and who has it."""

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from api.codes import Code
from api.openapi import problems
from api.parameters import no_parameters
from api.principal import Principal
from api.problems import ProblemError
from api.services import App, Services
from schemas.catalogue import CatalogueError, Signal
from storage.served_surveys import Spread

router = APIRouter(tags=["signals"])

_DIGITS = 6
"""Significant digits of values: more is the sample's, not the signal's."""


class SpreadState(StrEnum):
    """What is told of a signal."""

    TOLD = "told"
    AVAILABILITY = "availability"
    TOO_FEW = "too_few"
    NOTHING = "nothing"
    NEVER = "never"


class Bin(BaseModel):
    """A bar of the histogram; of a state, one value."""

    low: float = Field(description="From here on, in `unit`.", examples=[60.0])
    high: float = Field(description="Up to here; of a state the same value.", examples=[64.0])
    share: float | None = Field(
        description="Of the values seen; null: of too few vehicles to be told.", examples=[0.08]
    )


class SpreadOfModel(BaseModel):
    """Who has the signal among the vehicles of a model."""

    model: str | None = Field(
        description="Null: that of all others together, or of those whose model nobody knows.",
        examples=["J6P"],
    )
    others: bool = Field(description="Whether it is all others together.", examples=[False])
    vehicles: int = Field(description="Vehicles looked at.", examples=[412])
    vehicles_share: float | None = Field(
        description="Of these the share that has told it; null: so few that it is not told.",
        examples=[0.97],
    )
    rows_share: float | None = Field(
        description="Of the rows seen of its group the share in which it is; null: as before.",
        examples=[0.99],
    )


_EXAMPLE: dict[str, JsonValue] = {
    "name": "wheel_speed",
    "unit": "km/h",
    "kind": "sample",
    "state": "told",
    "vehicles": 1800,
    "vehicles_share": 0.97,
    "rows": 46080,
    "rows_share": 0.99,
    "p1": 0.0,
    "p50": 58.25,
    "p99": 89.5,
    "bins": [{"low": 60.0, "high": 64.0, "share": 0.08}],
    "models": [
        {
            "model": "J6P",
            "others": False,
            "vehicles": 412,
            "vehicles_share": 0.97,
            "rows_share": 0.99,
        }
    ],
}


class SignalSpread(BaseModel):
    """A signal over the vehicles one may know of; null is what is not told."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    name: str = Field(description="The signal.", examples=["wheel_speed"])
    unit: str = Field(description="Of its values.", examples=["km/h"])
    kind: str = Field(description="sample, state or counter.", examples=["sample"])
    state: SpreadState = Field(
        description="told; availability (no dataset tells its values as they are: places and "
        "counters); too_few (of fewer vehicles than are told of); nothing (no vehicle has it); "
        "never (no dataset tells it: it speaks of who drives).",
        examples=["told"],
    )
    vehicles: int | None = Field(
        description="Vehicles looked at; to a research party in steps of the fewest that a dataset "
        "has.",
        examples=[1800],
    )
    vehicles_share: float | None = Field(
        description="Of these the share that has told it.", examples=[0.97]
    )
    rows: int | None = Field(
        description="Rows seen of its group, of a part of the vehicles; to a research party to two "
        "digits.",
        examples=[46_080],
    )
    rows_share: float | None = Field(description="Of these the share it is in.", examples=[0.99])
    p1: float | None = Field(
        description="A hundredth of the values is below; of states: null.", examples=[0.0]
    )
    p50: float | None = Field(description="Half of them are below.", examples=[58.25])
    p99: float | None = Field(description="All but a hundredth are below.", examples=[89.5])
    bins: list[Bin] = Field(
        description="The histogram. Its outer edges are values that enough vehicles reach; what "
        "lies beyond counts as the edge. Bars that are missing are empty."
    )
    models: list[SpreadOfModel] = Field(description="By vehicle model, the largest first.")


@router.get(
    "/v1/catalogue/signals/{signal}/spread",
    operation_id="get_signal_spread",
    summary="How far a signal spreads, and who has it",
    responses=problems(Code.NOT_FOUND, Code.INVALID_PARAMETER),
    dependencies=[Depends(no_parameters)],
)
async def get_signal_spread(
    signal: Annotated[str, Path(max_length=200, description="Its name.", examples=["wheel_speed"])],
    services: App,
    party: Principal,
) -> SignalSpread:
    """Tell the spread of a signal over the fleet, from a bounded sample.

    A maker is told of all vehicles, an owner of its own. A research party is told of all, of no
    fewer vehicles at a time than a dataset has, in steps of so many with shares and rows of the
    steps to two digits, and never of what no dataset tells. Up to 2,000 vehicles are looked at,
    and 30 rows of each hour of the last day of up to 128 of them.
    """
    return await spread_of(services, party, signal)


async def spread_of(services: Services, party: int, name: str) -> SignalSpread:
    """A signal over the vehicles a party may know of.

    Raises:
        ProblemError: 404, there is no such signal.
    """
    try:
        signal = services.catalogue.resolve(name)
    except CatalogueError as error:
        raise ProblemError(
            code=Code.NOT_FOUND,
            detail="There is no such signal.",
            way_out="/v1/catalogue lists them all.",
        ) from error
    return _told(signal, await services.surveys.spread(party, signal.name))


_STATES = {
    "all": SpreadState.TOLD,
    "availability": SpreadState.AVAILABILITY,
    "few": SpreadState.TOO_FEW,
    "nothing": SpreadState.NOTHING,
    "never": SpreadState.NEVER,
}


def _told(signal: Signal, found: Spread) -> SignalSpread:
    return SignalSpread(
        name=signal.name,
        unit=signal.unit,
        kind=signal.kind,
        state=_STATES[found.told],
        vehicles=found.vehicles,
        vehicles_share=_share(found.with_it, found.vehicles),
        rows=found.rows,
        rows_share=_share(found.rows_with, found.rows),
        p1=_short(found.p1),
        p50=_short(found.p50),
        p99=_short(found.p99),
        bins=[
            Bin(low=_rounded(one.low), high=_rounded(one.high), share=_short(one.share))
            for one in found.bins
        ],
        models=[
            SpreadOfModel(
                model=one.model,
                others=one.others,
                vehicles=one.vehicles,
                vehicles_share=_share(one.with_it, one.vehicles),
                rows_share=_share(one.rows_with, one.rows),
            )
            for one in found.models
        ],
    )


def _share(part: float | None, whole: int | None) -> float | None:
    return None if part is None or not whole else round(part / whole, 3)


def _short(value: float | None) -> float | None:
    return None if value is None else _rounded(value)


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
