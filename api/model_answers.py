"""What `/v1/models` answers, and how it is made of what the database tells."""

from datetime import date
from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from storage.served_models import DriftRow, GroupRow, ModelRow

PATH = "/v1/models"


class ModelStage(StrEnum):
    """What a model is used for."""

    CANDIDATE = "candidate"
    CHAMPION = "champion"
    ARCHIVED = "archived"


class OfWhat(StrEnum):
    """What may drift."""

    INPUT = "input"
    ERROR = "error"


class TrainedModel(BaseModel):
    """A model; null is what is not known, or what too few vehicles have shown."""

    model_id: int = Field(description="The model's number.", examples=[4])
    kind: str = Field(description="What it tells: fuel, or a name.", examples=["fuel"])
    stage: ModelStage = Field(
        description="champion (it is used), candidate (it predicts beside it) or archived.",
        examples=["champion"],
    )
    created_at: AwareDatetime = Field(
        description="When it was trained, UTC.", examples=["2026-11-02T01:30:00Z"]
    )
    data_from: date | None = Field(
        description="First day it was trained on.", examples=["2026-10-01"]
    )
    data_to: date | None = Field(description="Last day.", examples=["2026-10-31"])
    code_version: str = Field(description="Of the code that trained it.", examples=["0.1.0"])
    checksum: str = Field(description="SHA-256 of the model's file.", examples=["9f2c" * 16])
    vehicles: int | None = Field(description="That it was trained on.", examples=[412])
    rows: int | None = Field(description="That it was trained on.", examples=[1840211])
    error_percent: float | None = Field(
        description="All absolute errors on vehicles left out, of all there was to predict [%].",
        examples=[6.4],
    )
    error_low: float | None = Field(
        description="95 % interval of the error [%]: its lower end; null: not known.",
        examples=[6.1],
    )
    error_high: float | None = Field(description="Its upper end [%].", examples=[6.8])
    bias_percent: float | None = Field(
        description="Predicted less actual on these, of all there was [%].", examples=[-0.2]
    )
    coverage_percent: float | None = Field(
        description="How often its interval of 90 % held the truth [%].", examples=[91.2]
    )
    drift_week: date | None = Field(
        description="Monday of the last week of which drift is known.", examples=["2026-11-16"]
    )
    drifted: int | None = Field(
        description="How many inputs and measures of error had drifted in it.", examples=[1]
    )


EXAMPLE: JsonDict = {
    "model_id": 4,
    "kind": "fuel",
    "stage": "champion",
    "created_at": "2026-11-02T01:30:00Z",
    "data_from": "2026-10-01",
    "data_to": "2026-10-31",
    "code_version": "0.1.0",
    "checksum": "9f2c" * 16,
    "vehicles": 412,
    "rows": 1840211,
    "error_percent": 6.4,
    "error_low": 6.1,
    "error_high": 6.8,
    "bias_percent": -0.2,
    "coverage_percent": 91.2,
    "drift_week": "2026-11-16",
    "drifted": 1,
}


class TrainedModels(BaseModel):
    """A page of models, the newest first."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"models": [EXAMPLE], "next": f"{PATH}?limit=1&cursor=bjQ"}]
        }
    )

    models: list[TrainedModel] = Field(description="At most `limit`.")
    next: str | None = Field(description="Address of the next page; null: this was the last.")


class GroupedBy(StrEnum):
    """What groups of vehicles have in common."""

    VEHICLE_CLASS = "vehicle_class"
    REGION = "region"


class GroupOfVehicles(BaseModel):
    """How good a model is on a group of vehicles that were left out."""

    grouped_by: GroupedBy = Field(
        description="vehicle_class or region.", examples=["vehicle_class"]
    )
    name: str = Field(
        description="The class; the region by ISO 3166-2, or unknown.", examples=["heavy_truck"]
    )
    vehicles: int = Field(description="That were left out.", examples=[380])
    rows: int = Field(description="Of these.", examples=[1702344])
    error_percent: float | None = Field(
        description="All absolute errors, of all there was [%]; null: there was nothing.",
        examples=[6.2],
    )
    error_low: float | None = Field(
        description="95 % interval of the error [%]: its lower end; null: not known.",
        examples=[5.9],
    )
    error_high: float | None = Field(description="Its upper end [%].", examples=[6.5])
    bias_percent: float | None = Field(
        description="Predicted less actual, of all there was [%].", examples=[-0.1]
    )
    coverage_percent: float | None = Field(
        description="How often its interval of 90 % held the truth [%].", examples=[91.0]
    )


class ModelWithGroups(TrainedModel):
    """A model, and how good it is by class of vehicle and by region."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                EXAMPLE
                | {
                    "groups": [
                        {
                            "grouped_by": "vehicle_class",
                            "name": "heavy_truck",
                            "vehicles": 380,
                            "rows": 1702344,
                            "error_percent": 6.2,
                            "error_low": 5.9,
                            "error_high": 6.5,
                            "bias_percent": -0.1,
                            "coverage_percent": 91.0,
                        }
                    ]
                }
            ]
        }
    )

    groups: list[GroupOfVehicles] = Field(
        description="The classes, then the regions, the largest first. Those of too few vehicles "
        "are left out, and where these are too few together, the next smallest, too."
    )


