from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from servers import processes
from tests.asking.patience import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TERM_THEN_KILL: processes.Stopping = ((signal.SIGTERM, 0.5), (signal.SIGKILL, 10.0))

STUBBORN = """
import signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
time.sleep(60)
"""


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["/bin/sleep", "60"]) as process:
        yield process
        process.kill()


def known(pid: int) -> processes.ProcessIdentity:
    identity = processes.identify(pid)
    assert identity is not None
    return identity


def test_a_recycled_process_id_is_not_ours_and_is_left_alone(
    sleeper: subprocess.Popen[bytes],
) -> None:
    now = known(sleeper.pid)
    earlier = replace(now, started_s=now.started_s - 60)  # whoever had the id a minute before
    assert not processes.is_alive(earlier)
    assert not processes.stop(earlier, TERM_THEN_KILL)
    assert sleeper.poll() is None


def test_a_process_is_known_again_from_id_and_start(sleeper: subprocess.Popen[bytes]) -> None:
    assert processes.is_alive(known(sleeper.pid))


def test_a_process_that_ended_and_was_not_reaped_is_not_alive(
    sleeper: subprocess.Popen[bytes],
) -> None:
    identity = known(sleeper.pid)
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert not processes.is_alive(identity)


def test_nobody_has_the_id_of_a_process_that_is_gone() -> None:
    with subprocess.Popen(["/bin/true"]) as gone:
        gone.wait()
    assert processes.identify(gone.pid) is None


def test_a_daemon_leads_its_own_session_and_writes_to_its_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("before\n")
    daemon = processes.spawn(
        ["/bin/sh", "-c", "echo out; echo err >&2; exec sleep 60"],
        environment=os.environ,
        log=log,
    )
    try:
        wait_until(lambda: processes.last_lines(log, 3) == "before\nout\nerr", "its words")
        assert processes.last_lines(log, 3) == "before\nout\nerr"
        assert os.getsid(daemon.pid) == daemon.pid
    finally:
        assert processes.stop(daemon, TERM_THEN_KILL)
    assert processes.identify(daemon.pid) is None


def test_a_process_that_ignores_the_first_signal_gets_the_next(tmp_path: Path) -> None:
    log = tmp_path / "log"
    deaf = processes.spawn([sys.executable, "-c", STUBBORN], environment=os.environ, log=log)
    wait_until(lambda: processes.last_lines(log, 1) == "deaf", "its word")
    begun = time.monotonic()
    assert processes.stop(deaf, TERM_THEN_KILL)
    assert time.monotonic() - begun >= 0.5  # the patience after SIGTERM was used up
    assert not processes.is_alive(deaf)


def test_a_process_works_in_the_folder_it_was_given(tmp_path: Path) -> None:
    script = "import time; print(flush=True); time.sleep(60)"
    command = [sys.executable, "-c", script, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()  # the program runs: the system shows its arguments
            assert processes.works_in(process.pid, tmp_path)
            assert not processes.works_in(process.pid, tmp_path / "other")
        finally:
            process.kill()


def test_last_lines_are_the_last_and_a_missing_log_has_none(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("1\n2\n3\n")
    assert processes.last_lines(log, 2) == "2\n3"
    assert processes.last_lines(tmp_path / "none", 2) == ""
