"""`/v1/service-due` and `/v1/silent-vehicles`: two questions to all vehicles one may see."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from api import care, cursors, paging, tables
from api.accept import Accepted, responses
from api.accesses import noted
from api.activity import Activity
from api.care import Case
from api.codes import Code
from api.language import Spoken
from api.morning_list import MAX_VEHICLES, MOST, cases_of
from api.parameters import EXAMPLE_VIN, Paged
from api.principal import Principal
from api.service_due import DueBy
from api.services import App, Services

DUE_PATH = "/v1/service-due"
SILENT_PATH = "/v1/silent-vehicles"

router = APIRouter(tags=["care"])


class _Listed(BaseModel):
    vin: str = Field(description="Vehicle identification number.", examples=[EXAMPLE_VIN])
    model: str | None = Field(description="As the register has it.", examples=["J6P 6×4"])
    plate: str | None = Field(description="As the register has it.", examples=["沪A12345"])
    region: str | None = Field(description="Where it is at home, ISO 3166-2.", examples=["CN-31"])
    last_seen: AwareDatetime | None = Field(
        description="Time of its newest frame, UTC.", examples=["2026-11-01T08:00:00Z"]
    )


class DueVehicle(_Listed):
    """A vehicle whose service is due; null: neither the vehicle nor a plan tells."""

    is_overdue: bool = Field(description="Whether it is by any measure.", examples=[False])
    says_due: bool = Field(description="Whether the vehicle itself asks for it.", examples=[True])
    distance: DueBy | None = Field(description="By distance, as in the vehicle's status.")
    hours: DueBy | None = Field(description="By the engine's hours, likewise.")
    day: DueBy | None = Field(description="By the calendar, likewise.")
    last_service: AwareDatetime | None = Field(
        description="When the last one was, as far as it is written down, UTC.",
        examples=["2026-06-01T00:00:00Z"],
    )


class SilentVehicle(_Listed):
    """A vehicle that was not heard of for too long."""

    silent_since: AwareDatetime = Field(
        description="When it was heard last; when it was registered, where it never was. UTC.",
        examples=["2026-10-20T08:00:00Z"],
    )
    silent_s: float = Field(description="How long ago that was [s].", examples=[1036800.0])
    last_activity: Activity | None = Field(
        description="What it was doing then; null: it was never heard.", examples=["parked"]
    )
    todo: str = Field(
        description="What to do about it.", examples=["Ask whether the truck is laid up."]
    )


_VEHICLE: JsonDict = {
    "vin": EXAMPLE_VIN,
    "model": "J6P 6×4",
    "plate": "沪A12345",
    "region": "CN-31",
    "last_seen": "2026-11-01T08:00:00Z",
}


class ServiceDue(BaseModel):
    """A page of vehicles whose service is due."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "answered_at": "2026-11-01T08:00:02Z",
                    "overdue": 2,
                    "due": 5,
                    "is_complete": True,
                    "vehicles": [
                        {
                            **_VEHICLE,
                            "is_overdue": False,
                            "says_due": True,
                            "distance": {
                                "left": 820.0,
                                "unit": "km",
                                "at": 211_318.4,
                                "source": "vehicle",
                            },
                            "hours": {
                                "left": 76.5,
                                "unit": "h",
                                "at": 8500.0,
                                "source": "plan",
                            },
                            "day": {
                                "left": 31.0,
                                "unit": "d",
                                "on": "2026-12-02",
                                "source": "vehicle",
                            },
                            "last_service": "2026-06-01T00:00:00Z",
                        }
                    ],
                    "next": f"{DUE_PATH}?limit=1&cursor=bjE",
                }
            ]
        }
    )

    answered_at: AwareDatetime = Field(
        description="When this was answered, UTC.", examples=["2026-11-01T08:00:02Z"]
    )
    overdue: int = Field(description="Vehicles on all pages that are overdue.", examples=[2])
    due: int = Field(description="Vehicles on all pages that are due.", examples=[5])
    is_complete: bool = Field(
        description=f"Whether all vehicles were looked at: {MOST} at most are.", examples=[True]
    )
    vehicles: list[DueVehicle] = Field(description="At most `limit`, what is most due first.")
    next: str | None = Field(
        description="Address of the next page; null: this was the last.",
        examples=[f"{DUE_PATH}?limit=1&cursor=bjE"],
    )


