"""`/v1/vehicles/{vin}/status`: how a vehicle is, system by system: a dealer's first question."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api import activity, conditional, systems, trips
from api.accesses import noted
from api.activity import Activity
from api.codes import Code
from api.coordinates import Coordinates, Placed, latest_in
from api.language import Spoken
from api.openapi import problems
from api.parameters import EARLIEST, EXAMPLE_VIN, LATEST, Vin
from api.principal import Principal
from api.service_due import NextService, next_service
from api.services import App, Services
from api.status_example import EXAMPLE
from api.systems import System
from api.trips import TripSummary
from api.values import Reading, told
from schemas.catalogue import Catalogue, Signal
from schemas.trouble_codes import (
    Parameter,
    Words,
    common_parameters,
    failure_modes,
    parameter_of,
    signals_of,
)
from schemas.wire import Lamp
from storage.answers import Latest, TroubleCode
from storage.served import MAX_TROUBLE_CODES

LAST_TRIPS = 5

router = APIRouter(tags=["vehicles"])


class Condition(StrEnum):
    """How a system is, by what it reports of itself."""

    FAULT = "fault"
    WARNING = "warning"
    OK = "ok"
    UNKNOWN = "unknown"


class StatusReading(Reading):
    """The latest value of a signal, what it is and how old."""

    name: str = Field(description="What it is.", examples=["Engine coolant temperature"])
    age_s: float = Field(
        description="How old it was when this was answered [s]; below 0: the vehicle's clock runs "
        "ahead.",
        examples=[2.5],
    )


class SystemStatus(BaseModel):
    """A system of the vehicle."""

    system: System = Field(description="Which one.", examples=["engine"])
    condition: Condition = Field(
        description="fault (a red lamp, or a trouble code that lights it); warning (any other "
        "warning or trouble code); ok; unknown (nothing was ever heard of it).",
        examples=["ok"],
    )
    newest: AwareDatetime | None = Field(
        description="Time of its newest value, UTC.", examples=["2026-11-01T08:00:00Z"]
    )
    values: list[StatusReading] = Field(description="The latest ones, by the signals' ids.")


class CodeInWords(BaseModel):
    """A trouble code that is active (SAE J1939-73, DM1)."""

    spn: int = Field(description="Suspect parameter number: what is wrong.", examples=[3251])
    fmi: int = Field(description="Failure mode identifier: how it is wrong.", examples=[16])
    parameter: str | None = Field(
        description="What is wrong, in words; null for an SPN that is neither in the catalogue nor "
        "among the common ones.",
        examples=["Pressure drop across the particulate filter"],
    )
    failure: str | None = Field(
        description="How it is wrong, in words; null for reserved numbers.",
        examples=["above the normal range, moderately severe"],
    )
    system: System | None = Field(
        description="Which system it is of; null where that is not known.",
        examples=["fuel_aftertreatment"],
    )
    signals: list[str] = Field(
        description="Signals that measure it, to be asked for.",
        examples=[["dpf_differential_pressure"]],
    )
    source_address: int = Field(description="The control unit that reports it.", examples=[0])
    lamp: Lamp = Field(description="The gravest lamp it lights.", examples=["AMBER_WARNING"])
    count: int | None = Field(description="How often it has come up.", examples=[3])
    since: AwareDatetime = Field(
        description="When it came up, UTC.", examples=["2026-11-01T03:12:00Z"]
    )
    age_s: float = Field(description="How long ago that was [s].", examples=[17282.0])


class TellTale(StatusReading):
    """A lamp on the dashboard."""

    lit: bool = Field(description="Whether it is on, flashing included.", examples=[False])


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
    values = await services.reader.state(party, vin)
    codes = await services.reader.active_trouble_codes(party, vin)
    last = await services.reader.trips(
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


class Teller:
    """Tells values and codes in a language, with their age at a moment."""

    def __init__(self, catalogue: Catalogue, spoken: str, now: datetime) -> None:
        self._catalogue = catalogue
        self._spoken = spoken
        self._now = now

    def age_s(self, time: datetime) -> float:
        """How old something of that time is [s]."""
        return round((self._now - time).total_seconds(), 1)

    def reading(self, signal: Signal, latest: Latest) -> StatusReading:
        """A signal's latest value."""
        words = Words(signal.description_en, signal.description_zh)
        return StatusReading(
            signal=signal.name,
            value=told(signal, latest.value),
            unit=signal.unit,
            time=latest.time,
            name=words.in_language(self._spoken),
            age_s=self.age_s(latest.time),
        )

    def reading_of(self, latest: Mapping[str, Latest], name: str) -> StatusReading | None:
        """The latest value of the signal of that name, if there is one."""
        return self.reading(self._catalogue.by_name[name], latest[name]) if name in latest else None

    def tell_tales(self, latest: Mapping[str, Latest]) -> list[TellTale]:
        """The lamps that are known, those lit first."""
        lamps = [
            TellTale(**reading.model_dump(), lit=bool(reading.value))
            for name in systems.TELL_TALES
            if (reading := self.reading_of(latest, name)) is not None
        ]
        return sorted(lamps, key=lambda lamp: not lamp.lit)

    def code(self, code: TroubleCode) -> CodeInWords:
        """A trouble code in words."""
        signals = signals_of(self._catalogue, code.spn)
        common = None if signals else common_parameters().get(code.spn)
        parameter = parameter_of(code.spn, signals) if common is None else common.words
        failure = failure_modes().get(code.fmi)
        return CodeInWords(
            spn=code.spn,
            fmi=code.fmi,
            parameter=None if parameter is None else parameter.in_language(self._spoken),
            failure=None if failure is None else failure.in_language(self._spoken),
            system=_system(signals, common),
            signals=[signal.name for signal in signals],
            source_address=code.source_address,
            lamp=Lamp(code.lamp),
            count=code.count,
            since=code.since,
            age_s=self.age_s(code.since),
        )

    def by_system(
        self, latest: Mapping[str, Latest], codes: Sequence[CodeInWords]
    ) -> list[SystemStatus]:
        """Every system with its values."""
        found: defaultdict[System | None, list[StatusReading]] = defaultdict(list)
        for name, value in latest.items():
            signal = self._catalogue.by_name[name]
            found[systems.system_of(signal)].append(self.reading(signal, value))
        return [
            SystemStatus(
                system=system,
                condition=_condition(
                    found[system], [code for code in codes if code.system is system]
                ),
                newest=max((reading.time for reading in found[system]), default=None),
                values=found[system],
            )
            for system in System
        ]


def _system(signals: Sequence[Signal], common: Parameter | None) -> System | None:
    if signals:
        return systems.system_of(signals[0])
    return None if common is None or common.system is None else System(common.system)


def _condition(readings: Sequence[StatusReading], codes: Sequence[CodeInWords]) -> Condition:
    on = {reading.signal for reading in readings if reading.value}
    if on & systems.RED or any(code.lamp is Lamp.RED_STOP for code in codes):
        return Condition.FAULT
    if on & systems.WARNINGS or codes:
        return Condition.WARNING
    return Condition.OK if readings else Condition.UNKNOWN
