"""What parties write down, as frozen records: registers, grants, prices, data sets and webhooks.

Fields are named as in the OpenAPI document, where their meaning is described. Lists of these things
are tables with the same fields as columns. Times are UTC.
"""

# pydantic reads these annotations when it runs.
# ruff: noqa: TC003

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from telemetry_client.entries import Entry


@dataclass(frozen=True, kw_only=True)
class FuelPrice:
    """What a litre costs and emits."""

    price: float
    currency: str
    co2_kg_l: float
    is_own: bool


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """What a research party may read, of which vehicles, and how finely."""

    dataset_id: int
    name: str
    purpose: str
    party: str | None
    yours: bool
    state: str
    valid_from: datetime
    valid_until: datetime
    data_from: datetime
    data_until: datetime
    signals: list[str]
    resolution_s: int
    grid_deg: float
    trips: bool
    events: bool


@dataclass(frozen=True, kw_only=True)
class DatasetCounts:
    """How much is in a data set."""

    vehicles: int
    vehicle_days: int
    trips: int | None
    events: int | None


@dataclass(frozen=True, kw_only=True)
class SignalOfDataset:
    """A signal of a data set, and how many of its vehicles have it."""

    name: str
    path: str
    unit: str
    kind: str
    description_en: str
    description_zh: str
    vehicles: int


@dataclass(frozen=True, kw_only=True)
class DatasetWithCounts(Dataset):
    """A data set with what is in it."""

    counts: DatasetCounts | None
    catalogue: list[SignalOfDataset]


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """Where a party is told of what happens, and how well that goes."""

    webhook_id: int
    name: str
    url: str
    kinds: list[str]
    severity: str
    fleet_id: int | None
    vins: list[str] | None
    language: str
    enabled: bool
    disabled_by: str | None
    disabled_at: datetime | None
    failures: int
    failing_since: datetime | None
    last_error: str | None
    last_success_at: datetime | None
    waiting: int
    created_at: datetime
    old_secret_until: datetime | None


@dataclass(frozen=True, kw_only=True)
class MadeWebhook(Webhook):
    """A new webhook with the secret that signs its messages, which is told this once."""

    secret: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class NewSecret:
    """A webhook's new secret, which is told this once; until then the old one signs too."""

    secret: str = field(repr=False)
    old_secret_until: datetime


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """A message of a webhook, and what became of it."""

    delivery_id: int
    message_id: str
    type: str
    state: str
    attempts: int
    queued_at: datetime
    due_at: datetime | None
    attempted_at: datetime | None
    delivered_at: datetime | None
    last_status: int | None
    last_error: str | None


@dataclass(frozen=True, kw_only=True)
class RegisteredVehicle(Entry):
    """A vehicle in the register."""

    vin: str
    model: str | None
    plate: str | None
    region: str | None
    vehicle_class: str
    check_digit_ok: bool
    registered_by: str
    registered_at: datetime
    owner: str | None


@dataclass(frozen=True, kw_only=True)
class LineFault:
    """What is wrong with a line of a list of vehicles."""

    line: int
    column: str | None
    value: str | None
    reason: str
    way_out: str


@dataclass(frozen=True, kw_only=True)
class ImportReport:
    """What became of a list of vehicles."""

    is_written: bool
    good_lines: int
    bad_lines: int
    registered: int
    changed: int
    unchanged: int
    faults: list[LineFault]


@dataclass(frozen=True, kw_only=True)
class SaleDone:
    """A vehicle was handed over, and what ended by that."""

    vin: str
    buyer: str
    at: datetime
    ended_grants: int
    ended_memberships: int


@dataclass(frozen=True, kw_only=True)
class KnownParty:
    """A party one may know."""

    party_id: int
    kind: str
    name: str
    created_at: datetime
    is_own: bool


@dataclass(frozen=True, kw_only=True)
class EmployedDriver(Entry):
    """A driver, and since and until when they are their employer's."""

    driver_id: int
    card_id: str
    name: str | None
    employer: str | None
    employed_from: datetime | None
    employed_until: datetime | None


@dataclass(frozen=True, kw_only=True)
class RegisteredFleet(Entry):
    """A fleet in the register."""

    fleet_id: int
    name: str
    party: str
    time_zone: str
    vehicles: int


@dataclass(frozen=True, kw_only=True)
class FleetMembership:
    """Since and until when a vehicle is in a fleet."""

    vin: str
    member_from: datetime | None
    member_until: datetime | None


@dataclass(frozen=True, kw_only=True)
class MembershipEnd:
    """A vehicle was taken out of a fleet."""

    vin: str
    ended: int


@dataclass(frozen=True, kw_only=True)
class Grant:
    """Who may see what of a vehicle, and how long."""

    grant_id: int
    vin: str
    party: str
    party_kind: str
    purpose: str
    valid_from: datetime | None
    valid_until: datetime | None
    data_from: datetime | None
    data_until: datetime | None
    granted_by: str | None
    ended_at: datetime | None
    holds: bool
    may_end: bool


@dataclass(frozen=True, kw_only=True)
class GivenGrant:
    """A grant that was given with others."""

    grant_id: int
    vin: str


@dataclass(frozen=True, kw_only=True)
class GivenGrants:
    """What was given in one go."""

    grants: list[GivenGrant]
