"""`/audit`: who has read what of whom, when and what for; an auditor begins here."""

from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request, Response

from api.audit import Audit, AuditQuery, audit_page
from api.pages.render import page
from api.pages.vehicles import Cursor
from api.principal import Principal
from api.services import App, Services

SHOWN = 100

DAYS = 7
"""Days that are shown where none are asked for, today the last."""

NAMED = 3
"""Vehicles or drivers of an entry that are shown at once; the others unfold."""

router = APIRouter()


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What was typed into the filter; empty: whatever. Days are those of UTC."""

    first: str
    last: str
    vin: str = ""
    driver_id: str = ""
    dataset_id: str = ""

    @property
    def is_narrowed(self) -> bool:
        """Whether anything but days is asked for."""
        return bool(self.vin or self.driver_id or self.dataset_id)

    def query(self, cursor: str | None) -> AuditQuery:
        """It as the API is asked.

        Raises:
            ValueError: a day, VIN or number is none.
        """
        given = {name: text for name, text in asdict(self).items() if text}
        start, last = (date.fromisoformat(given.pop(end)) for end in ("first", "last"))
        return AuditQuery.model_validate(
            {
                **given,
                "start": f"{start}T00:00Z",
                "end": f"{last + timedelta(days=1)}T00:00Z",
                "cursor": cursor,
                "limit": SHOWN,
            }
        )


_Typed = Annotated[str, Query(max_length=40)]


def _wanted(
    first: _Typed = "",
    last: _Typed = "",
    vin: _Typed = "",
    driver_id: _Typed = "",
    dataset_id: _Typed = "",
) -> Wanted:
    today = datetime.now(tz=UTC).date()
    return Wanted(
        first=first.strip() or str(today - timedelta(days=DAYS - 1)),
        last=last.strip() or str(today),
        vin="".join(vin.split()).upper(),
        driver_id=driver_id.strip(),
        dataset_id=dataset_id.strip(),
    )


@router.api_route("/audit", methods=["GET", "HEAD"])
async def show_audit(
    request: Request,
    services: App,
    party: Principal,
    wanted: Annotated[Wanted, Depends(_wanted)],
    cursor: Cursor = None,
) -> Response:
    """Show the log of reads, the newest first."""
    found = await _found(services, party, wanted, cursor)
    following = None
    if found is not None and found.next is not None:
        after = found.next.rpartition("cursor=")[2]
        following = f"/audit?{urlencode(asdict(wanted))}&cursor={after}"
    return page(
        request,
        "audit.html",
        wanted=wanted,
        audit=found,
        named=NAMED,
        is_first=cursor is None,
        first_page=f"/audit?{urlencode(asdict(wanted))}",
        following=following,
    )


async def _found(
    services: Services, party: int, wanted: Wanted, cursor: str | None
) -> Audit | None:
    """The page; None: what was typed is no day, VIN or number, or the days run backwards."""
    try:
        query = wanted.query(cursor)
    except (ValueError, OverflowError):  # a model's error is one of these
        return None
    if query.end <= query.start:
        return None
    return await audit_page(services, party, query)
