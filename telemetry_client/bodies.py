"""What writes carry: keys are those of the OpenAPI document, where their meaning is described.

What a change leaves out stays as it is; None takes it out. Times are datetimes with a time zone, or
text with one.
"""

# Annotations are read as they stand: as text they would not tell which keys are required.

from typing import Literal, Required, TypedDict

from telemetry_client.times import Moment

VehicleClass = Literal["heavy_truck", "medium_truck", "light_truck", "bus", "car"]


class DatasetDefinition(TypedDict, total=False):
    """A data set; its vehicles are those of `vins`, of `fleet_id`, or of `models` and `regions`."""

    name: Required[str]
    purpose: Required[str]
    party: Required[str]
    valid_from: Moment | None
    valid_until: Required[Moment]
    data_from: Required[Moment]
    data_until: Required[Moment]
    vins: list[str] | None
    fleet_id: int | None
    models: list[str] | None
    regions: list[str] | None
    signals: Required[list[str]]
    resolution_s: Required[int]
    grid_deg: float | None
    trips: bool
    events: bool


class DatasetChange(TypedDict, total=False):
    """What may be changed of a data set."""

    name: str
    valid_until: Moment


class NewWebhook(TypedDict, total=False):
    """A webhook; None of `fleet_id` and `vins`: whatever the vehicle."""

    name: Required[str]
    url: Required[str]
    kinds: Required[list[str]]
    severity: Literal["low", "medium", "high"]
    fleet_id: int | None
    vins: list[str] | None
    language: Literal["en", "zh"]


class WebhookChange(TypedDict, total=False):
    """What may be changed of a webhook."""

    name: str
    url: str
    kinds: list[str]
    severity: Literal["low", "medium", "high"]
    fleet_id: int | None
    vins: list[str] | None
    language: Literal["en", "zh"]
    enabled: bool


class VehicleData(TypedDict, total=False):
    """What the register says of a vehicle."""

    model: str | None
    plate: str | None
    region: str | None
    vehicle_class: VehicleClass


class Employment(TypedDict, total=False):
    """A driver, and since and until when they are one's own."""

    name: str | None
    employed_from: Moment | None
    employed_until: Moment | None


class FleetChange(TypedDict, total=False):
    """What may be changed of a fleet."""

    name: str
    time_zone: str


class Membership(TypedDict, total=False):
    """Since and until when a vehicle is in a fleet."""

    member_from: Moment | None
    member_until: Moment | None


class GrantTerms(TypedDict, total=False):
    """Who may see what of vehicles, and how long."""

    party: Required[str]
    purpose: Required[Literal["sale", "service", "research"]]
    valid_from: Moment | None
    valid_until: Required[Moment]
    data_from: Moment | None
    data_until: Moment | None


class NewGrant(GrantTerms, total=False):
    """Who may see what of a vehicle, and how long."""

    vin: Required[str]


class NewGrants(GrantTerms, total=False):
    """Who may see what of vehicles, and how long; one of `vins` and `fleet_id` is given."""

    vins: list[str]
    fleet_id: int
