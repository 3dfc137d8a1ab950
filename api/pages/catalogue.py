"""`/catalogue`: what signals there are, and of each how far it spreads and who has it."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from api import display, language
from api.language import Language
from api.pages.figures import Column
from api.pages.render import page
from api.principal import Asking
from api.scopes import Scope
from api.services import App
from api.signals.spread import SignalSpread, SpreadState, spread_of
from api.signals.values import told
from schemas.catalogue import GROUP_NAMES, Signal
from schemas.search import matches

SHOWN = 60
"""Signals on a page; who looks for more of them has not said enough yet."""

MAX_NAMES = 8000

router = APIRouter()

Names = Annotated[str, Query(max_length=MAX_NAMES)]


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """A signal of the list."""

    signal: Signal
    label: str
    taken: bool
    """Whether the dataset that is put together has it already."""
    added: str
    """The names of that dataset with this one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Histogram:
    """A spread as a picture, with its ends in words."""

    bars: list[Column]
    low: str
    high: str
    hidden: int
    """Bars that are of too few vehicles."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StateShare:
    """How often a state has a value."""

    value: str
    share: float


@router.api_route("/catalogue", methods=["GET", "HEAD"])
async def show_catalogue(
    request: Request,
    services: App,
    _: Asking,
    q: Annotated[str, Query(max_length=100)] = "",
    group: Annotated[str, Query(max_length=40)] = "",
    names: Names = "",
) -> Response:
    """Show the signals that match; with `names`, ways to add them to that dataset."""
    text = language.chosen(request)
    found = [
        signal
        for signal in services.catalogue.signals
        if group in ("", signal.group) and matches(signal, q)
    ]
    chosen = [name for name in names.split(",") if name]
    return page(
        request,
        "catalogue.html",
        q=q,
        group=group,
        groups=GROUP_NAMES,
        names=",".join(chosen),
        chosen=len(chosen),
        count=len(found),
        total=len(services.catalogue.signals),
        signals=[
            Listed(
                signal=signal,
                label=display.description(signal, text),
                taken=signal.name in chosen,
                added=",".join([*chosen, signal.name]),
            )
            for signal in found[:SHOWN]
        ],
    )


@router.api_route("/catalogue/{signal}", methods=["GET", "HEAD"])
async def show_signal(
    request: Request,
    signal: Annotated[str, Path(max_length=200)],
    services: App,
    who: Asking,
    names: Names = "",
) -> Response:
    """Show a signal with its spread and availability."""
    text = language.chosen(request)
    spread = await spread_of(services, who.party_id, signal)
    shown = services.catalogue.resolve(spread.name)
    chosen = [one for one in names.split(",") if one]
    is_state = shown.kind == "state"
    return page(
        request,
        "signal.html",
        signal=shown,
        label=display.description(shown, text),
        spread=spread,
        histogram=None if is_state else _histogram(shown, spread, text),
        states=_states(shown, spread, text) if is_state else [],
        marks=[
            (key, number, display.value(shown, told(shown, number), text))
            for key, number in (("p1", spread.p1), ("p50", spread.p50), ("p99", spread.p99))
            if number is not None
        ],
        limits=[
            display.value(shown, told(shown, number), text)
            for number in (shown.minimum, shown.maximum)
        ],
        names=",".join(chosen),
        added=",".join(dict.fromkeys([*chosen, shown.name])),
        may_take=spread.state is not SpreadState.NEVER,
        whose="all" if Scope.FLEETS_READ not in who.scopes or who.role == "maker" else "own",
    )


def _histogram(signal: Signal, spread: SignalSpread, text: Language) -> Histogram | None:
    if not spread.bins:
        return None
    low, high = spread.bins[0].low, spread.bins[-1].high
    room = high - low or 1
    most = max((one.share or 0 for one in spread.bins), default=0) or 1
    return Histogram(
        bars=[
            Column(
                x=round(100 * (one.low - low) / room, 2),
                y=round(100 - 100 * one.share / most, 2),
                width=round(max(100 * (one.high - one.low) / room - 0.5, 0.5), 2)
                if high > low
                else 100,
                height=round(100 * one.share / most, 2),
            )
            for one in spread.bins
            if one.share is not None
        ],
        low=display.value(signal, told(signal, low), text),
        high=display.value(signal, told(signal, high), text),
        hidden=sum(one.share is None for one in spread.bins),
    )


def _states(signal: Signal, spread: SignalSpread, text: Language) -> list[StateShare]:
    return [
        StateShare(value=display.value(signal, told(signal, one.low), text), share=one.share)
        for one in spread.bins
        if one.share is not None
    ]
