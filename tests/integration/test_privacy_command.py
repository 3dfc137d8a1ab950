"""`telemetry privacy` as a person uses it: export, dry run, erasure, search, what is left where."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from cli.app import app, main
from schemas.errors import TelemetryError
from storage.registers import ensure_party
from tests.asking.api_fixture import served_as
from tests.worlds.personal_world import ACCOUNT, NAME, Personal, fill

if TYPE_CHECKING:
    from pathlib import Path

    from tests.asking.command_line import CommandLine
    from tests.servers.database_fixture import Migrated


@dataclass(frozen=True, kw_only=True)
class Commands:
    """Runs `telemetry` within this process, on a database and without Kafka."""

    environment: dict[str, str]

    def run(self, *arguments: str, fails: bool = False) -> str:
        """What a subcommand says; it must succeed, or fail where that is expected."""
        done = CliRunner().invoke(app, arguments, env=self.environment)
        refused = isinstance(done.exception, TelemetryError)
        if done.exception and not refused and not isinstance(done.exception, SystemExit):
            raise done.exception
        said = done.output + (str(done.exception) if refused else "")
        assert (done.exit_code != 0) == fails, said
        return said


@pytest.fixture(scope="module")
def commands(migrated: Migrated) -> Commands:
    return Commands(
        environment={
            "TELEMETRY_DATABASE_DSN": migrated.dsn.get_secret_value(),
            "COLUMNS": "200",
        }
    )


@pytest.fixture(scope="module")
def filled(migrated: Migrated) -> Personal:
    return fill(migrated, "LSGAA11112A000001", "CHN01", "CHN02")


@pytest.mark.usefixtures("filled")
def test_all_that_is_held_of_a_driver_is_exported_and_nothing_of_others(
    commands: Commands, tmp_path: Path
) -> None:
    folder = tmp_path / "wang"
    commands.run("privacy", "export", "--driver", "CHN01", str(folder))
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    rows = {file["name"]: file["rows"] for file in manifest["files"]}
    assert rows == {
        "account.csv": 1,
        "driver.csv": 1,
        "score_part.csv": 1,
        "score.csv": 1,
        "advice.csv": 1,
        "driving_event.csv": 2,
        "trip.csv": 1,
        "trip_part.csv": 1,
        "fuel_part.csv": 1,
        "drive_span.csv": 1,
        "driver_change.csv": 2,
        "vehicle_report.csv": 3,
        "vehicle_event.csv": 1,
        "access_log.csv": 2,
        "sign_in.csv": 1,
        "provider_session.csv": 1,
        "advice_result.csv": 1,
        "fuel_cause.csv": 1,
        "positions.csv": 181,
    }
    for file in manifest["files"]:
        body = (folder / file["name"]).read_bytes()
        assert hashlib.sha256(body).hexdigest() == file["sha256"]
        with (folder / file["name"]).open(encoding="utf-8", newline="") as opened:
            assert len(list(csv.DictReader(opened))) == file["rows"]
        assert (folder / file["name"]).stat().st_mode & 0o077 == 0, "others may not read it"
    whole = b"".join(path.read_bytes() for path in folder.iterdir())
    assert NAME.replace('"', '""').encode() in whole
    for foreign in (b"CHN02", b"argon2", b"account:boss", b"999999"):
        assert foreign not in whole
    readme = (folder / "README.md").read_text(encoding="utf-8")
    assert "What is held of driver CHN01" in readme
    assert "数据副本" in readme
    again = commands.run("privacy", "export", "--driver", "CHN01", str(folder), fails=True)
    assert "not empty" in again


def test_where_a_vehicle_was_is_exported(
    commands: Commands, filled: Personal, tmp_path: Path
) -> None:
    commands.run(
        "privacy", "export", "--vehicle-positions", filled.vin, "--before", "2026-10-20T08:10:00",
        str(tmp_path / "positions"),
    )  # fmt: skip
    with (tmp_path / "positions" / "positions.csv").open(encoding="utf-8") as opened:
        rows = list(csv.DictReader(opened))
    assert len(rows) == 60
    assert rows[0]["vin"] == filled.vin
    assert float(rows[0]["latitude"]) == 31


def test_without_yes_it_is_counted_and_nothing_changed(
    commands: Commands, migrated: Migrated, filled: Personal
) -> None:
    shown = commands.run("privacy", "erase", "--driver", f"number:{filled.driver_id}")
    assert re.search(r"trip_part +1\n", shown)
    assert "Nothing was changed" in shown
    assert commands.run("privacy", "search", "--driver", "CHN01", fails=True)
    shown = commands.run("privacy", "erase", "--vehicle", filled.vin, "--positions")
    assert re.search(r"signal_location +361\n", shown)
    assert migrated.connection.execute("SELECT count(*) FROM erasure").fetchone() == (0,)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("erase",), "Say of whom"),
        (("erase", "--driver", "CHN01", "--before", "2026-01-01"), "as a whole"),
        (("erase", "--vehicle", "LSGAA11112A000001"), "add --positions"),
        (("erase", "--vehicle", "LSGAA11112A000009", "--positions"), "not registered"),
        (("export", "x"), "Say of whom"),
        (("search",), "Say what to look for"),
        (("search", "--driver", ""), "An empty text is everywhere"),
        (("search", "--text", " "), "An empty text is everywhere"),
        (("search", "--driver", "number:99999999999999999999"), "is no driver's number"),
        (("search", "--driver", "number:x"), "'x' is no driver's number"),
        (("readmit", "CHN99"), "was not erased"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    commands: Commands, arguments: tuple[str, ...], said: str
) -> None:
    assert said in commands.run("privacy", *arguments, fails=True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("erase", "--driver", "NOPE", "--yes"), "Nobody is known by the card 'NOPE'"),
        (("erase", "--driver", "NOPE"), "Nobody is known by the card 'NOPE'"),
        (("erase", "--driver", "number:999999", "--yes"), "No driver has the number 999999"),
        (("erase", "--vehicle", "LSGAA11112A000009", "--positions", "--yes"), "not registered"),
        (("export", "--driver", "NOPE", "x"), "Nobody is known by the card 'NOPE'"),
        (("readmit", "NOPE"), "was not erased"),
    ],
)
def test_of_whom_nobody_knows_nothing_is_certified(
    migrated: Migrated,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    said: str,
) -> None:
    monkeypatch.setattr("sys.argv", ["telemetry", "privacy", *arguments])
    monkeypatch.setenv("TELEMETRY_DATABASE_DSN", migrated.dsn.get_secret_value())
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
    assert migrated.connection.execute("SELECT count(*) FROM erasure").fetchone() == (0,)


def test_a_driver_is_erased_and_found_nowhere_and_the_record_is_told(
    commands: Commands, migrated: Migrated, filled: Personal
) -> None:
    commands.run(
        "privacy", "erase", "--driver", "CHN01", "--positions", "--by", "privacy.officer", "--yes"
    )
    found = commands.run(
        "privacy", "search", "--driver", "CHN01", "--driver", str(filled.driver_id),
        "--text", f"{ACCOUNT}.{filled.driver_id}", "--text", NAME,
    )  # fmt: skip
    assert "nothing found" in found
    ensure_party(migrated.connection, "North", "owner")
    with served_as(migrated, "Authority", "auditor") as client:
        record, *_ = client.get("/v1/audit/erasures").json()["erasures"]
    assert record["asked_by"] == "privacy.officer"
    assert {"table": "trip_part", "rows": 1} in record["counts"]
    assert "CHN01" not in json.dumps(record)
    with served_as(migrated, "North", "owner") as client:
        assert client.get("/v1/audit/erasures").json() == {"erasures": [], "next": None}
    assert "Nobody is or was known by" not in found
    mistyped = commands.run("privacy", "search", "--driver", "CHN0I")
    assert "Nobody is or was known by the card 'CHN0I'" in mistyped
    again = commands.run("privacy", "erase", "--driver", "CHN01", "--yes")
    assert "was erased on" in again
    assert "nothing found" in again


def test_kafka_is_asked_how_long_it_keeps_what_was_sent(
    command_line: CommandLine, migrated: Migrated
) -> None:
    migrated.connection.execute(
        "INSERT INTO erasure (kind, asked_by, ended_at) VALUES ('driver', 'an.officer', now())"
    )
    topic = command_line.environment["TELEMETRY_TOPIC"]
    commands = Commands(environment=command_line.environment)
    assert "it is not there" in commands.run("privacy", "status")
    commands.run("topics", "create")
    shown = commands.run("privacy", "status")
    assert re.search(rf"Kafka, {topic} +\d+ days, by segment \d+(\.\d+)? days at most", shown)
    assert re.search(rf"Kafka, {topic}\.dead +\d+ days, by segment", shown)
    assert "TELEMETRY_BACKUP_RETENTION_DAYS says it" in shown
    assert re.search(r"driver +an.officer", shown)


def test_files_of_datasets_are_searched_too(commands: Commands, tmp_path: Path) -> None:
    cards = pa.array(["CHN55", "CHN56", "CHN55"]).dictionary_encode()
    pq.write_table(pa.table({"card": cards, "n": [1, 2, 3]}), tmp_path / "trips.parquet")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "notes.csv").write_text("id\nxCHN55\n", encoding="utf-8")
    (tmp_path / "cut.parquet").write_bytes((tmp_path / "trips.parquet").read_bytes()[:-9])
    asked = ("privacy", "search", "--folder", str(tmp_path), "--driver")
    shown = commands.run(*asked, "CHN55", fails=True)
    assert "trips.parquet: card: 2 rows" in shown
    assert "notes.csv: 1 rows" in shown
    assert "cut.parquet: 1 rows" in shown
    assert "nothing found" in commands.run(*asked, "CHN57")


def test_what_a_cell_holds_is_said_as_it_is_set(commands: Commands) -> None:
    shown = commands.run("cell", "set", "--regions", "CN,HK", "--other", "2=DE", "--other", "3=")
    assert shown.splitlines() == [
        "cell 0 (here): CN, HK",
        "cell 2 (elsewhere): DE",
        "cell 3 (elsewhere): vehicles that are named alone",
    ]
    assert commands.run("cell") == shown
    shown = commands.run("cell", "elsewhere", "3", "LSGAA11112A000099")
    assert "1 vehicles are kept in cell 3" in shown
