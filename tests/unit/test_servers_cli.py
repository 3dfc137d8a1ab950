from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from cli import app as command_line
from cli import context
from cli import servers as cli
from servers import launcher
from servers.errors import ServerError
from servers.launcher import Running, Status
from servers.server import ServerStatus, State

if TYPE_CHECKING:
    from servers.server import Progress
    from servers.settings import ServersSettings

KAFKA = ServerStatus(
    name="kafka", external=False, state=State.RUNNING, address="127.0.0.1:1", version="4.4.0", pid=7
)
POSTGRES = ServerStatus(
    name="postgres",
    external=True,
    state=State.UNREACHABLE,
    address="db:5432",
    detail="connection refused (TELEMETRY_DATABASE_DSN)",
)


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> typer.Typer:
    monkeypatch.setenv("TELEMETRY_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    app = typer.Typer()
    cli.register(app)
    return app


@pytest.mark.parametrize("command", ["up", "down"])
def test_help_has_an_example(app: typer.Typer, command: str) -> None:
    said = CliRunner().invoke(app, [command, "--help"]).output
    assert "Example: TELEMETRY_" in said
    assert f"telemetry {command}" in said


def test_up_shows_each_step_and_where_the_servers_are(
    app: typer.Typer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def up(_settings: ServersSettings, progress: Progress) -> Running:
        progress("kafka", "formatting [an] empty folder")
        return Running(
            kafka_bootstrap="127.0.0.1:1",
            database_dsn="postgresql://u:secret@db/d",
            kafka=KAFKA,
            postgres=POSTGRES,
            started=("kafka",),
        )

    monkeypatch.setattr(launcher, "up", up)
    result = CliRunner().invoke(app, ["up"])
    assert result.exit_code == 0, result.output
    assert "Kafka: formatting [an] empty folder" in result.output
    assert "127.0.0.1:1" in result.output
    assert "secret" not in result.output
    assert "telemetry down" in result.output


def test_down_says_what_it_stopped(app: typer.Typer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launcher, "down", lambda _settings, _progress: ("kafka", "postgres"))
    assert "Stopped Kafka and PostgreSQL." in CliRunner().invoke(app, ["down"]).output
    monkeypatch.setattr(launcher, "down", lambda _settings, _progress: ())
    assert "Nothing runs" in CliRunner().invoke(app, ["down"]).output


def test_a_server_that_has_ended_is_named_to_who_needs_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TELEMETRY_HOME", str(tmp_path))
    monkeypatch.delenv("TELEMETRY_DATABASE_DSN", raising=False)
    with pytest.raises(ServerError, match="No servers are running here"):
        context.database_dsn()
    ended = ServerStatus(
        name="postgres", external=False, state=State.DEAD, log=Path("/h/postgres.log")
    )
    monkeypatch.setattr(launcher, "dead", lambda _settings: [ended])
    with pytest.raises(ServerError, match="PostgreSQL has ended by itself; its log is /h/postgres"):
        context.database_dsn()


def test_status_shows_state_version_and_what_is_wrong() -> None:
    console = Console(width=200, record=True)
    console.print(cli.table(KAFKA, POSTGRES))
    said = console.export_text()
    assert "4.4.0" in said
    assert "external, unreachable" in said
    assert "PostgreSQL: connection refused (TELEMETRY_DATABASE_DSN)" in said


def test_status_fails_where_a_server_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Status(home=Path("/h"), kafka=KAFKA, postgres=POSTGRES)
    monkeypatch.setattr(launcher, "status", lambda _settings: found)
    assert CliRunner().invoke(command_line.app, ["status"]).exit_code == 1
