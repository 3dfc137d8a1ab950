"""`/datasets`: those one may read or has defined; how much each holds and how it is loaded."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from fastapi import APIRouter, Request, Response

from api import display, language
from api.datasets.endpoints import MAX_DATASETS, of_it
from api.datasets.models import DatasetState, DatasetWithCounts, described, summary
from api.language import Language
from api.pages.render import page
from api.parameters import DatasetId, from_microseconds
from api.principal import Asking
from api.scopes import Scope
from api.services import App, Services
from api.signals.values import told as told_value
from schemas.catalogue import Catalogue, ValueType

FIRST_ROWS = 5
FIRST_SIGNALS = 5
LOOKED_AT = 8
"""Vehicles of which one may have such rows: each is a question to the database."""

SHOWN = 100
LOADED = 20
"""Signals that are asked for at a time, as the API has it."""

router = APIRouter()


@dataclass(frozen=True, kw_only=True, slots=True)
class FirstRow:
    """A row that is shown of a dataset."""

    vehicle: str
    """A pseudonym."""
    time: datetime
    values: list[str]
    """Of its first signals, in words."""


@router.api_route("/datasets", methods=["GET", "HEAD"])
async def show_datasets(request: Request, services: App, who: Asking) -> Response:
    """Show all of them, the newest first."""
    found = await services.datasets.datasets(who.party_id, after_id=0, limit=MAX_DATASETS)
    return page(
        request,
        "datasets.html",
        datasets=[summary(one) for one in reversed(found)][:SHOWN],
        hidden=max(len(found) - SHOWN, 0),
        may_define=Scope.DATASETS_WRITE in who.scopes,
    )


@router.api_route("/datasets/{dataset_id}", methods=["GET", "HEAD"])
async def show_dataset(
    request: Request, dataset_id: DatasetId, services: App, who: Asking
) -> Response:
    """Show a dataset, its first rows, and the code that loads it."""
    found = await of_it(services, who.party_id, dataset_id)
    counts = None
    if found.holds and not found.is_withheld:
        counts = await services.datasets.counts(who.party_id, dataset_id)
    told = described(found, counts, services.catalogue)
    is_open = told.state is DatasetState.OPEN
    text = language.chosen(request)
    return page(
        request,
        "dataset.html",
        dataset=told,
        labels={
            one.name: display.label(
                display.description(services.catalogue.resolve(one.name), text)
            ).text
            for one in told.catalogue
        },
        shown=told.signals[:FIRST_SIGNALS],
        rows=await _first_rows(services, who.party_id, told, text) if is_open else [],
        base=str(request.base_url).rstrip("/"),
        names=",".join(told.signals[:LOADED]),
        first_day_end=min(told.data_from + timedelta(days=1), told.data_until),
        is_owner=told.yours and Scope.DATASETS_WRITE in who.scopes,
    )


async def _first_rows(
    services: Services, party: int, told: DatasetWithCounts, text: Language
) -> list[FirstRow]:
    """The first steps of the first of a few vehicles that has any, as the API tells them."""
    names = told.signals[:FIRST_SIGNALS]
    members = await services.datasets.vehicles(
        party, told.dataset_id, after_vehicle="", limit=LOOKED_AT
    )
    for member in members:
        found = await services.datasets.signals(
            party,
            told.dataset_id,
            member.vehicle,
            names,
            start=told.data_from,
            stop=told.data_until,
            step_s=told.resolution_s,
            limit=FIRST_ROWS,
        )
        if len(found.times_us):
            return [
                FirstRow(
                    vehicle=member.vehicle,
                    time=from_microseconds(int(time)),
                    values=values_in_words(services.catalogue, names, row, text),
                )
                for time, row in zip(found.times_us, found.values.tolist(), strict=True)
            ]
    return []


def values_in_words(
    catalogue: Catalogue, names: Sequence[str], values: Sequence[float | None], text: Language
) -> list[str]:
    """Steps of signals as people read them; shares of switches and what is absent included."""
    words = []
    for name, value in zip(names, values, strict=True):
        signal = catalogue.resolve(name)
        if value is None or math.isnan(value):
            words.append("–")
        elif signal.type is ValueType.BOOLEAN:
            words.append(f"{100 * value:.0f} %")  # of the step, as samples of it tell
        else:
            words.append(display.value(signal, told_value(signal, value), text))
    return words
