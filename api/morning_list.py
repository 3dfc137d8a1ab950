"""`/v1/morning-list`: the vehicles somebody should call about, what calls first at the top.

The list is a party's own: what one of its people has seen to, nobody of it need see to again. It
comes back when something new comes up.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

import anyio.to_thread
from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from api import activity, care, cursors, paging
from api.accesses import noted
from api.activity import Activity
from api.care import CareKind, Case, Reason
from api.codes import Code
from api.language import Spoken
from api.openapi import WRITING, problems
from api.parameters import EXAMPLE_VIN, Paged, Vin, no_parameters
from api.principal import Asking, Principal
from api.problems import invalid
from api.services import App, Services
from api.written import WriteRoute

PATH = "/v1/morning-list"

MOST = 20_000
"""Vehicles that may want care are looked at, by VIN; a dealer has a tenth of that."""

MAX_VEHICLES = 500

router = APIRouter(tags=["care"], route_class=WriteRoute)


class ListedCase(BaseModel):
    """A vehicle somebody should call about."""

    vin: str = Field(description="Vehicle identification number.", examples=[EXAMPLE_VIN])
    model: str | None = Field(description="As the register has it.", examples=["J6P 6×4"])
    plate: str | None = Field(description="As the register has it.", examples=["沪A12345"])
    region: str | None = Field(description="Where it is at home, ISO 3166-2.", examples=["CN-31"])
    last_seen: AwareDatetime | None = Field(
        description="Time of its newest frame, UTC.", examples=["2026-11-01T08:00:00Z"]
    )
    activity: Activity = Field(description="As in the listing of vehicles.", examples=["moving"])
    kind: CareKind = Field(description="Of its gravest reason.", examples=["amber_lamp"])
    reasons: list[Reason] = Field(description="Why, the gravest first.")
    handled_at: AwareDatetime | None = Field(
        description="When somebody of your party saw to it last; null: nobody has.",
        examples=["2026-11-01T00:40:00Z"],
    )
    handled_by: str | None = Field(
        description="Who that was: account:name, key:prefix, client:id.",
        examples=["account:li.na"],
    )


_REASON: JsonDict = {
    "key": "code:3251:16:0:1793502720000000",
    "kind": "amber_lamp",
    "what": "Pressure drop across the particulate filter: above the normal range",
    "todo": "Call today and agree on a workshop slot.",
    "since": "2026-11-01T03:12:00Z",
    "age_s": 17282.0,
    "spn": 3251,
    "fmi": 16,
    "is_new": True,
}

_CASE: JsonDict = {
    "vin": EXAMPLE_VIN,
    "model": "J6P 6×4",
    "plate": "沪A12345",
    "region": "CN-31",
    "last_seen": "2026-11-01T08:00:00Z",
    "activity": "moving",
    "kind": "amber_lamp",
    "reasons": [_REASON],
    "handled_at": "2026-10-30T00:40:00Z",
    "handled_by": "account:li.na",
}


class CareCount(BaseModel):
    """So many vehicles are to be seen to for that."""

    kind: CareKind = Field(description="Their gravest reason.", examples=["amber_lamp"])
    vehicles: int = Field(description="How many.", examples=[3])


class MorningList(BaseModel):
    """A page of the list."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "answered_at": "2026-11-01T08:00:02Z",
                    "counts": [
                        {"kind": "amber_lamp", "vehicles": 3},
                        {"kind": "silent", "vehicles": 1},
                    ],
                    "handled": 2,
                    "is_complete": True,
                    "vehicles": [_CASE],
                    "next": f"{PATH}?limit=1&cursor=bjE",
                }
            ]
        }
    )

    answered_at: AwareDatetime = Field(
        description="When this was answered, UTC.", examples=["2026-11-01T08:00:02Z"]
    )
    counts: list[CareCount] = Field(
        description="Vehicles that are to be seen to by their gravest reason, those of other pages "
        "included; what nobody is for is left out."
    )
    handled: int = Field(description="Vehicles that were seen to.", examples=[2])
    is_complete: bool = Field(
        description=f"Whether all vehicles were looked at: {MOST} at most are.", examples=[True]
    )
    vehicles: list[ListedCase] = Field(description="At most `limit`, what calls first first.")
    next: str | None = Field(
        description="Address of the next page; null: this was the last. What changes meanwhile may "
        "be missed or come twice.",
        examples=[f"{PATH}?limit=1&cursor=bjE"],
    )


