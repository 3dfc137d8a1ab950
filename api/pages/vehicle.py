"""`/vehicles/{vin}`: one vehicle with its chart, trips and values."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from fastapi import APIRouter, Request, Response

from api import display, language
from api.driving.trips import TripsQuery
from api.driving.trips import page_of as trips_of
from api.language import Language
from api.pages.render import page
from api.parameters import EARLIEST, Order, Vin
from api.principal import Asking
from api.scopes import Scope
from api.services import App, Services
from api.signals import resolution
from api.signals.of_vehicle import MAX_POINTS
from api.vehicles.state import SignalState, VehicleState, state_of
from schemas.catalogue import Kind, Signal, ValueType

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

router = APIRouter()


@router.api_route("/vehicles/{vin}", methods=["GET", "HEAD"])
async def show_vehicle(request: Request, vin: Vin, services: App, who: Asking) -> Response:
    """Show a vehicle: its state, a chart of its signals, its last trips.

    Trips are how somebody drove: they are for those who may know drivers.
    """
    party = who.party_id
    with_trips = Scope.DRIVERS_READ in who.scopes
    state = await state_of(services, party, vin)
    now = state.answered_at
    query = TripsQuery(start=EARLIEST, end=now, order=Order.NEWEST_FIRST, limit=TRIPS_SHOWN)
    trips = (await trips_of(services, party, vin, query)).trips if with_trips else []
    readings = readings_of(state)
    text = language.chosen(request)
    return page(
        request,
        "vehicle.html",
        state=state,
        readings=readings,
        headlines=headlines_of(readings),
        groups=groups_of(services, state, text),
        trips=trips,
        with_trips=with_trips,
        chart=_chart(state, readings, text),
        live_from=f"/vehicles/{vin}/live",
        heartbeat_s=services.settings.api_stream_heartbeat_s,
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


def readings_of(state: VehicleState) -> dict[str, SignalState]:
    """The latest values by signal."""
    return {value.signal: value for group in state.groups for value in group.signals}


def headlines_of(readings: dict[str, SignalState]) -> list[tuple[str, SignalState]]:
    """What stands large, each with its text's key."""
    return [(key, readings[name]) for name, key in HEADLINES.items() if name in readings]


def groups_of(
    services: Services, state: VehicleState, text: Language
) -> list[tuple[str, list[Row]]]:
    """All latest values, by group."""
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
        "texts": text.beginning("chart_"),
    }
