"""A dataset is defined: what it may be of, and why one is refused; over HTTP and by command."""

from datetime import UTC, datetime

from api.codes import Code
from api.datasets.models import (
    DatasetDefinition,
)
from api.problems import Fault, ProblemError, invalid, refused
from api.services import Services
from api.signals import resolution
from schemas.catalogue import Catalogue, CatalogueError
from storage.served_datasets import Defined, Definition


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
