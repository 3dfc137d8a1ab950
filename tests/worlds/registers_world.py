"""A platform with every kind of party, a key for each, and vehicles some of them own or may see."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx2

from api.scopes import ROLE_SCOPES, Role
from api.signing_in import credentials
from storage import identity
from storage.registers import ensure_party, grant_access, register_vehicle
from tests.asking.api_fixture import serving
from tests.asking.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers.database_fixture import Migrated

KINDS = {
    "Maker": "maker",
    "North": "owner",
    "South": "owner",
    "Dealer": "dealer",
    "Workshop": "service_provider",
    "Garage": "service_provider",
    "Lab": "data_science",
}
PASSWORD = "correct horse battery staple"
PATH = "/v1/registers"


def vin(number: int) -> str:
    """A VIN of a series."""
    return f"LSGAA11112A{number:06}"


@dataclass(kw_only=True)
class Registers:
    """What was made, and who asks."""

    database: Migrated
    url: str
    parties: dict[str, int]
    keys: dict[str, str]
    settings: dict[str, object]
    """By which the API is served."""
    clients: dict[str, httpx2.Client] = field(default_factory=dict)
    next_vin: int = 1

    def as_(self, party: str) -> httpx2.Client:
        """The client that asks with the party's key."""
        return self._client(party, {"X-API-Key": self.keys[party]})

    def _client(self, name: str, headers: dict[str, str]) -> httpx2.Client:
        if name not in self.clients:
            self.clients[name] = httpx2.Client(
                base_url=self.url, headers=headers, timeout=PATIENCE_S
            )
        return self.clients[name]

    def vehicle(self, owner: str | None = None) -> str:
        """A vehicle nobody else's test knows, owned by a party."""
        made = vin(self.next_vin)
        self.next_vin += 1
        register_vehicle(self.database.connection, made)
        if owner is not None:
            grant_access(
                self.database.connection,
                party_id=self.parties[owner],
                vin=made,
                purpose="ownership",
            )
        return made

    def account(self, party: str, name: str, role: str = "administrator") -> None:
        """Somebody who may sign in."""
        identity.create_account(
            self.database.connection,
            party_id=self.parties[party],
            role=role,
            name=name,
            password_hash=credentials.hash_password(PASSWORD),
        )

    def signed_in(self, name: str) -> httpx2.Client:
        """A client that asks as a person."""
        form = {"grant_type": "password", "client_id": "telemetry", "username": name}
        answer = self.nobody.post("/oauth/token", data={**form, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        return self._client(name, {"Authorization": f"Bearer {answer.json()['access_token']}"})

    @property
    def nobody(self) -> httpx2.Client:
        """The client that carries nothing."""
        return self._client("nobody", {})

    def scalar(self, statement: str, *parameters: object) -> Any:
        """The one value that a statement answers."""
        row = self.database.connection.execute(statement.encode(), parameters).fetchone()
        assert row is not None
        return row[0]


@contextmanager
def registers_world(database: Migrated, folder: Path, **settings: object) -> Iterator[Registers]:
    """Make it, and serve it."""
    parties = {name: ensure_party(database.connection, name, kind) for name, kind in KINDS.items()}
    keys = {}
    for name, kind in KINDS.items():
        role = Role.DATA_SCIENTIST if kind == "data_science" else Role(kind)
        made = credentials.new_api_key()
        identity.create_api_key(
            database.connection,
            key_hash=credentials.hash_of(made.key),
            prefix=made.prefix,
            party_id=parties[name],
            role=role,
            name="test",
            scopes=sorted(ROLE_SCOPES[role]),
            lifetime=timedelta(days=1),
        )
        keys[name] = made.key
    given: dict[str, object] = {
        "api_sign_in": "required",
        "api_token_keys_file": folder / "keys.json",
        **settings,
    }
    with serving(database.dsn, **given) as client:
        made_world = Registers(
            database=database,
            url=str(client.base_url),
            parties=parties,
            keys=keys,
            settings=given,
        )
        try:
            yield made_world
        finally:
            for one in made_world.clients.values():
                one.close()
