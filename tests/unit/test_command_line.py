"""The command line tells the way of a frame, and its errors say what to do."""

import re
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from cli import context
from cli.app import app, main
from ingest.settings import IngestSettings
from schemas.errors import SettingsError
from storage.settings import StorageSettings

COMMANDS = (
    "up", "down", "migrate", "topics", "register", "catalogue", "simulate", "replay", "ingest",
    "load",
    "dead-letters", "analyse", "train", "models", "export", "identity", "datasets",
    "service-points", "service-plans",
    "privacy", "cell", "serve", "webhooks", "status", "demo",
)  # fmt: skip


def test_help_tells_the_way_of_a_frame_in_its_order() -> None:
    text = " ".join(CliRunner().invoke(app, ["--help"]).output.split())
    places = [
        text.index(f"telemetry {name}") for name in ("simulate", "ingest", "analyse", "serve")
    ]
    assert places == sorted(places)


def test_the_commands_are_the_ones_documented() -> None:
    group = typer.main.get_group(app)
    assert group.list_commands(typer.Context(group)) == list(COMMANDS)


def test_a_command_waits_for_no_other_one_s_imports() -> None:
    script = (
        "import sys; from cli.app import app; from typer.testing import CliRunner;"
        "CliRunner().invoke(app, ['status', '--help']);"
        "print(sorted({'fastapi', 'sklearn'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example_of_itself(command: str) -> None:
    shown = CliRunner().invoke(app, [command, "--help"])
    assert shown.exit_code == 0
    assert re.search(rf"Example: .*telemetry {command}\b", shown.output), shown.output


def test_a_setting_that_cannot_be_used_is_named_with_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TELEMETRY_BATCH_FRAMES", "many")
    with pytest.raises(SettingsError, match=r"TELEMETRY_BATCH_FRAMES.*integer"):
        context.load(IngestSettings)


def test_an_error_is_one_line_on_stderr_and_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: object
) -> None:
    monkeypatch.setenv("TELEMETRY_HOME", str(tmp_path))
    monkeypatch.delenv("TELEMETRY_DATABASE_DSN", raising=False)
    monkeypatch.setattr("sys.argv", ["telemetry", "migrate"])
    with pytest.raises(SystemExit) as stopped:
        main()
    shown = capsys.readouterr()
    assert stopped.value.code == 1
    assert "telemetry up" in shown.err
    assert "Traceback" not in shown.err
    assert shown.out == ""


def test_a_misspelt_variable_of_ours_is_refused_with_the_nearest_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TELEMETRY_RETENTION_DAY", "30")
    with pytest.raises(
        SettingsError, match=r"TELEMETRY_RETENTION_DAY: is TELEMETRY_RETENTION_DAYS"
    ):
        context.refuse_unknown_names()


def test_a_secret_that_cannot_be_used_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEMETRY_DATABASE_DSN", "host=db password=open-sesame")
    monkeypatch.setenv("TELEMETRY_RETENTION_DAYS", "soon")
    with pytest.raises(SettingsError, match=r"TELEMETRY_RETENTION_DAYS is 'soon'") as refused:
        context.load(StorageSettings)
    assert "open-sesame" not in str(refused.value)


def test_compression_after_the_data_is_gone_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEMETRY_RETENTION_DAYS", "90")
    monkeypatch.setenv("TELEMETRY_COMPRESS_AFTER_DAYS", "400")
    with pytest.raises(SettingsError, match="nothing would ever be compressed"):
        context.load(StorageSettings)


def test_rollups_that_would_go_before_their_rows_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TELEMETRY_RETENTION_DAYS", "90")
    monkeypatch.setenv("TELEMETRY_ROLLUP_RETENTION_DAYS", "89")
    with pytest.raises(SettingsError, match="would seem empty while its rows are still there"):
        context.load(StorageSettings)


@pytest.mark.parametrize("wait", ["-1", "0", "nan", "inf"])
def test_a_wait_that_would_be_a_busy_loop_or_none_is_refused(wait: str) -> None:
    for command in (["analyse", f"--watch={wait}"], ["ingest", f"--until-idle={wait}"]):
        refused = CliRunner().invoke(app, command)
        assert refused.exit_code == 2
        assert "no time to wait" in refused.output


@pytest.mark.parametrize(
    ("arguments", "way_out"),
    [
        (["--all-changed", "--vehicle", "LVBV3ABB5PE000000"], "leave out --vehicle"),
        (["--all-changed", "--to", "2026-11-01"], "leave out --vehicle"),
        (["--from", "2026-11-02", "--to", "2026-11-01"], "lies after"),
        (["--from", "yesterday"], "yesterday"),
    ],
)
def test_days_and_vehicles_that_make_no_sense_together_are_refused(
    arguments: list[str], way_out: str
) -> None:
    refused = CliRunner().invoke(app, ["analyse", *arguments])
    assert refused.exit_code == 2
    assert way_out in refused.output
