"""What may be asked for reports, what goes together, and how a walk through them goes on.

A history comes in the order of received times. Its page ends with a whole second of them where it
can: a client that adds a second to the last one, as the standard's text says, loses nothing; the
link is exact in any case. The link also carries the moment at which the first page was asked, so
that a walk ends, and so that `requestServerDateTime` is the same on all its pages.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, TypeVar
from urllib.parse import urlencode

from pydantic import AfterValidator, BeforeValidator, Field

from api.codes import Code
from api.parameters import EARLIEST, EXAMPLE_VIN, Parameters, Time
from api.problems import unknown
from api.rfms.errors import bad_request
from api.services import Services
from schemas.vin import VinError, check_vin
from schemas.wire import TriggerType
from storage.answers_reports import Report
from storage.served_reports import ReportKind

MICROSECOND = timedelta(microseconds=1)

LONGEST_AHEAD = timedelta(days=1)
"""A report is received at most this much before it says it was created: clocks of vehicles go
wrong, and ingest refuses what is further ahead."""

E = TypeVar("E", bound=StrEnum)


class DateType(StrEnum):
    """Which of a report's two times is meant."""

    CREATED = "created"
    RECEIVED = "received"


class Content(StrEnum):
    """A block of a vehicle status."""

    ACCUMULATED = "ACCUMULATED"
    SNAPSHOT = "SNAPSHOT"
    UPTIME = "UPTIME"


def listed(kind: type[E], text: object) -> object:
    """Values between commas."""
    if not isinstance(text, str):
        return text
    try:
        return ",".join(dict.fromkeys(kind(part.strip()).value for part in text.split(",")))
    except ValueError as error:
        raise ValueError(f"use one or several of {', '.join(kind)}, with commas between") from error


def _is_vin(text: str) -> str:
    try:
        check_vin(text)
    except VinError as error:
        raise ValueError("use the VIN of the last vehicle of the page before") from error
    return text


_BOOLEAN = re.compile(r"true|false", re.ASCII)


def _is_boolean(text: object) -> object:
    """Only the two words: that 1, on and yes are true is nowhere said."""
    if isinstance(text, str) and not _BOOLEAN.fullmatch(text):
        raise ValueError("use true or false")
    return text


LAST_VIN = "Go on after this vehicle, the last of the page before."

LastVin = Annotated[str, AfterValidator(_is_vin)]


class ReportsQuery(Parameters):
    """Query parameters of positions and statuses."""

    datetype: DateType | None = Field(
        default=None,
        description="Which time starttime and stoptime mean: received, by default, or created. "
        "With latestOnly, by which of them a report is the latest; by default, created.",
        examples=["received"],
    )
    starttime: Time | None = Field(
        default=None,
        description="From this time on. RFC 3339 with its time zone; a + is written %2B.",
        examples=["2026-11-01T00:00:00Z"],
    )
    stoptime: Time | None = Field(
        default=None,
        description="Up to, not including, this time; only with starttime.",
        examples=["2026-11-08T00:00:00Z"],
    )
    vin: str | None = Field(
        default=None,
        max_length=100,
        description="Of this vehicle only. One that is not there or not yours is a 404.",
        examples=[EXAMPLE_VIN],
    )
    latestOnly: Annotated[bool, BeforeValidator(_is_boolean)] = Field(  # noqa: N815 - rFMS's name
        default=False,
        description="Of each vehicle the latest report, by VIN; instead of starttime.",
        examples=[True],
    )
    triggerFilter: Annotated[  # noqa: N815 - rFMS's name
        str | None,
        BeforeValidator(lambda text: listed(TriggerType, text)),
    ] = Field(
        default=None,
        description=f"Only reports with one of these triggers: {', '.join(TriggerType)}; commas "
        "between several.",
        examples=["IGNITION_ON,IGNITION_OFF"],
    )
    lastVin: LastVin | None = Field(  # noqa: N815 - rFMS's name
        default=None, max_length=17, description=LAST_VIN, examples=[EXAMPLE_VIN]
    )
    lastReceivedDateTime: Time | None = Field(  # noqa: N815 - as rFMS would call it
        default=None,
        description="Where the page before ended, in links of histories by created time.",
        examples=["2026-11-01T08:00:00.000123Z"],
    )

    @property
    def triggers(self) -> list[str] | None:
        """The triggers that are asked for; None: all."""
        return None if self.triggerFilter is None else self.triggerFilter.split(",")

    @property
    def by_created(self) -> bool:
        """Whether starttime and stoptime mean created times."""
        return self.datetype is DateType.CREATED


