"""Blocks of a vehicle status: snapshotData and uptimeData; counters are those of /v1."""

from typing import Literal

from pydantic import Field

from api.rfms.objects import DriverId, GnssPosition, Rfms, TellTaleInfo

WorkingState = Literal["REST", "DRIVER_AVAILABLE", "WORK", "DRIVE"]


class DistanceToEmpty(Rfms):
    """How far the fuel goes."""

    total: int = Field(description="[m]", examples=[457_600])
    fuel: int = Field(description="Of the tanks [m].", examples=[457_600])


class VehicleAxle(Rfms):
    """An axle of the truck."""

    vehicle_axle_position: int = Field(description="From the front.", examples=[1])
    vehicle_axle_load: float = Field(description="[kg]", examples=[6_512.5])


class TrailerAxle(Rfms):
    """An axle of a trailer."""

    trailer_axle_position: int = Field(description="From the front.", examples=[1])
    trailer_axle_load: float = Field(description="[kg]", examples=[7_930.0])


class Trailer(Rfms):
    """A trailer that is connected."""

    trailer_no: int = Field(description="1 is closest to the truck.", examples=[1])
    trailer_axle_load_sum: int | None = Field(
        default=None, description="Of all axles [kg].", examples=[23_790]
    )
    trailer_axles: list[TrailerAxle] | None = Field(
        default=None, description="Those whose load is known."
    )


class SnapshotData(Rfms):
    """SnapshotDataObject: what the vehicle was doing."""

    gnss_position: GnssPosition | None = Field(default=None, description="Where it was.")
    wheel_based_speed: float | None = Field(default=None, description="[km/h]", examples=[54.3])
    tachograph_speed: float | None = Field(default=None, description="[km/h]", examples=[54.4])
    engine_speed: float | None = Field(default=None, description="[rpm]", examples=[1234.0])
    fuel_level1: float | None = Field(default=None, description="First tank [%].", examples=[86.0])
    fuel_level2: float | None = Field(default=None, description="Second tank [%].", examples=[45.0])
    catalyst_fuel_level: float | None = Field(
        default=None, description="AdBlue [%].", examples=[43.0]
    )
    driver1_working_state: WorkingState | None = Field(
        default=None, description="Only where the client may know who drove."
    )
    driver2_id: DriverId | None = Field(default=None, description="Who sat beside the driver.")
    driver2_working_state: WorkingState | None = Field(
        default=None, description="Only where the client may know who that was."
    )
    ambient_air_temperature: float | None = Field(default=None, description="[°C]", examples=[23.7])
    parking_brake_switch: bool | None = Field(default=None, description="Whether it is set.")
    estimated_distance_to_empty: DistanceToEmpty | None = Field(
        default=None, description="How far the fuel goes."
    )
    vehicle_axles: list[VehicleAxle] | None = Field(
        default=None, description="Axles whose load is known."
    )
    trailers: list[Trailer] | None = Field(default=None, description="Where one is connected.")


class AlternatorInfo(Rfms):
    """Whether the alternator charges."""

    alternator_status: Literal["CHARGING", "NOT_CHARGING"] = Field(description="Whether it does.")
    alternator_number: int = Field(description="Which one.", examples=[1])


class UptimeData(Rfms):
    """UptimeDataObject: how the vehicle is."""

    tell_tale_info: list[TellTaleInfo] = Field(
        description="The tell-tales whose state is known, lit or not."
    )
    service_distance: int | None = Field(
        default=None, description="To the next service [m].", examples=[12_000_000]
    )
    engine_coolant_temperature: float | None = Field(
        default=None, description="[°C]", examples=[90.0]
    )
    service_brake_air_pressure_circuit1: int | None = Field(
        default=None, description="[Pa]", examples=[812_000]
    )
    service_brake_air_pressure_circuit2: int | None = Field(
        default=None, description="[Pa]", examples=[834_000]
    )
    alternator_info: AlternatorInfo | None = Field(default=None, description="The alternator.")
    bellow_pressure_front_axle_left: int | None = Field(
        default=None, description="[Pa]", examples=[534_000]
    )
    bellow_pressure_front_axle_right: int | None = Field(
        default=None, description="[Pa]", examples=[534_000]
    )
    bellow_pressure_rear_axle_left: int | None = Field(
        default=None, description="[Pa]", examples=[634_000]
    )
    bellow_pressure_rear_axle_right: int | None = Field(
        default=None, description="[Pa]", examples=[634_000]
    )
