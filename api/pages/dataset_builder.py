"""`/datasets/new`: put a dataset together, see what it would hold, and have it defined.

What is asked for is all in the address: who may not open the data hands it to who may.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import ValidationError
from starlette.responses import RedirectResponse

from api import display, forms, language
from api.codes import Code
from api.datasets.defining import define, names_of
from api.datasets.models import MAX_NAME, MAX_PURPOSE, DatasetDefinition
from api.datasets.preview import DatasetPreview, choices_of, preview_of
from api.identity import Caller
from api.pages.catalogue import MAX_NAMES
from api.pages.datasets import values_in_words
from api.pages.render import page
from api.principal import Asking
from api.problems import ProblemError, invalid
from api.scopes import Scope
from api.services import App, Services
from api.signing_in import sessions
from storage.served_surveys import Selection

STEPS = (1, 10, 60, 300, 600, 3600)
"""Resolutions to choose from [s]; the API takes any divisor of a day."""

USUAL_STEP = 60
USUAL_DAYS = 30
USUAL_VALIDITY_DAYS = 180

router = APIRouter()

Text = Annotated[str, Query(max_length=MAX_NAMES)]
Day = Annotated[date | None, Query(ge=date(2000, 1, 1), le=date(2100, 1, 1))]
Chosen = Annotated[list[str] | None, Query(max_length=100)]


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """A dataset as far as it has been put together."""

    names: list[str]
    models: list[str]
    regions: list[str]
    first: date
    """The data begin with this day, UTC."""
    last: date
    """And end with this one."""
    resolution: int
    name: str
    purpose: str
    party: str
    valid_until: date
    trips: bool
    events: bool

    @property
    def data_from(self) -> datetime:
        """The beginning of the first day."""
        return datetime(self.first.year, self.first.month, self.first.day, tzinfo=UTC)

    @property
    def data_until(self) -> datetime:
        """The end of the last day."""
        last = self.last + timedelta(days=1)
        return datetime(last.year, last.month, last.day, tzinfo=UTC)


async def _wish(
    names: Text = "",
    model: Chosen = None,
    region: Chosen = None,
    first: Day = None,
    last: Day = None,
    resolution: Annotated[int, Query(ge=1, le=86_400)] = USUAL_STEP,
    name: Text = "",
    purpose: Text = "",
    party: Text = "",
    valid_until: Day = None,
    trips: bool = False,
    events: bool = False,
) -> Wish:
    today = datetime.now(tz=UTC).date()
    return Wish(
        names=list(dict.fromkeys(one for one in names.replace(",", " ").split() if one)),
        models=model or [],
        regions=region or [],
        first=first or today - timedelta(days=USUAL_DAYS),
        last=last or today - timedelta(days=1),
        resolution=resolution,
        name=name[:MAX_NAME],
        purpose=purpose[:MAX_PURPOSE],
        party=party,
        valid_until=valid_until or today + timedelta(days=USUAL_VALIDITY_DAYS),
        trips=trips,
        events=events,
    )


Wished = Annotated[Wish, Depends(_wish)]


@router.api_route("/datasets/new", methods=["GET", "HEAD"])
async def show_builder(request: Request, wish: Wished, services: App, who: Asking) -> Response:
    """Show the form and, where signals are named, what the dataset would hold."""
    return await _show(request, services, who, wish)


@router.post("/datasets/new")
async def define_from_page(request: Request, wish: Wished, services: App, who: Asking) -> Response:
    """Define what the address asks for, and go to it."""
    sessions.require_ours(request)  # where nobody signs in, there is no session to ask for it
    try:
        await forms.read(request)
        definition = DatasetDefinition.model_validate(
            {
                "name": wish.name,
                "purpose": wish.purpose,
                "party": wish.party,
                "valid_until": wish.valid_until.isoformat() + "T00:00:00Z",
                "data_from": wish.data_from.isoformat(),
                "data_until": wish.data_until.isoformat(),
                "models": wish.models or None,
                "regions": wish.regions or None,
                "signals": wish.names,
                "resolution_s": wish.resolution,
                "trips": wish.trips,
                "events": wish.events,
            }
        )
        number = await define(definition, services, who.party_id, of_all=True)
    except forms.FormError as error:
        raise invalid("names", "This is no form.", "Send it from the page.") from error
    except ValidationError as error:
        fault = str(error.errors()[0]["loc"][0])
        return await _show(request, services, who, wish, fault=fault)
    except ProblemError as error:
        return await _show(request, services, who, wish, fault=_fault(error))
    return RedirectResponse(f"/datasets/{number}", status_code=HTTPStatus.SEE_OTHER)


FAULTS = frozenset(
    {"name", "name_taken", "purpose", "party", "signals", "models", "vins", "valid_until",
     "data_until", "resolution_s", "resolution", "end"}
)  # fmt: skip
"""What may be wrong with a wish; each has its text."""


def _fault(error: ProblemError) -> str:
    if error.code is Code.NAME_TAKEN:
        return "name_taken"
    field = error.faults[0].field if error.faults else ""
    if field not in FAULTS:
        raise error
    return field


async def _show(
    request: Request, services: Services, who: Caller, wish: Wish, *, fault: str | None = None
) -> Response:
    text = language.chosen(request)
    may_define = Scope.DATASETS_WRITE in who.scopes
    preview: DatasetPreview | None = None
    if wish.names and fault is None:
        try:
            preview = await _preview(services, who, wish, may_define=may_define)
        except ProblemError as error:
            fault = _fault(error)
    rows = [] if preview is None else preview.first_rows
    resolved = [one for one in services.catalogue.signals if one.name in wish.names]
    return page(
        request,
        "dataset_new.html",
        status=HTTPStatus.UNPROCESSABLE_ENTITY if fault else HTTPStatus.OK,
        wish=wish,
        labels={one.name: display.label(display.description(one, text)).text for one in resolved},
        choices=await choices_of(services, who.party_id),
        steps=sorted({*STEPS, wish.resolution}),
        preview=preview,
        size=None if preview is None else _size(preview.size_bytes or 0),
        rows=[
            (
                row,
                values_in_words(
                    services.catalogue, [one.name for one in preview.signals], row.values, text
                ),
            )
            for row in rows
            if preview is not None
        ],
        fault=fault,
        may_define=may_define,
        address=str(request.url),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Size:
    """So many bytes, as people say it."""

    number: float
    unit: str


def _size(size_bytes: int) -> Size:
    for unit, whole in (("GB", 1e9), ("MB", 1e6)):
        if size_bytes >= whole:
            return Size(number=size_bytes / whole, unit=unit)
    return Size(number=size_bytes / 1e3, unit="kB")


async def _preview(
    services: Services, who: Caller, wish: Wish, *, may_define: bool
) -> DatasetPreview:
    selection = Selection(
        models=wish.models or None,
        regions=wish.regions or None,
        data_from=wish.data_from,
        data_until=wish.data_until,
        signals=names_of(services.catalogue, wish.names),
        resolution_s=wish.resolution,
    )
    party = wish.party if may_define and wish.party else None
    return await preview_of(services, who.party_id, selection, for_party=party)
