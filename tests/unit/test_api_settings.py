"""The API is reachable from this machine alone, and says why where it refuses to be otherwise."""

from __future__ import annotations

import socket

import pytest
from pydantic import SecretStr

from api.server import serve
from api.settings import ApiSettings, require_loopback
from schemas.errors import SettingsError
from tests.asking.api_fixture import UNREACHABLE

EVERYWHERE = ["0.0.0.0", "::", "192.168.1.5", "example.org", "", "localhost."]  # noqa: S104 - to be refused


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "localhost"])
def test_a_loopback_address_is_taken(host: str) -> None:
    require_loopback(host)


@pytest.mark.parametrize("host", EVERYWHERE)
def test_any_other_address_is_refused_with_a_way_out(host: str) -> None:
    settings = ApiSettings(api_host=host)
    with pytest.raises(SettingsError, match=r"TELEMETRY_API_HOST=127\.0\.0\.1"):
        serve(settings, SecretStr(UNREACHABLE), lambda _: None)


def test_a_port_that_is_taken_is_named_with_a_way_out() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(SettingsError, match=f"127.0.0.1:{port}.*--port"):
            serve(ApiSettings(api_port=port), SecretStr(UNREACHABLE), lambda _: None)


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEMETRY_API_PORT", "8123")
    monkeypatch.setenv("TELEMETRY_API_HOSTNAMES", "Fleet.example, ,trucks.example")
    settings = ApiSettings()
    assert (settings.api_host, settings.api_port) == ("127.0.0.1", 8123)
    assert settings.allowed_hosts is not None
    assert {"localhost", "fleet.example", "trucks.example"} <= settings.allowed_hosts
    assert "" not in settings.allowed_hosts
