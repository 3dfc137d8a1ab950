"""`/v1/datasets`: what a data scientist may read, what for and how finely."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field

from api import cursors, paging, tables
from api.accept import Accepted, responses
from api.accesses import of_dataset
from api.codes import Code
from api.datasets.defining import define
from api.datasets.models import (
    DatasetChange,
    DatasetDefinition,
    Datasets,
    DatasetSummary,
    DatasetVehicle,
    DatasetVehicles,
    DatasetWithCounts,
    described,
    summary,
)
from api.openapi import WRITING, problems
from api.parameters import DatasetId, Paged, no_parameters
from api.principal import Principal
from api.problems import ProblemError, invalid
from api.services import App, Services
from api.written import WriteRoute
from storage.served_datasets import Dataset

PATH = "/v1/datasets"


ONE = f"{PATH}/{{dataset_id}}"


MAX_DATASETS = 500


MAX_VEHICLES = 1000


router = APIRouter(tags=["datasets"], route_class=WriteRoute)


class DatasetsQuery(Paged):
    """What is asked of the listing."""

    limit: int = Field(
        default=100, ge=1, le=MAX_DATASETS, description="Datasets a page.", examples=[100]
    )


class DatasetVehiclesQuery(Paged):
    """What is asked of the listing."""

    limit: int = Field(
        default=100, ge=1, le=MAX_VEHICLES, description="Vehicles a page.", examples=[100]
    )


@router.get(
    PATH,
    operation_id="list_datasets",
    summary="Datasets",
    responses=problems(Code.INVALID_PARAMETER),
)
async def list_datasets(
    query: Annotated[DatasetsQuery, Query()], services: App, party: Principal
) -> Datasets:
    """List the datasets that are for you and may be read now, and all that you have defined."""
    found = await services.datasets.datasets(
        party, after_id=paging.number_after(query), limit=query.limit + 1
    )
    return Datasets(
        datasets=[summary(one) for one in found[: query.limit]],
        next=paging.link_if_more(
            PATH,
            query,
            found,
            query.limit,
            lambda shown: cursors.after_number(shown[-1].dataset_id),
        ),
    )


@router.post(
    PATH,
    operation_id="define_dataset",
    summary="Define a dataset",
    status_code=HTTPStatus.CREATED,
    responses=problems(
        *WRITING,
        Code.INVALID_PARAMETER,
        Code.UNKNOWN_SIGNAL,
        Code.UNKNOWN_FLEET,
        Code.NOT_YOURS,
        Code.NAME_TAKEN,
    ),
    dependencies=[Depends(no_parameters)],
)
async def define_dataset(
    definition: DatasetDefinition, services: App, party: Principal, response: Response
) -> DatasetSummary:
    """Let a research party read vehicles' data under pseudonyms, for a purpose and a time.

    A maker may do so with every vehicle, an owner with its own. What the dataset opens and what for
    is not changed afterwards: end it, and define another.
    """
    defined_id = await define(definition, services, party)
    response.headers["Location"] = f"{PATH}/{defined_id}"
    return summary(await of_it(services, party, defined_id))


@router.get(
    ONE,
    operation_id="get_dataset",
    summary="A dataset with its signals",
    responses=problems(Code.UNKNOWN_DATASET, Code.INVALID_PARAMETER),
    dependencies=[Depends(no_parameters)],
)
async def get_dataset(dataset_id: DatasetId, services: App, party: Principal) -> DatasetWithCounts:
    """Tell a dataset: its span and resolution, how much there is, and which vehicles tell what."""
    found = await of_it(services, party, dataset_id)
    counts = None
    if found.holds and not found.is_withheld:
        counts = await services.datasets.counts(party, dataset_id)
    return described(found, counts, services.catalogue)


@router.patch(
    ONE,
    operation_id="change_dataset",
    summary="Rename a dataset, or change when it ends",
    responses=problems(*WRITING, Code.UNKNOWN_DATASET, Code.ENDED, Code.INVALID_PARAMETER),
    dependencies=[Depends(no_parameters)],
)
async def change_dataset(
    dataset_id: DatasetId, change: DatasetChange, services: App, party: Principal
) -> DatasetSummary:
    """Give a dataset that you defined another name or end; one that has ended stays so."""
    found = await of_it(services, party, dataset_id)
    if change.valid_until is not None and change.valid_until <= found.valid_from:
        raise invalid(
            "valid_until",
            "The dataset would end before it begins.",
            "Use a later time, or DELETE to end it at once.",
        )
    changed = await services.datasets.change(
        party, dataset_id, name=change.name, valid_until=change.valid_until
    )
    if changed is None:
        raise ProblemError(
            code=Code.ENDED,
            detail="This dataset has ended: it is not opened again.",
            way_out="Define another one; its vehicles have new pseudonyms.",
        )
    return summary(changed)


@router.delete(
    ONE,
    operation_id="end_dataset",
    summary="End a dataset",
    status_code=HTTPStatus.NO_CONTENT,
    responses=problems(*WRITING, Code.UNKNOWN_DATASET, Code.INVALID_PARAMETER),
    dependencies=[Depends(no_parameters)],
)
async def end_dataset(dataset_id: DatasetId, services: App, party: Principal) -> None:
    """End a dataset that you defined, at once and for good; answers that run break off."""
    await services.datasets.end(party, dataset_id)


@router.get(
    f"{ONE}/vehicles",
    operation_id="list_dataset_vehicles",
    summary="Vehicles of a dataset",
    response_model=DatasetVehicles,
    responses=responses(Code.UNKNOWN_DATASET, Code.WITHHELD, Code.INVALID_PARAMETER),
)
async def list_dataset_vehicles(
    dataset_id: DatasetId,
    query: Annotated[DatasetVehiclesQuery, Query()],
    services: App,
    party: Principal,
    accepted: Accepted,
) -> DatasetVehicles | Response:
    """List a dataset's vehicles under their pseudonyms, with class, model and signals they tell."""
    await of_it(services, party, dataset_id)

    async def page(asked: DatasetVehiclesQuery) -> DatasetVehicles:
        after = "" if asked.cursor is None else cursors.read_vehicle(asked.cursor)
        found = await services.datasets.vehicles(
            party, dataset_id, after_vehicle=after, limit=asked.limit + 1
        )
        return DatasetVehicles(
            dataset_id=dataset_id,
            vehicles=[
                DatasetVehicle(
                    vehicle=one.vehicle,
                    vehicle_class=one.vehicle_class,
                    model=one.model,
                    signals=one.signals,
                )
                for one in found[: asked.limit]
            ],
            next=paging.link_if_more(
                f"{PATH}/{dataset_id}/vehicles",
                asked,
                found,
                asked.limit,
                lambda shown: cursors.after_vehicle(shown[-1].vehicle),
            ),
        )

    return await tables.answer(accepted, query, page, rows="vehicles", of=DatasetVehicle)


async def of_it(services: Services, party: int, dataset_id: int) -> Dataset:
    """The dataset that is asked about; it is written down with what it is for.

    Raises:
        UnknownDatasetError: there is none that the party may read.
    """
    found = await services.datasets.dataset(party, dataset_id)
    of_dataset(dataset_id, found.purpose)
    return found
