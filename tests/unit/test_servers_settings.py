from __future__ import annotations

from pathlib import Path

import pytest

from cli import context
from schemas.errors import SettingsError
from servers.settings import ServersSettings


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ServersSettings.model_fields:
        monkeypatch.delenv(f"TELEMETRY_{name.upper()}", raising=False)


def test_by_default_everything_is_embedded_under_the_working_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    found = context.load(ServersSettings)
    assert found.home == tmp_path / ".telemetry"
    assert found.kafka_bootstrap is None
    assert found.database_dsn is None


def test_an_empty_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEMETRY_DATABASE_DSN", "")
    monkeypatch.setenv("TELEMETRY_KAFKA_PORT", "")
    assert context.load(ServersSettings).database_dsn is None
    assert context.load(ServersSettings).kafka_port == 0  # the default: a free port


def test_a_password_is_not_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEMETRY_DATABASE_DSN", "postgresql://u:secret@h/d")
    assert "secret" not in repr(context.load(ServersSettings))


def test_wrong_values_are_named_by_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEMETRY_KAFKA_PORT", "70000")
    monkeypatch.setenv("TELEMETRY_SERVER_START_TIMEOUT_S", "soon")
    with pytest.raises(SettingsError) as caught:
        context.load(ServersSettings)
    assert "TELEMETRY_KAFKA_PORT is '70000': " in str(caught.value)
    assert "TELEMETRY_SERVER_START_TIMEOUT_S is 'soon': " in str(caught.value)


def test_a_home_below_the_users_own_folder_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEMETRY_HOME", "~/telemetry")
    assert context.load(ServersSettings).home == Path.home() / "telemetry"
