"""`/v1/registers/vehicles`: what there is; the maker keeps it, others read what they may."""

from enum import StrEnum
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from api import conditional, cursors, paging
from api.accesses import noted
from api.codes import Code
from api.openapi import WRITING, problems
from api.parameters import EXAMPLE_VIN, Paged, Vin, no_parameters
from api.principal import Principal
from api.registers.common import MAX_ROWS, PATH, CellText, Expected, quoted, tagged
from api.registers.vehicle_list import REGION
from api.services import App
from api.written import WriteRoute
from schemas.vin import VinError, check_digit_ok, check_vin
from storage.served_registers import VehicleEntry

VEHICLES = f"{PATH}/vehicles"

router = APIRouter(tags=["registers"], route_class=WriteRoute)

EXAMPLE: JsonDict = {
    "vin": EXAMPLE_VIN,
    "model": "GTL",
    "plate": "沪A12345",
    "region": "CN-31",
    "vehicle_class": "heavy_truck",
    "check_digit_ok": False,
    "registered_by": "register",
    "registered_at": "2026-03-02T07:00:00Z",
    "owner": "North Haulage",
}


class VehicleClass(StrEnum):
    """By which thresholds and among which peers a vehicle is judged."""

    HEAVY_TRUCK = "heavy_truck"
    MEDIUM_TRUCK = "medium_truck"
    LIGHT_TRUCK = "light_truck"
    BUS = "bus"
    CAR = "car"


class RegisteredBy(StrEnum):
    """How a vehicle came into the register."""

    REGISTER = "register"
    INGEST = "ingest"


class RegisteredVehicle(BaseModel):
    """A vehicle of the register; null is what is not known or not yours to know."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    vin: str = Field(description="Identification number.", examples=[EXAMPLE_VIN])
    model: str | None = Field(description="The maker's name of it.", examples=["GTL"])
    plate: str | None = Field(
        description="Registration number of today, for whom today's data are open.",
        examples=["沪A12345"],
    )
    region: str | None = Field(
        description="Where it is at home today, ISO 3166-2; likewise.", examples=["CN-31"]
    )
    vehicle_class: VehicleClass = Field(
        description="By which thresholds and peers it is judged.", examples=["heavy_truck"]
    )
    check_digit_ok: bool = Field(
        description="Whether position 9 is the check digit of ISO 3779; many VINs do without.",
        examples=[False],
    )
    registered_by: RegisteredBy = Field(
        description="By register, or by ingest, which heard it first.", examples=["register"]
    )
    registered_at: AwareDatetime = Field(
        description="Since when it is known, UTC.", examples=["2026-03-02T07:00:00Z"]
    )
    owner: str | None = Field(
        description="Who owns it now, told to the maker and to the owner.",
        examples=["North Haulage"],
    )


class RegisteredVehicles(BaseModel):
    """A page of the register of vehicles by VIN."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "vehicles": [EXAMPLE],
                    "next": f"{VEHICLES}?limit=1&cursor=dkxTR0FBMTExMTJBMDAwMDAx",
                }
            ]
        }
    )

    vehicles: list[RegisteredVehicle] = Field(description="At most `limit`.")
    next: str | None = Field(description="Address of the next page; null: this was the last.")


def _a_vin(text: str) -> str:
    try:
        check_vin(text)
    except VinError as error:
        raise ValueError(str(error)) from error
    return text


class NewVehicle(BaseModel):
    """A vehicle to be registered."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"vin": EXAMPLE_VIN, "model": "GTL"}]}
    )

    vin: Annotated[str, AfterValidator(_a_vin)] = Field(
        description="Identification number, 17 characters, upper case.", examples=[EXAMPLE_VIN]
    )
    model: CellText | None = Field(
        default=None, description="The maker's name of it.", examples=["GTL"]
    )
    plate: CellText | None = Field(
        default=None, description="Registration number, as it is written.", examples=["沪A12345"]
    )
    region: str | None = Field(
        default=None, pattern=REGION, description="ISO 3166-2.", examples=["CN-31"]
    )
    vehicle_class: VehicleClass = Field(
        default=VehicleClass.HEAVY_TRUCK,
        description="By which thresholds and peers it is judged.",
        examples=["heavy_truck"],
    )


class VehicleCorrection(BaseModel):
    """What is to be changed of a vehicle; what is left out stays, null takes it out."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"plate": "沪A12345", "region": "CN-31"}]},
    )

    model: CellText | None = Field(default=None, description="As above.", examples=["GTL"])
    plate: CellText | None = Field(default=None, description="As above.", examples=["沪A12345"])
    region: str | None = Field(
        default=None, pattern=REGION, description="ISO 3166-2.", examples=["CN-31"]
    )
    vehicle_class: VehicleClass = Field(
        default=VehicleClass.HEAVY_TRUCK,
        description="Another class lets the vehicle's days be analysed again.",
        examples=["medium_truck"],
    )