class Drift(BaseModel):
    """What is said of one input, or one measure of error, in one week."""

    week: date = Field(description="Its Monday.", examples=["2026-11-16"])
    of_what: OfWhat = Field(description="input or error.", examples=["input"])
    name: str = Field(
        description="The feature; of errors their size (error) or bias.", examples=["ambient_c"]
    )
    value: float = Field(
        description="Of an input the population stability index; of errors percent.",
        examples=[0.31],
    )
    low: float | None = Field(
        description="95 % interval of an error [%]; null: not known.", examples=[5.9]
    )
    high: float | None = Field(description="Its other end [%].", examples=[7.1])
    reference: float | None = Field(
        description="What an error was at training [%].", examples=[6.4]
    )
    limit: float = Field(
        description="Beyond it, it counts as drifted; a bias that is so far beside the reference.",
        examples=[0.2],
    )
    drifted: bool | None = Field(
        description="Whether it has; null: too few vehicles tell.", examples=[True]
    )
    vehicles: int = Field(description="That tell.", examples=[380])
    rows: int = Field(description="That tell.", examples=[96112])
    computed_at: AwareDatetime = Field(description="UTC.", examples=["2026-11-23T02:00:00Z"])


class DriftOfModel(BaseModel):
    """What has drifted since a model learnt, the newest week first."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "model_id": 4,
                    "drift": [
                        {
                            "week": "2026-11-16",
                            "of_what": "input",
                            "name": "ambient_c",
                            "value": 0.31,
                            "low": None,
                            "high": None,
                            "reference": None,
                            "limit": 0.2,
                            "drifted": True,
                            "vehicles": 380,
                            "rows": 96112,
                            "computed_at": "2026-11-23T02:00:00Z",
                        }
                    ],
                }
            ]
        }
    )

    model_id: int = Field(description="The model.", examples=[4])
    drift: list[Drift] = Field(description="By week, kind and name.")


def told(row: ModelRow) -> TrainedModel:
    """A model as the database tells it."""
    return TrainedModel(
        model_id=row.model_id,
        kind=row.kind,
        stage=ModelStage(row.stage),
        created_at=row.created_at,
        data_from=row.data_from,
        data_to=row.data_to,
        code_version=row.code_version,
        checksum=row.checksum,
        vehicles=row.vehicles,
        rows=row.rows,
        error_percent=_rounded(row.error_percent),
        error_low=_rounded(row.error_low),
        error_high=_rounded(row.error_high),
        bias_percent=_rounded(row.bias_percent),
        coverage_percent=_rounded(row.coverage_percent),
        drift_week=row.drift_week,
        drifted=row.drifted,
    )


def with_groups(row: ModelRow, groups: list[GroupRow]) -> ModelWithGroups:
    """A model and its groups as the database tells them."""
    return ModelWithGroups(**told(row).model_dump(), groups=[_group(one) for one in groups])


def told_drift(row: DriftRow) -> Drift:
    """What the database tells of an input, or of a measure of error."""
    return Drift(
        week=row.week,
        of_what=OfWhat(row.of_what),
        name=row.name,
        value=round(row.value, 4),
        low=_rounded(row.low),
        high=_rounded(row.high),
        reference=_rounded(row.reference),
        limit=round(row.limit_value, 4),
        drifted=row.drifted,
        vehicles=row.vehicles,
        rows=row.rows,
        computed_at=row.computed_at,
    )


def _group(row: GroupRow) -> GroupOfVehicles:
    return GroupOfVehicles(
        grouped_by=GroupedBy(row.grouped_by),
        name=row.name,
        vehicles=row.vehicles,
        rows=row.rows,
        error_percent=_rounded(row.error_percent),
        error_low=_rounded(row.error_low),
        error_high=_rounded(row.error_high),
        bias_percent=_rounded(row.bias_percent),
        coverage_percent=_rounded(row.coverage_percent),
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
