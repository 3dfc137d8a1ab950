"""The objects of rFMS 4.0 that several resources hold; what is not known is left out."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer
from pydantic.alias_generators import to_camel

from api.parameters import EXAMPLE_VIN
from schemas.wire import TriggerType

EXAMPLE_TIME = "2026-11-01T08:00:00.000000Z"

Time = Annotated[
    AwareDatetime,
    PlainSerializer(
        # Always with microseconds: times that sort as text sort as times.
        lambda time: time.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        return_type=str,
        when_used="json",
    ),
    Field(examples=[EXAMPLE_TIME]),
]
"""A time in UTC, to the microsecond."""


class Rfms(BaseModel):
    """Fields have the names of rFMS."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True)


class OemDriverIdentification(Rfms):
    """A driver by the card in the tachograph."""

    id_type: Literal["TACHOGRAPH_CARD"] = Field(
        default="TACHOGRAPH_CARD", description="What the number is of."
    )
    oem_driver_identification: str = Field(description="The card.", examples=["CN3101000001"])


class DriverId(Rfms):
    """DriverIdObject: only where the client may know who drove."""

    oem_driver_identification: OemDriverIdentification = Field(
        description="Cards are known here as one number, whatever country issued them."
    )


def driver(card_id: str | None) -> DriverId | None:
    """A driver by card; None where there is none, or none that the client may know."""
    if not card_id:
        return None
    return DriverId(
        oem_driver_identification=OemDriverIdentification(oem_driver_identification=card_id)
    )


class TellTaleInfo(Rfms):
    """TellTaleObject."""

    tell_tale: str = Field(description="One of the standard's names.", examples=["FUEL_LEVEL"])
    oem_tell_tale: str | None = Field(
        default=None,
        description="Our name of an OEM_SPECIFIC_TELL_TALE.",
        examples=["PROTECT_LAMP"],
    )
    state: Literal["RED", "YELLOW", "INFO", "OFF", "NOT_AVAILABLE"] = Field(
        description="Whether and how it is lit."
    )


class Trigger(Rfms):
    """TriggerObject: why the vehicle reported."""

    trigger_type: TriggerType = Field(description="Why.")
    context: Literal["RFMS"] = Field(default="RFMS", description="Whose trigger it is.")
    driver_id: DriverId | None = Field(
        default=None, description="Who came, went or changed working state."
    )
    pto_id: str | None = Field(default=None, description="Which power take-off.", examples=["1"])
    tell_tale_info: TellTaleInfo | None = Field(
        default=None, description="Which tell-tale changed."
    )


class GnssPosition(Rfms):
    """GNSSPositionObject."""

    latitude: float = Field(description="WGS 84, north positive [deg].", examples=[31.2304])
    longitude: float = Field(description="WGS 84, east positive [deg].", examples=[121.4737])
    heading: int | None = Field(default=None, description="[deg], 0 to 359", examples=[30])
    altitude: int | None = Field(default=None, description="[m]", examples=[32])
    speed: float | None = Field(default=None, description="[km/h]", examples=[54.5])
    position_date_time: Time = Field(description="When it was taken.")


class Reported(Rfms):
    """What a position and a status have in common."""

    vin: str = Field(description="Vehicle identification number.", examples=[EXAMPLE_VIN])
    trigger_type: Trigger = Field(description="Why the vehicle reported.")
    created_date_time: Time = Field(description="When, by the vehicle's clock.")
    received_date_time: Time = Field(
        description="When it could be read here: strictly increasing, to go on from."
    )


class Page(Rfms):
    """What every page of reports ends with."""

    more_data_available: bool = Field(description="Whether there is another page.")
    more_data_available_link: str | None = Field(
        default=None,
        description="Its address, without the host; left out on the last page.",
        examples=["/rfms/vehiclepositions?starttime=2026-11-01T08%3A00%3A00.000124Z"],
    )
    request_server_date_time: Time = Field(
        description="The next `starttime`: all that was received before this moment has been told, "
        "or is told by the pages that follow; all else is received at it or after it."
    )
