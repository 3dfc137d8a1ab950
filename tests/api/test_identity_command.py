"""`telemetry identity`: the first administrator, people, machines and keys, without a default."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx2
import pytest

from storage.registers import ensure_party, grant_access, register_vehicle
from tests.asking.command_line import ROOT
from tests.asking.patience import PATIENCE_S
from tests.worlds.identity_world import bearer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.asking.command_line import CommandLine
    from tests.servers.database_fixture import Migrated

VIN = "LSGAA11112A000001"
STATE = f"/v1/vehicles/{VIN}/state"
PASSWORD = "correct horse battery staple"


@pytest.fixture(scope="module")
def identity(command_line: CommandLine, migrated: Migrated) -> CommandLine:
    ensure_party(migrated.connection, "Maker", "maker")
    owner = ensure_party(migrated.connection, "North", "owner")
    register_vehicle(migrated.connection, VIN)
    grant_access(migrated.connection, party_id=owner, vin=VIN, purpose="ownership")
    return command_line


def run(
    identity: CommandLine, *arguments: str, says: str = "", fails: bool = False
) -> tuple[str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "cli", "identity", *arguments],
        cwd=ROOT,
        env=identity.environment,
        input=says,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert (done.returncode != 0) == fails, done.stdout + done.stderr
    return done.stdout, done.stderr


@contextmanager
def serving(identity: CommandLine) -> Iterator[str]:
    environment = {**identity.environment, "TELEMETRY_API_SIGN_IN": "required"}
    with subprocess.Popen(
        [sys.executable, "-m", "cli", "serve", "--host", "0.0.0.0", "--port", "0"],  # noqa: S104 - is to be allowed
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        port = re.search(r":(\d+) ", process.stdout.readline())
        assert port is not None
        yield f"http://127.0.0.1:{port.group(1)}"
        process.terminate()


def test_the_first_administrator_is_made_by_command_once(
    identity: CommandLine, migrated: Migrated
) -> None:
    asked = ("first-administrator", "--party", "Maker", "--name", "li.wei")
    none = migrated.connection.execute("SELECT count(*) FROM account").fetchone()
    assert none == (0,)  # nothing is there by default
    _, error = run(identity, *asked, says="short\n", fails=True)
    assert "12 to 256 characters" in error
    _, error = run(identity, *asked, fails=True)
    assert "No password was given" in error
    out, error = run(identity, *asked, says=f"{PASSWORD}\n")
    assert "li.wei may sign in as administrator of Maker" in error
    assert PASSWORD not in out + error
    _, error = run(identity, *asked, says=f"{PASSWORD}\n", fails=True)
    assert "There is an administrator already" in error


def test_what_is_made_by_command_signs_in_over_http(identity: CommandLine) -> None:
    for name in ("wu", "zhao"):
        run(identity, "users", "create", "--party", "North", "--name", name, says=f"{PASSWORD}\n")
    key, _ = run(identity, "keys", "create", "--party", "North", "--name", "depot")
    made, _ = run(
        identity, "clients", "create", "--party", "North", "--name", "planner", "--scopes",
        "vehicles:read",
    )  # fmt: skip
    client_id, secret = made.split()
    listed = run(identity, "keys", "list")[0] + run(identity, "clients", "list")[0]
    assert key.strip()[:12] in listed
    assert client_id in listed
    assert key.strip() not in listed
    assert secret not in listed
    with (
        serving(identity) as address,
        httpx2.Client(base_url=address, timeout=PATIENCE_S) as client,
    ):
        assert client.get(STATE).status_code == 401
        assert client.get(STATE, headers={"X-API-Key": key.strip()}).status_code == 200
        form = {"grant_type": "client_credentials"}
        token = client.post("/oauth/token", data=form, auth=(client_id, secret)).json()
        assert token["scope"] == "vehicles:read"
        assert client.get(STATE, headers=bearer(token["access_token"])).status_code == 200
        person = {"grant_type": "password", "client_id": "telemetry", "username": "wu"}
        answer = client.post("/oauth/token", data={**person, "password": PASSWORD})
        assert answer.status_code == 200
        # Rotated while serving: the signing key, the machine's secret, its key.
        _, said = run(identity, "signing-keys", "rotate")
        number = client.get("/oauth/jwks").json()["keys"][0]["kid"]
        assert number in said
        assert client.get(STATE, headers=bearer(token["access_token"])).status_code == 200
        again, _ = run(identity, "clients", "rotate", client_id, "--overlap", "0")
        for one, status in ((secret, 401), (again.split()[1], 200)):
            answer = client.post("/oauth/token", data=form, auth=(client_id, one))
            assert answer.status_code == status
        new, _ = run(identity, "keys", "rotate", key[:12])
        assert client.get(STATE, headers={"X-API-Key": new.strip()}).status_code == 200
        run(identity, "users", "password", "zhao", says="a new long password\n")
        run(identity, "users", "revoke", "wu")
        run(identity, "keys", "revoke", new[:12])
        run(identity, "clients", "revoke", client_id)
        answer = client.post("/oauth/token", data={**person, "password": PASSWORD})
        assert answer.status_code == 400
    table, _ = run(identity, "users", "list")
    assert re.search(r"wu +North +owner", table)
    assert PASSWORD not in table
    home = identity.environment["TELEMETRY_HOME"]
    file = os.path.join(home, "identity", "signing-keys.json")  # noqa: PTH118 - as the manual writes it
    assert os.stat(file).st_mode & 0o077 == 0  # noqa: PTH116


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("users", "create", "--party", "Nobody", "--name", "x"), "no party 'Nobody'"),
        (("users", "create", "--party", "North", "--name", "with space"), "refused account"),
        (
            ("users", "create", "--party", "North", "--name", "m", "--role", "maker"),
            "nobody in the role maker",
        ),
        (("users", "create", "--party", "North", "--name", "d", "--role", "driver"), "--driver-id"),
        (("users", "create", "--party", "North", "--name", "zhao"), "choose another name"),
        (("users", "revoke", "absent"), "users list"),
        (("users", "password", "absent"), "users list"),
        (("clients", "revoke", "absent"), "clients list"),
        (("clients", "rotate", "absent"), "clients list"),
        (("keys", "revoke", "absent"), "keys list"),
        (("keys", "rotate", "absent"), "keys list"),
        (
            ("keys", "create", "--party", "North", "--name", "k", "--scopes", "audit:read"),
            "is not a owner's",
        ),
        (("keys", "create", "--party", "North", "--name", "k", "--scopes", "all"), "is no scope"),
    ],
)
def test_what_cannot_be_is_refused_with_a_way_out(
    identity: CommandLine, arguments: tuple[str, ...], said: str
) -> None:
    _, error = run(identity, *arguments, says=f"{PASSWORD}\n", fails=True)
    assert said in error
    assert PASSWORD not in error
    assert "argon2id" not in error


def test_old_reads_are_forgotten_when_told(identity: CommandLine, migrated: Migrated) -> None:
    entry = {
        "at": "2020-01-01T00:00:00Z", "party_id": 1, "subject": "key:x", "role": "owner",
        "method": "GET", "route": "/", "vins": [], "driver_ids": [], "status": 200, "reads": 1,
    }  # fmt: skip
    migrated.connection.execute(
        "SELECT * FROM served.log_accesses(%s, 0, NULL)", (json.dumps([entry]),)
    )
    for _ in range(2):
        _, said = run(identity, "forget", "--before", "2021-01-01")
        assert "1 entries of the log of reads and 0 sign-ins would go" in said
    _, said = run(identity, "forget", "--before", "2021-01-01", "--yes")
    assert "1 entries of the log of reads" in said
