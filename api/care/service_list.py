"""`/v1/service-due`: the vehicles whose service is due, what is most due first."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, ConfigDict, Field

from api import tables
from api.accept import Accepted, responses
from api.accesses import noted
from api.care.cases import SOON, Case
from api.care.listed import EXAMPLE, ListedVehicle, ListPage, ListQuery, cases_of, named, paged
from api.codes import Code
from api.principal import Principal
from api.services import App, Services
from api.vehicles.service_due import DueBy

PATH = "/v1/service-due"

router = APIRouter(tags=["care"])


class DueVehicle(ListedVehicle):
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


class ServiceDue(ListPage):
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
                            **EXAMPLE,
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
                    "next": f"{PATH}?limit=1&cursor=bjE",
                }
            ]
        }
    )

    overdue: int = Field(description="Vehicles on all pages that are overdue.", examples=[2])
    due: int = Field(description="Vehicles on all pages that are due.", examples=[5])
    vehicles: list[DueVehicle] = Field(description="At most `limit`, what is most due first.")


class ServiceDueQuery(ListQuery):
    """Until when a service counts as due; whichever measure comes first."""

    km: float = Field(
        default=SOON["km"],
        ge=0,
        le=1_000_000,
        description="Within so much distance [km].",
        examples=[5000],
    )
    hours: float = Field(
        default=SOON["h"],
        ge=0,
        le=100_000,
        description="Within so many hours of the engine [h].",
        examples=[100],
    )
    days: float = Field(
        default=SOON["d"],
        ge=0,
        le=3650,
        description="Within so many days [d].",
        examples=[14],
    )


@router.get(
    PATH,
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
    page, following = paged(PATH, query, due)
    noted([case.vehicle for case in page])
    return ServiceDue(
        answered_at=found.now,
        overdue=overdue,
        due=len(due) - overdue,
        is_complete=found.is_complete,
        vehicles=[_due(case) for case in page],
        next=following,
    )


def _overdue(case: Case) -> bool:
    return any(one.left < 0 for one in case.dues)


def _due(case: Case) -> DueVehicle:
    service = case.service
    return DueVehicle.model_validate(
        {
            **named(case),
            "is_overdue": _overdue(case),
            "says_due": case.says_due,
            "distance": service.distance,
            "hours": service.hours,
            "day": service.day,
            "last_service": None if service.last is None else service.last.time,
        }
    )
