"""`/models`: which models there are, how good each is, and what has drifted since it learnt."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from fastapi import APIRouter, Request, Response

from api.model_answers import Drift, GroupedBy, ModelStage, OfWhat, TrainedModel
from api.models import MAX_MODELS, DriftQuery, ModelId, ModelsQuery, drift_of, model_of, models_page
from api.pages.model_figures import Limited, Spanned, limited, spanned
from api.pages.render import page
from api.principal import Principal
from api.services import App

SHOWN = 20
"""Models of a kind, the used ones first."""

WEEKS = 12

_BEGINS_WITH = (ModelStage.CHAMPION, ModelStage.CANDIDATE, ModelStage.ARCHIVED)

router = APIRouter()


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """The models of a kind."""

    name: str
    models: list[TrainedModel]
    hidden: int
    """Older ones, which are not shown."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Watched:
    """An input, or a measure of errors, as weeks went by."""

    name: str
    weeks: list[Drift | None]
    """The oldest first; None: nothing is told of it."""
    last: Drift | None
    """Of the newest of all weeks."""
    picture: Limited | Spanned | None

    @property
    def order(self) -> tuple[int, float]:
        """What has drifted comes first, the farthest beyond its limit before the others."""
        if self.last is None:
            return 3, 0.0
        return (0 if self.last.drifted else 1), -self.last.value / self.last.limit


@router.api_route("/models", methods=["GET", "HEAD"])
async def show_models(request: Request, services: App, party: Principal) -> Response:
    """Show the models there are, by kind."""
    found = await models_page(services, party, ModelsQuery(limit=MAX_MODELS))
    return page(request, "models.html", kinds=_by_kind(found.models), more=found.next is not None)


@router.api_route("/models/{model_id}", methods=["GET", "HEAD"])
async def show_model(
    request: Request, model_id: ModelId, services: App, party: Principal
) -> Response:
    """Show a model, how good it is by group of vehicles, and what has drifted since it learnt."""
    model = await model_of(services, party, model_id)
    told = (await drift_of(services, party, model_id, DriftQuery(weeks=WEEKS))).drift
    weeks = _weeks(told)
    inputs = sorted(_watched(told, OfWhat.INPUT, weeks), key=lambda one: one.order)
    errors = _watched(told, OfWhat.ERROR, weeks)[::-1]  # their size before their bias
    return page(
        request,
        "model.html",
        model=model,
        classes=[one for one in model.groups if one.grouped_by is GroupedBy.VEHICLE_CLASS],
        regions=[one for one in model.groups if one.grouped_by is GroupedBy.REGION],
        weeks=weeks,
        inputs=inputs,
        errors=errors,
        drifted=[one.last for one in (*inputs, *errors) if one.last and one.last.drifted],
    )


def _by_kind(models: Sequence[TrainedModel]) -> list[Kind]:
    """Those of fuel, the product's, before one's own; in each what is used first."""
    names = sorted({one.kind for one in models}, key=lambda name: (name != "fuel", name))
    kinds = []
    for name in names:
        of_it = [one for one in models if one.kind == name]
        of_it.sort(key=lambda one: (_BEGINS_WITH.index(one.stage), -one.model_id))
        kinds.append(Kind(name=name, models=of_it[:SHOWN], hidden=max(len(of_it) - SHOWN, 0)))
    return kinds


def _weeks(told: Sequence[Drift]) -> list[date]:
    """All weeks from the first to the last that is told of."""
    if not told:
        return []
    first, last = min(one.week for one in told), max(one.week for one in told)
    return [first + timedelta(weeks=number) for number in range((last - first).days // 7 + 1)]


def _watched(told: Sequence[Drift], of_what: OfWhat, weeks: Sequence[date]) -> list[Watched]:
    """What is told of each input or measure, by name."""
    by_name: dict[str, dict[date, Drift]] = {}
    for one in told:
        if one.of_what is of_what:
            by_name.setdefault(one.name, {})[one.week] = one
    draw = _columns if of_what is OfWhat.INPUT else _intervals
    found = []
    for name, by_week in sorted(by_name.items()):
        of_weeks = [by_week.get(week) for week in weeks]
        found.append(Watched(name=name, weeks=of_weeks, last=of_weeks[-1], picture=draw(of_weeks)))
    return found


def _columns(weeks: Sequence[Drift | None]) -> Limited | None:
    newest = next(one for one in reversed(weeks) if one is not None)
    return limited([None if one is None else one.value for one in weeks], newest.limit)


def _intervals(weeks: Sequence[Drift | None]) -> Spanned | None:
    """Intervals beside what training had, and the limits around it; None: it had nothing."""
    newest = next(one for one in reversed(weeks) if one is not None)
    if newest.reference is None:
        return None
    limits = (
        [newest.limit]
        if newest.name == "error"
        else [newest.reference - newest.limit, newest.reference + newest.limit]
    )
    spans = [
        None
        if one is None
        else (
            one.value if one.low is None else one.low,
            one.value,
            one.value if one.high is None else one.high,
        )
        for one in weeks
    ]
    return spanned(spans, [newest.reference, *limits])
