"""`telemetry serve` answers until it is told to stop, and then finishes what it has begun."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import httpx2
import psycopg
import pytest

from storage.registers import DEMO_PARTY, ensure_party, register_vehicle
from tests.asking.command_line import ROOT
from tests.asking.patience import PATIENCE_S, wait_for_lock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.database_fixture import Migrated


@pytest.fixture
def served(migrated: Migrated) -> Iterator[tuple[subprocess.Popen[str], str]]:
    ensure_party(migrated.connection, DEMO_PARTY, "maker")
    environment = {key: text for key, text in os.environ.items() if key[:10] != "TELEMETRY_"}
    environment["TELEMETRY_DATABASE_DSN"] = migrated.dsn.get_secret_value()
    with subprocess.Popen(
        [sys.executable, "-m", "cli", "serve", "--port", "0"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        address = re.search(r"http://\S+", process.stdout.readline())
        assert address is not None
        yield process, address.group()
        process.kill()


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_request_under_way_is_answered_before_the_end(
    migrated: Migrated, served: tuple[subprocess.Popen[str], str], stop: signal.Signals
) -> None:
    process, address = served
    assert httpx2.get(f"{address}/readyz", timeout=PATIENCE_S).status_code == 200
    answers: list[httpx2.Response] = []
    with psycopg.connect(migrated.dsn.get_secret_value()) as blocker:
        blocker.execute("LOCK TABLE telemetry.vehicle IN ACCESS EXCLUSIVE MODE")
        asking = threading.Thread(
            target=lambda: answers.append(httpx2.get(f"{address}/v1/vehicles", timeout=PATIENCE_S))
        )
        asking.start()
        wait_for_lock(migrated)
        process.send_signal(stop)
        time.sleep(0.5)
        assert process.poll() is None
    asking.join()
    assert answers[0].status_code == 200
    assert process.wait(timeout=PATIENCE_S) == 0


def test_a_stream_ends_at_once_when_the_server_stops(
    migrated: Migrated, served: tuple[subprocess.Popen[str], str]
) -> None:
    process, address = served
    register_vehicle(migrated.connection, "LSGAA11112A000001")
    stream = f"{address}/v1/vehicles/LSGAA11112A000001/stream"
    with httpx2.stream("GET", stream, timeout=PATIENCE_S) as answer:
        lines = answer.iter_lines()
        assert next(lines).startswith("retry: ")
        process.send_signal(signal.SIGTERM)
        # It ends as a complete answer: what is still under way after ten seconds is cut off.
        assert list(lines) is not None
    assert process.wait(timeout=PATIENCE_S) == 0


def test_its_log_names_routes_and_no_vehicle(
    served: tuple[subprocess.Popen[str], str],
) -> None:
    process, address = served
    httpx2.get(f"{address}/v1/vehicles/LSGAA11112A000001/state", timeout=PATIENCE_S)
    process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=PATIENCE_S)
    assert '"route": "/v1/vehicles/{vin}/state"' in log
    assert "LSGAA11112A000001" not in log


def test_small_answers_do_not_wait_for_an_acknowledgement(
    served: tuple[subprocess.Popen[str], str],
) -> None:
    _, address = served
    with httpx2.Client(base_url=address, timeout=PATIENCE_S) as client:
        seconds = []
        for _ in range(20):
            began = time.perf_counter()
            client.get("/healthz")
            seconds.append(time.perf_counter() - began)
    # A delayed acknowledgement takes 40 ms, every time; the answer itself takes about 1 ms.
    assert min(seconds) < 0.03
