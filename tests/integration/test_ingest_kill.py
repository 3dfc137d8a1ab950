"""Workers are killed and share the work anew: every value is stored once, every letter is kept."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from storage.frame_writer import FrameWriter
from tests.asking.patience import wait_until
from tests.servers.ingest_fixture import (
    SECOND_US,
    Ledger,
    ago_us,
    new_vins,
    running,
    source,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from storage.prepared import Prepared
    from tests.servers.ingest_fixture import Bench

ROOT = Path(__file__).parents[2]

CHILD = """
import sys, threading
from pydantic import SecretStr
from ingest.lanes.reader import open_worker
from ingest.settings import IngestSettings
from schemas import catalogue
from storage.settings import StorageSettings
bootstrap, dsn, settings = sys.argv[1:]
worker = open_worker(
    IngestSettings.model_validate_json(settings),
    StorageSettings(),
    bootstrap=bootstrap,
    dsn=SecretStr(dsn),
    catalogue=catalogue.default(),
)
print("ready", flush=True)
worker.run(threading.Event(), progress=lambda done: print(done.batches, flush=True))
"""

VEHICLES = 12
FRAMES = 20
SMALL_BATCHES = {"batch_frames": 100, "batch_seconds": 0.05}


@contextmanager
def child(bench: Bench, **changes: object) -> Iterator[subprocess.Popen[str]]:
    """A worker in a process of its own, killed at the end if not before."""
    settings = bench.settings.model_copy(update={**SMALL_BATCHES, **changes})
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            CHILD,
            bench.bootstrap,
            bench.dsn.get_secret_value(),
            settings.model_dump_json(),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def said(process: subprocess.Popen[str]) -> str:
    """The next line of a child, "" when it has ended."""
    assert process.stdout is not None
    return process.stdout.readline()


class Fleet:
    """Vehicles that send messages, some of them late, repeated or worthless; all is in a ledger."""

    def __init__(self, bench: Bench, seed: int | None = None) -> None:
        self.ledger = Ledger(bench.catalogue)
        self.rng = np.random.default_rng(seed)
        self.sent = 0
        self._bench = bench
        self._vins = new_vins(VEHICLES)
        self._next_us = ago_us(3600)

    def send(self, rounds: int) -> None:
        """Let every vehicle send so many messages."""
        note, late_by_us = self.ledger.message, 5 * 3600 * SECOND_US
        for _ in range(rounds):
            messages = [note(vin, self._next_us, FRAMES, self.rng) for vin in self._vins]
            # Every fifth message is sent once more, as an uplink does that missed its answer.
            messages += messages[::5]
            messages.append(note(self._vins[0], self._next_us - late_by_us, FRAMES, self.rng))
            self._bench.send(*messages)
            key = self._vins[0].encode()
            self.ledger.dead |= set(self._bench.send_raw((key, self.rng.bytes(30), [])))
            self.sent += len(messages) + 1
            self._next_us += FRAMES * SECOND_US

    def send_until(self, condition: Callable[[], bool], what: str) -> None:
        """Go on sending until something is so."""
        until = time.monotonic() + 60  # processes that start, on cores that others use as well
        while not condition():
            assert time.monotonic() < until, f"{what} did not come to be"
            self.send(1)
            time.sleep(0.2)


def check(bench: Bench, ledger: Ledger) -> None:
    """Tables and letters hold exactly what the ledger says."""
    vins = sorted({vin for vin, _ in ledger.values})
    assert bench.rows(*vins) == ledger.values
    assert {source(letter) for letter in bench.letters()} == ledger.dead


def test_killed_at_random_moments_nothing_is_lost_or_doubled(bench: Bench) -> None:
    fleet = Fleet(bench)
    fleet.send(30)
    stands = []
    for number in range(5):
        # The offsets are the database's, so that a worker may even come with another group: it
        # need not wait until Kafka has missed the dead one.
        with child(bench, group=f"{bench.settings.group}.{number}") as process:
            assert said(process) == "ready\n"
            assert said(process) != ""
            time.sleep(fleet.rng.uniform(0, 0.25))
            process.send_signal(signal.SIGKILL)
            process.wait()
        stands.append(sum(bench.offsets().values()))
    assert stands == sorted(stands)
    assert 0 < stands[0] < fleet.sent, "the first kill was no kill in mid-run"
    bench.drain()
    assert sum(bench.offsets().values()) == fleet.sent
    check(bench, fleet.ledger)


def test_member_that_is_killed_hands_its_partitions_over(bench: Bench) -> None:
    fleet = Fleet(bench, seed=5)
    fleet.send(8)
    with running(bench.worker(**SMALL_BATCHES)) as survivor:
        wait_until(lambda: survivor.done.batches > 0, "the first batch")
        with child(bench) as process:
            assert said(process) == "ready\n"
            lines: list[str] = []
            listener = threading.Thread(target=lambda: lines.append(said(process)))
            listener.start()
            fleet.send_until(lambda: bool(lines), "a batch of the second member")
            listener.join()
            assert lines[0], "the second member ended"
        wait_until(lambda: sum(bench.offsets().values()) == fleet.sent, "all taken in")
    check(bench, fleet.ledger)


@pytest.mark.parametrize("write_s", [0.0, 0.2], ids=["at speed", "with slow writes"])
def test_members_that_come_and_go_under_load_lose_and_double_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, write_s: float
) -> None:
    write = FrameWriter.write_prepared

    def slow_write(self: FrameWriter, prepared: Prepared) -> None:
        time.sleep(write_s)  # so that a batch is in flight whenever partitions move
        write(self, prepared)

    monkeypatch.setattr(FrameWriter, "write_prepared", slow_write)
    monkeypatch.setattr("ingest.worker.PATIENCE_S", 0.05)
    fleet = Fleet(bench, seed=6)
    fleet.send(6)
    settings = {"batch_frames": 500, "batch_seconds": 0.05}
    with running(bench.worker(**settings)) as first:
        wait_until(lambda: first.done.batches > 0, "the first batch")
        for _ in range(2):
            with running(bench.worker(**settings)) as second:
                fleet.send_until(lambda: second.done.batches > 0, "a batch of the second member")
        wait_until(lambda: sum(bench.offsets().values()) == fleet.sent, "all taken in")
    check(bench, fleet.ledger)


def test_two_that_both_believe_to_own_a_partition_fence_each_other_and_go_on(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    # Two groups know nothing of each other: each worker owns every partition all the time, as one
    # does that slept through a rebalance.
    fleet = Fleet(bench, seed=7)
    other = {**SMALL_BATCHES, "group": f"{bench.settings.group}.other"}
    with running(bench.worker(**SMALL_BATCHES)) as one, running(bench.worker(**other)) as two:
        for _ in range(10):
            fleet.send(1)
            time.sleep(0.1)
        wait_until(lambda: sum(bench.offsets().values()) == fleet.sent, "all taken in")
        wait_until(lambda: one.done.messages + two.done.messages == fleet.sent, "every account")
    assert "another worker has taken the partition over" in caplog.text
    assert sum(bench.counts("messages").values()) == fleet.sent
    check(bench, fleet.ledger)
