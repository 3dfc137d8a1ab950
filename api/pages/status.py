"""`/vehicles/{vin}/status`: how a vehicle is, system by system, with its codes in words."""

from fastapi import APIRouter, Request, Response

from api import display, language
from api.care.words import due_words
from api.language import Language
from api.pages.render import page
from api.parameters import Vin
from api.principal import Principal
from api.services import App, Services
from api.vehicles.status import status_of
from api.vehicles.telling import Condition, StatusReading, SystemStatus

router = APIRouter()

_GRAVEST = (Condition.FAULT, Condition.WARNING, Condition.OK, Condition.UNKNOWN)


@router.api_route("/vehicles/{vin}/status", methods=["GET", "HEAD"])
async def show_status(request: Request, vin: Vin, services: App, party: Principal) -> Response:
    """Show how a vehicle is."""
    text = language.chosen(request)
    status = await status_of(services, party, vin, text.code)
    following = status.service.next
    return page(
        request,
        "status.html",
        vehicle=status,
        systems=sorted(status.systems, key=lambda one: _GRAVEST.index(one.condition)),
        unknown=[one for one in status.systems if one.condition is Condition.UNKNOWN],
        lit=[lamp for lamp in status.tell_tales if lamp.lit],
        dues=[
            (name, due)
            for name, due in (
                ("distance", following.distance),
                ("hours", following.hours),
                ("day", following.day),
            )
            if due is not None
        ],
        due_words=due_words,
        rows_of=lambda system: _rows(services, system, text),
        label=lambda reading: display.label(reading.name).text,
    )


def _rows(
    services: Services, system: SystemStatus, text: Language
) -> list[tuple[str, str, StatusReading]]:
    """Each value of a system: what it is, how it is written, and itself."""
    return [
        (
            display.label(reading.name).text,
            display.value(services.catalogue.by_name[reading.signal], reading.value, text),
            reading,
        )
        for reading in system.values
    ]
