"""The command line as a user runs it: a process of its own, told where the servers are."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest
from typer.testing import CliRunner

from cli.app import app
from schemas.errors import TelemetryError
from tests.asking.patience import PATIENCE_S

if TYPE_CHECKING:
    from tests.servers.database_fixture import Migrated
    from tests.servers.servers_fixture import Addresses

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, kw_only=True)
class CommandLine:
    """Runs `telemetry` on a database and a topic of a test's own."""

    environment: dict[str, str]

    def run(self, *arguments: str, fails: bool = False) -> subprocess.CompletedProcess[str]:
        """Run a subcommand to its end; it must succeed, or fail where that is expected."""
        done = subprocess.run(
            [sys.executable, "-m", "cli", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        return done


@pytest.fixture(scope="module")
def command_line(
    servers: Addresses, migrated: Migrated, tmp_path_factory: pytest.TempPathFactory
) -> CommandLine:
    """The command line against the module's own database and topic."""
    return CommandLine(
        environment={
            **{
                name: text for name, text in os.environ.items() if not name.startswith("TELEMETRY_")
            },
            "TELEMETRY_KAFKA_BOOTSTRAP": servers.kafka_bootstrap,
            "TELEMETRY_DATABASE_DSN": migrated.dsn.get_secret_value(),
            "TELEMETRY_TOPIC": f"test.{uuid.uuid4().hex[:8]}",
            "TELEMETRY_HOME": str(tmp_path_factory.mktemp("home")),
            "COLUMNS": "200",
        }
    )


class RunHere(Protocol):
    """Runs a command in this process, which has imported what commands need; what it says."""

    def __call__(self, *arguments: str, fails: type[BaseException] | None = None) -> str:
        """What it prints, or of an error of ours what that says; `fails`: which one there is."""
        ...


@pytest.fixture
def run_here(command_line: CommandLine, monkeypatch: pytest.MonkeyPatch) -> RunHere:
    """The command line against the module's own database, without a process of its own."""
    for name, value in command_line.environment.items():
        if name.startswith(("TELEMETRY_", "COLUMNS")):
            monkeypatch.setenv(name, value)

    def run(*arguments: str, fails: type[BaseException] | None = None) -> str:
        done = CliRunner().invoke(app, arguments)
        assert type(done.exception) is (fails or type(None)), done.output
        return (
            f"{done.output}{done.exception}"
            if isinstance(done.exception, TelemetryError)
            else done.output
        )

    return run
