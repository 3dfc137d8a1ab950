"""One small world, served once for a whole session: every role, and all that may be foreign.

Five vehicles. One is the owner's, was sold by the dealer and is serviced by the workshop. One is
somebody else's. To one the three had grants that have run out, to one grants that were taken back;
one does not exist. All that can be known of a vehicle is there of each, and nothing of one looks
like that of another: places, plates, cards, names and numbers are found in an answer by themselves.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.fernet import Fernet

from api.scopes import Role
from api.signing_in import credentials
from schemas import catalogue as catalogues
from storage import identity
from storage.registers import add_to_fleet, ensure_fleet, ensure_party, grant_access
from tests.asking.api_fixture import serving
from tests.samples.behaviour_samples import DAY, HOUR
from tests.servers.database_fixture import migrated_to, new_database
from tests.worlds.access_things import (
    SPARE_VIN,
    UNKNOWN,
    Things,
    grants_by_object,
    new_things,
    prepare,
)
from tests.worlds.access_trucks import Person, Truck, new_person, new_truck
from tests.worlds.behaviour_world import MONDAY, score
from tests.worlds.identity_world import PASSWORD, bearer, signed_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx2

    from storage.connection import Connection
    from tests.servers.database_fixture import Migrated

PARTIES = {
    "Truck Maker": "maker",
    "East Dealer": "dealer",
    "Quay Workshop": "service_provider",
    "North Haulage": "owner",
    "South Haulage": "owner",
    "Motor Institute": "data_science",
    "Other Institute": "data_science",
    "Road Authority": "auditor",
}

ROLES: dict[str, tuple[Role, str]] = {
    "maker": (Role.MAKER, "Truck Maker"),
    "dealer": (Role.DEALER, "East Dealer"),
    "service_provider": (Role.SERVICE_PROVIDER, "Quay Workshop"),
    "owner": (Role.OWNER, "North Haulage"),
    "driver": (Role.DRIVER, "North Haulage"),
    "data_scientist": (Role.DATA_SCIENTIST, "Motor Institute"),
    "auditor": (Role.AUDITOR, "Road Authority"),
    "administrator": (Role.ADMINISTRATOR, "North Haulage"),
}
"""People who sign in, by the name of their role: what they are, and of whom."""

KEY_SCOPES = ("vehicles:read",)
CLIENT_SCOPES = ("drivers:read", "fleets:read")

CALLERS = (*ROLES, "key", "client", "nobody")
"""Who asks: every role; the owner's API key and OAuth client, each with less than the role has."""

GRANTED = {"North Haulage": "ownership", "East Dealer": "sale", "Quay Workshop": "service"}

UNKNOWN_VIN, UNKNOWN_NUMBER = "LSGCC22222B000099", "999999999999"
NUMBERS = ("driver_id", "fleet_id", "advice_id")
TRIP = MONDAY + 2 * HOUR
"""When the first trip of each vehicle began."""

NUMBERS_FROM = {
    "driver.driver_id": 771_000_000_001,
    "fleet.fleet_id": 772_000_000_001,
    "advice.advice_id": 773_000_000_001,
    "dataset.dataset_id": 774_000_000_001,
    "model.model_id": 778_000_000_001,
    "webhook.webhook_id": 775_000_000_001,
    "webhook_delivery.delivery_id": 776_000_000_001,
    "vehicle_access.access_id": 777_000_000_001,
}
"""Numbers so long that nothing else in an answer looks like them."""


TOLD = {
    "owner": ("dataset", "webhook"),
    "data_scientist": ("dataset",),
    "administrator": ("client_id", "prefix", "name"),
}
"""Which of the owner's things somebody may know of."""


