"""`/v1/morning-list`: the vehicles somebody should call about, what calls first at the top.

The list is a party's own: what one of its people has seen to, nobody of it need see to again. It
comes back when something new comes up.
"""

from collections import Counter
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from api.accesses import noted
from api.care import words
from api.care.cases import CareKind, Case
from api.care.listed import (
    EXAMPLE,
    MAX_VEHICLES,
    Found,
    ListedVehicle,
    ListPage,
    ListQuery,
    cases_of,
    named,
    paged,
)
from api.care.words import EXAMPLE_KEY, Reason
from api.codes import Code
from api.language import Spoken
from api.openapi import problems
from api.principal import Principal
from api.services import App, Services
from api.vehicles.activity import Activity

PATH = "/v1/morning-list"

router = APIRouter(tags=["care"])


class ListedCase(ListedVehicle):
    """A vehicle somebody should call about."""

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
    "key": EXAMPLE_KEY,
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
    **EXAMPLE,
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


class MorningList(ListPage):
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

    counts: list[CareCount] = Field(
        description="Vehicles that are to be seen to by their gravest reason, those of other pages "
        "included; what nobody is for is left out."
    )
    handled: int = Field(description="Vehicles that were seen to.", examples=[2])
    vehicles: list[ListedCase] = Field(description="At most `limit`, what calls first first.")


class MorningListQuery(ListQuery):
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
    page, following = paged(PATH, query, shown)
    noted([case.vehicle for case in page])
    return MorningList(
        answered_at=found.now,
        counts=[CareCount(kind=kind, vehicles=counts[kind]) for kind in CareKind if counts[kind]],
        handled=sum(case.is_handled for case in in_need),
        is_complete=found.is_complete,
        vehicles=[_listed(services, case, spoken) for case in page],
        next=following,
    )


def _listed(services: Services, case: Case, spoken: str) -> ListedCase:
    handled = case.vehicle.handled
    return ListedCase.model_validate(
        {
            **named(case),
            "activity": case.activity,
            "kind": case.kind,
            "reasons": words.reasons(case, services.catalogue, spoken),
            "handled_at": None if handled is None else handled.at,
            "handled_by": None if handled is None else handled.by,
        }
    )
