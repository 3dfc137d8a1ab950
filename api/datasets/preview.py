"""`/v1/datasets/choices` and `…/preview`: what a dataset may be of, and how much it would hold."""

from enum import StrEnum
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api.codes import Code
from api.datasets.defining import names_of
from api.datasets.endpoints import PATH
from api.datasets.models import EXAMPLE_VEHICLE
from api.openapi import problems
from api.parameters import Parameters, Time, no_parameters, require_order
from api.principal import Asking, Principal
from api.scopes import Scope
from api.services import App, Services
from api.signals import resolution
from schemas.catalogue import Signal
from storage.served_surveys import Selection

BYTES_A_VALUE = 8
BYTES_A_ROW = 8 + 16
"""Its time and its vehicle's number, as a column store keeps them uncompressed."""

FIRST_ROWS = 5

router = APIRouter(tags=["datasets"])


class Choosable(BaseModel):
    """A model or region."""

    name: str = Field(description="As datasets name it.", examples=["J6P"])
    vehicles: int = Field(
        description="Vehicles of the survey that have it; to a research party in steps of the "
        "fewest that a dataset has.",
        examples=[412],
    )


class DatasetChoices(BaseModel):
    """What a dataset may be of; the most frequent first."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "models": [{"name": "J6P", "vehicles": 412}],
                    "regions": [{"name": "CN-31", "vehicles": 96}],
                }
            ]
        }
    )

    models: list[Choosable] = Field(
        description="Models. A research party is told those that as many vehicles have as a "
        "dataset must have."
    )
    regions: list[Choosable] = Field(description="Regions by ISO 3166-2, likewise.")


class PreviewState(StrEnum):
    """What a dataset as asked for would be."""

    ENOUGH = "enough"
    TOO_FEW = "too_few"
    NOTHING = "nothing"
    TOO_MANY = "too_many"


class SignalOfPreview(BaseModel):
    """A signal that the dataset would have."""

    name: str = Field(description="Its name.", examples=["wheel_speed"])
    vehicles_share: float | None = Field(
        description="Share of the vehicles that have told it since the data begin; null: of so few "
        "that it is not told.",
        examples=[0.98],
    )


class RowOfPreview(BaseModel):
    """A row that it would tell."""

    vehicle: str = Field(
        description="A pseudonym that no dataset will have.", examples=[EXAMPLE_VEHICLE]
    )
    time: AwareDatetime = Field(
        description="Beginning of the step, UTC.", examples=["2026-09-01T00:10:00Z"]
    )
    values: list[float | None] = Field(
        description="Of the signals, in their order; coarsened as in the dataset.",
        examples=[[63.5]],
    )


class DatasetPreview(BaseModel):
    """How much a dataset would hold; null where there would be none."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "state": "enough",
                    "vehicles": 240,
                    "vehicle_days": 13900,
                    "rows": 5200000,
                    "size_bytes": 166400000,
                    "signals": [{"name": "wheel_speed", "vehicles_share": 0.98}],
                    "first_rows": [
                        {
                            "vehicle": EXAMPLE_VEHICLE,
                            "time": "2026-09-01T00:10:00Z",
                            "values": [63.5],
                        }
                    ],
                }
            ]
        }
    )

    state: PreviewState = Field(
        description="enough; too_few (fewer vehicles than a dataset must have); nothing (no "
        "vehicle is so); too_many (more than a dataset may have).",
        examples=["enough"],
    )
    vehicles: int | None = Field(
        description="Its vehicles; to a research party in steps of the fewest that a dataset has.",
        examples=[240],
    )
    vehicle_days: int | None = Field(
        description="Days with data of all of them, to two digits.", examples=[13_900]
    )
    rows: int | None = Field(
        description="Steps in trips of all of them, to two digits.", examples=[5_200_000]
    )
    size_bytes: int | None = Field(
        description="Of these rows uncompressed, 8 bytes a value [B].", examples=[166_400_000]
    )
    signals: list[SignalOfPreview] = Field(description="The signals, in the order asked for.")
    first_rows: list[RowOfPreview] = Field(
        description="To who may define it, where `party` is given; otherwise empty."
    )