@dataclass(kw_only=True)
class AccessWorld:
    """What there is, and a client of the API with each caller's headers."""

    database: Migrated
    client: httpx2.Client
    trucks: dict[str, Truck]
    """By what they are to the owner, dealer and workshop: own, foreign, expired, revoked."""
    colleague: Person
    fleets: dict[str, int]
    things: Things = field(default_factory=Things)
    headers: dict[str, dict[str, str]] = field(default_factory=dict)

    def names(self, what: str) -> dict[str, str]:
        """What addresses call a thing by; `what` is an object of tests/access_table.toml."""
        start = {"start": str(int(TRIP.timestamp()))}
        if what == "unknown":
            return {
                "vin": UNKNOWN_VIN,
                **dict.fromkeys(NUMBERS, UNKNOWN_NUMBER),
                **UNKNOWN,
                **start,
            }
        truck = self.trucks.get("foreign" if what == "mixed" else what, self.trucks["own"])
        driver = self.colleague if what == "colleague" else truck.driver
        advice_id = truck.driver_advice_id if what == "own_driver" else truck.advice_id
        return {
            "vin": truck.vin,
            "driver_id": str(driver.driver_id),
            "advice_id": str(advice_id),
            "fleet_id": str(self.fleets.get(what, self.fleets["own"])),
            **self.things.names.get(what, self.things.names["own"]),
            **start,
        }

    def hidden(self, caller: str) -> tuple[str, ...]:
        """What nothing that this caller is told may hold."""
        if caller == "maker":
            return ()
        everybody = [self.colleague, *(truck.driver for truck in self.trucks.values())]
        if caller == "auditor":  # who reads of whom has been read, by number, and no more
            found = [mark for truck in self.trucks.values() for mark in truck.marks[1:4]]
            return (*found, *(mark for one in everybody for mark in one.marks[1:]))
        others = [truck for what, truck in self.trucks.items() if what != "own"]
        found = [mark for truck in others for mark in truck.marks]
        found += [mark for truck in others for mark in truck.driver.marks]
        found.append(str(self.fleets["foreign"]))
        own = self.trucks["own"]
        if caller in {"dealer", "service_provider"}:
            found += [*own.driver.marks, *self.colleague.marks]
        if caller == "driver":
            found += self.colleague.marks
        if caller in {"data_scientist", "nobody"}:
            found += [*own.marks, *(mark for one in everybody for mark in one.marks)]
        if caller == "administrator":  # who has registers, and no more
            found += own.marks[2:]
        for what, marks in self.things.marks.items():
            found += [
                mark
                for name, mark in marks.items()
                if what == "foreign" or name not in TOLD.get(caller, ())
            ]
        return tuple(found)


