"""`/drivers/{driver_id}`: a driver's score and what moved it, and the card to hand over."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from fastapi import APIRouter, Request, Response

from analytics.advice import Card
from api import language
from api.accesses import noted
from api.advice import text as advice_text
from api.codes import Code
from api.driving import scores
from api.driving.scores import ScoreSummary
from api.pages import advice_cards, figures
from api.pages.figures import Column
from api.pages.render import page
from api.parameters import EARLIEST, DriverId
from api.principal import Asking, Principal
from api.problems import unknown
from api.services import App, Services
from storage.answers_behaviour import Driver
from storage.answers_fuel import Advice
from storage.served_behaviour import Page

WEEKS = 12
"""Weeks of scores that are shown."""

PIECES = 6
ON_THE_CARD = 2
"""Pieces of advice that are handed over at once: more nobody follows."""

TRIPS = 10

router = APIRouter()


@dataclass(frozen=True, kw_only=True, slots=True)
class Scores:
    """A driver's scores, the newest first, and their picture, the oldest first."""

    newest: ScoreSummary | None
    weeks: list[ScoreSummary]
    bars: list[Column]


@router.api_route("/drivers/{driver_id}", methods=["GET", "HEAD"])
async def show_driver(
    request: Request, driver_id: DriverId, services: App, who: Asking
) -> Response:
    """Show a driver; to himself without the ways to what is not his."""
    party = who.party_id
    text = language.chosen(request)
    driver = await _driver(services, party, driver_id)
    told = await _scores(services, party, driver_id)
    pieces = await _pieces(services, party, driver_id, PIECES)
    trips = noted(await services.behaviour.driver_trips(party, driver_id, _newest(TRIPS)))
    names = {driver_id: driver.name or driver.card_id}
    prices = await services.prices.of(party)
    return page(
        request,
        "driver.html",
        driver=driver,
        is_own=who.driver_id is not None,
        scores=told,
        trips=trips,
        pieces=[advice_cards.card(one, names, text, prices) for one in pieces],
    )


@router.api_route("/drivers/{driver_id}/card", methods=["GET", "HEAD"])
async def show_card(
    request: Request, driver_id: DriverId, services: App, party: Principal
) -> Response:
    """Show what is printed and handed to a driver: the score, and what to do next."""
    text = language.chosen(request)
    driver = await _driver(services, party, driver_id)
    told = await _scores(services, party, driver_id)
    pieces = await _pieces(services, party, driver_id, ON_THE_CARD)
    prices = await services.prices.of(party)
    cards = [advice_text.card_of(piece, text.code, prices) for piece in pieces]
    return page(
        request,
        "card.html",
        driver=driver,
        is_own=party < 0,
        score=told.newest,
        best=_best(told.newest),
        cards=[(card, _bars(card)) for card in cards if card is not None],
    )


async def _driver(services: Services, party: int, driver_id: int) -> Driver:
    found = await services.behaviour.drivers(party, after_id=driver_id - 1, limit=1)
    if not found or found[0].driver_id != driver_id:
        raise unknown(Code.UNKNOWN_DRIVER)
    return noted(found)[0]


async def _scores(services: Services, party: int, driver_id: int) -> Scores:
    found = noted(await services.behaviour.driver_scores(party, driver_id, _newest(WEEKS)))
    weeks = [scores.summary(score) for score in found]
    known = [week.score for week in reversed(weeks)]
    return Scores(
        newest=weeks[0] if weeks else None,
        weeks=weeks,
        bars=figures.columns(known, places=WEEKS)
        if sum(score is not None for score in known) > 1
        else [],
    )


async def _pieces(services: Services, party: int, driver_id: int, limit: int) -> list[Advice]:
    return noted(
        await services.advice.of_driver(
            party, driver_id, _newest(limit), statuses=advice_cards.OPEN
        )
    )


def _newest(limit: int) -> Page:
    # A week that has not ended is there, too.
    stop = datetime.now(tz=UTC) + timedelta(days=1)
    return Page(start=EARLIEST, stop=stop, newest_first=True, limit=limit)


def _best(score: ScoreSummary | None) -> str | None:
    """What was done best: a card that only finds fault is not read."""
    parts = [] if score is None else score.parts
    return max(parts, key=lambda part: part.metric_score).metric if parts else None


def _bars(card: Card) -> list[Column]:
    return figures.columns([bar.value for bar in card.chart]) if card.chart else []
