"""What clients ask: each kind of question with its share of the whole, and who may ask it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping, Sequence

DAY_SIGNALS = "wheel_speed,engine_speed,fuel_rate,odometer"

RFMS_ACCEPT = "application/json; rfms=vehiclepositions.v4.0"


@dataclass(frozen=True, kw_only=True)
class Client:
    """Somebody who asks, with what they may see."""

    key: str
    vins: Sequence[str]
    fleet_id: int | None
    driver_ids: Sequence[int]
    first: str
    last: str
    """The first and the newest whole day, as dates."""
    weeks: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of question."""

    weight: int
    address: Callable[[Client, random.Random], str]
    headers: Mapping[str, str] = field(default_factory=dict)
    owners_only: bool = False


def _vehicle(what: str) -> Callable[[Client, random.Random], str]:
    return lambda client, chance: f"/v1/vehicles/{chance.choice(client.vins)}/{what}"


def _span(what: str) -> Callable[[Client, random.Random], str]:
    return lambda client, chance: (
        f"/v1/vehicles/{chance.choice(client.vins)}/{what}start={client.first}T00:00:00Z"
        f"&end={client.last}T00:00:00Z"
    )


def _day(client: Client, chance: random.Random) -> str:
    return (
        f"/v1/vehicles/{chance.choice(client.vins)}/signals?names={DAY_SIGNALS}"
        f"&start={client.last}T00:00:00Z&end={client.last}T23:59:59Z&step=60"
    )


def _driver(what: str) -> Callable[[Client, random.Random], str]:
    return lambda client, chance: (
        f"/v1/drivers/{chance.choice(client.driver_ids)}/{what}?start={client.first}T00:00:00Z"
        f"&end={client.last}T00:00:00Z"
    )


def _near(_client: Client, chance: random.Random) -> str:
    place = f"{31 + chance.random():.4f},{120 + 2 * chance.random():.4f}"
    return f"/v1/vehicles?near={place}&radius=50000&limit=10"


def _fleet(what: str) -> Callable[[Client, random.Random], str]:
    return lambda client, chance: (
        f"/v1/fleets/{client.fleet_id}/{what}".replace("WEEK", chance.choice(client.weeks))
        .replace("FIRST", f"{client.first}T00:00:00Z")
        .replace("LAST", f"{client.last}T00:00:00Z")
    )


KINDS: Mapping[str, Kind] = {
    "state": Kind(weight=25, address=_vehicle("state")),
    "status": Kind(weight=10, address=_vehicle("status")),
    "listing": Kind(weight=8, address=lambda _client, _chance: "/v1/vehicles?limit=50"),
    "search by plate": Kind(
        weight=3, address=lambda _client, chance: f"/v1/vehicles?plate={chance.randrange(999)}"
    ),
    "search by activity": Kind(
        weight=2, address=lambda _client, _chance: "/v1/vehicles?state=moving,idling&limit=50"
    ),
    "search by place": Kind(weight=2, address=_near),
    "day of signals": Kind(weight=8, address=_day),
    "trips": Kind(weight=10, address=_span("trips?")),
    "events": Kind(weight=8, address=_span("events?severity=medium&")),
    "scores": Kind(weight=5, address=_span("scores?")),
    "fuel by week": Kind(weight=5, address=_span("fuel?by=week&")),
    "advice": Kind(weight=4, address=_span("advice?")),
    "driver's trips": Kind(weight=3, address=_driver("trips"), owners_only=True),
    "fleet ranking": Kind(weight=1, address=_fleet("ranking?week=WEEK"), owners_only=True),
    "fleet fuel": Kind(weight=1, address=_fleet("fuel?start=FIRST&end=LAST"), owners_only=True),
    "fleet advice": Kind(weight=1, address=_fleet("advice?week=WEEK"), owners_only=True),
    "rFMS positions": Kind(
        weight=4,
        address=lambda client, chance: (
            f"/rfms/vehiclepositions?latestOnly=true&vin={chance.choice(client.vins)}"
        ),
        headers={"Accept": RFMS_ACCEPT},
    ),
}


def choose(client: Client, chance: random.Random) -> str:
    """The name of the question that a client asks next."""
    names = [
        name for name, kind in KINDS.items() if client.fleet_id is not None or not kind.owners_only
    ]
    return chance.choices(names, [KINDS[name].weight for name in names])[0]