@dataclass(frozen=True, kw_only=True)
class Found:
    """A page of reports."""

    reports: Sequence[Report]
    link: str | None
    server_time: datetime


def require_sense(query: ReportsQuery) -> None:
    """Refuse what does not go together.

    Raises:
        ProblemError: 400, or 404 where `vin` is no VIN.
    """
    if query.latestOnly and query.starttime is not None:
        raise bad_request(
            "Both starttime and latestOnly=true are given.",
            "Give starttime for a history, or latestOnly=true for the latest of each vehicle.",
        )
    if query.latestOnly and query.stoptime is not None:
        raise bad_request("stoptime is given with latestOnly=true.", "Leave one of them out.")
    if not query.latestOnly and query.starttime is None:
        raise bad_request(
            "Neither starttime nor latestOnly=true is given.",
            "Give starttime for a history, or latestOnly=true for the latest of each vehicle.",
        )
    if query.starttime and query.stoptime and query.stoptime <= query.starttime:
        raise bad_request("stoptime is not after starttime.", "Let stoptime be later.")
    if query.lastVin is not None and not query.latestOnly:
        raise bad_request(
            "lastVin is given without latestOnly=true.",
            "A history goes on by moreDataAvailableLink, or by starttime.",
        )
    if query.lastVin is not None and query.vin is not None:
        raise bad_request("lastVin is given with vin.", "Leave one of them out.")
    if query.lastReceivedDateTime is not None and not query.by_created:
        raise bad_request(
            "lastReceivedDateTime is given without datetype=created.",
            "Follow moreDataAvailableLink unchanged.",
        )
    if query.vin is not None:
        try:
            check_vin(query.vin)
        except VinError as error:
            raise unknown(Code.UNKNOWN_VEHICLE) from error


async def find(
    services: Services, party: int, path: str, query: ReportsQuery, kind: ReportKind, limit: int
) -> Found:
    """A page of what is asked for.

    Args:
        services: the application's.
        party: who asks.
        path: the address without its query.
        query: what is asked.
        kind: the same, as storage knows it.
        limit: reports a page.

    Raises:
        ProblemError: 400 or 404.
    """
    require_sense(query)
    horizon = await services.reports.horizon()
    if query.latestOnly:
        found = await services.reports.latest(
            party,
            kind,
            after_vin=query.lastVin or "",
            by_received=query.datetype is DateType.RECEIVED,
            before=horizon,
            limit=limit + 1,
        )
        latest = found[:limit]
        link = _link(path, query, lastVin=latest[-1].vin) if len(found) > limit else None
        return Found(reports=latest, link=link, server_time=horizon)
    start = query.starttime or EARLIEST
    if query.by_created:
        first, before = start - LONGEST_AHEAD, horizon
        if query.lastReceivedDateTime is not None:
            first = query.lastReceivedDateTime + MICROSECOND
    else:
        first, before = start, horizon if query.stoptime is None else min(query.stoptime, horizon)
    found = await services.reports.received(
        party,
        kind,
        first=first,
        before=before,
        created_from=start if query.by_created else None,
        created_before=query.stoptime if query.by_created else None,
        limit=limit + 1,
    )
    shown = _whole_seconds(found, limit)
    if len(shown) == len(found):
        # Who asks from a later time on than there is anything of goes on from there.
        server_time = before if query.by_created else max(first, before)
        return Found(reports=shown, link=None, server_time=server_time)
    last = shown[-1].received_time
    if query.by_created:
        link = _link(path, query, lastReceivedDateTime=_text(last))
    else:
        link = _link(path, query, starttime=_text(last + MICROSECOND), stoptime=_text(before))
    return Found(reports=shown, link=link, server_time=before)


def _whole_seconds(found: Sequence[Report], limit: int) -> Sequence[Report]:
    """All that was found, if it is no more than a page; else what ends with a whole second of it.

    Where one second holds more than a page, the page ends within it.
    """
    if len(found) <= limit:
        return found
    second = found[limit].received_time.replace(microsecond=0)
    whole = [report for report in found[:limit] if report.received_time < second]
    return whole or found[:limit]


def _text(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _link(path: str, query: ReportsQuery, **changed: str) -> str:
    asked: dict[str, object] = query.model_dump(
        mode="json", exclude_unset=True, exclude_none=True, exclude=set(changed)
    )
    asked = {name: str(it).lower() if isinstance(it, bool) else it for name, it in asked.items()}
    return f"{path}?{urlencode({**asked, **changed})}"
