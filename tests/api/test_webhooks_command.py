"""`telemetry webhooks run`: a process of its own, which may be killed at any moment."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx2
import pytest

from tests.asking.command_line import ROOT
from tests.asking.patience import PATIENCE_S
from tests.worlds.webhook_world import LOCAL, Receiver, World, webhook_world

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers.database_fixture import Migrated


@pytest.fixture(scope="module")
def world(migrated: Migrated) -> Iterator[World]:
    with webhook_world(migrated) as made:
        yield made


@contextmanager
def running(world: World, home: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    environment = {key: text for key, text in os.environ.items() if key[:10] != "TELEMETRY_"}
    environment |= {
        "TELEMETRY_DATABASE_DSN": world.database.dsn.get_secret_value(),
        "TELEMETRY_HOME": str(home),
        "TELEMETRY_LOG_LEVEL": "debug",
        **{f"TELEMETRY_{name.upper()}": value for name, value in LOCAL.items()},
    }
    with subprocess.Popen(
        [sys.executable, "-m", "cli", "webhooks", "run", *options],
        cwd=ROOT,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.kill()


def test_what_was_sent_and_not_marked_when_a_sender_was_killed_is_sent_again_under_its_id(
    world: World, tmp_path: Path
) -> None:
    answered = threading.Event()
    with Receiver() as receiver:
        hook = world.make(receiver.url)
        world.event()
        receiver.answers = [answered]
        with running(world, tmp_path) as sender:
            assert receiver.arrived.acquire(timeout=PATIENCE_S)
            sender.send_signal(signal.SIGKILL)
            sender.wait()
        answered.set()
        assert [one["state"] for one in world.deliveries(hook)] == ["sending"]
        world.send()
        assert len(receiver.got) == 1  # its lease still holds
        world.execute("UPDATE webhook SET leased_until = now()")
        # SIGTERM finishes what is under way, and nothing of a message is said in the log.
        slowly = threading.Event()
        receiver.answers = [slowly]
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        with running(world, tmp_path, "--metrics-port", str(port)) as sender:
            assert receiver.arrived.acquire(timeout=PATIENCE_S)
            metrics = httpx2.get(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE_S).text
            assert "telemetry_webhooks_attempts_total" in metrics
            sender.send_signal(signal.SIGTERM)
            time.sleep(0.2)
            assert sender.poll() is None
            slowly.set()
            assert sender.wait(timeout=PATIENCE_S) == 0
            assert sender.stderr is not None
            said = sender.stderr.read()
    assert len(receiver.got) == 2
    assert len(set(receiver.ids)) == 1
    assert receiver.got[0].body == receiver.got[1].body
    (delivered,) = world.deliveries(hook)
    assert (delivered["state"], delivered["attempts"]) == ("delivered", 1)
    for secret in (hook["secret"], receiver.url, receiver.got[0].message["vin"], "webhook-sig"):
        assert secret not in said


def test_once_sends_what_is_due_and_ends(world: World, tmp_path: Path) -> None:
    world.clear()
    with Receiver() as receiver:
        world.make(receiver.url)
        world.event()
        with running(world, tmp_path, "--once") as sender:
            assert sender.wait(timeout=PATIENCE_S) == 0
        assert len(receiver.got) == 1
