"""`/v1/datasets`: what a data scientist may read, what for, how finely, and how it is defined."""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field

from api import cursors, paging, tables
from api.accept import Accepted, responses
from api.accesses import of_dataset
from api.codes import Code
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
from api.problems import Fault, ProblemError, invalid, refused
from api.services import App, Services
from api.signals import resolution
from api.written import WriteRoute
from schemas.catalogue import Catalogue, CatalogueError
from storage.served_datasets import Dataset, Defined, Definition

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


async def define(
    definition: DatasetDefinition, services: Services, party: int, *, of_all: bool = False
) -> int:
    """Define a dataset; its number.

    Args:
        definition: what it is of.
        services: the application's.
        party: who defines it.
        of_all: whether a definition that names no vehicles is of all that are the party's to open.

    Raises:
        ProblemError: it is refused.
    """
    _require_sense(definition, of_all=of_all)
    wanted = Definition(
        name=definition.name,
        purpose=definition.purpose,
        party=definition.party,
        valid_from=definition.valid_from,
        valid_until=definition.valid_until,
        data_from=definition.data_from,
        data_until=definition.data_until,
        vins=definition.vins,
        fleet_id=definition.fleet_id,
        signals=names_of(services.catalogue, definition.signals),
        resolution_s=definition.resolution_s,
        grid_deg=definition.grid_deg,
        with_trips=definition.trips,
        with_events=definition.events,
    )
    if definition.vins is None and definition.fleet_id is None:
        models, regions = definition.models, definition.regions
        defined = await services.surveys.define(party, wanted, models=models, regions=regions)
    else:
        defined = await services.datasets.define(party, wanted)
    if defined.dataset_id is None:
        raise refusal_of(defined)
    return defined.dataset_id


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


def _require_sense(definition: DatasetDefinition, *, of_all: bool) -> None:
    resolution.require_step(definition.resolution_s, "resolution_s")
    now = datetime.now(tz=UTC)
    faults = []
    if definition.valid_until <= max(definition.valid_from or now, now):
        faults.append(
            Fault(
                field="valid_until",
                reason="The dataset would have ended before it can be read.",
                way_out="Use a time that is later than valid_from, and than now.",
            )
        )
    if definition.data_until <= definition.data_from:
        faults.append(
            Fault(
                field="data_until",
                reason="The span of the data is empty.",
                way_out="Let data_until be later than data_from.",
            )
        )
    by_kind = None if definition.models is definition.regions is None else True
    named = 3 - [definition.vins, definition.fleet_id, by_kind].count(None)
    if named != 1 and not (of_all and named == 0):
        faults.append(
            Fault(
                field="vins",
                reason="Either vins, or fleet_id, or models and regions say which vehicles.",
                way_out="Give a list of VINs, the number of a fleet, or models, regions or both.",
            )
        )
    if faults:
        raise refused(faults)


def names_of(catalogue: Catalogue, names: list[str]) -> list[str]:
    """The names of signals that are named by name or path; one named twice is there once.

    Raises:
        ProblemError: 422, there is none of that name.
    """
    found: dict[str, None] = {}
    for name in names:
        try:
            found[catalogue.resolve(name.strip()).name] = None
        except CatalogueError as error:
            raise invalid(
                "signals",
                f"No signal is called {name[:100]!r}.",
                "/v1/catalogue lists them all.",
                code=Code.UNKNOWN_SIGNAL,
            ) from error
    return list(found)


def refusal_of(defined: Defined) -> ProblemError:
    """Why a definition defines nothing, for people."""
    about = (defined.about or "")[:300]
    match defined.refusal:
        case "not_yours":
            return ProblemError(
                code=Code.NOT_YOURS,
                detail="Datasets are defined by makers and owners of vehicles.",
                way_out="Let the owner of the vehicles define it.",
            )
        case "name":
            return ProblemError(
                code=Code.NAME_TAKEN,
                detail="A dataset of yours that has not ended has this name.",
                way_out="Use it, end it, or give this one another name.",
            )
        case "party":
            return invalid(
                "party",
                f"There is no research party {about!r}.",
                "Use the name of a party of kind data_science, as it is registered.",
            )
        case "grid":
            return invalid(
                "grid_deg",
                f"Positions are told on a grid of {about}° or coarser.",
                f"Use grid_deg={about} or more.",
            )
        case "signals":
            return invalid(
                "signals",
                f"No dataset tells {about} so.",
                "Leave out what speaks of the driver, and the heading; what a turn shows may be "
                "told with a resolution of 60 s or more.",
            )
        case "vins":
            return invalid(
                "vins",
                f"These are no vehicles that are yours to open in this span: {about}",
                "/v1/vehicles lists yours; an owner may open what it owned then.",
            )
        case "none":
            return invalid(
                "models",
                "No vehicle that is yours to open is of these models and regions.",
                "/v1/datasets/choices lists models and regions.",
            )
        case "many":
            return invalid(
                "fleet_id",
                f"A dataset has {about} vehicles at the most.",
                "Define several, each over some of them.",
            )
        case _:
            return invalid(
                "vins" if defined.refusal != "few_of_fleet" else "fleet_id",
                f"A dataset has {about} vehicles or more, so that none is recognised.",
                "Take more vehicles, or a span of data in which more of them are yours.",
            )
