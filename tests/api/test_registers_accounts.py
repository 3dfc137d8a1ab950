"""A party's administrator keeps its accounts, clients and keys; secrets are told once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from api.scopes import ROLE_SCOPES, Role
from storage.registers import employ_driver
from tests.worlds.registers_world import PASSWORD, PATH, Registers, registers_world

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

    from tests.servers.database_fixture import Migrated

ACCOUNTS, CLIENTS, KEYS = (f"{PATH}/{name}" for name in ("accounts", "clients", "keys"))
OTHER_PASSWORD = "another battery, correct staple"


@pytest.fixture(scope="module")
def world(migrated: Migrated, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registers]:
    with registers_world(migrated, tmp_path_factory.mktemp("home")) as made:
        made.account("North", "north.admin")
        made.account("South", "south.admin")
        yield made


@pytest.fixture(scope="module")
def north(world: Registers) -> httpx2.Client:
    return world.signed_in("north.admin")


@pytest.fixture(scope="module")
def south(world: Registers) -> httpx2.Client:
    return world.signed_in("south.admin")


def token(world: Registers, **form: str) -> httpx2.Response:
    return world.nobody.post("/oauth/token", data=form)


def signs_in(world: Registers, name: str, password: str) -> bool:
    return (
        token(
            world, grant_type="password", client_id="telemetry", username=name, password=password
        ).status_code
        == 200
    )


@pytest.mark.parametrize("path", [ACCOUNTS, CLIENTS, KEYS])
@pytest.mark.parametrize("party", ["Maker", "North", "Dealer"])
def test_only_an_administrator_keeps_who_may_sign_in(
    world: Registers, path: str, party: str
) -> None:
    client = world.as_(party)
    for answer in (client.get(path), client.post(path, json={"name": "x"})):
        assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")


def test_an_administrator_lets_a_person_in_and_out(
    world: Registers, north: httpx2.Client, south: httpx2.Client
) -> None:
    made = north.post(ACCOUNTS, json={"name": "wu", "role": "owner", "password": PASSWORD})
    assert made.status_code == 201, made.text
    assert PASSWORD not in made.text
    assert "password" not in made.text
    person = world.signed_in("wu")
    assert person.get("/v1/vehicles").status_code == 200
    changed = north.put(f"{ACCOUNTS}/wu/password", json={"password": OTHER_PASSWORD})
    assert changed.status_code == 200, changed.text
    assert not signs_in(world, "wu", PASSWORD)
    assert signs_in(world, "wu", OTHER_PASSWORD)
    for method, path, body in (
        ("DELETE", "", None),
        ("PUT", "/password", {"password": PASSWORD}),
    ):
        foreign = south.request(method, f"{ACCOUNTS}/wu{path}", json=body)
        unknown = south.request(method, f"{ACCOUNTS}/nobody{path}", json=body)
        assert (foreign.status_code, foreign.content) == (404, unknown.content)
    gone = north.delete(f"{ACCOUNTS}/wu")
    assert gone.json()["disabled_at"] is not None
    assert north.delete(f"{ACCOUNTS}/wu").json() == gone.json()
    assert not signs_in(world, "wu", OTHER_PASSWORD)
    names = [one["name"] for one in north.get(ACCOUNTS).json()["accounts"]]
    assert names == ["north.admin", "wu"]


@pytest.mark.parametrize(
    ("entry", "field"),
    [
        ({"role": "maker"}, "role"),
        ({"role": "auditor"}, "role"),
        ({"role": "dealer"}, "role"),
        ({"role": "king"}, "role"),
        ({"role": "driver"}, "driver_id"),
        ({"driver_id": 1}, "driver_id"),
        ({"password": "short"}, "password"),
        ({"name": "Wu Li"}, "name"),
        ({"party": "Maker"}, "party"),
    ],
)
def test_nobody_is_made_more_than_the_party_is(
    north: httpx2.Client, entry: dict[str, object], field: str
) -> None:
    whole = {"name": "more", "role": "owner", "password": PASSWORD, **entry}
    answer = north.post(ACCOUNTS, json=whole)
    assert answer.status_code == 422, answer.text
    assert answer.json()["faults"][0]["field"] == field
    assert PASSWORD not in answer.text


def test_a_driver_gets_an_account_from_the_employer_alone(
    world: Registers, north: httpx2.Client
) -> None:
    connection = world.database.connection
    own = employ_driver(connection, card_id="CHN-7", party_id=world.parties["North"])
    foreign = employ_driver(connection, card_id="CHN-8", party_id=world.parties["South"])
    entry = {"name": "driver.7", "role": "driver", "password": PASSWORD}
    for driver in (foreign, 999_999):
        refused = north.post(ACCOUNTS, json={**entry, "driver_id": driver})
        assert (refused.status_code, refused.json()["faults"][0]["field"]) == (422, "driver_id")
    made = north.post(ACCOUNTS, json={**entry, "driver_id": own})
    assert (made.status_code, made.json()["driver_id"]) == (201, own)


def test_a_name_is_there_once(north: httpx2.Client, south: httpx2.Client) -> None:
    entry = {"name": "once", "role": "owner", "password": PASSWORD}
    assert north.post(ACCOUNTS, json=entry).status_code == 201
    for client in (north, south):
        again = client.post(ACCOUNTS, json=entry)
        assert (again.status_code, again.json()["code"]) == (409, "already_there")


def test_the_last_administrator_stays(world: Registers, south: httpx2.Client) -> None:
    refused = south.delete(f"{ACCOUNTS}/south.admin")
    assert (refused.status_code, refused.json()["code"]) == (409, "last_administrator")
    entry = {"name": "south.second", "role": "administrator", "password": PASSWORD}
    assert south.post(ACCOUNTS, json=entry).status_code == 201
    assert south.delete(f"{ACCOUNTS}/south.second").status_code == 200
    assert south.delete(f"{ACCOUNTS}/south.admin").status_code == 409
    assert signs_in(world, "south.admin", PASSWORD)


def test_a_client_gets_tokens_by_a_secret_that_is_told_once(
    world: Registers, north: httpx2.Client, south: httpx2.Client
) -> None:
    made = north.post(CLIENTS, json={"name": "planner", "scopes": ["vehicles:read"]})
    assert made.status_code == 201, made.text
    client_id, secret = made.json()["client_id"], made.json()["client_secret"]

    def works(secret: str) -> bool:
        answer = token(
            world, grant_type="client_credentials", client_id=client_id, client_secret=secret
        )
        return answer.status_code == 200

    assert works(secret)
    listed = north.get(CLIENTS)
    assert secret not in listed.text
    assert [one["client_id"] for one in listed.json()["clients"]] == [client_id]
    assert south.get(CLIENTS).json()["clients"] == []
    for method, path in (("POST", "/rotate"), ("DELETE", "")):
        foreign = south.request(method, f"{CLIENTS}/{client_id}{path}", json={})
        unknown = south.request(method, f"{CLIENTS}/vtc_none{path}", json={})
        assert (foreign.status_code, foreign.content) == (404, unknown.content)
    both = north.post(f"{CLIENTS}/{client_id}/rotate", json={})
    assert both.json()["secrets"] == 2
    assert works(secret)
    newest = north.post(f"{CLIENTS}/{client_id}/rotate", json={"overlap_hours": 0}).json()
    assert newest["secrets"] == 1
    assert not works(secret)
    assert works(newest["client_secret"])
    assert north.delete(f"{CLIENTS}/{client_id}").json()["disabled_at"] is not None
    assert not works(newest["client_secret"])
    assert north.post(f"{CLIENTS}/{client_id}/rotate", json={}).status_code == 404


def test_a_key_is_told_once_rotated_and_revoked(
    world: Registers, north: httpx2.Client, south: httpx2.Client
) -> None:
    made = north.post(KEYS, json={"name": "depot", "scopes": ["vehicles:read"], "days": 7})
    assert made.status_code == 201, made.text
    prefix, key = made.json()["prefix"], made.json()["key"]
    assert key.startswith(prefix)

    def status(key: str, path: str = "/v1/vehicles") -> int:
        return world.nobody.get(path, headers={"X-API-Key": key}).status_code

    assert (status(key), status(key, "/v1/fleets")) == (200, 403)
    listed = north.get(KEYS)
    assert key not in listed.text
    assert prefix in [one["prefix"] for one in listed.json()["keys"]]
    for method, path in (("POST", "/rotate"), ("DELETE", "")):
        foreign = south.request(method, f"{KEYS}/{prefix}{path}", json={})
        unknown = south.request(method, f"{KEYS}/vtk_none{path}", json={})
        assert (foreign.status_code, foreign.content) == (404, unknown.content)
    rotated = north.post(f"{KEYS}/{prefix}/rotate", json={"overlap_hours": 1}).json()
    assert (rotated["scopes"], status(rotated["key"])) == (["vehicles:read"], 200)
    fresh = north.post(f"{KEYS}/{rotated['prefix']}/rotate", json={}).json()
    assert north.delete(f"{KEYS}/{fresh['prefix']}").json()["revoked_at"] is not None
    assert status(fresh["key"]) == 401
    assert north.post(f"{KEYS}/{fresh['prefix']}/rotate", json={}).status_code == 404
    # Of none of these there is more than a hash.
    stored = world.scalar("SELECT string_agg(api_key::text, ' ') FROM api_key")
    assert prefix in stored
    for one in (key, rotated["key"], fresh["key"]):
        assert one not in stored


@pytest.mark.parametrize("path", [CLIENTS, KEYS])
def test_a_machine_may_no_more_than_its_party(north: httpx2.Client, path: str) -> None:
    whole = north.post(path, json={"name": "all"}).json()
    assert whole["scopes"] == sorted(ROLE_SCOPES[Role.OWNER])
    for scope in ("audit:read", "identity:manage"):
        answer = north.post(path, json={"name": "more", "scopes": ["vehicles:read", scope]})
        assert (answer.status_code, answer.json()["faults"][0]["field"]) == (422, "scopes")
    assert north.post(path, json={"name": "more", "scopes": ["made:up"]}).status_code == 422


@pytest.mark.parametrize(("path", "name"), [(CLIENTS, "clients"), (KEYS, "keys")])
def test_machines_are_listed_in_pages(north: httpx2.Client, path: str, name: str) -> None:
    for _ in range(3):
        north.post(path, json={"name": "paged"})
    whole = north.get(path).json()[name]
    found, address = [], f"{path}?limit=2"
    while address:
        page = north.get(address).json()
        found += page[name]
        address = page["next"]
    assert found == whole
