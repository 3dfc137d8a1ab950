"""`/v1/vehicles/{vin}/status`: how a vehicle is, system by system: a dealer's first question."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api import conditional
from api.accesses import noted
from api.codes import Code
from api.coordinates import Coordinates, Placed, latest_in
from api.driving import trips
from api.driving.trips import TripSummary
from api.language import Spoken
from api.openapi import problems
from api.parameters import EARLIEST, EXAMPLE_VIN, LATEST, Vin
from api.principal import Principal
from api.services import App, Services
from api.vehicles import activity
from api.vehicles.activity import Activity
from api.vehicles.service_due import NextService, next_service
from api.vehicles.status_example import EXAMPLE
from api.vehicles.telling import CodeInWords, StatusReading, SystemStatus, Teller, TellTale
from storage.served_vehicles import MAX_TROUBLE_CODES

LAST_TRIPS = 5


router = APIRouter(tags=["vehicles"])


class Service(BaseModel):
    """The next service: what the vehicle counts down itself, and when it is due by whom."""

    distance: StatusReading | None = Field(description="Still to go [km]; below 0: overdue.")
    days: StatusReading | None = Field(description="Still to go [d]; below 0: overdue.")
    due: StatusReading | None = Field(description="Whether it is due, as the vehicle says.")
    engine_hours: StatusReading | None = Field(
        description="Of the engine in all [h]: for services by hours, which no vehicle counts down."
    )
    next: NextService = Field(description="By distance, hours and day, each with who says so.")


class Contact(BaseModel):
    """When a vehicle was last heard."""

    last_seen: AwareDatetime | None = Field(
        description="Time of its newest frame, by its own clock, UTC.",
        examples=["2026-11-01T08:00:00Z"],
    )
    received_at: AwareDatetime | None = Field(
        description="When its newest frame came in, UTC.", examples=["2026-11-01T08:00:01Z"]
    )
    age_s: float | None = Field(description="Since `last_seen` [s].", examples=[2.0])


class StatusBySystem(BaseModel):
    """How a vehicle is."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    vin: str = Field(description="Vehicle identification number.", examples=[EXAMPLE_VIN])
    model: str | None = Field(description="As the register has it.", examples=["J6P 6×4"])
    plate: str | None = Field(description="As the register has it.", examples=["沪A12345"])
    region: str | None = Field(description="Where it is at home, ISO 3166-2.", examples=["CN-31"])
    answered_at: AwareDatetime = Field(
        description="When this was answered, UTC.", examples=["2026-11-01T08:00:02Z"]
    )
    contact: Contact = Field(description="When it was last heard.")
    activity: Activity = Field(description="As in the listing of vehicles.")
    systems: list[SystemStatus] = Field(description="Every system, known or not.")
    trouble_codes: list[CodeInWords] = Field(
        description=f"Active ones, the newest first, at most {MAX_TROUBLE_CODES}."
    )
    tell_tales: list[TellTale] = Field(description="Lamps it has told of; those lit come first.")
    service: Service = Field(description="The next service.")
    last_trips: list[TripSummary] = Field(
        description=f"The newest, at most {LAST_TRIPS}, the newest first."
    )


@router.get(
    "/v1/vehicles/{vin}/status",
    operation_id="get_vehicle_status",
    summary="How a vehicle is, system by system",
    response_model=StatusBySystem,
    responses={
        **problems(Code.UNKNOWN_VEHICLE, Code.INVALID_PARAMETER),
        **conditional.NOT_MODIFIED,
    },
)
async def get_vehicle_status(
    vin: Vin,
    placed: Annotated[Placed, Query()],
    services: App,
    party: Principal,
    spoken: Spoken,
    request: Request,
    response: Response,
) -> Response:
    """Tell the state of every system with the age of each value, trouble codes in words and more.

    Lamps, what is left to the next service, the last trips and the last contact are there too.
    """
    status = await status_of(services, party, vin, spoken, placed.coordinates)
    return conditional.answered(request, response, status)


async def status_of(
    services: Services,
    party: int,
    vin: str,
    spoken: str,
    coordinates: Coordinates = Coordinates.WGS_84,
) -> StatusBySystem:
    """How a vehicle is.

    Raises:
        UnknownVehicleError: there is none that the party may see.
    """
    contact = await services.search.contact(party, vin)
    values = await services.vehicles.state(party, vin)
    codes = await services.vehicles.active_trouble_codes(party, vin)
    last = await services.vehicles.trips(
        party, vin, start=EARLIEST, stop=LATEST, newest_first=True, limit=LAST_TRIPS
    )
    plan = await services.service.plan(party, vin)
    now = datetime.now(tz=UTC)
    # A database migrated to a newer catalogue may hold signals that this code does not know.
    known = {value.name: value for value in values if value.name in services.catalogue.by_name}
    latest = latest_in(coordinates, known)
    teller = Teller(services.catalogue, spoken, now)
    told_codes = [teller.code(code) for code in codes]
    return StatusBySystem(
        vin=contact.vin,
        model=contact.model,
        plate=contact.plate,
        region=contact.region,
        answered_at=now,
        contact=Contact(
            last_seen=contact.last_seen,
            received_at=contact.received_at,
            age_s=None if contact.last_seen is None else teller.age_s(contact.last_seen),
        ),
        activity=activity.activity(latest, contact.last_seen, now, is_current=contact.is_current),
        systems=teller.by_system(latest, told_codes),
        trouble_codes=told_codes,
        tell_tales=teller.tell_tales(latest),
        service=Service(
            distance=teller.reading_of(latest, "service_distance"),
            days=teller.reading_of(latest, "service_days"),
            due=teller.reading_of(latest, "service_due"),
            engine_hours=teller.reading_of(latest, "engine_hours"),
            next=next_service(latest, plan, now),
        ),
        last_trips=[trips.summary(trip, coordinates) for trip in noted(last)],
    )
