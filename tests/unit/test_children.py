"""Commands that run beside another: what ends is told and started again, and all end with it."""

from __future__ import annotations

import os
import signal
import sys
from io import StringIO
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from cli import children, context, demo
from schemas.errors import TelemetryError
from tests.asking.patience import PATIENCE_S, wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from cli.children import Child

SAYS_AND_STAYS = (sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)")


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> StringIO:
    monkeypatch.setattr(children, "PROGRAM", SAYS_AND_STAYS)
    return StringIO()


def kill(child: Child) -> None:
    """End it as a lack of memory would."""
    os.kill(child.process.pid, signal.SIGKILL)
    child.process.wait(PATIENCE_S)


def ups(child: Child, count: int) -> bool:
    """Whether it has come up so often."""
    wait_until(lambda: child.log.read_text().count("up") >= count, f"{count} times up")
    return child.log.read_text().count("up") == count


def test_what_was_killed_is_told_and_started_again_with_its_log(
    said: StringIO, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with children.children(tmp_path, Console(file=said)) as beside:
        ingest, other = beside.start("ingest"), beside.start("serve", "--port", "1")
        assert ups(ingest, 1)
        beside.look_after()
        assert said.getvalue() == ""
        monkeypatch.setattr(children, "AT_ONCE_S", 0.0)
        before = other.process
        kill(ingest)
        beside.look_after()
        assert "`telemetry ingest` was killed by signal 9" in said.getvalue()
        assert str(tmp_path / "ingest.log") in said.getvalue()
        assert ups(ingest, 2)
        assert other.process is before
    assert ingest.process.poll() == other.process.poll() == -signal.SIGTERM


def test_the_running_demo_looks_after_trucks_servers_and_commands(
    said: StringIO, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "LOOKED_AFTER_EVERY_S", 0.01)
    monkeypatch.setattr(children, "AT_ONCE_S", 0.0)
    asked: list[str] = []
    monkeypatch.setattr(context, "database_dsn", lambda: asked.append("servers"))
    fleet: Any = SimpleNamespace(check=lambda: asked.append("trucks"))
    with children.children(tmp_path, Console(file=said)) as beside:
        kill(beside.start("ingest"))
        demo._watch(beside, fleet, 0.01)
    assert asked == ["servers", "trucks"]
    assert "is started again" in said.getvalue()


def test_what_ends_as_soon_as_it_is_started_is_not_started_for_ever(
    said: StringIO, tmp_path: Path
) -> None:
    with children.children(tmp_path, Console(file=said)) as beside:
        kill(beside.start("webhooks", "run"))
        with pytest.raises(
            TelemetryError, match=r"webhooks run` was killed by signal 9 as soon.*log"
        ):
            beside.look_after()
