"""`/vehicles/{vin}/trips/{start}`: a trip: its speed, events on its track, fuel and its causes."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response

from api import display, language
from api.accesses import noted
from api.codes import Code
from api.driving import events
from api.driving.events import EventSummary
from api.driving.trips import TripSummary, summary
from api.fuel import consumption
from api.fuel.consumption import Consumption
from api.language import Language
from api.pages import advice_cards, figures, map_script, maps
from api.pages.maps import Map
from api.pages.render import page
from api.parameters import EARLIEST, LATEST, NUMBER, Vin, from_microseconds
from api.principal import Principal
from api.problems import ProblemError
from api.services import App, Services
from api.signals import resolution
from storage.answers_behaviour import DrivingEvent
from storage.served_behaviour import Page

MAX_EVENTS = 200
TRACK_POINTS = 500
"""Of the line on the map; more no eye sees."""

PROFILE = ("wheel_speed", "fuel_rate")
"""Signals that are drawn over the trip."""

MICROSECONDS = 1_000_000

router = APIRouter()


def _start(start: Annotated[str, Path(max_length=18)]) -> datetime:
    """The start of a trip, in seconds since 1970."""
    moment = (
        from_microseconds(int(start) * MICROSECONDS)
        if NUMBER.fullmatch(start) and (len(start) < 12)
        else None
    )
    if moment is None or not EARLIEST <= moment < LATEST:
        raise _no_trip()
    return moment


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """An event, what its kind is called, and where it is on the map."""

    told: EventSummary
    title: str
    unit: str
    point: tuple[float, float] | None
    place: str
    """The same for the map's script."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Track:
    """Where the trip went."""

    map: Map
    path: str
    begin: tuple[float, float]
    end: tuple[float, float]
    settings: dict[str, object]
    """What the map's script is told."""


@router.api_route("/vehicles/{vin}/trips/{start}", methods=["GET", "HEAD"])
async def show_trip(
    request: Request,
    vin: Vin,
    start: Annotated[datetime, Depends(_start)],
    services: App,
    party: Principal,
) -> Response:
    """Show a trip."""
    text = language.chosen(request)
    trip = await _trip(services, party, vin, start)
    found = await _events(services, party, vin, trip)
    track = await _track(services, party, vin, trip, found, text)
    fuel = await _fuel(services, party, vin, trip)
    names = await advice_cards.names_of(services, party, {trip.driver_id})
    return page(
        request,
        "trip.html",
        vin=vin,
        trip=trip,
        driver=advice_cards.named(trip.driver_id, names, text),
        track=track,
        marks=_marks(services, found, track, text),
        fuel=fuel,
        waterfall=figures.waterfall_of(fuel),
        profile=_profile(services, vin, trip, text),
    )


async def _trip(services: Services, party: int, vin: str, start: datetime) -> TripSummary:
    found = noted(
        await services.vehicles.trips(
            party,
            vin,
            start=start,
            stop=start + timedelta(seconds=1),
            newest_first=False,
            limit=1,
        )
    )
    if not found:
        raise _no_trip()
    return summary(found[0])


async def _events(
    services: Services, party: int, vin: str, trip: TripSummary
) -> list[DrivingEvent]:
    asked = Page(start=trip.start, stop=trip.end, newest_first=False, limit=MAX_EVENTS)
    return noted(
        await services.behaviour.vehicle_events(party, vin, asked, kinds=None, least_severity=1)
    )


async def _track(
    services: Services,
    party: int,
    vin: str,
    trip: TripSummary,
    found: list[DrivingEvent],
    text: Language,
) -> Track | None:
    span = trip.end - trip.start
    least_s = span / TRACK_POINTS / timedelta(seconds=1)
    step_s = next(step for step in resolution.STEPS if step >= min(least_s, resolution.DAY_S))
    rows = await services.vehicles.signals(
        party,
        vin,
        ("latitude", "longitude"),
        start=trip.start,
        stop=trip.end + timedelta(seconds=1),
        step_s=step_s,
        limit=2 * TRACK_POINTS,
    )
    places = [(float(latitude), float(longitude)) for latitude, longitude in rows.values]
    known = [place for place in places if not any(map(math.isnan, place))]
    if not known:
        return None
    marked = [
        (event.latitude, event.longitude)
        for event in found
        if event.latitude is not None and event.longitude is not None
    ]
    ground = maps.ground_of(services.settings)
    drawn = maps.around([*known, *marked], maps.NARROW, ground)
    if drawn is None:
        return None
    return Track(
        map=drawn,
        path=drawn.path(places),
        begin=drawn.point(*known[0]),
        end=drawn.point(*known[-1]),
        settings=map_script.settings(ground, text, map_script.lines(ground, places)),
    )


def _marks(
    services: Services, found: list[DrivingEvent], track: Track | None, text: Language
) -> list[Mark]:
    ground = maps.ground_of(services.settings)
    kinds = {kind.kind: kind for kind in events.kind_texts(found)}
    marks = []
    for event in map(events.summary, found):
        kind, place = kinds[event.kind], event.position
        at = None if place is None else (place.latitude, place.longitude)
        marks.append(
            Mark(
                told=event,
                title=kind.title_zh if text.code == "zh" else kind.title_en,
                unit=kind.unit,
                point=None if at is None or track is None else track.map.point(*at),
                place=map_script.dot(ground, at),
            )
        )
    return marks


async def _fuel(services: Services, party: int, vin: str, trip: TripSummary) -> Consumption | None:
    asked = Page(start=trip.start, stop=trip.end, newest_first=False, limit=1)
    found = await services.fuel.vehicle(party, vin, asked, by="total")
    if not found:
        return None
    prices = await services.prices.of(party)
    return Consumption(**consumption.told(found[0].sums, found[0].causes, prices))


def _profile(services: Services, vin: str, trip: TripSummary, text: Language) -> dict[str, object]:
    """What the chart's script has to know."""
    signals = []
    for name in PROFILE:
        signal = services.catalogue.by_name[name]
        signals.append(
            {
                "name": name,
                "label": display.label(display.description(signal, text)).text,
                "period": signal.period_s,
            }
        )
    return {
        "vin": vin,
        "language": language.HTML_CODES[text.code],
        "start": trip.start.timestamp(),
        "end": trip.end.timestamp(),
        "signals": signals,
        "texts": text.beginning("chart_"),
    }


def _no_trip() -> ProblemError:
    return ProblemError(
        code=Code.NOT_FOUND,
        detail="This vehicle has no trip that begins then, or none that you may see.",
        way_out="/v1/vehicles/{vin}/trips lists the trips of a vehicle.",
    )