class PreviewQuery(Parameters):
    """What the dataset would be."""

    names: str = Field(
        min_length=1,
        max_length=20_000,
        description="Signals by name or VSS path, comma separated.",
        examples=["wheel_speed,latitude"],
    )
    models: str | None = Field(
        default=None,
        max_length=4000,
        description="Only of these models, comma separated.",
        examples=["J6P"],
    )
    regions: str | None = Field(
        default=None,
        max_length=1000,
        description="Only of these regions, ISO 3166-2 or a country alone, comma separated.",
        examples=["CN-31"],
    )
    data_from: Time = Field(description="The data begin.", examples=["2026-09-01T00:00:00Z"])
    data_until: Time = Field(description="The data end.", examples=["2026-11-01T00:00:00Z"])
    resolution: int = Field(
        ge=1, le=86_400, description="The finest step [s], a divisor of a day.", examples=[60]
    )
    party: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        description="The research party it is for; with it the first rows are told.",
        examples=["Institute of Vehicles"],
    )


@router.get(
    f"{PATH}/choices",
    operation_id="list_dataset_choices",
    summary="What a dataset may be of",
    responses=problems(Code.INVALID_PARAMETER),
    dependencies=[Depends(no_parameters)],
)
async def list_dataset_choices(services: App, party: Principal) -> DatasetChoices:
    """List models and regions, as far as a survey of up to 2,000 vehicles finds them."""
    return await choices_of(services, party)


@router.get(
    f"{PATH}/preview",
    operation_id="preview_dataset",
    summary="How much a dataset would hold",
    responses=problems(Code.INVALID_PARAMETER, Code.UNKNOWN_SIGNAL),
)
async def preview_dataset(
    query: Annotated[PreviewQuery, Query()], services: App, who: Asking
) -> DatasetPreview:
    """Tell how much a dataset would hold before there is one, from a sample of its vehicles.

    A maker is told of all vehicles, an owner of its own, a research party of those that the maker
    could open to it, in rounded numbers. Nothing is opened by asking.
    """
    selection = Selection(
        models=_listed(query.models),
        regions=_listed(query.regions),
        data_from=query.data_from,
        data_until=query.data_until,
        signals=names_of(services.catalogue, query.names.split(",")),
        resolution_s=query.resolution,
    )
    party = query.party if Scope.DATASETS_WRITE in who.scopes else None
    return await preview_of(services, who.party_id, selection, for_party=party)


async def choices_of(services: Services, party: int) -> DatasetChoices:
    """What a dataset of a party may be of."""
    found = await services.surveys.choices(party)

    def of(kind: str) -> list[Choosable]:
        return [
            Choosable(name=one.name, vehicles=one.vehicles) for one in found if one.kind == kind
        ]

    return DatasetChoices(models=of("model"), regions=of("region"))


async def preview_of(
    services: Services, party: int, selection: Selection, *, for_party: str | None
) -> DatasetPreview:
    """How much a dataset would hold; `for_party`: with its first rows, for that party.

    Raises:
        ProblemError: 422, the resolution or the span is none.
    """
    resolution.require_step(selection.resolution_s, "resolution")
    require_order(selection.data_from, selection.data_until)
    found = await services.surveys.preview(party, selection)
    rows = []
    if found.told == "all" and for_party is not None:
        rows = await services.surveys.first_rows(
            party, selection, party=for_party, limit=FIRST_ROWS
        )
    steps = None if found.steps is None else _two_digits(found.steps)
    size = BYTES_A_ROW + BYTES_A_VALUE * len(selection.signals)
    share = found.availability or {}
    return DatasetPreview(
        state=_STATES[found.told],
        vehicles=found.vehicles,
        vehicle_days=None if found.vehicle_days is None else _two_digits(found.vehicle_days),
        rows=steps,
        size_bytes=None if steps is None else steps * size,
        signals=[
            SignalOfPreview(
                name=name,
                vehicles_share=None if found.availability is None else share.get(name, 0.0),
            )
            for name in selection.signals
        ],
        first_rows=[
            RowOfPreview(
                vehicle=row.vehicle,
                time=row.time,
                values=[
                    None if value is None else _written(services.catalogue.resolve(name), value)
                    for name, value in zip(selection.signals, row.values, strict=True)
                ],
            )
            for row in rows
        ],
    )


_STATES = {
    "all": PreviewState.ENOUGH,
    "few": PreviewState.TOO_FEW,
    "nothing": PreviewState.NOTHING,
    "many": PreviewState.TOO_MANY,
}


def _written(signal: Signal, value: float) -> float:
    """With the digits that what was stored as float32 has, as the dataset's rows are told."""
    return value if signal.wide else float(str(np.float32(value)))


def _two_digits(number: float) -> int:
    return int(float(f"{number:.1e}"))


def _listed(text: str | None) -> list[str] | None:
    """The names that are between commas; None where there are none."""
    return [name.strip() for name in (text or "").split(",") if name.strip()] or None
