"""The records that `storage.served_search` answers with, and what it is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from storage.answers import Latest


@dataclass(frozen=True, kw_only=True, slots=True)
class VehicleContact:
    """A vehicle of the register and when it was last heard."""

    vin: str
    model: str | None
    plate: str | None
    region: str | None
    registered_at: datetime
    last_seen: datetime | None
    """Time of its newest frame, by its own clock."""
    received_at: datetime | None
    """When its newest frame came in, by the database's clock."""
    is_current: bool
    """Whether what it does today is open: not to who has sold it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Box:
    """A piece of the Earth [deg, WGS 84]; one whose west lies east of its east crosses 180°."""

    west: float
    south: float
    east: float
    north: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Near:
    """Around a point [deg, WGS 84], as far as `radius_m` where it is given."""

    latitude: float
    longitude: float
    radius_m: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Search:
    """Which vehicles are wanted; None: whatever."""

    asked_at: datetime
    """Against which time silence is measured."""
    rules: Mapping[str, float]
    """Of activity: moving_km_h, running_rpm, silent_while_running_s, silent_while_parked_s."""
    vin_part: str | None = None
    plate_part: str | None = None
    model_part: str | None = None
    region: str | None = None
    """ISO 3166-2; a country's code is all of its regions."""
    dealer: str | None = None
    fleet_id: int | None = None
    doing: Sequence[str] | None = None
    box: Box | None = None
    near: Near | None = None
    """With it the nearest come first."""
    after_vin: str = ""
    after_m: float | None = None
    """With a point: the distance to go on after."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundVehicle:
    """A vehicle with the latest values that were asked for, by name; a missing one is absent."""

    vin: str
    model: str | None
    plate: str | None
    region: str | None
    registered_at: datetime
    last_seen: datetime | None
    latest: Mapping[str, Latest]
    is_current: bool
    """Whether what it does today is open: not to who has sold it."""
    distance_m: float | None = None
    """To the point, where one was given."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangedState:
    """A vehicle whose state was written, and as whose it was watched."""

    vehicle: FoundVehicle
    fleets: Sequence[int]
    """Of those that are watched, the ones it is in."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Changes:
    """What was written of vehicles' states since."""

    snapshot: str
    """What had been seen by then; to go on from."""
    answered_at: datetime
    """By the database's clock."""
    states: Sequence[ChangedState]
