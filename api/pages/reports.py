"""`/reports`: a fleet's or a vehicle's week or month, to print, to send or to count on."""

from enum import StrEnum
from typing import Annotated
from urllib.parse import quote

import anyio
import anyio.to_thread
from fastapi import APIRouter, Query, Request, Response

from analytics.advice.numbers import Numbers
from api import language
from api.codes import Code
from api.pages import period as periods
from api.pages import report as reports
from api.pages import report_csv, report_pdf
from api.pages.choice import MAX_FLEETS
from api.pages.period import Period
from api.pages.render import page
from api.pages.report import Report
from api.parameters import FleetId, Vin
from api.principal import Asking, Principal
from api.problems import unknown
from api.scopes import Scope
from api.services import App
from api.vehicles.listing import VehiclesQuery, page_of

VEHICLES = 200
"""Vehicles one may choose from."""

SHOWN = 200
"""Rows of each kind on the page; files have all of them."""

router = APIRouter()


class As(StrEnum):
    """What a report is wanted as."""

    PAGE = "page"
    PDF = "pdf"
    CSV = "csv"


MEDIA = {As.PDF: "application/pdf", As.CSV: "text/csv; charset=utf-8; header=present"}

_one_sheet = anyio.CapacityLimiter(1)
"""Files are made one at a time: a font with all of Chinese takes room while it is read."""

Wanted = Annotated[str, Query(alias="period", max_length=10)]
"""The week or month, or the newest of either: `week`, `month`."""

Form = Annotated[As, Query(alias="as")]


@router.api_route("/reports", methods=["GET", "HEAD"])
async def show_reports(request: Request, services: App, who: Asking) -> Response:
    """Show of what there are reports."""
    fleets = []
    if Scope.FLEETS_READ in who.scopes:
        fleets = await services.behaviour.fleets(who.party_id, after_id=0, limit=MAX_FLEETS)
    vehicles = await page_of(services, who.party_id, VehiclesQuery(limit=VEHICLES))
    return page(
        request,
        "reports.html",
        fleets=fleets,
        vehicles=vehicles.vehicles,
        more=vehicles.next is not None,
    )


@router.api_route("/reports/fleets/{fleet_id}", methods=["GET", "HEAD"])
async def show_fleet_report(
    request: Request,
    fleet_id: FleetId,
    services: App,
    party: Principal,
    wanted: Wanted = "week",
    form: Form = As.PAGE,
) -> Response:
    """Show a fleet's report, or give it as a file."""
    found = await services.behaviour.fleets(party, after_id=fleet_id - 1, limit=1)
    if not found or found[0].fleet_id != fleet_id:
        raise unknown(Code.UNKNOWN_FLEET)
    told = await reports.of_fleet(services, party, found[0], _period(wanted))
    return await _answer(request, told, form)


@router.api_route("/reports/vehicles/{vin}", methods=["GET", "HEAD"])
async def show_vehicle_report(
    request: Request,
    vin: Vin,
    services: App,
    party: Principal,
    wanted: Wanted = "week",
    form: Form = As.PAGE,
) -> Response:
    """Show a vehicle's report, or give it as a file."""
    told = await reports.of_vehicle(services, party, vin, _period(wanted))
    return await _answer(request, told, form)


def _period(wanted: str) -> Period | str:
    return wanted if wanted in {"week", "month"} else periods.read(wanted)


async def _answer(request: Request, report: Report, form: As) -> Response:
    text = language.chosen(request)
    if form is As.PAGE:
        return page(
            request,
            "report.html",
            report=report,
            title=report.period.title(text),
            label=lambda row: report_csv.label(row, text),
            against=lambda fuel: report_pdf.against(fuel, Numbers(text.code)),
            shown=SHOWN,
        )
    write = report_pdf.written if form is As.PDF else report_csv.written
    body = await anyio.to_thread.run_sync(write, report, text, limiter=_one_sheet)
    name = f"{report.name} {report.period.key}.{form}"
    return Response(
        body,
        media_type=MEDIA[form],
        headers={
            "Content-Disposition": f'attachment; filename="report-{report.period.key}.{form}"; '
            f"filename*=UTF-8''{quote(name, safe='')}",
            "Content-Language": language.HTML_CODES[text.code],
        },
    )
