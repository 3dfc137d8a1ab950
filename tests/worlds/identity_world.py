"""A platform where one signs in: parties, people, machines, a vehicle that one of them owns."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from api.signing_in import credentials
from storage import identity
from storage.registers import employ_driver, ensure_party, grant_access, register_vehicle
from tests.asking.api_fixture import drive, record, serving
from tests.asking.patience import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx2

    from tests.servers.database_fixture import Migrated

VIN, FOREIGN = "LSGAA11112A000001", "LSGAA11112A000002"
PASSWORD = "correct horse battery staple"
STATE = f"/v1/vehicles/{VIN}/state"
SPAN = {"start": "2026-01-01T00:00:00Z", "end": "2090-01-01T00:00:00Z"}
OWNER_SCOPES = ("vehicles:read", "drivers:read", "fleets:read", "advice:read")


@dataclass(kw_only=True)
class World:
    """What was made."""

    database: Migrated
    keys_file: Path
    maker: int
    owner: int
    auditor: int
    driver: int

    @contextmanager
    def serving(self, **settings: object) -> Iterator[httpx2.Client]:
        """The API, where one signs in."""
        given = {"api_token_keys_file": self.keys_file, "api_sign_in": "required", **settings}
        with serving(self.database.dsn, **given) as client:
            yield client

    def account(
        self, name: str, role: str = "owner", *, party: int | None = None, driver: int | None = None
    ) -> None:
        """Somebody who may sign in with PASSWORD."""
        identity.create_account(
            self.database.connection,
            party_id=self.owner if party is None else party,
            role=role,
            name=name,
            password_hash=credentials.hash_password(PASSWORD),
            driver_id=driver,
        )

    def key(
        self,
        *scopes: str,
        party: int | None = None,
        role: str = "owner",
        lifetime: timedelta = timedelta(days=1),
    ) -> credentials.ApiKey:
        """A key of a machine."""
        made = credentials.new_api_key()
        identity.create_api_key(
            self.database.connection,
            key_hash=credentials.hash_of(made.key),
            prefix=made.prefix,
            party_id=self.owner if party is None else party,
            role=role,
            name="depot",
            scopes=scopes or OWNER_SCOPES,
            lifetime=lifetime,
        )
        return made

    def client(self, *scopes: str) -> tuple[str, str]:
        """A machine that gets tokens, with its secret."""
        client_id, secret = credentials.new_client_id(), credentials.new_client_secret()
        identity.create_client(
            self.database.connection,
            client_id=client_id,
            secret_hash=credentials.hash_of(secret),
            party_id=self.owner,
            role="owner",
            name="planner",
            scopes=scopes or OWNER_SCOPES,
        )
        return client_id, secret


def world(database: Migrated, folder: Path) -> World:
    """Make it."""
    connection = database.connection
    record(database, VIN, drive("2026-10-20T00:00:00", 600))
    register_vehicle(connection, FOREIGN)
    parties = {
        kind: ensure_party(connection, name, kind)
        for kind, name in (("maker", "Maker"), ("owner", "North"), ("auditor", "Authority"))
    }
    grant_access(connection, party_id=parties["owner"], vin=VIN, purpose="ownership")
    driver = employ_driver(connection, card_id="CHN1", party_id=parties["owner"], name="Wang Wei")
    employ_driver(connection, card_id="CHN2", party_id=parties["owner"])
    return World(
        database=database, keys_file=folder / "identity" / "keys.json", driver=driver, **parties
    )


def bearer(token: str) -> dict[str, str]:
    """The header that carries a token."""
    return {"Authorization": f"Bearer {token}"}


def signed_in(client: httpx2.Client, name: str, **more: str) -> dict[str, Any]:
    """The answer to a person who signs in."""
    form = {"grant_type": "password", "client_id": "telemetry", "username": name}
    answer = client.post("/oauth/token", data={**form, "password": PASSWORD, **more})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def refreshed(client: httpx2.Client, token: str, **more: str) -> httpx2.Response:
    """The answer to a refresh token."""
    form = {"grant_type": "refresh_token", "client_id": "telemetry", "refresh_token": token}
    return client.post("/oauth/token", data={**form, **more})


def logged(world: World, expected: int, where: str = "true") -> list[tuple[Any, ...]]:
    """Entries of the log of reads, as soon as there are so many."""

    def rows() -> list[tuple[Any, ...]]:
        return world.database.connection.execute(
            "SELECT subject, role, route, vins, driver_ids, fleet_id, purpose, host(address),"
            f" status, reads FROM access_log WHERE {where} ORDER BY entry_id"
        ).fetchall()

    wait_until(lambda: sum(row[-1] for row in rows()) >= expected, f"{expected} reads in the log")
    return rows()
