"""`/v1/models`: which models there are, how good they are, and what has drifted since."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import Field

from api import cursors, paging, tables
from api.accept import Accepted, responses
from api.codes import Code
from api.model_answers import (
    PATH,
    DriftOfModel,
    ModelWithGroups,
    TrainedModel,
    TrainedModels,
    told,
    told_drift,
    with_groups,
)
from api.openapi import problems
from api.parameters import Paged, Parameters, no_parameters, number
from api.principal import Principal
from api.services import App, Services

MAX_MODELS = 500
MAX_WEEKS = 104
MAX_ROWS = 10_000
"""More than MAX_WEEKS weeks of the inputs of any model of ours."""

router = APIRouter(tags=["models"])


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
        accepted,
        query,
        lambda asked: models_page(services, party, asked),
        rows="models",
        of=TrainedModel,
    )


@router.get(
    f"{PATH}/{{model_id}}",
    operation_id="get_model",
    summary="A model, and how good it is by group of vehicles",
    responses=problems(Code.UNKNOWN_MODEL, Code.INVALID_PARAMETER),
    dependencies=[Depends(no_parameters)],
)
async def get_model(model_id: ModelId, services: App, party: Principal) -> ModelWithGroups:
    """Tell of a model how good it is on vehicles left out: all, by class and by region.

    What fewer vehicles have shown than a dataset must have is withheld.
    """
    return await model_of(services, party, model_id)


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
    return await drift_of(services, party, model_id, query)


async def models_page(services: Services, party: int, query: ModelsQuery) -> TrainedModels:
    """Models, the newest first."""
    found = await services.models.models(
        party, kind=query.kind, before_id=paging.number_before(query), limit=query.limit + 1
    )
    return TrainedModels(
        models=[told(row) for row in found[: query.limit]],
        next=paging.link_if_more(
            PATH,
            query,
            found,
            query.limit,
            lambda shown: cursors.after_number(shown[-1].model_id),
        ),
    )


async def model_of(services: Services, party: int, model_id: int) -> ModelWithGroups:
    """A model.

    Raises:
        UnknownModelError: there is none that the party may know.
    """
    row, groups = await services.models.one(party, model_id)
    return with_groups(row, groups)


async def drift_of(
    services: Services, party: int, model_id: int, query: DriftQuery
) -> DriftOfModel:
    """What has drifted since a model learnt.

    Raises:
        UnknownModelError: there is none that the party may know.
    """
    first = datetime.now(tz=UTC).date() - timedelta(weeks=query.weeks)
    rows = await services.models.drift(party, model_id, first=first, limit=MAX_ROWS)
    return DriftOfModel(model_id=model_id, drift=[told_drift(row) for row in rows])