@pytest.fixture(scope="session")
def access_world(
    database_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[AccessWorld]:
    """The world, served; who uses it changes nothing that another test could see."""
    folder = tmp_path_factory.mktemp("access")
    with (
        new_database(database_server) as dsn,
        migrated_to(dsn, catalogues.default()) as database,
        _served(database, folder) as world,
    ):
        yield world


@contextmanager
def _served(database: Migrated, folder: Path) -> Iterator[AccessWorld]:
    connection = database.connection
    for number, first in NUMBERS_FROM.items():
        table, _, column = number.partition(".")
        connection.execute(f"ALTER TABLE {table} ALTER {column} RESTART WITH {first}".encode())
    parties = {name: ensure_party(connection, name, kind) for name, kind in PARTIES.items()}
    north, south = parties["North Haulage"], parties["South Haulage"]
    colleague = new_person(connection, "CHN31000000000009", "Li Colleague", north)
    trucks = {}
    for n, (what, employer) in enumerate(
        {"own": north, "foreign": south, "expired": south, "revoked": south}.items(), start=1
    ):
        driver = new_person(connection, f"CHN3100000000000{n}", f"Wang {what.title()}", employer)
        hired = colleague if what == "own" else driver
        trucks[what] = new_truck(database, n, driver, hired)
    _grant(connection, parties, trucks)
    _score(database, trucks, colleague)
    fleets = {}
    for what, party, vin in (
        ("own", north, trucks["own"].vin),
        ("foreign", south, trucks["foreign"].vin),
    ):
        fleets[what] = ensure_fleet(connection, party_id=party, name=f"Trucks {what}")
        member = (MONDAY - 30 * DAY, None)
        add_to_fleet(connection, fleet_id=fleets[what], vin=vin, member=member)
    fleets["ended"] = ensure_fleet(connection, party_id=north, name="Trucks once")
    prepare(connection, parties, trucks["own"].vin)
    settings: dict[str, Any] = {
        "api_sign_in": "required",
        "api_token_keys_file": folder / "keys.json",
        "api_rfms_requests_per_minute": 1_000_000,
        "api_stream_poll_s": 0.05,
        "api_token_lifetime_s": 3600,
        "api_sign_in_attempts": 1000,
        "webhook_keys": Fernet.generate_key().decode(),
    }
    with serving(database.dsn, **settings) as client:
        world = AccessWorld(
            database=database, client=client, trucks=trucks, colleague=colleague, fleets=fleets
        )
        world.headers |= _signed_in(world, parties)
        _make_things(world, parties)
        # Grants that are taken back were felt before: what is remembered of them must not count.
        for caller in ("owner", "dealer", "service_provider"):
            address = f"/v1/vehicles/{trucks['revoked'].vin}/state"
            assert client.get(address, headers=world.headers[caller]).status_code == 200
        connection.execute(
            "UPDATE vehicle_access SET valid = tstzrange(lower(valid), now())"
            " WHERE vehicle_id = %s AND party_id <> %s",
            (trucks["revoked"].vehicle_id, south),
        )
        yield world


def _make_things(world: AccessWorld, parties: dict[str, int]) -> None:
    """All that a party keeps, of the owner's and of somebody else's."""
    connection = world.database.connection
    vins = {what: truck.vin for what, truck in world.trucks.items()}
    south = [vin for what, vin in vins.items() if what != "own"]
    members = {
        "North": [vins["own"], SPARE_VIN],
        "South": south,
        "maker": [*vins.values()],
    }
    world.things = new_things(connection, world.client, parties, world.headers, members)
    world.headers |= world.things.headers
    for what, grant_id in grants_by_object(connection, vins).items():
        names = world.things.names.setdefault(what, dict(world.things.names["own"]))
        names["grant_id"] = grant_id
    for names in world.things.names.values():
        names.setdefault("grant_id", world.things.names["own"]["grant_id"])


def _grant(connection: Connection, parties: dict[str, int], trucks: dict[str, Truck]) -> None:
    now = datetime.now(tz=UTC)
    ended = (now - 30 * DAY, now - timedelta(seconds=1))
    for what, truck in trucks.items():
        if what != "own":
            south = parties["South Haulage"]
            grant_access(connection, party_id=south, vin=truck.vin, purpose="ownership")
        if what == "foreign":
            continue
        for party, purpose in GRANTED.items():
            grant_access(
                connection,
                party_id=parties[party],
                vin=truck.vin,
                purpose=purpose,
                valid=ended if what == "expired" else (None, None),
            )


def _score(database: Migrated, trucks: dict[str, Truck], colleague: Person) -> None:
    """Scores of two weeks of every vehicle and driver."""
    drivers = {truck.driver.driver_id: 60.0 + n for n, truck in enumerate(trucks.values())}
    vehicles = {truck.vehicle_id: 70.0 - n for n, truck in enumerate(trucks.values())}
    score(database, vehicles, drivers | {colleague.driver_id: 50.0})


def _signed_in(world: AccessWorld, parties: dict[str, int]) -> dict[str, dict[str, str]]:
    """The headers of every caller."""
    connection, client = world.database.connection, world.client
    found: dict[str, dict[str, str]] = {"nobody": {}}
    password_hash = credentials.hash_password(PASSWORD)
    for caller, (role, party) in ROLES.items():
        driver = world.trucks["own"].driver.driver_id if role is Role.DRIVER else None
        identity.create_account(
            connection,
            party_id=parties[party],
            role=role,
            name=f"the.{caller}",
            password_hash=password_hash,
            driver_id=driver,
        )
        found[caller] = bearer(str(signed_in(client, f"the.{caller}")["access_token"]))
    north = {"party_id": parties["North Haulage"], "role": "owner", "name": "depot"}
    key = credentials.new_api_key()
    identity.create_api_key(
        connection,
        key_hash=credentials.hash_of(key.key),
        prefix=key.prefix,
        scopes=KEY_SCOPES,
        lifetime=timedelta(days=1),
        **north,  # type: ignore[arg-type]  # a party's number and two texts
    )
    found["key"] = {"X-API-Key": key.key}
    client_id, secret = credentials.new_client_id(), credentials.new_client_secret()
    identity.create_client(
        connection,
        client_id=client_id,
        secret_hash=credentials.hash_of(secret),
        scopes=CLIENT_SCOPES,
        **north,  # type: ignore[arg-type]  # likewise
    )
    form = {"grant_type": "client_credentials"}
    token = client.post("/oauth/token", data=form, auth=(client_id, secret)).json()
    found["client"] = bearer(token["access_token"])
    return found
