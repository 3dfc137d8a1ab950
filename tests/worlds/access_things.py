"""What parties keep: datasets, webhooks, grants, and who may sign in; made over the API."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from api.scopes import Role
from api.signing_in import credentials
from storage import identity
from storage.registers import ensure_fleet, grant_access, register_vehicle
from storage.service import ServicePoint, put_points
from tests.samples.behaviour_samples import DAY
from tests.samples.model_rows import a_model
from tests.worlds.identity_world import PASSWORD, bearer, signed_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx2

    from storage.connection import Connection

SPARE_VIN = "LSGCC22222B000077"
"""A vehicle of the owner's of which nothing is known: what is done to it shows nowhere."""

UNKNOWN = {
    "model_id": "999999999999",
    "dataset_id": "999999999999",
    "webhook_id": "999999999999",
    "delivery_id": "999999999999",
    "grant_id": "999999999999",
    "name": "nobody.of.this.name",
    "client_id": "vtc_aaaaaaaaaaaaaaaa",
    "prefix": "vtk_aaaaaaaa",
}


@dataclass(kw_only=True)
class Things:
    """What there is, by object of the table: own, foreign, ended, makers."""

    names: dict[str, dict[str, str]] = field(default_factory=dict)
    """What addresses call it by."""
    marks: dict[str, dict[str, str]] = field(default_factory=dict)
    """What gives it away in an answer."""
    headers: dict[str, dict[str, str]] = field(default_factory=dict)
    """Of South's owner and administrator, to whom what is foreign is told."""


def new_things(
    connection: Connection,
    client: httpx2.Client,
    parties: Mapping[str, int],
    headers: Mapping[str, dict[str, str]],
    vins: Mapping[str, list[str]],
) -> Things:
    """Make them.

    Args:
        connection: where a fleet, grants and South's keys are made.
        client: of the API.
        parties: their numbers.
        headers: of who asks, by role.
        vins: the vehicles of North, South and the maker's dataset.
    """
    things = Things()
    for name, role in (("stranger", Role.OWNER), ("its_administrator", Role.ADMINISTRATOR)):
        south = parties["South Haulage"]
        things.headers[name] = _signed_in(connection, client, south, f"the.{name}", role)
    makers = _Asking(client, {"datasets": headers["maker"]})
    own = _Asking(
        client,
        {
            "datasets": headers["owner"],
            "webhooks": headers["owner"],
            "registers": headers["administrator"],
        },
    )
    foreign = _Asking(
        client,
        {
            "datasets": things.headers["stranger"],
            "webhooks": things.headers["stranger"],
            "registers": things.headers["its_administrator"],
        },
    )
    model = str(a_model(connection))
    for what, asking, party, suffix in (
        ("own", own, "North", ""),
        ("foreign", foreign, "South", ""),
        ("ended", own, "North", " once"),
    ):
        institute = "Other Institute" if what == "foreign" else "Motor Institute"
        called = f"Autumn of {party}{suffix}"
        url = f"https://{party.lower()}.example.com/{what}"
        dataset = asking.dataset(called, institute, vins[party])
        webhook, delivery = asking.webhook(called, url)
        made = {
            "signal": "wheel_speed",
            "dataset_id": dataset,
            "webhook_id": webhook,
            "model_id": model,
            "delivery_id": delivery,
            **asking.identities(f"kept.{party.lower()}{suffix.replace(' ', '.')}"),
        }
        things.names[what] = made
        things.marks[what] = {"dataset": called, "webhook": url} | {
            name: made[name] for name in ("client_id", "prefix", "name")
        }
    own.end(things.names["ended"])
    del things.marks["ended"]["webhook"]  # it is deleted, and then nobody is told of it
    dataset = makers.dataset("Autumn of North", "Motor Institute", vins["maker"])
    things.names["makers"] = things.names["own"] | {"dataset_id": dataset}
    mixed = {"delivery_id": things.names["foreign"]["delivery_id"]}
    things.names["mixed"] = things.names["own"] | mixed
    return things


