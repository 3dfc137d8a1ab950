"""`telemetry datasets`: a dataset is defined, shown and ended on the command line."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from cli.app import app
from schemas.errors import TelemetryError
from storage.datasets import every
from storage.registers import ensure_party, grant_access, register_vehicle

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.database_fixture import Migrated

VINS = [f"LSGAA11112A00000{number}" for number in range(1, 7)]
USUAL = {
    "--party": "North",
    "--for": "Institute",
    "--name": "Brakes",
    "--purpose": "a model of brake wear",
    "--until": "2090-05-01",
    "--data-from": "2026-09-01",
    "--data-until": "2026-11-01",
    "--signals": "wheel_speed, Vehicle.CurrentLocation.Latitude",
    "--resolution": "60",
}


@pytest.fixture(scope="module")
def file(migrated: Migrated, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """VINs of a party, a line each."""
    owner = ensure_party(migrated.connection, "North", "owner")
    ensure_party(migrated.connection, "Institute", "data_science")
    for vin in VINS:
        register_vehicle(migrated.connection, vin)
        grant_access(migrated.connection, party_id=owner, vin=vin, purpose="ownership")
    written = tmp_path_factory.mktemp("vins") / "vins.txt"
    written.write_text("\n".join(VINS))
    return written


def create(**others: str) -> list[str]:
    given = {**USUAL, **{f"--{name.replace('_', '-')}": value for name, value in others.items()}}
    return ["datasets", "create", *(part for option in given.items() for part in option)]


@pytest.fixture(autouse=True)
def _database(migrated: Migrated, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEMETRY_DATABASE_DSN", migrated.dsn.get_secret_value())
    monkeypatch.setenv("COLUMNS", "200")


def run(*arguments: str) -> str:
    """What a command says."""
    done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_a_dataset_is_defined_shown_and_ended(migrated: Migrated, file: Path) -> None:
    said = run(*create(vins=str(file)), "--trips")
    (kept,) = every(migrated.connection)
    assert f"Dataset {kept.dataset_id} Brakes for Institute" in said
    assert (kept.defined_by, kept.for_party, kept.vehicles) == ("North", "Institute", 6)
    assert kept.data_from == datetime(2026, 9, 1, tzinfo=UTC)
    assert (kept.holds, kept.is_withheld) == (True, False)
    assert "a model of brake wear" in run("datasets", "list")
    assert "has ended" in run("datasets", "end", str(kept.dataset_id))
    (ended,) = every(migrated.connection)
    assert not ended.holds


def test_what_makes_none_is_said_in_a_sentence(migrated: Migrated, file: Path) -> None:
    few = file.with_name("few.txt")
    few.write_text("\n".join(VINS[:4]))
    before = len(every(migrated.connection))
    for arguments, says in (
        (create(vins=str(few)), "5 vehicles or more"),
        (create(vins=str(file), name=" "), "This makes no dataset"),
        (create(vins=str(file), resolution="7"), "divides a day"),
        (create(vins=str(file), data_until="2026-08-01"), "end after they begin"),
        (create(vins=str(file), signals="wheel_sped"), "wheel_sped"),
        (create(vins=str(file), signals="heading"), "No dataset tells heading"),
        (create(fleet_id="99"), "North has no fleet 99"),
        (create(), "--vins FILE or --fleet-id"),
        (["datasets", "end", "999"], "no dataset 999"),
    ):
        with pytest.raises(TelemetryError, match=says):
            run(*arguments)
    assert len(every(migrated.connection)) == before