class RegisterQuery(Paged):
    """What is asked of a register."""

    limit: int = Field(
        default=100, ge=1, le=MAX_ROWS, description="Entries a page.", examples=[100]
    )


def told(entry: VehicleEntry) -> RegisteredVehicle:
    """The entry as it is told."""
    return RegisteredVehicle(
        vin=entry.vin,
        model=entry.model,
        plate=entry.plate,
        region=entry.region,
        vehicle_class=VehicleClass(entry.vehicle_class),
        check_digit_ok=entry.check_digit_ok,
        registered_by=RegisteredBy(entry.registered_by),
        registered_at=entry.registered_at,
        owner=entry.owner,
    )


@router.get(
    VEHICLES,
    operation_id="list_registered_vehicles",
    summary="The register of vehicles",
    responses=problems(Code.INVALID_PARAMETER),
)
async def list_vehicles(
    query: Annotated[RegisterQuery, Query()], services: App, party: Principal
) -> RegisteredVehicles:
    """List the vehicles that you may see, by VIN."""
    after = "" if query.cursor is None else cursors.read_vin(query.cursor)
    found = await services.registers.vehicles(party, after_vin=after, limit=query.limit + 1)
    return RegisteredVehicles(
        vehicles=[told(entry) for entry in noted(found[: query.limit])],
        next=paging.link_if_more(
            VEHICLES, query, found, query.limit, lambda shown: cursors.after_vin(shown[-1].vin)
        ),
    )


@router.get(
    VEHICLES + "/{vin}",
    operation_id="get_registered_vehicle",
    summary="A vehicle of the register",
    response_model=RegisteredVehicle,
    responses={
        **problems(Code.UNKNOWN_VEHICLE, Code.INVALID_PARAMETER),
        **conditional.NOT_MODIFIED,
    },
    dependencies=[Depends(no_parameters)],
)
async def get_vehicle(
    vin: Vin, services: App, party: Principal, request: Request, response: Response
) -> Response:
    """Tell what the register says; its ETag lets a change depend on it (If-Match)."""
    entry = await services.registers.vehicle(party, vin)
    return conditional.answered(request, response, told(entry), quoted(entry.tag))


@router.post(
    VEHICLES,
    operation_id="register_vehicle",
    summary="Register a vehicle",
    status_code=HTTPStatus.CREATED,
    responses=problems(Code.NOT_YOURS, Code.ALREADY_THERE, Code.INVALID_PARAMETER, *WRITING),
    dependencies=[Depends(no_parameters)],
)
async def register_vehicle(
    entry: NewVehicle, services: App, party: Principal, response: Response
) -> RegisteredVehicle:
    """Make a vehicle known before it sends; the maker may."""
    made = await services.registers.register_vehicle(
        party, **entry.model_dump(mode="json"), check_digit_ok=check_digit_ok(entry.vin)
    )
    response.headers["Location"] = f"{VEHICLES}/{made.vin}"
    tagged(response, made.tag)
    return told(noted([made])[0])


@router.patch(
    VEHICLES + "/{vin}",
    operation_id="change_registered_vehicle",
    summary="Change what the register says of a vehicle",
    responses=problems(
        Code.UNKNOWN_VEHICLE,
        Code.NOT_YOURS,
        Code.CHANGED_MEANWHILE,
        Code.INVALID_PARAMETER,
        *WRITING,
    ),
    dependencies=[Depends(no_parameters)],
)
async def change_vehicle(
    vin: Vin,
    changes: VehicleCorrection,
    services: App,
    party: Principal,
    expected: Expected,
    response: Response,
) -> RegisteredVehicle:
    """Change model, plate, region or class; the maker may."""
    changed = await services.registers.change_vehicle(
        party, vin, changes.model_dump(mode="json", exclude_unset=True), expected
    )
    tagged(response, changed.tag)
    return told(changed)
