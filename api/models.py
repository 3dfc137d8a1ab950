"""`/v1/models`: which models there are, how good they are, and what has drifted since."""

from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from api import cursors, paging, tables
from api.accept import Accepted, responses
from api.codes import Code
from api.openapi import problems
from api.parameters import Paged, Parameters, number
from api.principal import Principal
from api.services import App, Services
from storage.served_models import DriftRow, ModelRow

PATH = "/v1/models"

MAX_MODELS = 500
MAX_WEEKS = 104
MAX_ROWS = 10_000
"""More than MAX_WEEKS weeks of the inputs of any model of ours."""

router = APIRouter(tags=["models"])


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


def _model_id(
    model_id: Annotated[
        str,
        Path(
            description="The model's number, from /v1/models. One that does not exist, or is not "
            "for you to know, is answered with the same 404.",
            examples=["4"],
        ),
    ],
) -> int:
    return number(model_id, Code.UNKNOWN_MODEL)


ModelId = Annotated[int, Depends(_model_id)]
"""A path's model, of the right form."""


class ModelsQuery(Paged):
    """What is asked of the listing."""

    kind: str | None = Field(
        default=None, max_length=40, description="Only of this kind.", examples=["fuel"]
    )
    limit: int = Field(default=50, ge=1, le=MAX_MODELS, description="Models a page.", examples=[50])


class DriftQuery(Parameters):
    """What is asked of a model's drift."""

    weeks: int = Field(
        default=8, ge=1, le=MAX_WEEKS, description="So many weeks back.", examples=[8]
    )


@router.get(
    PATH,
    operation_id="list_models",
    summary="Models",
    response_model=TrainedModels,
    responses=responses(Code.INVALID_PARAMETER),
)
async def list_models(
    query: Annotated[ModelsQuery, Query()], services: App, party: Principal, accepted: Accepted
) -> TrainedModels | Response:
    """List the models there are with how good they are; for makers and data scientists.

    What fewer vehicles have shown than a dataset must have is withheld.
    """
    return await tables.answer(
        accepted, query, lambda asked: _page(services, party, asked), rows="models", of=TrainedModel
    )


@router.get(
    f"{PATH}/{{model_id}}/drift",
    operation_id="get_model_drift",
    summary="What has drifted since a model learnt",
    responses=problems(Code.UNKNOWN_MODEL, Code.INVALID_PARAMETER),
)
async def get_model_drift(
    model_id: ModelId, query: Annotated[DriftQuery, Query()], services: App, party: Principal
) -> DriftOfModel:
    """Tell by week how far a model's inputs are distributed otherwise, and how its errors are.

    Of the champions alone; of weeks after those it was trained on. What fewer vehicles have shown
    than a dataset must have is withheld.
    """
    first = datetime.now(tz=UTC).date() - timedelta(weeks=query.weeks)
    rows = await services.models.drift(party, model_id, first=first, limit=MAX_ROWS)
    return DriftOfModel(model_id=model_id, drift=[_drift(row) for row in rows])


async def _page(services: Services, party: int, query: ModelsQuery) -> TrainedModels:
    found = await services.models.models(
        party, kind=query.kind, before_id=paging.number_before(query), limit=query.limit + 1
    )
    return TrainedModels(
        models=[_told(row) for row in found[: query.limit]],
        next=paging.link_if_more(
            PATH,
            query,
            found,
            query.limit,
            lambda shown: cursors.after_number(shown[-1].model_id),
        ),
    )


def _told(row: ModelRow) -> TrainedModel:
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
        bias_percent=_rounded(row.bias_percent),
        coverage_percent=_rounded(row.coverage_percent),
        drift_week=row.drift_week,
        drifted=row.drifted,
    )


def _drift(row: DriftRow) -> Drift:
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


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