class MorningListQuery(Paged):
    """What is asked of the list."""

    kind: CareKind | None = Field(
        default=None, description="Only those whose gravest reason is this.", examples=["red_lamp"]
    )
    handled: bool = Field(
        default=False,
        description="true: those that were seen to, in place of those that are to be.",
        examples=[True],
    )
    limit: int = Field(
        default=50, ge=1, le=MAX_VEHICLES, description="Vehicles a page.", examples=[50]
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """All vehicles that may want care."""

    cases: list[Case]
    now: datetime
    is_complete: bool


async def cases_of(services: Services, party: int) -> Found:
    """All vehicles of a party that may want care, by VIN."""
    now = datetime.now(tz=UTC)
    found = await services.care.vehicles(party, care.NAMES, activity.RULES, now, limit=MOST + 1)
    # Thousands of them take a while, in which others are to be answered.
    cases = await anyio.to_thread.run_sync(lambda: [Case(vehicle, now) for vehicle in found[:MOST]])
    return Found(
        cases=cases,
        now=now,
        is_complete=len(found) <= MOST,
    )


@router.get(
    PATH,
    operation_id="list_morning",
    summary="The vehicles somebody should call about",
    responses=problems(Code.INVALID_PARAMETER),
)
async def list_morning(
    query: Annotated[MorningListQuery, Query()], services: App, party: Principal, spoken: Spoken
) -> MorningList:
    """List the vehicles you may see that somebody should call about, what calls first first.

    A red lamp comes before an amber one, an overdue service before one that is due, silence last. A
    vehicle is there once, with all its reasons. Low fuel, low reagent and a regeneration under way
    are for the driver, and no reason.
    """
    return await page_of(services, party, query, spoken)


async def page_of(
    services: Services, party: int, query: MorningListQuery, spoken: str
) -> MorningList:
    """A page of the list of a party.

    Raises:
        ProblemError: 422, the cursor is none of ours.
    """
    return page_from(services, await cases_of(services, party), query, spoken)


def page_from(
    services: Services, found: Found, query: MorningListQuery, spoken: str
) -> MorningList:
    """A page of the list, of what was found.

    Raises:
        ProblemError: 422, the cursor is none of ours.
    """
    in_need = [case for case in found.cases if case.is_one]
    shown = sorted(
        (
            case
            for case in in_need
            if case.is_handled is query.handled and query.kind in (None, case.kind)
        ),
        key=lambda case: case.place,
    )
    counts = Counter(case.kind for case in in_need if not case.is_handled)
    begin = 0 if query.cursor is None else cursors.read_number(query.cursor)
    page = shown[begin : begin + query.limit + 1]
    noted([case.vehicle for case in page[: query.limit]])
    return MorningList(
        answered_at=found.now,
        counts=[CareCount(kind=kind, vehicles=counts[kind]) for kind in CareKind if counts[kind]],
        handled=sum(case.is_handled for case in in_need),
        is_complete=found.is_complete,
        vehicles=[_listed(services, case, spoken) for case in page[: query.limit]],
        next=paging.link_if_more(
            PATH, query, page, query.limit, lambda rows: cursors.after_number(begin + len(rows))
        ),
    )


def _listed(services: Services, case: Case, spoken: str) -> ListedCase:
    vehicle, handled = case.vehicle, case.vehicle.handled
    return ListedCase(
        vin=vehicle.vin,
        model=vehicle.model,
        plate=vehicle.plate,
        region=vehicle.region,
        last_seen=vehicle.last_seen,
        activity=case.activity,
        kind=case.kind,
        reasons=case.reasons(services.catalogue, spoken),
        handled_at=None if handled is None else handled.at,
        handled_by=None if handled is None else handled.by,
    )


class Handling(BaseModel):
    """What was seen to."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"reasons": [_REASON["key"]]}]}
    )

    reasons: list[Annotated[str, Field(max_length=100)]] = Field(
        min_length=1,
        max_length=250,
        description="Keys of the reasons that were seen to, as the list has them; what came up "
        "since it was read stays to be seen to.",
        examples=[["code:3251:16:0:1793502720000000"]],
    )


class HandledCase(BaseModel):
    """That a vehicle was seen to."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"vin": EXAMPLE_VIN, "handled_at": "2026-11-01T08:00:02Z"}]}
    )

    vin: str = Field(description="Vehicle identification number.", examples=[EXAMPLE_VIN])
    handled_at: AwareDatetime | None = Field(
        description="When, UTC; null: it is to be seen to.", examples=["2026-11-01T08:00:02Z"]
    )


@router.put(
    f"{PATH}/{{vin}}/handled",
    operation_id="handle_case",
    summary="Say that a vehicle was seen to",
    responses=problems(Code.UNKNOWN_VEHICLE, Code.INVALID_PARAMETER, *WRITING),
    dependencies=[Depends(no_parameters)],
)
async def handle_case(vin: Vin, handling: Handling, services: App, who: Asking) -> HandledCase:
    """Take a vehicle off your party's list, until a reason comes up that is not among these.

    New are a code that comes up again, a lamp that is reported lit again, a service that becomes
    overdue, and a silence after the vehicle was heard. After 30 days what still holds is on the
    list again. Said again, what was said before no longer counts.
    """
    return await handle(services, who.party_id, who.subject, vin, handling.reasons)


@router.delete(
    f"{PATH}/{{vin}}/handled",
    operation_id="reopen_case",
    summary="Say that a vehicle is still to be seen to",
    responses=problems(Code.UNKNOWN_VEHICLE, Code.INVALID_PARAMETER, *WRITING),
    dependencies=[Depends(no_parameters)],
)
async def reopen_case(vin: Vin, services: App, party: Principal) -> HandledCase:
    """Put a vehicle on your party's list again; one that is on it stays there."""
    await services.care.reopen(party, vin)
    return HandledCase(vin=vin, handled_at=None)


async def handle(
    services: Services, party: int, subject: str, vin: str, reasons: Sequence[str]
) -> HandledCase:
    """Write down that a party has seen to a vehicle.

    Raises:
        UnknownVehicleError: there is none that the party may see.
        ProblemError: 422, a reason is none.
    """
    if any("\x00" in reason for reason in reasons):
        raise invalid("reasons", "There is no such reason.", "Send the keys that the list has.")
    at = await services.care.handle(party, vin, sorted(set(reasons)), subject)
    return HandledCase(vin=vin, handled_at=at)