class SilentVehicles(BaseModel):
    """A page of silent vehicles."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "answered_at": "2026-11-01T08:00:02Z",
                    "silent": 4,
                    "is_complete": True,
                    "vehicles": [
                        {
                            **_VEHICLE,
                            "last_seen": "2026-10-20T08:00:00Z",
                            "silent_since": "2026-10-20T08:00:00Z",
                            "silent_s": 1036802.0,
                            "last_activity": "parked",
                            "todo": "Ask whether the truck is laid up.",
                        }
                    ],
                    "next": f"{SILENT_PATH}?limit=1&cursor=bjE",
                }
            ]
        }
    )

    answered_at: AwareDatetime = Field(
        description="When this was answered, UTC.", examples=["2026-11-01T08:00:02Z"]
    )
    silent: int = Field(description="Vehicles on all pages.", examples=[4])
    is_complete: bool = Field(
        description=f"Whether all vehicles were looked at: {MOST} at most are.", examples=[True]
    )
    vehicles: list[SilentVehicle] = Field(
        description="At most `limit`, those that are silent longest first."
    )
    next: str | None = Field(
        description="Address of the next page; null: this was the last.",
        examples=[f"{SILENT_PATH}?limit=1&cursor=bjE"],
    )


class ServiceDueQuery(Paged):
    """Until when a service counts as due; whichever measure comes first."""

    km: float = Field(
        default=care.SOON["km"],
        ge=0,
        le=1_000_000,
        description="Within so much distance [km].",
        examples=[5000],
    )
    hours: float = Field(
        default=care.SOON["h"],
        ge=0,
        le=100_000,
        description="Within so many hours of the engine [h].",
        examples=[100],
    )
    days: float = Field(
        default=care.SOON["d"],
        ge=0,
        le=3650,
        description="Within so many days [d].",
        examples=[14],
    )
    limit: int = Field(
        default=100, ge=1, le=MAX_VEHICLES, description="Vehicles a page.", examples=[100]
    )


class SilentQuery(Paged):
    """What is asked of the silent ones."""

    limit: int = Field(
        default=100, ge=1, le=MAX_VEHICLES, description="Vehicles a page.", examples=[100]
    )


@router.get(
    DUE_PATH,
    operation_id="list_service_due",
    summary="Vehicles due for service",
    response_model=ServiceDue,
    responses=responses(Code.INVALID_PARAMETER),
)
async def list_service_due(
    query: Annotated[ServiceDueQuery, Query()], services: App, party: Principal, accepted: Accepted
) -> ServiceDue | Response:
    """List the vehicles you may see whose service is due, what is most due first.

    By each measure it is what the vehicle's status says: what it counts down itself, else its plan.
    """
    return await tables.answer(
        accepted,
        query,
        lambda asked: service_page(services, party, asked),
        rows="vehicles",
        of=DueVehicle,
    )


async def service_page(services: Services, party: int, query: ServiceDueQuery) -> ServiceDue:
    """A page of the vehicles of a party whose service is due.

    Raises:
        ProblemError: 422, the cursor is none of ours.
    """
    found = await cases_of(services, party)
    within = {"km": query.km, "h": query.hours, "d": query.days}
    due = sorted(
        (
            case
            for case in found.cases
            if case.says_due or any(one.left <= within[one.unit] for one in case.dues)
        ),
        key=lambda case: (not _overdue(case), case.urgency, case.vehicle.vin),
    )
    overdue = sum(map(_overdue, due))
    begin = 0 if query.cursor is None else cursors.read_number(query.cursor)
    page = due[begin : begin + query.limit + 1]
    noted([case.vehicle for case in page[: query.limit]])
    return ServiceDue(
        answered_at=found.now,
        overdue=overdue,
        due=len(due) - overdue,
        is_complete=found.is_complete,
        vehicles=[_due(case) for case in page[: query.limit]],
        next=paging.link_if_more(
            DUE_PATH, query, page, query.limit, lambda rows: cursors.after_number(begin + len(rows))
        ),
    )


@router.get(
    SILENT_PATH,
    operation_id="list_silent_vehicles",
    summary="Vehicles that were not heard of for too long",
    response_model=SilentVehicles,
    responses=responses(Code.INVALID_PARAMETER),
)
async def list_silent_vehicles(
    query: Annotated[SilentQuery, Query()],
    services: App,
    party: Principal,
    accepted: Accepted,
    spoken: Spoken,
) -> SilentVehicles | Response:
    """List the silent vehicles you may see, those that are silent longest first.

    They are those that /v1/vehicles?state=silent has, but for such as were registered within the
    last 3 days and were never heard: these are new.
    """
    return await tables.answer(
        accepted,
        query,
        lambda asked: silent_page(services, party, asked, spoken),
        rows="vehicles",
        of=SilentVehicle,
        spoken=spoken,
    )


async def silent_page(
    services: Services, party: int, query: SilentQuery, spoken: str
) -> SilentVehicles:
    """A page of the silent vehicles of a party.

    Raises:
        ProblemError: 422, the cursor is none of ours.
    """
    found = await cases_of(services, party)
    silent = sorted(
        (
            (since, case.vehicle.vin, case)
            for case in found.cases
            if (since := case.silent_since) is not None
        ),
        key=lambda one: one[:2],
    )
    begin = 0 if query.cursor is None else cursors.read_number(query.cursor)
    page = silent[begin : begin + query.limit + 1]
    noted([case.vehicle for _, _, case in page[: query.limit]])
    return SilentVehicles(
        answered_at=found.now,
        silent=len(silent),
        is_complete=found.is_complete,
        vehicles=[
            _silent(case, since, found.now, spoken) for since, _, case in page[: query.limit]
        ],
        next=paging.link_if_more(
            SILENT_PATH,
            query,
            page,
            query.limit,
            lambda rows: cursors.after_number(begin + len(rows)),
        ),
    )


def _overdue(case: Case) -> bool:
    return any(one.left < 0 for one in case.dues)


def _listed(case: Case) -> dict[str, str | datetime | None]:
    vehicle = case.vehicle
    return {name: getattr(vehicle, name) for name in _Listed.model_fields}


def _due(case: Case) -> DueVehicle:
    service = case.service
    return DueVehicle.model_validate(
        {
            **_listed(case),
            "is_overdue": _overdue(case),
            "says_due": case.says_due,
            "distance": service.distance,
            "hours": service.hours,
            "day": service.day,
            "last_service": None if service.last is None else service.last.time,
        }
    )


def _silent(case: Case, since: datetime, now: datetime, spoken: str) -> SilentVehicle:
    return SilentVehicle.model_validate(
        {
            **_listed(case),
            "silent_since": since,
            "silent_s": round((now - since).total_seconds(), 1),
            "last_activity": case.last_activity,
            "todo": case.silence_todo(spoken),
        }
    )
