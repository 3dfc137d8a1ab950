from __future__ import annotations

from concurrent.futures import wait
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from servers import launcher, ports
from servers.errors import ServerError
from servers.server import ServerStatus, State
from servers.settings import ServersSettings

if TYPE_CHECKING:
    from pathlib import Path
    from threading import Event

    from servers.server import Progress

DSN = "postgresql://u:secret@127.0.0.1:1/d"


class Fake:
    """A server that starts, or cannot, and remembers what was done to it."""

    def __init__(
        self, name: str, *, runs: bool = False, fails: BaseException | None = None
    ) -> None:
        self.name = name
        self.runs = runs
        self.fails = fails

    def start(self, progress: Progress, cancelled: Event) -> bool:
        if self.fails:
            raise self.fails
        # A server that starts while another fails goes on until it notices or is done.
        cancelled.wait(0.2)
        progress(self.name, "started")
        started, self.runs = not self.runs, True
        return started

    def stop(self, progress: Progress) -> bool:
        progress(self.name, "stopped")
        ran, self.runs = self.runs, False
        return ran

    def status(self, *, ask: bool) -> ServerStatus:
        del ask
        state = State.RUNNING if self.runs else State.STOPPED
        return ServerStatus(name=self.name, external=False, state=state)

    def url(self) -> str:
        return f"{self.name}:1"


def settings(home: Path, **others: object) -> ServersSettings:
    fields = {"home": home, "kafka_bootstrap": None, "database_dsn": None} | others
    return ServersSettings.model_validate(fields)


def use(monkeypatch: pytest.MonkeyPatch, kafka: Fake, postgres: Fake) -> None:
    monkeypatch.setattr(launcher, "_servers", lambda _settings: (kafka, postgres))


def test_up_says_which_servers_it_started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    use(monkeypatch, Fake("kafka", runs=True), Fake("postgres"))
    assert launcher.up(settings(tmp_path)).started == ("postgres",)
    assert launcher.up(settings(tmp_path)).started == ()


def test_a_failed_up_leaves_running_only_what_ran_before(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kafka, postgres = Fake("kafka"), Fake("postgres", fails=ServerError("no disk"))
    use(monkeypatch, kafka, postgres)
    with pytest.raises(ServerError, match="no disk"):
        launcher.up(settings(tmp_path))
    assert not kafka.runs
    kafka.runs = True
    with pytest.raises(ServerError, match="no disk"):
        launcher.up(settings(tmp_path))
    assert kafka.runs


def test_an_interrupted_up_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kafka, postgres = Fake("kafka"), Fake("postgres")
    use(monkeypatch, kafka, postgres)

    def interrupted_once(*_: object, **_named: object) -> object:
        monkeypatch.setattr("servers.launcher.wait", wait)
        raise KeyboardInterrupt

    monkeypatch.setattr("servers.launcher.wait", interrupted_once)
    with pytest.raises(KeyboardInterrupt):
        launcher.up(settings(tmp_path))
    assert not kafka.runs
    assert not postgres.runs


def test_where_settings_name_both_servers_nothing_is_started_or_made(tmp_path: Path) -> None:
    home = tmp_path / "home"
    wanted = settings(home, kafka_bootstrap="k:9092", database_dsn=SecretStr(DSN))
    found = launcher.up(wanted)
    assert (found.kafka_bootstrap, found.database_dsn) == ("k:9092", DSN)
    assert found.started == ()
    assert found.kafka.external
    assert found.postgres.external
    assert not home.exists()
    assert launcher.running(wanted) == found


def test_the_password_is_not_in_what_is_printed_of_running(tmp_path: Path) -> None:
    wanted = settings(tmp_path, kafka_bootstrap="k:9092", database_dsn=SecretStr(DSN))
    assert "secret" not in repr(launcher.up(wanted))


def test_before_the_first_up_all_is_stopped_and_down_does_nothing(tmp_path: Path) -> None:
    wanted = settings(tmp_path / "home")
    assert launcher.running(wanted) is None
    assert launcher.down(wanted) == ()
    status = launcher.status(wanted)
    assert (status.kafka.state, status.postgres.state) == (State.STOPPED, State.STOPPED)
    assert not (tmp_path / "home").exists()


def test_external_servers_that_do_not_answer_are_unreachable_and_say_which_setting(
    tmp_path: Path,
) -> None:
    one, other = ports.free(2)
    wanted = settings(
        tmp_path,
        kafka_bootstrap=f"127.0.0.1:{one}",
        database_dsn=SecretStr(f"postgresql://u:secret@127.0.0.1:{other}/d"),
    )
    status = launcher.status(wanted)
    assert status.kafka.state is State.UNREACHABLE
    assert status.kafka.detail == f"No answer from 127.0.0.1:{one} (TELEMETRY_KAFKA_BOOTSTRAP)."
    assert status.postgres.state is State.UNREACHABLE
    assert "TELEMETRY_DATABASE_DSN" in status.postgres.detail
    assert status.postgres.address == f"127.0.0.1:{other}"
    assert "secret" not in repr(status)


def test_one_answering_address_of_a_bootstrap_list_is_enough(tmp_path: Path) -> None:
    (closed,) = ports.free(1)
    with ports._listener(0) as listening:
        port = listening.getsockname()[1]
        wanted = settings(
            tmp_path,
            kafka_bootstrap=f"127.0.0.1:{closed},127.0.0.1:{port}",
            database_dsn=SecretStr(DSN),
        )
        status = launcher.status(wanted).kafka
    assert status.state is State.RUNNING
    assert f"127.0.0.1:{closed}" in status.detail
