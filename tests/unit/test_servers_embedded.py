from __future__ import annotations

import os
import shutil
import signal
from threading import Event
from typing import TYPE_CHECKING

import pytest

from servers import processes
from servers.embedded import EmbeddedServer, NotAnsweringError
from servers.errors import DiskFullError, StartError
from servers.home import Home
from servers.launcher import silent
from servers.server import State
from servers.settings import ServersSettings
from servers.state import Entry, StateFile

if TYPE_CHECKING:
    from pathlib import Path

    from servers.server import Progress


class Shell(EmbeddedServer):
    """A server that is a line of shell, and answers once its log says so."""

    name = "shell"
    title = "Shell"
    stopping = ((signal.SIGKILL, 10.0),)
    line = "echo serving; exec sleep 60"

    @property
    def log(self) -> Path:
        return self.home.root / "log"

    def launch(self, remembered: Entry | None, progress: Progress, cancelled: Event) -> Entry:
        del remembered, cancelled
        progress(self.name, "starting")
        process = processes.spawn(
            ["/bin/sh", "-c", self.line], environment=os.environ, log=self.log
        )
        return Entry(port=1, version="", process=process)

    def check(self, entry: Entry) -> None:
        del entry
        if "serving" not in self.said(12):
            raise NotAnsweringError("it says nothing")

    def prepare(self, entry: Entry) -> str:
        del entry
        return "1.0"

    def url(self) -> str:
        return "shell:1"


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    wanted = ServersSettings(home=tmp_path, server_start_timeout_s=0.5)
    return Shell(wanted, Home(tmp_path), StateFile(tmp_path / "state.json"))


@pytest.fixture
def event() -> Event:
    return Event()


def test_a_server_that_answers_is_running_with_the_version_it_tells(
    shell: Shell, event: Event
) -> None:
    assert shell.start(silent, event)
    try:
        status = shell.status(ask=True)
        assert (status.state, status.version) == (State.RUNNING, "1.0")
        assert not shell.start(silent, event)
    finally:
        assert shell.stop(silent)
    assert not shell.stop(silent)
    assert shell.status(ask=True).state is State.STOPPED


def test_a_server_that_does_not_answer_in_time_is_told_with_its_last_lines(
    shell: Shell, event: Event
) -> None:
    shell.line = "echo thinking; exec sleep 60"
    try:
        with pytest.raises(StartError, match="TELEMETRY_SERVER_START_TIMEOUT_S") as caught:
            shell.start(silent, event)
        assert str(caught.value).endswith("log:\nthinking")
        assert shell.status(ask=True).state is State.UNREACHABLE
        assert shell.status(ask=False).state is State.RUNNING
    finally:
        shell.stop(silent)


def test_a_server_that_ends_while_starting_is_told_at_once(shell: Shell, event: Event) -> None:
    shell.line = "echo no luck"
    with pytest.raises(StartError, match="ended while it was starting") as caught:
        shell.start(silent, event)
    assert "no luck" in str(caught.value)
    status = shell.status(ask=True)
    assert status.state is State.DEAD
    assert status.detail.endswith("no luck")


def test_a_full_disk_in_the_log_is_named_as_the_reason(shell: Shell, event: Event) -> None:
    shell.line = "echo 'FATAL: could not write: No space left on device'"
    with pytest.raises(StartError, match=r"the disk is full\. Free some space"):
        shell.start(silent, event)


def test_a_running_server_needs_no_room_a_new_one_does(
    shell: Shell, event: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert shell.start(silent, event)
    full = shutil.disk_usage(shell.home.root)._replace(free=0)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: full)
    try:
        assert not shell.start(silent, event)
    finally:
        shell.stop(silent)
    with pytest.raises(DiskFullError):
        shell.start(silent, event)
