"""The client outlives what passes, says what does not, and trusts no stranger."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import uvicorn
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from pydantic import SecretStr

from api.app import create_app
from api.settings import ApiSettings
from storage.registers import DEMO_PARTY, ensure_party, register_vehicle
from telemetry_client import CertificateError, ConnectionFailedError, UnavailableError
from tests.asking.api_fixture import UNREACHABLE, serving
from tests.asking.client_fixture import EVERY_KIND, KINDS, opened, waits_of_clients
from tests.faults.proxy import Proxy
from tests.servers.certificates import Authority

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers.certificates import Certificate
    from tests.servers.database_fixture import Migrated

VIN = "LSGAA11112A000001"


@EVERY_KIND
def test_a_database_that_stays_away_is_asked_for_again_and_then_said(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = waits_of_clients(monkeypatch)
    away = serving(SecretStr(UNREACHABLE), api_connection_wait_s=0.1)
    with away as http, opened(kind, str(http.base_url), attempts=3) as client:
        with pytest.raises(UnavailableError) as refused:
            client.state(VIN)
        assert (refused.value.status, refused.value.code) == (503, "database_unreachable")
        assert refused.value.way_out
        # As the API says in Retry-After, and a little more.
        assert [5 <= wait <= 5.5 for wait in waits] == [True, True]
        assert len(client.catalogue(search="wheel speed")) > 0  # that needs no database


def test_a_database_that_comes_back_is_not_noticed(
    migrated: Migrated, monkeypatch: pytest.MonkeyPatch
) -> None:
    register_vehicle(migrated.connection, VIN)
    ensure_party(migrated.connection, DEMO_PARTY, "maker")
    dsn = migrated.dsn.get_secret_value()
    proxy = Proxy(int(str(conninfo_to_dict(dsn)["port"])))
    waits = waits_of_clients(monkeypatch, meanwhile=proxy.heal)
    try:
        way = SecretStr(make_conninfo(dsn, host="127.0.0.1", port=proxy.port))
        with serving(way, api_connection_wait_s=0.5) as http:
            for kind in KINDS:
                proxy.swallow()
                proxy.reset()
                with opened(kind, str(http.base_url), attempts=50) as client:
                    before = len(waits)
                    assert client.state(VIN).vin == VIN
                    assert len(waits) > before
    finally:
        proxy.close()


@EVERY_KIND
def test_where_nothing_listens_that_is_said(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    waits = waits_of_clients(monkeypatch)
    with (
        opened(kind, "http://127.0.0.1:1", attempts=3) as client,
        pytest.raises(ConnectionFailedError, match="cannot be reached"),
    ):
        client.fleets()
    assert len(waits) == 2


@contextmanager
def encrypted(certificate: Certificate) -> Iterator[int]:
    """The API with that certificate; gives its port."""
    config = uvicorn.Config(
        create_app(ApiSettings(), SecretStr(UNREACHABLE)),
        host="127.0.0.1",
        port=0,
        log_config=None,
        ssl_certfile=certificate.file,
        ssl_keyfile=certificate.key,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            thread.join(0.01)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


@EVERY_KIND
def test_a_certificate_that_is_not_to_be_trusted_is_refused_and_nothing_is_sent(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = waits_of_clients(monkeypatch)
    ours, strange = Authority(tmp_path, "ours"), Authority(tmp_path, "strange")
    with encrypted(ours.issue("api", "127.0.0.1")) as port:
        url = f"https://127.0.0.1:{port}"
        with opened(kind, url, ca_file=ours.file, api_key="vtk_secret") as client:
            assert len(client.catalogue(search="wheel speed")) > 0
        for options in ({}, {"ca_file": strange.file}):
            with (
                opened(kind, url, api_key="vtk_secret", **options) as client,
                pytest.raises(CertificateError, match="ca_file"),
            ):
                client.catalogue()
    with (
        encrypted(ours.issue("other", "other.example")) as port,
        opened(kind, f"https://127.0.0.1:{port}", ca_file=ours.file) as client,
        pytest.raises(CertificateError),
    ):
        client.catalogue()
    assert waits == []  # that does not pass by itself
