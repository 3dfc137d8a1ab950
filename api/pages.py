"""The pages for people: the vehicles, and one vehicle with its chart, trips and values."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse

from api import cursors, display, language, resolution
from api.language import Language
from api.parameters import EARLIEST, Order, Vin
from api.principal import Principal
from api.problems import Code, ProblemError
from api.services import App, Services
from api.signals import MAX_POINTS
from api.state import SignalState, VehicleState, state_of
from api.trips import TripsQuery
from api.trips import page_of as trips_of
from api.vehicles import VehiclesQuery
from api.vehicles import page_of as vehicles_of
from schemas.catalogue import Kind, Signal, ValueType

VEHICLES_A_PAGE = 50
TRIPS_SHOWN = 20
SIGNALS_DRAWN = 6
"""Signals in a chart at most: more than this no eye keeps apart."""

HEADLINES = {
    "wheel_speed": "speed",
    "fuel_level_1": "fuel_level",
    "odometer": "odometer",
    "engine_speed": "engine_speed",
    "coolant_temperature": "coolant",
}
"""The signals that stand large at the head of a vehicle's page, each with its text's key."""

DRAWN_FIRST = ("wheel_speed", "engine_speed", "fuel_rate")
"""The signals that a vehicle's chart begins with, as far as the vehicle sends them."""

PROGRAMS = ("/v1/", "/healthz", "/readyz", "/openapi.json", "/static/")
"""Addresses whose problems are never told as a page."""

router = APIRouter(include_in_schema=False)


@router.api_route("/", methods=["GET", "HEAD"])
async def show_vehicles(
    request: Request,
    services: App,
    party: Principal,
    cursor: Annotated[str | None, Query(max_length=cursors.MAX_LENGTH)] = None,
) -> Response:
    """Show a page of the vehicles that one may see."""
    page = await vehicles_of(services, party, VehiclesQuery(cursor=cursor, limit=VEHICLES_A_PAGE))
    following = None
    if page.next is not None:
        following = f"/?{urlencode({'cursor': cursors.after_vin(page.vehicles[-1].vin)})}"
    return _page(
        request,
        "vehicles.html",
        vehicles=page.vehicles,
        is_first=cursor is None,
        following=following,
    )


@router.api_route("/vehicles/{vin}", methods=["GET", "HEAD"])
async def show_vehicle(request: Request, vin: Vin, services: App, party: Principal) -> Response:
    """Show a vehicle: its state, a chart of its signals, its last trips."""
    state = await state_of(services, party, vin)
    now = state.answered_at
    trips = await trips_of(
        services,
        party,
        vin,
        TripsQuery(start=EARLIEST, end=now, order=Order.NEWEST_FIRST, limit=TRIPS_SHOWN),
    )
    readings = {value.signal: value for group in state.groups for value in group.signals}
    text = language.chosen(request)
    return _page(
        request,
        "vehicle.html",
        state=state,
        readings=readings,
        headlines=[(key, readings[name]) for name, key in HEADLINES.items() if name in readings],
        groups=_groups(services, state, text),
        trips=trips.trips,
        chart=_chart(state, readings, text),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A latest value as the page lists it."""

    signal: str
    label: str
    description: str
    value: str
    unit: str
    time: datetime
    period_s: float
    drawn: Literal["line", "held", "switch", "code"]
    """As a line, or as what holds until it changes: a measure, a switch, an enumeration's code."""


def _groups(services: Services, state: VehicleState, text: Language) -> list[tuple[str, list[Row]]]:
    return [
        (group.group, [_row(services, value, text) for value in group.signals])
        for group in state.groups
    ]


def _row(services: Services, state: SignalState, text: Language) -> Row:
    signal = services.catalogue.by_name[state.signal]
    words = display.description(signal, text)
    return Row(
        signal=signal.name,
        label=display.label(words).text,
        description=words,
        value=display.value(signal, state.value, text),
        unit=signal.unit,
        time=state.time,
        period_s=signal.period_s,
        drawn=_drawn(signal),
    )


def _drawn(signal: Signal) -> Literal["line", "held", "switch", "code"]:
    if signal.type is ValueType.BOOLEAN:
        return "switch"
    if signal.kind is not Kind.STATE:
        return "line"
    return "held" if signal.unit else "code"


def _chart(
    state: VehicleState, readings: dict[str, SignalState], text: Language
) -> dict[str, object]:
    """What the chart's script has to know; the signals themselves it reads from the page's rows."""
    return {
        "vin": state.vin,
        "language": language.HTML_CODES[text.code],
        "lastSeen": (state.last_seen or state.answered_at).timestamp(),
        "drawnFirst": [name for name in DRAWN_FIRST if name in readings],
        "maxSignals": SIGNALS_DRAWN,
        "maxPoints": MAX_POINTS,
        "maxRawSpan": resolution.MAX_RAW_SPAN.total_seconds(),
        "maxBuckets": resolution.MAX_BUCKETS,
        "texts": {key: words for key, words in text.texts.items() if key.startswith("chart_")},
    }


def problem_page(request: Request, problem: ProblemError) -> Response | None:
    """A problem as a page, where a person asked for one."""
    wants_page = "text/html" in request.headers.get("accept", "")
    if not wants_page or request.url.path.startswith(PROGRAMS):
        return None
    known = f"problem_{problem.code}" in language.chosen(request).texts
    return _page(
        request,
        "problem.html",
        status=problem.status,
        headers=dict(problem.headers),
        code=problem.code if known else Code.INTERNAL,
        may_pass="Retry-After" in problem.headers,
    )


def _page(
    request: Request,
    template: str,
    *,
    status: int = 200,
    headers: dict[str, str] | None = None,
    **shown: object,
) -> Response:
    text = language.chosen(request)
    now = datetime.now(tz=UTC)
    answer = HTMLResponse(
        _templates()
        .get_template(template)
        .render(
            t=text,
            now=now,
            html_language=language.HTML_CODES[text.code],
            languages=[(code, language.NAMES[code], _in(request, code)) for code in language.CODES],
            ago=lambda time: display.ago(time, now, text),
            duration=lambda seconds: display.duration(seconds, text),
            **shown,
        ),
        status_code=status,
        headers=headers,
    )
    if request.query_params.get(language.PARAMETER) in language.CODES:
        answer.set_cookie(
            language.COOKIE,
            text.code,
            max_age=language.COOKIE_AGE_S,
            httponly=True,
            samesite="lax",
        )
    return answer


def _in(request: Request, code: str) -> str:
    """The address of this page in another language."""
    parameters = {**request.query_params, language.PARAMETER: code}
    return f"{request.url.path}?{urlencode(parameters)}"


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("api"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
