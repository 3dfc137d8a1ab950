"""`/v1/vehicles/{vin}/state`: every latest value of a vehicle, by group, and its trouble codes."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api import conditional
from api.codes import Code
from api.coordinates import Placed
from api.openapi import problems
from api.parameters import EXAMPLE_VIN, Vin
from api.principal import Principal
from api.services import App, Services
from api.signals.values import Reading
from api.vehicles import state_text
from api.vehicles.activity import Activity
from schemas.wire import Lamp
from storage.answers import TroubleCode
from storage.served_vehicles import MAX_TROUBLE_CODES

router = APIRouter(tags=["vehicles"])


class SignalState(Reading):
    """The latest value of a signal, and how old it is."""

    path: str = Field(description="Its VSS path.", examples=["Vehicle.Speed"])
    age_s: float = Field(
        description="How old it was when this was answered [s]; below 0: the vehicle's clock runs "
        "ahead.",
        examples=[2.5],
    )


class GroupState(BaseModel):
    """The latest values of a group's signals."""

    group: str = Field(description="The signal group's name.", examples=["motion"])
    signals: list[SignalState] = Field(description="Those ever seen, by their ids.")


class TroubleCodeState(BaseModel):
    """A trouble code that is active (SAE J1939-73, DM1)."""

    spn: int = Field(description="Suspect parameter number: what is wrong.", examples=[3251])
    fmi: int = Field(description="Failure mode identifier: how it is wrong.", examples=[16])
    source_address: int = Field(description="The control unit that reports it.", examples=[0])
    lamp: Lamp = Field(description="The gravest lamp it lights.", examples=["AMBER_WARNING"])
    count: int | None = Field(description="How often it has come up.", examples=[3])
    since: AwareDatetime = Field(
        description="When it came up, UTC.", examples=["2026-11-01T03:12:00Z"]
    )


class VehicleState(BaseModel):
    """All that is known of a vehicle now."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "vin": EXAMPLE_VIN,
                    "model": "J6P 6×4",
                    "answered_at": "2026-11-01T08:00:02Z",
                    "last_seen": "2026-11-01T08:00:00Z",
                    "activity": "moving",
                    "groups": [
                        {
                            "group": "motion",
                            "signals": [
                                {
                                    "signal": "wheel_speed",
                                    "value": 83.5,
                                    "unit": "km/h",
                                    "time": "2026-11-01T08:00:00Z",
                                    "path": "Vehicle.Speed",
                                    "age_s": 2.0,
                                }
                            ],
                        }
                    ],
                    "trouble_codes": [
                        {
                            "spn": 3251,
                            "fmi": 16,
                            "source_address": 0,
                            "lamp": "AMBER_WARNING",
                            "count": 3,
                            "since": "2026-11-01T03:12:00Z",
                        }
                    ],
                }
            ]
        }
    )

    vin: str = Field(description="Vehicle identification number.", examples=[EXAMPLE_VIN])
    model: str | None = Field(description="As the register has it.", examples=["J6P 6×4"])
    answered_at: AwareDatetime = Field(
        description="When this was answered, UTC.", examples=["2026-11-01T08:00:02Z"]
    )
    last_seen: AwareDatetime | None = Field(
        description="Time of its newest frame, UTC.", examples=["2026-11-01T08:00:00Z"]
    )
    activity: Activity = Field(description="As in the listing of vehicles.")
    groups: list[GroupState] = Field(description="Groups of which a value was ever seen.")
    trouble_codes: list[TroubleCodeState] = Field(
        description=f"Active ones, the newest first, at most {MAX_TROUBLE_CODES}."
    )


@router.get(
    "/v1/vehicles/{vin}/state",
    operation_id="get_vehicle_state",
    summary="Every latest value of a vehicle",
    response_model=VehicleState,
    responses={
        **problems(Code.UNKNOWN_VEHICLE, Code.INVALID_PARAMETER),
        **conditional.NOT_MODIFIED,
    },
)
async def get_vehicle_state(
    vin: Vin,
    placed: Annotated[Placed, Query()],
    services: App,
    party: Principal,
    request: Request,
    response: Response,
) -> Response:
    """Tell a vehicle's latest values by group, each with its own time, and active trouble codes."""
    known = await services.vehicles.now(party, vin)
    now, writer = datetime.now(tz=UTC), services.states
    laid = writer.laid_out(known, placed.coordinates)
    doing = await _doing(services, party, vin, writer.activity(laid, known, now))
    return conditional.answered_as(
        request,
        response,
        state_text.tag(known, laid, doing),
        lambda: writer.written(vin, known, laid, doing, now),
    )


async def state_of(services: Services, party: int, vin: str) -> VehicleState:
    """The state of a vehicle that a party may see, for pages.

    Raises:
        UnknownVehicleError: there is none.
    """
    known = await services.vehicles.now(party, vin)
    now, writer = datetime.now(tz=UTC), services.states
    laid = writer.laid_out(known)
    doing = await _doing(services, party, vin, writer.activity(laid, known, now))
    return VehicleState.model_validate_json(writer.written(vin, known, laid, doing, now))


async def _doing(services: Services, party: int, vin: str, heard: Activity) -> Activity:
    """What a vehicle is doing, by what was heard; only of silence is there more to ask."""
    if heard is not Activity.SILENT:
        return heard
    contact = await services.search.contact(party, vin)
    return Activity.SILENT if contact.is_current else Activity.PAST


def trouble_code(code: TroubleCode) -> TroubleCodeState:
    """A trouble code as it is told."""
    return TroubleCodeState(
        spn=code.spn,
        fmi=code.fmi,
        source_address=code.source_address,
        lamp=Lamp(code.lamp),
        count=code.count,
        since=code.since,
    )
