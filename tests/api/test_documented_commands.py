"""The commands of the documents are run as they are written, on a database with nothing in it."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from cli.app import app
from schemas.errors import TelemetryError
from storage.connection import connect
from storage.datasets import every
from storage.identity import accounts
from tests.asking.command_line import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import SecretStr

PASSWORD = "correct horse battery staple"

VINS = [f"LSGAA11112A00000{number}" for number in range(1, 7)]

KINDS = {
    "Truck Maker": "maker",
    "North": "owner",
    "Dealer One": "dealer",
    "Workshop East": "service_provider",
    "Institute": "data_science",
    "Authority": "auditor",
}

_BLOCK = re.compile(r"^```\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(autouse=True)
def _empty(fresh_database: SecretStr, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEMETRY_DATABASE_DSN", fresh_database.get_secret_value())
    monkeypatch.setenv("TELEMETRY_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    run("migrate")


def run(*arguments: str) -> str:
    """What a command says; a password is at hand where it asks for one."""
    done = CliRunner().invoke(app, arguments, input=f"{PASSWORD}\n", catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def written(document: str) -> list[list[str]]:
    """The commands of a document's blocks, but for those that serve until they are ended."""
    blocks = _BLOCK.findall((ROOT / "docs" / document).read_text(encoding="utf-8"))
    lines = "".join(blocks).replace("\\\n", "").splitlines()
    commands = [shlex.split(line, comments=True) for line in lines if line.startswith("telemetry ")]
    return [command[1:] for command in commands]


def signing_in(dsn: SecretStr) -> dict[str, tuple[str, str]]:
    """Party and role of who may sign in, by name."""
    with connect(dsn) as connection:
        return {one.name: (one.party, one.role) for one in accounts(connection)}


def test_who_signs_in_is_set_up_as_the_document_on_security_says(
    fresh_database: SecretStr,
) -> None:
    for command in written("security.md"):
        run(*command)
    assert signing_in(fresh_database) == {
        "li.wei": ("Truck Maker", "administrator"),
        "wu": ("North", "owner"),
    }


def test_a_research_party_gets_its_dataset_as_the_document_on_datasets_says(
    fresh_database: SecretStr, tmp_path: Path
) -> None:
    (tmp_path / "vins.txt").write_text("\n".join(VINS))
    run("register", "--file", "vins.txt")
    for command in written("datasets.md"):
        run(*command)
    assert signing_in(fresh_database) == {"chen": ("Institute of Vehicles", "data_scientist")}
    with connect(fresh_database) as connection:
        (made,) = every(connection)
    assert (made.for_party, made.vehicles) == ("Institute of Vehicles", len(VINS))


def test_parties_of_every_kind_are_made_by_command_and_people_are_what_their_party_is(
    fresh_database: SecretStr,
) -> None:
    with pytest.raises(TelemetryError, match="telemetry identity parties create"):
        run("identity", "users", "create", "--party", "Authority", "--name", "sun")
    for number, (name, kind) in enumerate(KINDS.items()):
        run("identity", "parties", "create", f" {name} ", "--kind", kind)
        run("identity", "users", "create", "--party", name, "--name", f"user{number}")
    roles = ["maker", "owner", "dealer", "service_provider", "data_scientist", "auditor"]
    assert dict(signing_in(fresh_database).values()) == dict(zip(KINDS, roles, strict=True))
    listed = run("identity", "parties", "list")
    for name, kind in KINDS.items():
        assert re.search(rf"^{name} +{kind} +1 ", listed, re.MULTILINE)


def test_a_party_has_a_name_in_a_line_that_no_other_has() -> None:
    for name, said in {
        "": "no name",
        "A\nB": "no name",
        "A" * 101: "no name",
        "Demo": "already",
    }.items():
        with pytest.raises(TelemetryError, match=said):
            run("identity", "parties", "create", name, "--kind", "owner")
