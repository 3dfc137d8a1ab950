"""`/v1/registers/drivers`: whom a party employs, and from when to when."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints
from pydantic.config import JsonDict

from api import conditional, cursors, paging
from api.accesses import noted
from api.codes import Code
from api.openapi import WRITING, problems
from api.parameters import DriverId, Time, no_parameters
from api.principal import Principal
from api.registers.common import PATH, Expected, Text, one_line, quoted, tagged
from api.registers.vehicles import RegisterQuery
from api.services import App
from api.written import WriteRoute
from storage.served_registers import DriverEntry

DRIVERS = f"{PATH}/drivers"

router = APIRouter(tags=["registers"], route_class=WriteRoute)

CardId = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=40),
    AfterValidator(one_line),
]

EXAMPLE: JsonDict = {
    "driver_id": 17,
    "card_id": "CHN0001000000017",
    "name": "王伟",
    "employer": "North Haulage",
    "employed_from": "2026-03-02T00:00:00Z",
    "employed_until": "2026-12-31T00:00:00Z",
}


class EmployedDriver(BaseModel):
    """A driver and the employment; null is what is not known."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    driver_id: int = Field(description="The driver's number here.", examples=[17])
    card_id: str = Field(description="The tachograph card.", examples=["CHN0001000000017"])
    name: str | None = Field(description="As the employer gave it.", examples=["王伟"])
    employer: str | None = Field(description="Who employs the driver.", examples=["North Haulage"])
    employed_from: AwareDatetime | None = Field(
        description="What is recorded of the driver from then on is the employer's to see; null: "
        "all of it, or nobody employs the driver.",
        examples=["2026-03-02T00:00:00Z"],
    )
    employed_until: AwareDatetime | None = Field(
        description="Up to then; null: without end.", examples=["2026-12-31T00:00:00Z"]
    )


class EmployedDrivers(BaseModel):
    """A page of drivers by their numbers."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"drivers": [EXAMPLE], "next": f"{DRIVERS}?limit=1&cursor=bjE3"}]
        }
    )

    drivers: list[EmployedDriver] = Field(description="At most `limit`.")
    next: str | None = Field(description="Address of the next page; null: this was the last.")


class NewEmployment(BaseModel):
    """A driver to be employed."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"card_id": "CHN0001000000017", "name": "王伟"}]},
    )

    card_id: CardId = Field(
        description="The tachograph card, as vehicles tell it.", examples=["CHN0001000000017"]
    )
    name: Text | None = Field(default=None, description="The driver's.", examples=["王伟"])
    employed_from: Time | None = Field(
        default=None,
        description="From when on; left out: now. A time before now only where all that the driver "
        "is known to have driven since was in vehicles that were yours.",
        examples=["2026-11-01T00:00:00Z"],
    )
    employed_until: Time | None = Field(
        default=None,
        description="Until when; left out: without end.",
        examples=["2026-12-31T00:00:00Z"],
    )


class EmploymentChange(BaseModel):
    """What is to be changed of a driver; what is left out stays."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"employed_until": "2026-12-31T00:00:00Z"}]},
    )

    name: Text | None = Field(
        default=None, description="The driver's; null takes it out.", examples=["王伟"]
    )
    employed_from: Time | None = Field(
        default=None,
        description="From when on; null: always. As with a new one, it opens nothing that you have "
        "not seen.",
        examples=["2026-11-01T00:00:00Z"],
    )
    employed_until: Time | None = Field(
        default=None,
        description="Until when; null: without end.",
        examples=["2026-12-31T00:00:00Z"],
    )


def _told(entry: DriverEntry) -> EmployedDriver:
    return EmployedDriver(
        driver_id=entry.driver_id,
        card_id=entry.card_id,
        name=entry.name,
        employer=entry.employer,
        employed_from=entry.employed_from,
        employed_until=entry.employed_until,
    )


@router.get(
    DRIVERS,
    operation_id="list_employed_drivers",
    summary="Drivers whom one employs",
    responses=problems(Code.INVALID_PARAMETER),
)
async def list_drivers(
    query: Annotated[RegisterQuery, Query()], services: App, party: Principal
) -> EmployedDrivers:
    """List whom you employ or employed last; for the maker every driver."""
    found = await services.registers.drivers(
        party, after_id=paging.number_after(query), limit=query.limit + 1
    )
    return EmployedDrivers(
        drivers=[_told(entry) for entry in noted(found[: query.limit])],
        next=paging.link_if_more(
            DRIVERS,
            query,
            found,
            query.limit,
            lambda shown: cursors.after_number(shown[-1].driver_id),
        ),
    )


@router.get(
    DRIVERS + "/{driver_id}",
    operation_id="get_employed_driver",
    summary="A driver whom one employs",
    response_model=EmployedDriver,
    responses={
        **problems(Code.UNKNOWN_DRIVER, Code.INVALID_PARAMETER),
        **conditional.NOT_MODIFIED,
    },
    dependencies=[Depends(no_parameters)],
)
async def get_driver(
    driver_id: DriverId, services: App, party: Principal, request: Request, response: Response
) -> Response:
    """Tell who it is; the ETag lets a change depend on it (If-Match)."""
    (entry,) = noted([await services.registers.driver(party, driver_id)])
    return conditional.answered(request, response, _told(entry), quoted(entry.tag))


@router.post(
    DRIVERS,
    operation_id="employ_driver",
    summary="Employ a driver",
    status_code=HTTPStatus.CREATED,
    responses=problems(
        Code.NOT_YOURS, Code.ALREADY_THERE, Code.ERASED, Code.INVALID_PARAMETER, *WRITING
    ),
    dependencies=[Depends(no_parameters)],
)
async def employ_driver(
    entry: NewEmployment, services: App, party: Principal, response: Response
) -> EmployedDriver:
    """Employ a driver by the card, whether vehicles have told of it or not; an owner may."""
    (made,) = noted(
        [
            await services.registers.employ_driver(
                party, entry.card_id, entry.name, (entry.employed_from, entry.employed_until)
            )
        ]
    )
    response.headers["Location"] = f"{DRIVERS}/{made.driver_id}"
    tagged(response, made.tag)
    return _told(made)


@router.patch(
    DRIVERS + "/{driver_id}",
    operation_id="change_employed_driver",
    summary="Change a driver's name or employment",
    responses=problems(
        Code.UNKNOWN_DRIVER,
        Code.NOT_YOURS,
        Code.CHANGED_MEANWHILE,
        Code.INVALID_PARAMETER,
        *WRITING,
    ),
    dependencies=[Depends(no_parameters)],
)
async def change_driver(
    driver_id: DriverId,
    changes: EmploymentChange,
    services: App,
    party: Principal,
    expected: Expected,
    response: Response,
) -> EmployedDriver:
    """Change name, begin or end; the employer may.

    Whose employment has ended may be employed by others.
    """
    changed = await services.registers.change_driver(
        party, driver_id, changes.model_dump(mode="json", exclude_unset=True), expected
    )
    tagged(response, changed.tag)
    return _told(changed)