def prepare(connection: Connection, parties: Mapping[str, int], vin: str) -> None:
    """The ground that things stand on: a spare vehicle, a grant that has ended, places.

    Args:
        connection: where it is made.
        parties: their numbers.
        vin: the owner's vehicle.
    """
    connection.execute("UPDATE dataset_rule SET min_vehicles = 2")
    register_vehicle(connection, SPARE_VIN)
    north = parties["North Haulage"]
    grant_access(connection, party_id=north, vin=SPARE_VIN, purpose="ownership")
    now = datetime.now(tz=UTC)
    connection.execute(
        "UPDATE vehicle_access SET valid = tstzrange(%s, NULL) FROM vehicle"
        " WHERE vehicle.vehicle_id = vehicle_access.vehicle_id AND vin = %s AND party_id = %s",
        (now - 365 * DAY, vin, north),
    )
    grant_access(
        connection,
        party_id=parties["Quay Workshop"],
        vin=vin,
        purpose="service",
        valid=(now - 90 * DAY, now - 60 * DAY),
    )
    # The maker has one of the same name as the owner's: neither can be made again.
    ensure_fleet(connection, party_id=parties["Truck Maker"], name="Trucks own")
    put_points(
        connection,
        [
            ServicePoint(
                code="QW-1",
                party="Quay Workshop",
                kind="service_provider",
                name="Quay Workshop, Pier 4",
                latitude=31.5,
                longitude=121.5,
                address=None,
                phone=None,
                opening_hours=None,
                services=("brakes",),
            )
        ],
    )


def grants_by_object(connection: Connection, vins: Mapping[str, str]) -> dict[str, str]:
    """Numbers of grants: the workshop's, the one it had once, somebody else's ownership.

    Args:
        connection: where they are.
        vins: own, foreign, expired.
    """
    wanted = {
        "own": ("own", "service", True),
        "ended": ("own", "service", False),
        "foreign": ("foreign", "ownership", True),
        "expired": ("expired", "service", False),
    }
    found = {}
    for what, (of, purpose, holds) in wanted.items():
        row = connection.execute(
            "SELECT access_id FROM vehicle_access JOIN vehicle USING (vehicle_id)"
            " WHERE vin = %s AND purpose = %s AND (valid @> now()) = %s",
            (vins[of], purpose, holds),
        ).fetchone()
        assert row is not None
        found[what] = str(row[0])
    return found


def _signed_in(
    connection: Connection, client: httpx2.Client, party: int, name: str, role: Role
) -> dict[str, str]:
    identity.create_account(
        connection,
        party_id=party,
        role=role,
        name=name,
        password_hash=credentials.hash_password(PASSWORD),
    )
    return bearer(str(signed_in(client, name)["access_token"]))


@dataclass(frozen=True)
class _Asking:
    """A party that makes things over the API."""

    client: httpx2.Client
    headers: Mapping[str, dict[str, str]]
    """By what is made."""

    def _send(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        headers = self.headers[path.split("/", maxsplit=1)[0]]
        sent = {"content-type": "application/json", **headers}
        content = None if body is None else json.dumps(body)
        answer = self.client.request(method, f"/v1/{path}", content=content, headers=sent)
        assert answer.is_success, f"{method} {path}: {answer.text}"
        return answer.json() if answer.content else {}

    def dataset(self, name: str, party: str, vins: list[str]) -> str:
        definition = {
            "name": name,
            "purpose": "a model of brake wear",
            "party": party,
            "valid_until": "2090-01-01T00:00:00Z",
            "data_from": "2026-10-01T00:00:00Z",
            "data_until": "2026-11-20T00:00:00Z",
            "vins": vins,
            "signals": ["wheel_speed", "latitude", "longitude", "odometer"],
            "resolution_s": 60,
            "trips": True,
            "events": True,
        }
        return str(self._send("POST", "datasets", definition)["dataset_id"])

    def webhook(self, name: str, url: str) -> tuple[str, str]:
        """One that is disabled, and a test that waits to be sent."""
        body = {"name": name, "url": url, "kinds": ["tank_event.*"]}
        number = str(self._send("POST", "webhooks", body)["webhook_id"])
        delivery = self._send("POST", f"webhooks/{number}/test")["delivery_id"]
        self._send("PATCH", f"webhooks/{number}", {"enabled": False})
        return number, str(delivery)

    def identities(self, name: str) -> dict[str, str]:
        account = {"name": name, "role": "owner", "password": PASSWORD}
        self._send("POST", "registers/accounts", account)
        client = self._send("POST", "registers/clients", {"name": name})
        key = self._send("POST", "registers/keys", {"name": name})
        return {"name": name, "client_id": client["client_id"], "prefix": key["prefix"]}

    def end(self, names: Mapping[str, str]) -> None:
        """End what can be ended twice."""
        self._send("DELETE", f"datasets/{names['dataset_id']}")
        self._send("DELETE", f"registers/accounts/{names['name']}")
        self._send("DELETE", f"registers/clients/{names['client_id']}")
        self._send("DELETE", f"registers/keys/{names['prefix']}")
